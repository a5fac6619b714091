/* settle.c - what the outcome of an attempt does
 *
 * A success gets its charges back and makes its place familiar. A failure
 * keeps them, and locks what it has filled. What says nothing about the
 * password (the backend failed, the client left before it sent a proof) is as
 * if it had never been. */
#include "lockstep-config.h"

#include "visit.h"

enum {
	RESETS_PER_DAY = 2,
	DAY_MS = 24 * 3600 * 1000,
	STAMP_AGE_MS = 3600 * 1000, /* a stamp this fresh is not renewed */
};

/* The right password: the place is familiar, and its fast meter is emptied, so
 * that somebody who mistyped starts afresh; but not so often that the owner's
 * phone would wipe away what a guesser in the same net does: that is metered
 * too, two at once, then one in twelve hours. */
static void succeed(struct ls_visit *visit)
{
	static const enum ls_kind kinds[] = { LS_KIND_PLACE, LS_KIND_IP,
					      LS_KIND_NET };
	static const struct ls_limit resets = { RESETS_PER_DAY, DAY_MS };
	const struct ls_rate rate = ls_rate_of(&resets);
	struct ls_state *state = visit->state;
	uint64_t until = visit->now + visit->policy->familiar_ms, ignored;
	const struct ls_ref *ref;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		enum ls_kind kind = kinds[i];

		if (visit->known[kind] &&
		    ls_slot_get(&visit->ref[kind], LS_WORD_FAMILIAR) +
				    STAMP_AGE_MS > until)
			continue;
		ls_state_familiar(state, kind, visit->key[kind], until,
				  visit->now);
	}
	ref = ls_visit_reach(visit, LS_KIND_PLACE);
	if (ref != NULL &&
	    ls_slot_get(ref, LS_WORD_FAILURES) > visit->now &&
	    ls_slot_charge(ref, LS_WORD_RESETS, visit->now, &rate, false,
			   &ignored) == LS_TAKEN)
		ls_slot_set(ref, LS_WORD_FAILURES, 0);
}

/* Lock the subject of a meter that has no room for one more. */
static void lock_if_full(struct ls_visit *visit,
			 const struct ls_meter_use *meter)
{
	const struct ls_ref *ref = ls_visit_reach(visit, meter->kind);
	struct ls_lock_order order = {
		.length = ls_lock_range(meter->kind, visit->policy),
		.strike_fades_ms = visit->policy->strike_fades_ms,
		.reason = meter->reason,
		.origin = LS_ORIGIN_RULE,
	};
	struct ls_subject subject;
	uint64_t empty_at;

	if (ref == NULL)
		return;
	empty_at = ls_slot_get(ref, meter->word);
	if (ls_meter_has_room(empty_at, visit->now, &meter->rate))
		return;
	order.not_before = ls_meter_room_at(empty_at, &meter->rate);
	ls_visit_subject(visit, meter->kind, &subject);
	ls_state_lock(visit->state, &subject, visit->key[meter->kind], &order,
		      NULL, visit->now);
}

/* A wrong guess: its charges stay. A familiar place was charged on its own
 * meters alone; its address and net answer for it too, without a word in it. */
static void fail(struct ls_visit *visit, struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < visit->meters->count; i++) {
		const struct ls_meter_use *meter = &visit->meters->use[i];
		bool widely = meter->kind == LS_KIND_IP ||
			      meter->kind == LS_KIND_NET;

		if ((widely && visit->policy->trusted != 0) ||
		    (ticket->familiar && meter->kind == LS_KIND_USER))
			continue;
		if (widely && ticket->familiar)
			ls_visit_charge(visit, meter, true, ticket);
		lock_if_full(visit, meter);
	}
}

void ls_settle(struct ls_state *state, struct ls_ticket *ticket,
	       enum ls_outcome outcome, uint64_t now_ms)
{
	const struct ls_attempt attempt = {
		.service = ticket->service,
		.mech = ticket->mech,
		.user = ticket->user,
		.ip = ticket->ip,
	};
	const struct ls_decision decision = { .verdict = LS_ADMIT,
					      .wanted = ticket->wanted,
					      .reason = ticket->reason,
					      .kind = ticket->kind };
	struct ls_visit visit;

	if (!ticket->open)
		return;
	ticket->open = false;
	ls_visit_resume(&visit, state, ticket,
			ls_map_now(&state->guard, now_ms));
	switch (outcome) {
	case LS_OUTCOME_SUCCESS:
		ls_visit_refund(&visit, ticket);
		succeed(&visit);
		break;
	case LS_OUTCOME_WRONG:
		fail(&visit, ticket);
		break;
	default:
		ls_visit_refund(&visit, ticket);
	}
	ls_visit_journal(&visit, LS_EVENT_LOGIN, &attempt, &decision, outcome);
}
