/* map.c - see map.h */
#include "lockstep-config.h"

#include "base/access.h"
#include "base/error.h"
#include "base/space.h"
#include "base/watch.h"
#include "map/map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char magic[8] = { 'L', 'O', 'C', 'K', 'S', 'T', 'E', 'P' };

enum { SUBJECTS_FOR_A_LABEL = 16 };
#define BUCKETS_MAX UINT64_C(0x10000000)
#define JOURNAL_MAX UINT64_C(0x10000000)

uint64_t ls_map_buckets(uint64_t subjects)
{
	return (subjects + LS_WAYS - 1) / LS_WAYS;
}

uint64_t ls_map_label_buckets(uint64_t subjects)
{
	return ls_map_buckets((subjects + SUBJECTS_FOR_A_LABEL - 1) /
			      SUBJECTS_FOR_A_LABEL);
}

/* Where each part begins. */
struct layout {
	size_t instances, asked, buckets, crowds, locals, slots, label_buckets,
		labels, journal, live, size;
};

static bool lay_out(uint64_t buckets, uint64_t label_buckets,
		    uint64_t journal_records, uint64_t live_places,
		    struct layout *at)
{
	if (buckets < 1 || buckets > BUCKETS_MAX || label_buckets < 1 ||
	    label_buckets > BUCKETS_MAX || journal_records < 1 ||
	    journal_records > JOURNAL_MAX || live_places >= LS_LIVE_MAX)
		return false;
	at->instances = LS_MAP_HEADER_SIZE;
	at->asked = at->instances + sizeof(struct ls_instances);
	at->buckets = at->asked + sizeof(struct ls_asked);
	at->crowds = at->buckets + buckets * sizeof(struct ls_bucket);
	at->locals = at->crowds + buckets * sizeof(uint64_t);
	at->locals = (at->locals + 63) & ~(size_t)63;
	at->slots = at->locals +
		    ls_local_sets(buckets) * sizeof(struct ls_local_set);
	at->label_buckets = at->slots +
			    buckets * LS_WAYS * sizeof(struct ls_slot);
	at->label_buckets = (at->label_buckets + 63) & ~(size_t)63;
	at->labels = at->label_buckets +
		     label_buckets * sizeof(struct ls_bucket);
	at->journal = at->labels +
		      label_buckets * LS_WAYS * sizeof(struct ls_label);
	at->journal = (at->journal + 63) & ~(size_t)63;
	at->live = at->journal +
		   journal_records * sizeof(struct ls_record_place);
	at->size = at->live + live_places * sizeof(struct ls_live_place);
	return true;
}

size_t ls_map_size(uint64_t buckets, uint64_t label_buckets,
		   uint64_t journal_records, uint64_t live_places)
{
	struct layout at;

	return lay_out(buckets, label_buckets, journal_records, live_places,
		       &at)
		       ? at.size
		       : 0;
}

/* This boot's id; zeros where the kernel does not tell. Read once: a process may be
 * in a chroot when it opens a map again. */
static void read_boot_id(uint8_t id_r[16])
{
	static _Atomic uint64_t known[2];
	char text[37] = "";
	uint64_t id[2];
	size_t len;
	int fd;

	id[0] = atomic_load(&known[0]);
	id[1] = atomic_load(&known[1]);
	if (id[0] == 0 || id[1] == 0) {
		fd = open("/proc/sys/kernel/random/boot_id",
			  O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) ==
				       sizeof(text) - 1 &&
		    sodium_hex2bin((uint8_t *)id, sizeof(id), text,
				   sizeof(text) - 1, "-", &len, NULL) == 0) {
			atomic_store(&known[0], id[0]);
			atomic_store(&known[1], id[1]);
		}
		if (fd >= 0)
			close(fd);
	}
	memcpy(id_r, id, sizeof(id));
}

static uint64_t map_header_check(const struct ls_map_header *header)
{
	uint64_t check;

	crypto_shorthash((unsigned char *)&check, (const uint8_t *)header,
			 offsetof(struct ls_map_header, check),
			 header->hash_key);
	return check;
}

/* Point the parts of map at an open file's memory. */
static void attach(struct ls_map *map, uint8_t *base, const struct layout *at,
		   const struct ls_map_header *checked)
{
	map->header = (struct ls_map_header *)(void *)base;
	map->size = at->size;
	map->created_boot_ms = checked->created_boot_ms;
	map->created_real_ms = checked->created_real_ms;
	memcpy(map->hash_key, checked->hash_key, sizeof(map->hash_key));
	map->instances = (struct ls_instances *)(void *)(base + at->instances);
	map->asked = (struct ls_asked *)(void *)(base + at->asked);
	map->locals = (struct ls_local_set *)(void *)(base + at->locals);
	map->local_sets = ls_local_sets(checked->buckets);
	map->subjects = (struct ls_table){
		.bucket = (struct ls_bucket *)(void *)(base + at->buckets),
		.record = base + at->slots,
		.buckets = checked->buckets,
		.record_size = sizeof(struct ls_slot),
		.worth = ls_slot_worth,
		.counters = &map->header->subjects,
		.crowd = (_Atomic uint64_t *)(void *)(base + at->crowds),
		.crowded_at = &map->header->crowded_at,
	};
	map->labels = (struct ls_table){
		.bucket =
			(struct ls_bucket *)(void *)(base + at->label_buckets),
		.record = base + at->labels,
		.buckets = checked->label_buckets,
		.record_size = sizeof(struct ls_label),
		.worth = ls_label_worth,
		.counters = &map->header->labels,
	};
	map->journal = (struct ls_ring){
		.place = (struct ls_record_place *)(void *)(base + at->journal),
		.records = checked->journal_records,
		.head = &map->header->journal_head,
	};
	map->live = (struct ls_live){
		.place = (struct ls_live_place *)(void *)(base + at->live),
		.places = checked->live_places,
	};
}

/* Check a header that was copied out of the file. */
static int check_map_header(const struct ls_map_header *header,
			    enum ls_map_type type, off_t size, const char *path,
			    struct layout *at, struct ls_error *error_r)
{
	uint8_t boot_id[16];

	if (memcmp(header->magic, magic, sizeof(magic)) != 0)
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: not a map of Lockstep's", path);
	if (header->version != LS_MAP_VERSION)
		return ls_fail(error_r, LS_EVERSION,
			       "%s: map version %u, this program has %u; "
			       "restart every user of it after \"lockstep "
			       "init\"",
			       path, header->version, LS_MAP_VERSION);
	if (header->check != map_header_check(header) ||
	    header->type != (uint32_t)type ||
	    !lay_out(header->buckets, header->label_buckets,
		     header->journal_records, header->live_places, at))
		return ls_fail(error_r, LS_EFORMAT, "%s: damaged header",
			       path);
	if (size < 0 || header->size != at->size || (size_t)size != at->size)
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: %lld bytes where %zu are due: truncated",
			       path, (long long)size, at->size);
	read_boot_id(boot_id);
	if (memcmp(header->boot_id, boot_id, sizeof(boot_id)) != 0)
		return ls_fail(error_r, LS_ENOENT,
			       "%s: from before the last boot", path);
	return 0;
}

static int open_map_fd(int fd, const char *path, enum ls_map_type type,
		       bool writable, struct ls_map *map_r,
		       struct ls_error *error_r)
{
	struct ls_map_header header;
	struct layout at = { 0 };
	struct stat st;
	ssize_t got;
	void *base;
	int ret;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", path);
	got = pread(fd, &header, sizeof(header), 0);
	if (got < 0)
		return ls_fail_sys(error_r, "read", path);
	if (!S_ISREG(st.st_mode) || (size_t)got < sizeof(header))
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: too short for a map: truncated", path);
	ret = check_map_header(&header, type, st.st_size, path, &at, error_r);
	if (ret < 0)
		return ret;
	base = ls_space_map(fd, at.size, writable);
	if (base == MAP_FAILED)
		return ls_space_fail(path, at.size, error_r);
	map_r->watch = ls_watch_add(base, at.size);
	map_r->device = st.st_dev;
	map_r->inode = st.st_ino;
	map_r->writable = writable;
	attach(map_r, base, &at, &header);
	return 0;
}

int ls_map_open(int dirfd, const char *name, const char *path,
		enum ls_map_type type, bool writable, struct ls_map *map_r,
		struct ls_error *error_r)
{
	int fd, ret;

	memset(map_r, 0, sizeof(*map_r));
	fd = openat(dirfd, name,
		    (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW |
			    O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return ls_fail(error_r, LS_ENOENT, "%s: no such map", path);
	if (fd < 0 && errno == EACCES)
		return ls_fail(error_r, LS_EACCES, "%s: permission denied",
			       path);
	if (fd < 0)
		return ls_fail_sys(error_r, "open", path);
	ret = open_map_fd(fd, path, type, writable, map_r, error_r);
	close(fd);
	return ret;
}

/* Fill an empty file into a whole map. */
static int make_map_file(int fd, const char *path,
			 const struct ls_map_spec *spec,
			 struct ls_error *error_r)
{
	struct ls_map_header header = { .version = LS_MAP_VERSION,
					.type = spec->type };
	struct ls_map map = { .writable = true };
	struct layout at;
	void *base;
	int err;

	header.buckets = ls_map_buckets(spec->subjects);
	header.label_buckets = ls_map_label_buckets(spec->subjects);
	header.journal_records = spec->journal_records;
	header.live_places = spec->live_places;
	if (!lay_out(header.buckets, header.label_buckets,
		     header.journal_records, header.live_places, &at))
		return ls_fail(error_r, LS_EARG,
			       "%s: cannot hold %llu subjects and %llu events",
			       path, (unsigned long long)spec->subjects,
			       (unsigned long long)spec->journal_records);
	memcpy(header.magic, magic, sizeof(magic));
	header.size = at.size;
	header.created_boot_ms = spec->boot_ms;
	header.created_real_ms = spec->real_ms;
	read_boot_id(header.boot_id);
	if (sodium_init() < 0)
		return ls_fail(error_r, LS_ESYS, "libsodium does not start");
	if (spec->hash_key != NULL)
		memcpy(header.hash_key, spec->hash_key, LS_HASH_KEY_SIZE);
	else
		randombytes_buf(header.hash_key, LS_HASH_KEY_SIZE);
	header.check = map_header_check(&header);

	err = posix_fallocate(fd, 0, (off_t)at.size);
	if (err != 0)
		return ls_fail(error_r, LS_ESYS, "allocate %zu bytes for %s: %s",
			       at.size, path, strerror(err));
	base = ls_space_map(fd, at.size, true);
	if (base == MAP_FAILED)
		return ls_space_fail(path, at.size, error_r);
	memcpy(base, &header, sizeof(header));
	attach(&map, base, &at, &header);
	err = spec->fill != NULL ? spec->fill(&map, spec->context, error_r) : 0;
	ls_space_unmap(base, at.size);
	if (err < 0)
		return err;
	err = ls_access_give(fd, path, spec->group, spec->readers, error_r);
	if (err == 0 && spec->auth_user != NULL)
		err = ls_access_add_user(fd, path, spec->auth_user,
					 spec->type == LS_MAP_GUARD, error_r);
	return err;
}

/* Make a map under a name of its own and rename it into place, the caller
 * holding the lock on creation. */
static int make_map_in_place(int dirfd, const char *name, const char *path,
			     const struct ls_map_spec *spec,
			     struct ls_error *error_r)
{
	char temp[NAME_MAX];
	int fd, ret;

	snprintf(temp, sizeof(temp), ".%s.new", name);
	/* The lock is ours: what has this name was left by a killed creator. */
	unlinkat(dirfd, temp, 0);
	fd = openat(dirfd, temp,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ls_fail_sys(error_r, "create", path);
	ret = make_map_file(fd, path, spec, error_r);
	close(fd);
	if (ret == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		ret = ls_fail_sys(error_r, "create", path);
	if (ret < 0)
		unlinkat(dirfd, temp, 0);
	return ret;
}

enum { LOCK_TRIES = 200, LOCK_WAIT_NS = 10 * 1000 * 1000 }; /* 2 s in all */

/* Lock out other creators; released by close, and so by death. The lock is on a
 * file that only its owner can open, and is not waited for long: a server that
 * starts must not hang on it. Returns a descriptor or negative. */
static int lock_creation(int dirfd, const char *path, struct ls_error *error_r)
{
	const struct timespec wait = { 0, LOCK_WAIT_NS };
	int fd = openat(dirfd, ".lock",
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			0600);

	if (fd < 0 && errno == EACCES)
		return ls_fail(error_r, LS_EACCES,
			       "%s: permission denied: only root may make the "
			       "maps",
			       path);
	if (fd < 0)
		return ls_fail_sys(error_r, "create .lock beside", path);
	for (unsigned tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EINTR && errno != EWOULDBLOCK)
			break;
		nanosleep(&wait, NULL);
	}
	ls_fail_sys(error_r, "lock the creation of", path);
	close(fd);
	return LS_ESYS;
}

int ls_map_create(int dirfd, const char *name, const char *path,
		  const struct ls_map_spec *spec, struct ls_map *map_r,
		  struct ls_error *error_r)
{
	int lock, ret;

	ret = ls_map_open(dirfd, name, path, spec->type, true, map_r, error_r);
	if (ret != LS_ENOENT)
		return ret;
	lock = lock_creation(dirfd, path, error_r);
	if (lock < 0)
		return lock;
	ret = ls_map_open(dirfd, name, path, spec->type, true, map_r, error_r);
	if (ret == 0 || ret == LS_ENOENT)
		error_r->text[0] = '\0'; /* now only a warning may stand */
	if (ret == LS_ENOENT) {
		ret = make_map_in_place(dirfd, name, path, spec, error_r);
		if (ret == 0)
			ret = ls_map_open(dirfd, name, path, spec->type, true,
					  map_r, error_r);
	}
	close(lock);
	return ret;
}

/* Tell the users of a map that it was replaced. Not by opening it as one: it
 * may be damaged, and its users are to know all the same. */
static void retire(int fd)
{
	const uint64_t retired = 1;
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size >= LS_MAP_HEADER_SIZE &&
	    pwrite(fd, &retired, sizeof(retired),
		   offsetof(struct ls_map_header, retired)) < 0)
		return; /* then they find out at their next start */
}

int ls_map_replace(int dirfd, const char *name, const char *path,
		   const struct ls_map_spec *spec, struct ls_map *map_r,
		   struct ls_error *error_r)
{
	int lock = lock_creation(dirfd, path, error_r), old, ret;

	memset(map_r, 0, sizeof(*map_r));
	if (lock < 0)
		return lock;
	old = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	error_r->text[0] = '\0';
	ret = make_map_in_place(dirfd, name, path, spec, error_r);
	if (ret == 0)
		ret = ls_map_open(dirfd, name, path, spec->type, true, map_r,
				  error_r);
	if (ret == 0 && old >= 0)
		retire(old);
	if (old >= 0)
		close(old);
	close(lock);
	return ret;
}

void ls_map_close(struct ls_map *map)
{
	if (map->header == NULL)
		return;
	ls_space_unmap(map->header, map->size);
	ls_watch_remove(map->watch);
	memset(map, 0, sizeof(*map));
}

uint64_t ls_map_now(const struct ls_map *map, uint64_t boot_ms)
{
	uint64_t age = boot_ms > map->created_boot_ms
			       ? boot_ms - map->created_boot_ms
			       : 0;

	return LS_MAP_BIRTH_MS + age;
}

uint64_t ls_map_boot_ms(const struct ls_map *map, uint64_t map_ms)
{
	return map_ms == 0 ? 0
			   : map_ms - LS_MAP_BIRTH_MS + map->created_boot_ms;
}

void ls_map_crowded(const struct ls_map *map, bool denied)
{
	atomic_fetch_add_explicit(&map->header->crowded, 1,
				  memory_order_relaxed);
	if (denied)
		atomic_fetch_add_explicit(&map->header->crowded_denied, 1,
					  memory_order_relaxed);
}

bool ls_map_is_at(const struct ls_map *map, int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == map->inode && st.st_dev == map->device;
}

bool ls_map_broken(const struct ls_map *map)
{
	return map->header != NULL && ls_watch_broken(map->watch);
}

void ls_map_note_over(const struct ls_map *map, uint64_t net_key,
		      uint64_t until)
{
	_Atomic uint64_t *over = &map->header->over[net_key % LS_MAP_OVERS];
	uint64_t old = atomic_load_explicit(over, memory_order_relaxed);

	while (old < until &&
	       !atomic_compare_exchange_weak_explicit(over, &old, until,
						      memory_order_relaxed,
						      memory_order_relaxed))
		;
}
