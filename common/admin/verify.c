/* verify.c - what must always hold of a map; see ls_verify() in lockstep.h
 *
 * The map may be in use. What a writer leaves half-done for a moment (a journal
 * number taken and not yet there, a claimed slot without its key's upper half)
 * is no finding. */
#include "lockstep-config.h"

#include "state/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
	const struct ls_map *map;
	const char *name; /* of the map */
	uint64_t now, found;
	ls_finding_fn *finding;
	void *context;
};

__attribute__((format(printf, 2, 3))) static void
off(struct check *check, const char *format, ...)
{
	char text[160], line[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s: %s", check->name, text);
	check->found++;
	check->finding(check->context, line);
}

static void check_lock(struct check *check, const struct ls_ref *ref,
		       unsigned word)
{
	struct ls_lock_word lock = ls_lock_unpack(ls_slot_get(ref, word));

	if (lock.until > check->now + LS_AHEAD_MAX_MS)
		off(check, "slot %" PRIu32 ": a lock ends in %" PRIu64 " d",
		    ref->index, (lock.until - check->now) / 86400000);
	if (lock.reason > LS_REASON_LOCKS || lock.origin >= LS_ORIGIN_COUNT)
		off(check, "slot %" PRIu32 ": a lock of reason %u, origin %u",
		    ref->index, (unsigned)lock.reason, (unsigned)lock.origin);
}

static void verify_slot(struct check *check, const struct ls_table *table,
			enum ls_kind kind, const struct ls_ref *ref)
{
	/* Read once: a claimer may write it just now. */
	uint64_t upper = ls_slot_get(ref, LS_WORD_KEY);
	unsigned last = LS_WORD_TIMES_LAST;

	if (kind >= LS_KIND_COUNT)
		off(check, "slot %" PRIu32 ": kind %u", ref->index,
		    (unsigned)kind);
	if (upper != 0 &&
	    ref->index / LS_WAYS != ls_table_bucket(table, upper << 32))
		off(check, "slot %" PRIu32 ": its key belongs elsewhere",
		    ref->index);
	check_lock(check, ref, LS_WORD_LOCK);
	if (kind == LS_KIND_USER)
		check_lock(check, ref, LS_WORD_FREEZE);
	if (kind == LS_KIND_SEAT && !ls_seat_is_one(&check->map->live,
						    ls_slot_get(ref,
								LS_WORD_SITTER)))
		off(check, "slot %" PRIu32 ": a seat of no place", ref->index);
	if ((kind == LS_KIND_IP || kind == LS_KIND_NET) &&
	    ls_slot_get(ref, LS_WORD_TRUSTED) > check->now + LS_AHEAD_MAX_MS)
		off(check, "slot %" PRIu32 ": trusted for too long",
		    ref->index);
	if ((kind == LS_KIND_IP || kind == LS_KIND_NET) &&
	    (ls_slot_get(ref, LS_WORD_OVER) > check->now + LS_AHEAD_MAX_MS ||
	     ls_slot_get(ref, LS_WORD_OVER_ALARMED) >
		     check->now + LS_AHEAD_MAX_MS))
		off(check, "slot %" PRIu32 ": over its count for too long",
		    ref->index);
	if (kind == LS_KIND_SENDING)
		last = LS_WORD_NEW_RECIPIENTS;
	if ((kind == LS_KIND_SENDING || kind == LS_KIND_RELAY) &&
	    ls_slot_get(ref, LS_WORD_TOLD) > check->now + LS_AHEAD_MAX_MS)
		off(check, "slot %" PRIu32 ": refusals told for too long",
		    ref->index);
	for (unsigned i = LS_WORD_TIMES_FIRST; i <= last; i++)
		if (ls_slot_get(ref, i) > check->now + LS_AHEAD_MAX_MS)
			off(check, "slot %" PRIu32 ": word %u is %" PRIu64
				   " days ahead",
			    ref->index, i,
			    (ls_slot_get(ref, i) - check->now) / 86400000);
}

/* One slot a subject: no two tags of a bucket are alike. A subject may move
 * while we read; two slots are two if the first has not changed hands until
 * the second was read. */
static void check_bucket(struct check *check, const struct ls_table *table,
			 uint64_t b, const char *what)
{
	uint64_t tag[LS_WAYS];

	for (unsigned way = 0; way < LS_WAYS; way++)
		tag[way] = atomic_load(&table->bucket[b].tag[way]);
	for (unsigned i = 0; i < LS_WAYS; i++)
		for (unsigned j = i + 1; j < LS_WAYS; j++)
			if ((tag[i] >> 16 & 15) != 0 &&
			    tag[i] >> 16 == tag[j] >> 16 &&
			    atomic_load(&table->bucket[b].tag[i]) == tag[i])
				off(check,
				    "%s %" PRIu64 ": ways %u and %u hold one "
				    "subject",
				    what, b, i, j);
	if (table->crowd != NULL &&
	    atomic_load(&table->crowd[b]) > check->now + LS_AHEAD_MAX_MS)
		off(check, "%s %" PRIu64 ": its crowd is counted for too long",
		    what, b);
	if ((atomic_load(&table->bucket[b].intent) >> 13 & 7) >= LS_WAYS)
		off(check, "%s %" PRIu64 ": an intent for no slot", what, b);
}

static void verify_tables(struct check *check)
{
	const struct ls_map *map = check->map;
	uint64_t cursor = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	for (uint64_t b = 0; b < map->subjects.buckets; b++)
		check_bucket(check, &map->subjects, b, "bucket");
	for (uint64_t b = 0; b < map->labels.buckets; b++)
		check_bucket(check, &map->labels, b, "label bucket");
	while (ls_table_next(&map->subjects, &cursor, &kind, &ref))
		verify_slot(check, &map->subjects, kind, &ref);
}

static void check_journal(struct check *check)
{
	const struct ls_ring *ring = &check->map->journal;
	uint64_t head = atomic_load(ring->head);
	struct ls_cursor cursor = { .next = head > ring->records
						    ? head - ring->records
						    : 0 };
	uint64_t now = check->now, read = 0, first = cursor.next;
	struct ls_record record;

	/* Give up at once on what is not there: the second look is later than
	 * any patience. Each record takes two looks at most; more are for a
	 * head that somebody set back. */
	for (uint64_t looks = 0; cursor.next < head && looks < 3 * ring->records;
	     looks++) {
		if (ls_ring_next(ring, &cursor, now, &record) == 1) {
			if (record.number < first + read)
				off(check, "journal: record %" PRIu64
					   " comes twice",
				    record.number);
			read++;
		} else if (cursor.next + 1 >= head) {
			break; /* its writer may be at it */
		} else if (atomic_load(ring->head) < head) {
			off(check, "journal: numbers went back from %" PRIu64,
			    head);
			break;
		}
		now += 10000;
	}
}

/* A session's place says whose it is twice. One that is being taken, or was given
 * back meanwhile, is left alone. */
static void verify_place(struct check *check, uint64_t index)
{
	const struct ls_map *map = check->map;
	struct ls_live_record session, again;

	if (!ls_live_read(&map->live, index, true, &session) ||
	    !ls_live_read(&map->live, index, true, &again) ||
	    session.hold.bits != again.hold.bits)
		return;
	if (session.user_key != ls_key_user(map->hash_key, session.user))
		off(check, "session %" PRIu64 ": its account has another key",
		    index);
	if (session.process.pid == 0)
		off(check, "session %" PRIu64 ": of no process", index);
	if (session.began > check->now + LS_CLOCK_SLACK_MS)
		off(check, "session %" PRIu64 ": begins in %" PRIu64 " s",
		    index, (session.began - check->now) / 1000);
}

static void verify_header(struct check *check)
{
	const struct ls_map_header *header = check->map->header;

	if (header->buckets != check->map->subjects.buckets ||
	    header->label_buckets != check->map->labels.buckets ||
	    header->journal_records != check->map->journal.records ||
	    header->live_places != check->map->live.places ||
	    header->size != check->map->size)
		off(check, "the header was changed while in use");
	if (ls_map_broken(check->map))
		off(check, "the file was truncated while in use");
}

uint64_t ls_verify(struct ls_state *state, uint64_t now_ms,
		   ls_finding_fn *finding, void *context)
{
	struct check check = { .finding = finding, .context = context };

	if (state->guard.header != NULL) {
		check.map = &state->guard;
		check.name = "guard";
		check.now = ls_map_now(check.map, now_ms);
		verify_header(&check);
		verify_tables(&check);
		check_journal(&check);
	}
	if (state->sessions.header != NULL) {
		check.map = &state->sessions;
		check.name = "sessions";
		check.now = ls_map_now(check.map, now_ms);
		verify_header(&check);
		verify_tables(&check);
		check_journal(&check);
		for (uint64_t i = 0; i < check.map->live.places; i++)
			verify_place(&check, i);
	}
	return check.found;
}
