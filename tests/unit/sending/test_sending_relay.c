/* test_sending_relay.c - what an address may relay without a login */
#include "lockstep-config.h"

#include "sending/sent.h"
#include "sending_bed.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

static void test_relay(void **state)
{
	const struct post one = { .user = "", .sender = "x@y" };
	struct ls_decision decision;

	(void)state;
	world_override(&world, WORLD_OF_NET, "198.51.100.0/24", "relay",
		       "messages", "3/1h");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 100; i++)
		check("off", post(&one).verdict, LS_ADMIT);
	for (unsigned i = 0; i < 3; i++) {
		struct post from = one;

		from.ip = "198.51.100.7";
		check("on", look(&from).verdict, LS_ADMIT);
		check("on", post(&from).verdict, LS_ADMIT);
	}
	decision = post(&(struct post){ .user = "", .ip = "198.51.100.7" });
	check("full", decision.verdict, LS_DENY);
	check("full", decision.reason, LS_REASON_MESSAGES);
	check("full", decision.kind, LS_KIND_RELAY);
	check("full", decision.retry_ms, 20 * WORLD_MINUTE);
	decision = look(&(struct post){ .user = "", .ip = "198.51.100.7" });
	check("at RCPT", decision.verdict, LS_DENY);
	check("at RCPT", decision.kind, LS_KIND_RELAY);
	check("who logs in",
	      post(&(struct post){ .ip = "198.51.100.7" }).verdict, LS_ADMIT);
	check("another address",
	      post(&(struct post){ .user = "", .ip = "198.51.100.8" }).verdict,
	      LS_ADMIT);
}

/* To say why a message is refused takes no slot. */
static void test_reason_takes_nothing(void **state)
{
	struct ls_status before, after;
	struct ls_sent sent;

	(void)state;
	world_set(&world, "relay", "recipients", "10/1h");
	world_open(&world, GUARD);
	ls_status(world.state, world.now_ms, &before);
	gather(&(struct post){ .user = "", .recipients = 11 });
	ls_sent_init(&sent, world.state, &message, world.now_ms);
	check("too many", ls_sent_reason(&sent, LS_SENDING_RECIPIENTS),
	      LS_REASON_RECIPIENTS);
	gather(&(struct post){ .user = "", .recipients = 1 });
	ls_sent_init(&sent, world.state, &message, world.now_ms);
	check("no slot", ls_sent_reason(&sent, LS_SENDING_RECIPIENTS),
	      LS_REASON_CROWDED);
	ls_status(world.state, world.now_ms, &after);
	check("subjects", after.used, before.used);
}

/* Refused before its end, it is told all the same; where the rule only observes, at
 * its end alone. */
static void test_relay_is_told(void **state)
{
	const struct post one = { .user = "", .ip = "198.51.100.7" };
	const struct post other = { .user = "", .ip = "203.0.113.7" };
	const struct post many = { .user = "",
				   .ip = "198.51.100.7",
				   .instance = "1.m" };
	struct ls_record record = { .event = LS_EVENT_NONE };

	(void)state;
	world_set(&world, "relay", "messages", "1/30d");
	world_override(&world, WORLD_OF_NET, "203.0.113.0/24", "relay", "mode",
		       "observe");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 2; i++) {
		look(&one);
		look(&other);
		check("end", post(&other).verdict, LS_ADMIT);
		if (i == 0)
			check("end", post(&one).verdict, LS_ADMIT);
	}
	check("each once", events(LS_EVENT_MESSAGE, &record), 2);
	check("observed", record.verdict, LS_ADMIT);
	/* At each of its recipients. */
	for (unsigned i = 0; i < 60; i++)
		check("refused", look(&many).verdict, LS_DENY);
	check("once more", events(LS_EVENT_MESSAGE, NULL), 3);
	for (unsigned i = 0; i < 4000; i++)
		look(&one);
	check("bounded", events(LS_EVENT_MESSAGE, &record), 51);
	check("verdict", record.verdict, LS_DENY);
	check("reason", record.reason, LS_REASON_MESSAGES);
	check("kind", record.subject.kind, LS_KIND_RELAY);
	check("address",
	      ls_addr_equal(&record.subject.net.addr, &message.ip), true);
	check_text("of no account", record.subject.user, "");
}

static void test_relay_spares_trusted(void **state)
{
	(void)state;
	world_set(&world, "relay", "recipients", "3/1h");
	world_override(&world, WORLD_OF_NET, "198.51.100.0/24", NULL, "trusted",
		       "1");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 5; i++) {
		check("trusted",
		      post(&(struct post){ .user = "", .ip = "198.51.100.7" })
			      .verdict,
		      LS_ADMIT);
		check("not", post(&(struct post){ .user = "" }).verdict,
		      i < 3 ? LS_ADMIT : LS_DENY);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, small_world, leave_world)
	static const struct CMUnitTest tests[] = {
		TEST(test_relay),
		TEST(test_relay_is_told),
		TEST(test_reason_takes_nothing),
		TEST(test_relay_spares_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
