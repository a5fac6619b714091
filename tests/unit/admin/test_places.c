/* test_places.c - locks fall on strangers: familiar places, offices behind one
 * address, trusted and denied networks, connections, overrides, observing */
#include "lockstep-config.h"

#include "world_bed.h"

static void works(const char *row, const char *user, const char *ip)
{
	check(row, world_login(&world, user, ip, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
}

static void refused(const char *row, const char *user, const char *ip,
		    enum ls_kind kind)
{
	struct ls_decision decision =
		world_login(&world, user, ip, LS_OUTCOME_SUCCESS);

	check(row, decision.verdict, LS_DENY);
	check(row, decision.kind, kind);
}

static void lock(enum ls_kind kind, const char *user, const char *net)
{
	struct ls_subject subject = world_subject(kind, user, net);

	check("lock",
	      ls_lock(world.state, &subject, WORLD_DAY, NULL, world.now_ms), 0);
}

static uint64_t units(enum ls_kind kind, const char *user, const char *net,
		      unsigned speed)
{
	const struct ls_policy *policy = &world.policy;
	const struct ls_limit *limits =
		kind == LS_KIND_IP     ? policy->ip.failures
		: kind == LS_KIND_NET  ? policy->net.failures
		: kind == LS_KIND_USER ? policy->user.failures
				       : policy->place.failures;

	return world_level(&world, kind, user, net, LS_WORD_FAILURES + speed,
			   &limits[speed]);
}

/* Locks on all around it do not touch it; its own does. */
static void test_familiar_is_untouched(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	works("at first", JOE, HOME);
	lock(LS_KIND_IP, NULL, HOME);
	lock(LS_KIND_NET, NULL, HOME_NET);
	lock(LS_KIND_USER, JOE, NULL);
	works("familiar", JOE, HOME);
	works("its whole net", JOE, "198.51.100.99");
	refused("a stranger there", "ann", HOME, LS_KIND_IP);
	refused("a stranger there", "ann", "198.51.100.99", LS_KIND_NET);
	refused("joe elsewhere", JOE, AWAY, LS_KIND_USER);
	lock(LS_KIND_PLACE, JOE, HOME_NET);
	refused("itself", JOE, HOME, LS_KIND_PLACE);
}

/* Somebody guesses at the boss's account, from many networks. */
static void test_boss(void **state)
{
	unsigned verified = 0;

	(void)state;
	world_open(&world, GUARD);
	works("boss", "boss", HOME);
	for (unsigned i = 0; i < 100; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "203.0.%u.1", i);
		verified += world_guess(&world, "boss", ip, 1);
	}
	check("verified", verified, 20); /* 20/1h */
	check("locked", world_locked(&world, LS_KIND_USER, "boss", NULL, NULL),
	      true);
	works("boss works", "boss", HOME);
	refused("elsewhere not", "boss", "203.0.113.250", LS_KIND_USER);
}

/* An office behind one address, and somebody in it who guesses. */
static void test_office(void **state)
{
	char user[32];
	unsigned verified;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(user, sizeof(user), "worker%u", i);
		works(user, user, HOME);
	}
	/* Nobody's success has left anything in a meter. */
	check("refunded", units(LS_KIND_IP, NULL, HOME, LS_FAST), 0);
	check("refunded", units(LS_KIND_NET, NULL, HOME_NET, LS_SLOW), 0);
	/* One valid account launders nobody else. */
	verified = 0;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "victim%u", i);
		verified += world_guess(&world, user, HOME, 1);
		works("worker", "worker1", HOME);
	}
	check("verified", verified, 8); /* accounts = 8/10m */
	for (unsigned i = 0; i < 30; i++) {
		snprintf(user, sizeof(user), "worker%u", i);
		works(user, user, HOME);
	}
	refused("a stranger", "visitor", HOME, LS_KIND_IP);
}

/* A familiar place answers on its own meters; its address and net answer too,
 * by force, and its account does not. */
static void test_familiar_failure(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	works("at first", JOE, HOME);
	check("wrong", world_guess(&world, JOE, HOME, 1), 1);
	for (unsigned speed = 0; speed < LS_SPEEDS; speed++) {
		check("place", units(LS_KIND_PLACE, JOE, HOME_NET, speed), 1);
		check("ip", units(LS_KIND_IP, NULL, HOME, speed), 1);
		check("net", units(LS_KIND_NET, NULL, HOME_NET, speed), 1);
		check("user", units(LS_KIND_USER, JOE, NULL, speed), 0);
	}
	/* The place's own limit, 20/10m, though the address's is 10/10m. */
	check("limit", world_guess(&world, JOE, HOME, 50), 19);
	check("place", world_locked(&world, LS_KIND_PLACE, JOE, HOME_NET, NULL),
	      true);
	check("ip", world_locked(&world, LS_KIND_IP, NULL, HOME, NULL), true);
	check("user", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      false);
	refused("locked", JOE, HOME, LS_KIND_PLACE);
	works("elsewhere", JOE, AWAY);
}

/* Strangers in flight have filled the account's meter: the owner's own mistake
 * does not lock it. */
static void test_owner_does_not_answer_for_account(void **state)
{
	struct ls_ticket ticket[3];

	(void)state;
	world_set(&world, "user", "failures", "3/1h, 0");
	world_open(&world, GUARD);
	works("at first", JOE, HOME);
	for (unsigned i = 0; i < COUNT(ticket); i++)
		check("in flight",
		      world_admit(&world, JOE, AWAY, &ticket[i]).verdict,
		      LS_ADMIT);
	check("wrong", world_guess(&world, JOE, HOME, 1), 1);
	check("user", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      false);
	for (unsigned i = 0; i < COUNT(ticket); i++)
		ls_settle(world.state, &ticket[i], LS_OUTCOME_INTERNAL,
			  world.now_ms);
	works("elsewhere", JOE, "203.0.113.1");
}

static void test_how_long_familiar(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	works("at first", JOE, HOME);
	lock(LS_KIND_USER, JOE, NULL);
	world_pass(&world, 30 * WORLD_DAY - 1);
	lock(LS_KIND_USER, JOE, NULL);
	works("29 days and more", JOE, HOME);
	world_pass(&world, 30 * WORLD_DAY - 1);
	works("renewed", JOE, HOME);
	world_pass(&world, 30 * WORLD_DAY);
	lock(LS_KIND_USER, JOE, NULL);
	refused("30 days", JOE, HOME, LS_KIND_USER);
}

/* A success empties the place's fast meter, and no other; at most twice, and
 * then once in half a day. */
static void test_fast_meter_is_emptied(void **state)
{
	(void)state;
	world_set(&world, "place", "failures", "20/10d, 60/40d");
	world_open(&world, GUARD);
	works("at first", JOE, HOME);
	for (unsigned i = 0; i < 4; i++) {
		bool reset = i < 2 || i == 3;
		unsigned slow = i * 2 + 2;

		if (i == 3)
			world_pass(&world, WORLD_DAY / 2);
		check("wrong", world_guess(&world, JOE, HOME, 2), 2);
		check("slow", units(LS_KIND_PLACE, JOE, HOME_NET, LS_SLOW),
		      slow);
		works("right", JOE, HOME);
		check("fast", units(LS_KIND_PLACE, JOE, HOME_NET, LS_FAST) == 0,
		      reset);
		check("slow", units(LS_KIND_PLACE, JOE, HOME_NET, LS_SLOW),
		      slow);
	}
	check_within("ip", units(LS_KIND_IP, NULL, HOME, LS_SLOW), 2, 8);
	/* A success with nothing to empty uses none of it up. */
	for (unsigned i = 0; i < 10; i++)
		works("others", "ann", HOME);
	for (unsigned i = 0; i < 2; i++) {
		check("wrong", world_guess(&world, "ann", HOME, 1), 1);
		works("right", "ann", HOME);
		check("fast", units(LS_KIND_PLACE, "ann", HOME_NET, LS_FAST),
		      0);
	}
}

static void test_trusted(void **state)
{
	(void)state;
	world_override(&world, WORLD_OF_NET, HOME_NET, NULL, "trusted", "1");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 100; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%u", i);
		check(user, world_guess(&world, user, HOME, 1), 1);
	}
	check("no meter",
	      world_word(&world, LS_KIND_IP, NULL, HOME, LS_WORD_FAILURES), 0);
	check("no meter",
	      world_word(&world, LS_KIND_NET, NULL, HOME_NET, LS_WORD_FAILURES),
	      0);
	/* Accounts are guarded there, too; familiar places answer alone. */
	check("one account", world_guess(&world, JOE, HOME, 50), 20);
	works("at first", "ann", HOME);
	check("wrong", world_guess(&world, "ann", HOME, 1), 1);
	check("no meter",
	      world_word(&world, LS_KIND_IP, NULL, HOME, LS_WORD_FAILURES), 0);
}

static void test_overrides(void **state)
{
	(void)state;
	world_override(&world, WORLD_OF_USER, JOE, "user", "failures",
		       "3/1h, 0");
	world_override(&world, WORLD_OF_DOMAIN, "example.org", "user",
		       "failures", "2/1h, 0");
	world_override(&world, WORLD_OF_NET, HOME_NET, "ip", "failures",
		       "5/10m, 0");
	world_override(&world, WORLD_OF_NET, "203.0.113.0/24", NULL, "denied",
		       "1");
	world_open(&world, GUARD);
	check("user", world_guess(&world, JOE, AWAY, 20), 3);
	check("domain", world_guess(&world, "ann@example.org", AWAY, 20), 2);
	check("the ip's, before", world_guess(&world, "eve", AWAY, 20), 5);
	check("net", world_guess(&world, "eve", HOME, 20), 5);
	refused("denied", "bob", "203.0.113.5", LS_KIND_IP);
	check("untouched",
	      world_word(&world, LS_KIND_IP, NULL, "203.0.113.5",
			 LS_WORD_FAILURES),
	      0);
}

static void test_tls_charges_nothing(void **state)
{
	struct ls_attempt attempt = { .service = "imap",
				      .mech = "PLAIN",
				      .user = JOE,
				      .secured = false };
	struct ls_decision decision;
	struct ls_ticket ticket;

	(void)state;
	world_set(&world, NULL, "require-tls", "strangers");
	world_open(&world, GUARD);
	attempt.ip = world_addr(AWAY);
	for (unsigned i = 0; i < 100; i++) {
		ls_admit(world.state, &attempt, world.now_ms, &decision,
			 &ticket);
		check("verdict", decision.verdict, LS_DENY);
		check("reason", decision.reason, LS_REASON_TLS);
		check("closed", ticket.open, false);
	}
	check("ip", units(LS_KIND_IP, NULL, AWAY, LS_FAST), 0);
	works("secured", JOE, AWAY);
	ls_admit(world.state, &attempt, world.now_ms, &decision, &ticket);
	check("familiar", decision.verdict, LS_ADMIT);
}

static enum ls_verdict connect_from(const char *ip,
				    struct ls_decision *decision)
{
	struct ls_addr addr = world_addr(ip);

	ls_connect(world.state, "submission", &addr, world.now_ms, decision);
	return decision->verdict;
}

static void test_connect(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_decision decision;
	struct ls_record record;

	(void)state;
	world_override(&world, WORLD_OF_NET, "203.0.113.0/24", NULL, "denied",
		       "1");
	world_open(&world, GUARD);
	check("unknown", connect_from(AWAY, &decision), LS_ADMIT);
	check("guesses", world_guess(&world, JOE, AWAY, 20), 10);
	cursor.next = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	check("locked", connect_from(AWAY, &decision), LS_DENY);
	check("locked", decision.kind, LS_KIND_IP);
	check("locked", decision.reason, LS_REASON_FAILURES);
	check_within("locked", decision.retry_ms, 10 * WORLD_MINUTE,
		     10 * WORLD_MINUTE + 1000);
	check("journal",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("journal", record.event, LS_EVENT_CONNECT);
	check("journal", record.verdict, LS_DENY);
	check_text("journal", record.service, "submission");
	check_text("journal", record.subject.user, "");
	check("beside it", connect_from("192.0.2.2", &decision), LS_ADMIT);
	check("denied", connect_from("203.0.113.9", &decision), LS_DENY);
	check("denied", decision.reason, LS_REASON_DENIED);
	/* Charges nothing, however often. */
	for (unsigned i = 0; i < 100; i++)
		connect_from("192.0.2.3", &decision);
	check("nothing",
	      world_word(&world, LS_KIND_IP, NULL, "192.0.2.3",
			 LS_WORD_FAILURES),
	      0);
	/* Where familiar people may stand behind it, AUTH decides. */
	works("home", "ann", HOME);
	lock(LS_KIND_IP, NULL, HOME);
	check("stamped", connect_from(HOME, &decision), LS_ADMIT);
	world_pass(&world, 31 * WORLD_DAY);
	lock(LS_KIND_IP, NULL, HOME);
	check("no longer", connect_from(HOME, &decision), LS_DENY);
}

/* Who connects all day does not fill the journal, of a locked address as of a
 * denied network. */
static void test_connect_all_day(void **state)
{
	const struct ls_subject away = world_subject(LS_KIND_IP, NULL, AWAY);
	static const char *const from[] = { AWAY, "203.0.113.9" };
	struct ls_decision decision;

	(void)state;
	world_override(&world, WORLD_OF_NET, "203.0.113.0/24", NULL, "denied",
		       "1");
	world_open(&world, GUARD);
	lock(LS_KIND_IP, NULL, AWAY);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t head =
			ls_journal_head(world.state, LS_JOURNAL_GUARD);

		for (unsigned j = 0; j < 200; j++)
			check("refused", connect_from(from[i], &decision),
			      LS_DENY);
		check("told",
		      ls_journal_head(world.state, LS_JOURNAL_GUARD) - head,
		      50 + 1); /* that tells of a hundred */
	}
	/* Who looks into it is told more. */
	ls_unlock(world.state, &away, "root", world.now_ms);
	lock(LS_KIND_IP, NULL, AWAY);
	uint64_t head = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	for (unsigned j = 0; j < 200; j++)
		connect_from(AWAY, &decision);
	check("again",
	      ls_journal_head(world.state, LS_JOURNAL_GUARD) - head, 50 + 1);
}

/* Observing: everything is computed and told, and nothing enforced. */
static void test_observe(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_decision decision;
	struct ls_record record;

	(void)state;
	world_set(&world, NULL, "mode", "observe");
	world_open(&world, GUARD);
	check("all", world_guess(&world, JOE, AWAY, 30), 30);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
	      true);
	decision = world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS);
	check("wanted", decision.wanted, LS_DENY);
	check("done", decision.verdict, LS_ADMIT);
	check("connect", connect_from("192.0.2.1", &decision), LS_ADMIT);
	/* It would have been exact: ten charged, the others not. */
	check("ip", units(LS_KIND_IP, NULL, AWAY, LS_SLOW), 10);
	/* The journal says what was wanted, why, and for whose sake. */
	for (unsigned guesses = 0;
	     ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			     world.now_ms, &record) == 1;) {
		if (record.event != LS_EVENT_LOGIN ||
		    record.outcome != LS_OUTCOME_WRONG)
			continue;
		guesses++;
		check("verdict", record.verdict, LS_ADMIT);
		check("wanted", record.wanted,
		      guesses > 10 ? LS_DENY : LS_ADMIT);
		check("reason", record.reason,
		      guesses > 10 ? LS_REASON_FAILURES : LS_REASON_NONE);
		check("kind", record.subject.kind,
		      guesses > 10 ? LS_KIND_IP : LS_KIND_NONE);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_familiar_is_untouched),
		TEST(test_boss),
		TEST(test_office),
		TEST(test_familiar_failure),
		TEST(test_owner_does_not_answer_for_account),
		TEST(test_how_long_familiar),
		TEST(test_fast_meter_is_emptied),
		TEST(test_trusted),
		TEST(test_overrides),
		TEST(test_tls_charges_nothing),
		TEST(test_connect),
		TEST(test_connect_all_day),
		TEST(test_observe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
