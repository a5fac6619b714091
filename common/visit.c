/* visit.c - see visit.h */
#include "lockstep-config.h"

#include "text.h"
#include "visit.h"

enum { IP_BITS4 = 32, IP_BITS6 = 64 };

/* Everything but the keys and the slots. */
static void prepare(struct ls_visit *visit, struct ls_state *state,
		    const char *user, const struct ls_addr *ip, uint64_t now)
{
	visit->state = state;
	visit->now = now;
	visit->user = user;
	visit->ip = ip;
	visit->policy = ls_policy_file_lookup(state->policy, user, ip,
					      &visit->own);
	visit->meters = &state->meters;
	if (visit->policy == &visit->own) {
		ls_meters_of(visit->policy, &visit->own_meters);
		visit->meters = &visit->own_meters;
	}
}

/* The prefix that an IP, or any other kind, is known by. */
static struct ls_prefix prefix_of(const struct ls_visit *visit,
				  enum ls_kind kind)
{
	const struct ls_policy *policy = visit->policy;

	return kind == LS_KIND_IP
		       ? ls_prefix_of(visit->ip, IP_BITS4, IP_BITS6)
		       : ls_prefix_of(visit->ip, (unsigned)policy->net.prefix4,
				      (unsigned)policy->net.prefix6);
}

static void find_keys(struct ls_visit *visit)
{
	const uint8_t *hash_key = visit->state->guard.hash_key;
	const struct ls_prefix ip = prefix_of(visit, LS_KIND_IP);
	const struct ls_prefix net = prefix_of(visit, LS_KIND_NET);
	uint64_t *key = visit->key;

	key[LS_KIND_IP] = ls_key_net(hash_key, LS_KIND_IP, &ip);
	key[LS_KIND_NET] = ls_key_net(hash_key, LS_KIND_NET, &net);
	if (visit->user == NULL)
		return;
	key[LS_KIND_USER] = ls_key_user(hash_key, visit->user);
	key[LS_KIND_PLACE] = ls_key_pair(hash_key, LS_KIND_PLACE,
					 key[LS_KIND_USER], key[LS_KIND_NET]);
}

/* Find every subject's slot. Each search, and each slot, may be a cache miss:
 * they are asked for all at once, before the first is needed. */
static void find_slots(struct ls_visit *visit)
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

void ls_visit_init(struct ls_visit *visit, struct ls_state *state,
		   const char *user, const struct ls_addr *ip, uint64_t now)
{
	prepare(visit, state, user, ip, now);
	memset(visit->known, 0, sizeof(visit->known));
	find_keys(visit);
	find_slots(visit);
}

void ls_visit_resume(struct ls_visit *visit, struct ls_state *state,
		     const struct ls_ticket *ticket, uint64_t now)
{
	const struct ls_table *table = &state->guard.subjects;

	prepare(visit, state, ticket->user, &ticket->ip, now);
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		visit->key[kind] = ticket->key[kind];
		visit->known[kind] =
			ls_table_find_at(table, ticket->key[kind],
					 (enum ls_kind)kind, ticket->slot[kind],
					 &visit->ref[kind]) == 0;
	}
}

void ls_visit_keep(const struct ls_visit *visit, struct ls_ticket *ticket)
{
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		ticket->key[kind] = visit->key[kind];
		ticket->slot[kind] =
			visit->known[kind] ? visit->ref[kind].index : 0;
	}
}

void ls_visit_subject(const struct ls_visit *visit, enum ls_kind kind,
		      struct ls_subject *subject_r)
{
	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	if (kind != LS_KIND_USER)
		subject_r->net = prefix_of(visit, kind);
	if (kind == LS_KIND_USER || kind == LS_KIND_PLACE)
		ls_copy(subject_r->user, sizeof(subject_r->user), visit->user);
}

static void look(const struct ls_visit *visit, enum ls_kind kind,
		 struct ls_view *view)
{
	for (unsigned word = 0; word < LS_VIEW_WORDS; word++)
		view->word[kind][word] =
			visit->known[kind] ? ls_slot_get(&visit->ref[kind], word)
					   : 0;
}

void ls_visit_view(const struct ls_visit *visit, bool secured,
		   struct ls_view *view_r)
{
	view_r->trusted = visit->policy->trusted != 0;
	view_r->denied = visit->policy->denied != 0;
	view_r->secured = secured;
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++)
		look(visit, (enum ls_kind)kind, view_r);
}

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
	struct ls_charge *charge = &ticket->charge[ticket->charges];

	if (ticket->charges == LS_TICKET_CHARGES)
		return;
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

void ls_visit_refund(const struct ls_visit *visit, struct ls_ticket *ticket)
{
	for (unsigned i = 0; i < ticket->charges; i++) {
		const struct ls_charge *charge = &ticket->charge[i];

		if (visit->known[charge->kind])
			ls_slot_refund(&visit->ref[charge->kind], charge->word,
				       visit->now, charge->charged_at,
				       charge->emission_ms);
	}
	ticket->charges = 0;
}

void ls_visit_journal(const struct ls_visit *visit, enum ls_event event,
		      const struct ls_attempt *attempt,
		      const struct ls_decision *decision,
		      enum ls_outcome outcome)
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
	record.subject.net.addr = attempt->ip;
	record.subject.net.bits = 128;
	ls_copy(record.subject.user, sizeof(record.subject.user),
		attempt->user);
	ls_copy(record.service, sizeof(record.service), attempt->service);
	ls_copy(record.mech, sizeof(record.mech), attempt->mech);
	record.detail[0] = '\0';
	ls_ring_append(&visit->state->guard.journal, &record);
}
