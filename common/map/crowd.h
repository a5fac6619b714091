/* crowd.h - the strict meter of those that find no slot
 *
 * A bucket of the table that is full of familiar places and orders has no slot for a
 * stranger's meters. Then all that finds no slot in it shares one meter, a word for
 * each bucket beside the table: as few units as the smallest limit on failures, and
 * emptied as slowly as the slowest. So no limit is exceeded, whoever it is, at the
 * price that strangers who share a bucket are in each other's way. A success gives
 * its unit back; familiar places do not pass here; and nothing is ever locked for it.
 *
 * What is sent without a slot shares meters of the same kind: GROUPS words for accounts
 * and as many for addresses, chosen by the key.
 *
 * Limits can differ from one account to the next, and share a word here. So other than
 * a meter's (meter.h) the level is never taken for spoilt because it is above the
 * capacity, but for a time that no meter can reach. */
#ifndef LS_CROWD_H
#define LS_CROWD_H

#include "base/meter.h"
#include "map/slot.h"

enum { LS_CROWD_GROUPS = 128 };

/* The strictest of limits: of `count` rates. Those of no limit do not count; of none at
 * all there is none. */
struct ls_rate ls_crowd_rate(const struct ls_rate *rates, unsigned count);

/* What is in a meter, in ms. */
static inline uint64_t ls_crowd_level_ms(uint64_t empty_at, uint64_t now)
{
	uint64_t level = empty_at > now ? empty_at - now : 0;

	return level <= LS_AHEAD_MAX_MS ? level : 0;
}

/* Is there room for one unit more? If not, *room_at_r is when there will be. */
bool ls_crowd_has_room(const _Atomic uint64_t *meter, uint64_t now,
		       const struct ls_rate *rate, uint64_t *room_at_r);

/* Take one unit if there is room: check and charge are one compare-and-swap.
 * *charged_at_r is for the refund. */
bool ls_crowd_charge(_Atomic uint64_t *meter, uint64_t now,
		     const struct ls_rate *rate, uint64_t *charged_at_r);
void ls_crowd_refund(_Atomic uint64_t *meter, uint64_t now, uint64_t charged_at,
		     uint64_t emission_ms);

#endif
