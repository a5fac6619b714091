/* test_sending_edge.c - two messages that end at the same moment, thousands of times
 * over, where there is room for one of them; time stands still */
#include "lockstep-config.h"

#include "sending_bed.h"

#include <pthread.h>
#include <sched.h>

#define GUARD (LS_GUARD_WRITE | LS_CREATE)

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, "sending", "freeze-at", "100000");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

/* Room for one of two that look at once, before either is charged: the one that
 * then finds none gives the message back that it had taken. They meet by turning
 * on one word: a barrier of the kernel's would wake them too far apart. */
enum { PAIR = 2, EDGES = 4000 };
static _Atomic unsigned met, accepted;

static void meet(unsigned round)
{
	atomic_fetch_add(&met, 1);
	for (unsigned turns = 0; atomic_load(&met) < (round + 1) * PAIR;
	     turns++)
		if (turns > 10000) /* there may be one processor */
			sched_yield();
}

static const char *edge_sender;

static void *go_over(void *context)
{
	struct ls_state state = *(const struct ls_state *)context;

	for (unsigned i = 0; i < EDGES; i++) {
		char user[32];
		const struct ls_message one = {
			.user = user,
			.sender = edge_sender,
			.recipients = 2,
			.size = 1000,
		};
		struct ls_decision decision;

		snprintf(user, sizeof(user), "edge%u", i);
		meet(i);
		ls_send(&state, &one, world.now_ms, world.real_ms, &decision);
		atomic_fetch_add(&accepted,
				 decision.verdict == LS_ADMIT);
	}
	return NULL;
}

static void go_over_together(const char *sender)
{
	pthread_t threads[PAIR];

	edge_sender = sender;
	atomic_store(&accepted, 0);
	world_set(&world, NULL, "subjects", "65536");
	world_open(&world, GUARD);
	atomic_store(&met, 0);
	for (unsigned i = 0; i < PAIR; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_over,
						world.state),
				 0);
	for (unsigned i = 0; i < PAIR; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void test_edge(void **state)
{
	uint64_t messages = 0;

	(void)state;
	world_set(&world, "sending", "messages", "100/30d");
	world_set(&world, "sending", "recipients", "3/30d");
	go_over_together(NULL);
	check("one of each", accepted, EDGES);
	for (unsigned i = 0; i < EDGES; i++) {
		char user[32];

		snprintf(user, sizeof(user), "edge%u", i);
		messages += level_of(user, LS_REASON_MESSAGES, false);
		check(user, level_of(user, LS_REASON_RECIPIENTS, false), 2);
	}
	check("messages", messages, EDGES);
}

/* Two messages of one new sender are one sender, though neither knows of the other
 * when it looks: none is refused, and one is counted. */
static void check_same_sender(const char *limit)
{
	uint64_t senders = 0;

	world_set(&world, "sending", "messages", "100/30d");
	world_set(&world, "sending", "recipients", "100/30d");
	world_set(&world, "sending", "senders", limit);
	go_over_together("list@example.net");
	check("both", accepted, PAIR * EDGES);
	for (unsigned i = 0; i < EDGES; i++) {
		char user[32];

		snprintf(user, sizeof(user), "edge%u", i);
		senders += level_of(user, LS_REASON_SENDERS, false);
	}
	check("senders", senders, EDGES);
}

static void test_same_sender(void **state)
{
	(void)state;
	check_same_sender("5/30d");
}

static void test_same_only_sender(void **state)
{
	(void)state;
	check_same_sender("1/30d");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_edge),
		TEST(test_same_sender),
		TEST(test_same_only_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
