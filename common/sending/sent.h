/* sent.h - a message at hand, and the meters that it is charged to
 *
 * Between sending.c, which decides, and the table. All times are on the map's
 * clock. */
#ifndef LS_SENT_H
#define LS_SENT_H

#include "login/visit.h"
#include "sending/sending.h"

/* How long a message is remembered, and an alarm not told again. */
#define LS_SENT_REMEMBER_MS (UINT64_C(24) * 3600 * 1000)

/* A message at hand. */
struct ls_sent {
	struct ls_state *state;
	const struct ls_message *message;
	struct ls_visit visit;
	char user[LS_USER_MAX + 1];
	struct ls_sending_limit limit[LS_SENDING_METERS];
	uint64_t units[LS_SENDING_METERS]; /* that it needs; 0: none */
	enum ls_kind kind;                 /* SENDING or RELAY */
	uint64_t key;
	bool observed;    /* the rule, or the policy, refuses nothing */
	uint64_t sender;  /* the key of a sender to be counted; 0: none */
	uint32_t account; /* among the contacts */
	unsigned today;
	bool has_contacts;
};

/* Begin: whose message it is, and what limits hold. Both arguments live as
 * long. now_ms   as in lockstep.h */
void ls_sent_init(struct ls_sent *sent, struct ls_state *state,
		  const struct ls_message *message, uint64_t now_ms);

/* Has an address no limits, or none that count for it? */
bool ls_sent_is_exempt(const struct ls_sent *sent);

/* Of an account: what the message needs, besides one message and its
 * recipients. Reads only. */
void ls_sent_need(struct ls_sent *sent, uint64_t real_ms);

/* The message was accepted: whom it goes to is known from now on. */
void ls_sent_learn(const struct ls_sent *sent);

/* What is counted once for an account: a sender, an attempted message.
 *   what   its key */
uint64_t ls_sent_once_key(const struct ls_sent *sent, uint64_t what);

/* What was charged; emission_ms 0: nothing. */
struct ls_sent_charge {
	uint64_t at, emission_ms;
};
/* Charge one meter with what the message needs of it. Returns false when there
 * is no room. Where the table has no slot, one meter is shared by all that is sent
 * without one (crowd.h), and the others have room. */
bool ls_sent_charge(const struct ls_sent *sent, enum ls_sending_meter meter,
		    struct ls_sent_charge *charge_r);

/* What to say of a meter that had no room: its reason, or that of the crowd. Reads
 * only. */
enum ls_reason ls_sent_reason(const struct ls_sent *sent,
			      enum ls_sending_meter full);

/* How many units are in one of the meters. */
uint64_t ls_sent_level(const struct ls_sent *sent, enum ls_sending_meter meter);
/* Has the meter no room for what the message needs of it? Reads only. */
bool ls_sent_is_full(const struct ls_sent *sent, enum ls_sending_meter meter);
/* Of the soft meters without room the one that will have some last, or
 * LS_SENDING_METERS. Reads only. *at_r is when that is, on the map's clock, or,
 * where others were faster to fill it, soon; 0: never. */
enum ls_sending_meter ls_sent_find_full(const struct ls_sent *sent,
					uint64_t *at_r);
/* Charge all soft meters, or none, without a look at them before; a sender is known
 * then. Returns the one that had no room, or LS_SENDING_METERS. */
enum ls_sending_meter ls_sent_try(const struct ls_sent *sent);
/* Look, and then charge; again when another message was faster in between. Returns
 * as ls_sent_find_full(). */
enum ls_sending_meter ls_sent_take(struct ls_sent *sent, uint64_t *at_r);

#endif
