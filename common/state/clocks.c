/* clocks.c - from CLOCK_BOOTTIME to the time of day; see lockstep.h
 *
 * Both clocks tick alike, at the rate that NTP gives them, and a suspended
 * machine's sleep is added to both. Only when CLOCK_REALTIME is set does what
 * lies between them change. Sampled anew for each output it would differ by what
 * passes between two system calls, and the end of one lock by a second. So it is
 * kept: in the map's header, where every program finds the same.
 * Source: clock_gettime(2), adjtimex(2). */
#include "lockstep-config.h"

#include "state/state.h"

enum { SECOND_MS = 1000 };

uint64_t ls_clocks_settled(uint64_t kept_ms, uint64_t fresh_ms)
{
	const int64_t most = INT64_MAX / 2;
	int64_t off = (int64_t)(fresh_ms - kept_ms);

	if (kept_ms == 0 || off > most || off < -most)
		return fresh_ms;
	if (off >= -SECOND_MS && off <= SECOND_MS)
		return kept_ms;
	/* It was set. In whole seconds, since those who find out before one of
	 * them has written it down sample it a little differently. */
	off = (off + (off < 0 ? -SECOND_MS : SECOND_MS) / 2) / SECOND_MS;
	return kept_ms + (uint64_t)(off * SECOND_MS);
}

/* As it is written down, or was when the map was made. */
static uint64_t kept_in(const struct ls_map *map)
{
	uint64_t kept = atomic_load_explicit(&map->header->clocks_apart,
					     memory_order_relaxed);

	return kept != 0 ? kept : map->created_real_ms - map->created_boot_ms;
}

uint64_t ls_clocks_apart(const struct ls_state *state, uint64_t now_ms,
			 uint64_t real_ms)
{
	const struct ls_map *map = &state->guard;

	return ls_clocks_settled(map->header != NULL ? kept_in(map) : 0,
				 real_ms - now_ms);
}

void ls_clocks_keep(struct ls_state *state, uint64_t now_ms, uint64_t real_ms)
{
	const struct ls_map *map = &state->guard;
	uint64_t apart, old;

	if (!map->writable)
		return;
	old = atomic_load_explicit(&map->header->clocks_apart,
				   memory_order_relaxed);
	apart = ls_clocks_apart(state, now_ms, real_ms);
	/* Of several that find out at once the first one's word counts. */
	if (apart != kept_in(map))
		atomic_compare_exchange_strong(&map->header->clocks_apart, &old,
					       apart);
}
