/* fuzz_map.c - any bytes at all as a map, the guard and the sessions
 *
 * As either, the input is opened three times: as it is; with this boot's id and a check
 * that fits, as somebody who can write the file could have it; and as what
 * follows the fixed part of a good header of the smallest map. Where the map
 * opens it is used: verified, listed, decided with, read, saved. Nothing may be
 * touched outside of it, everything must end, and what comes out of it must
 * have its bounds. Seeds: tests/fuzz/seeds/map. */
#include "lockstep-config.h"

#include "explain.h"
#include "state/marks.h"
#include "state/seats.h"
#include "state/snapshot.h"
#include "state/state.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUBJECTS = 14, RECORDS = 4, PLACES = 8, SIZE_MAX_USED = 1 << 20 };
#define NOW_MS (UINT64_C(5) * 24 * 3600 * 1000)
#define REAL_MS UINT64_C(1700000000000)

static char dir[] = "/dev/shm/lockstep-fuzz.XXXXXX";
static int dirfd = -1;
static struct ls_state *state; /* a policy; the map is each input's */
static struct good {
	struct ls_map_header header;
	size_t size;
} goods[LS_MAP_SESSIONS + 1]; /* by type */

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_map: %s\n", what);
	abort();
}

/* ---- the world ----------------------------------------------------------- */

static void clean(void)
{
	static const char *const names[] = { "policy.cdb", "map",   "guard",
					     "sessions",   ".lock", "snapshot.cdb" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dirfd, names[i], 0);
	rmdir(dir);
}

static void open_policy(void)
{
	char path[sizeof(dir) + 16];
	const struct ls_open_args args = { .policy_path = path,
					   .now_ms = NOW_MS,
					   .real_ms = REAL_MS };
	struct ls_policy_writer *writer;
	struct ls_error error = { 0, "" };
	struct ls_policy policy;

	snprintf(path, sizeof(path), "%s/policy.cdb", dir);
	ls_policy_presets(&policy);
	snprintf(policy.state_dir, sizeof(policy.state_dir), "%s", dir);
	policy.group[0] = '\0';
	policy.ip.failures[LS_FAST].units = 3;
	policy.sending.messages.units = 2;
	policy.relay.messages.units = 2;
	policy.relay.messages.period_ms = 1000;
	policy.user.sessions = 2;
	check(ls_policy_writer_init(path, &writer, &error) == 0, error.text);
	ls_policy_writer_policy(writer, &policy);
	check(ls_policy_writer_commit(&writer, REAL_MS, &error) == 0,
	      error.text);
	check(ls_open(&args, &state, &error) == 0, error.text);
}

/* A good header, from a map that this library makes. */
static void read_good(enum ls_map_type type, const char *name)
{
	static const uint8_t hash_key[LS_HASH_KEY_SIZE] = { 1, 2, 3 };
	const struct ls_map_spec spec = { .type = type,
					  .live_places = type == LS_MAP_SESSIONS
								 ? PLACES
								 : 0,
					  .subjects = SUBJECTS,
					  .journal_records = RECORDS,
					  .boot_ms = NOW_MS,
					  .real_ms = REAL_MS,
					  .hash_key = hash_key,
					  .group = "", .readers = "" };
	struct ls_error error = { 0, "" };
	struct ls_map map;

	check(ls_map_create(dirfd, name, name, &spec, &map, &error) == 0,
	      error.text);
	memcpy(&goods[type].header, map.header, sizeof(goods[type].header));
	goods[type].size = map.size;
	ls_map_close(&map);
}

static void prepare(void)
{
	if (state != NULL)
		return;
	check(sodium_init() >= 0 && mkdtemp(dir) != NULL, "no directory");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dirfd >= 0, "no directory");
	atexit(clean);
	open_policy();
	read_good(LS_MAP_GUARD, "guard");
	read_good(LS_MAP_SESSIONS, "sessions");
	state->looker.procfd = ls_process_open(0);
	ls_process_self(state->looker.procfd, &state->looker.self);
}

/* ---- using a map --------------------------------------------------------- */

#define ENDS(array) (memchr(array, '\0', sizeof(array)) != NULL)

static void check_subject(const struct ls_subject *subject)
{
	char text[LS_SUBJECT_TEXT];

	check(subject->kind < LS_KIND_COUNT && subject->net.bits <= 128 &&
		      ENDS(subject->user),
	      "a subject without bounds");
	ls_subject_format(subject, text);
	check(ENDS(text), "a subject has no end");
}

static void list(void)
{
	uint64_t cursor = 0, count = 0;
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, NOW_MS, &lock) == 1) {
		check(++count <= LS_WAYS * state->guard.subjects.buckets,
		      "a list has no end");
		check_subject(&lock.subject);
	}
}

static void read_journal(enum ls_journal which, const struct ls_map *map)
{
	struct ls_cursor cursor = { .next = 0 };
	struct ls_record record;
	uint64_t count = 0;

	for (unsigned tries = 0; tries < 8; tries++) {
		while (ls_journal_next(state, which, &cursor,
				       NOW_MS + tries * 2000, &record) == 1) {
			check(++count <= map->journal.records,
			      "a journal has no end");
			check(record.event < LS_EVENT_COUNT &&
				      record.outcome < LS_OUTCOME_COUNT &&
				      record.verdict < LS_VERDICT_COUNT &&
				      record.wanted < LS_VERDICT_COUNT &&
				      record.reason < LS_REASON_COUNT &&
				      record.origin < LS_ORIGIN_COUNT,
			      "a record without bounds");
			check(ENDS(record.service) && ENDS(record.mech) &&
				      ENDS(record.detail) && ENDS(record.more),
			      "a text has no end");
			check_subject(&record.subject);
		}
	}
}

static void list_senders(void)
{
	uint64_t cursor = 0, count = 0;
	struct ls_sender sender;

	while (ls_sender_next(state, &cursor, NOW_MS, &sender) == 1) {
		check(++count <= LS_WAYS * state->guard.subjects.buckets,
		      "a list has no end");
		check(ENDS(sender.user), "a sender has no end");
	}
}

static void send(unsigned number)
{
	static struct ls_gathered gathered;
	struct ls_message message = {
		.instance = number % 3 == 0 ? "1.2.3" : "4.5.6",
		.user = number % 4 == 0   ? ""
			: number % 2 == 0 ? "joe"
					  : "ann",
		.sender = number % 5 == 0 ? "other@example.com" : "joe",
		.queue_id = "4Xyz",
		.recipients = number % 7 * 100,
		.size = number * 1000,
		.gathered = &gathered,
	};
	struct ls_decision decision;
	struct ls_sending sending;

	ls_gather(state, &gathered, message.instance, message.user,
		  "ann@example.org");
	ls_send_look(state, &message, NOW_MS, &decision);
	ls_send(state, &message, NOW_MS, REAL_MS, &decision);
	check(decision.verdict < LS_VERDICT_COUNT &&
		      decision.reason < LS_REASON_COUNT &&
		      decision.kind < LS_KIND_COUNT,
	      "no verdict");
	ls_explain_sending(state, message.user, NOW_MS, REAL_MS, &sending);
	check(sending.levels <= LS_SENDING_LEVELS, "levels without bounds");
	list_senders();
}

static void decide(unsigned number)
{
	struct ls_attempt attempt = { .service = "imap",
				      .mech = "PLAIN",
				      .user = number % 2 == 0 ? "joe" : "ann",
				      .secured = true };
	struct ls_decision decision;
	struct ls_subject subject;
	struct ls_ticket ticket;
	struct ls_error error;

	check(ls_addr_parse(number % 3 == 0 ? "192.0.2.1" : "2001:db8::1",
			    &attempt.ip) == 0,
	      "no address");
	ls_connect(state, "smtp", &attempt.ip, NOW_MS, &decision);
	ls_admit(state, &attempt, NOW_MS, &decision, &ticket);
	check(decision.verdict < LS_VERDICT_COUNT, "no verdict");
	ls_settle(state, &ticket,
		  number % 4 == 0 ? LS_OUTCOME_SUCCESS : LS_OUTCOME_WRONG,
		  NOW_MS);
	check(ls_subject_parse(state, attempt.user, &subject, &error) == 0,
	      "no subject");
	ls_lock(state, &subject, 60000, "fuzz", NOW_MS);
	list();
	ls_unlock(state, &subject, "fuzz", NOW_MS);
}

/* What is written, whatever stands in the map, can be read again. */
static void save(void)
{
	struct ls_error error = { 0, "" };
	struct ls_snapshot *snapshot;

	check(ls_snapshot_write(&state->guard, dirfd,
				ls_map_now(&state->guard, NOW_MS), REAL_MS,
				&error) == 0,
	      error.text);
	check(ls_snapshot_open(dirfd, &snapshot, &error) == 0, error.text);
	ls_snapshot_close(&snapshot);
}

static void on_finding(void *context, const char *finding)
{
	(void)context;
	check(finding[0] != '\0', "an empty finding");
}

static void use_guard(bool writable)
{
	struct ls_status status;

	ls_status(state, NOW_MS, &status);
	list();
	read_journal(LS_JOURNAL_GUARD, &state->guard);
	save();
	list_senders();
	for (unsigned i = 0; writable && i < 12; i++) {
		decide(i);
		send(i);
	}
	read_journal(LS_JOURNAL_GUARD, &state->guard);
}

static void list_sessions(void)
{
	uint64_t cursor = 0, count = 0;
	struct ls_session_info info;

	while (ls_session_next(state, &cursor, &info) == 1) {
		check(++count <= state->sessions.live.places,
		      "a list of sessions has no end");
		check(ENDS(info.user) && ENDS(info.service) && ENDS(info.id),
		      "a text of a session has no end");
	}
	check(ls_sessions_live(state, NULL) <= state->sessions.live.places,
	      "too many sessions");
}

static void live(unsigned number)
{
	const struct ls_addr ip = { { 0 } };
	const struct ls_session_start start = {
		.service = "imap",
		.user = number % 2 == 0 ? "joe" : "ann",
		.ip = &ip,
		.id = "id",
		.restored = number % 5 == 0,
	};
	uint64_t key = ls_key_user(state->sessions.hash_key, start.user);
	struct ls_decision decision;
	struct ls_session session;

	ls_session_open(state, &start, NOW_MS, &session, &decision);
	check(decision.verdict < LS_VERDICT_COUNT, "no verdict");
	ls_seats_are_taken(state, key, 3, NOW_MS);
	list_sessions();
	if (number % 3 != 0)
		ls_session_close(state, &start, &session, LS_END_CLOSED,
				 NOW_MS);
	ls_sessions_sweep(state, NOW_MS);
}

static void use_sessions(bool writable)
{
	list_sessions();
	read_journal(LS_JOURNAL_SESSIONS, &state->sessions);
	for (unsigned i = 0; writable && i < 12; i++)
		live(i);
	read_journal(LS_JOURNAL_SESSIONS, &state->sessions);
}

static void try(enum ls_map_type type, const void *bytes, size_t size,
		bool writable)
{
	struct ls_map *map = type == LS_MAP_GUARD ? &state->guard
						  : &state->sessions;
	struct ls_error error = { 0, "" };
	int fd = openat(dirfd, "map", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "no memory");
	close(fd);
	if (ls_map_open(dirfd, "map", "map", type, writable, map, &error) < 0) {
		check(map->header == NULL, "failed, with a map");
		check(error.code < 0 && error.text[0] != '\0' &&
			      ENDS(error.text),
		      "failed, without a reason");
		return;
	}
	ls_verify(state, NOW_MS, on_finding, NULL);
	if (type == LS_MAP_GUARD)
		use_guard(writable);
	else
		use_sessions(writable);
	ls_map_close(map);
}

static void try_all(enum ls_map_type type, const uint8_t *data, size_t size)
{
	const struct good *good = &goods[type];
	struct ls_map_header *header;
	uint8_t *bytes;
	size_t fixed = offsetof(struct ls_map_header, retired);

	try(type, data, size, true);
	bytes = calloc(1, size > good->size ? size : good->size);
	check(bytes != NULL, "no memory");
	header = (struct ls_map_header *)(void *)bytes;
	if (size >= LS_MAP_HEADER_SIZE) {
		memcpy(bytes, data, size);
		memcpy(header->boot_id, good->header.boot_id,
		       sizeof(header->boot_id));
		crypto_shorthash((unsigned char *)&header->check, bytes,
				 offsetof(struct ls_map_header, check),
				 header->hash_key);
		try(type, bytes, size, true);
	}
	memset(bytes, 0, good->size);
	memcpy(bytes, &good->header, fixed);
	memcpy(bytes + fixed, data,
	       size < good->size - fixed ? size : good->size - fixed);
	try(type, bytes, good->size, size % 2 == 0);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	prepare();
	if (size > SIZE_MAX_USED)
		return 0;
	try_all(LS_MAP_GUARD, data, size);
	try_all(LS_MAP_SESSIONS, data, size);
	return 0;
}
