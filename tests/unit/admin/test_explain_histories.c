/* test_explain_histories.c - what is told of a login is what the login gets: random
 * histories under several policies */
#include "lockstep-config.h"

#include "explain_bed.h"
#include "orders.h"

#include <stdlib.h>

#define LOGINS \
	(LS_GUARD_WRITE | LS_SESSIONS_WRITE | LS_CREATE | LS_LOGINS)

enum { HISTORIES = 1000, STEPS = 60, IN_FLIGHT = 6, LIVE = 8 };

struct flight {
	struct ls_ticket ticket;
	bool open;
};

static struct flight flights[IN_FLIGHT];

/* How often a login got what: a test that never saw it tells nothing of it. */
static unsigned got_verdict[LS_VERDICT_COUNT];
static unsigned got_reason[LS_REASON_COUNT][LS_KIND_COUNT];

static unsigned chance(unsigned of)
{
	return (unsigned)random() % of;
}

/* A few names and addresses of this history's own, two in one network. */
static void pick(unsigned history, char user[40], char ip[40])
{
	unsigned net = history * 2 + chance(2);

	snprintf(user, 40, "u%u-%u@example.com", history, chance(3));
	if (chance(4) == 0)
		snprintf(ip, 40, "2001:db8:%x::%u", net, chance(2));
	else
		snprintf(ip, 40, "10.%u.%u.%u", net / 256, net % 256,
			 1 + chance(2));
}

static void give_order(unsigned history)
{
	struct ls_release release;
	struct ls_subject subject;
	char user[40], ip[40];
	const struct ls_places_of of = { .user = user };
	struct ls_error error;

	pick(history, user, ip);
	if (ls_subject_parse(world.state, chance(2) ? user : ip, &subject,
			     &error) < 0)
		fail_msg("%s", error.text);
	switch (chance(7)) {
	case 5:
		ls_trust(world.state, &subject, chance(2) * WORLD_MINUTE + 1,
			 NULL, world.now_ms);
		break;
	case 6:
		ls_forget(world.state, &of, NULL, world.now_ms, NULL, NULL);
		break;
	case 0:
		ls_lock(world.state, &subject, WORLD_MINUTE, NULL,
			world.now_ms);
		break;
	case 1:
	case 2:
		ls_unlock(world.state, &subject, NULL, world.now_ms);
		break;
	case 3:
		ls_freeze(world.state, user, WORLD_MINUTE, LS_REASON_SENDING,
			  LS_ORIGIN_RULE, NULL, world.now_ms);
		break;
	default:
		ls_release(world.state, user, false, NULL, world.now_ms, NULL,
			   NULL, &release);
	}
}

static void check_same(const char *what, const struct ls_decision *got,
		       const struct ls_decision *want)
{
	check(what, got->verdict, want->verdict);
	check(what, got->wanted, want->wanted);
	check(what, got->reason, want->reason);
	check(what, got->kind, want->kind);
	check(what, got->retry_ms, want->retry_ms);
	check(what, got->reveal, want->reveal);
}

static unsigned in_flight(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < IN_FLIGHT; i++)
		count += flights[i].open;
	return count;
}

static void settle(struct flight *flight)
{
	static const enum ls_outcome outcomes[] = {
		LS_OUTCOME_WRONG, LS_OUTCOME_WRONG, LS_OUTCOME_WRONG,
		LS_OUTCOME_WRONG, LS_OUTCOME_SUCCESS, LS_OUTCOME_INTERNAL,
	};

	if (!flight->open)
		return;
	flight->open = false;
	ls_settle(world.state, &flight->ticket, outcomes[chance(6)],
		  world.now_ms);
}

static struct live {
	char user[40];
	struct ls_addr ip;
	struct ls_session session;
} lives[LIVE];

/* A mail session begins, or ends. */
static void come_or_go(struct live *live, const char *user, const char *ip)
{
	struct ls_session_start start = { .service = "imap",
					  .user = live->user,
					  .ip = &live->ip };
	struct ls_decision decision;

	if (live->session.open) {
		ls_session_close(world.state, &start, &live->session,
				 LS_END_CLOSED, world.now_ms);
		return;
	}
	snprintf(live->user, sizeof(live->user), "%s", user);
	live->ip = world_addr(ip);
	ls_session_open(world.state, &start, world.now_ms, &live->session,
			&decision);
}

/* One login, asked about before by the process that decides it, and, as long as
 * nothing is in flight, by one that only reads. */
static void step(unsigned history, struct ls_state *reader)
{
	struct flight *flight = &flights[chance(IN_FLIGHT)];
	static char user[40], ip[40], password[16]; /* of the last time */
	struct ls_attempt attempt = { .service = chance(3) != 0 ? "imap"
								: "smtp",
				      .mech = "PLAIN" };
	struct ls_explanation told, read;
	struct ls_decision got;

	settle(flight);
	if (chance(3) != 0) {
		pick(history, user, ip);
		snprintf(password, sizeof(password), "pw%u",
			 chance(2) ? chance(3) : chance(40));
	}
	attempt.user = user;
	attempt.ip = world_addr(ip);
	attempt.secured = chance(8) != 0;
	attempt.password = chance(3) != 0 ? password : NULL;
	if (chance(3) == 0)
		come_or_go(&lives[chance(LIVE)], user, ip);
	told = explain(world.state, user, ip, attempt.password,
		       attempt.service);
	read = explain(reader, user, ip, NULL, attempt.service);
	assert_int_not_equal(read.decision.verdict, LS_WAIT);
	if (in_flight() == 0)
		assert_int_not_equal(told.decision.verdict, LS_WAIT);
	ls_admit(world.state, &attempt, world.now_ms, &got, &flight->ticket);
	flight->open = flight->ticket.open;
	got_verdict[got.verdict]++;
	got_reason[got.reason][got.kind]++;
	if (!attempt.secured) {
		check("wants TLS", told.wants_tls,
		      got.verdict == LS_DENY && got.reason == LS_REASON_TLS);
		return;
	}
	check_same(user, &told.decision, &got);
	if (attempt.password == NULL && in_flight() == flight->open)
		check_same("read", &read.decision, &got);
	if (chance(3) != 0)
		settle(flight);
}

static void live(unsigned history, struct ls_state *reader)
{
	memset(flights, 0, sizeof(flights));
	for (unsigned i = 0; i < STEPS; i++) {
		if (chance(12) == 0)
			give_order(history);
		if (chance(6) == 0)
			world_pass(&world, chance(2) ? chance(3000)
						     : chance(400000));
		step(history, reader);
	}
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		settle(&flights[i]);
	for (unsigned i = 0; i < LIVE; i++)
		if (lives[i].session.open)
			come_or_go(&lives[i], NULL, NULL);
}

static void tighten(void)
{
	world_set(&world, "place", "failures", "5/10m, 6/1d");
	world_set(&world, "place", "repeats", "4/1h");
	world_set(&world, "ip", "failures", "4/10m, 12/1d");
	world_set(&world, "ip", "accounts", "2/10m, 3/1d");
	world_set(&world, "net", "failures", "6/10m, 30/1d");
	world_set(&world, "net", "accounts", "3/10m, 6/1d");
	world_set(&world, "user", "failures", "7/1h, 20/7d");
	world_set(&world, "guess", "accounts", "2/1d");
}

/* With room for all: a subject that lost its slot and wins it back may find in it
 * what it had forgotten. */
static void tell(void)
{
	struct ls_state *reader;
	struct ls_error error;

	world_set(&world, NULL, "subjects", "262144");
	world_open(&world, LOGINS);
	if (world_join(&world, LS_GUARD_READ | LS_SESSIONS_READ, &reader,
		       &error) < 0)
		fail_msg("%s", error.text);
	for (unsigned i = 0; i < HISTORIES; i++)
		live(i, reader);
	ls_close(&reader);
}

/* What a history must have come across. */
struct met {
	enum ls_reason reason;
	enum ls_kind kind;
};

static void begin_to_count(void)
{
	memset(got_verdict, 0, sizeof(got_verdict));
	memset(got_reason, 0, sizeof(got_reason));
}

static void check_met(const struct met *met, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char row[64];

		snprintf(row, sizeof(row), "%s of %s",
			 ls_reason_name(met[i].reason),
			 ls_kind_name(met[i].kind));
		check_within(row, got_reason[met[i].reason][met[i].kind], 1,
			     UINT32_MAX);
	}
}

static void test_histories(void **state)
{
	static const struct met met[] = {
		{ LS_REASON_FAILURES, LS_KIND_PLACE },
		{ LS_REASON_FAILURES_SLOW, LS_KIND_PLACE },
		{ LS_REASON_FAILURES, LS_KIND_IP },
		{ LS_REASON_FAILURES, LS_KIND_NET },
		{ LS_REASON_FAILURES, LS_KIND_USER },
		{ LS_REASON_ACCOUNTS, LS_KIND_IP },
		{ LS_REASON_ACCOUNTS, LS_KIND_NET },
		{ LS_REASON_ACCOUNTS, LS_KIND_GUESS },
		{ LS_REASON_REPEATS, LS_KIND_PLACE },
		{ LS_REASON_SENDING, LS_KIND_USER },
		{ LS_REASON_ADMIN, LS_KIND_IP },
	};

	(void)state;
	srandom(1);
	tighten();
	begin_to_count();
	tell();
	for (unsigned i = 0; i <= LS_WAIT; i++) /* those of a login */
		check_within(ls_verdict_name(i), got_verdict[i], 100,
			     UINT32_MAX);
	check_met(met, COUNT(met));
}

static void test_histories_of_logins(void **state)
{
	static const struct met met[] = {
		{ LS_REASON_LOGINS, LS_KIND_IP },
		{ LS_REASON_LOGINS, LS_KIND_USER },
		{ LS_REASON_SESSIONS, LS_KIND_USER },
	};

	(void)state;
	srandom(6);
	world_set(&world, "ip", "logins", "3/10m");
	world_set(&world, "user", "logins", "4/10m");
	world_set(&world, "user", "sessions", "2");
	begin_to_count();
	tell();
	check_met(met, COUNT(met));
}

static void test_histories_of_defaults(void **state)
{
	(void)state;
	srandom(2);
	tell();
}

static void test_histories_with_tls(void **state)
{
	(void)state;
	srandom(3);
	tighten();
	world_set(&world, NULL, "require-tls", "strangers");
	tell();
}

static void test_histories_observed(void **state)
{
	(void)state;
	srandom(4);
	tighten();
	world_set(&world, "ip", "mode", "observe");
	world_set(&world, "guess", "mode", "observe");
	tell();
}

static void test_histories_of_networks(void **state)
{
	(void)state;
	srandom(5);
	tighten();
	world_override(&world, WORLD_OF_NET, "10.0.0.0/20", NULL, "trusted",
		       "1");
	world_override(&world, WORLD_OF_NET, "10.1.0.0/20", NULL, "denied",
		       "1");
	world_override(&world, WORLD_OF_DOMAIN, "example.com", "user",
		       "failures", "3/1h, 5/1d");
	tell();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_histories),
		TEST(test_histories_of_logins),
		TEST(test_histories_of_defaults),
		TEST(test_histories_with_tls),
		TEST(test_histories_observed),
		TEST(test_histories_of_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
