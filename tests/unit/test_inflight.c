/* test_inflight.c - what is in flight: counted by subject, found past
 * collisions, gone when it is taken away; against a simple model */
#include "lockstep-config.h"

#include "harness.h"
#include "inflight.h"

static struct ls_inflight *inflight;

static int setup(void **state)
{
	(void)state;
	inflight = ls_inflight_new();
	return inflight == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	ls_inflight_free(&inflight);
	return inflight == NULL ? 0 : -1;
}

static bool add(uint64_t key, unsigned failures, unsigned accounts)
{
	return ls_inflight_add(
		inflight, key,
		(struct ls_flight){ (uint16_t)failures, (uint16_t)accounts });
}

static void take(uint64_t key, unsigned failures, unsigned accounts)
{
	ls_inflight_remove(
		inflight, key,
		(struct ls_flight){ (uint16_t)failures, (uint16_t)accounts });
}

static void check_flight(const char *row, uint64_t key, unsigned failures,
			 unsigned accounts)
{
	struct ls_flight got = ls_inflight_get(inflight, key);

	check(row, got.failures, failures);
	check(row, got.accounts, accounts);
}

static void test_counts(void **state)
{
	(void)state;
	check_flight("nobody", 7, 0, 0);
	check("add", add(7, 1, 1), true);
	check("add", add(7, 1, 0), true);
	check_flight("two", 7, 2, 1);
	check_flight("another", 8, 0, 0);
	take(7, 1, 1);
	check_flight("one", 7, 1, 0);
	take(7, 1, 0);
	check_flight("none", 7, 0, 0);
	/* More than there is: never below none. */
	take(7, 1, 1);
	check("add", add(7, 1, 2), true);
	take(7, 5, 1);
	check_flight("not below", 7, 0, 1);
	take(7, 0, 9);
	check_flight("gone", 7, 0, 0);
}

static void test_no_table(void **state)
{
	struct ls_flight got = ls_inflight_get(NULL, 7);

	(void)state;
	check("failures", got.failures, 0);
	check("accounts", got.accounts, 0);
}

/* Keys that begin at one place, the last of the table: they go on at the first.
 * Whichever is taken away, the others are found. */
static void test_collisions(void **state)
{
	enum { KEYS = 6 };
	const uint64_t last = LS_INFLIGHT_SUBJECTS - 1;

	(void)state;
	for (unsigned gone = 0; gone < KEYS; gone++) {
		char row[32];

		snprintf(row, sizeof(row), "without %u", gone);
		for (uint64_t i = 0; i < KEYS; i++)
			check(row, add(i << 32 | last, (unsigned)i + 1, 0),
			      true);
		/* At home where the others have spread to. */
		check(row, add(UINT64_C(1) << 40 | 1, 99, 0), true);
		take((uint64_t)gone << 32 | last, gone + 1, 0);
		for (uint64_t i = 0; i < KEYS; i++)
			check_flight(row, i << 32 | last,
				     i == gone ? 0 : (unsigned)i + 1, 0);
		check_flight(row, UINT64_C(1) << 40 | 1, 99, 0);
		for (uint64_t i = 0; i < KEYS; i++)
			take(i << 32 | last, KEYS, 0);
		take(UINT64_C(1) << 40 | 1, 99, 0);
	}
}

/* Random operations on keys that crowd a few places, beside a plain array. */
static void test_against_a_model(void **state)
{
	enum { KEYS = 64, STEPS = 200000 };
	struct ls_flight model[KEYS] = { { 0, 0 } };
	uint64_t seed = 11;

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t random = harness_random(&seed);
		unsigned i = (unsigned)(random % KEYS);
		/* Eight homes around the table's end. */
		uint64_t key = ((uint64_t)i << 32) +
			       ((LS_INFLIGHT_SUBJECTS - 4 + i % 8) &
				(LS_INFLIGHT_SUBJECTS - 1));
		bool failure = random >> 8 & 1, account = random >> 9 & 1;

		if (random >> 10 & 1) {
			check("add", add(key, failure, account), true);
			model[i].failures += failure;
			model[i].accounts += account;
		} else {
			take(key, failure, account);
			if (failure && model[i].failures > 0)
				model[i].failures--;
			if (account && model[i].accounts > 0)
				model[i].accounts--;
		}
		i = (unsigned)(random >> 16) % KEYS;
		key = ((uint64_t)i << 32) +
		      ((LS_INFLIGHT_SUBJECTS - 4 + i % 8) &
		       (LS_INFLIGHT_SUBJECTS - 1));
		check_flight("any of them", key, model[i].failures,
			     model[i].accounts);
	}
}

/* Full at three quarters: what comes on top is not remembered, what is there
 * goes on, and there is room again for what has left. */
static void test_full(void **state)
{
	const unsigned most = LS_INFLIGHT_SUBJECTS / 4 * 3;
	uint64_t seed = 3, key = 0, first = 0;

	(void)state;
	for (unsigned i = 0; i < most; i++) {
		key = harness_random(&seed);
		if (i == 0)
			first = key;
		check("add", add(key, 1, 0), true);
	}
	check("full", add(42, 1, 0), false);
	check_flight("not there", 42, 0, 0);
	check("one of them", add(key, 1, 1), true);
	check_flight("one of them", key, 2, 1);
	take(first, 1, 0);
	check("room", add(42, 1, 0), true);
	check("full", add(43, 1, 0), false);
	seed = 3;
	for (unsigned i = 0; i < most; i++) {
		key = harness_random(&seed);
		check_flight("all of them", key,
			     i == 0 ? 0 : 1 + (i + 1 == most), i + 1 == most);
		take(key, 2, 1);
		check_flight("none of them", key, 0, 0);
	}
	take(42, 1, 0);
	check("empty", add(43, 1, 0), true);
}

/* A counter at its end stays there: refused, and not wrapped. */
static void test_most_of_one(void **state)
{
	(void)state;
	check("most", add(7, UINT16_MAX, UINT16_MAX - 1), true);
	check("failures", add(7, 1, 0), false);
	check("accounts", add(7, 0, 1), true);
	check("accounts", add(7, 0, 1), false);
	check_flight("unchanged", 7, UINT16_MAX, UINT16_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_counts),     TEST(test_no_table),
		TEST(test_collisions), TEST(test_against_a_model),
		TEST(test_full),       TEST(test_most_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
