/* bench-engine.c - what the engine takes, through the calls of the servers
 *
 * Time is simulated and stands still, so that nothing drains and no limit is
 * met; the clock that is measured with is another. */
#include "lockstep-config.h"

#include "cli.h"
#include "policy/policy.h"
#include "verbs/bench.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROUNDS = 7,
	CACHED = 64,       /* people, while the table is in the cache */
	MILLION = 1000000, /* subjects */
	JOURNAL = 65536,
};
static const uint64_t now_ms = BENCH_NOW_MS, real_ms = BENCH_REAL_MS;

static int fail_once(const char *what, const struct ls_error *error)
{
	cli_complain("bench: %s: %s", what, error->text);
	return -1;
}

static int open_bed(struct bed *bed, struct ls_error *error)
{
	const struct ls_open_args args = {
		.policy_path = bed->policy,
		.flags = LS_GUARD_WRITE | LS_SESSIONS_WRITE | LS_CREATE |
			 LS_LOGINS | LS_CONTACTS,
		.now_ms = now_ms,
		.real_ms = real_ms,
	};

	return ls_open(&args, &bed->state, error);
}

int bench_bed_make(struct bed *bed, uint64_t subjects)
{
	struct stat st;
	bool tmpfs = stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode);
	struct ls_policy_writer *writer;
	struct ls_error error = { 0, "" };
	struct ls_policy policy;

	bed->state = NULL;
	snprintf(bed->dir, sizeof(bed->dir), "%s/lockstep-bench.XXXXXX",
		 tmpfs ? "/dev/shm" : "/tmp");
	if (mkdtemp(bed->dir) == NULL) {
		cli_complain("bench: cannot make %s", bed->dir);
		return -1;
	}
	snprintf(bed->policy, sizeof(bed->policy), "%s/policy.cdb", bed->dir);
	snprintf(bed->guard, sizeof(bed->guard), "%s/guard", bed->dir);
	ls_policy_presets(&policy);
	snprintf(policy.state_dir, sizeof(policy.state_dir), "%s", bed->dir);
	policy.group[0] = '\0';
	policy.subjects = subjects;
	policy.journal_size = JOURNAL;
	/* Room enough that what is measured is never a refusal. */
	policy.net.failures[LS_FAST].units = 500000;
	policy.net.failures[LS_SLOW].units = 500000;
	policy.sending.messages.units = policy.sending.recipients.units =
		3000000;
	policy.contacts = 100000;
	if (ls_policy_writer_init(bed->policy, &writer, &error) < 0)
		return fail_once("policy", &error);
	ls_policy_writer_policy(writer, &policy);
	if (ls_policy_writer_commit(&writer, real_ms, &error) < 0)
		return fail_once("policy", &error);
	return open_bed(bed, &error) < 0 ? fail_once("maps", &error) : 0;
}

void bench_bed_strip(struct bed *bed)
{
	static const char *const names[] = { "guard", "sessions", "policy.cdb",
					     "snapshot.cdb", ".lock",
					     "secret", "contacts" };
	char path[128];

	ls_close(&bed->state);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", bed->dir, names[i]);
		unlink(path);
	}
	rmdir(bed->dir);
}

/* Person number i, of a network of 250; the name is the password too. */
static void attempt_of(uint32_t i, char name[32], struct ls_attempt *attempt)
{
	uint32_t net = i / 250;

	snprintf(name, 32, "user%" PRIu32 "@example.com", i);
	*attempt = (struct ls_attempt){ .service = "imap",
					.mech = "PLAIN",
					.user = name,
					.secured = true,
					.password = name };
	attempt->ip.octet[10] = attempt->ip.octet[11] = 0xff;
	attempt->ip.octet[12] = 10;
	attempt->ip.octet[13] = (uint8_t)(net >> 8);
	attempt->ip.octet[14] = (uint8_t)net;
	attempt->ip.octet[15] = (uint8_t)(1 + i % 250);
}

static void log_in(struct ls_state *state, const struct ls_attempt *attempt,
		   enum ls_outcome outcome)
{
	struct ls_decision decision;
	struct ls_ticket ticket;

	ls_admit(state, attempt, now_ms, &decision, &ticket);
	ls_settle(state, &ticket, outcome, now_ms);
}

/* ns for one admit and settle, of `people` in random order. */
static double time_logins(struct ls_state *state, uint32_t people,
			  enum ls_outcome outcome, unsigned times)
{
	enum { DRAWN = 4096 };
	struct person {
		char name[32];
		struct ls_attempt attempt;
	} *drawn = malloc(DRAWN * sizeof(*drawn));
	double round[ROUNDS];

	if (drawn == NULL)
		return 0;
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t took = 0;

		for (unsigned done = 0; done < times; done += DRAWN) {
			uint64_t began;

			for (unsigned i = 0; i < DRAWN; i++) {
				uint32_t who = (uint32_t)random() % people;

				attempt_of(who, drawn[i].name,
					   &drawn[i].attempt);
			}
			began = bench_ns();
			for (unsigned i = 0; i < DRAWN; i++)
				log_in(state, &drawn[i].attempt, outcome);
			took += bench_ns() - began;
		}
		round[r] = (double)took /
			   (double)((times + DRAWN - 1) / DRAWN * DRAWN);
	}
	free(drawn);
	return bench_median(round, ROUNDS);
}

static void bench_cached(struct bed *bed)
{
	/* The backend's failure gives all back: each time the whole way of a
	 * stranger, four subjects, eight charges, eight refunds. */
	bench_report("admit_settle_cached_ns", "ns",
		     time_logins(bed->state, CACHED, LS_OUTCOME_INTERNAL,
				 100000),
		     "floor_siphash_ns",
		     "admit + settle, a stranger, in cache");
	time_logins(bed->state, CACHED, LS_OUTCOME_SUCCESS, 1);
	bench_report("admit_settle_familiar_cached_ns", "ns",
		     time_logins(bed->state, CACHED, LS_OUTCOME_SUCCESS,
				 100000),
		     "floor_siphash_ns",
		     "admit + settle, a familiar place, in cache");
}

/* A mail session, begun and ended: its place, its seat, both in the journal. */
static void bench_session(struct bed *bed)
{
	enum { TIMES = 20000 };
	struct ls_attempt attempt;
	double round[ROUNDS];
	char name[32];

	attempt_of(1, name, &attempt);
	for (unsigned r = 0; r < ROUNDS; r++) {
		const struct ls_session_start start = {
			.service = "imap", .user = name, .ip = &attempt.ip,
			.id = "AbCdEfGh/1234567"
		};
		struct ls_decision decision;
		struct ls_session session;
		uint64_t began = bench_ns();

		for (unsigned i = 0; i < TIMES; i++) {
			ls_session_open(bed->state, &start, now_ms, &session,
					&decision);
			ls_session_close(bed->state, &start, &session,
					 LS_END_CLOSED, now_ms);
		}
		round[r] = (double)(bench_ns() - began) / (double)TIMES;
	}
	bench_report("session_open_close_ns", "ns",
		     bench_median(round, ROUNDS), "floor_cache_miss_ns",
		     "a mail session, begun and ended");
}

double bench_two(void *context, unsigned times, bench_work_fn *work)
{
	_Atomic int *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began, took;
	pid_t other;

	if (ready == MAP_FAILED)
		return 0;
	other = fork();
	if (other < 0)
		return 0;
	atomic_fetch_add(ready, 1);
	while (atomic_load(ready) < 2) {
	}
	began = bench_ns();
	work(context, other == 0, times);
	if (other == 0)
		_exit(0);
	waitpid(other, NULL, 0);
	took = bench_ns() - began;
	munmap(ready, 4096);
	return (double)took / (2.0 * times);
}

static void one_subject(void *state, unsigned who, unsigned times)
{
	struct ls_attempt attempt;
	char name[32];

	(void)who;
	attempt_of(250000, name, &attempt);
	for (unsigned i = 0; i < times; i++)
		log_in(state, &attempt, LS_OUTCOME_INTERNAL);
}

static void many_subjects(void *state, unsigned who, unsigned times)
{
	struct ls_attempt attempt;
	char name[32];

	for (unsigned i = 0; i < times; i++) {
		attempt_of(500 + 1000 * who + i % 250, name, &attempt);
		log_in(state, &attempt, LS_OUTCOME_INTERNAL);
	}
}

static void bench_contention(struct bed *bed)
{
	enum { TIMES = 100000 };
	double round[2][ROUNDS];

	for (unsigned r = 0; r < ROUNDS; r++) {
		round[0][r] = bench_two(bed->state, TIMES, one_subject);
		round[1][r] = bench_two(bed->state, TIMES, many_subjects);
	}
	bench_report("contended_one_subject_ns", "ns",
		     bench_median(round[0], ROUNDS), "floor_cas_contended_ns",
		     "admit + settle, two processes, one stranger");
	bench_report("contended_many_subjects_ns", "ns",
		     bench_median(round[1], ROUNDS), "floor_cas_contended_ns",
		     "the same, many strangers");
}

/* A million familiar places, and what a restart makes of them. */
static int bench_snapshot(struct bed *bed)
{
	enum { TIMES = 3 };
	double wrote[TIMES], loaded[TIMES];
	struct ls_error error = { 0, "" };
	struct ls_attempt attempt;
	struct ls_status status;
	char name[32];

	for (uint32_t i = 0; i < MILLION; i++) {
		attempt_of(i, name, &attempt);
		log_in(bed->state, &attempt, LS_OUTCOME_SUCCESS);
	}
	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t began = bench_ns();

		if (ls_snapshot_save(bed->state, now_ms, real_ms, &error) < 0)
			return fail_once("snapshot", &error);
		wrote[i] = (double)(bench_ns() - began) / 1e6;
		ls_close(&bed->state);
		unlink(bed->guard);
		began = bench_ns();
		if (open_bed(bed, &error) < 0)
			return fail_once("maps", &error);
		loaded[i] = (double)(bench_ns() - began) / 1e6;
	}
	ls_status(bed->state, now_ms, &status);
	bench_report("snapshot_write_1m_ms", "ms", bench_median(wrote, TIMES),
		     NULL, "snapshot of 1 M familiar places, fsync included");
	bench_report("snapshot_load_1m_ms", "ms", bench_median(loaded, TIMES),
		     NULL, "a new guard from it");
	bench_report("snapshot_places", "", (double)status.familiar, NULL,
		     "familiar places in the new guard");
	return 0;
}

/* A million subjects that are all in use, at two thirds of the room. */
static int bench_million(void)
{
	enum { PEOPLE = MILLION / 3, ROOM = MILLION / 2 * 3 };
	struct bed bed;

	if (bench_bed_make(&bed, ROOM) < 0) {
		bench_bed_strip(&bed);
		return -1;
	}
	for (uint32_t i = 0; i < PEOPLE; i++) {
		struct ls_attempt attempt;
		char name[32];

		attempt_of(i, name, &attempt);
		log_in(bed.state, &attempt, LS_OUTCOME_INTERNAL);
	}
	bench_report("admit_settle_1m_ns", "ns",
		     time_logins(bed.state, PEOPLE, LS_OUTCOME_INTERNAL,
				 100000),
		     "floor_cache_miss_ns",
		     "admit + settle, a stranger, 1 M subjects");
	bench_bed_strip(&bed);
	return 0;
}

/* The size of a guard with this room, 0 after a complaint. */
static double guard_size(uint64_t subjects)
{
	struct bed bed;
	struct stat st;
	double size = 0;

	if (bench_bed_make(&bed, subjects) == 0 && stat(bed.guard, &st) == 0)
		size = (double)st.st_size;
	bench_bed_strip(&bed);
	return size;
}

static int bench_size(void)
{
	double half = guard_size(MILLION / 2), whole = guard_size(MILLION);

	if (half == 0 || whole == 0)
		return -1;
	bench_report("subject_bytes", "B", (whole - half) / (MILLION - MILLION / 2),
		     NULL, "memory for a subject more");
	bench_report("guard_1m_mb", "MB", whole / 1e6, NULL,
		     "a guard for 1 M subjects, journal included");
	return 0;
}

int bench_engine(void)
{
	/* Places, accounts and addresses together. */
	enum { ROOM = 5 * (MILLION / 2) };
	struct bed bed;
	int ret;

	srandom(1);
	if (bench_bed_make(&bed, 262144) < 0) {
		bench_bed_strip(&bed);
		return -1;
	}
	bench_cached(&bed);
	bench_session(&bed);
	bench_journal();
	bench_contention(&bed);
	bench_bed_strip(&bed);
	if (bench_million() < 0 || bench_size() < 0)
		return -1;
	ret = bench_bed_make(&bed, ROOM);
	if (ret == 0)
		ret = bench_snapshot(&bed);
	bench_bed_strip(&bed);
	return ret;
}
