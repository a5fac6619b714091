/* test_session_contention.c - many threads begin and end sessions at once
 *
 * As in test_contention.c, threads stand for processes that share one mapping, so
 * that ThreadSanitizer sees what meets. */
#include "lockstep-config.h"

#include "session_bed.h"

#include <pthread.h>
#include <sched.h>

enum { ROUNDS = HARNESS_TSAN ? 500 : 10000 };
enum { THREADS = 8, ACCOUNTS = 4, SEATS = 3, HELD = 4 };

static const char *const accounts[ACCOUNTS] = { JOE, ANN, "bob", "eve" };

/* Sessions that live for sure: counted after they began, and before they end. */
static _Atomic unsigned living[ACCOUNTS], most[ACCOUNTS];
static _Atomic unsigned refused;
static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	uint64_t seed;
	struct ls_state state; /* a copy: the same mapping */
};

static void note_most(unsigned account, unsigned now)
{
	unsigned old = atomic_load(&most[account]);

	while (now > old &&
	       !atomic_compare_exchange_weak(&most[account], &old, now)) {
	}
}

static void come(struct worker *me, unsigned account, struct ls_session *session)
{
	if (begin(&me->state, accounts[account], session).verdict == LS_ADMIT)
		note_most(account,
			  atomic_fetch_add(&living[account], 1) + 1);
	else
		atomic_fetch_add(&refused, 1);
}

static void go(struct worker *me, unsigned account, struct ls_session *session)
{
	if (!session->open)
		return;
	atomic_fetch_sub(&living[account], 1);
	end(&me->state, accounts[account], session);
}

static void *come_and_go(void *context)
{
	struct worker *me = context;
	struct ls_session session[ACCOUNTS][HELD];
	struct ls_session_info info;

	memset(session, 0, sizeof(session));
	pthread_barrier_wait(&barrier);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t dice = harness_random(&me->seed);
		unsigned account = dice % ACCOUNTS, i = dice >> 8 & (HELD - 1);
		uint64_t cursor = 0;

		if (session[account][i].open)
			go(me, account, &session[account][i]);
		else
			come(me, account, &session[account][i]);
		if (round % 64 == 0)
			while (ls_session_next(&me->state, &cursor, &info) == 1)
				;
		if (round % 64 == 1)
			ls_sessions_sweep(&me->state, world.now_ms);
	}
	for (unsigned account = 0; account < ACCOUNTS; account++)
		for (unsigned i = 0; i < HELD; i++)
			go(me, account, &session[account][i]);
	return NULL;
}

static void run(void)
{
	static struct worker worker[THREADS];

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ .seed = i + 1,
					     .state = *world.state };
		assert_int_equal(pthread_create(&worker[i].thread, NULL,
						come_and_go, &worker[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
	pthread_barrier_destroy(&barrier);
}

static void test_never_more(void **state)
{
	struct ls_session session[SEATS + 1];
	struct ls_live_record record;

	(void)state;
	world_set(&world, "user", "sessions", "3");
	world_open(&world, BOTH);
	run();
	for (unsigned i = 0; i < ACCOUNTS; i++)
		check(accounts[i], atomic_load(&most[i]), SEATS);
	check_within("refused", atomic_load(&refused), 1, UINT32_MAX);
	/* Nothing was left behind. */
	for (uint64_t i = 0; i < world.state->sessions.live.places; i++)
		check("place",
		      ls_live_read(&world.state->sessions.live, i, false,
				   &record),
		      false);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		for (unsigned n = 0; n < SEATS; n++)
			check("free",
			      begin(world.state, accounts[i], &session[n])
				      .verdict,
			      LS_ADMIT);
		check("full",
		      begin(world.state, accounts[i], &session[SEATS]).verdict,
		      LS_DENY);
	}
}

/* Without a limit there is nothing to wait for, but the places. */
static void test_places(void **state)
{
	(void)state;
	world_set(&world, "user", "sessions", "0");
	world_open(&world, BOTH);
	atomic_store(&refused, 0);
	run();
	check("refused", atomic_load(&refused), 0);
	check("live", ls_sessions_live(world.state, NULL), 0);
	check("told", last_record().event, LS_EVENT_SESSION_END);
}

/* Two that want the last seat at the very same moment: their start is as close as
 * two processors can have it, and one gets it, each time. */
static struct last {
	_Atomic unsigned arrived, decided, left, admitted;
} last;

static void wait_for_both(_Atomic unsigned *count, unsigned round)
{
	atomic_fetch_add(count, 1);
	for (unsigned spins = 1; atomic_load(count) < 2 * (round + 1); spins++)
		if (spins % 1000 == 0) /* the other one has no processor */
			sched_yield();
}

static void *want_the_last(void *context)
{
	struct worker *me = context;
	struct ls_session session;

	for (unsigned round = 0; round < ROUNDS; round++) {
		wait_for_both(&last.arrived, round);
		if (begin(&me->state, JOE, &session).verdict == LS_ADMIT)
			atomic_fetch_add(&last.admitted, 1);
		wait_for_both(&last.decided, round);
		if (atomic_load(&last.admitted) != round + 1)
			return context;
		wait_for_both(&last.left, round);
		if (session.open)
			end(&me->state, JOE, &session);
	}
	return NULL;
}

static void test_the_last_seat(void **state)
{
	static struct worker worker[2];
	void *failed[2];

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	for (unsigned i = 0; i < 2; i++) {
		worker[i].state = *world.state;
		assert_int_equal(pthread_create(&worker[i].thread, NULL,
						want_the_last, &worker[i]),
				 0);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_join(worker[i].thread, &failed[i]), 0);
	check("admitted", atomic_load(&last.admitted), ROUNDS);
	check("failed", failed[0] != NULL || failed[1] != NULL, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_never_more),
		TEST(test_the_last_seat),
		TEST(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
