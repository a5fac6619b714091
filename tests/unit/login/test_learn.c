/* test_learn.c - places that were familiar before Lockstep was there */
#include "lockstep-config.h"

#include "world_bed.h"

static int learn(const char *user, const char *ip, uint64_t first_ago_ms,
		 uint64_t last_ago_ms, bool dry)
{
	const struct ls_past past = {
		.user = user,
		.ip = world_addr(ip),
		.first_real_ms = world.real_ms - first_ago_ms,
		.last_real_ms = world.real_ms - last_ago_ms,
	};

	return ls_learn(world.state, &past, world.now_ms, world.real_ms, dry);
}

static uint64_t word(enum ls_kind kind, const char *user, const char *net,
		     unsigned number)
{
	return world_word(&world, kind, user, net, number);
}

static void lock(enum ls_kind kind, const char *user, const char *net)
{
	struct ls_subject subject = world_subject(kind, user, net);

	check("lock",
	      ls_lock(world.state, &subject, WORLD_DAY, NULL, world.now_ms), 0);
}

/* Locks around it do not touch a place that was learnt. */
static void test_learnt_is_familiar(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	check("learn", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, false),
	      LS_LEARNT);
	lock(LS_KIND_IP, NULL, HOME);
	lock(LS_KIND_NET, NULL, HOME_NET);
	lock(LS_KIND_USER, JOE, NULL);
	check("there",
	      world_login(&world, JOE, "198.51.100.99", LS_OUTCOME_SUCCESS)
		      .verdict,
	      LS_ADMIT);
	check("elsewhere",
	      world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
	check("somebody else there",
	      world_login(&world, "ann", HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
}

/* Lists of places tell of it. */
static void test_has_a_name(void **state)
{
	struct ls_subject account = world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_subject got;

	(void)state;
	world_open(&world, GUARD);
	check("learn", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, false),
	      LS_LEARNT);
	check("label",
	      ls_label_get(&world.state->guard.labels,
			   world.state->guard.hash_key,
			   world_key(&world, &account), LS_KIND_USER, &got),
	      true);
	check_text("name", got.user, JOE);
}

/* As if the last login had been settled here, at its time. */
static void test_times_are_the_logins(void **state)
{
	uint64_t until;

	(void)state;
	world_open(&world, GUARD);
	check("learn", learn(JOE, HOME, 20 * WORLD_DAY, 10 * WORLD_DAY, false),
	      LS_LEARNT);
	until = world_now(&world) + 20 * WORLD_DAY;
	check("until", word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FAMILIAR),
	      until);
	check("address", word(LS_KIND_IP, NULL, HOME, LS_WORD_FAMILIAR), until);
	check("net", word(LS_KIND_NET, NULL, HOME_NET, LS_WORD_FAMILIAR),
	      until);
	check("first seen",
	      word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FIRST_SEEN),
	      world_now(&world) - 20 * WORLD_DAY);
	check("where", word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_WHERE_TOO) !=
			       0,
	      true);
	world_pass(&world, 20 * WORLD_DAY + WORLD_SECOND);
	lock(LS_KIND_IP, NULL, HOME);
	check("over",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
}

static void test_answers(void **state)
{
	static const struct {
		const char *row, *user;
		uint64_t first_ago, last_ago;
		bool dry;
		int want;
	} rows[] = {
		{ "dry", JOE, WORLD_DAY, WORLD_HOUR, true, LS_LEARNT },
		{ "dry again", JOE, WORLD_DAY, WORLD_HOUR, true, LS_LEARNT },
		{ "done", JOE, WORLD_DAY, WORLD_HOUR, false, LS_LEARNT },
		{ "again", JOE, WORLD_DAY, WORLD_HOUR, false, LS_LEARNT_KNOWN },
		{ "dry, known", JOE, WORLD_DAY, 0, true, LS_LEARNT_KNOWN },
		{ "too long ago", "ann", 31 * WORLD_DAY, 30 * WORLD_DAY, false,
		  LS_LEARNT_OLD },
		{ "just in time", "ann", 900 * WORLD_DAY,
		  30 * WORLD_DAY - WORLD_SECOND, false, LS_LEARNT },
		{ "to come", "bob", 0, UINT64_C(0) - WORLD_HOUR, false,
		  LS_EARG },
		{ "last before first", "bob", WORLD_HOUR, WORLD_DAY, false,
		  LS_EARG },
		{ "no name", "", WORLD_DAY, WORLD_HOUR, false, LS_EARG },
	};

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].row,
		      learn(rows[i].user, HOME, rows[i].first_ago,
			    rows[i].last_ago, rows[i].dry),
		      rows[i].want);
}

/* Learning shortens nothing, and knows the earlier beginning. */
static void test_raises_only(void **state)
{
	uint64_t until;

	(void)state;
	world_open(&world, GUARD);
	check("live", world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	until = word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FAMILIAR);
	check("learn", learn(JOE, HOME, 5 * WORLD_DAY, WORLD_DAY, false),
	      LS_LEARNT_KNOWN);
	check("until", word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FAMILIAR),
	      until);
	check("first seen",
	      word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FIRST_SEEN),
	      world_now(&world) - 5 * WORLD_DAY);
}

/* What a thief may have done makes no place familiar. */
static void test_not_on_probation(void **state)
{
	(void)state;
	world_set(&world, "user", "failures", "20/1h, 10/7d");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 8; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "203.0.%u.9", i);
		world_login(&world, JOE, ip, LS_OUTCOME_WRONG);
	}
	world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS);
	check("on probation",
	      word(LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION) >
		      world_now(&world),
	      true);
	check("learn", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, false),
	      LS_LEARNT_DOUBTFUL);
	check("place", word(LS_KIND_PLACE, JOE, HOME_NET, LS_WORD_FAMILIAR), 0);
}

static void test_rights(void **state)
{
	struct ls_state *reader;
	struct ls_error error;

	(void)state;
	world_open(&world, GUARD);
	check("reader", world_join(&world, LS_GUARD_READ, &reader, &error), 0);
	ls_close(&world.state);
	world.state = reader;
	check("learn", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, false),
	      LS_EACCES);
	check("dry", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, true), LS_LEARNT);
	ls_close(&world.state);
	check("no map", world_join(&world, 0, &world.state, &error), 0);
	check("dry", learn(JOE, HOME, WORLD_DAY, WORLD_HOUR, true), LS_LEARNT);
	check("dry, old", learn(JOE, HOME, 40 * WORLD_DAY, 40 * WORLD_DAY, true),
	      LS_LEARNT_OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_learnt_is_familiar, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_has_a_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_times_are_the_logins,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raises_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_not_on_probation, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_rights, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
