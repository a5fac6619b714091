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

/* The journal tells of an attempt what was known of it. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
