/* test_home.c - the addresses that are a place's own */
#include "lockstep-config.h"

#include "base/key.h"
#include "harness.h"
#include "map/home.h"
#include "map/where.h"
#include "state/kept.h"
#include "world.h"

static struct world world;
static const uint64_t joe = UINT64_C(0x1234567890abcdef);

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

static struct ls_ref place_of(uint64_t key)
{
	struct ls_ref ref;

	assert_int_equal(ls_table_claim(&world.state->guard.subjects, key,
					LS_KIND_PLACE, world_now(&world), true,
					&ref),
			 0);
	return ref;
}

static void add(const struct ls_ref *place, const char *text)
{
	struct ls_addr ip = world_addr(text);

	ls_home_add(place, world.state->guard.hash_key, joe, &ip);
}

static enum ls_home home_of(const struct ls_ref *place, const char *text)
{
	struct ls_addr ip = world_addr(text);

	return ls_home_of(place, world.state->guard.hash_key, &ip);
}

static void test_blank(void **state)
{
	struct ls_ref place = place_of(1);
	struct ls_prefix newest;

	(void)state;
	check("any", home_of(&place, "192.0.2.1"), LS_HOME_BLANK);
	check("newest", ls_home_newest(&place, &newest), false);
	add(&place, "192.0.2.0");
	check("its", home_of(&place, "192.0.2.0"), LS_HOME_OWN);
	check("another", home_of(&place, "192.0.2.1"), LS_HOME_OTHER);
	ls_home_forget(&place);
	check("forgotten", home_of(&place, "192.0.2.1"), LS_HOME_BLANK);
}

/* Eight bits, of which none are 0: two addresses of a /24 pass for each other. */
static void test_each_of_a_network(void **state)
{
	struct ls_ref place = place_of(1);
	unsigned alike = 0;

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		char text[LS_ADDR_TEXT];

		ls_home_forget(&place);
		snprintf(text, sizeof(text), "192.0.2.%u", a);
		add(&place, text);
		for (unsigned b = 0; b < 256; b++) {
			snprintf(text, sizeof(text), "192.0.2.%u", b);
			if (a == b)
				check(text, home_of(&place, text), LS_HOME_OWN);
			else
				alike += home_of(&place, text) == LS_HOME_OWN;
		}
	}
	check("pairs", alike, 2);
}

static void test_three(void **state)
{
	static const char *const own[] = { "192.0.2.9", "192.0.2.7",
					   "192.0.2.200", "192.0.2.8" };
	struct ls_ref place = place_of(1);
	struct ls_prefix newest;
	char text[LS_PREFIX_TEXT];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		add(&place, own[i]);
	for (unsigned i = 0; i < 3; i++)
		check(own[i], home_of(&place, own[i]), LS_HOME_OWN);
	check("fourth", home_of(&place, own[3]), LS_HOME_OTHER);
	/* One that is on record moves nothing. */
	add(&place, own[0]);
	add(&place, own[3]);
	check("oldest", home_of(&place, own[0]), LS_HOME_OTHER);
	for (unsigned i = 1; i < 4; i++)
		check(own[i], home_of(&place, own[i]), LS_HOME_OWN);
	check("newest", ls_home_newest(&place, &newest), true);
	ls_prefix_format(&newest, text);
	check_text("newest", text, own[3]);
}

static void test_ipv6(void **state)
{
	struct ls_ref place = place_of(1);
	struct ls_prefix newest;
	char text[LS_PREFIX_TEXT];
	unsigned alike = 0;

	(void)state;
	add(&place, "2001:db8:1:0::7");
	check("same /64", home_of(&place, "2001:db8:1:0:ffff::8"), LS_HOME_OWN);
	check("next", home_of(&place, "2001:db8:1:1::7"), LS_HOME_OTHER);
	add(&place, "2001:db8:1:2::7");
	check("first", home_of(&place, "2001:db8:1:0::9"), LS_HOME_OWN);
	check("newest", ls_home_newest(&place, &newest), true);
	ls_prefix_format(&newest, text);
	check_text("newest", text, "2001:db8:1:2::/64");
	for (unsigned i = 3; i < 65536; i++) {
		snprintf(text, sizeof(text), "2001:db8:1:%x::7", i);
		alike += home_of(&place, text) == LS_HOME_OWN;
	}
	check_within("alike", alike, 0, 1);
}

/* The addresses of a wide network that pass for a place's are others at another place:
 * whoever knows them there knows nothing here. */
static void test_nobody_chooses(void **state)
{
	struct ls_ref places[] = { place_of(1), place_of(UINT64_C(1) << 40) };
	unsigned alike = 0, both = 0;
	char text[LS_ADDR_TEXT];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		add(&places[i], "10.1.0.7");
		add(&places[i], "10.1.0.9");
	}
	for (unsigned i = 256; i < 65536; i++) {
		bool own;

		snprintf(text, sizeof(text), "10.1.%u.%u", i / 256, i % 256);
		own = home_of(&places[0], text) == LS_HOME_OWN;
		alike += own;
		both += own && home_of(&places[1], text) == LS_HOME_OWN;
	}
	check_within("alike", alike, 100, 600);
	check_within("both", both, 0, 20);
}

/* Fingerprints and addresses share two words, and leave each other alone. */
static void test_beside_prints(void **state)
{
	struct ls_ref place = place_of(1);

	(void)state;
	for (uint32_t print = 1; print < 9; print++) {
		ls_slot_add_print(&place, print << 13 | 1);
		add(&place, "192.0.2.9");
		add(&place, "192.0.2.7");
		check("own", home_of(&place, "192.0.2.9"), LS_HOME_OWN);
		check("own", home_of(&place, "192.0.2.7"), LS_HOME_OWN);
		check("print", ls_slot_has_print(&place, print << 13 | 1),
		      true);
		ls_slot_drop_print(&place, print << 13 | 1);
		check("own", home_of(&place, "192.0.2.9"), LS_HOME_OWN);
	}
}

/* A snapshot has them; one of before has none. */
static void test_kept(void **state)
{
	uint64_t now = world_now(&world);
	struct ls_ref place = place_of(UINT64_C(7) << 32 | 7), again;
	struct ls_kept kept;
	uint8_t bytes[LS_KEPT_SIZE];

	(void)state;
	ls_slot_set(&place, LS_WORD_FAMILIAR, now + WORLD_DAY);
	for (unsigned i = 0; i < 2; i++) {
		if (i > 0) {
			add(&place, "192.0.2.9");
			add(&place, "192.0.2.7");
		}
		assert_true(ls_kept_of(&place, LS_KIND_PLACE, now, &kept));
		ls_kept_put(&kept, now, world.real_ms, bytes);
		/* in a new map: nothing is left of it in the old slot */
		ls_home_forget(&place);
		ls_slot_set(&place, LS_WORD_WHERE, 0);
		ls_slot_set(&place, LS_WORD_WHERE_TOO, 0);
		assert_true(ls_kept_get(bytes, sizeof(bytes), LS_KIND_PLACE,
					kept.key, now, world.real_ms, &kept));
		assert_true(ls_kept_restore(&kept, &world.state->guard, now));
		again = place_of(kept.key);
		check("own", home_of(&again, "192.0.2.9"),
		      i > 0 ? LS_HOME_OWN : LS_HOME_BLANK);
		check("other", home_of(&again, "192.0.2.8"),
		      i > 0 ? LS_HOME_OTHER : LS_HOME_BLANK);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_blank),
		TEST(test_each_of_a_network),
		TEST(test_three),
		TEST(test_ipv6),
		TEST(test_nobody_chooses),
		TEST(test_beside_prints),
		TEST(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
