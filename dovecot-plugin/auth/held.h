/* held.h - logins that wait for others to settle
 *
 * A limit that is full only with attempts in flight says nothing yet: those may
 * be right. So the next login is held, and asked about again, in the order of
 * arrival, when one of them has settled: two hundred people behind one new
 * address who log in at nine o'clock all get in. Each waits in the queue of the
 * subject that has no room (waiting.h), so that a settlement costs the same
 * however many are held.
 *
 *   HELD_LOOK_MS     so often those whose client went away are let go, and the
 *                    first of each queue is asked about: time gives room too
 *   HELD_ASK_MS      so often all are: more may have changed than room
 *   HELD_MAX_MS      then a login is asked about no more: a temporary failure
 *   HELD_SILENT_MS   for the service "smtp": Postfix makes a permanent 535 of
 *                    every answer but none at all, which it gives up on after 10
 *                    seconds, with a 454. So it gets none until then.
 *   HELD_COUNT_MAX   more are not held: a temporary failure at once
 *
 * A login whose client went away meanwhile is not asked about again: its
 * password need not be verified any more. */
#ifndef LOCKSTEP_HELD_H
#define LOCKSTEP_HELD_H

#include "auth/waiting.h"

struct login;
struct ls_ticket;

enum {
	HELD_LOOK_MS = 250,
	HELD_ASK_MS = 1000,
	HELD_MAX_MS = 8000,
	HELD_SILENT_MS = 12000,
	HELD_COUNT_MAX = 4096,
};

/* Ask about a login again, as waiting_ask_t. */
typedef enum waiting_answer held_ask_t(struct login *login, uint64_t *key);
/* Answer with a temporary failure. */
typedef void held_give_up_t(struct login *login);

void held_init(held_ask_t *ask, held_give_up_t *give_up);
/* Give up on those still held. */
void held_deinit(void);

/* Hold a login that waits for the subject of that key. */
void held_add(struct login *login, uint64_t key);

/* A login settles, and has not given back what it holds: those held for that will be
 * asked about in this turn of the loop. */
void held_settled(const struct ls_ticket *ticket);
/* Those that came before are asked about first. Call before asking about a login
 * that has just come. */
void held_before_new(void);

#endif
