/* inside.c - guesses from inside a familiar network; see visit.h
 *
 * A place is an account seen from a whole network, and locks on others do not touch
 * it. So whoever has an address in such a network, or shares one (a webmail host, an
 * office), could guess at each account that is familiar there, as often as the limits
 * of all those places allow. What stands against it:
 *
 *   near        From an address at which the account never logged in (home.h) a
 *               quarter of the place's meters can be filled, and no more: so it locks
 *               nobody out who is at home there.
 *   over        The address or its network has failed at too many distinct accounts
 *               (`accounts`), familiar ones too. Then each familiar place there has a
 *               quarter of its limit; a password that failed from the address at one
 *               account is refused at any other; an address that is only near is a
 *               stranger's; and an alarm is told.
 *   clean       No other account has failed from the address. Then what its network
 *               fails at is nothing to it: else whoever guesses in the network of a
 *               mobile carrier would shut out its familiar people, who have a new
 *               address there each day.
 *   pardon      Many people behind one address mistype each day. But they get it
 *               right in the end: a failure that its account's success follows within
 *               minutes is taken out of the counts again. A guesser's is, too, where
 *               the account's owner logs in all day (a webmail): so only three a day
 *               of each account.
 *
 * None of it is looked for at a login from an address on record while no network near
 * it is over its count: one number in the map's header tells that. */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/pair.h"
#include "login/visit.h"
#include "state/marks.h"

enum {
	SPRAY_KEEP_MS = 24 * 3600 * 1000,
	PARDON_MS = 10 * 60 * 1000,
};

/* ---- near, and over --------------------------------------------------- */

/* A rule that only observes has no consequence, unless nothing has. */
static bool is_place_over(const struct ls_visit *visit, enum ls_kind kind)
{
	return visit->known[kind] &&
	       ls_slot_get(&visit->ref[kind], LS_WORD_OVER) > visit->now &&
	       (visit->policy->mode == LS_MODE_OBSERVE ||
		!(visit->meters->observed >> kind & 1));
}

static bool is_either_over(const struct ls_visit *visit)
{
	return (is_place_over(visit, LS_KIND_IP) ||
		is_place_over(visit, LS_KIND_NET)) &&
	       !ls_visit_is_trusted(visit);
}

/* Has another account failed from the address? As long as its counts hold it; where
 * it has none, nothing is known in its favour. */
static bool has_failed_elsewhere(const struct ls_visit *visit)
{
	const struct ls_meters *meters = visit->meters;
	bool is_counted = false;

	for (unsigned i = 0; i < meters->accounts_count; i++) {
		const struct ls_meter_use *count = &meters->accounts[i];
		uint64_t level;

		if (count->kind != LS_KIND_IP)
			continue;
		is_counted = true;
		if (!visit->known[LS_KIND_IP])
			continue;
		level = ls_meter_level(ls_slot_get(&visit->ref[LS_KIND_IP],
						   count->word),
				       visit->now, &count->rate);
		if (level > 1 ||
		    (level == 1 &&
		     !ls_pair_is_counted(visit->state, visit->key[LS_KIND_IP],
					 visit->key[LS_KIND_USER],
					 count->word - LS_WORD_ACCOUNTS,
					 visit->now)))
			return true;
	}
	return !is_counted;
}

void ls_visit_divide(struct ls_visit *visit)
{
	struct ls_meters *meters = &visit->own_meters;
	struct ls_limit *limits = visit->own.place.failures;

	if (visit->policy != &visit->own) {
		visit->own = *visit->policy;
		*meters = *visit->meters;
	}
	visit->part = true;
	visit->policy = &visit->own;
	visit->meters = meters;
	for (unsigned speed = 0; speed < LS_SPEEDS; speed++)
		limits[speed] = ls_limit_part(limits[speed],
					      LS_PLACE_PART);
	for (unsigned i = 0; i < meters->failures_count; i++) {
		struct ls_meter_use *use = &meters->failures[i];

		if (use->kind == LS_KIND_PLACE)
			use->rate = ls_rate_of(
				&limits[use->word - LS_WORD_FAILURES]);
	}
}

void ls_visit_look_inside(struct ls_visit *visit)
{
	bool held;

	if (!visit->narrow) /* no familiar place */
		return;
	visit->home = ls_home_of(&visit->ref[LS_KIND_PLACE],
				 visit->state->guard.hash_key, visit->ip);
	visit->near = visit->home == LS_HOME_OTHER;
	if (!visit->near &&
	    !ls_map_may_be_over(&visit->state->guard, visit->key[LS_KIND_NET],
				visit->now))
		return;
	ls_visit_widen(visit);
	visit->near = visit->near && !ls_visit_is_trusted(visit);
	visit->over = is_either_over(visit);
	if (visit->near || visit->over)
		visit->clean = !has_failed_elsewhere(visit);
	held = visit->over &&
	       (!visit->clean || is_place_over(visit, LS_KIND_IP));
	visit->estranged = visit->near && held;
	if (held && !visit->near)
		ls_visit_divide(visit);
}

/* ---- one password at many accounts ------------------------------------ */

uint64_t ls_visit_spray_key(const struct ls_visit *visit)
{
	return ls_key_mix(LS_KIND_SPRAY, visit->key[LS_KIND_IP],
			  visit->key[LS_KIND_GUESS]);
}

/* As much of the account's key as the slot has; 0 stands for several accounts. */
static uint64_t inside_account(const struct ls_visit *visit)
{
	return (visit->key[LS_KIND_USER] & UINT32_MAX) | 1;
}

bool ls_visit_is_spray_flying(const struct ls_visit *visit)
{
	const struct ls_inflight *inflight = visit->state->inflight;
	struct ls_flight flight;

	if (visit->key[LS_KIND_GUESS] == 0 || inflight == NULL)
		return false;
	flight = ls_inflight_get(inflight, ls_visit_spray_key(visit));
	return flight.other > 0 || (flight.same > 0 &&
				    flight.account != visit->key[LS_KIND_USER]);
}

void ls_visit_depart_inside(const struct ls_visit *visit,
			    struct ls_ticket *ticket)
{
	struct ls_inflight *inflight = visit->state->inflight;

	if (visit->key[LS_KIND_GUESS] == 0)
		return;
	ticket->key[LS_KIND_SPRAY] = ls_visit_spray_key(visit);
	ticket->spraying =
		ls_inflight_add(inflight, ticket->key[LS_KIND_SPRAY], false,
				visit->key[LS_KIND_USER]);
}

void ls_visit_arrive_inside(const struct ls_visit *visit,
			    struct ls_ticket *ticket)
{
	struct ls_inflight *inflight = visit->state->inflight;

	ls_inflight_remove(inflight, ticket->key[LS_KIND_SPRAY], false,
			   visit->key[LS_KIND_USER]);
	ticket->spraying = false;
}

bool ls_visit_is_spray(const struct ls_visit *visit)
{
	struct ls_ref ref;

	return visit->key[LS_KIND_GUESS] != 0 &&
	       ls_table_find(&visit->state->guard.subjects,
			     ls_visit_spray_key(visit), LS_KIND_SPRAY,
			     &ref) == 0 &&
	       ls_slot_get(&ref, LS_WORD_UNTIL) > visit->now &&
	       ls_slot_get(&ref, LS_WORD_OF) != inside_account(visit);
}

void ls_visit_note_spray(struct ls_visit *visit)
{
	uint64_t account = inside_account(visit);
	struct ls_ref ref;

	/* Before that nobody asks: a slot for each wrong guess would be too many. */
	if (visit->key[LS_KIND_GUESS] == 0 || !is_either_over(visit) ||
	    ls_state_claim(visit->state, LS_KIND_SPRAY, ls_visit_spray_key(visit),
			   visit->now, false, &ref) < 0)
		return;
	if (ls_slot_get(&ref, LS_WORD_UNTIL) > visit->now &&
	    ls_slot_get(&ref, LS_WORD_OF) != account)
		account = 0;
	ls_slot_set(&ref, LS_WORD_OF, account);
	ls_slot_set(&ref, LS_WORD_UNTIL, visit->now + SPRAY_KEEP_MS);
}

/* ---- the counts -------------------------------------------------------- */

static void journal_alarm(const struct ls_visit *visit,
			  const struct ls_ticket *ticket,
			  const struct ls_meter_use *count, uint64_t until)
{
	struct ls_record record = {
		.at_ms = visit->now,
		.until_ms = until,
		.event = LS_EVENT_ALARM,
		.outcome = LS_OUTCOME_WRONG,
		.reason = count->reason,
	};

	ls_visit_subject(visit, count->kind, &record.subject);
	ls_copy(record.service, sizeof(record.service), ticket->service);
	ls_copy(record.mech, sizeof(record.mech), ticket->mech);
	ls_ring_append(&visit->state->guard.journal, &record);
}

/* Raise one of the two times, if it has passed. Of any number of processes one
 * succeeds. */
static bool begin_until(const struct ls_visit *visit, const struct ls_ref *ref,
			unsigned word, uint64_t until)
{
	uint64_t old = ls_slot_get(ref, word);

	return old <= visit->now &&
	       ls_slot_swap(ref, word, old, until) == LS_TAKEN;
}

void ls_visit_go_over(struct ls_visit *visit, const struct ls_ticket *ticket,
		      const struct ls_meter_use *count)
{
	const struct ls_ref *ref = ls_visit_reach(visit, count->kind);
	struct ls_lock_word lock;
	uint64_t until;

	if (count->kind == LS_KIND_GUESS || ref == NULL)
		return;
	/* As long as the lock on strangers that it brings about. */
	until = visit->now + ls_lock_range(count->kind, visit->policy).min_ms;
	lock = ls_lock_unpack(ls_slot_get(ref, LS_WORD_LOCK));
	if (lock.origin == LS_ORIGIN_RULE && lock.until > until)
		until = lock.until;
	begin_until(visit, ref, LS_WORD_OVER, until);
	until = ls_slot_get(ref, LS_WORD_OVER);
	/* Each time: whoever began it may have been killed before this. */
	ls_map_note_over(&visit->state->guard, visit->key[LS_KIND_NET], until);
	if ((ticket->familiar || ticket->estranged) &&
	    begin_until(visit, ref, LS_WORD_OVER_ALARMED, until))
		journal_alarm(visit, ticket, count, until);
}

void ls_visit_pardon(struct ls_visit *visit)
{
	const struct ls_table *table = &visit->state->guard.subjects;

	for (unsigned i = 0; i < visit->meters->accounts_count; i++) {
		const struct ls_meter_use *count = &visit->meters->accounts[i];
		uint64_t charged, since = visit->now - PARDON_MS;
		struct ls_ref ref;

		if (count->kind == LS_KIND_GUESS)
			continue;
		charged = ls_pair_pardon(visit->state, visit->key[count->kind],
					 visit->key[LS_KIND_USER],
					 count->word - LS_WORD_ACCOUNTS,
					 since + count->rate.capacity_ms,
					 visit->now);
		if (charged > 0 &&
		    ls_table_find(table, visit->key[count->kind], count->kind,
				  &ref) == 0)
			ls_slot_refund(&ref, count->word, visit->now, charged,
				       count->rate.emission_ms);
	}
}
