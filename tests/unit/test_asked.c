/* test_asked.c - which addresses Postfix asked about lately */
#include "lockstep-config.h"

#include "asked.h"
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

/* Those of the same place take it in turns; nobody else is taken for one. */
static void test_others(void **state)
{
	uint64_t seed = 1, key[LS_ASKED_WORDS];
	unsigned known = 0, wrong = 0;

	(void)state;
	for (unsigned i = 0; i < LS_ASKED_WORDS; i++) {
		key[i] = harness_random(&seed);
		ls_asked_note(&asked, key[i], start);
		check("the last one", ls_asked_lately(&asked, key[i], start),
		      true);
	}
	for (unsigned i = 0; i < LS_ASKED_WORDS; i++) {
		known += ls_asked_lately(&asked, key[i], start);
		wrong += ls_asked_lately(&asked, harness_random(&seed), start);
	}
	/* As many as there are places: 1 - 1/e of these are taken. */
	check("most", known > LS_ASKED_WORDS / 2, true);
	check("not all", known < LS_ASKED_WORDS * 3 / 4, true);
	check("strangers", wrong < 4, true);
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
		cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
