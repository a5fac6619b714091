/* charge.c - what an attempt takes, gives back, and holds while it is in flight;
 * see visit.h */
#include "lockstep-config.h"

#include "login/visit.h"
#include "map/crowd.h"
#include "state/marks.h"

/* ---- charges ---------------------------------------------------------- */

const struct ls_ref *ls_visit_reach(struct ls_visit *visit, enum ls_kind kind)
{
	if (visit->known[kind] && ls_ref_stands(&visit->ref[kind]))
		return &visit->ref[kind];
	visit->known[kind] = ls_visit_has(visit, kind) &&
			     ls_state_claim(visit->state, kind,
					    visit->key[kind], visit->now,
					    false, &visit->ref[kind]) == 0;
	return visit->known[kind] ? &visit->ref[kind] : NULL;
}

static void note_charge(struct ls_ticket *ticket, enum ls_kind kind,
			unsigned word, uint64_t emission_ms,
			uint64_t charged_at)
{
	struct ls_charge *charge;

	if (ticket == NULL || ticket->charges == LS_TICKET_CHARGES)
		return;
	charge = &ticket->charge[ticket->charges];
	charge->charged_at = charged_at;
	charge->emission_ms = emission_ms;
	charge->kind = (uint8_t)kind;
	charge->word = (uint8_t)word;
	ticket->charges++;
}

static _Atomic uint64_t *crowd_of_kind(const struct ls_visit *visit,
				       unsigned kind)
{
	const struct ls_table *table = &visit->state->guard.subjects;

	return &table->crowd[ls_table_bucket(table, visit->key[kind])];
}

static bool is_in_crowd(const struct ls_ticket *ticket, enum ls_kind kind)
{
	for (unsigned i = 0; i < ticket->charges; i++)
		if (ticket->charge[i].kind == kind &&
		    ticket->charge[i].word == LS_WORD_CROWD)
			return true;
	return false;
}

/* A subject without a slot. What its failures would have been charged to is refused
 * where others like it have had their share; the rest goes uncounted. */
static bool charge_crowd(struct ls_visit *visit,
			 const struct ls_meter_use *meter,
			 struct ls_ticket *ticket)
{
	const struct ls_rate *rate = &visit->meters->crowd;
	_Atomic uint64_t *crowd = crowd_of_kind(visit, meter->kind);
	uint64_t charged_at;

	if (ticket == NULL || meter->word > LS_WORD_FAILURES_SLOW ||
	    is_in_crowd(ticket, meter->kind))
		return true;
	visit->crowded |= 1U << meter->kind;
	if (!ls_crowd_charge(crowd, visit->now, rate, &charged_at)) {
		ls_crowd_has_room(crowd, visit->now, rate, &visit->crowd_at);
		if (visit->crowd_at == 0)
			visit->crowd_at = visit->now;
		return false;
	}
	note_charge(ticket, meter->kind, LS_WORD_CROWD, rate->emission_ms,
		    charged_at);
	return true;
}

bool ls_visit_foresee_crowd(const struct ls_visit *visit,
			    const struct ls_judgement *judgement,
			    struct ls_decision *decision)
{
	const struct ls_meters *meters = visit->meters;
	bool crowded = false;

	for (unsigned i = 0; i < meters->failures_count; i++) {
		const struct ls_meter_use *meter = &meters->failures[i];
		uint64_t room_at;

		if (!(judgement->take & LS_DUE(meter->kind, meter->word)) ||
		    ls_table_has_room(&visit->state->guard.subjects,
				      visit->key[meter->kind], meter->kind,
				      visit->now))
			continue;
		crowded = true;
		if (decision->wanted != LS_ADMIT ||
		    meters->observed >> meter->kind & 1 ||
		    ls_crowd_has_room(crowd_of_kind(visit, meter->kind),
				      visit->now, &meters->crowd, &room_at))
			continue;
		decision->verdict = decision->wanted = LS_DENY;
		decision->kind = meter->kind;
		decision->reason = LS_REASON_CROWDED;
		decision->retry_ms = room_at;
	}
	return crowded;
}

/* A slot may be evicted under a charge, but hardly so often in a row. */
enum { CHARGE_TRIES = 16 };

bool ls_visit_charge(struct ls_visit *visit, const struct ls_meter_use *meter,
		     bool force, struct ls_ticket *ticket)
{
	const struct ls_ref *ref;
	uint64_t charged_at;

	visit->crowd_at = 0; /* of this meter, not of one that only observes */
	for (unsigned tries = 0; tries < CHARGE_TRIES; tries++) {
		ref = ls_visit_reach(visit, meter->kind);
		if (ref == NULL)
			break;
		switch (ls_slot_charge(ref, meter->word, visit->now,
				       &meter->rate, force, &charged_at)) {
		case LS_NO_ROOM:
			return false;
		case LS_GONE:
			continue;
		case LS_TAKEN:
			note_charge(ticket, meter->kind, meter->word,
				    meter->rate.emission_ms, charged_at);
			return true;
		}
	}
	return force || charge_crowd(visit, meter, ticket);
}

static bool is_kept(const struct ls_charge *charge, enum ls_keep keep)
{
	return keep != LS_KEEP_NOTHING &&
	       (charge->word == LS_WORD_LOGINS) == (keep == LS_KEEP_LOGINS);
}

void ls_visit_refund(const struct ls_visit *visit, struct ls_ticket *ticket,
		     enum ls_keep keep)
{
	uint8_t kept = 0;

	for (unsigned i = 0; i < ticket->charges; i++) {
		const struct ls_charge *charge = &ticket->charge[i];

		if (is_kept(charge, keep))
			ticket->charge[kept++] = *charge;
		else if (charge->word == LS_WORD_CROWD)
			ls_crowd_refund(crowd_of_kind(visit, charge->kind),
					visit->now, charge->charged_at,
					charge->emission_ms);
		else if (visit->known[charge->kind])
			ls_slot_refund(&visit->ref[charge->kind], charge->word,
				       visit->now, charge->charged_at,
				       charge->emission_ms);
	}
	ticket->charges = kept;
}

/* ---- in flight -------------------------------------------------------- */

/* The kinds that the ticket holds charges of, or that a failure counts in. */
static void mark_journal(const struct ls_visit *visit,
			 const struct ls_judgement *judgement,
			 struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < ticket->charges; i++)
		if (ticket->charge[i].word <= LS_WORD_FAILURES_SLOW)
			ticket->flying_failures |=
				(uint8_t)(1U << ticket->charge[i].kind);
	if (!judgement->strange)
		return;
	if (!ls_visit_is_trusted(visit))
		ticket->flying_accounts |= 1U << LS_KIND_IP | 1U << LS_KIND_NET;
	if (visit->key[LS_KIND_GUESS] != 0 && !judgement->familiar)
		ticket->flying_accounts |= 1U << LS_KIND_GUESS;
}

/* What of an attempt is remembered for a kind of subject. */
struct mark {
	bool failure;
	uint64_t account; /* 0: none */
};

static struct mark mark_of(const struct ls_ticket *ticket, unsigned kind)
{
	return (struct mark){ ticket->flying_failures >> kind & 1,
			      ticket->flying_accounts >> kind & 1
				      ? ticket->key[LS_KIND_USER]
				      : 0 };
}

void ls_visit_depart(const struct ls_visit *visit,
		     const struct ls_judgement *judgement,
		     struct ls_ticket *ticket)
{
	struct ls_inflight *inflight = visit->state->inflight;

	if (visit->local_key != 0) {
		ticket->local = true;
		ticket->key[LS_KIND_LOCAL] = visit->local_key;
		ls_inflight_join_local(inflight, visit->local_key);
	}
	if (inflight == NULL)
		return;
	/* Of a place one is enough: another can fail at no other account. Else a few
	 * places with many attempts would have all the others wait. */
	if (judgement->familiar && !judgement->repeat &&
	    ls_inflight_get(inflight, ticket->key[LS_KIND_PLACE]).failures == 0) {
		ticket->rushing = true;
		ls_inflight_join(inflight, ticket->key[LS_KIND_IP]);
	}
	if (visit->over)
		ls_visit_depart_inside(visit, ticket);
	mark_journal(visit, judgement, ticket);
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		struct mark is = mark_of(ticket, kind);
		unsigned others = ~(1U << kind);

		if ((!is.failure && is.account == 0) ||
		    ls_inflight_add(inflight, ticket->key[kind], is.failure,
				    is.account))
			continue;
		ticket->flying_failures &= (uint8_t)others;
		ticket->flying_accounts &= (uint8_t)others;
	}
}

void ls_visit_arrive(const struct ls_visit *visit, struct ls_ticket *ticket)
{
	if (ticket->rushing)
		ls_inflight_leave(visit->state->inflight,
				  ticket->key[LS_KIND_IP]);
	ticket->rushing = false;
	if (ticket->local)
		ls_inflight_leave_local(visit->state->inflight,
					ticket->key[LS_KIND_LOCAL]);
	if (ticket->spraying)
		ls_visit_arrive_inside(visit, ticket);
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		struct mark is = mark_of(ticket, kind);

		if (is.failure || is.account != 0)
			ls_inflight_remove(visit->state->inflight,
					   ticket->key[kind], is.failure,
					   is.account);
	}
	ticket->flying_failures = ticket->flying_accounts = 0;
}
