/* test_explain.c - what is told of a login is what the login gets: random
 * histories under several policies; and what is told besides */
#include "lockstep-config.h"

#include "explain.h"
#include "harness.h"
#include "orders.h"
#include "world.h"

#include <stdlib.h>

#define LOGINS (LS_GUARD_WRITE | LS_CREATE | LS_LOGINS)
#define JOE "joe@example.com"
#define HOME "198.51.100.7"
#define AWAY "192.0.2.1"

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct ls_explanation explain(struct ls_state *state, const char *user,
				     const char *ip, const char *password)
{
	struct ls_addr addr = ip != NULL ? world_addr(ip) : (struct ls_addr){ 0 };
	const struct ls_question question = { user, ip != NULL ? &addr : NULL,
					      password };
	struct ls_explanation explanation;

	check("ls_explain", ls_explain(state, &question, world.now_ms,
				       &explanation), 0);
	return explanation;
}

static const struct ls_level *level_of(const struct ls_explanation *explanation,
				       enum ls_kind kind, enum ls_reason reason)
{
	for (unsigned i = 0; i < explanation->levels; i++)
		if (explanation->level[i].kind == kind &&
		    explanation->level[i].reason == reason)
			return &explanation->level[i];
	fail_msg("no meter %s of %s", ls_reason_name(reason),
		 ls_kind_name(kind));
	return NULL;
}

/* ---- random histories -------------------------------------------------- */

enum { HISTORIES = 400, STEPS = 60, IN_FLIGHT = 6 };

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
		ls_release(world.state, user, NULL, world.now_ms, NULL, NULL,
			   &release);
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

/* One login, asked about before by the process that decides it, and, as long as
 * nothing is in flight, by one that only reads. */
static void step(unsigned history, struct ls_state *reader)
{
	struct flight *flight = &flights[chance(IN_FLIGHT)];
	static char user[40], ip[40], password[16]; /* of the last time */
	struct ls_attempt attempt = { .service = "imap", .mech = "PLAIN" };
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
	told = explain(world.state, user, ip, attempt.password);
	read = explain(reader, user, ip, NULL);
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
}

static void tighten(void)
{
	world_set(&world, "place", "failures", "5/10m, 6/1d");
	world_set(&world, "place", "repeats", "4/1h");
	world_set(&world, "ip", "failures", "6/10m, 12/1d");
	world_set(&world, "ip", "accounts", "2/10m, 3/1d");
	world_set(&world, "net", "failures", "9/10m, 30/1d");
	world_set(&world, "net", "accounts", "3/10m, 4/1d");
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
	if (world_join(&world, LS_GUARD_READ, &reader, &error) < 0)
		fail_msg("%s", error.text);
	for (unsigned i = 0; i < HISTORIES; i++)
		live(i, reader);
	ls_close(&reader);
}

static void test_histories(void **state)
{
	static const struct {
		enum ls_reason reason;
		enum ls_kind kind;
	} rows[] = {
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
	memset(got_verdict, 0, sizeof(got_verdict));
	memset(got_reason, 0, sizeof(got_reason));
	tell();
	for (unsigned i = 0; i <= LS_WAIT; i++) /* those of a login */
		check_within(ls_verdict_name(i), got_verdict[i], 100,
			     UINT32_MAX);
	for (unsigned i = 0; i < COUNT(rows); i++)
		check_within(ls_reason_name(rows[i].reason),
			     got_reason[rows[i].reason][rows[i].kind], 1,
			     UINT32_MAX);
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

/* ---- what is told besides ---------------------------------------------- */

static void test_charges_nothing(void **state)
{
	struct ls_explanation before, after;

	(void)state;
	world_open(&world, LOGINS);
	world_guess(&world, JOE, AWAY, 1);
	before = explain(world.state, JOE, AWAY, NULL);
	for (unsigned i = 0; i < 100; i++)
		after = explain(world.state, JOE, AWAY, NULL);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_levels(void **state)
{
	const struct ls_level *level;
	struct ls_explanation told;

	(void)state;
	world_set(&world, "ip", "failures", "3/3m, 50/1d");
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	world_guess(&world, JOE, AWAY, 2);
	world_pass(&world, 30 * WORLD_SECOND);
	told = explain(world.state, JOE, AWAY, NULL);
	level = level_of(&told, LS_KIND_IP, LS_REASON_FAILURES);
	check("units", level->units, 2);
	check("limit", level->limit, 3);
	check("period", level->period_ms, 3 * WORLD_MINUTE);
	check("empty in", level->empty_in_ms, 90 * WORLD_SECOND);
	check("room in", level->room_in_ms, 0);
	check("asked", level->asked, true);
	world_guess(&world, JOE, AWAY, 1);
	told = explain(world.state, JOE, AWAY, NULL);
	level = level_of(&told, LS_KIND_IP, LS_REASON_FAILURES);
	check("full: room in", level->room_in_ms, 30 * WORLD_SECOND);
	check("verdict", told.decision.verdict, LS_DENY);
	check("reason", told.decision.reason, LS_REASON_FAILURES);
	check("locked", told.of[LS_KIND_IP].locked, true);
	check("strikes", told.of[LS_KIND_IP].lock.strikes, 1);
	check("since", told.of[LS_KIND_IP].lock.since_ms, world.now_ms);
	check("connect", told.connect.verdict, LS_DENY);
	check("user", told.of[LS_KIND_USER].locked, false);
}

static void test_familiar(void **state)
{
	struct ls_explanation told;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	world_pass(&world, WORLD_HOUR);
	told = explain(world.state, JOE, HOME, NULL);
	check("familiar", told.familiar, true);
	check("until", told.of[LS_KIND_PLACE].familiar_until_ms,
	      world.now_ms - WORLD_HOUR + 30 * WORLD_DAY);
	check("first seen", told.of[LS_KIND_PLACE].first_seen_ms,
	      world.now_ms - WORLD_HOUR);
	check("place asked",
	      level_of(&told, LS_KIND_PLACE, LS_REASON_FAILURES)->asked, true);
	check("ip not asked",
	      level_of(&told, LS_KIND_IP, LS_REASON_FAILURES)->asked, false);
	told = explain(world.state, JOE, AWAY, NULL);
	check("elsewhere", told.familiar, false);
}

/* Half a question: an account from an address that nothing is known of, and the
 * other way round. */
static void test_halves(void **state)
{
	const struct ls_question nobody = { NULL, NULL, NULL };
	struct ls_explanation told;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	world_guess(&world, JOE, AWAY, 20);
	told = explain(world.state, NULL, AWAY, NULL);
	check("address", told.decision.verdict, LS_DENY);
	check("its lock", told.of[LS_KIND_IP].locked, true);
	check("no account", told.of[LS_KIND_USER].subject.kind, LS_KIND_NONE);
	told = explain(world.state, JOE, NULL, NULL);
	check("account", told.decision.verdict, LS_ADMIT);
	check("no address", told.of[LS_KIND_IP].subject.kind, LS_KIND_NONE);
	check("its failures",
	      level_of(&told, LS_KIND_USER, LS_REASON_FAILURES)->units, 10);
	check("nobody", ls_explain(world.state, &nobody, 0, &told), LS_EARG);
}

static void test_alias(void **state)
{
	struct ls_explanation told;
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	world_admit(&world, "alias@example.com", HOME, &ticket);
	ls_ticket_final(&ticket, JOE);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, NULL, world.now_ms);
	told = explain(world.state, "alias@example.com", HOME, NULL);
	check("aliased", told.aliased, true);
	check_text("final", told.final, JOE);
	check("frozen", told.of[LS_KIND_USER].frozen, true);
	check("verdict", told.decision.verdict, LS_DENY);
	check("reveal", told.decision.reveal, true);
	check_text("account", told.of[LS_KIND_USER].subject.user, JOE);
	check_text("typed", told.typed.subject.user, "alias@example.com");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_histories),
		TEST(test_histories_of_defaults),
		TEST(test_histories_with_tls),
		TEST(test_histories_observed),
		TEST(test_histories_of_networks),
		TEST(test_charges_nothing),
		TEST(test_levels),
		TEST(test_familiar),
		TEST(test_halves),
		TEST(test_alias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
