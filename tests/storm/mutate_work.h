/* mutate_work.h - those who work on the maps that storm_mutate changes
 *
 * They open both maps, use them for a while, close them, and so on. Whatever
 * stands in the maps, what comes out of them has its bounds, and everything
 * ends: each round is a beat. */
#ifndef TEST_MUTATE_WORK_H
#define TEST_MUTATE_WORK_H

#include "storm.h"

enum {
	WRITERS = 3,
	READERS = 2,
	WORKERS = WRITERS + READERS,
	SLOTS = 36 * LS_WAYS,
	RECORDS = 64,
};

struct mutate_shared {
	_Atomic bool stop, hostile; /* writers forge, too */
	_Atomic uint64_t beat[WORKERS], rounds, opened, refused, findings;
};
extern struct mutate_shared *mutate_shared;

/* Work of a child, until it is told to stop. */
void mutate_work(unsigned who);

/* One round of a writer or a reader. */
void mutate_write(struct ls_state *state, unsigned who, uint64_t dice);
void mutate_read(struct ls_state *state, unsigned who,
		 struct ls_cursor cursor[2], uint64_t dice);
/* A refusal has a reason. */
void mutate_check_refusal(const struct ls_error *error);

#endif
