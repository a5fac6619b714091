/* test_session.c - live sessions: their limit, their end, and who holds what */
#include "lockstep-config.h"

#include "harness.h"
#include "world.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOME "192.0.2.1"
#define JOE "joe@example.test"
#define ANN "ann@example.test"
#define BOTH (LS_GUARD_WRITE | LS_SESSIONS_WRITE | LS_CREATE)
/* A mail process. */
#define MAIL (LS_GUARD_READ | LS_SESSIONS_WRITE)

static struct world world;
static struct ls_addr home;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	home = world_addr(HOME);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct ls_session_start start_of(const char *user)
{
	return (struct ls_session_start){
		.service = "imap", .user = user, .ip = &home, .id = "id-1"
	};
}

static struct ls_decision begin(struct ls_state *state, const char *user,
				struct ls_session *session_r)
{
	const struct ls_session_start start = start_of(user);
	struct ls_decision decision;

	check("open",
	      ls_session_open(state, &start, world.now_ms, session_r,
			      &decision),
	      0);
	return decision;
}

static void end(struct ls_state *state, const char *user,
		struct ls_session *session)
{
	const struct ls_session_start start = start_of(user);

	ls_session_close(state, &start, session, LS_END_CLOSED, world.now_ms);
}

/* The last record of the sessions journal. */
static struct ls_record last_record(void)
{
	uint64_t head = ls_journal_head(world.state, LS_JOURNAL_SESSIONS);
	struct ls_cursor cursor = { .next = head - 1 };
	struct ls_record record;

	check("last",
	      ls_journal_next(world.state, LS_JOURNAL_SESSIONS, &cursor,
			      world.now_ms, &record),
	      1);
	return record;
}

static void test_limit(void **state)
{
	struct ls_session first, second, third, other;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "2");
	world_open(&world, BOTH);
	check("first", begin(world.state, JOE, &first).verdict, LS_ADMIT);
	check("second", begin(world.state, JOE, &second).verdict, LS_ADMIT);
	decision = begin(world.state, JOE, &third);
	check("third", decision.verdict, LS_DENY);
	check("third", decision.reason, LS_REASON_SESSIONS);
	check("third", decision.kind, LS_KIND_USER);
	check("third", decision.reveal, true);
	check("third", third.open, false);
	check("told", last_record().verdict, LS_DENY);
	check("told", last_record().reason, LS_REASON_SESSIONS);
	check("another's", begin(world.state, ANN, &other).verdict, LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), 2);
	check("live", ls_sessions_live(world.state, NULL), 3);
	end(world.state, JOE, &third); /* never was */
	check("live", ls_sessions_live(world.state, JOE), 2);
	end(world.state, JOE, &first);
	end(world.state, JOE, &first);
	check("live", ls_sessions_live(world.state, JOE), 1);
	check("again", begin(world.state, JOE, &first).verdict, LS_ADMIT);
	check("full", begin(world.state, JOE, &third).verdict, LS_DENY);
}

static void test_end_is_told(void **state)
{
	struct ls_session session;
	struct ls_record record;

	(void)state;
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	check("event", last_record().event, LS_EVENT_SESSION);
	world_pass(&world, 90 * WORLD_SECOND);
	end(world.state, JOE, &session);
	record = last_record();
	check("event", record.event, LS_EVENT_SESSION_END);
	check("duration", record.at_ms - record.until_ms, 90000);
	check_text("user", record.subject.user, JOE);
	check_text("service", record.service, "imap");
	check_text("id", record.detail, "id-1");
	check_text("how", record.mech, "closed");
	check("ip", ls_addr_equal(&record.subject.net.addr, &home), true);
}

static void test_listed(void **state)
{
	struct ls_session_info info;
	struct ls_session session;
	uint64_t cursor = 0;

	(void)state;
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	check("one", ls_session_next(world.state, &cursor, &info), 1);
	check_text("user", info.user, JOE);
	check_text("service", info.service, "imap");
	check_text("id", info.id, "id-1");
	check("pid", info.pid, getpid());
	check("since", info.began_ms, world.now_ms);
	check("ip", ls_addr_equal(&info.ip, &home), true);
	check("no more", ls_session_next(world.state, &cursor, &info), 0);
}

/* None, or only observed; a policy that grows. */
static void test_without_limit(void **state)
{
	struct ls_session session;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "0");
	world_open(&world, BOTH);
	for (unsigned i = 0; i < 60; i++)
		check("none", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	world_set(&world, "user", "sessions", "1");
	world_set(&world, "user", "mode", "observe");
	world_open(&world, BOTH);
	check("first", begin(world.state, ANN, &session).wanted, LS_ADMIT);
	decision = begin(world.state, ANN, &session);
	check("observed", decision.verdict, LS_ADMIT);
	check("observed", decision.wanted, LS_DENY);
	check("told", last_record().wanted, LS_DENY);
	check("live", ls_sessions_live(world.state, ANN), 2);
}

/* One that was hibernated is not refused, and has no seat to give back. */
static void test_restored(void **state)
{
	struct ls_session_start start = start_of(JOE);
	struct ls_session session, woken;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	start.restored = true;
	check("open",
	      ls_session_open(world.state, &start, world.now_ms, &woken,
			      &decision),
	      0);
	check("woken", decision.verdict, LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), 2);
	ls_session_close(world.state, &start, &woken, LS_END_HIBERNATED,
			 world.now_ms);
	check_text("how", last_record().mech, "hibernated");
	check("still full", begin(world.state, JOE, &woken).verdict, LS_DENY);
}

static bool is_revoked(struct ls_session *session, const char *user,
		       enum ls_reason *reason_r)
{
	struct ls_decision decision;
	bool revoked = ls_session_is_revoked(world.state, session, user, &home,
					     world.now_ms, &decision);

	*reason_r = decision.reason;
	return revoked;
}

static void test_revoked(void **state)
{
	struct ls_subject joe = world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_subject ip = world_subject(LS_KIND_IP, NULL, HOME);
	struct ls_session session, other;
	struct ls_release release;
	enum ls_reason reason;

	(void)state;
	world_open(&world, BOTH);
	/* From a familiar place: that spares nobody here. */
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	begin(world.state, JOE, &session);
	begin(world.state, ANN, &other);
	check("nothing", is_revoked(&session, JOE, &reason), false);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, "", world.now_ms);
	check("frozen", is_revoked(&session, JOE, &reason), true);
	check("frozen", reason, LS_REASON_SENDING);
	check("another's", is_revoked(&other, ANN, &reason), false);
	check("refused", begin(world.state, JOE, &session).verdict, LS_DENY);
	check("refused", session.open, false);
	ls_release(world.state, JOE, "", world.now_ms, NULL, NULL, &release);

	begin(world.state, JOE, &session);
	ls_lock(world.state, &ip, WORLD_HOUR, "root", world.now_ms);
	check("address", is_revoked(&session, JOE, &reason), false);
	ls_lock(world.state, &joe, WORLD_HOUR, "root", world.now_ms);
	check("locked", is_revoked(&session, JOE, &reason), true);
	check("locked", reason, LS_REASON_ADMIN);
	check("another's", is_revoked(&other, ANN, &reason), false);
}

/* What a rule does falls on strangers, not on who is in. */
static void test_not_revoked_by_a_rule(void **state)
{
	struct ls_session session;
	enum ls_reason reason;

	(void)state;
	world_set(&world, "user", "failures", "3/1h, 0");
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	world_guess(&world, JOE, "203.0.113.1", 5);
	check("locked", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      true);
	check("revoked", is_revoked(&session, JOE, &reason), false);
}

/* ---- processes -------------------------------------------------------- */

enum { PROCESSES = 12, SEATS = 5 };

struct shared {
	_Atomic unsigned admitted, denied, go;
};

/* Open one session, tell how that went, and live until killed. */
static void hold_for_ever(struct shared *shared)
{
	struct ls_session session;
	struct ls_error error;
	struct ls_state *mine;

	if (world_join(&world, MAIL, &mine, &error) < 0)
		_exit(1);
	while (atomic_load(&shared->go) == 0) {
	}
	if (begin(mine, JOE, &session).verdict == LS_ADMIT)
		atomic_fetch_add(&shared->admitted, 1);
	else
		atomic_fetch_add(&shared->denied, 1);
	for (;;)
		pause();
}

static void spawn(struct shared *shared, pid_t pid[PROCESSES])
{
	atomic_store(&shared->admitted, 0);
	atomic_store(&shared->denied, 0);
	atomic_store(&shared->go, 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			hold_for_ever(shared);
	}
	atomic_store(&shared->go, 1);
	while (atomic_load(&shared->admitted) + atomic_load(&shared->denied) <
	       PROCESSES)
		usleep(1000);
}

static void kill_all(pid_t pid[PROCESSES])
{
	for (unsigned i = 0; i < PROCESSES; i++)
		kill(pid[i], SIGKILL);
	for (unsigned i = 0; i < PROCESSES; i++)
		waitpid(pid[i], NULL, 0);
}

/* However many want the last seat at once, one gets it; and a process that is
 * killed leaves its seat to the next, whether anybody sweeps or not. */
static void test_processes(void **state)
{
	struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ls_session session;
	pid_t pid[PROCESSES];

	(void)state;
	world_set(&world, "user", "sessions", "5");
	world_open(&world, BOTH);
	for (unsigned round = 0; round < 4; round++) {
		spawn(shared, pid);
		check("admitted", atomic_load(&shared->admitted), SEATS);
		check("denied", atomic_load(&shared->denied),
		      PROCESSES - SEATS);
		check("live", ls_sessions_live(world.state, JOE), SEATS);
		check("one more", begin(world.state, JOE, &session).verdict,
		      LS_DENY);
		kill_all(pid);
		check("live", ls_sessions_live(world.state, JOE), 0);
		if (round % 2 == 1) {
			/* Those of the round before as well. */
			check("swept",
			      ls_sessions_sweep(world.state, world.now_ms),
			      2 * SEATS);
			check_text("how", last_record().mech, "died");
		}
	}
	check("swept", ls_sessions_sweep(world.state, world.now_ms), 0);
	munmap(shared, 4096);
}

/* Killed anywhere: nothing stays taken. */
static void come_and_go(void)
{
	struct ls_session session;
	struct ls_error error;
	struct ls_state *mine;

	if (world_join(&world, MAIL, &mine, &error) < 0)
		_exit(1);
	for (;;) {
		struct ls_session_start start = start_of(JOE);
		struct ls_decision decision;

		ls_session_open(mine, &start, world.now_ms, &session,
				&decision);
		ls_session_close(mine, &start, &session, LS_END_CLOSED,
				 world.now_ms);
	}
}

static unsigned count_places(const struct ls_map *map)
{
	struct ls_live_record record;
	unsigned count = 0;

	for (uint64_t i = 0; i < map->live.places; i++)
		count += ls_live_read(&map->live, i, false, &record);
	return count;
}

static void test_killed(void **state)
{
	struct ls_session session[SEATS + 1];
	uint64_t seed = 7;

	(void)state;
	world_set(&world, "user", "sessions", "5");
	world_open(&world, BOTH);
	for (unsigned round = 0; round < 60; round++) {
		pid_t pid[3];

		for (unsigned i = 0; i < COUNT(pid); i++) {
			pid[i] = fork();
			if (pid[i] == 0)
				come_and_go();
		}
		usleep((useconds_t)(500 + harness_random(&seed) % 4000));
		for (unsigned i = 0; i < COUNT(pid); i++)
			kill(pid[i], SIGKILL);
		for (unsigned i = 0; i < COUNT(pid); i++)
			waitpid(pid[i], NULL, 0);
		for (unsigned i = 0; i < SEATS; i++)
			check("all free",
			      begin(world.state, JOE, &session[i]).verdict,
			      LS_ADMIT);
		check("full",
		      begin(world.state, JOE, &session[SEATS]).verdict,
		      LS_DENY);
		for (unsigned i = 0; i < SEATS; i++)
			end(world.state, JOE, &session[i]);
	}
	ls_sessions_sweep(world.state, world.now_ms);
	check("none left", count_places(&world.state->sessions), 0);
}

/* ---- a full map, a hostile one ---------------------------------------- */

static void test_no_place(void **state)
{
	const struct ls_map *map;
	struct ls_session session;
	uint64_t places;

	(void)state;
	world_set(&world, "user", "sessions", "0");
	world_open(&world, BOTH);
	map = &world.state->sessions;
	places = map->live.places;
	/* One account's sessions have LS_LIVE_PROBES places to choose from. */
	for (uint64_t i = 0; i < LS_LIVE_PROBES + 3; i++)
		check("admitted", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	check_within("places", places, LS_LIVE_PROBES + 1, UINT32_MAX);
	check("live", ls_sessions_live(world.state, JOE), LS_LIVE_PROBES);
	check("counted", atomic_load(&map->header->live_full), 3);
	check("open all the same", session.open, true);
	end(world.state, JOE, &session);
	check_text("told", last_record().mech, "closed");
}

/* Whoever may write the map writes anything. */
static void test_hostile(void **state)
{
	struct ls_session_info info;
	struct ls_session session;
	struct ls_map *map;
	uint64_t seed = 1;

	(void)state;
	world_set(&world, "user", "sessions", "3");
	world_open(&world, BOTH);
	map = &world.state->sessions;
	for (unsigned round = 0; round < 300; round++) {
		uint64_t *word = (uint64_t *)(void *)map->live.place;
		size_t words = map->live.places * LS_LIVE_WORDS;
		uint64_t cursor = 0;

		for (unsigned i = 0; i < 2000; i++)
			word[harness_random(&seed) % words] =
				harness_random(&seed) >>
				(harness_random(&seed) % 64);
		word = (uint64_t *)(void *)map->subjects.record;
		words = map->subjects.buckets * LS_WAYS * LS_SLOT_WORDS;
		for (unsigned i = 0; i < 200; i++)
			word[harness_random(&seed) % words] =
				harness_random(&seed);
		begin(world.state, JOE, &session);
		while (ls_session_next(world.state, &cursor, &info) == 1)
			check_within("name", strlen(info.user), 0,
				     LS_USER_MAX);
		ls_sessions_live(world.state, JOE);
		session.bits ^= harness_random(&seed) % 2;
		end(world.state, JOE, &session);
		ls_sessions_sweep(world.state, world.now_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_limit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_revoked_by_a_rule,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_processes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_place, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
