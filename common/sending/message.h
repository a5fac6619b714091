/* message.h - what tells one message from another (gather.c) */
#ifndef LS_MESSAGE_H
#define LS_MESSAGE_H

#include "lockstep.h"

/* A transaction's name, hashed. */
uint64_t ls_message_instance(const struct ls_state *state,
			     const char *instance);

/* Are its recipients known? And can they be looked for among the contacts? */
bool ls_message_is_known(const struct ls_state *state,
			 const struct ls_message *message);
bool ls_message_has_contacts(const struct ls_state *state,
			     const struct ls_message *message);

/* How many of its recipients were noted by a process that is gone. */
uint64_t ls_message_missing(const struct ls_state *state,
			    const struct ls_message *message);

/* One number for a message that comes again: sender, recipients in whatever
 * order, and a class of its size, so that one a tenth larger or smaller, or less, has
 * this number or one of so many before or behind it; one that differs by a sixth, or
 * more, has none of them. */
enum { LS_MESSAGE_NEIGHBOURS = 3 };
uint64_t ls_message_key(const struct ls_state *state,
			const struct ls_message *message);

/* An envelope sender without what makes it another for each message or recipient:
 * news-42@list, news+joe=example.com@list and news@list are one. */
enum { LS_SENDER_SIZE = 2560 };
void ls_sender_fold(const char *sender, char folded_r[LS_SENDER_SIZE]);

/* Is the envelope sender the account's own address (with any +extension), or
 * nobody? message->user is not NULL. */
bool ls_message_is_own(const struct ls_message *message);

#endif
