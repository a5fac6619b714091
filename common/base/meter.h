/* meter.h - a leaky bucket in one number (GCRA)
 *
 * The number is the time, in ms, at which the bucket will be empty again; a
 * time that has passed is an empty bucket. Each unit moves it ahead by
 * `emission_ms`, and a unit fits while the bucket then holds no more than
 * `capacity_ms`:
 *
 *      now                          empty_at      now + capacity_ms
 *   ----+-------------------------------+-----------------+----> time
 *       |<------ level * emission ----->|<---- room ----->|
 *
 * So over a time t at most N + t * N/period units fit, for a limit of N/period,
 * however they arrive: there are no windows with edges.
 *
 * Refunds. What has drained cannot be told apart, so a refund may take what is
 * left of a later charge: A and B are charged, A is given back, B drains, C is
 * charged, B is given back, out of C. The bound then counts from the last
 * moment at which the bucket was empty and nothing was in flight; emptying a
 * bucket while attempts are in flight does the same.
 *
 * Everything here is arithmetic on numbers; slot.h applies it to shared words.
 * Source: ITU-T I.371, generic cell rate algorithm (virtual scheduling). */
#ifndef LS_METER_H
#define LS_METER_H

#include "base/limit.h"

#include <stdbool.h>
#include <stdint.h>

struct ls_rate {
	uint64_t emission_ms; /* one unit; 0: no limit */
	uint64_t capacity_ms; /* all units */
};

/* A limit as a rate. The emission is rounded up: never more than the limit. */
static inline struct ls_rate ls_rate_of(const struct ls_limit *limit)
{
	struct ls_rate rate = { 0, 0 };

	if (limit->units > 0) {
		rate.emission_ms =
			(limit->period_ms + limit->units - 1) / limit->units;
		rate.capacity_ms = rate.emission_ms * limit->units;
	}
	return rate;
}

/* A part of a limit, which is never none. A meter that the whole has filled must
 * not stand further ahead than the part's own capacity, or it would be taken for
 * one that a clock had spoilt: so the period is the one that the whole comes to
 * when its emission is rounded. */
static inline struct ls_limit ls_limit_part(struct ls_limit limit,
					    uint64_t divisor)
{
	if (limit.units == 0 || divisor <= 1)
		return limit;
	limit.period_ms = ls_rate_of(&limit).capacity_ms;
	limit.units = limit.units > divisor ? limit.units / divisor : 1;
	return limit;
}

/* How much of a bucket that part of its units fills. */
static inline uint64_t ls_limit_part_ms(const struct ls_rate *rate,
					uint64_t divisor)
{
	uint64_t units = rate->capacity_ms / rate->emission_ms / divisor;

	return (units > 0 ? units : 1) * rate->emission_ms;
}

/* So many units at once are one unit of so many times the size: charged whole or
 * not at all, and refunded whole. More of them than the bucket holds never fit;
 * none are no limit. */
static inline struct ls_rate ls_rate_times(const struct ls_rate *rate,
					   uint64_t units)
{
	struct ls_rate times = *rate;

	if (rate->emission_ms == 0)
		return times;
	times.emission_ms = units <= rate->capacity_ms / rate->emission_ms
				    ? units * rate->emission_ms
				    : rate->capacity_ms + 1;
	return times;
}

/* How far the clocks of two processes may be apart, and no meter further ahead
 * of its capacity: one that is was charged by a clock that had jumped. */
enum { LS_CLOCK_SLACK_MS = 60 * 1000 };

/* What is in the bucket, in ms: its units times emission_ms. */
static inline uint64_t ls_meter_level_ms(uint64_t empty_at, uint64_t now,
					 const struct ls_rate *rate)
{
	uint64_t level = empty_at > now ? empty_at - now : 0;

	return level <= rate->capacity_ms + LS_CLOCK_SLACK_MS ? level : 0;
}

/* Is there room for one unit more? Always, where there is no limit. */
static inline bool ls_meter_has_room(uint64_t empty_at, uint64_t now,
				     const struct ls_rate *rate)
{
	return ls_meter_level_ms(empty_at, now, rate) + rate->emission_ms <=
		       rate->capacity_ms ||
	       rate->emission_ms == 0;
}

/* empty_at with one unit more. Without room, a full bucket stays full: what
 * runs over is not kept, or it would have to drain before there is room. */
static inline uint64_t ls_meter_charged(uint64_t empty_at, uint64_t now,
					const struct ls_rate *rate)
{
	uint64_t level = ls_meter_level_ms(empty_at, now, rate);
	uint64_t charged = level + rate->emission_ms;

	if (charged > rate->capacity_ms) /* a level above it: a clock behind */
		charged = level > rate->capacity_ms ? level : rate->capacity_ms;
	return now + charged;
}

/* empty_at without the unit whose charge made it `charged_at`. What of that
 * unit has drained since is not there to give back: to take it all the same
 * would be to take it out of a later charge of somebody else's. */
static inline uint64_t ls_meter_refunded(uint64_t empty_at, uint64_t now,
					 uint64_t charged_at,
					 uint64_t emission_ms)
{
	uint64_t undrained = charged_at > now ? charged_at - now : 0;
	uint64_t refund = undrained < emission_ms ? undrained : emission_ms;

	return empty_at > refund ? empty_at - refund : 0;
}

/* When a full meter will have room for one unit; 0 when never. */
static inline uint64_t ls_meter_room_at(uint64_t empty_at,
					const struct ls_rate *rate)
{
	uint64_t most = rate->capacity_ms - rate->emission_ms;

	if (rate->emission_ms > rate->capacity_ms)
		return 0;
	return empty_at > most ? empty_at - most : 0;
}

/* Units in the bucket, a part of one counted as one. */
static inline uint64_t ls_meter_level(uint64_t empty_at, uint64_t now,
				      const struct ls_rate *rate)
{
	if (rate->emission_ms == 0)
		return 0;
	return (ls_meter_level_ms(empty_at, now, rate) + rate->emission_ms -
		1) / rate->emission_ms;
}

#endif
