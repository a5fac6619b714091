/* test_map.c - the shared file: made once, opened with suspicion, replaced */
#include "lockstep-config.h"

#include "map_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int files_in_state(void)
{
	struct stat st;

	/* Names that a creator may leave. */
	return (fstatat(world.state_dirfd, "guard", &st, 0) == 0) +
	       (fstatat(world.state_dirfd, ".guard.new", &st, 0) == 0);
}

static void test_create_and_open(void **state)
{
	const struct ls_map_spec spec = spec_of(1000);
	struct ls_error error;
	struct ls_map map, other;
	struct ls_ref ref;
	struct stat st;

	(void)state;
	check("missing", reopen(LS_MAP_GUARD, true, &map, &error), LS_ENOENT);
	check("missing", map.header == NULL, true);
	check_holds("missing", error.text, "no such map");
	check("create", create(&spec, &map, &error), 0);
	check_text("create", error.text, "");
	check_within("room", map.subjects.buckets * LS_WAYS, 1000, 1010);
	check("size", stat(path, &st), 0);
	check("size", st.st_size, map.size);
	/* Really there: no SIGBUS later on a full file system. */
	check_within("allocated", st.st_blocks * 512, map.size, UINT64_MAX);
	check("claim",
	      ls_table_claim(&map.subjects, 77, LS_KIND_IP, 1, false, &ref), 0);
	check("again", create(&spec, &other, &error), 0);
	check_text("again", error.text, "");
	check("one map", ls_table_find(&other.subjects, 77, LS_KIND_IP, &ref),
	      0);
	ls_map_close(&other);
	check("read only", reopen(LS_MAP_GUARD, false, &other, &error), 0);
	check("read only", other.writable, false);
	check("found", ls_table_find(&other.subjects, 77, LS_KIND_IP, &ref), 0);
	check("key", memcmp(other.hash_key, map.hash_key, LS_HASH_KEY_SIZE), 0);
	ls_map_close(&other);
	ls_map_close(&other); /* closed is closed */
	ls_map_close(&map);
	check("other type", reopen(LS_MAP_SESSIONS, true, &map, &error),
	      LS_EFORMAT);
	check("nothing left", files_in_state(), 1);
}

static void test_geometry(void **state)
{
	static const uint64_t numbers[] = {
		0, 1, 6, 7, 8, 1024, 262144, UINT64_C(1) << 26
	};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint64_t n = numbers[i];

		check("buckets", ls_map_buckets(n), (n + 6) / 7);
		check_within("labels", ls_map_label_buckets(n) * 7 * 16, n,
			     n + 7 * 16);
	}
	check("none", ls_map_size(0, 1, 1, 0), 0);
	check("none", ls_map_size(1, 0, 1, 0), 0);
	check("none", ls_map_size(1, 1, 0, 0), 0);
	check("huge", ls_map_size(UINT64_MAX, 1, 1, 0), 0);
	check("huge", ls_map_size(1, UINT64_MAX, 1, 0), 0);
	check("huge", ls_map_size(1, 1, UINT64_MAX, 0), 0);
	check("least", ls_map_size(1, 1, 1, 0),
	      4096 + 32768 + 16384 + 64 + 64 + 64 + (7 * 104 + 63) / 64 * 64 + 64 + 7 * 288 + 32 + 384);
	/* No more than 136 bytes for each subject, journal aside. */
	check_within("a million",
		     ls_map_size(ls_map_buckets(1000000),
				 ls_map_label_buckets(1000000), 1, 0),
		     0, UINT64_C(136) * 1000000);
}

/* What a creator left that was killed half-way is in nobody's way. */
static void test_killed_creator(void **state)
{
	int fd = openat(world.state_dirfd, ".guard.new",
			O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	make();
	check("nothing left", files_in_state(), 1);
}

static uint64_t key_of(pid_t pid)
{
	return (uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15);
}

static int child(int gate)
{
	const struct ls_map_spec spec = spec_of(2000);
	struct ls_error error;
	struct ls_map map;
	struct ls_ref ref;
	char byte;

	if (read(gate, &byte, 1) != 0) /* until all are there */
		return 1;
	if (create(&spec, &map, &error) < 0)
		return 2;
	if (error.text[0] != '\0')
		return 3;
	if (ls_table_claim(&map.subjects, key_of(getpid()), LS_KIND_IP, 1,
			   false, &ref) < 0)
		return 4;
	return ls_slot_set(&ref, LS_WORD_FAILURES, 1000) ? 0 : 5;
}

static void test_fifty_at_once(void **state)
{
	enum { CHILDREN = 50 };
	pid_t pid[CHILDREN];
	struct ls_error error;
	struct ls_map map;
	int gate[2];

	(void)state;
	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0) {
			close(gate[1]);
			_exit(child(gate[0]));
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; i < CHILDREN; i++) {
		int status;

		check("wait", waitpid(pid[i], &status, 0), pid[i]);
		/* 3: succeeded, and warned of something all the same. */
		check("child", WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	}
	check("open", reopen(LS_MAP_GUARD, true, &map, &error), 0);
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct ls_ref ref;

		check("one map",
		      ls_table_find(&map.subjects, key_of(pid[i]), LS_KIND_IP,
				    &ref),
		      0);
	}
	ls_map_close(&map);
	check("nothing left", files_in_state(), 1);
}

/* Somebody holds a lock on the state directory, as any user can: nobody waits
 * for that. One on the file of ours is waited for, and not for ever. */
static void test_lock_held(void **state)
{
	const struct ls_map_spec spec = spec_of(100);
	struct ls_error error;
	struct ls_map map;
	int fd = openat(world.state_dirfd, ".", O_RDONLY | O_DIRECTORY);

	(void)state;
	check("lock", flock(fd, LOCK_EX), 0);
	check("create", create(&spec, &map, &error), 0);
	ls_map_close(&map);
	close(fd);
	unlinkat(world.state_dirfd, "guard", 0);
	fd = openat(world.state_dirfd, ".lock", O_RDWR);
	check("lock", flock(fd, LOCK_EX), 0);
	check("held", create(&spec, &map, &error), LS_ESYS);
	check_holds("held", error.text, "lock the creation of");
	close(fd);
	check("released", create(&spec, &map, &error), 0);
	ls_map_close(&map);
}

/* In a mount namespace of its own: a file system of 64 kB. */
static int on_full_disk(void)
{
	const struct ls_map_spec spec = spec_of(100000);
	struct ls_error error;
	struct ls_map map;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", world.state_dir, "tmpfs", 0, "size=64k") < 0)
		return 77;
	close(world.state_dirfd);
	world.state_dirfd = open(world.state_dir, O_RDONLY | O_DIRECTORY);
	if (create(&spec, &map, &error) != LS_ESYS)
		return 1;
	if (strstr(error.text, "allocate ") == NULL ||
	    strstr(error.text, path) == NULL ||
	    strstr(error.text, strerror(ENOSPC)) == NULL)
		return 2;
	return files_in_state() == 0 ? 0 : 3;
}

static void test_no_space(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(on_full_disk());
	check("wait", waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("SKIPPED: a mount needs root\n");
		skip();
	}
	check("child", status, 0);
}

static void test_owner_and_mode(void **state)
{
	struct ls_map_spec spec = spec_of(100);
	const struct group *group = getgrnam("mail");
	struct ls_error error;
	struct ls_map map;
	struct stat st;

	(void)state;
	make();
	check("root's alone", stat(path, &st), 0);
	check("root's alone", st.st_mode & 07777, 0600);
	unlink(path);

	spec.group = "no-such-group";
	check("no group", create(&spec, &map, &error), 0);
	check_holds("no group", error.text, "no group \"no-such-group\"");
	check("no group", error.code, 0);
	ls_map_close(&map);
	check("no group", stat(path, &st), 0);
	check("no group", st.st_mode & 07777, 0600);
	unlink(path);

	if (geteuid() != 0 || group == NULL) {
		print_message("SKIPPED: another group needs root\n");
		skip();
	}
	spec.group = "mail";
	check("group", create(&spec, &map, &error), 0);
	check_text("group", error.text, "");
	ls_map_close(&map);
	check("group", stat(path, &st), 0);
	check("group", st.st_mode & 07777, 0660);
	check("group", st.st_gid, group->gr_gid);
	check("group", st.st_uid, geteuid());
}

static void test_replace(void **state)
{
	const struct ls_map_spec small = spec_of(100), large = spec_of(5000);
	struct ls_map old, fresh, third;
	struct ls_error error;
	struct ls_ref ref;

	(void)state;
	check("old", create(&small, &old, &error), 0);
	check("old",
	      ls_table_claim(&old.subjects, 1, LS_KIND_IP, 1, false, &ref), 0);
	check("replace",
	      ls_map_replace(world.state_dirfd, "guard", path, &large, &fresh,
			     &error),
	      0);
	check_text("replace", error.text, "");
	check("retired", atomic_load(&old.header->retired), 1);
	check("fresh", atomic_load(&fresh.header->retired), 0);
	check("old stays whole",
	      ls_table_find(&old.subjects, 1, LS_KIND_IP, &ref), 0);
	check("new is empty",
	      ls_table_find(&fresh.subjects, 1, LS_KIND_IP, &ref), LS_ENOENT);
	check("opened", reopen(LS_MAP_GUARD, true, &third, &error), 0);
	check("opened", third.size, fresh.size);
	ls_map_close(&third);
	ls_map_close(&fresh);
	ls_map_close(&old);
	/* What cannot be opened is replaced as well. */
	check("cut", truncate(path, 10), 0);
	check("replace",
	      ls_map_replace(world.state_dirfd, "guard", path, &small, &fresh,
			     &error),
	      0);
	check_text("replace", error.text, "");
	ls_map_close(&fresh);
	check("nothing left", files_in_state(), 1);
}

static void test_clock(void **state)
{
	static const struct ls_map map = { .created_boot_ms = 1000000 };
	static const struct {
		uint64_t boot, map;
	} rows[] = {
		{ 1000000, LS_MAP_BIRTH_MS },
		{ 1000001, LS_MAP_BIRTH_MS + 1 },
		{ 999999, LS_MAP_BIRTH_MS }, /* behind: no time before it */
		{ 0, LS_MAP_BIRTH_MS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check("now", ls_map_now(&map, rows[i].boot), rows[i].map);
	check("back", ls_map_boot_ms(&map, LS_MAP_BIRTH_MS + 5), 1000005);
	check("none", ls_map_boot_ms(&map, 0), 0);
	check("before the boot", ls_map_boot_ms(&map, 1),
	      -(int64_t)(LS_MAP_BIRTH_MS - 1000001));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_create_and_open), TEST(test_geometry),
		TEST(test_killed_creator),  TEST(test_lock_held),
		TEST(test_fifty_at_once),
		TEST(test_no_space),        TEST(test_owner_and_mode),
		TEST(test_replace),         TEST(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
