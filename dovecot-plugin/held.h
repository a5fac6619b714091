/* held.h - logins that wait for others to settle
 *
 * A limit that is full only with attempts in flight says nothing yet: those may
 * be right. So the next login is held, and asked about again, in the order of
 * arrival, whenever one of them has settled: two hundred people behind one new
 * address who log in at nine o'clock all get in.
 *
 *   HELD_ASK_MS      the longest pause between two questions
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

#include <stdbool.h>

struct login;

enum {
	HELD_ASK_MS = 250,
	HELD_MAX_MS = 8000,
	HELD_SILENT_MS = 12000,
	HELD_COUNT_MAX = 4096,
};

/* Ask about a login again. Returns false when it has to wait on. */
typedef bool held_ask_t(struct login *login);
/* Answer with a temporary failure. */
typedef void held_give_up_t(struct login *login);

void held_init(held_ask_t *ask, held_give_up_t *give_up);
/* Give up on those still held. */
void held_deinit(void);

void held_add(struct login *login);

/* A login has settled: the held will be asked about in this turn of the loop. */
void held_settled(void);
/* Those that came before are asked about first. Call before asking about a login
 * that has just come. */
void held_before_new(void);

#endif
