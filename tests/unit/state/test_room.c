/* test_room.c - maps that have no room are refused, with the figures */
#include "lockstep-config.h"

#include "state/made.h"
#include "state/state.h"
#include "world_bed.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t free_bytes(const char *dir)
{
	struct statvfs fs;

	check("statvfs", statvfs(dir, &fs), 0);
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static void test_check(void **state)
{
	char deeper[WORLD_PATH + 32];
	struct ls_error error;

	(void)state;
	snprintf(deeper, sizeof(deeper), "%s/not/there/yet", world.state_dir);
	check("little", ls_room_check(world.state_dir, 4096, &error), 0);
	check("little, to be made", ls_room_check(deeper, 4096, &error), 0);
	for (unsigned i = 0; i < 2; i++) {
		const char *dir = i == 0 ? world.state_dir : deeper;
		/* Others may give some back meanwhile. */
		uint64_t much = 2 * free_bytes(world.state_dir) +
				(UINT64_C(1) << 40);

		check(dir, ls_room_check(dir, much, &error), LS_ESYS);
		check_holds(dir, error.text, "the maps take ");
		check_holds(dir, error.text, " MB free");
	}
}

static off_t size_of(const char *name)
{
	char file[WORLD_PATH + 16];
	struct stat st;

	snprintf(file, sizeof(file), "%s/%s", world.state_dir, name);
	check(name, stat(file, &st), 0);
	return st.st_size;
}

/* What is asked for is what they take. */
static void test_wanted(void **state)
{
	const struct ls_policy *policy;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_SESSIONS_READ | LS_CREATE);
	policy = ls_policy_file_policy(world.state->policy);
	check("bytes",
	      ls_room_wanted(policy->subjects, policy->journal_size),
	      (uint64_t)(size_of("guard") + size_of("sessions")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wanted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
