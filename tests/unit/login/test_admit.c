/* test_admit.c - admit and settle: what guessers get, and what owners keep */
#include "lockstep-config.h"

#include "world_bed.h"

#include <stdlib.h>

/* One limit at a time: whose it is, how many guesses it lets through, and who
 * is locked then. */
static void test_exactly_n(void **state)
{
	static const struct {
		const char *section, *limit;
		unsigned n;
		bool many_users, many_ips;
		enum ls_kind kind;
		const char *user, *net;
		enum ls_reason reason;
	} table[] = {
		{ "ip", "10/10m, 0", 10, true, false, LS_KIND_IP, NULL, AWAY,
		  LS_REASON_FAILURES },
		{ "ip", "0, 7/1d", 7, true, false, LS_KIND_IP, NULL, AWAY,
		  LS_REASON_FAILURES_SLOW },
		{ "ip", "1/10m, 0", 1, true, false, LS_KIND_IP, NULL, AWAY,
		  LS_REASON_FAILURES },
		{ "net", "12/10m, 0", 12, true, true, LS_KIND_NET, NULL,
		  AWAY_NET, LS_REASON_FAILURES },
		{ "user", "9/1h, 0", 9, false, true, LS_KIND_USER, JOE, NULL,
		  LS_REASON_FAILURES },
		{ "place", "6/10m, 0", 6, false, true, LS_KIND_PLACE, JOE,
		  AWAY_NET, LS_REASON_FAILURES },
		/* Both at once: the lower one counts. */
		{ "ip", "10/10m, 5/1d", 5, true, false, LS_KIND_IP, NULL, AWAY,
		  LS_REASON_FAILURES_SLOW },
	};
	static const char *const sections[] = { "ip", "net", "user", "place" };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		unsigned verified = 0;
		struct ls_lock lock;
		char row[64];

		if (i > 0)
			world_init(&world);
		snprintf(row, sizeof(row), "%s %s", table[i].section,
			 table[i].limit);
		for (size_t j = 0; j < COUNT(sections); j++)
			world_set(&world, sections[j], "failures", "0, 0");
		world_set(&world, "ip", "accounts", "0, 0");
		world_set(&world, "net", "accounts", "0, 0");
		world_set(&world, table[i].section, "failures", table[i].limit);
		world_open(&world, GUARD);
		for (unsigned guess = 0; guess < 40; guess++) {
			char user[32] = JOE, ip[32] = AWAY;

			if (table[i].many_users)
				snprintf(user, sizeof(user), "user%u", guess);
			if (table[i].many_ips)
				snprintf(ip, sizeof(ip), "192.0.2.%u",
					 guess + 1);
			verified += world_guess(&world, user, ip, 1);
			check(row,
			      world_locked(&world, table[i].kind, table[i].user,
					   table[i].net, NULL),
			      verified >= table[i].n);
		}
		check(row, verified, table[i].n);
		check(row,
		      world_locked(&world, table[i].kind, table[i].user,
				   table[i].net, &lock),
		      true);
		check(row, lock.named, true);
		check(row, lock.reason, table[i].reason);
		check(row, lock.strikes, 1);
		check(row, lock.since_ms, world.now_ms);
		if (i + 1 < COUNT(table))
			world_fini(&world);
	}
}

/* All in flight at once, none settled: no more than N are verified, and the
 * lock falls with the last of them, whatever the order. */
static void test_exactly_n_in_flight(void **state)
{
	struct ls_ticket ticket[50];
	struct ls_decision decision;
	unsigned admitted = 0;

	(void)state;
	world_set(&world, "ip", "failures", "10/10m, 0");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 50; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%u", i);
		decision = world_admit(&world, user, AWAY, &ticket[i]);
		check("open", ticket[i].open, decision.verdict == LS_ADMIT);
		admitted += decision.verdict == LS_ADMIT;
	}
	check("admitted", admitted, 10);
	check("who", decision.kind, LS_KIND_IP);
	check("why", decision.reason, LS_REASON_FAILURES);
	/* What was refused took nothing from anybody. */
	check("net",
	      world_level(&world, LS_KIND_NET, NULL, AWAY_NET, LS_WORD_FAILURES,
			  &world.policy.net.failures[LS_FAST]),
	      10);
	for (unsigned i = 50; i-- > 0;)
		ls_settle(world.state, &ticket[i], LS_OUTCOME_WRONG,
			  world.now_ms);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
	      true);
	check("after",
	      world_login(&world, "user99", AWAY, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
}

/* However guesses and pauses are mixed, at most N + t * N/period. */
static void test_never_more_than_the_rate(void **state)
{
	uint64_t seed = 1, start;
	unsigned verified = 0;

	(void)state;
	world_set(&world, "ip", "failures", "7/10m, 0");
	world_set(&world, "ip", "lock", "1s..1s");
	world_set(&world, "net", "failures", "0, 0");
	world_set(&world, "user", "failures", "0, 0");
	world_set(&world, "place", "failures", "0, 0");
	world_open(&world, GUARD);
	start = world.now_ms;
	for (unsigned i = 0; i < 4000; i++) {
		verified += world_guess(&world, JOE, AWAY, 1);
		check_within("verified", verified, 0,
			     7 + (world.now_ms - start) * 7 / 600000);
		world_pass(&world, harness_random(&seed) % 40000);
	}
	/* And not much less, for one who tries all the time. */
	check_within("verified", verified,
		     (world.now_ms - start) * 7 / 600000 * 8 / 10, UINT64_MAX);
}

static void test_lock_lasts(void **state)
{
	struct ls_decision decision;
	struct ls_lock lock;

	(void)state;
	world_set(&world, "ip", "failures", "3/30m, 0"); /* one in 10 m */
	world_set(&world, "ip", "lock", "1m..8m");
	world_open(&world, GUARD);
	check("guesses", world_guess(&world, JOE, AWAY, 9), 3);
	/* Ends when the meter has room again: after its length. */
	decision = world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS);
	check("why", decision.reason, LS_REASON_FAILURES);
	check("who", decision.kind, LS_KIND_IP);
	check("retry", decision.retry_ms, 10 * WORLD_MINUTE);
	world_pass(&world, 9 * WORLD_MINUTE);
	check("refused", world_guess(&world, JOE, AWAY, 100), 0);
	check("lock", world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock), 1);
	/* Refusals neither lengthen it nor strike. */
	check("strikes", lock.strikes, 1);
	check("until", lock.until_ms, world.now_ms + WORLD_MINUTE);
	check("since", lock.since_ms, world.now_ms - 9 * WORLD_MINUTE);
	world_pass(&world, WORLD_MINUTE);
	check("one more", world_guess(&world, JOE, AWAY, 9), 1);
	check("again", world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock), 1);
	check("strikes", lock.strikes, 2);
}

static void test_strikes_double(void **state)
{
	static const unsigned minutes[] = { 1, 2, 4, 8, 16, 20, 20, 20 };
	struct ls_lock lock;

	(void)state;
	world_set(&world, "ip", "failures", "2/2s, 0");
	world_set(&world, "net", "failures", "0, 0");
	world_set(&world, "user", "failures", "0, 0");
	world_set(&world, "place", "failures", "0, 0");
	world_set(&world, "ip", "lock", "1m..20m");
	world_set(&world, NULL, "strike-fades", "1h");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < COUNT(minutes); i++) {
		char row[32];

		snprintf(row, sizeof(row), "strike %u", i + 1);
		check(row, world_guess(&world, JOE, AWAY, 5), 2);
		check(row, world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock),
		      true);
		check(row, lock.until_ms - world.now_ms,
		      minutes[i] * WORLD_MINUTE);
		check(row, lock.strikes, i + 1);
		world_pass(&world, minutes[i] * WORLD_MINUTE);
		check(row, world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
		      false);
		world_pass(&world, 10 * WORLD_MINUTE);
	}
	/* An hour after the last one ended they have faded. */
	world_pass(&world, WORLD_HOUR);
	check("faded", world_guess(&world, JOE, AWAY, 5), 2);
	check("faded", world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock), 1);
	check("faded", lock.strikes, 1);
	check("faded", lock.until_ms - world.now_ms, WORLD_MINUTE);
}

static uint64_t level(enum ls_kind kind, const char *user, const char *net,
		      const struct ls_limit limits[LS_SPEEDS], unsigned speed)
{
	return world_level(&world, kind, user, net, LS_WORD_FAILURES + speed,
			   &limits[speed]);
}

/* Every meter of JOE from AWAY. */
static void check_levels(const char *row, unsigned place, unsigned ip,
			 unsigned net, unsigned user)
{
	const struct ls_policy *policy = &world.policy;

	for (unsigned speed = 0; speed < LS_SPEEDS; speed++) {
		check(row,
		      level(LS_KIND_PLACE, JOE, AWAY_NET,
			    policy->place.failures, speed),
		      place);
		check(row,
		      level(LS_KIND_IP, NULL, AWAY, policy->ip.failures, speed),
		      ip);
		check(row,
		      level(LS_KIND_NET, NULL, AWAY_NET, policy->net.failures,
			    speed),
		      net);
		check(row,
		      level(LS_KIND_USER, JOE, NULL, policy->user.failures,
			    speed),
		      user);
	}
}

static void test_outcomes_of_a_stranger(void **state)
{
	static const struct {
		enum ls_outcome outcome;
		unsigned charged;
		bool familiar;
	} table[] = {
		{ LS_OUTCOME_SUCCESS, 0, true },
		{ LS_OUTCOME_WRONG, 1, false },
		{ LS_OUTCOME_DENIED, 0, false },
		{ LS_OUTCOME_INTERNAL, 0, false },
		{ LS_OUTCOME_ABANDONED, 0, false },
		{ LS_OUTCOME_UNVERIFIED, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *row = ls_outcome_name(table[i].outcome);
		unsigned charged = table[i].charged;
		struct ls_ticket ticket;

		if (i > 0)
			world_init(&world);
		world_open(&world, GUARD);
		check(row, world_admit(&world, JOE, AWAY, &ticket).verdict,
		      LS_ADMIT);
		check_levels(row, 1, 1, 1, 1);
		ls_settle(world.state, &ticket, table[i].outcome, world.now_ms);
		check_levels(row, charged, charged, charged, charged);
		check(row,
		      world_word(&world, LS_KIND_PLACE, JOE, AWAY_NET,
				 LS_WORD_FAMILIAR) > world_now(&world),
		      table[i].familiar);
		check(row,
		      world_word(&world, LS_KIND_IP, NULL, AWAY,
				 LS_WORD_FAMILIAR) > world_now(&world),
		      table[i].familiar);
		check(row,
		      world_word(&world, LS_KIND_NET, NULL, AWAY_NET,
				 LS_WORD_FAMILIAR) > world_now(&world),
		      table[i].familiar);
		/* A settled ticket is spent. */
		ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
		ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS,
			  world.now_ms);
		check_levels(row, charged, charged, charged, charged);
		if (i + 1 < COUNT(table))
			world_fini(&world);
	}
}

/* A client that ends its exchange after it was given up: a success from there on, and
 * what it was charged stays. */
static void test_late(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, GUARD);
	check("asked", world_admit(&world, JOE, AWAY, &ticket).verdict,
	      LS_ADMIT);
	/* Not of one that is in flight. */
	ls_settle_late(world.state, &ticket, world.now_ms);
	check("open", ticket.open, true);
	ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
	check_levels("wrong", 1, 1, 1, 1);
	world_pass(&world, WORLD_SECOND);
	ls_settle_late(world.state, &ticket, world.now_ms);
	/* As a success does, it empties the fast meter of its place. */
	check("place",
	      level(LS_KIND_PLACE, JOE, AWAY_NET, world.policy.place.failures,
		    LS_FAST),
	      0);
	check("ip",
	      level(LS_KIND_IP, NULL, AWAY, world.policy.ip.failures, LS_FAST),
	      1);
	check("user",
	      level(LS_KIND_USER, JOE, NULL, world.policy.user.failures,
		    LS_FAST),
	      1);
	check("familiar",
	      world_word(&world, LS_KIND_PLACE, JOE, AWAY_NET,
			 LS_WORD_FAMILIAR) > world_now(&world),
	      true);
	for (unsigned i = 0; i < 2; i++) {
		check("record",
		      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
				      world.now_ms, &record),
		      1);
		check("outcome", record.outcome,
		      i == 0 ? LS_OUTCOME_WRONG : LS_OUTCOME_SUCCESS);
	}
}

/* A refund gives back what the attempt took, nothing of what others took. */
static void test_refund_is_exact(void **state)
{
	struct ls_ticket slow;

	(void)state;
	world_open(&world, GUARD);
	check("wrong", world_guess(&world, JOE, AWAY, 3), 3);
	check("slow", world_admit(&world, JOE, AWAY, &slow).verdict, LS_ADMIT);
	check_levels("in flight", 4, 4, 4, 4);
	ls_settle(world.state, &slow, LS_OUTCOME_INTERNAL, world.now_ms);
	check_levels("refunded", 3, 3, 3, 3);

	/* Charge A, drain it, charge B, refund A: B stays. */
	world_pass(&world, 30 * WORLD_DAY);
	check_levels("drained", 0, 0, 0, 0);
	check("slow", world_admit(&world, JOE, AWAY, &slow).verdict, LS_ADMIT);
	world_pass(&world, 30 * WORLD_DAY);
	check("wrong", world_guess(&world, JOE, AWAY, 1), 1);
	ls_settle(world.state, &slow, LS_OUTCOME_INTERNAL, world.now_ms);
	check_levels("another's", 1, 1, 1, 1);
}

static void test_clock_steps(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	check("wrong", world_guess(&world, JOE, AWAY, 5), 5);
	/* Another process's clock is behind: the meter is as full as ever. */
	world.now_ms -= WORLD_MINUTE / 2;
	check("behind", world_guess(&world, JOE, AWAY, 50), 5);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL), 1);
	/* One from before the map was made. */
	world.now_ms = 1;
	check("before", world_guess(&world, "ann", HOME, 50), 10);
}

/* A clock that was ahead by a year, for one attempt, shuts nobody out. */
static void test_clock_jumps_ahead(void **state)
{
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, GUARD);
	world.now_ms = 400 * WORLD_DAY;
	check("ahead",
	      world_admit(&world, "bob", "203.0.113.1", &ticket).verdict,
	      LS_ADMIT);
	world.now_ms = 5 * WORLD_DAY;
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	check("back",
	      world_login(&world, "bob", "203.0.113.1", LS_OUTCOME_SUCCESS)
		      .verdict,
	      LS_ADMIT);
}

/* The map holds so much: what comes on top is let through, and counted. */
static void test_full_map_never_blocks(void **state)
{
	struct ls_status status;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 4000; i++) {
		char user[32], ip[32];

		snprintf(user, sizeof(user), "user%u", i);
		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		check(user,
		      world_login(&world, user, ip, LS_OUTCOME_SUCCESS).verdict,
		      LS_ADMIT);
	}
	ls_status(world.state, world.now_ms, &status);
	check_within("used", status.used, 1000, status.subjects);
	check_within("full", status.full, 1, UINT64_MAX);
	check_within("evicted", status.evicted, 1, UINT64_MAX);
	check("unmetered", world_guess(&world, JOE, "172.16.0.1", 5), 5);
	check("admitted", status.admitted, 4000);
}

static void test_read_only_never_blocks(void **state)
{
	struct ls_ticket ticket;
	struct ls_status status;

	(void)state;
	world_open(&world, GUARD);
	check("lock", world_guess(&world, JOE, AWAY, 50), 10);
	world_open(&world, LS_GUARD_READ);
	check("read only", world_admit(&world, JOE, AWAY, &ticket).verdict,
	      LS_ADMIT);
	ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
	ls_status(world.state, world.now_ms, &status);
	check("untouched", status.admitted, 10);
	world_open(&world, 0);
	check("no map", world_admit(&world, JOE, AWAY, &ticket).verdict,
	      LS_ADMIT);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_exactly_n),
		TEST(test_exactly_n_in_flight),
		TEST(test_never_more_than_the_rate),
		TEST(test_lock_lasts),
		TEST(test_strikes_double),
		TEST(test_outcomes_of_a_stranger),
		TEST(test_late),
		TEST(test_refund_is_exact),
		TEST(test_clock_steps),
		TEST(test_clock_jumps_ahead),
		TEST(test_full_map_never_blocks),
		TEST(test_read_only_never_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
