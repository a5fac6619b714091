/* test_where.c - a place's network and account, written and believed */
#include "lockstep-config.h"

#include "harness.h"
#include "map/where.h"
#include "world.h"

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static uint64_t user_key(const char *user)
{
	return ls_key_user(world.state->guard.hash_key, user);
}

/* The slot of a place, empty. */
static struct ls_ref place_of(const char *user, const struct ls_prefix *net)
{
	const uint8_t *hash_key = world.state->guard.hash_key;
	struct ls_ref ref;

	assert_int_equal(
		ls_table_claim(
			&world.state->guard.subjects,
			ls_key_pair(hash_key, LS_KIND_PLACE, user_key(user),
				    ls_key_net(hash_key, LS_KIND_NET, net)),
			LS_KIND_PLACE, world_now(&world), true, &ref),
		0);
	return ref;
}

static bool get(const struct ls_ref *ref, const char *user, unsigned prefix4,
		unsigned prefix6, struct ls_prefix *net)
{
	return ls_where_get(ref, world.state->guard.hash_key, user_key(user),
			    prefix4, prefix6, net);
}

static void test_round_trip(void **state)
{
	static const struct {
		const char *net;
		unsigned prefix4, prefix6;
		bool want;
	} rows[] = {
		{ "192.0.2.0/24", 24, 48, true },
		{ "255.255.255.0/24", 24, 48, true },
		{ "10.0.0.0/8", 8, 48, true },
		{ "192.0.2.77", 32, 48, true },
		{ "2001:db8:1::/48", 24, 48, true },
		{ "2001:db8:ffff::/48", 24, 48, true },
		{ "2001:d00::/24", 24, 24, true },
		{ "2001:db8:1:2::/64", 24, 64, true },
		{ "ffff:ffff:ffff:ffff::/64", 24, 64, true },
		{ "fe80::/16", 24, 16, true },
		/* What looks like an IPv4 is taken for one, and is then not the
		 * place that the key says: no such network is routed. */
		{ "::/48", 24, 48, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *row = rows[i].net;
		char text[LS_PREFIX_TEXT];
		struct ls_prefix net, got;
		struct ls_ref ref;

		check(row, ls_prefix_parse(row, &net), 0);
		ref = place_of("joe", &net);
		check(row,
		      get(&ref, "joe", rows[i].prefix4, rows[i].prefix6, &got),
		      false);
		ls_where_set(&ref, user_key("joe"), &net);
		check(row, ls_where_is_of(&ref, user_key("joe")), true);
		check(row,
		      get(&ref, "joe", rows[i].prefix4, rows[i].prefix6, &got),
		      rows[i].want);
		if (!rows[i].want)
			continue;
		ls_prefix_format(&got, text);
		check_text(row, text, row);
		/* By other lengths it is no place of joe's. */
		check(row,
		      get(&ref, "joe", rows[i].prefix4 - 1, rows[i].prefix6 - 1,
			  &got),
		      false);
	}
}

static void test_of_whom(void **state)
{
	struct ls_prefix net, got;
	struct ls_ref ref;
	unsigned hints = 0;

	(void)state;
	check("net", ls_prefix_parse("192.0.2.0/24", &net), 0);
	ref = place_of("joe", &net);
	ls_where_set(&ref, user_key("joe"), &net);
	check("wrong user", get(&ref, "ann", 24, 48, &got), false);
	/* The hint has 16 bits: it sorts out all but one in 65,536. */
	for (unsigned i = 0; i < 20000; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%u", i);
		hints += ls_where_is_of(&ref, user_key(user));
		check(user, get(&ref, user, 24, 48, &got), false);
	}
	check_within("hints", hints, 0, 5);
}

/* Any bit that is off, and it is nobody's place. */
static void test_damaged(void **state)
{
	static const unsigned words[] = { LS_WORD_WHERE, LS_WORD_WHERE_TOO };
	static const unsigned bits[] = { 24, LS_VALUE_BITS };
	struct ls_prefix net, got;
	struct ls_ref ref;

	(void)state;
	check("net", ls_prefix_parse("2001:db8:1::/48", &net), 0);
	ref = place_of("joe", &net);
	ls_where_set(&ref, user_key("joe"), &net);
	for (size_t w = 0; w < COUNT(words); w++)
		for (unsigned bit = 0; bit < bits[w]; bit++) {
			uint64_t value = ls_slot_get(&ref, words[w]);
			/* Beyond the prefix no bit counts. */
			bool beyond = w == 1 && bit < 16;
			char row[32];

			snprintf(row, sizeof(row), "word %u bit %u", words[w],
				 bit);
			ls_slot_set(&ref, words[w], value ^ UINT64_C(1) << bit);
			check(row, get(&ref, "joe", 24, 48, &got), beyond);
			ls_slot_set(&ref, words[w], value);
		}
	check("whole", get(&ref, "joe", 24, 48, &got), true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_of_whom),
		TEST(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
