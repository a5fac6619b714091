/* snapshot-read.c - reading a snapshot, and a guard made from one; see snapshot.h */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "base/error.h"
#include "policy/policy-record.h" /* ls_get_le */
#include "state/snapshot-record.h"
#include "state/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static int check_snapshot_record(void *context,
				 const struct ls_cdb_record *record,
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

static int open_snapshot_fd(int fd, struct ls_snapshot *snapshot,
			    struct ls_error *error_r)
{
	int ret = ls_cdb_open(&snapshot->cdb, fd, file_name, UINT32_MAX,
			      error_r);

	if (ret < 0)
		return ret;
	ret = ls_cdb_walk(&snapshot->cdb, file_name, KEY_SIZE,
			  check_snapshot_record, snapshot, NULL, error_r);
	if (ret == 0 &&
	    (!snapshot->headed || snapshot->count != snapshot->promised))
		ret = ls_fail(error_r, LS_EFORMAT,
			      "%s: torn: %llu subjects of %llu", file_name,
			      (unsigned long long)snapshot->count,
			      (unsigned long long)snapshot->promised);
	if (ret < 0)
		ls_cdb_close(&snapshot->cdb);
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
		ret = open_snapshot_fd(fd, snapshot, error_r);
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
	ls_cdb_close(&snapshot->cdb);
	free(snapshot);
}

const uint8_t *ls_snapshot_hash_key(const struct ls_snapshot *snapshot)
{
	return snapshot->hash_key;
}

/* The walks that restore, each what is kept for something from `first` on and before
 * the next one's first. A mark gives way to all: it may come with what is last. */
static const enum ls_kept_for walks[] = {
	LS_KEPT_FREEZE, LS_KEPT_TRUST, LS_KEPT_PROBATION, LS_KEPT_ORDER,
	LS_KEPT_LOCK,   LS_KEPT_PLACE, LS_KEPT_FOR_COUNT
};
enum { WALKS = sizeof(walks) / sizeof(walks[0]) - 1 };

struct restoration {
	struct ls_map *map;
	uint64_t now, real_ms;
	unsigned walk;
	uint64_t restored[LS_KEPT_FOR_COUNT], all[LS_KEPT_FOR_COUNT];
};

/* Until when a restored subject is locked or frozen; 0: it is not. */
static uint64_t restored_locked_until(const struct restoration *to,
				      uint64_t key, enum ls_kind kind)
{
	struct ls_kept kept;
	struct ls_ref ref;

	return ls_table_find(&to->map->subjects, key, kind, &ref) == 0 &&
			       ls_kept_of(&ref, kind, to->now, &kept)
		       ? ls_kept_locked_until(&kept)
		       : 0;
}

static void restore_subject(struct restoration *to, const struct ls_kept *kept)
{
	enum ls_kept_for what = ls_kept_for(kept, to->now);

	if (what == LS_KEPT_PASSED)
		return;
	if (to->walk == 0)
		to->all[what]++;
	if (what >= walks[to->walk] && what < walks[to->walk + 1])
		to->restored[what] += ls_kept_restore(kept, to->map, to->now);
}

static void restore_label(const struct restoration *to,
			  const struct ls_cdb_record *record)
{
	uint64_t key = ls_get_le(record->key + 1, 8), until;
	struct ls_subject label;

	if (is(record, 'l') && get_label(record, &label)) {
		until = restored_locked_until(to, key, label.kind);
		if (until > to->now)
			ls_label_put(&to->map->labels, key, &label,
				     LS_LABEL_LOCK, until, to->now);
	} else if (is(record, 'n') && get_name(record, to->now, to->real_ms,
					       &label, &until) &&
		   until > to->now) {
		ls_label_put(&to->map->labels, key, &label, LS_LABEL_NAME,
			     until, to->now);
	}
}

static int restore_record(void *context, const struct ls_cdb_record *record,
			  struct ls_error *error_r)
{
	struct restoration *to = context;
	struct ls_kept kept;

	(void)error_r;
	if (is(record, 's')) {
		if (get_subject(record, to->now, to->real_ms, &kept))
			restore_subject(to, &kept);
	} else if (to->walk == WALKS - 1 && record->key_len == KEY_SIZE) {
		restore_label(to, record);
	}
	return 0;
}

/* Has this walk nothing to do? The first counts, and the last has the labels. */
static bool is_idle(const struct restoration *to)
{
	uint64_t some = 0;

	for (unsigned i = walks[to->walk]; i < walks[to->walk + 1]; i++)
		some += to->all[i];
	return to->walk > 0 && to->walk < WALKS - 1 && some == 0;
}

/* Slots evicted so far that were worth a lock, or (false) anything else. */
static uint64_t count_evicted(const struct ls_map *map, bool locks)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LS_WORTH_KEPT; i++)
		if (locks == (i == LS_WORTH_LOCK))
			sum += atomic_load(&map->subjects.counters->evicted[i]);
	return sum;
}

static void subtract(uint64_t *count, uint64_t given_way)
{
	*count -= given_way < *count ? given_way : *count;
}

uint64_t ls_snapshot_restore(const struct ls_snapshot *snapshot,
			     struct ls_map *map, uint64_t now,
			     uint64_t real_ms, struct ls_lost *lost_r)
{
	struct restoration to = { .map = map, .now = now, .real_ms = real_ms };
	uint64_t locks = count_evicted(map, true);
	uint64_t others = count_evicted(map, false), restored = 0;
	struct ls_error ignored;

	/* A real clock that is behind the snapshot's own time (no battery, no
	 * NTP yet) would lengthen every lock. */
	if (to.real_ms < snapshot->saved_ms)
		to.real_ms = snapshot->saved_ms;
	for (; to.walk < WALKS; to.walk++) {
		if (!is_idle(&to))
			ls_cdb_walk(&snapshot->cdb, file_name, KEY_SIZE,
				    restore_record, &to, NULL, &ignored);
	}
	/* Only a rule's lock or a mark can have given way to what came later. */
	subtract(&to.restored[LS_KEPT_LOCK], count_evicted(map, true) - locks);
	subtract(&to.restored[LS_KEPT_MARK],
		 count_evicted(map, false) - others);
	for (unsigned i = 0; i < LS_KEPT_FOR_COUNT; i++) {
		lost_r->of[i] = to.all[i] - to.restored[i];
		restored += to.restored[i];
	}
	return restored;
}

bool ls_lost_text(const struct ls_lost *lost, char *text, size_t size)
{
	const struct {
		uint64_t lost;
		const char *one, *more;
	} rows[] = {
		{ lost->of[LS_KEPT_FREEZE], "freeze", "freezes" },
		{ lost->of[LS_KEPT_TRUST], "trust", "trusts" },
		{ lost->of[LS_KEPT_PROBATION], "probation", "probations" },
		{ lost->of[LS_KEPT_ORDER] + lost->of[LS_KEPT_LOCK], "lock",
		  "locks" },
		{ lost->of[LS_KEPT_PLACE], "familiar place",
		  "familiar places" },
		{ lost->of[LS_KEPT_DOUBT], "doubt", "doubts" },
		{ lost->of[LS_KEPT_MARK], "strike or stamp",
		  "strikes or stamps" },
	};
	size_t at = 0, kinds = 0, told = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		kinds += rows[i].lost > 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *comma = told == 0		? ""
				    : told == kinds - 1 ? " and "
							: ", ";

		if (rows[i].lost == 0 || at >= size)
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s%llu %s",
				       comma,
				       (unsigned long long)rows[i].lost,
				       rows[i].lost == 1 ? rows[i].one
							 : rows[i].more);
		told++;
	}
	return kinds > 0;
}
