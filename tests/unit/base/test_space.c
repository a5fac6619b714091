/* test_space.c - maps and the limit of a process's address space */
#include "lockstep-config.h"

#include "base/space.h"
#include "map_bed.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB = 1 << 20, SUBJECTS = 200000 /* 26 MB */, POWERLESS = 77 };

static rlim_t limit_of(int which)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(which, &limit), 0);
	return limit.rlim_cur;
}

static void set_limit(int which, rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = { soft, hard };

	assert_int_equal(setrlimit(which, &limit), 0);
}

/* Soft and hard; ends the process where nobody may raise the hard one again. */
static void limit_space(rlim_t size)
{
	const struct rlimit more = { size, size + MB };

	set_limit(RLIMIT_AS, size, size);
	if (geteuid() != 0 || setrlimit(RLIMIT_AS, &more) < 0)
		_exit(POWERLESS);
	set_limit(RLIMIT_AS, size, size);
}

/* What this process has mapped by now. */
static rlim_t mapped(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static size_t rounded(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* In a process of its own, whose limits stay with it. A sanitizer's own memory is
 * far beyond any. */
static void apart(void (*work)(void))
{
	int status;
	pid_t pid;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip();
#endif
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == POWERLESS) {
		print_message("left out: needs CAP_SYS_RESOURCE, which many "
			      "containers do not have\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* Who may look at the map. */
static void become_nobody(void)
{
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(fchmod(world.state_dirfd, 0755), 0);
	assert_int_equal(setuid(65534), 0);
}

static void make_large(void)
{
	const struct ls_map_spec spec = spec_of(SUBJECTS);
	struct ls_error error;
	struct ls_map map;

	if (create(&spec, &map, &error) < 0)
		fail_msg("%s", error.text);
	ls_map_close(&map);
}

/* Two maps, each larger than what is left: the limit goes up by each, and down. */
static void raise_and_lower(rlim_t before)
{
	struct ls_map map[2];
	struct ls_error error;

	for (unsigned i = 0; i < 2; i++) {
		if (reopen(LS_MAP_GUARD, true, &map[i], &error) < 0)
			fail_msg("%s", error.text);
		check("raised", limit_of(RLIMIT_AS),
		      before + (i + 1) * rounded(map[i].size));
	}
	check("counted", ls_space_counted(), 0);
	ls_map_close(&map[0]);
	check("one is gone", limit_of(RLIMIT_AS),
	      before + rounded(map[1].size));
	ls_map_close(&map[1]);
	check("both are gone", limit_of(RLIMIT_AS), before);
}

static void below_a_hard_limit(void)
{
	rlim_t size = mapped() + 8 * MB;

	set_limit(RLIMIT_AS, size, RLIM_INFINITY);
	raise_and_lower(size);
}

static void test_raised_exactly(void **state)
{
	(void)state;
	make_large();
	apart(below_a_hard_limit);
}

/* As Dovecot sets it. */
static void beyond_a_hard_limit(void)
{
	rlim_t size = mapped() + 8 * MB;

	limit_space(size);
	raise_and_lower(size);
}

static void test_raised_by_root(void **state)
{
	(void)state;
	make_large();
	apart(beyond_a_hard_limit);
}

/* As Dovecot's auth process: root at first, which raises the hard limit alone. */
static void open_later(void)
{
	rlim_t before = mapped() + 8 * MB;
	struct ls_error error;
	struct ls_map map;

	limit_space(before);
	ls_space_reserve();
	check("soft limit", limit_of(RLIMIT_AS), before);
	become_nobody();
	if (reopen(LS_MAP_GUARD, false, &map, &error) < 0)
		fail_msg("%s", error.text);
	check("raised", limit_of(RLIMIT_AS), before + rounded(map.size));
	ls_map_close(&map);
	check("lowered", limit_of(RLIMIT_AS), before);
}

static void test_raised_later_without_root(void **state)
{
	(void)state;
	make_large();
	apart(open_later);
}

static void without_root(void)
{
	char want[64];
	rlim_t before = mapped() + 8 * MB;
	struct ls_error error;
	struct ls_map map;

	set_limit(RLIMIT_AS, before, before);
	become_nobody();
	check("return", reopen(LS_MAP_GUARD, false, &map, &error), LS_ESYS);
	snprintf(want, sizeof(want), "do not fit into the %llu MB",
		 (unsigned long long)(before / MB));
	check_holds("reason", error.text, want);
	check_holds("reason", error.text, "vsz_limit");
	check("limit", limit_of(RLIMIT_AS), before);
	check("counted", ls_space_counted(), 0);
}

static void test_refused_without_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_large();
	apart(without_root);
}

static void counted_without_root(void)
{
	rlim_t before = mapped() + 64 * MB;
	struct ls_error error;
	struct ls_map map;

	set_limit(RLIMIT_AS, before, before);
	become_nobody();
	if (reopen(LS_MAP_GUARD, false, &map, &error) < 0)
		fail_msg("%s", error.text);
	check("counted", ls_space_counted(), rounded(map.size));
	ls_map_close(&map);
	check("no more", ls_space_counted(), 0);
	check("limit", limit_of(RLIMIT_AS), before);
}

static void test_counted_without_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_large();
	apart(counted_without_root);
}

/* Zero pages in the place of a map that was cut short are no data of the process's:
 * Dovecot limits that too, and a large map is beyond it. */
static void cut_short(void)
{
	struct ls_error error;
	struct ls_map map;
	rlim_t before = mapped() + 8 * MB;

	set_limit(RLIMIT_AS, before, RLIM_INFINITY);
	set_limit(RLIMIT_DATA, 8 * MB, 8 * MB);
	if (reopen(LS_MAP_GUARD, true, &map, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(truncate(path, 0), 0);
	check("header", map.header->version, 0);
	check("broken", ls_map_broken(&map), true);
	ls_map_close(&map);
	check("limit", limit_of(RLIMIT_AS), before);
}

static void test_cut_short_under_a_limit(void **state)
{
	(void)state;
	make_large();
	apart(cut_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_raised_exactly, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_raised_by_root, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_raised_later_without_root,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_without_root,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_counted_without_root,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_short_under_a_limit,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
