/* test_local_pairs.c - meters of local parts, and what a flood does to them */
#include "lockstep-config.h"

#include "base/key.h"
#include "harness.h"
#include "map/local.h"
#include "map/slot.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

/* 100/1h and 500/7d, the slow one first. */
static const struct ls_rate rates[LS_SPEEDS] = {
	{ 1209600, UINT64_C(500) * 1209600 },
	{ 36000, UINT64_C(100) * 36000 },
};
static const uint64_t start = UINT64_C(400) * 86400000;

enum { SETS = 64 };
static struct ls_local_set sets[SETS];

static int clear(void **state)
{
	(void)state;
	memset(sets, 0, sizeof(sets));
	return 0;
}

static uint64_t key_of(uint64_t number)
{
	static const uint8_t hash_key[LS_HASH_KEY_SIZE] = "sixteen letters";
	char user[32];

	snprintf(user, sizeof(user), "name%" PRIu64 "@example.com", number);
	return ls_key_local(hash_key, user);
}

static struct ls_local_set *set_of(uint64_t key)
{
	return &sets[((key >> 32) * SETS) >> 32];
}

static void charge(uint64_t key, uint64_t now, unsigned times)
{
	while (times-- > 0)
		ls_local_charge(set_of(key), key, now, rates, LS_SPEEDS);
}

/* Units in the slow meter, and in the fast. */
static unsigned units(uint64_t key, uint64_t now, unsigned which)
{
	uint64_t level[LS_SPEEDS];

	ls_local_read(set_of(key), key, now, level);
	return (unsigned)((level[which] + rates[which].emission_ms - 1) /
			  rates[which].emission_ms);
}

static void test_charge(void **state)
{
	uint64_t key = key_of(1);

	(void)state;
	check("has", ls_local_has(set_of(key), key), 0);
	charge(key, start, 3);
	check("has", ls_local_has(set_of(key), key), 1);
	check("slow", units(key, start, 0), 3);
	check("fast", units(key, start, 1), 3);
	check("drained", units(key, start + 72000, 1), 1);
	charge(key, start, 1000);
	check("slow", units(key, start, 0), 500);
	check("fast", units(key, start, 1), 100);
	check("other", ls_local_has(set_of(key_of(2)), key_of(2)), 0);
	ls_local_clear(set_of(key), key);
	check("slow", units(key, start, 0), 0);
	charge(key, start, 1);
	check("fast", units(key, start, 1), 1);
}

/* A flood that guesses often at few names, or once at many, takes no pair from a local
 * part that has been guessed at more often, and fills none for another. */
static void test_flood(void **state)
{
	uint64_t joe = key_of(0);

	(void)state;
	for (unsigned per_name = 1; per_name <= 20; per_name += 19) {
		clear(NULL);
		charge(joe, start, 100);
		for (unsigned i = 1; i <= 20000; i++)
			charge(key_of(i), start, per_name);
		check("slow", units(joe, start, 0), 100);
		check("fast", units(joe, start, 1), 100);
		for (unsigned i = 50000; i < 51000; i++)
			check("newcomer", units(key_of(i), start, 0), 0);
	}
}

/* One that has filled all other pairs of the set takes one off for each guess. */
static void test_worn(void **state)
{
	uint64_t joe = key_of(0), others[8];
	unsigned found = 0;

	(void)state;
	for (uint64_t i = 1; found < COUNT(others); i++)
		if (set_of(key_of(i)) == set_of(joe))
			others[found++] = key_of(i);
	for (unsigned i = 0; i < LS_LOCAL_WAYS - 1; i++)
		charge(others[i], start, 300);
	charge(joe, start, 100);
	for (unsigned i = 1; i < 100; i++) {
		charge(others[4 + i % 4], start, 1);
		check("worn", units(joe, start, 0), 100 - i);
		check("fast", units(joe, start, 1), 100);
	}
	charge(others[4], start, 1);
	check("lost", ls_local_has(set_of(joe), joe), 0);
	check("taken", units(others[4], start, 0), 1);
	/* nothing of joe's is taken for the other's */
	check("taken", units(others[4], start, 1), 1);
	for (unsigned i = 0; i < LS_LOCAL_WAYS - 1; i++)
		check("kept", units(others[i], start, 0), 300);
}

/* Whatever stands in a set, it is nobody's, or a level that a meter can have. */
static void test_spoilt(void **state)
{
	uint64_t seed = 7, level[LS_SPEEDS];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint64_t key = harness_random(&seed);

		for (unsigned way = 0; way < LS_LOCAL_WAYS; way++)
			for (unsigned i = 0; i < LS_SPEEDS; i++)
				sets[0].pair[way][i] =
					harness_random(&seed) |
					(way == round % 4 ? key << 40 : 0);
		ls_local_read(&sets[0], key, start, level);
		check_within("level", level[0], 0, LS_AHEAD_MAX_MS);
		ls_local_charge(&sets[0], key, start, rates, LS_SPEEDS);
		ls_local_clear(&sets[0], key);
		ls_local_read(&sets[0], key, start, level);
		check("cleared", level[0] + level[1], 0);
	}
}

static void *charge_a_lot(void *key)
{
	for (unsigned i = 0; i < 100; i++)
		charge(*(const uint64_t *)key, start, 1);
	return NULL;
}

static void test_at_once(void **state)
{
	pthread_t thread[4];
	uint64_t key = key_of(3);

	(void)state;
	charge(key, start, 1);
	for (unsigned i = 0; i < COUNT(thread); i++)
		check("create",
		      pthread_create(&thread[i], NULL, charge_a_lot, &key), 0);
	for (unsigned i = 0; i < COUNT(thread); i++)
		pthread_join(thread[i], NULL);
	check("slow", units(key, start, 0), 401);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Names that differ in one letter, or in length, have keys that differ, in the bits that
 * choose a set and in those that tell whose a pair is. */
static void test_keys(void **state)
{
	static const uint8_t hash_key[LS_HASH_KEY_SIZE] = "sixteen letters";
	static uint64_t keys[64 * 65];
	unsigned count = 0, odd = 0;
	char user[80] = "";

	(void)state;
	for (unsigned len = 0; len < 64; len++) {
		memset(user, 'e', len);
		strcpy(user + len, "@example.com");
		keys[count++] = ls_key_local(hash_key, user);
		for (unsigned at = 0; at < len; at++) {
			user[at] = 'f';
			keys[count++] = ls_key_local(hash_key, user);
			user[at] = 'e';
		}
	}
	qsort(keys, count, sizeof(*keys), by_value);
	for (unsigned i = 1; i < count; i++)
		if (keys[i] == keys[i - 1])
			fail_msg("two of %u keys are the same", count);
	for (unsigned i = 0; i < count; i++)
		odd += keys[i] & 1;
	check_within("low bits", odd, count / 2 - count / 10,
		     count / 2 + count / 10);
	check("case", ls_key_local(hash_key, "Joe.Long-Name@a.example"),
	      ls_key_local(hash_key, "joe.long-name@B.EXAMPLE"));
	check("bare", ls_key_local(hash_key, "joe"),
	      ls_key_local(hash_key, "JOE@b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_charge, clear),
		cmocka_unit_test_setup(test_flood, clear),
		cmocka_unit_test_setup(test_worn, clear),
		cmocka_unit_test_setup(test_spoilt, clear),
		cmocka_unit_test_setup(test_at_once, clear),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
