/* test_session_processes.c - live sessions of many processes, killed anywhere, and
 * maps that are full or forged */
#include "lockstep-config.h"

#include "session_bed.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* ---- who is believed --------------------------------------------------- */

enum { DAY_MS = 24 * 3600 * 1000 };

/* A process of that name holds the only seat of an account, until it is killed: a child
 * of this one, or of a child. */
static pid_t sit_as(const char *name, const char *user, bool grandchild)
{
	int pipes[2];
	pid_t pid, holder = 0;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		struct ls_session session;
		struct ls_error error;
		struct ls_state *mine;

		if (grandchild && fork() > 0) {
			for (;;)
				pause();
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (world_join(&world, MAIL, &mine, &error) < 0 ||
		    begin(mine, user, &session).verdict != LS_ADMIT)
			_exit(1);
		holder = getpid();
		(void)!write(pipes[1], &holder, sizeof(holder));
		for (;;)
			pause();
	}
	check(name, read(pipes[0], &holder, sizeof(holder)), sizeof(holder));
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

/* May a sibling of theirs have a session of that account, so much later? */
static enum ls_verdict asked_by_sibling(unsigned flags, const char *user,
					uint64_t later_ms)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct ls_session session;
		struct ls_error error;
		struct ls_state *mine;

		if (world_join(&world, MAIL | flags, &mine, &error) < 0)
			_exit(99);
		world.now_ms += later_ms;
		_exit((int)begin(mine, user, &session).verdict);
	}
	waitpid(pid, &status, 0);
	return (enum ls_verdict)WEXITSTATUS(status);
}

static void test_who_is_believed(void **state)
{
	static const struct {
		const char *row, *name;
		bool grandchild;
		unsigned flags;
		uint64_t later_ms;
		enum ls_verdict want;
	} rows[] = {
		{ "a mail process", "imap", false, LS_SIBLINGS, 0, LS_DENY },
		{ "one in a wrapper", "memcheck-amd64-", false, LS_SIBLINGS, 0,
		  LS_DENY },
		{ "a login process", "imap-login", false, LS_SIBLINGS, 0,
		  LS_ADMIT },
		{ "one whose name is cut", "managesieve-log", false,
		  LS_SIBLINGS, 0, LS_ADMIT },
		{ "auth", "auth", false, LS_SIBLINGS, 0, LS_ADMIT },
		{ "somebody's child", "imap", true, LS_SIBLINGS, 0, LS_ADMIT },
		{ "one asked by no sibling", "imap", true, 0, 0, LS_DENY },
		{ "6 days old", "imap", false, LS_SIBLINGS,
		  UINT64_C(6) * DAY_MS, LS_DENY },
		{ "8 days old", "imap", false, LS_SIBLINGS,
		  UINT64_C(8) * DAY_MS, LS_ADMIT },
	};

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char user[32];
		pid_t pid;

		snprintf(user, sizeof(user), "user%zu", i);
		pid = sit_as(rows[i].name, user, rows[i].grandchild);
		check(rows[i].row,
		      asked_by_sibling(rows[i].flags, user, rows[i].later_ms),
		      rows[i].want);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
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

/* Killed while it took its place: given back, and nothing is told of what is only
 * half there. */
static void test_never_live(void **state)
{
	struct ls_live_record record = { .user = "half" };
	const struct ls_map *map;
	struct ls_hold hold;
	uint64_t head;

	(void)state;
	world_open(&world, BOTH);
	map = &world.state->sessions;
	record.process.pid = (uint32_t)fork();
	if (record.process.pid == 0)
		_exit(0);
	waitpid((pid_t)record.process.pid, NULL, 0);
	check("take", ls_live_take(&map->live, 7, &record, &hold), true);
	check("taken", count_places(map), 1);
	check("live", ls_sessions_live(world.state, NULL), 0);
	head = ls_journal_head(world.state, LS_JOURNAL_SESSIONS);
	check("swept", ls_sessions_sweep(world.state, world.now_ms), 1);
	check("free", count_places(map), 0);
	check("untold", ls_journal_head(world.state, LS_JOURNAL_SESSIONS),
	      head);
}

#define NOW ls_map_now(&world.state->sessions, world.now_ms)

/* A seat whose sitter gave its place back is free, whoever has the place by now. */
static void test_generations(void **state)
{
	struct ls_live_record record = { .user = JOE };
	const struct ls_live *live;
	struct ls_hold first, second;

	(void)state;
	world_open(&world, BOTH);
	live = &world.state->sessions.live;
	record.process = world.state->looker.self;
	check("first", ls_live_take(live, 7, &record, &first), true);
	check("taken", ls_seat_is_taken(live, ls_seat_value(&first), NULL, NOW),
	      true);
	check("given back", ls_live_free(live, &first), true);
	check("once", ls_live_free(live, &first), false);
	check("free", ls_seat_is_taken(live, ls_seat_value(&first), NULL, NOW),
	      false);
	check("second", ls_live_take(live, 7, &record, &second), true);
	check("the same place", second.place, first.place);
	check("still free", ls_seat_is_taken(live, ls_seat_value(&first), NULL, NOW),
	      false);
	check("taken", ls_seat_is_taken(live, ls_seat_value(&second), NULL, NOW),
	      true);
}

/* A seat of a place that the map has not is nobody's, and nothing beyond the map is
 * looked at. */
static void test_last_place(void **state)
{
	struct ls_live_record record = { .user = JOE };
	struct ls_live smaller;
	struct ls_hold hold;

	(void)state;
	world_open(&world, BOTH);
	smaller = world.state->sessions.live;
	record.process = world.state->looker.self;
	check("take", ls_live_take(&smaller, 7, &record, &hold), true);
	smaller.places = hold.place + 1;
	check("the last",
	      ls_seat_is_taken(&smaller, ls_seat_value(&hold), NULL, NOW), true);
	smaller.places = hold.place;
	check("beyond",
	      ls_seat_is_taken(&smaller, ls_seat_value(&hold), NULL, NOW),
	      false);
}

/* Nor has one a seat that ended, and whose parent has not looked yet. */
static void test_zombie(void **state)
{
	struct ls_session session;
	siginfo_t info;
	pid_t pid;

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	pid = fork();
	if (pid == 0) {
		struct ls_error error;
		struct ls_state *mine;

		if (world_join(&world, MAIL, &mine, &error) < 0)
			_exit(1);
		_exit(begin(mine, JOE, &session).verdict != LS_ADMIT);
	}
	check("ended", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	check("had a seat", info.si_status, 0);
	check("live", ls_sessions_live(world.state, JOE), 0);
	check("its seat", begin(world.state, JOE, &session).verdict, LS_ADMIT);
	check("reaped", waitpid(pid, NULL, 0), pid);
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
	check_within("places", places, 100, LS_LIVE_PROBES);
	for (uint64_t i = 0; i < places + 3; i++)
		check("admitted", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), places);
	check("counted", atomic_load(&map->header->live_full), 3);
	check("open all the same", session.open, true);
	end(world.state, JOE, &session);
	check_text("told", last_record().mech, "closed");
}

/* Fill the buckets of all but one of an account's seats with other seats that
 * somebody sits on. */
static void crowd(unsigned seats)
{
	const struct ls_map *map = &world.state->sessions;
	uint64_t user = ls_key_user(map->hash_key, JOE), now = world.now_ms;
	struct ls_ref ref;

	for (unsigned seat = 0; seat + 1 < seats; seat++) {
		uint64_t key = ls_seat_key(user, seat);

		for (uint64_t i = 1; i <= LS_WAYS; i++)
			if (ls_table_claim(&map->subjects, key ^ i,
					   LS_KIND_SEAT, now, false, &ref) == 0)
				ls_slot_swap(&ref, LS_WORD_SITTER, 0, 1);
	}
}

/* There is no room for some seats: the others are found, and the limit holds no
 * longer than they last. */
static void test_no_seat(void **state)
{
	enum { LIMIT = 3 };
	struct ls_session session;

	(void)state;
	world_set(&world, "user", "sessions", "3");
	world_open(&world, BOTH);
	world_fix_keys(&world);
	crowd(LIMIT);
	for (unsigned i = 0; i < LIMIT + 2; i++)
		check("admitted", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), LIMIT + 2);
	/* One of them has the seat that was left. */
	unsigned seated = 0;
	struct ls_live_record record;

	for (uint64_t i = 0; i < world.state->sessions.live.places; i++)
		if (ls_live_read(&world.state->sessions.live, i, true, &record))
			seated += record.seat == LIMIT;
	check("seated", seated, 1);
}

/* A limit above all that one part of the map could hold. */
static void test_many(void **state)
{
	struct ls_session session;

	(void)state;
	/* With room: in a table that is nearly full some seats find none. */
	world_set(&world, NULL, "subjects", "65536");
	world_set(&world, "user", "sessions", "300");
	world_open(&world, BOTH);
	for (unsigned i = 0; i < 300; i++)
		check("admitted", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	check("full", begin(world.state, JOE, &session).verdict, LS_DENY);
	check("live", ls_sessions_live(world.state, JOE), 300);
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

static unsigned findings;

static void on_finding(void *context, const char *finding)
{
	check_holds("finding", finding, context);
	findings++;
}

static void check_finding(const char *row, const char *text)
{
	findings = 0;
	check(row,
	      ls_verify(world.state, world.now_ms, on_finding,
			(void *)(uintptr_t)text),
	      1);
	check(row, findings, 1);
}

/* What is wrong with it is found, and with a good one nothing. */
static void test_verified(void **state)
{
	struct ls_session session;
	struct ls_map *map;
	_Atomic uint64_t *word;
	struct ls_ref ref;

	(void)state;
	world_set(&world, "user", "sessions", "3");
	world_open(&world, BOTH);
	map = &world.state->sessions;
	begin(world.state, JOE, &session);
	check("good", ls_verify(world.state, world.now_ms, on_finding, NULL), 0);
	word = map->live.place[session.place].word;
	atomic_fetch_add(&word[3], 1);
	check_finding("key", "its account has another key");
	atomic_fetch_sub(&word[3], 1);
	atomic_fetch_add(&word[2], 120000);
	check_finding("began", "begins in 120 s");
	atomic_fetch_sub(&word[2], 120000);
	check("seat",
	      ls_table_find(&map->subjects,
			    ls_seat_key(ls_key_user(map->hash_key, JOE), 0),
			    LS_KIND_SEAT, &ref),
	      0);
	ls_slot_set(&ref, LS_WORD_SITTER, map->live.places + 1);
	check_finding("seat", "a seat of no place");
}

static uint64_t boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* When a process began is told no later than it did. */
static void test_began(void **state)
{
	static const int nobody[] = { 0, -1, INT32_MAX };
	enum { TICKS_MS = 20 };
	uint64_t before = boot_ms(), began, after;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	after = boot_ms();
	began = ls_process_began_ms(pid);
	check("own", ls_process_began_ms(getpid()) <= before, true);
	check_within("child", began, before - TICKS_MS, after);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < COUNT(nobody); i++)
		check("nobody", ls_process_began_ms(nobody[i]), 0);
	check("gone", ls_process_began_ms(pid), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_who_is_believed),
		TEST(test_processes),
		TEST(test_killed),
		TEST(test_never_live),
		TEST(test_began),
		TEST(test_generations),
		TEST(test_last_place),
		TEST(test_zombie),
		TEST(test_no_place),
		TEST(test_no_seat),
		TEST(test_many),
		TEST(test_hostile),
		TEST(test_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
