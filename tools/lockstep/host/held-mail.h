/* held-mail.h - mail that was held as its sender's account was frozen */
#ifndef LOCKSTEP_HELD_H
#define LOCKSTEP_HELD_H

#include "lockstep.h"

enum { HELD_MAX = 64 };

struct held {
	bool known; /* what became of the message that froze the account */
	unsigned count; /* more than HELD_MAX: the first of them are told */
	char queue_id[HELD_MAX][LS_DETAIL_MAX + 1];
};

/* Messages of the account that were held since it was last released, as far as
 * the journal goes back. */
void held_gather(struct ls_state *state, const char *user,
		 struct held *held_r);

/* How to send or delete them, with Postfix's commands; nothing when there are
 * none. Where some may be held that the journal does not know, how to find them.
 *   sending  for what it sent the account was frozen until now */
void held_print(const struct held *held, bool sending);

#endif
