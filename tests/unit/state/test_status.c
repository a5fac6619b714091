/* test_status.c - the figures of a state */
#include "lockstep-config.h"

#include "world_bed.h"

static void test_status(void **state)
{
	const struct ls_daemon_news want = { 7, 1, 4, 1 };
	struct ls_status status;

	(void)state;
	world_open(&world, GUARD);
	ls_status(world.state, world.now_ms, &status);
	check("used", status.used, 0);
	check("seen", status.auth_seen_ms + status.daemon_seen_ms, 0);
	check_within("room", status.subjects, 4096, 4102);
	check("created", status.created_ms, world.now_ms);
	world_pass(&world, 1000);
	check("guesses", world_guess(&world, JOE, AWAY, 15), 10);
	world_login(&world, "ann", "203.0.113.1", LS_OUTCOME_SUCCESS);
	world_pass(&world, 1000);
	ls_daemon_seen(world.state, world.now_ms,
		       &(struct ls_daemon_news){ 5, 0, 7, 3 });
	ls_status(world.state, world.now_ms, &status);
	check("dropped never", status.dropped_ms, 0);
	ls_daemon_seen(world.state, world.now_ms - 500,
		       &(struct ls_daemon_news){ 0, 1, 7, 3 });
	ls_daemon_seen(world.state, world.now_ms,
		       &(struct ls_daemon_news){ 2, 0, 4, 1 });
	ls_status(world.state, world.now_ms, &status);
	check("news", memcmp(&status.daemon, &want, sizeof(want)), 0);
	check("used", status.used, 11); /* with three pairs */
	check("locks", status.locks, 1);
	check("familiar", status.familiar, 1);
	check("admitted", status.admitted, 11);
	check("denied", status.denied, 5);
	check("auth seen", status.auth_seen_ms, world.now_ms - 1000);
	check("daemon seen", status.daemon_seen_ms, world.now_ms);
	check("dropped", status.dropped_ms, world.now_ms - 500);
	check("compiled", status.policy_compiled_real_ms, world.real_ms - 2000);
	check("observe", status.observe, false);
	check("retired", status.retired, false);
	check("evicted", status.evicted, 0);
	check("full", status.full, 0);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "test", world.now_ms);
	ls_status(world.state, world.now_ms, &status);
	check("locks", status.locks, 2);
	world_open(&world, 0);
	ls_status(world.state, world.now_ms, &status);
	check("no map", status.subjects, 0);
}

/* What it says of one passdb. */
static void check_failing(const char *row, const char *passdb, uint64_t times,
			  uint64_t since_ms, uint64_t last_ms)
{
	struct ls_status status;
	unsigned found = 0;

	ls_status(world.state, world.now_ms, &status);
	for (unsigned i = 0; i < LS_FAILING; i++) {
		const struct ls_failing *failing = &status.failing[i];

		if (strcmp(failing->passdb, passdb) != 0)
			continue;
		found++;
		check(row, failing->times, times);
		check(row, failing->since_ms, since_ms);
		check(row, failing->last_ms, last_ms);
	}
	check(row, found, times > 0);
}

static void test_failing_passdbs(void **state)
{
	static const char *const others[] = { "ldap", "pam", "imap" };
	char longest[LS_PASSDB_MAX + 20];
	uint64_t since;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	world_open(&world, GUARD);
	since = world.now_ms;
	for (unsigned i = 0; i < 5; i++) {
		world_pass(&world, WORLD_MINUTE);
		ls_passdb_failed(world.state, "users", world.now_ms);
		ls_passdb_failed(world.state, "sql", world.now_ms);
	}
	check_failing("often", "users", 5, since + WORLD_MINUTE,
		      world.now_ms);
	check_failing("both", "sql", 5, since + WORLD_MINUTE, world.now_ms);
	/* It worked in between. */
	world_pass(&world, LS_FAILING_MS);
	ls_passdb_failed(world.state, "users", world.now_ms);
	check_failing("anew", "users", 1, world.now_ms, world.now_ms);
	/* There is room for three: what failed longest ago goes. */
	for (unsigned i = 0; i < COUNT(others); i++) {
		world_pass(&world, WORLD_SECOND);
		ls_passdb_failed(world.state, others[i], world.now_ms);
	}
	check_failing("gone", "users", 0, 0, 0);
	check_failing("the last", "imap", 1, world.now_ms, world.now_ms);
	world_pass(&world, WORLD_SECOND);
	ls_passdb_failed(world.state, longest, world.now_ms);
	longest[LS_PASSDB_MAX] = '\0';
	check_failing("cut", longest, 1, world.now_ms, world.now_ms);
}

static bool fails(void)
{
	struct ls_status status;

	ls_status(world.state, world.now_ms, &status);
	return status.failing[0].fails;
}

static void test_mended_passdbs(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	check("none", ls_passdb_answered(world.state, "sql", world.now_ms),
	      false);
	ls_passdb_failed(world.state, "sql", world.now_ms);
	check("fails", fails(), true);
	/* An answer now and then is no cure. */
	for (unsigned i = 0; i < 3; i++) {
		world_pass(&world, LS_MENDED_MS - 1);
		check("another",
		      ls_passdb_answered(world.state, "ldap", world.now_ms),
		      true);
		check("too soon",
		      ls_passdb_answered(world.state, "sql", world.now_ms),
		      true);
		ls_passdb_failed(world.state, "sql", world.now_ms);
	}
	check_failing("on and on", "sql", 4,
		      world.now_ms - 3 * (LS_MENDED_MS - 1), world.now_ms);
	world_pass(&world, LS_MENDED_MS);
	check("fails", fails(), true);
	check("mended", ls_passdb_answered(world.state, "sql", world.now_ms),
	      false);
	check("mended", fails(), false);
	ls_passdb_failed(world.state, "sql", world.now_ms);
	check_failing("anew", "sql", 1, world.now_ms, world.now_ms);
	world_pass(&world, LS_FAILING_MS);
	check("long ago", fails(), false);
}

static void test_unverified(void **state)
{
	struct ls_status status;

	(void)state;
	world_open(&world, GUARD);
	ls_status(world.state, world.now_ms, &status);
	check("never", status.unverified + status.unverified_seen_ms, 0);
	for (unsigned i = 0; i < 3; i++)
		world_login(&world, JOE, AWAY, LS_OUTCOME_UNVERIFIED);
	ls_status(world.state, world.now_ms, &status);
	check("times", status.unverified, 3);
	check("seen", status.unverified_seen_ms, world.now_ms);
	check("familiar", status.familiar, 0);
	check("admitted", status.admitted, 3);
}

/* The journal tells of an attempt what was known of it. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_passdbs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mended_passdbs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unverified, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
