/* local.h - meters that names of one local part share
 *
 * What stands before the @ of a name chooses one of these pairs, by its keyed hash:
 * the fast and the slow meter of wrong guesses at names that never succeeded
 * (localpart.c). There is one for every four buckets of the table, and two local parts
 * may meet in one: each of them then has less room than it should, and no more. A meter
 * is a time, in ms of the map's clock, as in crowd.h: limits may differ between the
 * accounts that share it. */
#ifndef LS_LOCAL_H
#define LS_LOCAL_H

#include "meter.h"

#include <stdatomic.h>

struct ls_local {
	_Atomic uint64_t failures[LS_SPEEDS];
};
_Static_assert(sizeof(struct ls_local) == 16, "part of the map format");

enum { LS_BUCKETS_FOR_A_LOCAL = 4 };

static inline uint64_t ls_local_count(uint64_t buckets)
{
	return (buckets + LS_BUCKETS_FOR_A_LOCAL - 1) / LS_BUCKETS_FOR_A_LOCAL;
}

#endif
