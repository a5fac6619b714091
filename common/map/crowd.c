/* crowd.c - see crowd.h
 *
 * Each word is complete in itself and announces nothing else: its updates need no
 * order among others. */
#include "lockstep-config.h"

#include "map/crowd.h"

struct ls_rate ls_crowd_rate(const struct ls_rate *rates, unsigned count)
{
	struct ls_rate strictest = { 0, 0 };
	uint64_t units = UINT64_MAX;

	for (unsigned i = 0; i < count; i++) {
		if (rates[i].emission_ms == 0)
			continue;
		if (rates[i].emission_ms > strictest.emission_ms)
			strictest.emission_ms = rates[i].emission_ms;
		if (rates[i].capacity_ms / rates[i].emission_ms < units)
			units = rates[i].capacity_ms / rates[i].emission_ms;
	}
	if (strictest.emission_ms > 0)
		strictest.capacity_ms = units * strictest.emission_ms;
	return strictest;
}

static bool crowd_has_room(uint64_t empty_at, uint64_t now,
			   const struct ls_rate *rate)
{
	return rate->emission_ms == 0 ||
	       ls_crowd_level_ms(empty_at, now) + rate->emission_ms <= rate->capacity_ms;
}

bool ls_crowd_has_room(const _Atomic uint64_t *meter, uint64_t now,
		       const struct ls_rate *rate, uint64_t *room_at_r)
{
	uint64_t empty_at = atomic_load_explicit(meter, memory_order_relaxed);

	*room_at_r = 0;
	if (crowd_has_room(empty_at, now, rate))
		return true;
	if (rate->emission_ms <= rate->capacity_ms)
		*room_at_r = now + ls_crowd_level_ms(empty_at, now) + rate->emission_ms -
			     rate->capacity_ms;
	return false;
}

bool ls_crowd_charge(_Atomic uint64_t *meter, uint64_t now,
		     const struct ls_rate *rate, uint64_t *charged_at_r)
{
	uint64_t empty_at = atomic_load_explicit(meter, memory_order_relaxed);

	do {
		if (!crowd_has_room(empty_at, now, rate))
			return false;
		*charged_at_r =
			now + ls_crowd_level_ms(empty_at, now) + rate->emission_ms;
	} while (!atomic_compare_exchange_weak_explicit(
		meter, &empty_at, *charged_at_r, memory_order_relaxed,
		memory_order_relaxed));
	return true;
}

void ls_crowd_refund(_Atomic uint64_t *meter, uint64_t now, uint64_t charged_at,
		     uint64_t emission_ms)
{
	uint64_t empty_at = atomic_load_explicit(meter, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(
		meter, &empty_at,
		ls_meter_refunded(empty_at, now, charged_at, emission_ms),
		memory_order_relaxed, memory_order_relaxed))
		;
}
