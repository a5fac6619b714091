/* test_waiting.c - logins that wait, each for a subject: who is asked again, when, and
 * in which order */
#include "lockstep-config.h"

#include "auth/waiting.h"
#include "harness.h"

#include <stdlib.h>
#include <time.h>

enum { MANY = 4096, SUBJECTS = 8 };

/* A login that needs one unit of each of its subjects. */
struct client {
	struct waiter waiter;
	bool wants[SUBJECTS];
	bool gone, waits, in;
	unsigned asked;
};

static struct client client[MANY];
static unsigned room[SUBJECTS];
static unsigned asked;      /* in all */
static unsigned entered[MANY], entries; /* who got in, in that order */
static struct waiting *waiting;

/* A key's low bits choose the hash chain: many share one. */
static uint64_t key_of(unsigned subject)
{
	return (uint64_t)(subject + 1) << 32;
}

static struct client *client_of(struct waiter *waiter)
{
	return (struct client *)(void *)((char *)waiter -
					 offsetof(struct client, waiter));
}

static enum waiting_answer ask(struct waiter *waiter, uint64_t *key)
{
	struct client *who = client_of(waiter);

	asked++;
	who->asked++;
	who->waits = false;
	if (who->gone)
		return WAITING_LEFT;
	for (unsigned i = 0; i < SUBJECTS; i++) {
		if (who->wants[i] && room[i] == 0) {
			*key = key_of(i);
			who->waits = true;
			return WAITING_ON;
		}
	}
	for (unsigned i = 0; i < SUBJECTS; i++)
		room[i] -= who->wants[i];
	who->in = true;
	entered[entries++] = (unsigned)(who - client);
	return WAITING_TOOK;
}

static int setup(void **state)
{
	(void)state;
	memset(client, 0, sizeof(client));
	memset(room, 0, sizeof(room));
	asked = entries = 0;
	waiting = waiting_new(MANY, ask);
	return waiting == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	waiting_free(&waiting);
	return waiting == NULL ? 0 : -1;
}

/* It comes, and waits where it has no room. */
static void come(unsigned i)
{
	uint64_t key = 0;

	if (ask(&client[i].waiter, &key) == WAITING_ON)
		waiting_add(waiting, &client[i].waiter, key);
}

static void give_back(unsigned subject)
{
	room[subject]++;
	waiting_freed(waiting, key_of(subject));
}

/* However many wait, a settlement asks the one that gets in, and the one behind it at
 * most. */
static void test_cost_does_not_depend_on_number(void **state)
{
	static const unsigned numbers[] = { 1, 100, MANY };

	(void)state;
	for (unsigned n = 0; n < COUNT(numbers); n++) {
		char row[32];

		teardown(NULL);
		assert_int_equal(setup(NULL), 0);
		snprintf(row, sizeof(row), "%u wait", numbers[n]);
		for (unsigned i = 0; i < numbers[n]; i++) {
			client[i].wants[0] = true;
			come(i);
		}
		check(row, waiting_count(waiting), numbers[n]);
		for (unsigned i = 0; i < numbers[n]; i++) {
			asked = 0;
			give_back(0);
			waiting_ask_freed(waiting);
			check(row, asked, 1);
			check(row, entries, i + 1);
			check(row, entered[i], i); /* in order of arrival */
		}
		check(row, waiting_count(waiting), 0);
	}
}

/* Room that nobody waits for, and room that somebody else has taken by then. */
static void test_nothing_for_those_who_wait(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		client[i].wants[i % 2] = true;
		come(i);
	}
	asked = 0;
	check("another subject", waiting_freed(waiting, key_of(5)), false);
	waiting_ask_freed(waiting);
	check("asked", asked, 0);
	give_back(0);
	room[0] = 0; /* a new one was faster */
	waiting_ask_freed(waiting);
	check("asked for nothing", asked, 1);
	check("still wait", waiting_count(waiting), 100);
	give_back(0);
	waiting_ask_freed(waiting);
	check("gets in", entered[0], 0);
	give_back(1);
	waiting_ask_freed(waiting);
	check("gets in", entered[1], 1);
}

/* Clients that hung up take nothing from those behind them. */
static void test_gone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		client[i].wants[0] = true;
		come(i);
		client[i].gone = i < 900;
	}
	give_back(0);
	waiting_ask_freed(waiting);
	check("count", waiting_count(waiting), 99);
	check("entries", entries, 1);
	check("gets in", entered[0], 900);
}

/* The first of a queue has to wait for something else by now: it goes to that queue,
 * before those who came later, and the next one has the room. */
static void test_moves_in_order(void **state)
{
	(void)state;
	room[0] = 0;
	room[1] = 1;
	client[0].wants[0] = client[0].wants[1] = true;
	client[1].wants[0] = true;
	client[2].wants[1] = true; /* takes the last of it */
	client[3].wants[1] = true;
	for (unsigned i = 0; i < 4; i++)
		come(i);
	check("the third is in", client[2].in, true);
	give_back(0);
	waiting_ask_freed(waiting);
	check("the first waits on", client[0].waits, true);
	check("the second is in", client[1].in, true);
	room[0] = 1;
	give_back(1);
	waiting_ask_freed(waiting);
	check("the first is in", client[0].in, true);
	check("the fourth waits", client[3].waits, true);
	give_back(1);
	waiting_ask_freed(waiting);
	check("the fourth is in", client[3].in, true);
	check("count", waiting_count(waiting), 0);
}

/* Two subjects that are full by turns do not make everybody move each time. */
static void test_moves_are_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		client[i].wants[0] = client[i].wants[1] = true;
		come(i);
	}
	asked = 0;
	give_back(0);
	waiting_ask_freed(waiting);
	check("asked", asked <= 32, true);
	check("count", waiting_count(waiting), MANY);
}

/* Of each queue the first, and who becomes the first by that. */
static void test_ask_first_and_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		client[i].wants[i % 3] = true;
		come(i);
	}
	asked = 0;
	waiting_ask_first(waiting);
	check("first", asked, 3);
	asked = 0;
	waiting_ask_all(waiting);
	check("all", asked, 60);
	room[1] = 5;
	asked = 0;
	waiting_ask_first(waiting);
	check("asked", asked, 2 + 6);
	check("entries", entries, 5);
	for (unsigned i = 0; i < 5; i++)
		check("order", entered[i], 1 + 3 * i);
}

/* Whatever happens in any order, nobody waits who has room, once all are asked; and
 * those of one subject alone get in in their order. */
static void test_any_order(void **state)
{
	uint64_t seed = 1, random;

	(void)state;
	for (unsigned step = 0, came = 0; step < 40000; step++) {
		unsigned what = (unsigned)(random = harness_random(&seed)) % 8;
		unsigned subject = (unsigned)(random >> 16) % SUBJECTS;

		if (what < 3 && came < MANY) {
			client[came].wants[subject] = true;
			client[came].wants[(random >> 24) % SUBJECTS] = true;
			come(came++);
		} else if (what < 5) {
			give_back(subject);
		} else if (what < 6) {
			waiting_ask_freed(waiting);
		} else if (what < 7 && waiting_count(waiting) > 0) {
			struct waiter *first = waiting_first(waiting);

			client_of(first)->waits = false;
			waiting_remove(waiting, first);
		} else {
			waiting_ask_first(waiting);
		}
	}
	waiting_ask_all(waiting);
	for (unsigned i = 0, waits = 0; i < MANY; i++) {
		waits += client[i].waits;
		if (i == MANY - 1)
			check("count", waiting_count(waiting), waits);
	}
	asked = entries = 0;
	waiting_ask_all(waiting);
	check("nobody waits who has room", entries, 0);
	check("all were asked", asked, waiting_count(waiting));
}

/* Waits for the first or the second subject, each time for the other one. */
static enum waiting_answer go_over(struct waiter *waiter, uint64_t *key)
{
	struct client *who = client_of(waiter);

	who->wants[0] = !who->wants[0];
	*key = key_of(who->wants[0]);
	return WAITING_ON;
}

/* CPU time, in us, of settlements that send many from one long queue to another. */
static uint64_t cost_of_moves(unsigned number)
{
	struct timespec began, ended;

	teardown(NULL);
	memset(client, 0, sizeof(client));
	waiting = waiting_new(MANY, go_over);
	assert_non_null(waiting);
	for (unsigned i = 0; i < number; i++) {
		client[i].wants[0] = i % 2;
		waiting_add(waiting, &client[i].waiter, key_of(i % 2));
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	for (unsigned i = 0; i < 1000; i++) {
		waiting_freed(waiting, key_of(0));
		waiting_freed(waiting, key_of(1));
		waiting_ask_freed(waiting);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	return (uint64_t)((ended.tv_sec - began.tv_sec) * 1000000 +
			  (ended.tv_nsec - began.tv_nsec) / 1000);
}

/* Two hundred times as much, when a place was looked for from the end alone. */
static void test_moves_cost_the_same(void **state)
{
	uint64_t few = cost_of_moves(100), many = cost_of_moves(MANY);

	(void)state;
	check("less than forty times as much", many < 40 * (few + 100), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_cost_does_not_depend_on_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_for_those_who_wait,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_moves_are_bounded, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_ask_first_and_all, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_moves_cost_the_same, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_any_order, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
