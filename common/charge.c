/* charge.c - what an attempt takes, gives back, and holds while it is in flight;
 * see visit.h */
#include "lockstep-config.h"

#include "visit.h"

/* ---- charges ---------------------------------------------------------- */

const struct ls_ref *ls_visit_reach(struct ls_visit *visit, enum ls_kind kind)
{
	if (visit->known[kind] && ls_ref_stands(&visit->ref[kind]))
		return &visit->ref[kind];
	visit->known[kind] = ls_state_claim(visit->state, kind,
					    visit->key[kind], visit->now,
					    false, &visit->ref[kind]) == 0;
	return visit->known[kind] ? &visit->ref[kind] : NULL;
}

static void note(struct ls_ticket *ticket, const struct ls_meter_use *meter,
		 uint64_t charged_at)
{
	struct ls_charge *charge;

	if (ticket == NULL || ticket->charges == LS_TICKET_CHARGES)
		return;
	charge = &ticket->charge[ticket->charges];
	charge->charged_at = charged_at;
	charge->emission_ms = meter->rate.emission_ms;
	charge->kind = (uint8_t)meter->kind;
	charge->word = (uint8_t)meter->word;
	ticket->charges++;
}

/* A slot may be evicted under a charge, but hardly so often in a row. */
enum { CHARGE_TRIES = 16 };

bool ls_visit_charge(struct ls_visit *visit, const struct ls_meter_use *meter,
		     bool force, struct ls_ticket *ticket)
{
	const struct ls_ref *ref;
	uint64_t charged_at;

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
			break;
		}
		note(ticket, meter, charged_at);
		break;
	}
	return true;
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
		else if (visit->known[charge->kind])
			ls_slot_refund(&visit->ref[charge->kind], charge->word,
				       visit->now, charge->charged_at,
				       charge->emission_ms);
	}
	ticket->charges = kept;
}

/* ---- in flight -------------------------------------------------------- */

/* The kinds that the ticket holds charges of, or that a failure counts in. */
static void mark(const struct ls_visit *visit,
		 const struct ls_judgement *judgement, struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < ticket->charges; i++)
		if (ticket->charge[i].word <= LS_WORD_FAILURES_SLOW)
			ticket->flying_failures |=
				(uint8_t)(1U << ticket->charge[i].kind);
	if (!judgement->strange)
		return;
	if (!ls_visit_is_trusted(visit))
		ticket->flying_accounts |= 1U << LS_KIND_IP | 1U << LS_KIND_NET;
	if (visit->key[LS_KIND_GUESS] != 0)
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

	if (inflight == NULL)
		return;
	mark(visit, judgement, ticket);
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
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		struct mark is = mark_of(ticket, kind);

		if (is.failure || is.account != 0)
			ls_inflight_remove(visit->state->inflight,
					   ticket->key[kind], is.failure,
					   is.account);
	}
	ticket->flying_failures = ticket->flying_accounts = 0;
}
