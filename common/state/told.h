/* told.h - how much of the same the journal is told
 *
 * The journal is a ring, and everybody's. A client that is refused may come back
 * at once, which costs it nothing, and each time would be a record: at 3,600 a
 * second all that the ring held before is gone in 18 s. So for each subject there
 * is a bucket of records, and what it has no room for is counted; the next record
 * that it has room for says how many that were. Nothing is lost but who came when.
 *
 *   what                                      bucket of           holds  drains
 *   refusals of an address, a network         itself (shared)        50  10 min
 *   other refusals, and repeats               account, or guess      50  10 min
 *     and, with them, what ends without a     the address           200  10 min
 *     verdict on a password
 *   wrong passwords                           the address          2000   1 min
 *   successes                                 account               100   1 min
 *   doubts about successes                    account                20  10 min
 *
 * "drains": a record more for each such time. A full bucket takes five records more,
 * the first for a hundred that were not told, the next for a thousand, and so on:
 * who reads along sees a flood as what it is. Shared buckets are words of the slots
 * of addresses and networks, which several processes write, and which their locks
 * keep. All others are kept by the process that decides logins, where no flood of
 * subjects evicts them, and end with it. Refusals of who finds none there share some,
 * so that no number of subjects fills the journal with them.
 *
 *    39                24 23                                  0
 *   +--------------------+-------------------------------------+
 *   | empty at, minutes  | not told since the last one         |
 *   +--------------------+-------------------------------------+
 *
 * Minutes of the map's clock, modulo 2^16: a bucket that nobody touched for 45
 * days may read as full for a while. Counts end at 2^24 - 1. */
#ifndef LS_TOLD_H
#define LS_TOLD_H

#include "lockstep.h"
#include "map/slot.h"

/* A bucket holds so many at most. */
enum { LS_TOLD_MINUTES_MAX = UINT16_MAX / 2 };

struct ls_told_rate {
	unsigned units;   /* at once */
	unsigned minutes; /* until there is room for one more */
	bool bounded; /* for who finds no bucket in a process's memory, too */
};

/* Something of a bucket's happened. Returns the new value; *told_r: it is to be
 * told, and with it that *untold_r others were not.
 *   value  of the bucket; 0: a new one
 *   now    the map's clock
 *   more   untold ones of another bucket that go with it */
uint64_t ls_told_step(uint64_t value, uint64_t now,
		      const struct ls_told_rate *rate, uint32_t more,
		      bool *told_r, uint32_t *untold_r);

/* How many were not told since the last that was. */
static inline uint32_t ls_told_pending(uint64_t value)
{
	return value & 0xffffff;
}

/* As ls_told_step(), of a word of a slot; exact for any number of processes.
 * Without a slot (it was evicted) it is told. */
bool ls_told_at(const struct ls_ref *ref, unsigned word, uint64_t now,
		const struct ls_told_rate *rate, uint32_t more,
		uint32_t *untold_r);

/* The buckets of one process: 4,096 in 96 KB. Where many are in use, one more has
 * none. Then it is told; or, of a rate that is bounded, shares one of 16 of the
 * strictest such, of which it is counted alone how many were not told. */
struct ls_told;
struct ls_told *ls_told_new(void); /* NULL: out of memory */
void ls_told_free(struct ls_told **told);
/* As ls_told_at(). `told` may be NULL: then all is told.
 *   key  not 0 */
bool ls_told_of(struct ls_told *told, uint64_t key, uint64_t now,
		const struct ls_told_rate *rate, uint32_t more,
		uint32_t *untold_r);

/* Refusals of an address or a network that were not told since the last that was; 0
 * of other kinds. */
uint32_t ls_told_refusals(enum ls_kind kind, const struct ls_ref *ref);
/* From now on it is told of anew; what was not told is with the next record. */
void ls_told_empty(const struct ls_ref *ref, uint64_t now);
#endif
