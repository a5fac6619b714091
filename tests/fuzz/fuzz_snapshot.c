/* fuzz_snapshot.c - any bytes at all as a snapshot.cdb
 *
 * The input is read twice: as the file itself, and, because few random files
 * have hash tables that fit, as records (u16 length of key, u16 length of
 * value, both) of a well-formed file with a head. Where the reader takes the
 * file, what it holds goes into a new map, of which the invariants must then
 * hold, and from there into a snapshot again. Seeds:
 * tests/fuzz/seeds/snapshot. */
#include "lockstep-config.h"

#include "policy/policy-record.h"
#include "state/snapshot.h"
#include "state/state.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cdb.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS (UINT64_C(5) * 24 * 3600 * 1000)
#define REAL_MS UINT64_C(1700000000000)

static char dir[] = "/dev/shm/lockstep-fuzz.XXXXXX";
static int dirfd = -1;

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_snapshot: %s\n", what);
	abort();
}

static void clean(void)
{
	unlinkat(dirfd, "snapshot.cdb", 0);
	unlinkat(dirfd, "guard", 0);
	unlinkat(dirfd, ".lock", 0);
	rmdir(dir);
}

static void prepare(void)
{
	if (dirfd >= 0)
		return;
	check(sodium_init() >= 0 && mkdtemp(dir) != NULL, "no directory");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dirfd >= 0, "no directory");
	atexit(clean);
}

static void on_finding(void *context, const char *finding)
{
	(void)context;
	check(false, finding);
}

static void check_map(struct ls_map *map)
{
	struct ls_state state = { .guard = *map };
	uint64_t cursor = 0, count = 0;
	struct ls_error error = { 0, "" };
	struct ls_snapshot *again;
	struct ls_lock lock;

	ls_verify(&state, NOW_MS, on_finding, NULL);
	while (ls_lock_next(&state, &cursor, NOW_MS, &lock) == 1) {
		char text[LS_SUBJECT_TEXT];

		check(++count <= LS_WAYS * map->subjects.buckets,
		      "a list has no end");
		check(lock.reason <= LS_REASON_LOCKS &&
			      lock.origin < LS_ORIGIN_COUNT,
		      "a lock without bounds");
		if (lock.named)
			ls_subject_format(&lock.subject, text);
	}
	check(ls_snapshot_write(map, dirfd, ls_map_now(map, NOW_MS), REAL_MS,
				&error) == 0,
	      error.text);
	check(ls_snapshot_open(dirfd, &again, &error) == 0, error.text);
	ls_snapshot_close(&again);
}

/* What the file holds, into a new map. */
static void read_snapshot(void)
{
	struct ls_error error = { 0, "" };
	struct ls_map_spec spec = { .type = LS_MAP_GUARD,
				    .subjects = 70,
				    .journal_records = 4,
				    .boot_ms = NOW_MS,
				    .real_ms = REAL_MS,
				    .group = "", .readers = "" };
	struct ls_snapshot *snapshot;
	struct ls_lost lost;
	struct ls_map map;

	if (ls_snapshot_open(dirfd, &snapshot, &error) < 0) {
		check(snapshot == NULL, "failed, with a snapshot");
		check(error.code < 0 && error.text[0] != '\0',
		      "failed, without a reason");
		return;
	}
	spec.hash_key = ls_snapshot_hash_key(snapshot);
	unlinkat(dirfd, "guard", 0);
	check(ls_map_create(dirfd, "guard", "guard", &spec, &map, &error) == 0,
	      error.text);
	ls_snapshot_restore(snapshot, &map, ls_map_now(&map, NOW_MS), REAL_MS,
			    &lost);
	ls_snapshot_close(&snapshot);
	check_map(&map);
	ls_map_close(&map);
}

static void put_records(struct cdb_make *make, const uint8_t *data, size_t size)
{
	uint8_t head[4 + LS_HASH_KEY_SIZE + 8 + 8] = { LS_SNAPSHOT_VERSION };
	uint64_t subjects = 0;

	while (size >= 4) {
		size_t key = data[0] | (size_t)data[1] << 8;
		size_t value = data[2] | (size_t)data[3] << 8;

		data += 4;
		size -= 4;
		if (key > size)
			key = size;
		if (value > size - key)
			value = size - key;
		subjects += key == 10 && data[0] == 's';
		cdb_make_add(make, data, (unsigned)key, data + key,
			     (unsigned)value);
		data += key + value;
		size -= key + value;
	}
	ls_put_le(head + 4 + LS_HASH_KEY_SIZE, 8, REAL_MS - 60000);
	ls_put_le(head + 4 + LS_HASH_KEY_SIZE + 8, 8, subjects);
	cdb_make_add(make, "lockstep", 8, head, sizeof(head));
}

static int new_file(void)
{
	int fd;

	unlinkat(dirfd, "snapshot.cdb", 0);
	fd = openat(dirfd, "snapshot.cdb",
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd >= 0, "no memory");
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cdb_make make;
	int fd;

	prepare();
	fd = new_file();
	check(write(fd, data, size) == (ssize_t)size, "no memory");
	close(fd);
	read_snapshot();
	fd = new_file();
	check(cdb_make_start(&make, fd) == 0, "no memory");
	put_records(&make, data, size);
	check(cdb_make_finish(&make) == 0, "no memory");
	close(fd);
	read_snapshot();
	return 0;
}
