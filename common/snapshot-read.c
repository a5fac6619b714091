/* snapshot-read.c - reading a snapshot, and a guard made from one; see snapshot.h */
#include "lockstep-config.h"

#include "cdb-read.h"
#include "error.h"
#include "kept.h"
#include "policy-record.h" /* ls_get_le */
#include "snapshot-record.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = LS_SNAPSHOT_NAME;
static const char head_key[] = LS_SNAPSHOT_HEAD_KEY;

struct ls_snapshot {
	struct cdb cdb;
	uint8_t hash_key[LS_HASH_KEY_SIZE];
	bool headed;
	uint64_t saved_ms, count, promised;
};

static bool is(const struct ls_cdb_record *record, char type)
{
	return record->key_len == KEY_SIZE && record->key[0] == (uint8_t)type;
}

/* A subject, at a moment on both clocks. Returns false for a record that no
 * snapshot of ours has. */
static bool get_subject(const struct ls_cdb_record *record, uint64_t now,
			uint64_t real_ms, struct ls_kept *kept)
{
	return ls_kept_get(record->value, record->value_len, record->key[9],
			   ls_get_le(record->key + 1, 8), now, real_ms, kept);
}

static bool get_label(const struct ls_cdb_record *record,
		      struct ls_subject *subject)
{
	const uint8_t *value = record->value;

	memset(subject, 0, sizeof(*subject));
	if (record->value_len < LABEL_HEAD ||
	    record->value_len > LABEL_HEAD + LS_USER_MAX || value[0] > 128)
		return false;
	subject->kind = record->key[9];
	subject->net.bits = value[0];
	memcpy(subject->net.addr.octet, value + 1, 16);
	memcpy(subject->user, value + LABEL_HEAD,
	       record->value_len - LABEL_HEAD);
	return subject->kind >= LS_KIND_IP && subject->kind <= LS_KIND_PLACE;
}

/* Until when a name is wanted. Returns false for a record that none of ours is. */
static bool get_name(const struct ls_cdb_record *record, uint64_t now,
		     uint64_t real_ms, struct ls_subject *subject,
		     uint64_t *until_r)
{
	memset(subject, 0, sizeof(*subject));
	if (record->value_len <= NAME_HEAD ||
	    record->value_len > NAME_HEAD + LS_USER_MAX ||
	    record->key[9] != LS_KIND_USER)
		return false;
	subject->kind = LS_KIND_USER;
	memcpy(subject->user, record->value + NAME_HEAD,
	       record->value_len - NAME_HEAD);
	*until_r = ls_kept_from_real(ls_get_le(record->value, NAME_HEAD), now,
				     real_ms);
	return true;
}

static int check_record(void *context, const struct ls_cdb_record *record,
			struct ls_error *error_r)
{
	struct ls_snapshot *snapshot = context;
	struct ls_kept kept;
	struct ls_subject label;
	uint64_t until;

	if (is(record, 's')) {
		snapshot->count++;
		if (!get_subject(record, 1, 1, &kept))
			return ls_fail(error_r, LS_EFORMAT,
				       "%s: damaged: a subject", file_name);
	} else if (is(record, 'l')) {
		if (!get_label(record, &label))
			return ls_fail(error_r, LS_EFORMAT,
				       "%s: damaged: a label", file_name);
	} else if (is(record, 'n')) {
		if (!get_name(record, 1, 1, &label, &until))
			return ls_fail(error_r, LS_EFORMAT,
				       "%s: damaged: a name", file_name);
	} else if (record->key_len == sizeof(head_key) - 1 &&
		   memcmp(record->key, head_key, record->key_len) == 0 &&
		   record->value_len >= 4) {
		uint64_t version = ls_get_le(record->value, 4);

		if (version != LS_SNAPSHOT_VERSION ||
		    record->value_len != HEAD_SIZE)
			return ls_fail(error_r, LS_EVERSION,
				       "%s: version %u, this program has %u",
				       file_name, (unsigned)version,
				       LS_SNAPSHOT_VERSION);
		memcpy(snapshot->hash_key, record->value + 4,
		       LS_HASH_KEY_SIZE);
		snapshot->saved_ms =
			ls_get_le(record->value + 4 + LS_HASH_KEY_SIZE, 8);
		snapshot->promised = ls_get_le(
			record->value + 4 + LS_HASH_KEY_SIZE + 8, 8);
		snapshot->headed = true;
	}
	return 0;
}

static int open_fd(int fd, struct ls_snapshot *snapshot,
		   struct ls_error *error_r)
{
	int ret = ls_cdb_open(&snapshot->cdb, fd, file_name, UINT32_MAX,
			      error_r);

	if (ret < 0)
		return ret;
	ret = ls_cdb_walk(&snapshot->cdb, file_name, KEY_SIZE, check_record,
			  snapshot, NULL, error_r);
	if (ret == 0 &&
	    (!snapshot->headed || snapshot->count != snapshot->promised))
		ret = ls_fail(error_r, LS_EFORMAT,
			      "%s: torn: %llu subjects of %llu", file_name,
			      (unsigned long long)snapshot->count,
			      (unsigned long long)snapshot->promised);
	if (ret < 0)
		cdb_free(&snapshot->cdb);
	return ret;
}

int ls_snapshot_open(int dirfd, struct ls_snapshot **snapshot_r,
		     struct ls_error *error_r)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(dirfd, file_name, flags), ret;
	struct ls_snapshot *snapshot;

	*snapshot_r = NULL;
	if (fd < 0 && errno == ENOENT)
		return LS_ENOENT;
	if (fd < 0)
		return ls_fail_sys(error_r, "open", file_name);
	snapshot = calloc(1, sizeof(*snapshot));
	if (snapshot == NULL)
		ret = ls_fail(error_r, LS_ESYS, "out of memory");
	else
		ret = open_fd(fd, snapshot, error_r);
	close(fd);
	if (ret < 0)
		free(snapshot);
	else
		*snapshot_r = snapshot;
	return ret;
}

void ls_snapshot_close(struct ls_snapshot **_snapshot)
{
	struct ls_snapshot *snapshot = *_snapshot;

	*_snapshot = NULL;
	if (snapshot == NULL)
		return;
	cdb_free(&snapshot->cdb);
	free(snapshot);
}

const uint8_t *ls_snapshot_hash_key(const struct ls_snapshot *snapshot)
{
	return snapshot->hash_key;
}

struct restoration {
	struct ls_map *map;
	uint64_t now, real_ms, restored;
};

/* Until when a restored subject is locked or frozen; 0: it is not. */
static uint64_t locked_until(const struct restoration *to, uint64_t key,
			     enum ls_kind kind)
{
	struct ls_kept kept;
	struct ls_ref ref;

	return ls_table_find(&to->map->subjects, key, kind, &ref) == 0 &&
			       ls_kept_of(&ref, kind, to->now, &kept)
		       ? ls_kept_locked_until(&kept)
		       : 0;
}

static int restore_record(void *context, const struct ls_cdb_record *record,
			  struct ls_error *error_r)
{
	struct restoration *to = context;
	struct ls_kept kept;
	struct ls_subject label;
	uint64_t until;

	(void)error_r;
	if (is(record, 's') &&
	    get_subject(record, to->now, to->real_ms, &kept)) {
		to->restored += ls_kept_restore(&kept, to->map, to->now);
	} else if (is(record, 'l') && get_label(record, &label)) {
		uint64_t key = ls_get_le(record->key + 1, 8);

		until = locked_until(to, key, label.kind);
		if (until > to->now)
			ls_label_put(&to->map->labels, key, &label,
				     LS_LABEL_LOCK, until, to->now);
	} else if (is(record, 'n') && get_name(record, to->now, to->real_ms,
					       &label, &until) &&
		   until > to->now) {
		ls_label_put(&to->map->labels, ls_get_le(record->key + 1, 8),
			     &label, LS_LABEL_NAME, until, to->now);
	}
	return 0;
}

uint64_t ls_snapshot_restore(const struct ls_snapshot *snapshot,
			     struct ls_map *map, uint64_t now,
			     uint64_t real_ms)
{
	struct restoration to = { .map = map, .now = now, .real_ms = real_ms };
	struct ls_error ignored;

	/* A real clock that is behind the snapshot's own time (no battery, no
	 * NTP yet) would lengthen every lock. */
	if (to.real_ms < snapshot->saved_ms)
		to.real_ms = snapshot->saved_ms;
	ls_cdb_walk(&snapshot->cdb, file_name, KEY_SIZE, restore_record, &to,
		    NULL, &ignored);
	return to.restored;
}
