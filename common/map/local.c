/* local.c - see local.h */
#include "lockstep-config.h"

#include "map/crowd.h"
#include "map/local.h"

#define TIME_MASK ((UINT64_C(1) << LS_LOCAL_TIME_BITS) - 1)

static uint64_t local_level(uint64_t word, uint64_t now)
{
	return ls_crowd_level_ms(word & TIME_MASK, now);
}

static uint64_t load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* The number of a local part's pair; LS_LOCAL_WAYS: it has none. */
static unsigned find_local_pair(const struct ls_local_set *set, uint64_t key)
{
	unsigned way = 0;

	while (way < LS_LOCAL_WAYS && !ls_local_has_pair(set, way, key))
		way++;
	return way;
}

static unsigned emptiest(const struct ls_local_set *set, uint64_t now)
{
	uint64_t least = UINT64_MAX;
	unsigned found = 0;

	for (unsigned way = 0; way < LS_LOCAL_WAYS; way++) {
		uint64_t level = local_level(load(&set->pair[way][0]), now);

		if (level >= least)
			continue;
		least = level;
		found = way;
	}
	return found;
}

void ls_local_read(const struct ls_local_set *set, uint64_t key, uint64_t now,
		   uint64_t level_r[LS_SPEEDS])
{
	unsigned way = find_local_pair(set, key);

	for (unsigned i = 0; i < LS_SPEEDS; i++) {
		uint64_t word =
			way < LS_LOCAL_WAYS ? load(&set->pair[way][i]) : 0;

		level_r[i] =
			ls_local_is_of(word, key) ? local_level(word, now) : 0;
	}
}

/* A word with one unit more of the key's. Another's is worn down by it first, but where
 * it has no business (`stray`). */
static uint64_t with_one_more(uint64_t word, uint64_t key, uint64_t now,
			      const struct ls_rate *rate, bool stray)
{
	uint64_t level = local_level(word, now), one = rate->emission_ms;
	uint64_t most = level > rate->capacity_ms ? level : rate->capacity_ms;

	if (ls_local_is_of(word, key))
		level = level + one < most ? level + one : most;
	else if (!stray && level > one)
		return (word & ~TIME_MASK) | ((now + level - one) & TIME_MASK);
	else
		level = one;
	return key << LS_LOCAL_TIME_BITS | ((now + level) & TIME_MASK);
}

void ls_local_charge(struct ls_local_set *set, uint64_t key, uint64_t now,
		     const struct ls_rate *rate, unsigned count)
{
	unsigned way = find_local_pair(set, key);

	if (way == LS_LOCAL_WAYS)
		way = emptiest(set, now);
	for (unsigned i = 0; i < count; i++) {
		_Atomic uint64_t *meter = &set->pair[way][i];
		uint64_t old = load(meter), word;

		do {
			word = with_one_more(old, key, now, &rate[i], i > 0);
		} while (!atomic_compare_exchange_weak_explicit(
			meter, &old, word, memory_order_relaxed,
			memory_order_relaxed));
		if (!ls_local_is_of(word, key))
			return;
	}
}

void ls_local_clear(struct ls_local_set *set, uint64_t key)
{
	/* Two processes that claimed a pair at once may have left it two. */
	for (unsigned i = 0; i < LS_LOCAL_WAYS; i++) {
		if (!ls_local_has_pair(set, i, key))
			continue;
		for (unsigned j = 0; j < LS_SPEEDS; j++) {
			uint64_t word = load(&set->pair[i][j]);

			while (ls_local_is_of(word, key) &&
			       !atomic_compare_exchange_weak(&set->pair[i][j],
							     &word, 0))
				;
		}
	}
}
