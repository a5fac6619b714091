/* test_nowhere.c - logins of which no address was told */
#include "lockstep-config.h"

#include "world_bed.h"

enum { USER_FAILURES = 5, GUESS_ACCOUNTS = 3 };

static int setup_small(void **state)
{
	setup(state);
	world_set(&world, "user", "failures", "5/1h, 50/7d");
	world_set(&world, "guess", "accounts", "3/1d");
	world_open(&world, GUARD | LS_LOGINS);
	return 0;
}

static struct ls_decision ask(const char *user, const char *password,
			      struct ls_ticket *ticket_r)
{
	const struct ls_attempt attempt = {
		.service = "imap",
		.mech = "PLAIN",
		.user = user,
		.nowhere = true,
		.ip = world_addr(HOME), /* not looked at */
		.secured = true,
		.password = password,
	};
	struct ls_decision decision;

	ls_admit(world.state, &attempt, world.now_ms, &decision, ticket_r);
	return decision;
}

static struct ls_decision try(const char *user, const char *password,
			      enum ls_outcome outcome)
{
	struct ls_ticket ticket;
	struct ls_decision decision = ask(user, password, &ticket);

	ls_settle(world.state, &ticket, outcome, world.now_ms);
	return decision;
}

static uint64_t subjects(void)
{
	struct ls_status status;

	ls_status(world.state, world.now_ms, &status);
	return status.used;
}

static void test_limit_holds(void **state)
{
	char password[16];
	unsigned verified = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(password, sizeof(password), "guess-%u", i);
		verified += try(JOE, password, LS_OUTCOME_WRONG).verdict ==
			    LS_ADMIT;
	}
	check("verified", verified, USER_FAILURES);
	check("locked", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL), 1);
	/* of strangers alike */
	check("stranger",
	      world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
}

static uint64_t failures(void)
{
	const struct ls_limit limit = { USER_FAILURES, WORLD_HOUR };

	return world_level(&world, LS_KIND_USER, JOE, NULL, LS_WORD_FAILURES,
			   &limit);
}

/* A calendar that was not told of the new password. */
static void test_repeats_count_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		check("admitted", try(JOE, "old", LS_OUTCOME_WRONG).verdict,
		      LS_ADMIT);
	check("failures", failures(), 1);
	try(JOE, "older", LS_OUTCOME_WRONG);
	check("another", failures(), 2);
	/* as long as it goes on */
	for (unsigned i = 0; i < 4; i++) {
		world_pass(&world, 6 * WORLD_DAY);
		try(JOE, "old", LS_OUTCOME_WRONG);
	}
	check("failures", failures(), 0);
	/* at this account */
	try("ann@example.com", "old", LS_OUTCOME_WRONG);
	check("joe's", failures(), 0);
	/* It is right now, and wrong again later. */
	try(JOE, "old", LS_OUTCOME_SUCCESS);
	try(JOE, "old", LS_OUTCOME_WRONG);
	check("new", failures(), 1);
}

/* Many at once are one, too. */
static void test_repeats_at_once(void **state)
{
	struct ls_ticket ticket[USER_FAILURES];

	(void)state;
	for (unsigned i = 0; i < COUNT(ticket); i++)
		check("admitted", ask(JOE, "old", &ticket[i]).verdict,
		      LS_ADMIT);
	for (unsigned i = 0; i < COUNT(ticket); i++)
		ls_settle(world.state, &ticket[i], LS_OUTCOME_WRONG,
			  world.now_ms);
	check("failures", failures(), 1);
	check("joe", try(JOE, "right", LS_OUTCOME_SUCCESS).verdict, LS_ADMIT);
}

/* What may be right is in no map, and counts once all the same. */
static void test_repeats_unsure(void **state)
{
	uint64_t before;

	(void)state;
	try(JOE, NULL, LS_OUTCOME_WRONG);
	before = subjects();
	for (unsigned i = 0; i < 20; i++) {
		struct ls_ticket ticket;

		check("admitted", ask(JOE, "maybe", &ticket).verdict, LS_ADMIT);
		ls_ticket_unsure(&ticket);
		ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
	}
	check("failures", failures(), 2);
	check("subjects", subjects(), before);
}

static void test_exact_at_once(void **state)
{
	struct ls_ticket ticket[40];
	unsigned verified = 0, waiting = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT(ticket); i++) {
		struct ls_decision decision = ask(JOE, NULL, &ticket[i]);

		verified += decision.verdict == LS_ADMIT;
		waiting += decision.verdict == LS_WAIT;
	}
	check("verified", verified, USER_FAILURES);
	check("waiting", waiting, COUNT(ticket) - USER_FAILURES);
	for (unsigned i = 0; i < USER_FAILURES; i++)
		ls_settle(world.state, &ticket[i], LS_OUTCOME_WRONG,
			  world.now_ms);
	check("then", ask(JOE, NULL, &ticket[0]).verdict, LS_DENY);
}

static void test_orders_hold(void **state)
{
	const struct ls_subject account = world_subject(LS_KIND_USER, JOE,
							NULL);

	(void)state;
	check("lock",
	      ls_lock(world.state, &account, WORLD_HOUR, NULL, world.now_ms),
	      0);
	check("locked", try(JOE, NULL, LS_OUTCOME_SUCCESS).reason,
	      LS_REASON_ADMIN);
	ls_unlock(world.state, &account, NULL, world.now_ms);
	check("unlocked", try(JOE, NULL, LS_OUTCOME_SUCCESS).verdict, LS_ADMIT);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, NULL, world.now_ms);
	check("frozen", try(JOE, NULL, LS_OUTCOME_SUCCESS).verdict, LS_DENY);
}

/* One password on many accounts, as from many addresses. */
static void test_guess_counts(void **state)
{
	char user[32];
	unsigned verified = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(user, sizeof(user), "user%u@example.com", i);
		verified += try(user, "Summer2026", LS_OUTCOME_WRONG).verdict ==
			    LS_ADMIT;
	}
	check("verified", verified, GUESS_ACCOUNTS);
	check("kind", try(JOE, "Summer2026", LS_OUTCOME_WRONG).kind,
	      LS_KIND_GUESS);
}

/* A success gives its charges back, and leaves no address and no place. */
static void test_nothing_familiar(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	uint64_t before;

	(void)state;
	try(JOE, NULL, LS_OUTCOME_WRONG); /* the account has a slot */
	before = subjects();
	for (unsigned i = 0; i < 50; i++)
		check("admitted", try(JOE, NULL, LS_OUTCOME_SUCCESS).verdict,
		      LS_ADMIT);
	check("subjects", subjects(), before);
	check("place",
	      world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
			 LS_WORD_FAMILIAR),
	      0);
	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			       world.now_ms, &record) == 1)
		check("no address", ls_prefix_is_none(&record.subject.net), 1);
	check("records", cursor.next, 51);
}

/* A success in a siege says nothing: the owner's calendar logs in all day. */
static void test_no_doubt(void **state)
{
	(void)state;
	/* Nothing slower: there three quarters of it are a siege. */
	world_set(&world, "user", "failures", "5/1h, 0");
	world_open(&world, GUARD | LS_LOGINS);
	for (unsigned i = 0; i + 1 < USER_FAILURES; i++)
		try(JOE, NULL, LS_OUTCOME_WRONG);
	check("admitted", try(JOE, NULL, LS_OUTCOME_SUCCESS).verdict, LS_ADMIT);
	check("probation",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION),
	      0);
	/* the same at a new place does */
	world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS);
	check("at a place",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION) >
		      0,
	      1);
}

/* The address :: is one. */
static void test_unspecified_address(void **state)
{
	(void)state;
	check("admitted",
	      world_login(&world, JOE, "::", LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	check("familiar",
	      world_word(&world, LS_KIND_PLACE, JOE, "::/48",
			 LS_WORD_FAMILIAR) > world_now(&world),
	      1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_limit_holds),
		TEST(test_repeats_count_once),
		TEST(test_repeats_at_once),
		TEST(test_repeats_unsure),
		TEST(test_exact_at_once), TEST(test_orders_hold),
		TEST(test_guess_counts),  TEST(test_nothing_familiar),
		TEST(test_no_doubt),	  TEST(test_unspecified_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
