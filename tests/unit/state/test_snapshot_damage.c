/* test_snapshot_damage.c - snapshots that are torn, hostile, or of another
 * version: refused with a reason, and costing no more than what they hold */
#include "lockstep-config.h"

#include "snapshot_bed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cdb.h>

static void lock(enum ls_kind kind, const char *user, const char *net,
		 uint64_t length_ms)
{
	struct ls_subject subject = world_subject(kind, user, net);

	check("lock",
	      ls_lock(world.state, &subject, length_ms, "test", world.now_ms),
	      0);
}

static int open_snapshot(struct ls_error *error)
{
	struct ls_snapshot *snapshot;
	int ret;

	memset(error, 0, sizeof(*error));
	ret = ls_snapshot_open(world.dirfd, &snapshot, error);
	check("opened", snapshot != NULL, ret == 0);
	ls_snapshot_close(&snapshot);
	return ret;
}

static size_t read_snapshot(uint8_t *bytes, size_t most)
{
	int fd = openat(world.dirfd, "snapshot.cdb", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, bytes, most);

	close(fd);
	assert_true(len > 0 && (size_t)len < most);
	return (size_t)len;
}

static void write_snapshot(const uint8_t *bytes, size_t len)
{
	int fd = openat(world.dirfd, "snapshot.cdb",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static uint8_t whole[65536], bytes[65536];

static size_t some_snapshot(void)
{
	world_open(&world, GUARD);
	lock(LS_KIND_USER, JOE, NULL, WORLD_DAY);
	lock(LS_KIND_NET, NULL, AWAY_NET, WORLD_DAY);
	for (unsigned i = 0; i < 20; i++) {
		char user[16];

		snprintf(user, sizeof(user), "user%u", i);
		world_login(&world, user, HOME, LS_OUTCOME_SUCCESS);
	}
	save();
	return read_snapshot(whole, sizeof(whole));
}

/* Cut anywhere: refused, and the mail server starts with an empty guard, and
 * says why. */
static void test_torn(void **state)
{
	size_t len = some_snapshot(), tables = len;
	struct ls_error error;

	(void)state;
	check("whole", open_snapshot(&error), 0);
	for (size_t i = 0; i < 256; i++) {
		size_t at = cdb_unpack(whole + 8 * i);

		if (at >= 2048 && at < tables)
			tables = at;
	}
	for (size_t cut = 0; cut < len; cut += cut % 64 == 0 ? 1 : 63) {
		write_snapshot(whole, cut);
		/* Its hash tables, at the end, are not needed. */
		if (open_snapshot(&error) == 0) {
			check_within("tables", cut, tables, len);
			continue;
		}
		check_holds("cut", error.text, "snapshot.cdb");
	}
	write_snapshot(whole, tables - 1);
	check_holds("warning", reboot(0), "snapshot.cdb");
	check("works", world_guess(&world, JOE, AWAY, 1), 1);
}

static void put_head(struct cdb_make *make, uint32_t version, uint64_t count)
{
	uint8_t head[4 + 16 + 8 + 8] = { (uint8_t)version };

	memset(head + 4, 0x11, 16);
	head[28] = (uint8_t)count;
	cdb_make_add(make, "lockstep", 8, head, sizeof(head));
}

static void test_refused(void **state)
{
	enum {
		EMPTY, NO_HEAD, VERSION, FEWER, MORE, KIND, SHORT, LABEL, NAME,
		HEAD
	};
	static const struct {
		const char *row;
		int how, ret;
		const char *text;
	} rows[] = {
		{ "empty", EMPTY, 0, "" },
		{ "no head", NO_HEAD, LS_EFORMAT, "torn" },
		{ "version", VERSION, LS_EVERSION, "version 2" },
		{ "fewer", FEWER, LS_EFORMAT, "torn: 1 subjects of 2" },
		{ "more", MORE, LS_EFORMAT, "torn: 1 subjects of 0" },
		{ "kind", KIND, LS_EFORMAT, "damaged" },
		{ "short", SHORT, LS_EFORMAT, "damaged" },
		{ "label", LABEL, LS_EFORMAT, "damaged: a label" },
		{ "name", NAME, LS_EFORMAT, "damaged: a name" },
		{ "short head", HEAD, LS_EVERSION, "version 1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int how = rows[i].how,
		    fd = openat(world.dirfd, "snapshot.cdb",
				O_RDWR | O_CREAT | O_TRUNC, 0600);
		uint8_t key[10] = { 's' }, value[64] = { 0 };
		struct cdb_make make;
		struct ls_error error;

		key[9] = how == KIND ? LS_KIND_GUESS : LS_KIND_USER;
		cdb_make_start(&make, fd);
		if (how != EMPTY && how != LABEL && how != NAME && how != HEAD)
			cdb_make_add(&make, key, sizeof(key), value,
				     how == SHORT ? 63 : 64);
		key[0] = 'l';
		value[0] = 129; /* bits */
		if (how == LABEL)
			cdb_make_add(&make, key, sizeof(key), value, 20);
		key[0] = 'n';
		if (how == NAME) /* without one */
			cdb_make_add(&make, key, sizeof(key), value, 8);
		if (how == HEAD)
			cdb_make_add(&make, "lockstep", 8, "\1\0\0\0", 4);
		else if (how != NO_HEAD)
			put_head(&make, how == VERSION ? 2 : 1,
				 how == EMPTY || how == MORE || how == LABEL ||
						 how == NAME
					 ? 0
				 : how == FEWER ? 2
						: 1);
		cdb_make_finish(&make);
		close(fd);
		check(rows[i].row, open_snapshot(&error), rows[i].ret);
		check_holds(rows[i].row, error.text, rows[i].text);
	}
	unlinkat(world.dirfd, "snapshot.cdb", 0);
	{
		struct ls_error error;

		check("none", open_snapshot(&error), LS_ENOENT);
	}
}

/* The guard is cut short while it is in use: what was saved before stays. */
static void test_guard_cut(void **state)
{
	size_t len = some_snapshot();
	char path[WORLD_PATH + 8];
	struct ls_error error = { 0, "" };

	(void)state;
	snprintf(path, sizeof(path), "%s/guard", world.state_dir);
	check("cut", truncate(path, 4096), 0);
	check("refused",
	      ls_snapshot_save(world.state, world.now_ms, world.real_ms,
			       &error),
	      LS_EFORMAT);
	check_holds("why", error.text, "truncated: snapshot.cdb stays");
	check("as long", read_snapshot(bytes, sizeof(bytes)), len);
	check("as it was", memcmp(bytes, whole, len), 0);
}

/* Random bytes in it: refused or restored, and never more than its content. */
static void test_hostile(void **state)
{
	size_t len = some_snapshot();
	uint64_t seed = 23;
	unsigned opened = 0;
	struct ls_map map;
	struct ls_error error = { 0, "" };
	const struct ls_map_spec spec = { .type = LS_MAP_GUARD,
					  .subjects = 64,
					  .journal_records = 8,
					  .group = "", .readers = "" };

	(void)state;
	check("map",
	      ls_map_create(world.state_dirfd, "small", "small", &spec, &map,
			    &error),
	      0);
	for (unsigned round = 0; round < 3000; round++) {
		struct ls_snapshot *snapshot;
		struct ls_lost lost;

		memcpy(bytes, whole, len);
		for (uint64_t i = harness_random(&seed) % 8 + 1; i > 0; i--) {
			uint64_t dice = harness_random(&seed);
			/* Half of them where the records are. */
			size_t at = dice & 1 ? dice / 16 % len
					     : 2048 + dice / 16 % (len - 2048);

			bytes[at] =
				(uint8_t)(dice & 2 ? dice >> 56
						   : bytes[at] ^ (1U << (dice >>
									 61)));
		}
		write_snapshot(bytes, len);
		if (ls_snapshot_open(world.dirfd, &snapshot, &error) < 0)
			continue;
		opened++;
		check_within("restored",
			     ls_snapshot_restore(snapshot, &map,
						 LS_MAP_BIRTH_MS,
						 world.real_ms, &lost),
			     0, 100);
		ls_snapshot_close(&snapshot);
	}
	check_within("some were whole", opened, 1, 2999);
	ls_map_close(&map);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_torn),
		TEST(test_refused),
		TEST(test_guard_cut),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
