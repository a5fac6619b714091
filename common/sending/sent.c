/* sent.c - what a message needs, and takes; see sent.h */
#include "lockstep-config.h"

#include "sending/message.h"
#include "sending/sent.h"
#include "state/marks.h"

#include <string.h>

/* ---- the subject ------------------------------------------------------- */

static bool is_sender_on_probation(const struct ls_visit *visit)
{
	return visit->known[LS_KIND_USER] &&
	       ls_slot_get(&visit->ref[LS_KIND_USER], LS_WORD_PROBATION) >
		       visit->now;
}

uint64_t ls_sent_once_key(const struct ls_sent *sent, uint64_t what)
{
	return ls_key_pair(sent->state->guard.hash_key, LS_KIND_ONCE, sent->key,
			   what);
}

static void become_sender(struct ls_sent *sent)
{
	const struct ls_policy *policy = sent->visit.policy;

	sent->kind = LS_KIND_SENDING;
	sent->key = ls_sending_key(sent->state->guard.hash_key,
				   sent->visit.key[LS_KIND_USER]);
	sent->observed = policy->mode == LS_MODE_OBSERVE ||
			 policy->sending.mode == LS_RULE_OBSERVE;
	ls_sending_limits(policy, is_sender_on_probation(&sent->visit),
			  sent->limit);
}

static void be_address(struct ls_sent *sent)
{
	const struct ls_policy *policy = sent->visit.policy;

	sent->kind = LS_KIND_RELAY;
	sent->key = ls_relay_key(sent->state->guard.hash_key,
				 sent->visit.key[LS_KIND_IP]);
	sent->observed = policy->mode == LS_MODE_OBSERVE ||
			 policy->relay.mode == LS_RULE_OBSERVE;
	ls_relay_limits(policy, sent->limit);
}

void ls_sent_init(struct ls_sent *sent, struct ls_state *state,
		  const struct ls_message *message, uint64_t now_ms)
{
	bool account = message->user != NULL && *message->user != '\0';

	sent->state = state;
	sent->message = message;
	ls_user_copy(sent->user, message->user);
	ls_visit_init(&sent->visit, state, account ? sent->user : NULL,
		      &message->ip, NULL, ls_map_now(&state->guard, now_ms));
	memset(sent->units, 0, sizeof(sent->units));
	sent->units[LS_SENDING_MESSAGES] = 1;
	sent->units[LS_SENDING_RECIPIENTS] =
		message->recipients > 0 ? message->recipients : 1;
	sent->units[LS_SENDING_TOLD] = 1;
	sent->sender = 0;
	sent->has_contacts = false;
	if (account)
		become_sender(sent);
	else
		be_address(sent);
}

/* Has an address no limits, or none that count for it? */
bool ls_sent_is_exempt(const struct ls_sent *sent)
{
	return sent->kind == LS_KIND_RELAY &&
	       ((sent->limit[LS_SENDING_MESSAGES].limit.units == 0 &&
		 sent->limit[LS_SENDING_RECIPIENTS].limit.units == 0) ||
		ls_visit_is_trusted(&sent->visit));
}

/* ---- what a message needs ---------------------------------------------- */

/* Recipients that the account never wrote to, once it is known whom it does. */
static uint64_t count_new(const struct ls_sent *sent)
{
	const struct ls_contacts *contacts = &sent->state->contacts;
	const struct ls_gathered *gathered = sent->message->gathered;
	uint64_t count = ls_message_missing(sent->state, sent->message);

	if (contacts->header == NULL ||
	    !ls_contacts_are_learnt(contacts, sent->account, sent->today))
		return 0;
	for (unsigned i = 0; sent->has_contacts && i < gathered->count; i++)
		count += !ls_contacts_know(contacts, sent->account,
					   gathered->contact[i]);
	/* Some may have been rejected after they were gathered. */
	if (count > sent->units[LS_SENDING_RECIPIENTS])
		count = sent->units[LS_SENDING_RECIPIENTS];
	return ls_contacts_broken(contacts) ? 0 : count;
}

/* Does it go to more than a limit's whole capacity? It is refused whatever was sent
 * before, and its sender told to send it to fewer at a time. */
static bool can_never_be_sent(const struct ls_sent *sent)
{
	static const enum ls_sending_meter meters[] = {
		LS_SENDING_RECIPIENTS, LS_SENDING_NEW_RECIPIENTS
	};

	for (unsigned i = 0; i < sizeof(meters) / sizeof(*meters); i++) {
		uint64_t most = sent->limit[meters[i]].limit.units;

		if (most > 0 && sent->units[meters[i]] > most)
			return true;
	}
	return false;
}

/* Is he counted, and not to be counted again? */
static bool is_sender_known(const struct ls_sent *sent)
{
	struct ls_ref ref;

	return ls_table_find(&sent->state->guard.subjects, sent->sender,
			     LS_KIND_ONCE, &ref) == 0 &&
	       ls_slot_get(&ref, LS_WORD_UNTIL) > sent->visit.now;
}

/* Once he is, he needs no room. Returns whether he is by now. */
static bool look_at_sender(struct ls_sent *sent)
{
	if (sent->sender != 0 && is_sender_known(sent))
		sent->sender = 0;
	sent->units[LS_SENDING_SENDERS] = sent->sender != 0;
	return sent->sender == 0;
}

void ls_sent_need(struct ls_sent *sent, uint64_t real_ms)
{
	const struct ls_message *message = sent->message;
	struct ls_state *state = sent->state;

	sent->today = ls_contacts_day(real_ms);
	sent->has_contacts = ls_message_has_contacts(state, message);
	if (state->contacts.header != NULL)
		sent->account =
			ls_contacts_account(&state->contacts, sent->user);
	sent->units[LS_SENDING_NEW_RECIPIENTS] = count_new(sent);
	sent->units[LS_SENDING_TRIED_MESSAGES] = 1;
	/* A sender that does as it was told must not be frozen for the first try. */
	sent->units[LS_SENDING_TRIED_RECIPIENTS] =
		can_never_be_sent(sent) ? 0 : sent->units[LS_SENDING_RECIPIENTS];
	if (sent->limit[LS_SENDING_SENDERS].limit.units > 0 &&
	    !ls_message_is_own(message)) {
		char folded[LS_SENDER_SIZE];

		ls_sender_fold(message->sender, folded);
		sent->sender = ls_sent_once_key(
			sent, ls_key_text(state->guard.hash_key, 's', folded));
	}
	look_at_sender(sent);
}

/* Whom it goes to is known from now on. */
void ls_sent_learn(const struct ls_sent *sent)
{
	const struct ls_contacts *contacts = &sent->state->contacts;
	const struct ls_gathered *gathered = sent->message->gathered;

	if (contacts->header == NULL)
		return;
	ls_contacts_begin(contacts, sent->account, sent->today);
	/* Some were rejected after they were gathered, and which is not told: the
	 * account did not write to them. */
	if (sent->has_contacts && gathered->count > sent->message->recipients)
		return;
	for (unsigned i = 0; sent->has_contacts && i < gathered->count; i++)
		ls_contacts_add(contacts, sent->account, gathered->contact[i],
				sent->today);
}

/* ---- charges ----------------------------------------------------------- */

/* A new slot says whose it is, and the name is kept for people to read. */
static void sign_message(const struct ls_sent *sent, const struct ls_ref *ref)
{
	uint64_t account = sent->visit.key[LS_KIND_USER];
	struct ls_subject subject;

	if (sent->kind != LS_KIND_SENDING || ls_sending_account(ref) == account)
		return;
	ls_slot_set(ref, LS_WORD_SENDER, account >> 32);
	ls_slot_set(ref, LS_WORD_SENDER + 1, account & 0xffffffff);
	ls_visit_subject(&sent->visit, LS_KIND_USER, &subject);
	ls_label_put(&sent->state->guard.labels, account, &subject,
		     LS_LABEL_NAME, sent->visit.now + LS_SENT_REMEMBER_MS,
		     sent->visit.now);
}

static struct ls_rate rate_of(const struct ls_sent *sent,
			      enum ls_sending_meter meter)
{
	const struct ls_rate one = ls_rate_of(&sent->limit[meter].limit);

	return ls_rate_times(&one, sent->units[meter]);
}

enum { CHARGE_TRIES = 16, TAKE_TRIES = 4, SENDER_TRIES = 4 };

/* The meter of whoever sends without a slot, which is charged in place of the first
 * one that is limited, with the units that it needs of the dearest: so no limit of
 * messages or recipients is exceeded. The others go uncounted. */
static bool charge_sender_crowd(const struct ls_sent *sent,
				enum ls_sending_meter meter)
{
	struct ls_map_header *header = sent->state->guard.header;
	const struct ls_rate rates[] = {
		ls_rate_of(&sent->limit[LS_SENDING_MESSAGES].limit),
		ls_rate_of(&sent->limit[LS_SENDING_RECIPIENTS].limit),
	};
	const struct ls_rate strictest = ls_crowd_rate(rates, 2);
	const struct ls_rate rate = ls_rate_times(
		&strictest, sent->units[LS_SENDING_RECIPIENTS]);
	enum ls_sending_meter first = rates[0].emission_ms > 0
					      ? LS_SENDING_MESSAGES
					      : LS_SENDING_RECIPIENTS;
	uint64_t ignored;
	bool taken;

	if (meter != first)
		return true;
	taken = ls_crowd_charge(&header->crowd_sending
					 [sent->kind == LS_KIND_RELAY]
					 [sent->key % LS_CROWD_GROUPS],
				sent->visit.now, &rate, &ignored);
	ls_map_crowded(&sent->state->guard, !taken);
	return taken;
}

enum ls_reason ls_sent_reason(const struct ls_sent *sent,
			      enum ls_sending_meter full)
{
	const struct ls_rate rate = rate_of(sent, full);
	struct ls_ref ref;

	/* More than the limit holds is refused whoever shares what. */
	return rate.emission_ms > rate.capacity_ms ||
			       ls_table_find(&sent->state->guard.subjects,
					     sent->key, sent->kind, &ref) == 0
		       ? sent->limit[full].reason
		       : LS_REASON_CROWDED;
}

/* Returns false when there is no room in the meter. */
bool ls_sent_charge(const struct ls_sent *sent, enum ls_sending_meter meter,
		    struct ls_sent_charge *charge_r)
{
	const struct ls_rate rate = rate_of(sent, meter);
	struct ls_ref ref;

	charge_r->emission_ms = 0;
	if (rate.emission_ms == 0 || sent->units[meter] == 0)
		return true;
	for (unsigned tries = 0; tries < CHARGE_TRIES; tries++) {
		if (ls_state_claim(sent->state, sent->kind, sent->key,
				   sent->visit.now,
				   sent->kind == LS_KIND_SENDING, &ref) < 0)
			break;
		sign_message(sent, &ref);
		switch (ls_slot_charge(&ref, sent->limit[meter].word,
				       sent->visit.now, &rate, false,
				       &charge_r->at)) {
		case LS_NO_ROOM:
			return false;
		case LS_GONE:
			continue;
		case LS_TAKEN:
			charge_r->emission_ms = rate.emission_ms;
			return true;
		}
	}
	return charge_sender_crowd(sent, meter);
}

static void refund(const struct ls_sent *sent, enum ls_sending_meter meter,
		   const struct ls_sent_charge *charge)
{
	struct ls_ref ref;

	if (charge->emission_ms > 0 &&
	    ls_table_find(&sent->state->guard.subjects, sent->key, sent->kind,
			  &ref) == 0)
		ls_slot_refund(&ref, sent->limit[meter].word, sent->visit.now,
			       charge->at, charge->emission_ms);
}

/* Is that later? 0 is never. */
static bool is_later(uint64_t at, uint64_t than)
{
	return than != 0 && (at == 0 || at > than);
}

uint64_t ls_sent_level(const struct ls_sent *sent, enum ls_sending_meter meter)
{
	const struct ls_rate rate = ls_rate_of(&sent->limit[meter].limit);
	struct ls_ref ref;

	if (ls_table_find(&sent->state->guard.subjects, sent->key, sent->kind,
			  &ref) < 0)
		return 0;
	return ls_meter_level(ls_slot_get(&ref, sent->limit[meter].word),
			      sent->visit.now, &rate);
}

bool ls_sent_is_full(const struct ls_sent *sent, enum ls_sending_meter meter)
{
	const struct ls_rate rate = rate_of(sent, meter);
	struct ls_ref ref;

	return ls_table_find(&sent->state->guard.subjects, sent->key,
			     sent->kind, &ref) == 0 &&
	       !ls_meter_has_room(ls_slot_get(&ref, sent->limit[meter].word),
				  sent->visit.now, &rate);
}

enum ls_sending_meter ls_sent_find_full(const struct ls_sent *sent,
					uint64_t *at_r)
{
	struct ls_ref ref;
	bool known = ls_table_find(&sent->state->guard.subjects, sent->key,
				   sent->kind, &ref) == 0;
	enum ls_sending_meter full = LS_SENDING_METERS;

	for (unsigned i = 0; i < LS_SENDING_TRIED_MESSAGES; i++) {
		const struct ls_rate rate = rate_of(sent, i);
		uint64_t empty_at =
			known ? ls_slot_get(&ref, sent->limit[i].word) : 0;
		uint64_t at;

		if (ls_meter_has_room(empty_at, sent->visit.now, &rate))
			continue;
		at = ls_meter_room_at(empty_at, &rate);
		if (full == LS_SENDING_METERS || is_later(at, *at_r)) {
			full = i;
			*at_r = at;
		}
	}
	return full;
}

/* ---- senders ------------------------------------------------------------ */

static uint64_t sender_until(const struct ls_sent *sent)
{
	return sent->visit.now +
	       ls_rate_of(&sent->limit[LS_SENDING_SENDERS].limit).capacity_ms;
}

static bool find_sender(const struct ls_sent *sent, struct ls_ref *ref_r)
{
	return sent->sender != 0 &&
	       ls_state_claim(sent->state, LS_KIND_ONCE, sent->sender,
			      sent->visit.now, false, ref_r) == 0;
}

/* A sender is counted once, however many messages of his end at once: one of them has
 * him known, by one compare-and-swap, before he is charged, and takes that back when
 * there is no room for him. Nobody waits for it: what ends in between goes uncounted,
 * and so does he if the one is killed there. Returns whether it is this one. */
static bool claim_sender(struct ls_sent *sent)
{
	struct ls_ref ref;
	uint64_t at;

	for (unsigned tries = 0; tries < SENDER_TRIES; tries++) {
		if (look_at_sender(sent) || !find_sender(sent, &ref))
			return false;
		at = ls_slot_get(&ref, LS_WORD_UNTIL);
		ls_slot_set(&ref, LS_WORD_FEW, true);
		if (at <= sent->visit.now &&
		    ls_slot_swap(&ref, LS_WORD_UNTIL, at, sender_until(sent)) ==
			    LS_TAKEN)
			return true;
	}
	return false;
}

static void disown_sender(const struct ls_sent *sent)
{
	struct ls_ref ref;

	if (find_sender(sent, &ref))
		ls_slot_swap(&ref, LS_WORD_UNTIL, sender_until(sent), 0);
}

/* ---- all of them -------------------------------------------------------- */

enum ls_sending_meter ls_sent_try(const struct ls_sent *sent)
{
	struct ls_sent_charge charges[LS_SENDING_TRIED_MESSAGES];
	unsigned full, done;

	for (done = 0; done < LS_SENDING_TRIED_MESSAGES; done++)
		if (!ls_sent_charge(sent, done, &charges[done]))
			break;
	if (done == LS_SENDING_TRIED_MESSAGES)
		return LS_SENDING_METERS;
	full = done;
	while (done-- > 0)
		refund(sent, done, &charges[done]);
	return full;
}

static enum ls_sending_meter take_message(const struct ls_sent *sent,
					  uint64_t *at_r)
{
	enum ls_sending_meter full = LS_SENDING_METERS;

	for (unsigned tries = 0; tries < TAKE_TRIES; tries++) {
		full = ls_sent_find_full(sent, at_r);
		if (full != LS_SENDING_METERS)
			break;
		full = ls_sent_try(sent);
		if (full == LS_SENDING_METERS)
			break;
		*at_r = sent->visit.now + 1; /* another was faster */
	}
	return full;
}

enum ls_sending_meter ls_sent_take(struct ls_sent *sent, uint64_t *at_r)
{
	enum ls_sending_meter full = ls_sent_find_full(sent, at_r);
	bool claimed;

	/* By another message, which took the last room? */
	if (full == LS_SENDING_SENDERS && look_at_sender(sent))
		full = ls_sent_find_full(sent, at_r);
	if (full != LS_SENDING_METERS)
		return full;
	claimed = claim_sender(sent);
	full = take_message(sent, at_r);
	if (claimed && full != LS_SENDING_METERS)
		disown_sender(sent);
	return full;
}
