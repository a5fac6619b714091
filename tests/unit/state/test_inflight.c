/* test_inflight.c - what is in flight: counted by subject, found past
 * collisions, gone when it is taken away; against a simple model */
#include "lockstep-config.h"

#include "harness.h"
#include "state/inflight.h"

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

static bool add(uint64_t key, bool failure, uint64_t account)
{
	return ls_inflight_add(inflight, key, failure, account);
}

static void take(uint64_t key, bool failure, uint64_t account)
{
	ls_inflight_remove(inflight, key, failure, account);
}

static void check_flight(const char *row, uint64_t key, unsigned failures,
			 unsigned accounts)
{
	struct ls_flight got = ls_inflight_get(inflight, key);

	check(row, got.failures, failures);
	check(row, ls_flight_accounts(&got), accounts);
}

enum { JOE = 1001, ANN = 1002, BOB = 1003 };

static void test_counts(void **state)
{
	(void)state;
	check_flight("nobody", 7, 0, 0);
	check("add", add(7, true, JOE), true);
	check("add", add(7, true, 0), true);
	check_flight("two, of one account", 7, 2, 1);
	check_flight("another", 8, 0, 0);
	take(7, true, JOE);
	check_flight("one", 7, 1, 0);
	take(7, true, 0);
	check_flight("none", 7, 0, 0);
	/* More than there is: never below none. */
	take(7, true, JOE);
	check("add", add(7, false, JOE), true);
	take(7, true, 0);
	take(7, true, ANN);
	check_flight("not below", 7, 0, 1);
	take(7, false, JOE);
	check_flight("gone", 7, 0, 0);
	take(7, true, JOE);
	check_flight("gone", 7, 0, 0);
}

/* One account is known, and counts once; each attempt at others counts. */
static void test_accounts(void **state)
{
	struct ls_flight got;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		check("add", add(7, true, JOE), true);
	check_flight("one account, five times", 7, 5, 1);
	got = ls_inflight_get(inflight, 7);
	check("known", got.account, JOE);
	check("add", add(7, true, ANN), true);
	check("add", add(7, true, ANN), true);
	check_flight("another's two", 7, 7, 3);
	for (unsigned i = 0; i < 5; i++)
		take(7, true, JOE);
	check_flight("the known one has left", 7, 2, 2);
	/* While others fly, no other becomes the known one: what was added as
	 * another is taken away as one. */
	check("add", add(7, true, BOB), true);
	check_flight("one more", 7, 3, 3);
	check("add", add(7, true, JOE), true);
	check_flight("known still", 7, 4, 4);
	take(7, true, ANN);
	take(7, true, BOB);
	take(7, true, ANN);
	check_flight("joe", 7, 1, 1);
	take(7, true, JOE);
	check("add", add(7, false, 0), true);
	check("add", add(7, true, BOB), true);
	got = ls_inflight_get(inflight, 7);
	check("known anew", got.account, BOB);
}

static void test_no_table(void **state)
{
	struct ls_flight got = ls_inflight_get(NULL, 7);

	(void)state;
	check("failures", got.failures, 0);
	check("accounts", ls_flight_accounts(&got), 0);
}

static void add_times(const char *row, uint64_t key, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		check(row, add(key, true, 0), true);
}

static void take_times(uint64_t key, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		take(key, true, 0);
}

/* Keys that begin at one place, the last of the table: they go on at the first.
 * Whichever is taken away, the others are found. */
static void test_collisions(void **state)
{
	enum { KEYS = 6 };
	const uint64_t last = LS_INFLIGHT_SUBJECTS - 1;
	const uint64_t beside = UINT64_C(1) << 40 | 1;

	(void)state;
	for (unsigned gone = 0; gone < KEYS; gone++) {
		char row[32];

		snprintf(row, sizeof(row), "without %u", gone);
		for (uint64_t i = 0; i < KEYS; i++)
			add_times(row, i << 32 | last, (unsigned)i + 1);
		/* At home where the others have spread to. */
		add_times(row, beside, 99);
		take_times((uint64_t)gone << 32 | last, gone + 1);
		for (uint64_t i = 0; i < KEYS; i++)
			check_flight(row, i << 32 | last,
				     i == gone ? 0 : (unsigned)i + 1, 0);
		check_flight(row, beside, 99, 0);
		for (uint64_t i = 0; i < KEYS; i++)
			take_times(i << 32 | last, KEYS);
		take_times(beside, 99);
	}
}

enum { KEYS = 64, ACCOUNTS = 3, ATTEMPTS = 200, STEPS = 200000 };

/* Eight homes around the table's end. */
static uint64_t crowded(unsigned i)
{
	return ((uint64_t)i << 32) + ((LS_INFLIGHT_SUBJECTS - 4 + i % 8) &
				      (LS_INFLIGHT_SUBJECTS - 1));
}

/* What there must be of a subject, counted attempt by attempt. */
static void check_model(unsigned key, const uint8_t of[KEYS][ACCOUNTS + 1])
{
	struct ls_flight got = ls_inflight_get(inflight, crowded(key));
	unsigned failures = of[key][0], attempts = 0, distinct = 0;

	for (unsigned i = 1; i <= ACCOUNTS; i++) {
		attempts += of[key][i];
		distinct += of[key][i] > 0;
	}
	check("failures", got.failures, failures + attempts);
	check("attempts", got.same + got.other, attempts);
	/* Never fewer than there are, never more than attempts. */
	check_within("accounts", ls_flight_accounts(&got), distinct, attempts);
	if (got.same > 0)
		check("the known one", of[key][got.account], got.same);
}

/* Random attempts that begin and end, on keys that crowd a few places. */
static void test_against_a_model(void **state)
{
	static uint8_t of[KEYS][ACCOUNTS + 1]; /* [0]: with no account */
	static struct {
		unsigned key;
		uint64_t account;
	} attempt[ATTEMPTS];
	unsigned flying = 0;
	uint64_t seed = 11;

	(void)state;
	memset(of, 0, sizeof(of));
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t random = harness_random(&seed);

		if (flying < ATTEMPTS && (flying == 0 || (random & 1))) {
			unsigned key = (unsigned)(random >> 8) % KEYS;
			uint64_t account = (random >> 40) % (ACCOUNTS + 1);

			check("add", add(crowded(key), true, account), true);
			of[key][account]++;
			attempt[flying].key = key;
			attempt[flying++].account = account;
		} else {
			unsigned i = (unsigned)(random >> 8) % flying;

			take(crowded(attempt[i].key), true, attempt[i].account);
			of[attempt[i].key][attempt[i].account]--;
			attempt[i] = attempt[--flying];
		}
		check_model((unsigned)(random >> 24) % KEYS, of);
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
		check("add", add(key, true, 0), true);
	}
	check("full", add(42, true, 0), false);
	check_flight("not there", 42, 0, 0);
	check("one of them", add(key, true, JOE), true);
	check_flight("one of them", key, 2, 1);
	take(first, true, 0);
	check("room", add(42, true, 0), true);
	check("full", add(43, true, 0), false);
	seed = 3;
	for (unsigned i = 0; i < most; i++) {
		bool last = i + 1 == most;

		key = harness_random(&seed);
		check_flight("all of them", key, i == 0 ? 0 : 1U + last, last);
		take(key, true, JOE);
		take(key, true, 0);
		check_flight("none of them", key, 0, 0);
	}
	take(42, true, 0);
	check("empty", add(43, true, 0), true);
}

/* A counter at its end stays there: refused, and not wrapped. */
static void test_most_of_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < UINT16_MAX; i++)
		check("add", add(7, true, 0), true);
	check("failures", add(7, true, 0), false);
	check("accounts", add(7, true, JOE), false);
	check_flight("unchanged", 7, UINT16_MAX, 0);
	for (unsigned i = 0; i < UINT16_MAX; i++)
		check("add", add(8, false, i == 0 ? JOE : ANN), true);
	check("accounts", add(8, false, ANN), true);
	check("accounts", add(8, false, ANN), false);
	check_flight("unchanged", 8, 0, UINT16_MAX + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_counts),          TEST(test_accounts),
		TEST(test_no_table),        TEST(test_collisions),
		TEST(test_against_a_model), TEST(test_full),
		TEST(test_most_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
