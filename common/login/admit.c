/* admit.c - charge first, verify next, refund on success
 *
 * ls_admit() reads what the state says about the attempt's subjects, lets
 * judge.c decide, and takes the charges that it names, one meter after the
 * other. A charge that finds no room (another process was faster) gives the
 * ones before it back, and all is looked at again: so however many attempts run
 * at once, a meter of N never holds more than N of them. settle.c is the other
 * half. */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/visit.h"

static void ticket_init(struct ls_ticket *ticket,
			const struct ls_attempt *attempt)
{
	static const struct ls_addr nowhere;

	ticket->open = false;
	ticket->charges = 0;
	ticket->familiar = ticket->repeat = ticket->aliased = false;
	ticket->unsure = false;
	ticket->master = attempt->target != NULL;
	ticket->marks = 0;
	ticket->at_home = ticket->estranged = ticket->part = false;
	ticket->rushing = ticket->spraying = false;
	ticket->flying_failures = ticket->flying_accounts = 0;
	ticket->local = false;
	ticket->due = 0;
	ticket->print = 0;
	ticket->wanted = LS_ADMIT;
	ticket->reason = LS_REASON_NONE;
	ticket->kind = LS_KIND_NONE;
	ticket->nowhere = attempt->nowhere;
	ticket->ip = attempt->nowhere ? nowhere : attempt->ip;
	ticket->secured = attempt->secured;
	ticket->final[0] = ticket->failed[0] = '\0';
	ls_user_copy(ticket->user, attempt->user);
	ls_copy(ticket->service, sizeof(ticket->service), attempt->service);
	ls_copy(ticket->mech, sizeof(ticket->mech), attempt->mech);
}

/* One meter had no room when it was to be charged. */
static void refuse_attempt(const struct ls_visit *visit,
			   const struct ls_meter_use *meter,
			   struct ls_decision *decision)
{
	decision->wanted = decision->verdict = LS_DENY;
	decision->kind = meter->kind;
	decision->reason = meter->reason;
	if (visit->crowd_at != 0) {
		decision->reason = LS_REASON_CROWDED;
		decision->retry_ms = visit->crowd_at;
		return;
	}
	decision->retry_ms =
		visit->known[meter->kind]
			? ls_meter_room_at(ls_slot_get(&visit->ref[meter->kind],
						       meter->word),
					   &meter->rate)
			: 0;
}

/* Take what the judgement names. Returns NULL, or the meter that had no room,
 * having given all back. */
static const struct ls_meter_use *
take_charges(struct ls_visit *visit, const struct ls_judgement *judgement,
	     struct ls_ticket *ticket)
{
	const struct ls_meters *meters = visit->meters;

	if (judgement->repeat && meters->repeats.rate.emission_ms > 0 &&
	    !ls_visit_charge(visit, &meters->repeats, false, ticket) &&
	    !(meters->observed >> LS_KIND_PLACE & 1))
		return &meters->repeats;
	for (unsigned i = 0; i < meters->failures_count; i++) {
		const struct ls_meter_use *meter = &meters->failures[i];

		if (!(judgement->take & LS_DUE(meter->kind, meter->word)) ||
		    ls_visit_charge(visit, meter, false, ticket) ||
		    meters->observed >> meter->kind & 1)
			continue;
		ls_visit_refund(visit, ticket, LS_KEEP_NOTHING);
		return meter;
	}
	for (unsigned i = 0; i < meters->logins_count; i++) {
		const struct ls_meter_use *meter = &meters->logins[i];

		if (!(judgement->logins >> meter->kind & 1) ||
		    ls_visit_charge(visit, meter, false, ticket) ||
		    meters->observed >> meter->kind & 1)
			continue;
		ls_visit_refund(visit, ticket, LS_KEEP_NOTHING);
		return meter;
	}
	return NULL;
}

enum {
	TAKE_TRIES = 4,
	/* Nobody who is familiar waits longer because others log in beside him:
	 * where verifying takes that long, that is no reason to fail. */
	RUSH_PATIENCE_MS = 5000,
};

/* Judge, and take; again when another process was faster in between. */
static void judge_and_take(struct ls_visit *visit,
			   const struct ls_attempt *attempt,
			   struct ls_judgement *judgement,
			   struct ls_ticket *ticket)
{
	const struct ls_meter_use *full = NULL;
	struct ls_view view;

	for (unsigned tries = 0; tries < TAKE_TRIES; tries++) {
		ls_visit_view(visit, attempt->secured, attempt->target, &view);
		if (attempt->waited_ms >= RUSH_PATIENCE_MS)
			view.rush = 0;
		ls_visit_judge(visit,
			       attempt->target == NULL ? attempt->service
						       : NULL,
			       &view, judgement);
		if (judgement->decision.verdict != LS_ADMIT)
			return;
		full = take_charges(visit, judgement, ticket);
		if (full == NULL)
			return;
	}
	refuse_attempt(visit, full, &judgement->decision);
}

/* A moment of the map's clock as a time to wait. */
static uint64_t wait_of(uint64_t at, uint64_t now)
{
	return at > now ? at - now : 0;
}

/* For `lockstep status`: who asked last, and what was said. */
static void count_refusal(struct ls_map_header *header,
			  const struct ls_attempt *attempt,
			  enum ls_verdict verdict, uint64_t now)
{
	atomic_store_explicit(&header->auth_seen, now, memory_order_relaxed);
	if (strcmp(attempt->service, "smtp") == 0)
		atomic_store_explicit(&header->smtp_seen, now,
				      memory_order_relaxed);
	if (verdict != LS_WAIT)
		atomic_fetch_add_explicit(verdict == LS_ADMIT
						  ? &header->admitted
						  : &header->denied,
					  1, memory_order_relaxed);
}

/* What the ticket keeps of the judgement. */
static void keep(const struct ls_visit *visit,
		 const struct ls_judgement *judgement, struct ls_ticket *ticket)
{
	ls_visit_keep(visit, ticket);
	ticket->familiar = judgement->familiar;
	ticket->repeat = judgement->repeat;
	ticket->due = (uint16_t)judgement->due;
	ticket->print = ls_visit_print(visit);
	ticket->wanted = judgement->decision.wanted;
	ticket->reason = judgement->decision.reason;
	ticket->kind = judgement->decision.kind;
	ticket->open = judgement->decision.verdict == LS_ADMIT;
	if (ticket->open)
		ls_visit_depart(visit, judgement, ticket);
}

void ls_admit(struct ls_state *state, const struct ls_attempt *attempt,
	      uint64_t now_ms, struct ls_decision *decision_r,
	      struct ls_ticket *ticket_r)
{
	struct ls_judgement judgement;
	struct ls_visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	ticket_init(ticket_r, attempt);
	if (!state->guard.writable)
		return;
	/* The ticket's copy of the name: both calls see the same one. */
	ls_visit_init(&visit, state, ticket_r->user,
		      attempt->nowhere ? NULL : &attempt->ip, attempt->password,
		      ls_map_now(&state->guard, now_ms));
	if (ticket_r->master)
		ls_visit_be_master(&visit);
	judge_and_take(&visit, attempt, &judgement, ticket_r);

	*decision_r = judgement.decision;
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
	if (decision_r->verdict == LS_WAIT)
		decision_r->key = decision_r->reason == LS_REASON_SPRAY
					  ? ls_visit_spray_key(&visit)
				  : decision_r->kind == LS_KIND_LOCAL
					  ? ls_inflight_local_key(
						    visit.local_key)
					  : visit.key[decision_r->kind];
	keep(&visit, &judgement, ticket_r);
	count_refusal(state->guard.header, attempt, decision_r->verdict,
		      visit.now);
	if (visit.crowded != 0)
		ls_map_crowded(&state->guard,
			       decision_r->reason == LS_REASON_CROWDED);
	if (decision_r->verdict == LS_DENY)
		ls_visit_journal(&visit, LS_EVENT_LOGIN, attempt, decision_r,
				 LS_OUTCOME_NONE, "");
}

void ls_ticket_final(struct ls_ticket *ticket, const char *user)
{
	ls_user_copy(ticket->final, user);
}

void ls_ticket_unsure(struct ls_ticket *ticket)
{
	ticket->unsure = true;
}

void ls_ticket_mark(struct ls_ticket *ticket, unsigned mark)
{
	ticket->marks |= (uint8_t)mark;
}

unsigned ls_ticket_holds(const struct ls_ticket *ticket,
			 uint64_t key_r[LS_KIND_COUNT])
{
	unsigned held = ticket->flying_failures | ticket->flying_accounts |
			(unsigned)ticket->rushing << LS_KIND_IP;
	unsigned count = 0;

	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++)
		if (held >> kind & 1)
			key_r[count++] = ticket->key[kind];
	if (ticket->spraying)
		key_r[count++] = ticket->key[LS_KIND_SPRAY];
	if (ticket->local)
		key_r[count++] =
			ls_inflight_local_key(ticket->key[LS_KIND_LOCAL]);
	return count;
}

void ls_ticket_failed(struct ls_ticket *ticket, const char *passdb)
{
	if (ticket->failed[0] == '\0')
		ls_copy(ticket->failed, sizeof(ticket->failed), passdb);
}

void ls_misplaced(struct ls_state *state, uint64_t now_ms)
{
	if (state->guard.writable)
		atomic_store_explicit(&state->guard.header->misplaced_seen,
				      ls_map_now(&state->guard, now_ms),
				      memory_order_relaxed);
}

void ls_connect(struct ls_state *state, const char *service,
		const struct ls_addr *ip, uint64_t now_ms,
		struct ls_decision *decision_r)
{
	const struct ls_attempt attempt = {
		.service = service, .mech = "", .user = "", .ip = *ip
	};
	struct ls_view view;
	struct ls_visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	if (!state->guard.writable)
		return;
	ls_visit_init(&visit, state, NULL, ip, NULL,
		      ls_map_now(&state->guard, now_ms));
	ls_visit_view(&visit, true, NULL, &view);
	ls_judge_connection(&view, visit.policy, visit.meters, visit.now,
			    decision_r);
	atomic_store_explicit(&state->guard.header->connect_seen, visit.now,
			      memory_order_relaxed);
	ls_asked_note(state->guard.asked, visit.key[LS_KIND_IP], visit.now);
	if (decision_r->wanted == LS_DENY)
		ls_visit_journal(&visit, LS_EVENT_CONNECT, &attempt, decision_r,
				 LS_OUTCOME_NONE, "");
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
}
