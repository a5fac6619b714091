/* limits.c - what an account or an address may send; see sending.h */
#include "lockstep-config.h"

#include "base/key.h"
#include "base/meter.h"
#include "sending/sending.h"

static const struct {
	enum ls_slot_word word;
	enum ls_reason reason;
} meters[LS_SENDING_METERS] = {
	[LS_SENDING_MESSAGES] = { LS_WORD_MESSAGES, LS_REASON_MESSAGES },
	[LS_SENDING_RECIPIENTS] = { LS_WORD_RECIPIENTS, LS_REASON_RECIPIENTS },
	[LS_SENDING_SENDERS] = { LS_WORD_SENDERS, LS_REASON_SENDERS },
	[LS_SENDING_NEW_RECIPIENTS] = { LS_WORD_NEW_RECIPIENTS,
					LS_REASON_NEW_RECIPIENTS },
	[LS_SENDING_TRIED_MESSAGES] = { LS_WORD_TRIED_MESSAGES,
					LS_REASON_MESSAGES },
	[LS_SENDING_TRIED_RECIPIENTS] = { LS_WORD_TRIED_RECIPIENTS,
					  LS_REASON_RECIPIENTS },
	[LS_SENDING_TOLD] = { LS_WORD_TOLD, LS_REASON_NONE },
};

const struct ls_limit ls_told_limit = {
	.units = 50,
	.period_ms = UINT64_C(24) * 3600 * 1000,
};

static void begin_limits(struct ls_sending_limit limits_r[LS_SENDING_METERS])
{
	for (unsigned i = 0; i < LS_SENDING_METERS; i++)
		limits_r[i] =
			(struct ls_sending_limit){ .word = meters[i].word,
						   .reason = meters[i].reason };
	limits_r[LS_SENDING_TOLD].limit = ls_told_limit;
}

/* So much of it; no more than a meter in milliseconds can hold to. */
static struct ls_limit multiple(struct ls_limit limit, uint64_t percent)
{
	limit.units = limit.units * percent / 100;
	if (limit.units > limit.period_ms)
		limit.units = limit.period_ms;
	return limit;
}

void ls_sending_limits(const struct ls_policy *policy, bool probation,
		       struct ls_sending_limit limits_r[LS_SENDING_METERS])
{
	uint64_t divisor = probation ? policy->sending.probation_divisor : 1;
	struct ls_limit messages = ls_limit_part(policy->sending.messages, divisor);
	struct ls_limit recipients = ls_limit_part(policy->sending.recipients, divisor);

	begin_limits(limits_r);
	limits_r[LS_SENDING_MESSAGES].limit = messages;
	limits_r[LS_SENDING_RECIPIENTS].limit = recipients;
	limits_r[LS_SENDING_SENDERS].limit =
		ls_limit_part(policy->sending.senders, divisor);
	limits_r[LS_SENDING_NEW_RECIPIENTS].limit =
		ls_limit_part(policy->sending.new_recipients, divisor);
	limits_r[LS_SENDING_TRIED_MESSAGES].limit =
		multiple(messages, policy->sending.freeze_at);
	limits_r[LS_SENDING_TRIED_RECIPIENTS].limit =
		multiple(recipients, policy->sending.freeze_at);
}

void ls_relay_limits(const struct ls_policy *policy,
		     struct ls_sending_limit limits_r[LS_SENDING_METERS])
{
	begin_limits(limits_r);
	limits_r[LS_SENDING_MESSAGES].limit = policy->relay.messages;
	limits_r[LS_SENDING_RECIPIENTS].limit = policy->relay.recipients;
}

uint64_t ls_sending_key(const uint8_t hash_key[16], uint64_t user_key)
{
	return ls_key_pair(hash_key, LS_KIND_SENDING, user_key, 0);
}

uint64_t ls_relay_key(const uint8_t hash_key[16], uint64_t ip_key)
{
	return ls_key_pair(hash_key, LS_KIND_RELAY, ip_key, 0);
}

/* Returns whether there was anything. */
static bool clear_meters(const struct ls_table *subjects, uint64_t key,
			 enum ls_kind kind, uint64_t now)
{
	bool any = false;
	struct ls_ref ref;

	if (ls_table_find(subjects, key, kind, &ref) < 0)
		return false;
	for (unsigned i = LS_WORD_ALARMED; i <= LS_WORD_NEW_RECIPIENTS; i++) {
		any = any || ls_slot_get(&ref, i) > now;
		ls_slot_set(&ref, i, 0);
	}
	ls_slot_set(&ref, LS_WORD_TOLD, 0);
	return any;
}

bool ls_sending_clear(const struct ls_table *subjects,
		      const uint8_t hash_key[16], uint64_t user_key,
		      uint64_t now)
{
	return clear_meters(subjects, ls_sending_key(hash_key, user_key),
			    LS_KIND_SENDING, now);
}

void ls_relay_clear(const struct ls_table *subjects, const uint8_t hash_key[16],
		    uint64_t ip_key)
{
	clear_meters(subjects, ls_relay_key(hash_key, ip_key), LS_KIND_RELAY,
		     0);
}

uint64_t ls_sending_account(const struct ls_ref *ref)
{
	return ls_slot_get(ref, LS_WORD_SENDER) << 32 |
	       (ls_slot_get(ref, LS_WORD_SENDER + 1) & 0xffffffff);
}
