/* settle.c - what the outcome of an attempt does
 *
 * A success gets its charges back and makes its place familiar (success.c). A
 * failure keeps them, and locks what it has filled. What says nothing about the
 * password (the backend failed, the client left before it sent a proof) is as
 * if it had never been. */
#include "lockstep-config.h"

#include "login/pair.h"
#include "login/success.h"
#include "state/marks.h"

#include <string.h>

/* Lock the subject of a meter that has no room for one more, but for what is in
 * flight: that may yet turn out to be right. Returns whether it has none. */
static bool lock_if_full(struct ls_visit *visit,
			 const struct ls_meter_use *meter, unsigned in_flight)
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
		return false;
	if (meter->kind == LS_KIND_PLACE &&
	    ls_slot_get(ref, LS_WORD_FAMILIAR) > visit->now) {
		/* A part of a limit refuses, and locks nobody out. */
		if (visit->part)
			return false;
		/* Whoever shares the place's network can bring this about again
		 * and again: it must not last longer each time. */
		order.length.max_ms = order.length.min_ms;
	}
	empty_at = ls_slot_get(ref, meter->word);
	if (!ls_judge_is_filled(empty_at, in_flight, &meter->rate, visit->now))
		return false;
	order.not_before = ls_meter_room_at(empty_at, &meter->rate);
	ls_visit_subject(visit, meter->kind, &subject);
	ls_state_lock(visit->state, &subject, visit->key[meter->kind], &order,
		      NULL, visit->now);
	return true;
}

static bool is_held(const struct ls_ticket *ticket,
		    const struct ls_meter_use *meter)
{
	for (unsigned i = 0; i < ticket->charges; i++)
		if (ticket->charge[i].kind == meter->kind &&
		    ticket->charge[i].word == meter->word)
			return true;
	return false;
}

/* A wrong guess: its charges stay, and those that were not due before are taken
 * now, room or not. */
static void fill_failures(struct ls_visit *visit, struct ls_ticket *ticket)
{
	const struct ls_meters *meters = visit->meters;

	for (unsigned i = 0; i < meters->failures_count; i++) {
		const struct ls_meter_use *meter = &meters->failures[i];

		if (!(ticket->due & LS_DUE(meter->kind, meter->word)) ||
		    (ticket->familiar && meter->kind != LS_KIND_PLACE &&
		     ls_visit_is_trusted(visit)))
			continue;
		if (!is_held(ticket, meter))
			ls_visit_charge(visit, meter, true, NULL);
		lock_if_full(visit, meter,
			     ls_inflight_get(visit->state->inflight,
					     visit->key[meter->kind])
				     .failures);
	}
}

/* Does the password count as tried on one account more? Not on a name that no passdb
 * knows: else ten names that somebody made up would lock a password for its owner. */
static bool counts_for_guess(const struct ls_visit *visit,
			     const struct ls_ticket *ticket,
			     enum ls_outcome outcome)
{
	return visit->key[LS_KIND_GUESS] != 0 && !ticket->familiar &&
	       !ticket->unsure && outcome != LS_OUTCOME_UNKNOWN;
}

/* A wrong guess: one account more that this address, this network and, of strangers,
 * this password failed at, if it is the first of this pair. */
static void count_account(struct ls_visit *visit,
			  const struct ls_ticket *ticket,
			  enum ls_outcome outcome)
{
	const struct ls_meters *meters = visit->meters;

	for (unsigned i = 0; i < meters->accounts_count; i++) {
		const struct ls_meter_use *count = &meters->accounts[i];
		uint64_t subject = visit->key[count->kind];
		unsigned speed = count->word - LS_WORD_ACCOUNTS;
		struct ls_ref pair;
		bool has_room;

		if (count->kind == LS_KIND_GUESS
			    ? !counts_for_guess(visit, ticket, outcome)
			    : ls_visit_is_trusted(visit))
			continue;
		/* Had the rule been enforced, nothing had been verified. */
		if (ticket->wanted == LS_DENY &&
		    meters->observed >> count->kind & 1)
			continue;
		if (!ls_pair_count(visit->state, subject,
				   visit->key[LS_KIND_USER], speed,
				   visit->now + count->rate.capacity_ms,
				   visit->now, &pair))
			continue;
		/* Of a count that is full already nothing can be given back. */
		has_room = ls_visit_charge(visit, count, false, NULL);
		if (!has_room)
			ls_visit_charge(visit, count, true, NULL);
		if (visit->known[count->kind])
			ls_pair_charged(
				&pair, speed,
				has_room ? ls_slot_get(&visit->ref[count->kind],
						       count->word)
					 : 0);
		if (lock_if_full(visit, count, 0))
			ls_visit_go_over(visit, ticket, count);
	}
}

/* Is it the wrong password of an attempt that was in flight beside this one, and
 * has settled? */
static bool is_known_by_now(struct ls_visit *visit,
			    const struct ls_ticket *ticket)
{
	ls_visit_reach(visit, LS_KIND_PLACE);
	return ls_visit_knows(visit, ticket->print);
}

/* Does a passdb know the name? While its meters are charged, what it takes of the
 * table depends on that. That an alias is gone says nothing of its account. */
static void note_name(struct ls_visit *visit, enum ls_outcome outcome)
{
	const struct ls_ref *user = &visit->ref[LS_KIND_USER];
	uint64_t until = 0, old;

	if (!visit->known[LS_KIND_USER] ||
	    (visit->aliased && outcome == LS_OUTCOME_UNKNOWN))
		return;
	old = ls_slot_get(user, LS_WORD_UNKNOWN);
	if (outcome == LS_OUTCOME_UNKNOWN)
		until = ls_slot_get(user, LS_WORD_FAILURES_SLOW) >
					ls_slot_get(user, LS_WORD_FAILURES)
				? ls_slot_get(user, LS_WORD_FAILURES_SLOW)
				: ls_slot_get(user, LS_WORD_FAILURES);
	if (old != until)
		ls_slot_set(user, LS_WORD_UNKNOWN, until);
}

static void settle_failure(struct ls_visit *visit, struct ls_ticket *ticket,
			   enum ls_outcome outcome)
{
	const struct ls_meter_use *repeats = &visit->meters->repeats;

	ls_visit_refund(visit, ticket, LS_KEEP_FAILURES);
	if (ticket->repeat) {
		/* A place keeps it as long as it is kept; else it is new. */
		if (visit->ip == NULL)
			ls_visit_note_wrong(visit, ticket->print,
					    ticket->unsure);
		return;
	}
	ls_visit_widen(visit);
	if (is_known_by_now(visit, ticket)) {
		/* One wrong password is one guess, however many connections
		 * try it at once. */
		ls_visit_refund(visit, ticket, LS_KEEP_NOTHING);
		if (repeats->rate.emission_ms > 0)
			ls_visit_charge(visit, repeats, true, NULL);
		ticket->repeat = true;
		return;
	}
	fill_failures(visit, ticket);
	if (outcome != LS_OUTCOME_UNKNOWN)
		ls_visit_fail_local(visit, ticket);
	note_name(visit, outcome);
	ls_visit_note_wrong(visit, ticket->print, ticket->unsure);
	count_account(visit, ticket, outcome);
	if (!ticket->unsure)
		ls_visit_note_spray(visit);
}

/* A wrong password that has become right: a login that nobody expected. */
static void count_login(struct ls_visit *visit)
{
	const struct ls_meters *meters = visit->meters;

	for (unsigned i = 0; i < meters->logins_count; i++)
		if (meters->logins[i].kind == LS_KIND_USER)
			ls_visit_charge(visit, &meters->logins[i], true, NULL);
}

/* What the rules said, as the journal has it. A repeat is named: it was not
 * charged. */
static struct ls_decision decision_of(const struct ls_ticket *ticket)
{
	struct ls_decision decision = { .verdict = LS_ADMIT,
					.wanted = ticket->wanted,
					.reason = ticket->reason,
					.kind = ticket->kind };

	if (ticket->repeat && ticket->wanted == LS_ADMIT) {
		decision.reason = LS_REASON_REPEATS;
		decision.kind = ticket->nowhere ? LS_KIND_USER : LS_KIND_PLACE;
	}
	return decision;
}

/* What a success tells of the way it came, and goes. */
static unsigned marks_of(const struct ls_visit *visit,
			 const struct ls_ticket *ticket)
{
	unsigned marks = ticket->marks;

	/* Postfix calls itself smtp, or what smtpd_sasl_service says. */
	if (visit->ip != NULL && marks & LS_MARK_FOREIGN &&
	    (strcmp(ticket->service, "smtp") == 0 ||
	     strcmp(ticket->service, "submission") == 0) &&
	    !ls_asked_lately(visit->state->guard.asked,
			     visit->key[LS_KIND_IP], visit->now))
		marks |= LS_MARK_UNASKED;
	return marks;
}

static void journal_outcome(struct ls_visit *visit,
			    const struct ls_ticket *ticket,
			    enum ls_outcome outcome)
{
	const struct ls_attempt attempt = {
		.service = ticket->service,
		.mech = ticket->mech,
		.user = ticket->user,
		.ip = ticket->ip,
	};
	struct ls_decision decision = decision_of(ticket);

	ls_visit_journal(visit, LS_EVENT_LOGIN, &attempt, &decision, outcome,
			 ticket->failed);
}

void ls_settle(struct ls_state *state, struct ls_ticket *ticket,
	       enum ls_outcome outcome, uint64_t now_ms)
{
	struct ls_visit visit;

	if (!ticket->open)
		return;
	ticket->open = false;
	ls_visit_resume(&visit, state, ticket,
			ls_map_now(&state->guard, now_ms));
	ls_visit_arrive(&visit, ticket);
	switch (outcome) {
	case LS_OUTCOME_SUCCESS:
		ls_visit_refund(&visit, ticket, LS_KEEP_LOGINS);
		if (ticket->repeat)
			count_login(&visit);
		ls_succeed(&visit, ticket);
		visit.marks = marks_of(&visit, ticket);
		break;
	case LS_OUTCOME_WRONG:
	case LS_OUTCOME_UNKNOWN:
		settle_failure(&visit, ticket, outcome);
		break;
	case LS_OUTCOME_UNVERIFIED:
		ls_backend_unverified(&state->guard, visit.now);
		/* fall through */
	default:
		ls_visit_refund(&visit, ticket, LS_KEEP_NOTHING);
	}
	journal_outcome(&visit, ticket, outcome);
}

void ls_settle_late(struct ls_state *state, struct ls_ticket *ticket,
		    uint64_t now_ms)
{
	struct ls_visit visit;

	if (ticket->open || !state->guard.writable)
		return;
	ls_visit_resume(&visit, state, ticket,
			ls_map_now(&state->guard, now_ms));
	ls_visit_widen(&visit);
	count_login(&visit);
	ls_succeed(&visit, ticket);
	visit.marks = marks_of(&visit, ticket);
	journal_outcome(&visit, ticket, LS_OUTCOME_SUCCESS);
}
