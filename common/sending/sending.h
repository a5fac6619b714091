/* sending.h - the meters of what an account, or a relaying address, sends */
#ifndef LS_SENDING_H
#define LS_SENDING_H

#include "map/table.h"
#include "policy/policy.h"

enum ls_sending_meter {
	LS_SENDING_MESSAGES,
	LS_SENDING_RECIPIENTS,
	LS_SENDING_SENDERS,
	LS_SENDING_NEW_RECIPIENTS,
	LS_SENDING_TRIED_MESSAGES,   /* whatever became of them */
	LS_SENDING_TRIED_RECIPIENTS, /* of distinct messages */
	LS_SENDING_TOLD, /* refusals in the journal: nobody fills it with his */
	LS_SENDING_METERS
};

/* One of them. */
struct ls_sending_limit {
	enum ls_slot_word word;
	enum ls_reason reason; /* what it counts; of a refusal when it is full */
	struct ls_limit limit; /* units 0: none */
};

/* The limits in force for an account: smaller on probation. What is tried may
 * be a multiple, after which the account is frozen. */
void ls_sending_limits(const struct ls_policy *policy, bool probation,
		       struct ls_sending_limit limits_r[LS_SENDING_METERS]);
/* Those of an address that relays without a login; the others are none. */
void ls_relay_limits(const struct ls_policy *policy,
		     struct ls_sending_limit limits_r[LS_SENDING_METERS]);

/* How many refusals of one account or address the journal gets: the smallest, of
 * 1024 records, then keeps for two weeks what else it has. */
extern const struct ls_limit ls_told_limit;

/* The key of an account's SENDING, from that of its USER; and of an address's
 * RELAY, from that of its IP. */
uint64_t ls_sending_key(const uint8_t hash_key[16], uint64_t user_key);
uint64_t ls_relay_key(const uint8_t hash_key[16], uint64_t ip_key);
/* Empty the meters of an account's SENDING, found by the key of its USER. Returns
 * whether something was in one. */
bool ls_sending_clear(const struct ls_table *subjects,
		      const uint8_t hash_key[16], uint64_t user_key,
		      uint64_t now);
/* And of an address's RELAY, by that of its IP. */
void ls_relay_clear(const struct ls_table *subjects, const uint8_t hash_key[16],
		    uint64_t ip_key);
/* The key of the account that a SENDING slot is of; 0 when it does not say. */
uint64_t ls_sending_account(const struct ls_ref *ref);

#endif
