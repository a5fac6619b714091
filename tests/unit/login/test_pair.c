/* test_pair.c - pairs are counted once a period, by each speed for itself */
#include "lockstep-config.h"

#include "harness.h"
#include "login/pair.h"
#include "world.h"

#define GUARD (LS_GUARD_WRITE | LS_CREATE)

static struct world world;
static const uint64_t away = UINT64_C(0x0123456789abcdef);
static const uint64_t joe = UINT64_C(0xfedcba9876543210);

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static bool count(uint64_t subject, uint64_t other, unsigned speed,
		  uint64_t length_ms)
{
	uint64_t now = world_now(&world);

	return ls_pair_count(world.state, subject, other, speed,
			     now + length_ms, now, NULL);
}

static bool is_counted(uint64_t subject, uint64_t other, unsigned speed)
{
	return ls_pair_is_counted(world.state, subject, other, speed,
				  world_now(&world));
}

static void test_once(void **state)
{
	(void)state;
	check("not yet", is_counted(away, joe, LS_FAST), false);
	check("first", count(away, joe, LS_FAST, WORLD_HOUR), true);
	check("counted", is_counted(away, joe, LS_FAST), true);
	check("second", count(away, joe, LS_FAST, WORLD_HOUR), false);
	/* The second did not lengthen it. */
	world_pass(&world, WORLD_HOUR - 1);
	check("just", count(away, joe, LS_FAST, WORLD_HOUR), false);
	world_pass(&world, 1);
	check("over", is_counted(away, joe, LS_FAST), false);
	check("again", count(away, joe, LS_FAST, WORLD_HOUR), true);
}

static void test_each_for_itself(void **state)
{
	(void)state;
	check("fast", count(away, joe, LS_FAST, WORLD_HOUR), true);
	check("slow", is_counted(away, joe, LS_SLOW), false);
	check("slow", count(away, joe, LS_SLOW, WORLD_DAY), true);
	check("another account", count(away, joe + 1, LS_FAST, WORLD_HOUR),
	      true);
	check("another address", count(away + 1, joe, LS_FAST, WORLD_HOUR),
	      true);
	/* A pair has an order. */
	check("the other way", count(joe, away, LS_FAST, WORLD_HOUR), true);
	world_pass(&world, 2 * WORLD_HOUR);
	check("fast is over", count(away, joe, LS_FAST, WORLD_HOUR), true);
	check("slow is not", count(away, joe, LS_SLOW, WORLD_HOUR), false);
}

/* Pairs are the first to go: a flood of them pushes out no stranger's meter,
 * and one that was lost is counted again. */
static void test_worth_little(void **state)
{
	unsigned lost = 0, fresh = 0;

	(void)state;
	check("a stranger", world_guess(&world, "joe", "192.0.2.1", 1), 1);
	check("pair", count(away, joe, LS_FAST, WORLD_HOUR), true);
	for (uint64_t i = 0; i < 20000; i++)
		fresh += count(away, i * UINT64_C(0x9e3779b97f4a7c15), LS_FAST,
			       2 * WORLD_HOUR);
	/* Once in 2^24 a pair finds a predecessor's word with its own stamp. */
	check_within("counted", fresh, 19998, 20000);
	check("meter",
	      world_word(&world, LS_KIND_IP, NULL, "192.0.2.1",
			 LS_WORD_FAILURES) > world_now(&world),
	      true);
	for (uint64_t i = 0; i < 20000; i++)
		lost += count(away, i * UINT64_C(0x9e3779b97f4a7c15), LS_FAST,
			      2 * WORLD_HOUR);
	check_within("lost", lost, 10000, 20000);
}

/* A bucket full of locks has no room for a pair: it counts each time. */
static void test_no_room(void **state)
{
	struct ls_status status;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct ls_subject subject =
			world_subject(LS_KIND_IP, NULL, "10.0.0.0");

		subject.net.addr.octet[14] = (uint8_t)(i >> 8);
		subject.net.addr.octet[15] = (uint8_t)i;
		ls_lock(world.state, &subject, WORLD_DAY, NULL, world.now_ms);
	}
	ls_status(world.state, world.now_ms, &status);
	check("full of locks", status.locks, status.subjects);
	check("first", count(away, joe, LS_FAST, WORLD_HOUR), true);
	check("again", count(away, joe, LS_FAST, WORLD_HOUR), true);
	check("not counted", is_counted(away, joe, LS_FAST), false);
}

/* One that is pardoned counts again, and gives back what it took; but not after long. */
static void test_pardon(void **state)
{
	uint64_t now = world_now(&world);
	struct ls_ref pair;

	(void)state;
	check("none", ls_pair_pardon(world.state, away, joe, LS_FAST, 0, now), 0);
	assert_true(ls_pair_count(world.state, away, joe, LS_FAST,
				  now + WORLD_HOUR, now, &pair));
	ls_pair_charged(&pair, LS_FAST, now + 4711);
	check("of long ago",
	      ls_pair_pardon(world.state, away, joe, LS_FAST,
			     now + WORLD_HOUR + 1, now),
	      0);
	check("other meter",
	      ls_pair_pardon(world.state, away, joe, LS_SLOW, 0, now), 0);
	check("charge",
	      ls_pair_pardon(world.state, away, joe, LS_FAST, now + WORLD_HOUR,
			     now),
	      now + 4711);
	check("counted", is_counted(away, joe, LS_FAST), false);
	check("again", count(away, joe, LS_FAST, WORLD_HOUR), true);
	world_pass(&world, WORLD_HOUR);
	check("passed",
	      ls_pair_pardon(world.state, away, joe, LS_FAST, 0,
			     world_now(&world)),
	      0);
}

/* Not as often as somebody guesses where the account's owner logs in all day. */
static void test_pardons_are_few(void **state)
{
	unsigned pardoned = 0;

	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		uint64_t now = world_now(&world);
		struct ls_ref pair;

		if (ls_pair_count(world.state, away, joe, LS_SLOW,
				  now + WORLD_DAY, now, &pair))
			ls_pair_charged(&pair, LS_SLOW, now + 1);
		pardoned += ls_pair_pardon(world.state, away, joe, LS_SLOW, now,
					   now) > 0;
		world_pass(&world, WORLD_MINUTE);
	}
	check("at once", pardoned, 3);
	check("counted", is_counted(away, joe, LS_SLOW), true);
	world_pass(&world, WORLD_DAY / 3);
	check("one more",
	      ls_pair_pardon(world.state, away, joe, LS_SLOW, 0,
			     world_now(&world)) > 0,
	      true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_once),
		TEST(test_each_for_itself),
		TEST(test_worth_little),
		TEST(test_no_room),
		TEST(test_pardon),
		TEST(test_pardons_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
