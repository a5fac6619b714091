/* test_local.c - names of one local part, whatever domain is typed */
#include "lockstep-config.h"

#include "explain.h"
#include "world_bed.h"

enum { LIMIT = 4, WIDE = 5 * LIMIT };

static unsigned places; /* of guessers: each guess comes from another network */

static int setup_small(void **state)
{
	setup(state);
	places = 0;
	world_set(&world, "user", "failures", "4/1h, 40/7d");
	world_set(&world, "guess", "accounts", "0");
	world_open(&world, GUARD | LS_LOGINS);
	return 0;
}

static const char *next_place(void)
{
	static char text[32];

	places++;
	snprintf(text, sizeof(text), "10.%u.%u.7", places >> 8, places & 255);
	return text;
}

static struct ls_decision try(const char *user, enum ls_outcome outcome)
{
	return world_login(&world, user, next_place(), outcome);
}

/* Wrong guesses at names of that local part, each in another domain; returns how many
 * were verified. */
static unsigned guess_domains(const char *local, unsigned from, unsigned count)
{
	unsigned verified = 0;
	char user[64];

	for (unsigned i = from; i < from + count; i++) {
		snprintf(user, sizeof(user), "%s@d%u.example", local, i);
		verified += try(user, LS_OUTCOME_WRONG).verdict == LS_ADMIT;
	}
	return verified;
}

static void test_bounded(void **state)
{
	struct ls_decision decision;

	(void)state;
	check("verified", guess_domains("joe", 0, 400), WIDE);
	decision = try("joe@new.example", LS_OUTCOME_SUCCESS);
	check("verdict", decision.verdict, LS_DENY);
	check("kind", decision.kind, LS_KIND_LOCAL);
	check("reason", decision.reason, LS_REASON_ANY_DOMAIN);
	check("retry", decision.retry_ms > 0, 1);
	/* whatever its case, and without a domain */
	check("case", try("JOE@x.example", LS_OUTCOME_WRONG).verdict, LS_DENY);
	check("bare", try("joe", LS_OUTCOME_WRONG).verdict, LS_DENY);
	check("other", try("joey@d1.example", LS_OUTCOME_WRONG).verdict,
	      LS_ADMIT);
	check("no lock",
	      world_locked(&world, LS_KIND_USER, "joe@new.example", NULL, NULL),
	      0);
}

/* An hour's worth of them drains in an hour. */
static void test_drains(void **state)
{
	(void)state;
	guess_domains("joe", 0, 400);
	world_pass(&world, WORLD_HOUR / 4);
	check("verified", guess_domains("joe", 1000, 400), WIDE / 4);
}

static void test_success_has_its_own(void **state)
{
	unsigned verified = 0;

	(void)state;
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	check("verified", guess_domains("joe", 0, 400), WIDE);
	for (unsigned i = 0; i < 20; i++)
		verified += try(JOE, LS_OUTCOME_WRONG).verdict == LS_ADMIT;
	check("its own", verified, LIMIT);
	check("at home",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
}

/* And leaves that of the others alone. */
static void test_success_charges_none(void **state)
{
	(void)state;
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	for (unsigned i = 0; i < LIMIT; i++)
		try(JOE, LS_OUTCOME_WRONG);
	check("verified", guess_domains("joe", 0, 400), WIDE);
}

/* So a siege in one domain, or in some, locks out nobody in another. */
static void test_siege_in_some_domains(void **state)
{
	char user[64];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(user, sizeof(user), "info@d%u.example", i);
		for (unsigned j = 0; j < 20; j++)
			try(user, LS_OUTCOME_WRONG);
		check(user, try(user, LS_OUTCOME_SUCCESS).verdict, LS_DENY);
	}
	check("new", try("info@new.example", LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
}

/* A passdb that knows no such name has compared no password. */
static void test_unknown_names(void **state)
{
	char user[64];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		snprintf(user, sizeof(user), "joe@d%u.example", i);
		check(user, try(user, LS_OUTCOME_UNKNOWN).verdict, LS_ADMIT);
	}
}

static void test_exact_at_once(void **state)
{
	struct ls_ticket ticket[100];
	unsigned verified = 0, waiting = 0;
	uint64_t key[LS_KIND_COUNT];
	struct ls_decision decision;
	char user[64];

	(void)state;
	for (unsigned i = 0; i < COUNT(ticket); i++) {
		snprintf(user, sizeof(user), "joe@d%u.example", i);
		decision = world_admit(&world, user, next_place(), &ticket[i]);
		verified += decision.verdict == LS_ADMIT;
		waiting += decision.verdict == LS_WAIT;
	}
	check("verified", verified, WIDE);
	check("waiting", waiting, COUNT(ticket) - WIDE);
	check("kind", decision.kind, LS_KIND_LOCAL);
	/* what waits is told by the key of what settles */
	verified = ls_ticket_holds(&ticket[0], key);
	while (verified > 0 && key[verified - 1] != decision.key)
		verified--;
	check("key", verified > 0, 1);
	ls_settle(world.state, &ticket[0], LS_OUTCOME_SUCCESS, world.now_ms);
	check("one more",
	      world_admit(&world, user, next_place(), &ticket[0]).verdict,
	      LS_ADMIT);
	for (unsigned i = 0; i < COUNT(ticket); i++)
		ls_settle(world.state, &ticket[i], LS_OUTCOME_WRONG,
			  world.now_ms);
	check("then", guess_domains("joe", 200, 10), 0);
}

/* An alias is another name of an account that succeeded. */
static void test_alias(void **state)
{
	struct ls_ticket ticket;

	(void)state;
	world_admit(&world, "joe@alias.example", HOME, &ticket);
	ls_ticket_final(&ticket, JOE);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	guess_domains("joe", 0, 400);
	check("alias", try("joe@alias.example", LS_OUTCOME_WRONG).verdict,
	      LS_ADMIT);
	check("account", try(JOE, LS_OUTCOME_WRONG).verdict, LS_ADMIT);
}

static void test_without_a_place(void **state)
{
	const struct ls_attempt attempt = {
		.service = "xmpp", .mech = "PLAIN", .user = JOE,
		.nowhere = true, .secured = true,
	};
	struct ls_decision decision;
	struct ls_ticket ticket;

	(void)state;
	ls_admit(world.state, &attempt, world.now_ms, &decision, &ticket);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	guess_domains("joe", 0, 400);
	ls_admit(world.state, &attempt, world.now_ms, &decision, &ticket);
	check("has succeeded", decision.verdict, LS_ADMIT);
}

static void test_unlock(void **state)
{
	const struct ls_subject account =
		world_subject(LS_KIND_USER, "joe@new.example", NULL);

	(void)state;
	guess_domains("joe", 0, 400);
	check("refused", try("joe@new.example", LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
	check("unlock", ls_unlock(world.state, &account, NULL, world.now_ms),
	      1);
	check("admitted", try("joe@new.example", LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
}

static void test_explained(void **state)
{
	const struct ls_question question = { .user = "joe@new.example" };
	struct ls_explanation is;
	unsigned found = 0;

	(void)state;
	guess_domains("joe", 0, 400);
	check("explain",
	      ls_explain(world.state, &question, world.now_ms, &is), 0);
	check("verdict", is.decision.verdict, LS_DENY);
	check("kind", is.decision.kind, LS_KIND_LOCAL);
	for (unsigned i = 0; i < is.levels; i++) {
		if (is.level[i].kind != LS_KIND_LOCAL)
			continue;
		found++;
		check("units", is.level[i].units, WIDE);
		check("limit", is.level[i].limit, found == 1 ? WIDE : 200);
	}
	check("meters", found, 2);
}

static void test_observed(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "mode", "observe");
	world_compile(&world);
	ls_policy_announce(world.state);
	ls_refresh(world.state, world.now_ms, &(struct ls_error){ 0 });
	check("verified", guess_domains("joe", 0, 100), 100);
	decision = try("joe@new.example", LS_OUTCOME_WRONG);
	check("verdict", decision.verdict, LS_ADMIT);
	check("wanted", decision.wanted, LS_DENY);
	check("kind", decision.kind, LS_KIND_LOCAL);
}

/* Five times a limit may be more than a meter takes. */
static void test_limits(void **state)
{
	const struct ls_limit fast = { 1000, 1000 }, none = { 0, 0 };
	const struct ls_limit some = { 20, 3600000 };

	(void)state;
	check("fast", ls_limit_local(&fast).units, 1000);
	check("none", ls_limit_local(&none).units, 0);
	check("some", ls_limit_local(&some).units, 100);
	check("some", ls_limit_local(&some).period_ms, 3600000);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bounded),
		TEST(test_drains),
		TEST(test_success_has_its_own),
		TEST(test_success_charges_none),
		TEST(test_siege_in_some_domains),
		TEST(test_unknown_names),
		TEST(test_exact_at_once),
		TEST(test_alias),
		TEST(test_without_a_place),
		TEST(test_unlock),
		TEST(test_explained),
		TEST(test_observed),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
