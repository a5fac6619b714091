/* admit.c - charge first, verify next, refund on success
 *
 * ls_admit() reads what the state says about the attempt's subjects, lets
 * judge.c decide, and takes the charges that it names, one meter after the
 * other. A charge that finds no room (others were faster) gives the ones
 * before it back and refuses: so however many attempts run at once, a meter of
 * N never holds more than N of them. ls_settle() gives a success its charges
 * back, and locks what a failure has filled. */
#include "lockstep-config.h"

#include "judge.h"
#include "state.h"
#include "text.h"

#include <string.h>

/* One attempt, with everything that is looked up for it. */
struct visit {
	struct ls_state *state;
	const struct ls_policy *policy;
	const struct ls_meters *meters;
	struct ls_policy own; /* both, when something overrides the policy */
	struct ls_meters own_meters;
	const char *user;     /* NULL: not known yet */
	struct ls_prefix ip, net;
	uint64_t key[LS_KIND_PLACE + 1];
	struct ls_ref ref[LS_KIND_PLACE + 1];
	bool known[LS_KIND_PLACE + 1]; /* ref is good */
	uint64_t now;
};

enum { IP_BITS4 = 32, IP_BITS6 = 64 };

static void visit_init(struct visit *visit, struct ls_state *state,
		       const char *user, const struct ls_addr *ip, uint64_t now)
{
	visit->state = state;
	visit->now = now;
	visit->user = user;
	visit->policy = ls_policy_file_lookup(state->policy, user, ip,
					      &visit->own);
	visit->meters = &state->meters;
	if (visit->policy == &visit->own) {
		ls_meters_of(visit->policy, &visit->own_meters);
		visit->meters = &visit->own_meters;
	}
	visit->ip = ls_prefix_of(ip, IP_BITS4, IP_BITS6);
	visit->net = ls_prefix_of(ip, (unsigned)visit->policy->net.prefix4,
				  (unsigned)visit->policy->net.prefix6);
	memset(visit->known, 0, sizeof(visit->known));
}

static void find_keys(struct visit *visit)
{
	const uint8_t *hash_key = visit->state->guard.hash_key;
	uint64_t *key = visit->key;

	key[LS_KIND_IP] = ls_key_net(hash_key, LS_KIND_IP, &visit->ip);
	key[LS_KIND_NET] = ls_key_net(hash_key, LS_KIND_NET, &visit->net);
	if (visit->user == NULL)
		return;
	key[LS_KIND_USER] = ls_key_user(hash_key, visit->user);
	key[LS_KIND_PLACE] = ls_key_pair(hash_key, LS_KIND_PLACE,
					 key[LS_KIND_USER], key[LS_KIND_NET]);
}

/* Find every subject's slot. Each search, and each slot, may be a cache miss:
 * they are asked for all at once, before the first is needed. */
static void find_slots(struct visit *visit)
{
	const struct ls_table *table = &visit->state->guard.subjects;
	const unsigned last = visit->user != NULL ? LS_KIND_PLACE : LS_KIND_NET;

	for (unsigned kind = LS_KIND_IP; kind <= last; kind++)
		ls_table_prefetch(table, visit->key[kind]);
	for (unsigned kind = LS_KIND_IP; kind <= last; kind++) {
		visit->known[kind] =
			ls_table_find(table, visit->key[kind],
				      (enum ls_kind)kind,
				      &visit->ref[kind]) == 0;
		if (visit->known[kind])
			ls_ref_prefetch(&visit->ref[kind]);
	}
}

static void visit_keep(const struct visit *visit, struct ls_ticket *ticket)
{
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		ticket->key[kind] = visit->key[kind];
		ticket->slot[kind] =
			visit->known[kind] ? visit->ref[kind].index : 0;
	}
}

/* The attempt of a ticket again: its keys and places are known. */
static void visit_resume(struct visit *visit, const struct ls_ticket *ticket)
{
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		visit->key[kind] = ticket->key[kind];
		visit->known[kind] =
			ls_table_find_at(&visit->state->guard.subjects,
					 ticket->key[kind], (enum ls_kind)kind,
					 ticket->slot[kind],
					 &visit->ref[kind]) == 0;
	}
}

static void subject_of(const struct visit *visit, enum ls_kind kind,
		       struct ls_subject *subject_r)
{
	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	if (kind == LS_KIND_IP)
		subject_r->net = visit->ip;
	else if (kind != LS_KIND_USER)
		subject_r->net = visit->net;
	if (kind == LS_KIND_USER || kind == LS_KIND_PLACE)
		ls_copy(subject_r->user, sizeof(subject_r->user), visit->user);
}

static void look(const struct visit *visit, enum ls_kind kind,
		 struct ls_view *view)
{
	for (unsigned word = 0; word < LS_VIEW_WORDS; word++)
		view->word[kind][word] =
			visit->known[kind] ? ls_slot_get(&visit->ref[kind], word)
					   : 0;
}

/* What is known before the judgement. */
static void view_init(struct ls_view *view, const struct visit *visit,
		      bool secured)
{
	view->trusted = visit->policy->trusted != 0;
	view->denied = visit->policy->denied != 0;
	view->secured = secured;
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++)
		look(visit, (enum ls_kind)kind, view);
}

/* The slot of a subject, claimed if need be. Returns NULL when there is no
 * room for it: then the attempt goes on without that meter, and the table has
 * counted it. */
static const struct ls_ref *reach(struct visit *visit, enum ls_kind kind)
{
	if (visit->known[kind] && ls_ref_stands(&visit->ref[kind]))
		return &visit->ref[kind];
	visit->known[kind] = ls_state_claim(visit->state, kind,
					    visit->key[kind], visit->now,
					    false, &visit->ref[kind]) == 0;
	return visit->known[kind] ? &visit->ref[kind] : NULL;
}

/* A slot may be evicted under a charge, but hardly so often in a row. */
enum { CHARGE_TRIES = 16 };

/* Returns false when there was no room; the charge is in the ticket else. */
static bool charge(struct visit *visit, const struct ls_meter_use *meter,
		   bool force, struct ls_ticket *ticket)
{
	const struct ls_ref *ref;
	uint64_t charged_at;

	for (unsigned tries = 0; tries < CHARGE_TRIES; tries++) {
		ref = reach(visit, meter->kind);
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
		if (ticket->charges < LS_TICKET_CHARGES) {
			ticket->charge[ticket->charges].charged_at = charged_at;
			ticket->charge[ticket->charges].emission_ms =
				meter->rate.emission_ms;
			ticket->charge[ticket->charges].kind =
				(uint8_t)meter->kind;
			ticket->charge[ticket->charges].word =
				(uint8_t)meter->word;
			ticket->charges++;
		}
		break;
	}
	return true;
}

static void refund_all(const struct visit *visit, struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < ticket->charges; i++) {
		unsigned kind = ticket->charge[i].kind;

		if (visit->known[kind])
			ls_slot_refund(&visit->ref[kind],
				       ticket->charge[i].word, visit->now,
				       ticket->charge[i].charged_at,
				       ticket->charge[i].emission_ms);
	}
	ticket->charges = 0;
}

static void journal(const struct visit *visit, enum ls_event event,
		    const struct ls_attempt *attempt,
		    const struct ls_decision *decision, enum ls_outcome outcome)
{
	struct ls_record record;

	record.at_ms = visit->now;
	record.until_ms = 0;
	record.event = event;
	record.outcome = outcome;
	record.verdict = decision->verdict;
	record.wanted = decision->wanted;
	record.reason = decision->reason;
	record.origin = LS_ORIGIN_RULE;
	record.strikes = 0;
	record.subject.kind = decision->kind;
	record.subject.net = ls_prefix_of(&attempt->ip, 32, 128);
	ls_copy(record.subject.user, sizeof(record.subject.user),
		attempt->user);
	ls_copy(record.service, sizeof(record.service), attempt->service);
	ls_copy(record.mech, sizeof(record.mech), attempt->mech);
	record.detail[0] = '\0';
	ls_ring_append(&visit->state->guard.journal, &record);
}

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
static void take(struct visit *visit, struct ls_judgement *judgement,
		 struct ls_ticket *ticket)
{
	struct ls_decision *decision = &judgement->decision;

	for (unsigned i = 0; i < visit->meters->count; i++) {
		const struct ls_meter_use *meter = &visit->meters->use[i];
		const struct ls_ref *ref;

		if (!ls_is_charged(judgement, meter->kind) ||
		    charge(visit, meter, false, ticket))
			continue;
		refund_all(visit, ticket);
		decision->wanted = LS_DENY;
		decision->verdict = visit->policy->mode == LS_MODE_OBSERVE
					    ? LS_ADMIT
					    : LS_DENY;
		decision->kind = meter->kind;
		decision->reason = meter->reason;
		ref = reach(visit, meter->kind);
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

void ls_admit(struct ls_state *state, const struct ls_attempt *attempt,
	      uint64_t now_ms, struct ls_decision *decision_r,
	      struct ls_ticket *ticket_r)
{
	struct ls_judgement judgement;
	struct ls_view view;
	struct visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	ticket_init(ticket_r, attempt);
	if (!state->guard.writable)
		return;
	/* The ticket's copy of the name: both calls see the same one. */
	visit_init(&visit, state, ticket_r->user, &attempt->ip,
		   ls_map_now(&state->guard, now_ms));
	find_keys(&visit);
	find_slots(&visit);
	view_init(&view, &visit, attempt->secured);
	ls_judge(&view, visit.policy, visit.meters, visit.now, &judgement);
	if (judgement.decision.wanted == LS_ADMIT)
		take(&visit, &judgement, ticket_r);

	*decision_r = judgement.decision;
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
	visit_keep(&visit, ticket_r);
	ticket_r->familiar = judgement.familiar;
	ticket_r->wanted = decision_r->wanted;
	ticket_r->reason = decision_r->reason;
	ticket_r->kind = decision_r->kind;
	ticket_r->open = decision_r->verdict == LS_ADMIT;
	atomic_store_explicit(&state->guard.header->auth_seen, visit.now,
			      memory_order_relaxed);
	atomic_fetch_add_explicit(decision_r->verdict == LS_ADMIT
					  ? &state->guard.header->admitted
					  : &state->guard.header->denied,
				  1, memory_order_relaxed);
	if (!ticket_r->open)
		journal(&visit, LS_EVENT_LOGIN, attempt, decision_r,
			LS_OUTCOME_NONE);
}

enum {
	RESETS_PER_DAY = 2,
	DAY_MS = 24 * 3600 * 1000,
	STAMP_AGE_MS = 3600 * 1000, /* a stamp this fresh is not renewed */
};

/* The right password: the place is familiar, and its fast meter is emptied, so
 * that somebody who mistyped starts afresh; but not so often that the owner's
 * phone would wipe away what a guesser in the same net does. */
static void succeed(struct visit *visit)
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
	ref = reach(visit, LS_KIND_PLACE);
	if (ref != NULL &&
	    ls_slot_get(ref, LS_WORD_FAILURES) > visit->now &&
	    ls_slot_charge(ref, LS_WORD_RESETS, visit->now, &rate, false,
			   &ignored) == LS_TAKEN)
		ls_slot_set(ref, LS_WORD_FAILURES, 0);
}

/* Lock the subject of a meter that has no room for one more. */
static void lock_if_full(struct visit *visit, const struct ls_meter_use *meter)
{
	const struct ls_ref *ref = reach(visit, meter->kind);
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
	subject_of(visit, meter->kind, &subject);
	ls_state_lock(visit->state, &subject, visit->key[meter->kind], &order,
		      NULL, visit->now);
}

/* A wrong guess: its charges stay. A familiar place was charged on its own
 * meters alone; its address and net answer for it too, without a word in it. */
static void fail(struct visit *visit, struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < visit->meters->count; i++) {
		const struct ls_meter_use *meter = &visit->meters->use[i];
		bool widely = meter->kind == LS_KIND_IP ||
			      meter->kind == LS_KIND_NET;

		if ((widely && visit->policy->trusted != 0) ||
		    (ticket->familiar && meter->kind == LS_KIND_USER))
			continue;
		if (widely && ticket->familiar)
			charge(visit, meter, true, ticket);
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
	struct visit visit;

	if (!ticket->open)
		return;
	ticket->open = false;
	visit_init(&visit, state, ticket->user, &ticket->ip,
		   ls_map_now(&state->guard, now_ms));
	visit_resume(&visit, ticket);
	switch (outcome) {
	case LS_OUTCOME_SUCCESS:
		refund_all(&visit, ticket);
		succeed(&visit);
		break;
	case LS_OUTCOME_WRONG:
		fail(&visit, ticket);
		break;
	default:
		refund_all(&visit, ticket);
	}
	journal(&visit, LS_EVENT_LOGIN, &attempt, &decision, outcome);
}

void ls_connect(struct ls_state *state, const char *service,
		const struct ls_addr *ip, uint64_t now_ms,
		struct ls_decision *decision_r)
{
	const struct ls_attempt attempt = {
		.service = service, .mech = "", .user = "", .ip = *ip
	};
	struct ls_view view;
	struct visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	if (!state->guard.writable)
		return;
	visit_init(&visit, state, NULL, ip, ls_map_now(&state->guard, now_ms));
	find_keys(&visit);
	find_slots(&visit);
	view_init(&view, &visit, true);
	ls_judge_connection(&view, visit.policy, visit.now, decision_r);
	if (decision_r->wanted == LS_DENY)
		journal(&visit, LS_EVENT_CONNECT, &attempt, decision_r,
			LS_OUTCOME_NONE);
	decision_r->retry_ms = wait_of(decision_r->retry_ms, visit.now);
}
