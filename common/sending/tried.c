/* tried.c - see tried.h
 *
 * To remember a message takes a slot of the table. That an accepted one is counted
 * once matters only to who comes near a freeze: they are remembered from a tenth of
 * the limits on, so most accounts never take a slot for one, and a slot of one is
 * the first to go where there is no room. */
#include "lockstep-config.h"

#include "sending/message.h"
#include "sending/tried.h"
#include "state/marks.h"

/* No queue tries again sooner. */
enum { RETRY_MS = 60000 };

static bool find_tried(const struct ls_sent *sent, uint64_t key,
		       struct ls_ref *ref_r)
{
	return ls_table_find(&sent->state->guard.subjects, key, LS_KIND_ONCE,
			     ref_r) == 0;
}

static bool is_remembered(const struct ls_sent *sent, uint64_t key)
{
	struct ls_ref ref;

	return find_tried(sent, key, &ref) &&
	       ls_slot_get(&ref, LS_WORD_UNTIL) > sent->visit.now;
}

/* few   of those that a limit bounds: worth more than one that is of any number,
 *       which may push nothing out */
static void remember(const struct ls_sent *sent, uint64_t key, bool few)
{
	struct ls_ref ref;

	if (ls_state_claim(sent->state, LS_KIND_ONCE, key, sent->visit.now,
			   false, &ref) < 0)
		return; /* then it is counted again */
	ls_slot_set(&ref, LS_WORD_FEW, few);
	ls_slot_set(&ref, LS_WORD_UNTIL,
		    sent->visit.now + LS_SENT_REMEMBER_MS);
}

bool ls_tried_find(const struct ls_sent *sent, uint64_t *key_r)
{
	uint64_t message = ls_message_key(sent->state, sent->message);

	*key_r = ls_sent_once_key(sent, message);
	if (is_remembered(sent, *key_r))
		return true;
	for (unsigned i = 0; i < 2 * LS_MESSAGE_NEIGHBOURS; i++) {
		uint64_t steps = i / 2 + 1;
		uint64_t other = ls_sent_once_key(
			sent, i % 2 ? message + steps : message - steps);

		if (is_remembered(sent, other)) {
			*key_r = other;
			return true;
		}
	}
	return false;
}

/* Are all recipients known by name, so that it is the same message? */
static bool is_whole_message(const struct ls_message *message,
			     const struct ls_state *state)
{
	return ls_message_is_known(state, message) && !message->partial &&
	       message->gathered->count >= message->recipients;
}

/* A slot of its own has the meters of an account's messages that came again. */
static bool charge_repeat(const struct ls_sent *sent)
{
	static const enum ls_sending_meter meters[] = { LS_SENDING_MESSAGES,
							LS_SENDING_RECIPIENTS };
	uint64_t key = ls_sent_once_key(sent, sent->key), at[2];
	struct ls_rate rate[2];
	struct ls_ref ref;

	if (ls_state_claim(sent->state, LS_KIND_ONCE, key, sent->visit.now,
			   false, &ref) < 0)
		return false;
	ls_slot_set(&ref, LS_WORD_FEW, true);
	for (unsigned i = 0; i < 2; i++) {
		const struct ls_rate one =
			ls_rate_of(&sent->limit[meters[i]].limit);

		rate[i] = ls_rate_times(&one, sent->units[meters[i]]);
		if (rate[i].emission_ms == 0 ||
		    ls_slot_charge(&ref, sent->limit[meters[i]].word,
				   sent->visit.now, &rate[i], false,
				   &at[i]) == LS_TAKEN)
			continue;
		if (i > 0 && rate[0].emission_ms > 0)
			ls_slot_refund(&ref, sent->limit[meters[0]].word,
				       sent->visit.now, at[0],
				       rate[0].emission_ms);
		return false;
	}
	return true;
}

bool ls_tried_is_paid(const struct ls_sent *sent, uint64_t key, bool again)
{
	struct ls_ref ref;

	return again && find_tried(sent, key, &ref) &&
	       ls_slot_get(&ref, LS_WORD_FEW) == 0 &&
	       ls_slot_get(&ref, LS_WORD_UNTIL) + RETRY_MS <=
		       sent->visit.now + LS_SENT_REMEMBER_MS &&
	       is_whole_message(sent->message, sent->state) &&
	       charge_repeat(sent);
}

bool ls_tried_charge(struct ls_sent *sent)
{
	struct ls_sent_charge ignored;

	for (unsigned i = LS_SENDING_TRIED_MESSAGES;
	     i <= LS_SENDING_TRIED_RECIPIENTS; i++) {
		if (!ls_sent_charge(sent, i, &ignored))
			return false;
		sent->units[i] = 0;
	}
	return true;
}

static bool are_limited(const struct ls_sent *sent)
{
	return sent->limit[LS_SENDING_TRIED_MESSAGES].limit.units > 0 ||
	       sent->limit[LS_SENDING_TRIED_RECIPIENTS].limit.units > 0;
}

/* Has the account used a tenth of what it may send? */
static bool is_busy(const struct ls_sent *sent)
{
	static const struct {
		enum ls_sending_meter tried, sent;
	} meters[] = {
		{ LS_SENDING_TRIED_MESSAGES, LS_SENDING_MESSAGES },
		{ LS_SENDING_TRIED_RECIPIENTS, LS_SENDING_RECIPIENTS },
	};

	for (unsigned i = 0; i < 2; i++) {
		uint64_t limit = sent->limit[meters[i].sent].limit.units;

		if (limit > 0 &&
		    ls_sent_level(sent, meters[i].tried) >= limit / 10)
			return true;
	}
	return false;
}

void ls_tried_accepted(const struct ls_sent *sent, uint64_t key, bool again)
{
	struct ls_ref ref;

	if (are_limited(sent) && (again || is_busy(sent)))
		remember(sent, key, false);
	else if (again && find_tried(sent, key, &ref))
		ls_slot_set(&ref, LS_WORD_UNTIL, 0);
}

bool ls_tried_refused(const struct ls_sent *sent, uint64_t key, bool again)
{
	bool limited = are_limited(sent);
	struct ls_ref ref;
	bool refused =
		again && (!limited || (find_tried(sent, key, &ref) &&
				       ls_slot_get(&ref, LS_WORD_FEW) != 0));

	remember(sent, key, limited);
	return refused;
}

void ls_tried_empty(const struct ls_sent *sent)
{
	struct ls_ref ref;

	if (ls_table_find(&sent->state->guard.subjects, sent->key, sent->kind,
			  &ref) < 0)
		return;
	ls_slot_set(&ref, sent->limit[LS_SENDING_TRIED_MESSAGES].word, 0);
	ls_slot_set(&ref, sent->limit[LS_SENDING_TRIED_RECIPIENTS].word, 0);
}
