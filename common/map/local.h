/* local.h - meters that names of one local part share
 *
 * What stands before the @ of a name chooses, by its keyed hash, one of these sets, a
 * cache line of four pairs of meters; there is a set for every four buckets of the
 * table. A pair belongs to one local part: each of its words says whose it is, and so is
 * taken over, charged and read with one compare-and-swap.
 *
 *    63                     40 39                                    0
 *   +-------------------------+---------------------------------------+
 *   | 24 more bits of the key | when the meter is empty, map's clock  |
 *   +-------------------------+---------------------------------------+
 *
 * A local part without a pair has nothing charged, and so is refused for nobody else's
 * guesses. When it is charged, that takes one off the emptiest pair of its set, and the
 * pair itself once that is empty. So a flood of names that somebody made
 * up changes pairs that are near empty among its own; and whoever floods S sets with F
 * guesses, and cannot tell which name belongs to which set, takes F / S off one local
 * part at most.
 * Source: Misra, Gries, Finding repeated elements, 1982, for a set without drains; here
 * one meter is worn down, not all, so that a small flood wears none that is besieged.
 *
 * A process killed between the two words of a charge leaves one unit less in the fast
 * one. Limits can differ from one account to the next and share a word, as in crowd.h. */
#ifndef LS_LOCAL_H
#define LS_LOCAL_H

#include "base/meter.h"

#include <stdatomic.h>

enum { LS_LOCAL_TIME_BITS = 40, LS_LOCAL_WAYS = 4, LS_BUCKETS_FOR_LOCALS = 4 };

/* The first word of a pair, of the slow limit if there is one, says whose the pair is. */
struct ls_local_set {
	_Atomic uint64_t pair[LS_LOCAL_WAYS][LS_SPEEDS];
};
_Static_assert(sizeof(struct ls_local_set) == 64, "one cache line");

static inline uint64_t ls_local_sets(uint64_t buckets)
{
	return (buckets + LS_BUCKETS_FOR_LOCALS - 1) / LS_BUCKETS_FOR_LOCALS;
}

/* Is the word the key's? */
static inline bool ls_local_is_of(uint64_t word, uint64_t key)
{
	return (word ^ key << LS_LOCAL_TIME_BITS) >> LS_LOCAL_TIME_BITS == 0;
}

static inline bool ls_local_has_pair(const struct ls_local_set *set,
				     unsigned way, uint64_t key)
{
	return ls_local_is_of(atomic_load_explicit(&set->pair[way][0],
						   memory_order_relaxed),
			      key);
}

/* Has the local part a pair? */
static inline bool ls_local_has(const struct ls_local_set *set, uint64_t key)
{
	return ls_local_has_pair(set, 0, key) ||
	       ls_local_has_pair(set, 1, key) ||
	       ls_local_has_pair(set, 2, key) || ls_local_has_pair(set, 3, key);
}
_Static_assert(LS_LOCAL_WAYS == 4, "a loop would take twice as long");

/* What is in a local part's meters, in ms: that of the slow limit first. */
void ls_local_read(const struct ls_local_set *set, uint64_t key, uint64_t now,
		   uint64_t level_r[LS_SPEEDS]);

/* One wrong guess more, room or not. What runs over is not kept: a full meter stays full.
 *   rate, count  of the meters that there are, as level_r */
void ls_local_charge(struct ls_local_set *set, uint64_t key, uint64_t now,
		     const struct ls_rate *rate, unsigned count);

/* Empty them. */
void ls_local_clear(struct ls_local_set *set, uint64_t key);

#endif
