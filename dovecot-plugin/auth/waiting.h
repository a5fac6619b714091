/* waiting.h - a queue for each subject that logins wait for
 *
 * A login waits for one subject at a time, by its key: that has no room until an
 * attempt that holds some of it settles. So what settles names the subjects that it
 * gives room back to, and of each of them the first in its queue is asked again, and
 * the next one only while there is room left. How many others wait, for these
 * subjects or any, makes no difference.
 *
 *   queues by key   [key] -> first ... last    in order of arrival
 *                   [key] -> first ... last
 *   all             first ... last             in order of arrival
 *
 * One that is asked and has to wait for another subject by now goes to that one's
 * queue, to the place that its arrival gives it. */
#ifndef LOCKSTEP_WAITING_H
#define LOCKSTEP_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct waiting;

/* Part of what waits; the caller's memory, untouched while it does. */
struct waiter {
	struct waiter *prev, *next;               /* among all */
	struct waiter *queue_prev, *queue_next;   /* in its queue */
	uint32_t queue;
	uint64_t arrived; /* the how manieth it was */
};

enum waiting_answer {
	WAITING_ON,   /* it has to wait: *key says for what */
	WAITING_TOOK, /* it goes its way, and has taken room */
	WAITING_LEFT, /* it goes its way, and has taken none */
};

/* Ask one again. It waits no more when this is called, and may be freed in it, unless
 * the answer is WAITING_ON. Meanwhile things may settle and be told by
 * waiting_freed(), and more may come; but nobody else goes.
 *   key  what it waited for; set to what it waits for now */
typedef enum waiting_answer waiting_ask_t(struct waiter *waiter, uint64_t *key);

/* For `max` waiters. Returns NULL when out of memory. */
struct waiting *waiting_new(uint32_t max, waiting_ask_t *ask);
/* Nobody waits any more. */
void waiting_free(struct waiting **waiting);

uint32_t waiting_count(const struct waiting *waiting);
/* The first of all, or NULL. */
struct waiter *waiting_first(const struct waiting *waiting);

/* One more comes, behind all others. There is room for it. */
void waiting_add(struct waiting *waiting, struct waiter *waiter, uint64_t key);
void waiting_remove(struct waiting *waiting, struct waiter *waiter);

/* Something settled, and gave room back to that subject. Asks nobody yet. Returns
 * whether somebody waits for it. */
bool waiting_freed(struct waiting *waiting, uint64_t key);
/* Ask those who wait for what was given back. */
void waiting_ask_freed(struct waiting *waiting);
/* Ask the first of each queue, since time alone gives room too; or everybody. */
void waiting_ask_first(struct waiting *waiting);
void waiting_ask_all(struct waiting *waiting);

#endif
