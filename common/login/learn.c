/* learn.c - places that were familiar before Lockstep was there; see lockstep.h
 *
 * What a success writes, with the times of that success: until when the place is
 * familiar, since when it was seen, where it is, its account's name, and the
 * stamps of its address and network. No meter is touched, and nothing is journalled. */
#include "lockstep-config.h"

#include "login/visit.h"
#include "map/home.h"
#include "state/marks.h"

#include <string.h>

/* The map's clock as it was so long ago. A map's clock begins in the middle
 * of nowhere (LS_MAP_BIRTH_MS), and 0 means never. */
static uint64_t before(uint64_t now, uint64_t ago_ms)
{
	return ago_ms < now ? now - ago_ms : 1;
}

static bool is_user_on_probation(const struct ls_visit *visit)
{
	return visit->known[LS_KIND_USER] &&
	       ls_slot_get(&visit->ref[LS_KIND_USER], LS_WORD_PROBATION) >
		       visit->now;
}

static bool is_familiar(const struct ls_visit *visit)
{
	return visit->known[LS_KIND_PLACE] &&
	       ls_slot_get(&visit->ref[LS_KIND_PLACE], LS_WORD_FAMILIAR) >
		       visit->now;
}

/* Returns 0, or LS_EFULL. */
static int mark_seen(struct ls_visit *visit, uint64_t first, uint64_t until)
{
	static const enum ls_kind stamped[] = { LS_KIND_IP, LS_KIND_NET };
	struct ls_subject subject;
	struct ls_ref place;
	uint64_t seen;

	if (ls_state_claim(visit->state, LS_KIND_PLACE,
			   visit->key[LS_KIND_PLACE], visit->now, true,
			   &place) < 0)
		return LS_EFULL;
	seen = ls_slot_get(&place, LS_WORD_FIRST_SEEN);
	if (seen == 0 || seen > first)
		ls_slot_set(&place, LS_WORD_FIRST_SEEN, first);
	ls_home_add(&place, visit->state->guard.hash_key,
		    visit->key[LS_KIND_USER], visit->ip);
	ls_state_familiar(visit->state, LS_KIND_PLACE,
			  visit->key[LS_KIND_PLACE], until, visit->now);
	/* The account's name, for lists of places: they have none. */
	ls_visit_subject(visit, LS_KIND_USER, &subject);
	ls_label_put(&visit->state->guard.labels, visit->key[LS_KIND_USER],
		     &subject, LS_LABEL_NAME, until, visit->now);
	for (unsigned i = 0; i < sizeof(stamped) / sizeof(*stamped); i++)
		ls_state_familiar(visit->state, stamped[i],
				  visit->key[stamped[i]], until, visit->now);
	return 0;
}

int ls_learn(struct ls_state *state, const struct ls_past *past,
	     uint64_t now_ms, uint64_t real_ms, bool dry)
{
	const struct ls_policy *policy;
	struct ls_policy own;
	struct ls_addr ip = past->ip;
	struct ls_visit visit;
	uint64_t age_ms, now;
	int ret;

	if (past->user[0] == '\0' || past->first_real_ms > past->last_real_ms ||
	    past->last_real_ms > real_ms)
		return LS_EARG;
	if (!dry && !state->guard.writable)
		return LS_EACCES;
	age_ms = real_ms - past->last_real_ms;
	ls_addr_unwrap(&state->nat64, &ip);
	policy = ls_policy_file_lookup(state->policy, past->user, &ip, &own);
	if (age_ms >= policy->familiar_ms)
		return LS_LEARNT_OLD;
	if (state->guard.header == NULL)
		return LS_LEARNT;
	now = ls_map_now(&state->guard, now_ms);
	ls_visit_init(&visit, state, past->user, &ip, NULL, now);
	if (is_user_on_probation(&visit))
		return LS_LEARNT_DOUBTFUL;
	ret = is_familiar(&visit) ? LS_LEARNT_KNOWN : LS_LEARNT;
	if (!dry &&
	    mark_seen(&visit, before(now, real_ms - past->first_real_ms),
		      before(now, age_ms) + policy->familiar_ms) < 0)
		return LS_EFULL;
	return ret;
}
