/* test_announce_contention.c - what a number announces is never missed
 *
 * Sessions and states keep what they have read until a number in the guard's header
 * has gone up. tests/model/announce.pml has the steps in every order; here the real
 * code runs, in those that the processors and ThreadSanitizer happen to give. */
#include "lockstep-config.h"

#include "orders.h"
#include "sessions.h"
#include "world_bed.h"

#include <pthread.h>
#include <sched.h>

enum { ROUNDS = HARNESS_TSAN ? 500 : 3000, COMPILED = HARNESS_TSAN ? 50 : 300 };
enum { READERS = 1, ASKS_A_TURN = 1000 };

static struct ls_addr home;

/* Orders: `given` is the last one that has fallen for sure. */
static struct race {
	bool freezes;
	_Atomic unsigned given, taken, ready, seen;
	_Atomic unsigned missed, undated, failed;
} race;

struct reader {
	pthread_t thread;
	struct ls_state state; /* a copy: the same mapping */
	unsigned asks;
};

static void wait_for(_Atomic unsigned *count, unsigned wanted)
{
	for (unsigned spins = 1; atomic_load(count) < wanted; spins++)
		if (spins % 100 == 0) /* the others have no processor */
			sched_yield();
}

static struct ls_session_start start_of_joe(void)
{
	return (struct ls_session_start){
		.service = "imap", .user = JOE, .ip = &home, .id = "id-1"
	};
}

/* Each order has a second of its own. */
static uint64_t time_of(unsigned round)
{
	return world.now_ms + round * WORLD_SECOND;
}

static bool open_session(struct reader *me, unsigned round,
			 struct ls_session *session)
{
	const struct ls_session_start start = start_of_joe();
	struct ls_decision decision;

	if (ls_session_open(&me->state, &start, time_of(round), session,
			    &decision) < 0)
		atomic_fetch_add(&race.failed, 1);
	return session->open;
}

static void close_session(struct reader *me, unsigned round,
			  struct ls_session *session)
{
	const struct ls_session_start start = start_of_joe();

	ls_session_close(&me->state, &start, session, LS_END_REVOKED,
			 time_of(round));
}

/* An order that was given before the question is found by it. */
static bool ask(struct reader *me, unsigned round, struct ls_session *session)
{
	bool due = atomic_load(&race.given) == round;
	struct ls_decision decision;
	bool revoked = ls_session_is_revoked(&me->state, session, JOE, &home,
					     time_of(round), &decision);
	if (due && !revoked)
		atomic_fetch_add(&race.missed, 1);
	if (++me->asks % ASKS_A_TURN == 0) /* whoever orders has no processor */
		sched_yield();
	return due || revoked;
}

/* Whoever finds the lock finds since when, too. */
static void look_at_date(struct reader *me, const struct ls_ref *joe,
			 unsigned round)
{
	uint64_t now = ls_map_now(&me->state.guard, time_of(round));
	struct ls_lock_word lock =
		ls_lock_unpack(ls_slot_get(joe, LS_WORD_LOCK));

	if (ls_lock_active(&lock, now) &&
	    ls_slot_get(joe, LS_WORD_SINCE) != now)
		atomic_fetch_add(&race.undated, 1);
}

/* A session that is there before the lock. */
static void live_through(struct reader *me, const struct ls_ref *joe,
			 unsigned round)
{
	struct ls_session session;

	if (!open_session(me, round, &session))
		atomic_fetch_add(&race.failed, 1);
	atomic_fetch_add(&race.ready, 1);
	do
		look_at_date(me, joe, round);
	while (!ask(me, round, &session));
	close_session(me, round, &session);
}

/* Sessions that begin while the freeze falls, one after the other. */
static void come_in(struct reader *me, unsigned round)
{
	struct ls_session session;
	bool due;

	atomic_fetch_add(&race.ready, 1);
	do {
		due = atomic_load(&race.given) == round;
		if (!open_session(me, round, &session))
			continue;
		if (due)
			atomic_fetch_add(&race.missed, 1);
		ask(me, round, &session);
		close_session(me, round, &session);
	} while (!due);
}

static void *read_orders(void *context)
{
	struct reader *me = context;
	const struct ls_subject named =
		world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_ref joe;

	if (ls_table_find(&me->state.guard.subjects, world_key(&world, &named),
			  LS_KIND_USER, &joe) < 0)
		atomic_fetch_add(&race.failed, 1);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		if (race.freezes)
			come_in(me, round);
		else
			live_through(me, &joe, round);
		atomic_fetch_add(&race.seen, 1);
		wait_for(&race.taken, round);
	}
	return NULL;
}

static void give(unsigned round)
{
	const struct ls_subject named =
		world_subject(LS_KIND_USER, JOE, NULL);
	int ret = race.freezes
			  ? ls_freeze(world.state, JOE, WORLD_HOUR,
				      LS_REASON_ADMIN, LS_ORIGIN_ADMIN, NULL,
				      time_of(round))
			  : ls_lock(world.state, &named, WORLD_HOUR, NULL,
				    time_of(round));

	if (ret < 0)
		atomic_fetch_add(&race.failed, 1);
}

static void take_back(unsigned round)
{
	const struct ls_subject named =
		world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_release release;

	if (race.freezes)
		ls_release(world.state, JOE, true, NULL, time_of(round), NULL,
			   NULL, &release);
	else
		ls_unlock(world.state, &named, NULL, time_of(round));
}

static void run_orders(bool freezes)
{
	static struct reader reader[READERS];

	memset(&race, 0, sizeof(race));
	race.freezes = freezes;
	world_set(&world, "user", "sessions", "0");
	world_open(&world, GUARD | LS_SESSIONS_WRITE);
	home = world_addr(HOME);
	give(0);
	take_back(0);
	for (unsigned i = 0; i < READERS; i++) {
		reader[i].state = *world.state;
		assert_int_equal(pthread_create(&reader[i].thread, NULL,
						read_orders, &reader[i]),
				 0);
	}
	for (unsigned round = 1; round <= ROUNDS; round++) {
		wait_for(&race.ready, READERS * round);
		give(round);
		atomic_store(&race.given, round);
		wait_for(&race.seen, READERS * round);
		take_back(round);
		atomic_store(&race.taken, round);
	}
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(reader[i].thread, NULL), 0);
	check("orders", atomic_load(&race.failed), 0);
	check("missed", atomic_load(&race.missed), 0);
	check("locks without a date", atomic_load(&race.undated), 0);
}

static void test_locks(void **state)
{
	(void)state;
	run_orders(false);
}

static void test_freezes(void **state)
{
	(void)state;
	run_orders(true);
}

/* ---- policies ------------------------------------------------------------ */

/* `compiled` is the last one whose compilation has ended; each has its number as a
 * limit. */
static struct {
	_Atomic unsigned compiled, opened, missed, failed;
} policies;

static uint64_t policy_of(const struct ls_state *state)
{
	return ls_policy_file_policy(state->policy)->user.sessions;
}

static void *open_states(void *context)
{
	unsigned compiled;

	(void)context;
	do {
		struct ls_state *state;
		struct ls_error error;

		if (world_join(&world, LS_GUARD_READ, &state, &error) < 0) {
			atomic_fetch_add(&policies.failed, 1);
			break;
		}
		compiled = atomic_load(&policies.compiled);
		for (unsigned i = 0; i < 3; i++) {
			if (ls_refresh(state, world.now_ms, &error) < 0)
				atomic_fetch_add(&policies.failed, 1);
			if (policy_of(state) < compiled)
				atomic_fetch_add(&policies.missed, 1);
			compiled = atomic_load(&policies.compiled);
		}
		ls_close(&state);
		atomic_fetch_add(&policies.opened, 1);
	} while (compiled < COMPILED);
	return NULL;
}

static void test_policies(void **state)
{
	pthread_t thread;

	(void)state;
	world_open(&world, GUARD);
	assert_int_equal(pthread_create(&thread, NULL, open_states, NULL), 0);
	for (unsigned i = 1; i <= COMPILED; i++) {
		world.policy.user.sessions = i;
		world_compile(&world);
		ls_policy_announce(world.state);
		atomic_store(&policies.compiled, i);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	check("opened", atomic_load(&policies.failed), 0);
	check_within("opened", atomic_load(&policies.opened), 1, UINT32_MAX);
	check("missed", atomic_load(&policies.missed), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_locks),
		TEST(test_freezes),
		TEST(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
