/* test_crowd.c - the strict meter of those without a slot: never more than the
 * strictest limit, whatever limits its users have */
#include "lockstep-config.h"

#include "explain_bed.h"
#include "harness.h"
#include "map/crowd.h"
#include "sending/sending.h"

enum { NOW = 1000000000 };

static struct ls_rate rate_of(uint64_t units, uint64_t period_ms)
{
	const struct ls_limit limit = { units, period_ms };

	return ls_rate_of(&limit);
}

static void test_rate(void **state)
{
	const struct ls_rate rates[] = { rate_of(10, WORLD_MINUTE),
					 rate_of(0, 0),
					 rate_of(100, 7 * WORLD_DAY),
					 rate_of(20, WORLD_HOUR) };
	struct ls_rate rate = ls_crowd_rate(rates, COUNT(rates));

	(void)state;
	check("the slowest", rate.emission_ms, 7 * WORLD_DAY / 100);
	check("the smallest", rate.capacity_ms, 10 * rate.emission_ms);
	rate = ls_crowd_rate(&rates[1], 1);
	check("no limit", rate.emission_ms, 0);
	rate = ls_crowd_rate(rates, 0);
	check("none", rate.emission_ms, 0);
}

static void test_charge(void **state)
{
	const struct ls_rate rate = rate_of(5, WORLD_HOUR);
	const struct ls_rate none = rate_of(0, 0);
	_Atomic uint64_t meter = 0;
	uint64_t at, charged = 0, room_at;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		check("room", ls_crowd_charge(&meter, NOW, &rate, &charged),
		      true);
	check("full", ls_crowd_charge(&meter, NOW, &rate, &at), false);
	check("full", ls_crowd_has_room(&meter, NOW, &rate, &room_at), false);
	check("until", room_at, NOW + WORLD_HOUR / 5);
	check("until", ls_crowd_charge(&meter, room_at - 1, &rate, &at), false);
	check("no limit", ls_crowd_charge(&meter, NOW, &none, &at), true);
	ls_crowd_refund(&meter, NOW, charged, rate.emission_ms);
	check("refunded", ls_crowd_charge(&meter, NOW, &rate, &charged), true);
	check("full", ls_crowd_charge(&meter, NOW, &rate, &at), false);
	/* What has drained is not given back. */
	ls_crowd_refund(&meter, NOW + WORLD_HOUR, charged, rate.emission_ms);
	check("level", atomic_load(&meter), NOW + WORLD_HOUR);
}

/* A wide limit has filled it, and a narrow one asks: it is full, not spoilt. */
static void test_other_limits(void **state)
{
	const struct ls_rate wide = rate_of(100, WORLD_DAY);
	const struct ls_rate narrow = rate_of(5, WORLD_MINUTE);
	_Atomic uint64_t meter = 0;
	uint64_t at;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		ls_crowd_charge(&meter, NOW, &wide, &at);
	check("full", ls_crowd_charge(&meter, NOW, &narrow, &at), false);
	/* What no meter can reach is another's doing. */
	atomic_store(&meter, UINT64_MAX);
	check("spoilt", ls_crowd_charge(&meter, NOW, &narrow, &at), true);
}

/* Fill the table with orders. */
static void fill(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		char ip[40];

		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		struct ls_subject subject =
			world_subject(LS_KIND_IP, NULL, ip);

		ls_lock(world.state, &subject, WORLD_DAY, "test", world.now_ms);
	}
}

/* Refused, unlocked: and a success leaves nothing. */
static void test_logins(void **state)
{
	struct ls_status status;
	struct ls_ticket ticket;
	unsigned verified = 0;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	fill();
	for (unsigned i = 0; i < 30; i++)
		check("right", world_login(&world, JOE, AWAY, LS_OUTCOME_SUCCESS)
				       .verdict, LS_ADMIT);
	check("one unit each", world_admit(&world, JOE, AWAY, &ticket).verdict,
	      LS_ADMIT);
	check("place, ip, net, user", ticket.charges, 4);
	ls_settle(world.state, &ticket, LS_OUTCOME_INTERNAL, world.now_ms);
	verified = world_guess(&world, JOE, AWAY, 50);
	check_within("verified", verified, 1, 10);
	check("refused", world_admit(&world, JOE, AWAY, &ticket).reason,
	      LS_REASON_CROWDED);
	check("no lock", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      false);
	ls_status(world.state, world.now_ms, &status);
	check("slotless", status.crowding.slotless, 30 + 1 + 50 + 1);
	check("refused", status.crowding.refused, 50 - verified + 1);
	check("no lock went", status.crowding.locks, 0);
	check("now", status.crowding.last_ms, world.now_ms);
	check("by evicting none", status.evicted, 0);
}

/* To explain a login says what it would get, and takes nothing. */
static void test_explained(void **state)
{
	struct ls_explanation told;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("slots", told.crowded, false);
	fill();
	for (unsigned i = 0; i < 30; i++)
		told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("no slot", told.crowded, true);
	check("but room", told.decision.verdict, LS_ADMIT);
	check("of an account alone",
	      explain(world.state, JOE, NULL, NULL, NULL).crowded, false);
	world_guess(&world, JOE, AWAY, 50);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("refused", told.decision.verdict, LS_DENY);
	check("crowded", told.decision.reason, LS_REASON_CROWDED);
	check("retry", told.decision.retry_ms > 0, true);
	world_pass(&world, told.decision.retry_ms);
	check("then", explain(world.state, JOE, AWAY, NULL, NULL)
			      .decision.reason != LS_REASON_CROWDED ||
			      told.decision.kind != LS_KIND_PLACE, true);
}

/* A rule that only observes refuses nobody here either. */
static void test_observed(void **state)
{
	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_set(&world, NULL, "mode", "observe");
	world_open(&world, GUARD);
	fill();
	check("verified", world_guess(&world, JOE, AWAY, 50), 50);
}

static enum ls_reason send(const char *user, unsigned recipients)
{
	const struct ls_message message = { .user = user,
					    .ip = world_addr(AWAY),
					    .sender = JOE,
					    .queue_id = "",
					    .size = 1000,
					    .recipients = recipients };
	struct ls_decision decision;

	ls_send(world.state, &message, world.now_ms, world.real_ms, &decision);
	if (decision.verdict != LS_ADMIT)
		check("retry", decision.kind, LS_KIND_SENDING);
	return decision.verdict == LS_ADMIT ? LS_REASON_NONE : decision.reason;
}

/* Messages of those without a slot are bounded by what one of them may send. */
static void test_sending(void **state)
{
	unsigned sent = 0;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_set(&world, "sending", "messages", "20/1h");
	world_set(&world, "sending", "recipients", "50/1h");
	world_open(&world, GUARD);
	fill();
	for (unsigned i = 0; i < 60; i++)
		sent += send(JOE, 1) == LS_REASON_NONE;
	check("messages", sent, 20);
	check("crowded", send(JOE, 1), LS_REASON_CROWDED);
	world_pass(&world, WORLD_HOUR);
	check("an hour later", send(JOE, 15), LS_REASON_NONE);
	check("by recipients", send(JOE, 15), LS_REASON_CROWDED);
	check("not frozen", ls_frozen(world.state, JOE, NULL, world.now_ms,
				      &(struct ls_decision){ 0 }), false);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_rate),   TEST(test_charge),	TEST(test_other_limits),
		TEST(test_logins), TEST(test_observed), TEST(test_sending),
		TEST(test_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
