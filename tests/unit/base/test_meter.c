/* test_meter.c - the leaky bucket as arithmetic */
#include "lockstep-config.h"

#include "base/meter.h"
#include "harness.h"

#include <stdlib.h>

static const uint64_t start = UINT64_C(1000000000);

static void test_rate(void **state)
{
	static const struct {
		const char *row;
		struct ls_limit limit;
		struct ls_rate want;
	} table[] = {
		{ "none", { 0, 0 }, { 0, 0 } },
		{ "10/10m", { 10, 600000 }, { 60000, 600000 } },
		{ "1/1d", { 1, 86400000 }, { 86400000, 86400000 } },
		{ "50/1d", { 50, 86400000 }, { 1728000, 86400000 } },
		{ "one a ms", { 1000, 1000 }, { 1, 1000 } },
		/* rounded up: never more than the limit */
		{ "7/1s", { 7, 1000 }, { 143, 1001 } },
		{ "3/1s", { 3, 1000 }, { 334, 1002 } },
		{ "999/1s", { 999, 1000 }, { 2, 1998 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_rate rate = ls_rate_of(&table[i].limit);

		check(table[i].row, rate.emission_ms,
		      table[i].want.emission_ms);
		check(table[i].row, rate.capacity_ms,
		      table[i].want.capacity_ms);
	}
}

/* Fill, find it full, and room again when one unit has drained, no sooner. */
static void test_fill_and_drain(void **state)
{
	static const struct ls_limit limits[] = {
		{ 1, 1000 },      { 10, 600000 }, { 7, 1000 },
		{ 60, 86400000 }, { 999, 1000 },  { 1000, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		struct ls_rate rate = ls_rate_of(&limits[i]);
		uint64_t empty_at = 0, units = 0, now = start, room_at;
		char row[40];

		snprintf(row, sizeof(row), "%u in %u",
			 (unsigned)limits[i].units,
			 (unsigned)limits[i].period_ms);
		while (ls_meter_has_room(empty_at, now, &rate)) {
			check(row, ls_meter_level(empty_at, now, &rate), units);
			empty_at = ls_meter_charged(empty_at, now, &rate);
			units++;
		}
		check(row, units, limits[i].units);
		check(row, ls_meter_level(empty_at, now, &rate), units);
		room_at = ls_meter_room_at(empty_at, &rate);
		check(row, room_at, now + rate.emission_ms);
		check(row, ls_meter_has_room(empty_at, room_at - 1, &rate),
		      false);
		check(row, ls_meter_has_room(empty_at, room_at, &rate), true);
		empty_at = ls_meter_charged(empty_at, room_at, &rate);
		check(row, ls_meter_has_room(empty_at, room_at, &rate), false);
		/* Drained whole, and no further than empty. */
		now = start + 10 * rate.capacity_ms;
		check(row, ls_meter_level(empty_at, now, &rate), 0);
		for (units = 0; ls_meter_has_room(empty_at, now, &rate);
		     units++)
			empty_at = ls_meter_charged(empty_at, now, &rate);
		check(row, units, limits[i].units);
	}
}

/* In any window of time t, at most N + t * N/period fit. */
static void test_never_more_than_the_limit(void **state)
{
	static const struct ls_limit limits[] = {
		{ 7, 1000 },    { 3, 1000 }, { 999, 1000 },
		{ 11, 600000 }, { 1, 7 },    { 13, 97 },
	};
	enum { CHARGES = 3000 };
	static uint64_t at[CHARGES];
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		const struct ls_limit *limit = &limits[i];
		struct ls_rate rate = ls_rate_of(limit);
		uint64_t empty_at = 0, now = start;
		unsigned count = 0;
		char row[40];

		snprintf(row, sizeof(row), "%u in %u", (unsigned)limit->units,
			 (unsigned)limit->period_ms);
		while (count < CHARGES) {
			if (ls_meter_has_room(empty_at, now, &rate)) {
				empty_at =
					ls_meter_charged(empty_at, now, &rate);
				at[count++] = now;
			} else {
				now += harness_random(&seed) %
				       (2 * rate.emission_ms);
			}
		}
		for (unsigned first = 0; first < CHARGES; first += 7)
			for (unsigned last = first; last < CHARGES; last++)
				check_within(row, last - first + 1, 1,
					     limit->units +
						     (at[last] - at[first]) *
							     limit->units /
							     limit->period_ms);
	}
}

static void test_refund(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	/* Charge A; after `drain` charge B; after `later` refund A. */
	static const struct {
		const char *row;
		uint64_t drain, later, want;
	} table[] = {
		{ "at once", 0, 0, 60000 },
		{ "half drained", 30000, 0, 60000 },
		{ "half drained, late", 0, 30000, 60000 },
		{ "just not drained", 59999, 0, 60000 },
		{ "drained", 60000, 0, 60000 },
		{ "drained long ago", 7000000, 0, 60000 },
		{ "drained since", 0, 60000, 60000 },
		{ "both drained", 0, 120000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint64_t now = start, a, b, left;

		a = ls_meter_charged(0, now, &rate);
		now += table[i].drain;
		b = ls_meter_charged(a, now, &rate);
		now += table[i].later;
		left = ls_meter_refunded(b, now, a, rate.emission_ms);
		/* What is left is B, or what has not drained of it. */
		check(table[i].row, left > now ? left - now : 0, table[i].want);
	}
	/* Refund both, in either order: empty. */
	for (int order = 0; order < 2; order++) {
		uint64_t a = ls_meter_charged(0, start, &rate);
		uint64_t b = ls_meter_charged(a, start, &rate), left;

		left = ls_meter_refunded(b, start + 5, order ? a : b,
					 rate.emission_ms);
		left = ls_meter_refunded(left, start + 5, order ? b : a,
					 rate.emission_ms);
		check("both", ls_meter_level(left, start + 5, &rate), 0);
	}
}

/* Charges and refunds of any order, with any pauses: wrong guesses are those
 * never refunded, and since the bucket was last empty with none in flight there
 * are at most N + t * N/period of them. */
static void test_refunds_launder_nothing(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	uint64_t seed = 3;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint64_t flight[64], empty_at = 0, now = start, wrong = 0;
		unsigned flying = 0;

		for (unsigned step = 0; step < 100; step++) {
			uint64_t dice = harness_random(&seed);

			if (dice % 4 == 0)
				now += (dice >> 8) % 90000;
			if (dice % 4 < 3 && flying < 64 &&
			    ls_meter_has_room(empty_at, now, &rate)) {
				empty_at =
					ls_meter_charged(empty_at, now, &rate);
				flight[flying++] = empty_at;
			} else if (flying > 0) {
				uint64_t which = (dice >> 8) % flying;

				if (dice % 8 < 5)
					wrong++;
				else
					empty_at = ls_meter_refunded(
						empty_at, now, flight[which],
						rate.emission_ms);
				flight[which] = flight[--flying];
			}
			check_within("wrong guesses", wrong, 0,
				     10 + (now - start) / 60000);
		}
	}
}

static void test_refund_of_anything(void **state)
{
	const struct ls_rate rate = { 60000, 600000 };
	static const uint64_t numbers[] = {
		0, 1, 59999, 60000, 1000000000, UINT64_MAX / 2, UINT64_MAX
	};

	(void)state;
	/* Never below nothing, never more than one unit. */
	for (size_t i = 0; i < COUNT(numbers); i++)
		for (size_t j = 0; j < COUNT(numbers); j++)
			for (size_t k = 0; k < COUNT(numbers); k++) {
				uint64_t left = ls_meter_refunded(
					numbers[i], numbers[j], numbers[k],
					rate.emission_ms);

				check_within("left", numbers[i] - left, 0,
					     rate.emission_ms);
				check_within("left", left, 0, numbers[i]);
			}
}

static void test_clocks(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	uint64_t empty_at = 0;

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		empty_at = ls_meter_charged(empty_at, start, &rate);
	/* Behind by a moment: fuller, by that moment. */
	check("now", ls_meter_has_room(empty_at, start, &rate), true);
	check("behind", ls_meter_has_room(empty_at, start - 1, &rate), false);
	check("behind", ls_meter_level(empty_at, start - 1, &rate), 10);
	check("ahead", ls_meter_level(empty_at, start + 60000, &rate), 8);
}

/* What a clock far ahead has charged is no level that can be: it shuts nobody
 * out once the clock is right again. */
static void test_clock_was_ahead(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	uint64_t year = UINT64_C(31536000000);
	uint64_t empty_at = ls_meter_charged(0, start + year, &rate);

	(void)state;
	check("ahead", ls_meter_has_room(empty_at, start, &rate), true);
	empty_at = ls_meter_charged(empty_at, start, &rate);
	check("mended", ls_meter_level(empty_at, start, &rate), 1);
}

/* What is charged by force fills the bucket, and no more than that: else one
 * office's mistyping would shut its address for weeks. */
static void test_forced(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	uint64_t empty_at = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		empty_at = ls_meter_charged(empty_at, start, &rate);
	check("full", ls_meter_has_room(empty_at, start, &rate), false);
	check("room at", ls_meter_room_at(empty_at, &rate), start + 60000);
}

/* A process whose clock is behind by less than LS_CLOCK_SLACK_MS finds more in the
 * bucket than it holds. Its charge takes nothing of that away. */
static void test_forced_by_a_clock_behind(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);
	uint64_t full = start + rate.capacity_ms;

	(void)state;
	check("in time", ls_meter_charged(full, start, &rate), full);
	check("behind by 1 ms", ls_meter_charged(full, start - 1, &rate), full);
	check("behind by 60 s", ls_meter_charged(full, start - 60000, &rate),
	      full);
}

/* A part drains as much more slowly as it is smaller, and holds as long as the whole
 * does once its emission is rounded. */
static void test_part_of_a_limit(void **state)
{
	static const struct {
		const char *row;
		struct ls_limit whole;
		uint64_t divisor;
		struct ls_limit part;
	} rows[] = {
		{ "no limit", { 0, 0 }, 10, { 0, 0 } },
		{ "all of it", { 100, 3600000 }, 1, { 100, 3600000 } },
		{ "a tenth", { 100, 3600000 }, 10, { 10, 3600000 } },
		{ "never none", { 5, 3600000 }, 10, { 1, 3600000 } },
		{ "one is left", { 10, 3600000 }, 10, { 1, 3600000 } },
		/* 865 ms each instead of 864.008 */
		{ "99999/1d", { 99999, 86400000 }, 10, { 9999, 86499135 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_limit got =
			ls_limit_part(rows[i].whole, rows[i].divisor);

		check(rows[i].row, got.units, rows[i].part.units);
		check(rows[i].row, got.period_ms, rows[i].part.period_ms);
	}
}

static void test_no_limit(void **state)
{
	const struct ls_rate none = { 0, 0 };

	(void)state;
	check("room", ls_meter_has_room(0, start, &none), true);
	check("room", ls_meter_has_room(start + 1000, start, &none), true);
	check("level", ls_meter_level(start + 1000, start, &none), 0);
}

/* Several at once: the same as one after the other, all or none, and given back
 * whole. */
static void test_several_at_once(void **state)
{
	static const struct ls_limit limits[] = {
		{ 1, 1000 }, { 10, 600000 }, { 498, 2592000000 }, { 999, 1000 },
	};
	uint64_t seed = 11;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		struct ls_rate rate = ls_rate_of(&limits[i]);
		uint64_t one = 0, many = 0;

		for (unsigned round = 0; round < 500; round++) {
			uint64_t units = harness_random(&seed) % 12;
			struct ls_rate times = ls_rate_times(&rate, units);
			uint64_t level = ls_meter_level(one, start, &rate);
			uint64_t charged, before = many;

			check("room",
			      ls_meter_has_room(many, start, &times),
			      level + units <= limits[i].units);
			if (level + units > limits[i].units) {
				one = many = 0;
				continue;
			}
			for (uint64_t unit = 0; unit < units; unit++)
				one = ls_meter_charged(one, start, &rate);
			many = ls_meter_charged(many, start, &times);
			charged = many;
			check("level", ls_meter_level(many, start, &rate),
			      level + units);
			if (units > 0)
				check("as one by one", many, one);
			if (before > start)
				check("given back",
				      ls_meter_refunded(many, start, charged,
							times.emission_ms),
				      before);
		}
	}
}

static void test_more_than_it_holds(void **state)
{
	static const struct ls_limit limit = { 10, 600000 }, none = { 0, 0 };
	static const uint64_t units[] = { 11, 12, 1000000, UINT64_MAX / 2,
					  UINT64_MAX };
	struct ls_rate rate = ls_rate_of(&limit), no_limit = ls_rate_of(&none);

	(void)state;
	for (size_t i = 0; i < COUNT(units); i++) {
		struct ls_rate times = ls_rate_times(&rate, units[i]);
		struct ls_rate free_of = ls_rate_times(&no_limit, units[i]);

		check("empty", ls_meter_has_room(0, start, &times), false);
		check("never", ls_meter_room_at(start + 600000, &times), 0);
		check("forced", ls_meter_charged(0, start, &times),
		      start + 600000);
		check("no limit", ls_meter_has_room(0, start, &free_of), true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_at_once),
		cmocka_unit_test(test_more_than_it_holds),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_fill_and_drain),
		cmocka_unit_test(test_never_more_than_the_limit),
		cmocka_unit_test(test_refund),
		cmocka_unit_test(test_refunds_launder_nothing),
		cmocka_unit_test(test_refund_of_anything),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_clock_was_ahead),
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_forced_by_a_clock_behind),
		cmocka_unit_test(test_part_of_a_limit),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
