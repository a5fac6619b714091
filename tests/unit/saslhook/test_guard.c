/* test_guard.c - lockstep-policy's state: opened when it can be, followed, and opened
 * anew as soon as what is open is no longer the map that the others use */
#include "lockstep-config.h"

#include "guard.h"
#include "log.h"
#include "world_bed.h"

#include <unistd.h>

static struct guard guard;
static char log_path[WORLD_PATH + 8];

static int setup_guard(void **state)
{
	setup(state);
	snprintf(log_path, sizeof(log_path), "%s/log", world.state_dir);
	return log_target(log_path) ? 0 : -1;
}

static int teardown_guard(void **state)
{
	guard_deinit(&guard);
	return teardown(state);
}

/* Lines in the log that hold this. */
static unsigned logged(const char *text)
{
	FILE *file = fopen(log_path, "r");
	char line[LOG_LINE_MAX];
	unsigned count = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, text) != NULL;
	if (file != NULL)
		fclose(file);
	return count;
}

/* As `lockstep init` does after somebody removed the map. */
static void replace_map(void)
{
	assert_int_equal(unlinkat(world.state_dirfd, "guard", 0), 0);
	world_open(&world, GUARD);
}

static struct ls_state *look_after(uint64_t ms)
{
	world_pass(&world, ms);
	return guard_state(&guard, world.now_ms);
}

static void test_opened_when_it_can_be(void **state)
{
	(void)state;
	guard_init(&guard, world.policy_path, world.now_ms);
	assert_null(guard.state);
	world_open(&world, GUARD);
	assert_null(look_after(GUARD_RETRY_MS - 1));
	check("said once", logged("error: "), 1);
	assert_non_null(look_after(1));
	check("and that it is well", logged("are open"), 1);
}

static void test_follows_the_policy(void **state)
{
	struct ls_state *first;

	(void)state;
	world_open(&world, GUARD);
	guard_init(&guard, world.policy_path, world.now_ms);
	first = guard.state;
	assert_non_null(first);
	world_set(&world, "sending", "messages", "6/1h");
	world_compile(&world);
	ls_policy_announce(world.state);
	assert_ptr_equal(look_after(1), first);
	check("nothing is wrong", logged(""), 0);
	/* One that is broken: what was loaded goes on, and is told once. */
	assert_int_equal(truncate(world.policy_path, 100), 0);
	for (unsigned i = 0; i < 3; i++) {
		ls_policy_announce(world.state);
		assert_ptr_equal(look_after(GUARD_RETRY_MS), first);
	}
	check("told once", logged("going on with what was loaded"), 1);
	world_compile(&world);
	assert_ptr_not_equal(look_after(GUARD_RETRY_MS), first);
	check("mended", logged("were opened anew"), 1);
}

/* A lock in the new map must hold at once, however short ago this was opened. */
static void test_map_replaced_right_after_opening(void **state)
{
	struct ls_subject ip = world_subject(LS_KIND_IP, NULL, AWAY "/32");
	struct ls_addr away = world_addr(AWAY);
	struct ls_decision decision = { .verdict = LS_ADMIT };

	(void)state;
	world_open(&world, GUARD);
	guard_init(&guard, world.policy_path, world.now_ms);
	replace_map();
	check("locked", ls_lock(world.state, &ip, WORLD_HOUR, NULL,
				world.now_ms), 0);
	ls_connect(look_after(GUARD_RETRY_MS / 2), "submission", &away,
		   world.now_ms, &decision);
	check("refused", decision.verdict, LS_DENY);
	check("is open", guard.stale, false);
}

/* With none to open the old one goes on, and a new one is looked for each 3 s. */
static void test_map_removed(void **state)
{
	struct ls_state *first;

	(void)state;
	world_open(&world, GUARD);
	guard_init(&guard, world.policy_path, world.now_ms);
	first = guard.state;
	assert_int_equal(unlinkat(world.state_dirfd, "guard", 0), 0);
	assert_ptr_equal(look_after(GUARD_RETRY_MS), first);
	check("stale", guard.stale, true);
	world_open(&world, GUARD);
	assert_ptr_equal(look_after(GUARD_RETRY_MS - 1), first);
	assert_ptr_not_equal(look_after(1), first);
	check("is open", guard.stale, false);
	check("told", logged("replaced or removed"), 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup_guard, teardown_guard)
	static const struct CMUnitTest tests[] = {
		TEST(test_opened_when_it_can_be),
		TEST(test_follows_the_policy),
		TEST(test_map_replaced_right_after_opening),
		TEST(test_map_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
