/* test_asked.c - which addresses Postfix asked about lately */
#include "lockstep-config.h"

#include "map/asked.h"
#include "world_bed.h"

static struct ls_asked asked;
static const uint64_t start = UINT64_C(34560000000);
enum { DAY_MS = 24 * 3600 * 1000 };

static int forget(void **state)
{
	(void)state;
	memset(&asked, 0, sizeof(asked));
	return 0;
}

static void test_lately(void **state)
{
	static const struct {
		uint64_t later_ms;
		bool want;
	} cases[] = {
		{ 0, true },
		{ LS_ASKED_LATELY_MS, true },
		{ LS_ASKED_LATELY_MS + 20 * 1000, false },
		{ DAY_MS, false },
		{ UINT64_C(5) * DAY_MS, false },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++)
		for (uint64_t at = start; at < start + 9000; at += 1000) {
			forget(NULL);
			ls_asked_note(&asked, 4711, at);
			check("asked",
			      ls_asked_lately(&asked, 4711,
					      at + cases[i].later_ms),
			      cases[i].want);
		}
}

static void test_never(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		check("nobody asked",
		      ls_asked_lately(&asked, harness_random(&seed),
				      start + i * 1000),
		      false);
	/* A map that is 400 days old by its clock and in its first moments. */
	check("at the beginning", ls_asked_lately(&asked, 0, 0), false);
}

/* Addresses asked about at once, and what is then said of them and of others. */
static void test_others(void **state)
{
	static const struct {
		const char *row;
		unsigned asked, known_least, others_least, others_most;
	} rows[] = {
		/* A set of four is full of others now and then. */
		{ "few", LS_ASKED_WORDS / 4, 1000, 0, 50 },
		/* A flood: nobody is said not to have been asked about. */
		{ "many", 20 * LS_ASKED_WORDS, 1000, 1000, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t first = 1, seed = 1, other = 99;
		unsigned known = 0, others = 0, later = 0;

		forget(NULL);
		for (unsigned n = 0; n < rows[i].asked; n++) {
			uint64_t key = harness_random(&seed);

			ls_asked_note(&asked, key, start);
			check(rows[i].row, ls_asked_lately(&asked, key, start),
			      true);
		}
		for (unsigned n = 0; n < 1000; n++) {
			uint64_t key = harness_random(&first);

			known += ls_asked_lately(&asked, key, start);
			others += ls_asked_lately(&asked,
						  harness_random(&other), start);
			later += ls_asked_lately(&asked, key,
						 start + DAY_MS);
		}
		check_within(rows[i].row, known, rows[i].known_least, 1000);
		check_within(rows[i].row, others, rows[i].others_least,
			     rows[i].others_most);
		check(rows[i].row, later, 0);
	}
}

/* Of five in one set, the one that was asked about longest ago goes. */
static void test_oldest_goes(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 5; n++)
		ls_asked_note(&asked, n << 50 | 7, start + n * 10000);
	/* While the set is full nothing is denied; then the others are stale. */
	check("full", ls_asked_lately(&asked, UINT64_C(9) << 50 | 7,
				      start + 40000), true);
	for (uint64_t n = 0; n < 5; n++)
		check("asked",
		      ls_asked_lately(&asked, n << 50 | 7,
				      start + 10000 + LS_ASKED_LATELY_MS +
					      16000),
		      n >= 2);
	check("another set", ls_asked_lately(&asked, 8, start + 40000), false);
}

/* Log in rightly as what calls itself `service`. Returns the marks in the
 * journal. */
static unsigned marks_of_login(const char *service, unsigned mark)
{
	const struct ls_attempt attempt = { .service = service,
					    .mech = "PLAIN",
					    .user = JOE,
					    .ip = world_addr(HOME),
					    .secured = true };
	struct ls_cursor cursor = {
		.next = ls_journal_head(world.state, LS_JOURNAL_GUARD)
	};
	struct ls_decision decision;
	struct ls_record record;
	struct ls_ticket ticket;

	ls_admit(world.state, &attempt, world.now_ms, &decision, &ticket);
	check("admitted", decision.verdict, LS_ADMIT);
	ls_ticket_mark(&ticket, mark);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	check("journalled",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("a login", record.event, LS_EVENT_LOGIN);
	return record.marks;
}

static void test_marks(void **state)
{
	static const struct {
		const char *service;
		unsigned mark, unasked, asked;
	} cases[] = {
		{ "imap", 0, 0, 0 },
		{ "submission", 0, 0, 0 },
		{ "imap", LS_MARK_PROXIED, LS_MARK_PROXIED, LS_MARK_PROXIED },
		{ "imap", LS_MARK_FOREIGN, LS_MARK_FOREIGN, LS_MARK_FOREIGN },
		{ "smtp", LS_MARK_FOREIGN, LS_MARK_FOREIGN | LS_MARK_UNASKED,
		  LS_MARK_FOREIGN },
		{ "submission", LS_MARK_FOREIGN,
		  LS_MARK_FOREIGN | LS_MARK_UNASKED, LS_MARK_FOREIGN },
	};
	const struct ls_addr home = world_addr(HOME), away = world_addr(AWAY);
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	ls_connect(world.state, "submission", &away, world.now_ms, &decision);
	for (unsigned i = 0; i < COUNT(cases); i++)
		check(cases[i].service,
		      marks_of_login(cases[i].service, cases[i].mark),
		      cases[i].unasked);
	ls_connect(world.state, "submission", &home, world.now_ms, &decision);
	for (unsigned i = 0; i < COUNT(cases); i++)
		check(cases[i].service,
		      marks_of_login(cases[i].service, cases[i].mark),
		      cases[i].asked);
}

/* Where Postfix asks about messages alone. */
static void test_message(void **state)
{
	const struct ls_message message = { .instance = "1.2",
					    .user = JOE,
					    .sender = JOE,
					    .ip = world_addr(HOME),
					    .recipients = 1 };
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	ls_send_look(world.state, &message, world.now_ms, &decision);
	check("asked", marks_of_login("smtp", LS_MARK_FOREIGN),
	      LS_MARK_FOREIGN);
	world_pass(&world, WORLD_HOUR);
	check("long ago", marks_of_login("smtp", LS_MARK_FOREIGN),
	      LS_MARK_FOREIGN | LS_MARK_UNASKED);
	ls_send(world.state, &message, world.now_ms, world.real_ms, &decision);
	check("asked", marks_of_login("smtp", LS_MARK_FOREIGN),
	      LS_MARK_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lately, forget),
		cmocka_unit_test_setup(test_never, forget),
		cmocka_unit_test_setup(test_others, forget),
		cmocka_unit_test_setup(test_oldest_goes, forget),
		cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
