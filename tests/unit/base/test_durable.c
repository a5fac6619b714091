/* test_durable.c - what replaces a file is on the disk before it has its name
 *
 * Without that, a power loss soon after leaves an empty file in place of the good one,
 * and no test that only kills processes notices. So the linker puts functions of this
 * program in the place of fsync() and rename(). */
#include "lockstep-config.h"

#include "outbox/spool.h"
#include "state/contacts.h"
#include "state/snapshot.h"
#include "world_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_fsync(int fd);
int __real_renameat(int from_dirfd, const char *from, int dirfd,
		    const char *name);
int __wrap_fsync(int fd);
int __wrap_renameat(int from_dirfd, const char *from, int dirfd,
		    const char *name);
int __wrap_rename(const char *from, const char *name);

static char trace[128]; /* what was done */
static struct stat synced; /* the last file that was */
static bool disk_fails;

static void note(const char *what)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%s%s", len > 0 ? ", " : "",
		 what);
}

int __wrap_fsync(int fd)
{
	struct stat st;

	check("fstat", fstat(fd, &st), 0);
	note(S_ISDIR(st.st_mode) ? "sync directory" : "sync");
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	if (S_ISREG(st.st_mode))
		synced = st;
	return __real_fsync(fd);
}

int __wrap_renameat(int from_dirfd, const char *from, int dirfd,
		    const char *name)
{
	struct stat st;

	check("fstatat", fstatat(from_dirfd, from, &st, 0), 0);
	note(st.st_ino == synced.st_ino && st.st_size == synced.st_size &&
			     st.st_mtim.tv_sec == synced.st_mtim.tv_sec &&
			     st.st_mtim.tv_nsec == synced.st_mtim.tv_nsec
		     ? "rename"
		     : "rename what is not synced");
	return __real_renameat(from_dirfd, from, dirfd, name);
}

int __wrap_rename(const char *from, const char *name)
{
	return __wrap_renameat(AT_FDCWD, from, AT_FDCWD, name);
}

/* ---- what is replaced -------------------------------------------------- */

static int replace_policy(struct ls_error *error)
{
	struct ls_policy_writer *writer;

	check("writer",
	      ls_policy_writer_init(world.policy_path, &writer, error), 0);
	ls_policy_writer_policy(writer, &world.policy);
	return ls_policy_writer_commit(&writer, world.real_ms, error);
}

static int replace_snapshot(struct ls_error *error)
{
	return ls_snapshot_save(world.state, world.now_ms, world.real_ms,
				error);
}

static int make_contacts(struct ls_error *error)
{
	unlinkat(world.dirfd, "contacts", 0);
	return ls_contacts_create(world.dirfd, "contacts", 100, "", "", error);
}

static int store(bool sync, struct ls_error *error)
{
	struct spool spool = { .fd = -1 };
	int ret;

	snprintf(spool.path, sizeof(spool.path), "%s/spool", world.dir);
	check("spool", spool_open(&spool, error), 0);
	ret = spool_store(&spool, "one", "text", sync, error);
	spool_close(&spool);
	return ret;
}

static int store_safely(struct ls_error *error) { return store(true, error); }
static int store_fast(struct ls_error *error) { return store(false, error); }

static const struct {
	const char *row;
	int (*replace)(struct ls_error *error);
	const char *want, *failing;
} rows[] = {
	{ "policy", replace_policy, "sync, rename, sync directory", "sync" },
	{ "snapshot", replace_snapshot, "sync, rename, sync directory",
	  "sync" },
	{ "spool", store_safely, "sync, rename, sync directory", "sync" },
	{ "spool, unsafe", store_fast, "rename what is not synced", NULL },
	{ "contacts", make_contacts, "sync, rename", "sync" },
};

static void test_synced_first(void **state)
{
	struct ls_error error = { 0, "" };

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		trace[0] = '\0';
		memset(&synced, 0, sizeof(synced));
		check(rows[i].row, rows[i].replace(&error), 0);
		check_text(rows[i].row, trace, rows[i].want);
	}
}

/* What cannot be brought to the disk replaces nothing, and that is told. */
static void test_failing_disk(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_error error = { 0, "" };
		int ret;

		if (rows[i].failing == NULL)
			continue;
		trace[0] = '\0';
		disk_fails = true;
		ret = rows[i].replace(&error);
		disk_fails = false;
		check(rows[i].row, ret, LS_ESYS);
		check_text(rows[i].row, trace, rows[i].failing);
		check_holds(rows[i].row, error.text, strerror(EIO));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_synced_first),
		TEST(test_failing_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
