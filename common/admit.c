/* admit.c - charge first, verify next, refund on success
 *
 * ls_admit() reads what the state says about the attempt's subjects, lets
 * judge.c decide, and takes the charges that it names, one meter after the
 * other. A charge that finds no room (others were faster) gives the ones
 * before it back and refuses: so however many attempts run at once, a meter of
 * N never holds more than N of them. settle.c is the other half. */
#include "lockstep-config.h"

#include "text.h"
#include "visit.h"

static void ticket_init(struct ls_ticket *ticket,
			const struct ls_attempt *attempt)
{
	ticket->open = false;
	ticket->charges = 0;
	ticket->familiar = false;
	ticket->wanted = LS_ADMIT;
	ticket->reason = LS_REASON_NONE;
	ticket->kind = LS_KIND_NONE;
	ticket->ip = attempt->ip;
	ticket->secured = attempt->secured;
	ls_copy(ticket->user, sizeof(ticket->user), attempt->user);
	ls_copy(ticket->service, sizeof(ticket->service), attempt->service);
	ls_copy(ticket->mech, sizeof(ticket->mech), attempt->mech);
}

/* Take what the judgement names. When another was faster, give all back and
 * let the decision say for whose sake. */
static void take(struct ls_visit *visit, struct ls_judgement *judgement,
		 struct ls_ticket *ticket)
{
	struct ls_decision *decision = &judgement->decision;

	for (unsigned i = 0; i < visit->meters->count; i++) {
		const struct ls_meter_use *meter = &visit->meters->use[i];
		const struct ls_ref *ref;

		if (!ls_is_charged(judgement, meter->kind) ||
		    ls_visit_charge(visit, meter, false, ticket))
			continue;
		ls_visit_refund(visit, ticket);
		decision->wanted = LS_DENY;
		decision->verdict = visit->policy->mode == LS_MODE_OBSERVE
					    ? LS_ADMIT
					    : LS_DENY;
		decision->kind = meter->kind;
		decision->reason = meter->reason;
		ref = ls_visit_reach(visit, meter->kind);
		if (ref != NULL)
			decision->retry_ms = ls_meter_room_at(
				ls_slot_get(ref, meter->word), &meter->rate);
		return;
	}
}

/* A moment of the map's clock as a time to wait. */
static uint64_t wait_of(uint64_t at, uint64_t now)
{
	return at > now ? at - now : 0;
}

/* For `lockstep status`: who asked last, and what was said. */
static void count(struct ls_map_header *header,
		  const struct ls_attempt *attempt, enum ls_verdict verdict,
		  uint64_t now)
{
	atomic_store_explicit(&header->auth_seen, now, memory_order_relaxed);
	if (strcmp(attempt->service, "smtp") == 0)
		atomic_store_explicit(&header->smtp_seen, now,
				      memory_order_relaxed);
	atomic_fetch_add_explicit(verdict == LS_ADMIT ? &header->admitted
						      : &header->denied,
				  1, memory_order_relaxed);
}

void ls_admit(struct ls_state *state, const struct ls_attempt *attempt,
	      uint64_t now_ms, struct ls_decision *decision_r,
	      struct ls_ticket *ticket_r)
{
	struct ls_judgement judgement;
	struct ls_view view;
	struct ls_visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	ticket_init(ticket_r, attempt);
	if (!state->guard.writable)
		return;
	/* The ticket's copy of the name: both calls see the same one. */
	ls_visit_init(&visit, state, ticket_r->user, &attempt->ip,
		      ls_map_now(&state->guard, now_ms));
	ls_visit_view(&visit, attempt->secured, &view);
	ls_judge(&view, visit.policy, visit.meters, visit.now, &judgement);
	if (judgement.decision.wanted == LS_ADMIT)
		take(&visit, &judgement, ticket_r);

	*decision_r = judgement.decision;
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
	ls_visit_keep(&visit, ticket_r);
	ticket_r->familiar = judgement.familiar;
	ticket_r->wanted = decision_r->wanted;
	ticket_r->reason = decision_r->reason;
	ticket_r->kind = decision_r->kind;
	ticket_r->open = decision_r->verdict == LS_ADMIT;
	count(state->guard.header, attempt, decision_r->verdict, visit.now);
	if (!ticket_r->open)
		ls_visit_journal(&visit, LS_EVENT_LOGIN, attempt, decision_r,
				 LS_OUTCOME_NONE);
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
	ls_visit_init(&visit, state, NULL, ip,
		      ls_map_now(&state->guard, now_ms));
	ls_visit_view(&visit, true, &view);
	ls_judge_connection(&view, visit.policy, visit.now, decision_r);
	atomic_store_explicit(&state->guard.header->connect_seen, visit.now,
			      memory_order_relaxed);
	if (decision_r->wanted == LS_DENY)
		ls_visit_journal(&visit, LS_EVENT_CONNECT, &attempt, decision_r,
				 LS_OUTCOME_NONE);
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
}
