/* snapshot.c - writing a snapshot; see snapshot.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "state/kept.h"
#include "policy/policy-record.h" /* ls_put_le */
#include "state/snapshot-record.h"
#include "state/snapshot.h"
#include "state/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cdb.h>

static const char file_name[] = LS_SNAPSHOT_NAME;
static const char head_key[] = LS_SNAPSHOT_HEAD_KEY;
static const char temp_name[] = ".snapshot.cdb.new";

static void put_snapshot_key(uint8_t key[KEY_SIZE], char type, uint64_t subject,
			     enum ls_kind kind)
{
	key[0] = (uint8_t)type;
	ls_put_le(key + 1, 8, subject);
	key[9] = (uint8_t)kind;
}

static int put_label(struct cdb_make *make, const struct ls_map *map,
		     uint64_t subject_key, enum ls_kind kind)
{
	uint8_t key[KEY_SIZE], value[LABEL_HEAD + LS_USER_MAX];
	struct ls_subject subject;
	size_t len;

	if (!ls_label_get(&map->labels, map->hash_key, subject_key, kind,
			  &subject))
		return 0;
	put_snapshot_key(key, 'l', subject_key, kind);
	value[0] = subject.net.bits;
	memcpy(value + 1, subject.net.addr.octet, 16);
	len = strlen(subject.user);
	memcpy(value + LABEL_HEAD, subject.user, len);
	return cdb_make_add(make, key, sizeof(key), value,
			    LABEL_HEAD + (unsigned)len);
}

/* Returns 1 when the slot went into the snapshot, 0 when it has nothing to
 * keep, negative on an error of the file. */
static int put_slot(struct cdb_make *make, const struct ls_map *map,
		    const struct ls_ref *ref, enum ls_kind kind, uint64_t now,
		    uint64_t real_ms)
{
	uint8_t key[KEY_SIZE], value[LS_KEPT_SIZE];
	struct ls_kept kept;

	if (!ls_kept_of(ref, kind, now, &kept))
		return 0;
	put_snapshot_key(key, 's', kept.key, kind);
	ls_kept_put(&kept, now, real_ms, value);
	if (cdb_make_add(make, key, sizeof(key), value, sizeof(value)) < 0)
		return -1;
	if (ls_kept_locked_until(&kept) > now &&
	    put_label(make, map, kept.key, kind) < 0)
		return -1;
	return 1;
}

/* The names of accounts by which lists say whose places are familiar: as many as
 * the guard has room for, and no longer than it wants them. */
static int put_snapshot_names(struct cdb_make *make, const struct ls_map *map,
			      uint64_t now, uint64_t real_ms)
{
	uint8_t key[KEY_SIZE], value[NAME_HEAD + LS_USER_MAX];
	struct ls_subject subject;
	uint64_t cursor = 0, until, account;
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->labels, &cursor, &kind, &ref)) {
		until = ls_label_until(&ref);
		if (kind != LS_KIND_USER || until <= now ||
		    !ls_label_read(&ref, kind, &subject))
			continue;
		account = ls_key_subject(map->hash_key, &subject);
		/* torn or forged, where it is not its own */
		if (!ls_label_get(&map->labels, map->hash_key, account, kind,
				  &subject))
			continue;
		put_snapshot_key(key, 'n', account, kind);
		ls_put_le(value, NAME_HEAD,
			  ls_kept_to_real(until, now, real_ms));
		memcpy(value + NAME_HEAD, subject.user, strlen(subject.user));
		if (cdb_make_add(make, key, sizeof(key), value,
				 NAME_HEAD + (unsigned)strlen(subject.user)) <
		    0)
			return -1;
	}
	return 0;
}

static int put_all(struct cdb_make *make, const struct ls_map *map,
		   uint64_t now, uint64_t real_ms)
{
	uint64_t cursor = 0, count = 0;
	uint8_t head[HEAD_SIZE];
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->subjects, &cursor, &kind, &ref)) {
		int ret = put_slot(make, map, &ref, kind, now, real_ms);

		if (ret < 0)
			return ret;
		count += (unsigned)ret;
	}
	if (put_snapshot_names(make, map, now, real_ms) < 0)
		return -1;
	ls_put_le(head, 4, LS_SNAPSHOT_VERSION);
	memcpy(head + 4, map->hash_key, LS_HASH_KEY_SIZE);
	ls_put_le(head + 4 + LS_HASH_KEY_SIZE, 8, real_ms);
	ls_put_le(head + 4 + LS_HASH_KEY_SIZE + 8, 8, count);
	return cdb_make_add(make, head_key, sizeof(head_key) - 1, head,
			    sizeof(head));
}

/* The file that becomes the snapshot, empty and locked against others who write
 * one at the same time. Returns its descriptor or negative. */
static int open_temp(int dirfd, struct ls_error *error_r)
{
	int fd = openat(dirfd, temp_name,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			0600);
	struct stat mine, there;

	if (fd < 0)
		return ls_fail_sys(error_r, "create", temp_name);
	/* The name must still be this file's: who held the lock before may
	 * have renamed it into place. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &mine) < 0 ||
	    fstatat(dirfd, temp_name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_ino != there.st_ino || mine.st_dev != there.st_dev) {
		close(fd);
		return ls_fail(error_r, LS_ESYS,
			       "%s: being written by another process",
			       file_name);
	}
	if (ftruncate(fd, 0) < 0 || fchmod(fd, 0600) < 0) {
		ls_fail_sys(error_r, "empty", temp_name);
		close(fd);
		return LS_ESYS;
	}
	return fd;
}

int ls_snapshot_write(const struct ls_map *map, int dirfd, uint64_t now,
		      uint64_t real_ms, struct ls_error *error_r)
{
	struct cdb_make make;
	int fd = open_temp(dirfd, error_r), ret;

	if (fd < 0)
		return fd;
	ret = cdb_make_start(&make, fd);
	if (ret == 0)
		ret = put_all(&make, map, now, real_ms);
	if (cdb_make_finish(&make) < 0 || ret < 0 || fsync(fd) < 0)
		ret = ls_fail_sys(error_r, "write", temp_name);
	/* A map that was cut short meanwhile reads as empty there: what the
	 * last snapshot tells is better. */
	if (ret == 0 && ls_map_broken(map))
		ret = ls_fail(error_r, LS_EFORMAT,
			      "the guard was truncated: %s stays as it was",
			      file_name);
	if (ret == 0 && renameat(dirfd, temp_name, dirfd, file_name) < 0)
		ret = ls_fail_sys(error_r, "rename to", file_name);
	if (ret < 0)
		unlinkat(dirfd, temp_name, 0);
	else if (fsync(dirfd) < 0)
		ret = ls_fail_sys(error_r, "sync the directory of", file_name);
	close(fd); /* and the lock with it */
	return ret;
}

int ls_snapshot_save(struct ls_state *state, uint64_t now_ms, uint64_t real_ms,
		     struct ls_error *error_r)
{
	const struct ls_map *map = &state->guard;

	if (map->header == NULL)
		return ls_fail(error_r, LS_EACCES, "no guard is open");
	if (atomic_load(&map->header->retired) != 0)
		return ls_fail(error_r, LS_EFORMAT,
			       "the guard was replaced: %s is the new one's",
			       file_name);
	return ls_snapshot_write(map, state->policy_dirfd,
				 ls_map_now(map, now_ms), real_ms, error_r);
}
