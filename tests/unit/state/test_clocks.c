/* test_clocks.c - one moment has one time of day, until the clock is set */
#include "lockstep-config.h"

#include "world_bed.h"

#define AT UINT64_C(1795313645999) /* just before a second ends */

/* As a program samples both clocks: a little apart. */
static uint64_t apart(const struct ls_state *state, int64_t late_ms)
{
	return ls_clocks_apart(state, world.now_ms,
			       world.real_ms + (uint64_t)late_ms);
}

/* Every program's every call, whoever made the map and whoever only looks. */
static void test_one_end(void **state)
{
	struct ls_state *reader;
	struct ls_error error;
	uint64_t first;

	(void)state;
	world.real_ms = AT;
	world_open(&world, GUARD);
	first = apart(world.state, 0);
	check("as it is", first, AT - world.now_ms);
	for (int64_t i = 0; i < 200; i++) {
		check("join", world_join(&world, LS_GUARD_READ, &reader, &error),
		      0);
		check("a reader's", apart(reader, i % 7 - 3), first);
		check("the writer's", apart(world.state, 3 - i % 7), first);
		ls_close(&reader);
		world_pass(&world, WORLD_HOUR);
	}
	/* An administrator's hand, or NTP's, that is not felt. */
	check("a second", apart(world.state, 1000), first);
	check("a second back", apart(world.state, -1000), first);
}

/* The machine's clock is set: all follow, and all to the same. */
static void test_clock_set(void **state)
{
	static const int64_t table[] = { 1001, 3600 * 1000, -3600 * 1000,
					 1499, -1501, 5 * 366 * 86400000LL,
					 -20 * 366 * 86400000LL };

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_state *reader;
		struct ls_error error;
		uint64_t before, after;
		int64_t off;

		check("join", world_join(&world, LS_GUARD_READ, &reader, &error),
		      0);
		world.real_ms += (uint64_t)table[i];
		before = apart(reader, 0);
		off = (int64_t)(before + world.now_ms - world.real_ms);
		check("near", off >= -500 && off <= 500, true);
		/* nobody has written it down yet */
		check("a reader's", apart(reader, 2), before);
		ls_clocks_keep(world.state, world.now_ms, world.real_ms + 1);
		after = apart(reader, 0);
		check("the same", after, before);
		check("the writer's", apart(world.state, -2), before);
		check("kept", apart(reader, 400), before);
		ls_close(&reader);
	}
}

/* What was written there means nothing, and does no harm. */
static void test_spoilt(void **state)
{
	static const uint64_t table[] = { 1, UINT64_MAX, INT64_MAX,
					  (uint64_t)INT64_MIN,
					  UINT64_C(1) << 62 };

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(table); i++) {
		int64_t off;

		atomic_store(&world.state->guard.header->clocks_apart,
			     table[i]);
		off = (int64_t)(apart(world.state, 0) + world.now_ms -
				world.real_ms);
		check("near", off >= -500 && off <= 500, true);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_one_end),
		TEST(test_clock_set),
		TEST(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
