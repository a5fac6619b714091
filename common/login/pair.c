/* pair.c - see pair.h */
#include "lockstep-config.h"

#include "login/pair.h"
#include "state/marks.h"

/* So often a person mistypes, and gets it right. */
enum { PARDONS_PER_DAY = 3, DAY_MS = 24 * 3600 * 1000 };

static bool find_pair(const struct ls_state *state, uint64_t subject,
		      uint64_t other, struct ls_ref *ref_r)
{
	return ls_table_find(&state->guard.subjects,
			     ls_key_mix(LS_KIND_PAIR, subject, other), LS_KIND_PAIR,
			     ref_r) == 0;
}

bool ls_pair_is_counted(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t now)
{
	struct ls_ref ref;

	return find_pair(state, subject, other, &ref) &&
	       ls_slot_get(&ref, LS_WORD_UNTIL + speed) > now;
}

bool ls_pair_count(const struct ls_state *state, uint64_t subject,
		   uint64_t other, unsigned speed, uint64_t until, uint64_t now,
		   struct ls_ref *pair_r)
{
	struct ls_ref own, *ref = pair_r != NULL ? pair_r : &own;

	/* No room to remember it: then it counts, this time too. */
	if (ls_state_claim(state, LS_KIND_PAIR, ls_key_mix(LS_KIND_PAIR, subject, other),
			   now, false, ref) < 0) {
		ref->slot = NULL;
		return true;
	}
	if (ls_slot_get(ref, LS_WORD_UNTIL + speed) > now)
		return false;
	ls_slot_set(ref, LS_WORD_UNTIL + speed, until);
	return true;
}

void ls_pair_keep(const struct ls_state *state, uint64_t subject,
		  uint64_t other, uint64_t until, uint64_t now)
{
	struct ls_ref ref;

	if (ls_state_claim(state, LS_KIND_PAIR, ls_key_mix(LS_KIND_PAIR, subject, other),
			   now, false, &ref) == 0)
		ls_slot_raise(&ref, LS_WORD_UNTIL, until);
}

void ls_pair_forget(const struct ls_state *state, uint64_t subject,
		    uint64_t other)
{
	struct ls_ref ref;

	if (find_pair(state, subject, other, &ref))
		ls_slot_set(&ref, LS_WORD_UNTIL, 0);
}

void ls_pair_charged(const struct ls_ref *pair, unsigned speed,
		     uint64_t charged_at)
{
	if (pair->slot != NULL)
		ls_slot_set(pair, LS_WORD_CHARGED + speed, charged_at);
}

uint64_t ls_pair_pardon(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t since,
			uint64_t now)
{
	static const struct ls_limit pardons = { PARDONS_PER_DAY, DAY_MS };
	const struct ls_rate rate = ls_rate_of(&pardons);
	uint64_t until, ignored;
	struct ls_ref ref;

	if (!find_pair(state, subject, other, &ref))
		return 0;
	until = ls_slot_get(&ref, LS_WORD_UNTIL + speed);
	if (until <= now || until < since ||
	    ls_slot_charge(&ref, LS_WORD_PARDONS + speed, now, &rate, false,
			   &ignored) != LS_TAKEN)
		return 0;
	ls_slot_set(&ref, LS_WORD_UNTIL + speed, 0);
	return ls_slot_get(&ref, LS_WORD_CHARGED + speed);
}
