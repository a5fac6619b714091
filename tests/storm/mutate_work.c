/* mutate_work.c - see mutate_work.h */
#include "lockstep-config.h"

#include "mutate_work.h"
#include "state/snapshot.h"

#include <unistd.h>

enum { OPEN_FOR = 64 /* rounds on one opening */ };

struct mutate_shared *mutate_shared;

static uint64_t now_of(unsigned who)
{
	return storm_world.now_ms +
	       atomic_load(&mutate_shared->beat[who]) * 100;
}

static void check_end(const char *what, const char *text, size_t size)
{
	storm_check(memchr(text, '\0', size) != NULL, "%s has no end", what);
}

static void check_subject(const struct ls_subject *subject)
{
	char text[LS_SUBJECT_TEXT];

	storm_check(subject->kind < LS_KIND_COUNT && subject->net.bits <= 128,
		    "a subject of kind %u, %u bits", (unsigned)subject->kind,
		    subject->net.bits);
	check_end("a user", subject->user, sizeof(subject->user));
	ls_subject_format(subject, text);
	check_end("a subject", text, sizeof(text));
}

static void list(struct ls_state *state, uint64_t now_ms)
{
	struct ls_lock lock;
	uint64_t cursor = 0;
	unsigned count = 0;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		storm_check(++count < 2 * SLOTS, "a list without end");
		check_subject(&lock.subject);
		check_end("a reason", ls_reason_name(lock.reason), 32);
		check_end("an origin", ls_origin_name(lock.origin), 32);
	}
}

static void read_journals(struct ls_state *state, struct ls_cursor cursor[2],
			  uint64_t now_ms)
{
	static const enum ls_journal journals[] = { LS_JOURNAL_GUARD,
						    LS_JOURNAL_SESSIONS };

	for (unsigned i = 0; i < COUNT(journals); i++) {
		struct ls_record record;
		unsigned count = 0;

		while (count++ < 4 * RECORDS &&
		       ls_journal_next(state, journals[i], &cursor[i], now_ms,
				       &record) == 1) {
			storm_check(record.event < LS_EVENT_COUNT &&
					    record.outcome < LS_OUTCOME_COUNT &&
					    record.verdict < LS_VERDICT_COUNT &&
					    record.reason < LS_REASON_COUNT &&
					    record.origin < LS_ORIGIN_COUNT,
				    "a record without bounds");
			check_subject(&record.subject);
			check_end("a service", record.service,
				   sizeof(record.service));
			check_end("a mech", record.mech, sizeof(record.mech));
			check_end("a detail", record.detail,
				   sizeof(record.detail));
			check_end("more", record.more, sizeof(record.more));
		}
	}
}

static void on_finding(void *context, const char *finding)
{
	(void)context;
	storm_check(finding[0] != '\0', "an empty finding");
}

/* Whatever stands in the map: what is written can be read again. */
static void save_and_load(struct ls_state *state, uint64_t now_ms)
{
	struct ls_error error = { 0, "" };
	struct ls_snapshot *snapshot;

	if (ls_snapshot_save(state, now_ms, storm_world.real_ms, &error) < 0) {
		storm_check(error.text[0] != '\0', "no reason");
		return;
	}
	storm_check(ls_snapshot_open(storm_world.dirfd, &snapshot, &error) == 0,
		    "%s", error.text);
	ls_snapshot_close(&snapshot);
}

void mutate_read(struct ls_state *state, unsigned who,
		      struct ls_cursor cursor[2], uint64_t dice)
{
	uint64_t now_ms = now_of(who);
	struct ls_status status;

	switch (dice % 4) {
	case 0:
		list(state, now_ms);
		break;
	case 1:
		read_journals(state, cursor, now_ms);
		break;
	case 2:
		ls_status(state, now_ms, &status);
		if (who == WRITERS)
			save_and_load(state, now_ms);
		break;
	default:
		atomic_fetch_add(&mutate_shared->findings,
				 ls_verify(state, now_ms, on_finding, NULL));
	}
}

/* What no accident makes: a record, a lock and a label that fit, but for what
 * they say. */
static void forge(struct ls_state *state, const struct ls_subject *subject,
		  uint64_t now_ms, uint64_t dice)
{
	const struct ls_map *map = &state->guard;
	uint64_t key = ls_key_subject(map->hash_key, subject);
	uint64_t now = ls_map_now(map, now_ms);
	struct ls_subject other = *subject;
	struct ls_record record = {
		.event = (enum ls_event)(dice & 15),
		.outcome = (enum ls_outcome)(dice >> 4 & 15),
		.verdict = (enum ls_verdict)(dice >> 8 & 7),
		.reason = (enum ls_reason)(dice >> 11 & 31),
		.origin = (enum ls_origin)(dice >> 16 & 7),
		.strikes = 255,
		.at_ms = dice,
		.until_ms = UINT64_MAX,
	};
	struct ls_ref ref;

	other.net.bits = (uint8_t)(dice >> 40);
	record.subject = other;
	ls_ring_append(&map->journal, &record);
	if (ls_table_claim(&map->subjects, key, subject->kind, now, true,
			   &ref) == 0)
		ls_slot_set(&ref, LS_WORD_LOCK, dice & LS_VALUE_MAX);
	ls_label_put(&map->labels, key, &other, LS_LABEL_LOCK, UINT64_MAX, now);
}

static void live(struct ls_state *state, const char *user,
		 const struct ls_addr *ip, uint64_t now_ms)
{
	const struct ls_session_start start = {
		.service = "imap", .user = user, .ip = ip, .id = "id"
	};
	struct ls_session_info info;
	struct ls_decision decision;
	struct ls_session session;
	uint64_t cursor = 0;

	ls_session_open(state, &start, now_ms, &session, &decision);
	ls_session_is_revoked(state, &session, user, ip, now_ms, &decision);
	while (ls_session_next(state, &cursor, &info) == 1) {
	}
	if (now_ms % 3 != 0)
		ls_session_close(state, &start, &session, LS_END_CLOSED,
				 now_ms);
	ls_sessions_sweep(state, now_ms);
}

/* Little room, few recipients: much of it is refused, and comes again. */
static void send(struct ls_state *state, const char *user,
		 const struct ls_addr *ip, uint64_t now_ms, uint64_t dice)
{
	static struct ls_gathered gathered;
	char instance[32], to[32];
	struct ls_message message = {
		.instance = instance,
		.user = dice >> 60 == 0 ? "" : user,
		.sender = dice >> 58 & 1 ? "someone@example.com" : user,
		.queue_id = "4Xyz",
		.ip = *ip,
		.recipients = dice >> 44 & 15,
		.size = dice >> 48 & 1023,
		.gathered = &gathered,
	};
	struct ls_decision decision;

	snprintf(instance, sizeof(instance), "%u", (unsigned)(dice % 5000));
	snprintf(to, sizeof(to), "p%u@x", (unsigned)(dice >> 33 & 63));
	ls_gather(state, &gathered, instance, message.user, to);
	ls_send(state, &message, now_ms, now_ms, &decision);
	storm_check(decision.verdict < LS_VERDICT_COUNT &&
			    decision.reason < LS_REASON_COUNT,
		    "no verdict");
}

void mutate_write(struct ls_state *state, unsigned who, uint64_t dice)
{
	static const enum ls_outcome outcomes[] = { LS_OUTCOME_WRONG,
						    LS_OUTCOME_WRONG,
						    LS_OUTCOME_SUCCESS,
						    LS_OUTCOME_INTERNAL };
	struct ls_attempt attempt = { .service = "imap",
				      .mech = "PLAIN",
				      .secured = true };
	uint64_t now_ms = now_of(who);
	struct ls_decision decision;
	struct ls_subject subject;
	struct ls_ticket ticket;
	char user[32], ip[32];

	snprintf(user, sizeof(user), "user%u", (unsigned)dice % 300);
	snprintf(ip, sizeof(ip), "10.0.%u.%u", (unsigned)(dice >> 20) % 8,
		 (unsigned)(dice >> 30) % 16);
	attempt.user = user;
	attempt.ip = world_addr(ip);
	subject = world_subject(LS_KIND_USER, user, NULL);
	switch (dice >> 40 & 15) {
	case 0:
		ls_lock(state, &subject, dice % WORLD_DAY, user, now_ms);
		break;
	case 1:
		ls_unlock(state, &subject, user, now_ms);
		break;
	case 2:
		ls_connect(state, "smtp", &attempt.ip, now_ms, &decision);
		break;
	case 3:
		live(state, user, &attempt.ip, now_ms);
		break;
	case 4:
		if (atomic_load(&mutate_shared->hostile))
			forge(state, &subject, now_ms, harness_random(&dice));
		break;
	case 5:
	case 6:
		send(state, user, &attempt.ip, now_ms, dice);
		break;
	default:
		ls_admit(state, &attempt, now_ms, &decision, &ticket);
		storm_check(decision.verdict < LS_VERDICT_COUNT,
			    "no verdict");
		ls_settle(state, &ticket, outcomes[dice >> 50 & 3], now_ms);
	}
}

void mutate_check_refusal(const struct ls_error *error)
{
	storm_check(error->code < 0 && error->text[0] != '\0',
		    "refused without a reason");
	check_end("an error", error->text, sizeof(error->text));
}

void mutate_work(unsigned who)
{
	unsigned flags = who < WRITERS ? LS_GUARD_WRITE | LS_SESSIONS_WRITE
				       : LS_GUARD_READ | LS_SESSIONS_READ;
	uint64_t seed = who + 1;

	while (!atomic_load(&mutate_shared->stop)) {
		struct ls_cursor cursor[2] = { { .next = 0 } };
		struct ls_state *state;
		struct ls_error error;

		atomic_fetch_add(&mutate_shared->beat[who], 1);
		if (world_join(&storm_world, flags, &state, &error) < 0) {
			mutate_check_refusal(&error);
			atomic_fetch_add(&mutate_shared->refused, 1);
			usleep(20);
			continue;
		}
		atomic_fetch_add(&mutate_shared->opened, 1);
		for (unsigned i = 0; i < OPEN_FOR; i++) {
			uint64_t dice = harness_random(&seed);

			if (ls_refresh(state, now_of(who), &error) < 0)
				break;
			if (who < WRITERS)
				mutate_write(state, who, dice);
			else
				mutate_read(state, who, cursor, dice);
			atomic_fetch_add(&mutate_shared->beat[who], 1);
			atomic_fetch_add(&mutate_shared->rounds, 1);
		}
		ls_close(&state);
	}
}
