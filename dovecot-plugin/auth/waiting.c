/* waiting.c - see waiting.h */
#include "lockstep-config.h"

#include "auth/waiting.h"

#include <stdlib.h>

enum {
	NONE = 0, /* of queues, which are numbered from 1 */
	/* Of one queue at once, for a unit of room: those who only go to another
	 * queue take none. */
	MOVES_MAX = 16,
};

struct queue {
	uint64_t key;
	struct waiter *head, *tail; /* NULL: it is free */
	uint32_t chain;             /* the next one of its hash, or free one */
	uint32_t freed;             /* units given back since it was asked */
	uint32_t woken;             /* the next one of these with any */
	bool is_woken;
};

struct waiting {
	waiting_ask_t *ask;
	struct waiter *head, *tail;
	uint64_t arrivals;
	uint32_t count, mask;
	uint32_t unused; /* queues */
	uint32_t woken;
	bool asking;
	struct queue *queue; /* queue[0] is none */
	uint32_t *hash;      /* first queue of each */
};

struct waiting *waiting_new(uint32_t max, waiting_ask_t *ask)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	uint32_t size = 1;

	if (waiting == NULL)
		return NULL;
	while (size < max)
		size *= 2;
	waiting->ask = ask;
	waiting->mask = size - 1;
	/* One that is being asked may find another queue while its own, which is
	 * empty, still stands. */
	waiting->queue = calloc((size_t)max + 2, sizeof(*waiting->queue));
	waiting->hash = calloc(size, sizeof(*waiting->hash));
	if (waiting->queue == NULL || waiting->hash == NULL) {
		waiting_free(&waiting);
		return NULL;
	}
	for (uint32_t i = max + 1; i > 0; i--) {
		waiting->queue[i].chain = waiting->unused;
		waiting->unused = i;
	}
	return waiting;
}

void waiting_free(struct waiting **_waiting)
{
	struct waiting *waiting = *_waiting;

	*_waiting = NULL;
	if (waiting == NULL)
		return;
	free(waiting->queue);
	free(waiting->hash);
	free(waiting);
}

uint32_t waiting_count(const struct waiting *waiting)
{
	return waiting->count;
}

struct waiter *waiting_first(const struct waiting *waiting)
{
	return waiting->head;
}

/* ---- queues ----------------------------------------------------------- */

static uint32_t find_queue(const struct waiting *waiting, uint64_t key)
{
	uint32_t i = waiting->hash[key & waiting->mask];

	while (i != NONE && waiting->queue[i].key != key)
		i = waiting->queue[i].chain;
	return i;
}

/* An empty one, unless it is to be asked still: then it goes after that. */
static void drop_queue(struct waiting *waiting, uint32_t i)
{
	struct queue *queue = &waiting->queue[i];
	uint32_t *at = &waiting->hash[queue->key & waiting->mask];

	if (queue->head != NULL || queue->is_woken)
		return;
	while (*at != i)
		at = &waiting->queue[*at].chain;
	*at = queue->chain;
	queue->chain = waiting->unused;
	waiting->unused = i;
}

/* Those that are to be asked and whose waiters went before that. */
static void drop_empty_queues(struct waiting *waiting)
{
	uint32_t *at = &waiting->woken;

	while (*at != NONE) {
		uint32_t i = *at;
		struct queue *queue = &waiting->queue[i];

		if (queue->head != NULL) {
			at = &queue->woken;
			continue;
		}
		*at = queue->woken;
		queue->is_woken = false;
		drop_queue(waiting, i);
	}
}

static uint32_t make_queue(struct waiting *waiting, uint64_t key)
{
	uint32_t i = find_queue(waiting, key);
	uint32_t *first = &waiting->hash[key & waiting->mask];
	struct queue *queue;

	if (i != NONE)
		return i;
	if (waiting->unused == NONE)
		drop_empty_queues(waiting);
	i = waiting->unused;
	queue = &waiting->queue[i];
	waiting->unused = queue->chain;
	*queue = (struct queue){ .key = key, .chain = *first };
	*first = i;
	return i;
}

/* ---- waiters ---------------------------------------------------------- */

/* Behind `before`, which is NULL for the first. */
static void link_in_queue(struct queue *queue, struct waiter *waiter,
			  struct waiter *before)
{
	struct waiter *after =
		before != NULL ? before->queue_next : queue->head;

	waiter->queue_prev = before;
	waiter->queue_next = after;
	*(before != NULL ? &before->queue_next : &queue->head) = waiter;
	*(after != NULL ? &after->queue_prev : &queue->tail) = waiter;
}

static void link_in_all(struct waiting *waiting, struct waiter *waiter,
			struct waiter *before)
{
	struct waiter *after = before != NULL ? before->next : waiting->head;

	waiter->prev = before;
	waiter->next = after;
	*(before != NULL ? &before->next : &waiting->head) = waiter;
	*(after != NULL ? &after->prev : &waiting->tail) = waiter;
}

/* Whom it has to stand behind in the queue that it is to be in. Looked for from both
 * ends: those who go to another queue are the first of theirs, and mostly belong to
 * the front. */
static struct waiter *place_in_queue(const struct waiting *waiting,
				     const struct waiter *waiter)
{
	struct waiter *before = waiting->queue[waiter->queue].tail;
	struct waiter *after = waiting->queue[waiter->queue].head;

	while (before != NULL && before->arrived > waiter->arrived) {
		if (after->arrived > waiter->arrived)
			return after->queue_prev;
		before = before->queue_prev;
		after = after->queue_next;
	}
	return before;
}

static void leave_queue(struct waiting *waiting, struct waiter *waiter)
{
	struct queue *queue = &waiting->queue[waiter->queue];

	*(waiter->queue_prev != NULL ? &waiter->queue_prev->queue_next
				     : &queue->head) = waiter->queue_next;
	*(waiter->queue_next != NULL ? &waiter->queue_next->queue_prev
				     : &queue->tail) = waiter->queue_prev;
	drop_queue(waiting, waiter->queue);
}

void waiting_add(struct waiting *waiting, struct waiter *waiter, uint64_t key)
{
	waiter->arrived = ++waiting->arrivals;
	link_in_all(waiting, waiter, waiting->tail);
	waiting->count++;
	waiter->queue = make_queue(waiting, key);
	link_in_queue(&waiting->queue[waiter->queue], waiter,
		      waiting->queue[waiter->queue].tail);
}

void waiting_remove(struct waiting *waiting, struct waiter *waiter)
{
	leave_queue(waiting, waiter);
	*(waiter->prev != NULL ? &waiter->prev->next : &waiting->head) =
		waiter->next;
	*(waiter->next != NULL ? &waiter->next->prev : &waiting->tail) =
		waiter->prev;
	waiting->count--;
}

/* ---- asking ----------------------------------------------------------- */

/* Ask one that waits. Where it has to wait on, it stands where it stood among all;
 * *key says what it waits for by now. Those before it do not go meanwhile. */
static enum waiting_answer ask_waiting(struct waiting *waiting,
				       struct waiter *waiter, uint64_t *key)
{
	const uint64_t before_key = waiting->queue[waiter->queue].key;
	struct waiter *before = waiter->prev, *queue_before = waiter->queue_prev;
	enum waiting_answer answer;

	*key = before_key;
	waiting_remove(waiting, waiter);
	answer = waiting->ask(waiter, key);
	if (answer != WAITING_ON)
		return answer;
	link_in_all(waiting, waiter, before);
	waiting->count++;
	waiter->queue = make_queue(waiting, *key);
	if (*key != before_key)
		queue_before = place_in_queue(waiting, waiter);
	link_in_queue(&waiting->queue[waiter->queue], waiter, queue_before);
	return answer;
}

/* Ask from the front of a queue for as long as it may have room. */
static void ask_queue(struct waiting *waiting, uint32_t i, uint32_t units)
{
	struct queue *queue = &waiting->queue[i];
	const uint64_t key = queue->key;
	unsigned moves = 0;

	while (units > 0 && queue->head != NULL && moves < MOVES_MAX) {
		uint64_t wants;

		switch (ask_waiting(waiting, queue->head, &wants)) {
		case WAITING_TOOK:
			units--;
			break;
		case WAITING_LEFT:
			break;
		case WAITING_ON:
			if (wants == key)
				return;
			moves++;
		}
	}
}

static void wake(struct waiting *waiting, uint32_t i)
{
	struct queue *queue = &waiting->queue[i];

	if (queue->is_woken)
		return;
	queue->is_woken = true;
	queue->woken = waiting->woken;
	waiting->woken = i;
}

bool waiting_freed(struct waiting *waiting, uint64_t key)
{
	uint32_t i = find_queue(waiting, key);

	if (i == NONE || waiting->queue[i].head == NULL)
		return false;
	waiting->queue[i].freed++;
	wake(waiting, i);
	return true;
}

/* Of the queues that are to be asked, take the one whose first came first. A
 * settlement wakes no more than a few. */
static uint32_t take_woken(struct waiting *waiting)
{
	uint32_t *best = &waiting->woken, i;

	for (uint32_t *at = &waiting->woken; *at != NONE;
	     at = &waiting->queue[*at].woken) {
		const struct waiter *head = waiting->queue[*at].head;
		const struct waiter *first = waiting->queue[*best].head;

		if (head != NULL &&
		    (first == NULL || head->arrived < first->arrived))
			best = at;
	}
	i = *best;
	*best = waiting->queue[i].woken;
	return i;
}

void waiting_ask_freed(struct waiting *waiting)
{
	if (waiting->asking)
		return;
	waiting->asking = true;
	while (waiting->woken != NONE) {
		uint32_t i = take_woken(waiting);
		struct queue *queue = &waiting->queue[i];
		uint32_t units = queue->freed;

		/* It stays woken, and so there, while it is asked. */
		queue->freed = 0;
		ask_queue(waiting, i, units);
		queue->is_woken = false;
		if (queue->freed > 0 && queue->head != NULL)
			wake(waiting, i);
		else
			drop_queue(waiting, i);
	}
	waiting->asking = false;
}

/* Whoever is asked and goes makes the next one the first of its queue. */
static void ask_in_turn(struct waiting *waiting, bool first_only)
{
	struct waiter *waiter = waiting->head, *next;
	uint64_t last = waiting->arrivals, key;

	if (waiting->asking)
		return;
	waiting->asking = true;
	for (; waiter != NULL && waiter->arrived <= last; waiter = next) {
		next = waiter->next;
		if (!first_only || waiter->queue_prev == NULL)
			ask_waiting(waiting, waiter, &key);
	}
	waiting->asking = false;
}

void waiting_ask_first(struct waiting *waiting)
{
	ask_in_turn(waiting, true);
}

void waiting_ask_all(struct waiting *waiting)
{
	ask_in_turn(waiting, false);
}
