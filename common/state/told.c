/* told.c - see told.h */
#include "lockstep-config.h"

#include "state/told.h"

#include <stdlib.h>

/* ---- one bucket -------------------------------------------------------- */

enum { MINUTE_MS = 60 * 1000, COUNT_BITS = 24, MINUTES_MASK = 0xffff };
#define COUNT_MAX ((UINT32_C(1) << COUNT_BITS) - 1)

/* A flood is to be seen as one while it lasts: a full bucket still takes a record
 * that tells of a hundred, then one of a thousand more, and so on. */
enum { FLOODS = 5, FLOOD_LEAST = 100 };

/* In minutes. */
static unsigned bucket_level(uint64_t value, unsigned now,
			     const struct ls_told_rate *rate)
{
	unsigned level = ((unsigned)(value >> COUNT_BITS) - now) & MINUTES_MASK;
	unsigned most = (rate->units + FLOODS) * rate->minutes + 1;

	/* It is empty since, or was charged by another rate. */
	return value == 0 || level > most ? 0 : level;
}

static uint32_t add_counts(uint32_t count, uint32_t more)
{
	return more < COUNT_MAX - count ? count + more : COUNT_MAX;
}

static bool bucket_has_room(unsigned level, uint32_t count,
			    const struct ls_told_rate *rate)
{
	uint32_t least = FLOOD_LEAST;

	for (unsigned i = 0; i <= FLOODS; i++) {
		if (level + rate->minutes <= (rate->units + i) * rate->minutes)
			return i == 0 || count + 1 >= least;
		if (i > 0)
			least *= 10;
	}
	return false;
}

uint64_t ls_told_step(uint64_t value, uint64_t now,
		      const struct ls_told_rate *rate, uint32_t more,
		      bool *told_r, uint32_t *untold_r)
{
	unsigned minute = (unsigned)(now / MINUTE_MS) & MINUTES_MASK;
	unsigned level = bucket_level(value, minute, rate);
	uint32_t count = add_counts(ls_told_pending(value), more);

	*told_r = bucket_has_room(level, count, rate);
	*untold_r = *told_r ? count : 0;
	if (*told_r) {
		level += rate->minutes;
		count = 0;
	} else {
		count = add_counts(count, 1);
	}
	value = (uint64_t)((minute + level) & MINUTES_MASK) << COUNT_BITS |
		count;
	/* 0 is a new one: a minute more does not matter. */
	return value != 0 ? value : UINT64_C(1) << COUNT_BITS;
}

enum { TRIES = 16 };

bool ls_told_at(const struct ls_ref *ref, unsigned word, uint64_t now,
		const struct ls_told_rate *rate, uint32_t more,
		uint32_t *untold_r)
{
	bool told = true;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t old = ls_slot_get(ref, word);
		uint64_t value = ls_told_step(old, now, rate, more, &told,
					      untold_r);

		switch (ls_slot_swap(ref, word, old, value)) {
		case LS_TAKEN:
			return told;
		case LS_GONE:
			*untold_r = more;
			return true;
		case LS_NO_ROOM: /* another was faster */
			break;
		}
	}
	*untold_r = 0;
	return false;
}

/* ---- those of a process ------------------------------------------------ */

enum { BUCKETS = 4096, PROBES = 4, SHARED = 16 };

struct bucket {
	uint64_t key; /* 0: nobody's */
	uint64_t value;
	const struct ls_told_rate *rate;
};

struct ls_told {
	struct bucket bucket[BUCKETS];
	uint64_t shared[SHARED]; /* of those that find none, by key */
};

struct ls_told *ls_told_new(void)
{
	return calloc(1, sizeof(struct ls_told));
}

void ls_told_free(struct ls_told **_told)
{
	free(*_told);
	*_told = NULL;
}

/* The key's bucket, or one that is empty, of them the one that has least to tell.
 * NULL: all thereabouts are in use. */
static struct bucket *find_bucket(struct ls_told *told, uint64_t key,
				  uint64_t now)
{
	unsigned minute = (unsigned)(now / MINUTE_MS) & MINUTES_MASK;
	struct bucket *found = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct bucket *bucket = &told->bucket[(key + i) % BUCKETS];

		if (bucket->key == key)
			return bucket;
		if (bucket->key != 0 &&
		    bucket_level(bucket->value, minute, bucket->rate) > 0)
			continue;
		if (found == NULL || ls_told_pending(bucket->value) <
					     ls_told_pending(found->value))
			found = bucket;
	}
	if (found != NULL)
		*found = (struct bucket){ .key = key };
	return found;
}

static const struct ls_told_rate shared = { .units = 50, .minutes = 10 };

static bool told_of_shared(struct ls_told *told, uint64_t key, uint64_t now)
{
	uint64_t *value = &told->shared[key % SHARED];
	uint32_t ignored;
	bool is_told;

	*value = ls_told_step(*value, now, &shared, 0, &is_told, &ignored);
	return is_told;
}

bool ls_told_of(struct ls_told *told, uint64_t key, uint64_t now,
		const struct ls_told_rate *rate, uint32_t more,
		uint32_t *untold_r)
{
	struct bucket *bucket =
		told != NULL ? find_bucket(told, key, now) : NULL;
	bool is_told = true;

	*untold_r = more;
	if (bucket == NULL)
		return told == NULL || !rate->bounded ||
		       told_of_shared(told, key, now);
	bucket->rate = rate;
	bucket->value = ls_told_step(bucket->value, now, rate, more, &is_told,
				     untold_r);
	return is_told;
}

uint32_t ls_told_refusals(enum ls_kind kind, const struct ls_ref *ref)
{
	return kind == LS_KIND_IP || kind == LS_KIND_NET
		       ? ls_told_pending(ls_slot_get(ref, LS_WORD_TOLD))
		       : 0;
}

void ls_told_empty(const struct ls_ref *ref, uint64_t now)
{
	uint64_t count = ls_told_pending(ls_slot_get(ref, LS_WORD_TOLD));
	uint64_t minute = now / MINUTE_MS & MINUTES_MASK;

	ls_slot_set(ref, LS_WORD_TOLD,
		    count > 0 ? minute << COUNT_BITS | count : 0);
}
