/* test_nat64.c - IPv4 addresses behind a NAT64 are those addresses */
#include "lockstep-config.h"

#include "base/nat64.h"
#include "world_bed.h"

static void test_lengths(void **state)
{
	static const struct {
		const char *prefix, *text, *want;
	} table[] = {
		/* RFC 6052, 2.4: 192.0.2.33 behind each length */
		{ "2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33" },
		{ "2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33" },
		{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100::",
		  "192.0.2.33" },
		{ "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::",
		  "192.0.2.33" },
		{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::",
		  "192.0.2.33" },
		{ "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33",
		  "192.0.2.33" },
		/* the suffix has no meaning, the u octet is zero */
		{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100:0:7",
		  "192.0.2.33" },
		{ "2001:db8:122::/48", "2001:db8:122:c000:102:2100::",
		  "2001:db8:122:c000:102:2100::" },
		{ "2001:db8:122::/48", "2001:db8:123:c000:2:2100::",
		  "2001:db8:123:c000:2:2100::" },
		/* always */
		{ "", "64:ff9b::192.0.2.33", "192.0.2.33" },
		{ "2001:db8::/32", "64:ff9b::192.0.2.33", "192.0.2.33" },
		{ "", "2001:db8:c000:221::", "2001:db8:c000:221::" },
		{ "2001:db8::/32", "192.0.2.33", "192.0.2.33" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[LS_ADDR_TEXT];
		struct ls_nat64 nat64;
		struct ls_addr addr;

		check(table[i].text,
		      ls_nat64_parse(table[i].prefix, &nat64, NULL), 0);
		check(table[i].text, ls_addr_parse(table[i].text, &addr), 0);
		ls_addr_unwrap(&nat64, &addr);
		ls_addr_format(&addr, text);
		check_text(table[i].text, text, table[i].want);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text, *want;
		bool whole;
	} table[] = {
		{ "2001:db8:122::/48", "2001:db8:122::/48", true },
		{ "2001:db8:122::/47", "2001:db8:122::/47", false },
		{ "2001:db8:122:c000::/56", "192.0.0.0/8", false },
		{ "2001:db8:122:c000::/64", "192.0.0.0/16", false },
		{ "2001:db8:122:c000::/72", "192.0.0.0/16", false },
		{ "2001:db8:122:c000:2::/80", "192.0.2.0/24", false },
		{ "2001:db8:122:c000:2:2000::/84", "192.0.2.32/28", false },
		{ "2001:db8:122:c000:2:2100::/120", "192.0.2.33", false },
		{ "64:ff9b::/96", "64:ff9b::/96", true },
		{ "64:ff9b::/32", "64:ff9b::/32", false },
	};
	struct ls_nat64 nat64;

	(void)state;
	check("parse", ls_nat64_parse("2001:db8:122::/48", &nat64, NULL), 0);
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[LS_PREFIX_TEXT];
		struct ls_prefix prefix;

		check(table[i].text,
		      ls_prefix_parse(table[i].text, &prefix), 0);
		ls_nat64_unwrap(&nat64, &prefix);
		ls_prefix_format(&prefix, text);
		check_text(table[i].text, text, table[i].want);
		check(table[i].text, ls_nat64_is_whole(&nat64, &prefix),
		      table[i].whole);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int ret;
		unsigned count;
	} table[] = {
		{ "", 0, 0 },
		{ " , ", 0, 0 },
		{ "64:ff9b::/96", 0, 0 },
		{ "2001:db8::/32", 0, 1 },
		{ "2001:db8::/32, fd00::/96", 0, 2 },
		{ "2001:db8::/33", LS_EARG, 0 },
		{ "2001:db8::", LS_EARG, 0 },
		{ "2001:db8::1/96", LS_EARG, 0 },
		{ "fd00:0:0:0:100::/96", LS_EARG, 0 },
		{ "192.0.2.0/24", LS_EARG, 0 },
		{ "::ffff:0:0/96", LS_EARG, 0 },
		{ "joe", LS_EARG, 0 },
		{ "1::/32 2::/32 3::/32 4::/32 5::/32 6::/32 7::/32 8::/32", 0,
		  8 },
		{ "1::/32 2::/32 3::/32 4::/32 5::/32 6::/32 7::/32 8::/32 "
		  "9::/32", LS_EARG, 8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_nat64 nat64;

		check(table[i].text,
		      ls_nat64_parse(table[i].text, &nat64, NULL),
		      table[i].ret);
		check(table[i].text, nat64.count, table[i].count);
	}
}

/* An order for one spelling is an order for all, and a new policy's prefixes hold
 * at once. */
static void test_subjects(void **state)
{
	static const char *const spellings[] = {
		"192.0.2.33", "::ffff:192.0.2.33", "64:ff9b::192.0.2.33",
		"2001:db8:64::192.0.2.33", "2001:db8:1:c000:2:2100::",
	};
	struct ls_subject subject;
	struct ls_error error;
	char text[LS_SUBJECT_TEXT];

	(void)state;
	world_open(&world, GUARD);
	check("before",
	      ls_subject_parse(world.state, spellings[3], &subject, &error), 0);
	ls_subject_format(&subject, text);
	check_text("before", text, "2001:db8:64::/64");
	world_set(&world, NULL, "nat64", "2001:db8:64::/96, 2001:db8:1::/48");
	world_compile(&world);
	ls_policy_announce(world.state);
	check("refresh", ls_refresh(world.state, world.now_ms, &error), 1);
	for (size_t i = 0; i < COUNT(spellings); i++) {
		check(spellings[i],
		      ls_subject_parse(world.state, spellings[i], &subject,
				       &error),
		      0);
		ls_subject_format(&subject, text);
		check_text(spellings[i], text, "192.0.2.33");
	}
}

/* What logs told of before is familiar where it really is. */
static void test_learn(void **state)
{
	struct ls_past past = { .user = JOE,
				.ip = world_addr("2001:db8:64::192.0.2.33") };

	(void)state;
	world_set(&world, NULL, "nat64", "2001:db8:64::/96");
	world_open(&world, GUARD);
	past.first_real_ms = past.last_real_ms = world.real_ms - 1000;
	check("learn",
	      ls_learn(world.state, &past, world.now_ms, world.real_ms, false),
	      LS_LEARNT);
	check("familiar",
	      world_word(&world, LS_KIND_PLACE, JOE, "192.0.2.0/24",
			 LS_WORD_FAMILIAR) > world_now(&world),
	      1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_parse),
		cmocka_unit_test_setup_teardown(test_subjects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
