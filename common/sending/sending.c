/* sending.c - what an account, or an address that relays, may send
 *
 * Everything is charged at the end of a message, once:
 *
 *   frozen? ---yes---------------------------------------> DENY
 *      | no
 *   tried before? --no--> charge the meters of what is attempted;
 *      | yes              no room: freeze ----------------> HOLD or DENY
 *      |<--------------------'
 *   room in messages, recipients, new recipients, senders?
 *      | no: remember the message for a day --------------> DENY
 *      | yes: charge them, all or none
 *   whom it goes to is known from now on -----------------> ADMIT
 *
 * Charges are compare-and-swaps on shared meters, one after the other; one that
 * finds no room gives those before it back, and all is looked at again. So
 * however many messages end at once, no meter ever holds more than its limit. */
#include "lockstep-config.h"

#include "base/text.h"
#include "sending/message.h"
#include "sending/sent.h"
#include "sending/tried.h"
#include "state/marks.h"

#include <stdio.h>
#include <string.h>

/* ---- verdicts ---------------------------------------------------------- */

static void refuse_sending(const struct ls_sent *sent, enum ls_verdict verdict,
			   enum ls_reason reason, uint64_t at,
			   struct ls_decision *decision)
{
	decision->wanted = verdict;
	decision->verdict = sent->observed ? LS_ADMIT : verdict;
	decision->reason = reason;
	decision->kind = sent->kind;
	decision->retry_ms = at > sent->visit.now ? at - sent->visit.now : 0;
	decision->reveal = true; /* who sends has logged in */
}

static void journal_message(const struct ls_sent *sent, enum ls_event event,
			    const struct ls_decision *decision)
{
	const struct ls_message *message = sent->message;
	struct ls_record record = {
		.at_ms = sent->visit.now,
		.event = event,
		.verdict = decision->verdict,
		.wanted = decision->wanted,
		.reason = decision->reason,
		.subject = { .kind = decision->kind,
			     .net = { .addr = message->ip, .bits = 128 } },
		.service = "smtp",
	};

	ls_copy(record.subject.user, sizeof(record.subject.user), sent->user);
	ls_copy(record.detail, sizeof(record.detail), message->queue_id);
	if (ls_message_is_known(sent->state, message))
		ls_copy(record.more, sizeof(record.more),
			message->gathered->domains);
	ls_ring_append(&sent->state->guard.journal, &record);
}

/* A refusal, unless the journal has many of this account or address already. Without
 * a slot to count them in there is none. */
static void journal_refusal(const struct ls_sent *sent,
			    const struct ls_decision *decision)
{
	struct ls_sent_charge told;

	if (ls_sent_charge(sent, LS_SENDING_TOLD, &told) &&
	    told.emission_ms > 0)
		journal_message(sent, LS_EVENT_MESSAGE, decision);
}

/* What an account was frozen for came from a place that is new to it: so may be
 * who sent it. A release then forgets that place, and those first seen since. */
static void doubt_new_place(const struct ls_sent *sent)
{
	const struct ls_visit *visit = &sent->visit;
	uint64_t young = visit->policy->user.probation_ms, since;

	if (!visit->known[LS_KIND_PLACE])
		return;
	since = ls_slot_get(&visit->ref[LS_KIND_PLACE], LS_WORD_FIRST_SEEN);
	if (since != 0 && since + young > visit->now)
		ls_state_doubt(sent->state, visit->key[LS_KIND_USER], since,
			       visit->now + young, visit->now);
}

/* With what the message at hand would have added. */
static uint64_t attempted(const struct ls_sent *sent,
			  enum ls_sending_meter meter)
{
	return sent->limit[meter].limit.units > 0
		       ? ls_sent_level(sent, meter) + sent->units[meter]
		       : LS_NOT_COUNTED;
}

/* The account has tried too much. Returns false when another message did it
 * just before. */
static bool freeze_sender(const struct ls_sent *sent)
{
	const struct ls_policy *policy = sent->visit.policy;
	const struct ls_message *message = sent->message;
	struct ls_evidence evidence = {
		.messages = attempted(sent, LS_SENDING_TRIED_MESSAGES),
		.recipients = attempted(sent, LS_SENDING_TRIED_RECIPIENTS),
	};
	char more[LS_MORE_MAX + 1];
	const struct ls_lock_order order = {
		.word = LS_WORD_FREEZE,
		.length = { policy->sending.freeze_ms,
			    policy->sending.freeze_ms },
		.reason = LS_REASON_SENDING,
		.origin = LS_ORIGIN_RULE,
		.more = more,
	};
	struct ls_subject subject;
	enum ls_fall fall;

	ls_copy(evidence.queue_id, sizeof(evidence.queue_id),
		message->queue_id);
	if (ls_message_is_known(sent->state, message))
		ls_copy(evidence.domains, sizeof(evidence.domains),
			message->gathered->domains);
	ls_evidence_write(&evidence, more);
	ls_visit_subject(&sent->visit, LS_KIND_USER, &subject);
	fall = ls_state_lock(sent->state, &subject,
			     sent->visit.key[LS_KIND_USER], &order, NULL,
			     sent->visit.now);
	if (fall == LS_STOOD)
		return false;
	/* What led to it has had its consequence: with that still counted, the
	 * owner's first message after it would bring about the next. */
	if (fall == LS_FELL)
		ls_tried_empty(sent);
	doubt_new_place(sent);
	return true;
}

/* The account is frozen, by whatever it was. */
static void refuse_frozen(const struct ls_sent *sent,
			  struct ls_decision *decision)
{
	ls_visit_is_frozen(&sent->visit, decision);
	journal_refusal(sent, decision);
}

/* Of those that go too far at once, one freezes the account and is held: if it can
 * be. Before a proxy filter (smtpd_proxy_filter) Postfix has no queue file yet, and
 * would let it go. */
static void decide_excess(struct ls_sent *sent, struct ls_decision *decision)
{
	const struct ls_policy *policy = sent->visit.policy;
	const char *queue_id = sent->message->queue_id;
	bool hold = policy->sending.on_freeze == LS_ON_FREEZE_HOLD &&
		    queue_id != NULL && *queue_id != '\0';

	if (!sent->observed && !freeze_sender(sent)) {
		ls_visit_init(&sent->visit, sent->state, sent->user,
			      &sent->message->ip, NULL, sent->visit.now);
		refuse_frozen(sent, decision);
		return;
	}
	refuse_sending(sent, hold ? LS_HOLD : LS_DENY, LS_REASON_SENDING,
		       sent->visit.now + policy->sending.freeze_ms, decision);
	/* Of what is held each queue id is wanted. */
	if (sent->observed)
		journal_refusal(sent, decision);
	else
		journal_message(sent, LS_EVENT_MESSAGE, decision);
}

/* An alarm, no more often than once a day, whatever else there is no room for. */
static void raise_alarm(const struct ls_sent *sent,
			const struct ls_decision *decision)
{
	struct ls_decision alarm = *decision;
	struct ls_ref ref;

	if (!ls_sent_is_full(sent, LS_SENDING_NEW_RECIPIENTS) ||
	    ls_table_find(&sent->state->guard.subjects, sent->key, sent->kind,
			  &ref) < 0 ||
	    ls_slot_get(&ref, LS_WORD_ALARMED) > sent->visit.now)
		return;
	ls_slot_set(&ref, LS_WORD_ALARMED,
		    sent->visit.now + LS_SENT_REMEMBER_MS);
	alarm.reason = LS_REASON_NEW_RECIPIENTS;
	journal_message(sent, LS_EVENT_ALARM, &alarm);
}

/* What is remembered of a message that came after the freeze, whatever that was
 * for: LS_REASON_SENDING is that of the one that brought it about. */
static const enum ls_reason WAS_FROZEN = LS_REASON_NONE;

/* ---- deciding ---------------------------------------------------------- */

/* A login holds as long as its connection, whatever becomes of the account: who is
 * there since before the last freeze is to log in anew. The words are those for
 * everybody, and a client that may comes back at once. */
static bool is_of_before(const struct ls_sent *sent,
			 struct ls_decision *decision)
{
	const struct ls_visit *visit = &sent->visit;
	uint64_t connected = sent->message->connected_ms, frozen;
	struct ls_lock_word last;

	if (sent->kind != LS_KIND_SENDING || connected == 0 ||
	    !visit->known[LS_KIND_USER] ||
	    visit->policy->mode == LS_MODE_OBSERVE)
		return false;
	frozen = ls_slot_get(&visit->ref[LS_KIND_USER], LS_WORD_FREEZE_SINCE);
	/* By the clock of who asks: one that is older than the map is told from one
	 * that is as old. */
	if (frozen == 0 || frozen > visit->now ||
	    (int64_t)(connected -
		      ls_map_boot_ms(&sent->state->guard, frozen)) >= 0)
		return false;
	decision->verdict = decision->wanted = LS_DENY;
	decision->kind = LS_KIND_USER;
	last = ls_lock_unpack(
		ls_slot_get(&visit->ref[LS_KIND_USER], LS_WORD_FREEZE));
	/* A release leaves nothing of it. */
	decision->reason = last.until != 0 ? last.reason : LS_REASON_ADMIN;
	decision->reveal = false;
	return true;
}

static void decide_account(struct ls_sent *sent, uint64_t real_ms,
			   struct ls_decision *decision)
{
	enum ls_sending_meter full;
	uint64_t tried, at = 0;
	bool again;

	ls_visit_is_frozen(&sent->visit, decision);
	if (decision->wanted != LS_ADMIT) {
		journal_refusal(sent, decision);
		return;
	}
	if (is_of_before(sent, decision)) {
		journal_refusal(sent, decision);
		return;
	}
	ls_sent_need(sent, real_ms);
	again = ls_tried_find(sent, &tried);
	if (!again && !ls_tried_charge(sent)) {
		decide_excess(sent, decision);
		if (decision->verdict == LS_ADMIT) { /* it is only observed */
			ls_sent_take(sent, &at);
			ls_sent_learn(sent);
		}
		return;
	}
	full = ls_tried_is_paid(sent, tried, again)
		       ? LS_SENDING_METERS
		       : ls_sent_take(sent, &at);
	if (full == LS_SENDING_METERS) {
		ls_tried_accepted(sent, tried, again);
	} else {
		refuse_sending(sent, LS_DENY, ls_sent_reason(sent, full), at,
			       decision);
		if (!ls_tried_refused(sent, tried, again))
			journal_refusal(sent, decision);
		raise_alarm(sent, decision);
	}
	if (decision->verdict == LS_ADMIT)
		ls_sent_learn(sent);
}

static void decide_address(struct ls_sent *sent, struct ls_decision *decision)
{
	enum ls_sending_meter full;
	uint64_t at = 0;

	full = ls_sent_take(sent, &at);
	if (full == LS_SENDING_METERS)
		return;
	refuse_sending(sent, LS_DENY, ls_sent_reason(sent, full), at, decision);
	journal_refusal(sent, decision);
}

/* What its meters say, and nothing is charged. */
static void look_at_message(const struct ls_sent *sent,
			    struct ls_decision *decision)
{
	uint64_t at = 0;
	enum ls_sending_meter full = ls_sent_find_full(sent, &at);

	if (full != LS_SENDING_METERS)
		refuse_sending(sent, LS_DENY, ls_sent_reason(sent, full), at,
			       decision);
}

/* The answer that was given before, with what is to be said of it now. */
static void repeat(struct ls_sent *sent, uint64_t real_ms,
		   enum ls_verdict verdict, enum ls_reason reason,
		   struct ls_decision *decision)
{
	struct ls_decision now = { .verdict = LS_ADMIT };

	decision->verdict = decision->wanted = verdict;
	if (verdict == LS_ADMIT)
		return;
	decision->reason = reason;
	decision->kind = sent->kind;
	decision->reveal = true;
	if (reason == WAS_FROZEN) {
		decision->kind = LS_KIND_USER;
		decision->reveal = false; /* released since, or of before */
		if (ls_visit_is_frozen(&sent->visit, &now)) {
			decision->reason = now.reason;
			decision->reveal = now.reveal;
		}
	} else if (reason != LS_REASON_SENDING) {
		if (sent->kind == LS_KIND_SENDING)
			ls_sent_need(sent, real_ms);
		look_at_message(sent, &now);
		if (now.wanted == LS_ADMIT) /* there is room by now */
			now.retry_ms = 1;
	}
	decision->retry_ms = now.retry_ms;
}

static bool is_first_look(const struct ls_sent *sent)
{
	const struct ls_map *map = &sent->state->guard;
	const char *name = sent->message->instance;
	struct ls_instance ignored_instance;
	enum ls_verdict ignored_verdict;
	enum ls_reason ignored_reason;

	return name == NULL || *name == '\0' ||
	       ls_instance_ask(map->instances,
			       ls_key_text(map->hash_key, 'l', name),
			       sent->visit.now, &ignored_instance,
			       &ignored_verdict,
			       &ignored_reason) == LS_INSTANCE_FIRST;
}

/* Where an account's messages are asked about, its logins are, too. */
static void note_asked(const struct ls_sent *sent)
{
	if (sent->kind == LS_KIND_SENDING)
		ls_asked_note(sent->state->guard.asked,
			      sent->visit.key[LS_KIND_IP], sent->visit.now);
}

void ls_send_look(struct ls_state *state, const struct ls_message *message,
		  uint64_t now_ms, struct ls_decision *decision_r)
{
	struct ls_sent sent;

	memset(decision_r, 0, sizeof(*decision_r));
	if (!state->guard.writable)
		return;
	ls_sent_init(&sent, state, message, now_ms);
	note_asked(&sent);
	if (sent.kind == LS_KIND_SENDING)
		ls_visit_is_frozen(&sent.visit, decision_r);
	else if (!ls_sent_is_exempt(&sent))
		look_at_message(&sent, decision_r);
	if (decision_r->verdict == LS_ADMIT)
		is_of_before(&sent, decision_r);
	/* Then its end, where it would be told, never comes. Once for all of its
	 * recipients. */
	if (decision_r->verdict != LS_ADMIT && is_first_look(&sent))
		journal_refusal(&sent, decision_r);
}

/* Which end of which message. One that was refused at its end can go on, as the
 * same transaction, with more recipients and another text: that is not what was
 * answered before. */
static uint64_t question(const struct ls_state *state,
			 const struct ls_message *message)
{
	const uint8_t *hash_key = state->guard.hash_key;
	const char *queue_id = message->queue_id;
	uint64_t end = ls_key_text(hash_key, 'q',
				   queue_id != NULL ? queue_id : "");

	return ls_key_pair(hash_key, LS_KIND_ONCE,
			   ls_message_instance(state, message->instance),
			   end + message->recipients);
}

void ls_send(struct ls_state *state, const struct ls_message *message,
	     uint64_t now_ms, uint64_t real_ms, struct ls_decision *decision_r)
{
	enum ls_instance_state asked = LS_INSTANCE_FIRST;
	struct ls_instance instance = { NULL, 0 };
	enum ls_verdict verdict;
	enum ls_reason reason;
	struct ls_sent sent;

	memset(decision_r, 0, sizeof(*decision_r));
	if (!state->guard.writable)
		return;
	ls_sent_init(&sent, state, message, now_ms);
	note_asked(&sent);
	if (ls_sent_is_exempt(&sent))
		return;
	atomic_store_explicit(&state->guard.header->message_seen,
			      sent.visit.now, memory_order_relaxed);
	if (message->instance != NULL && *message->instance != '\0')
		asked = ls_instance_ask(
			state->guard.instances, question(state, message),
			sent.visit.now, &instance, &verdict, &reason);
	if (asked == LS_INSTANCE_DECIDED)
		repeat(&sent, real_ms, verdict, reason, decision_r);
	else if (asked == LS_INSTANCE_ASKED)
		look_at_message(&sent, decision_r);
	else if (sent.kind == LS_KIND_SENDING)
		decide_account(&sent, real_ms, decision_r);
	else
		decide_address(&sent, decision_r);
	if (instance.place != NULL && asked == LS_INSTANCE_FIRST)
		ls_instance_tell(&instance, decision_r->verdict,
				 decision_r->kind == LS_KIND_USER
					 ? WAS_FROZEN
					 : decision_r->reason);
}
