/* test_sending.c - what an account, and an address that relays, may send */
#include "lockstep-config.h"

#include "sending/sent.h"
#include "sending_bed.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

/* ---- the soft limits --------------------------------------------------- */

static void test_messages(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 6; i++) {
		decision = post(&(struct post){ .size = 1000 + 900 * i });
		check("admitted", decision.verdict, LS_ADMIT);
		check("wanted", decision.wanted, LS_ADMIT);
		check("reason", decision.reason, LS_REASON_NONE);
	}
	decision = post(&(struct post){ .size = 99999 });
	check("refused", decision.verdict, LS_DENY);
	check("wanted", decision.wanted, LS_DENY);
	check("reason", decision.reason, LS_REASON_MESSAGES);
	check("kind", decision.kind, LS_KIND_SENDING);
	check("told", decision.reveal, true);
	check("in ten minutes", decision.retry_ms, 10 * WORLD_MINUTE);
	world_pass(&world, 10 * WORLD_MINUTE - 1);
	check("not yet", post(&(struct post){ .size = 99999 }).retry_ms, 1);
	world_pass(&world, 1);
	check("one drained", post_many(NULL, 9), 1);
	check("another's", post_many("ann@example.com", 9), 6);
	world_pass(&world, WORLD_HOUR);
	check("all drained", post_many(NULL, 9), 6);
}

/* Messages and recipients, both or none: the one that does not fit takes
 * nothing of the other. */
static void test_recipients(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	check("ten", post(&(struct post){ .recipients = 10 }).verdict,
	      LS_ADMIT);
	decision = post(&(struct post){ .recipients = 3 });
	check("three more", decision.verdict, LS_DENY);
	check("three more", decision.reason, LS_REASON_RECIPIENTS);
	/* 12 in an hour: the one that is missing drains in five minutes. */
	check("three more", decision.retry_ms, 5 * WORLD_MINUTE);
	check("messages", level_of(JOE, LS_REASON_MESSAGES, false), 1);
	check("recipients", level_of(JOE, LS_REASON_RECIPIENTS, false), 10);
	check("two fit", post(&(struct post){ .recipients = 2 }).verdict,
	      LS_ADMIT);
	check("recipients", level_of(JOE, LS_REASON_RECIPIENTS, false), 12);
	decision = post(&(struct post){ .recipients = 1 });
	check("full", decision.reason, LS_REASON_RECIPIENTS);
	check("messages", level_of(JOE, LS_REASON_MESSAGES, false), 2);
	/* More than the limit never fits: when is not said. */
	world_pass(&world, WORLD_DAY);
	decision = post(&(struct post){ .recipients = 13 });
	check("more than all", decision.verdict, LS_DENY);
	check("more than all", decision.retry_ms, 0);
	check("all", post(&(struct post){ .recipients = 12 }).verdict,
	      LS_ADMIT);
}

/* The same message again: as of now, and what never fits is not told to come back. */
static void test_when_asked_again(void **state)
{
	static const struct {
		const char *row, *instance;
		unsigned recipients;
		uint64_t first_ms, later_ms;
	} rows[] = {
		{ "never fits", "1.never", 13, 0, 0 },
		{ "fits by now", "1.now", 3, 5 * WORLD_MINUTE, 1 },
	};

	(void)state;
	world_open(&world, GUARD);
	check("ten", post(&(struct post){ .recipients = 10 }).verdict,
	      LS_ADMIT);
	for (unsigned later = 0; later < 2; later++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct ls_decision decision = post(&(struct post){
				.recipients = rows[i].recipients,
				.instance = rows[i].instance });

			check(rows[i].row, decision.verdict, LS_DENY);
			check(rows[i].row, decision.reason,
			      LS_REASON_RECIPIENTS);
			check(rows[i].row, decision.retry_ms,
			      later ? rows[i].later_ms : rows[i].first_ms);
		}
		world_pass(&world, 6 * WORLD_MINUTE);
	}
}

/* Of two that are full the one is told that will have room last. */
static void test_when(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "messages", "6/1h");
	world_set(&world, "sending", "recipients", "12/30d");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 6; i++)
		post(&(struct post){ .recipients = 2 });
	decision = post(&(struct post){ .recipients = 2 });
	check("full", decision.reason, LS_REASON_RECIPIENTS);
	check("for", decision.retry_ms, 5 * WORLD_DAY);
}

/* The look before the charge may be late: then what was charged is given back. */
static void test_late_look(void **state)
{
	struct ls_sent sent;

	(void)state;
	world_open(&world, GUARD);
	post(&(struct post){ .recipients = 10 });
	gather(&(struct post){ .recipients = 3 });
	ls_sent_init(&sent, world.state, &message, world.now_ms);
	ls_sent_need(&sent, world.real_ms);
	check("full", ls_sent_try(&sent), LS_SENDING_RECIPIENTS);
	check("messages", level_of(JOE, LS_REASON_MESSAGES, false), 1);
	check("recipients", level_of(JOE, LS_REASON_RECIPIENTS, false), 10);
	gather(&(struct post){ .recipients = 2 });
	ls_sent_init(&sent, world.state, &message, world.now_ms);
	check("fits", ls_sent_try(&sent), LS_SENDING_METERS);
	check("messages", level_of(JOE, LS_REASON_MESSAGES, false), 2);
	check("recipients", level_of(JOE, LS_REASON_RECIPIENTS, false), 12);
}

static void test_no_limits(void **state)
{
	(void)state;
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "senders", "0");
	world_open(&world, GUARD);
	check("many", post_many(NULL, 500), 500);
	check("huge", post(&(struct post){ .recipients = 1000000 }).verdict,
	      LS_ADMIT);
	for (unsigned i = 0; i < 50; i++) {
		char sender[40];

		snprintf(sender, sizeof(sender), "s%u@example.org", i);
		check(sender, post(&(struct post){ .sender = sender }).verdict,
		      LS_ADMIT);
	}
}

static void test_overrides(void **state)
{
	(void)state;
	world_override(&world, WORLD_OF_USER, "news@example.com", "sending",
		       "messages", "40/1h");
	world_override(&world, WORLD_OF_DOMAIN, "example.com", "sending",
		       "recipients", "400/1h");
	world_open(&world, GUARD);
	check("the newsletter", post_many("news@example.com", 60), 40);
	check("others", post_many(NULL, 9), 6);
}

static void test_senders(void **state)
{
	static const struct {
		const char *user, *sender;
		bool own;
	} rows[] = {
		{ JOE, JOE, true },
		{ JOE, "Joe@EXAMPLE.com", true },
		{ JOE, "joe+lists@example.com", true },
		{ JOE, "joe+@example.com", true },
		{ JOE, "", true },
		{ JOE, "joey@example.com", false },
		{ JOE, "jo@example.com", false },
		{ JOE, "joe@example.org", false },
		{ JOE, "joe", false },
		{ JOE, "+joe@example.com", false },
		{ JOE, "joe@example.com.evil.example", false },
		{ JOE, "x@joe@example.com", false },
		{ "joe", "joe@example.org", true },
		{ "joe", "joe+x@example.org", true },
		{ "joe", "joe", true },
		{ "joe", "ann@example.org", false },
		{ "joe@a+b", "joe@a+b", true },
		{ "joe+news@x", "joe+news@x", true },
		{ "joe+news@x", "joe@x", false },
		{ "joe+news@x", "joe+lists@x", false },
		/* A tag of no name at all. */
		{ "@x", "@x", true },
		{ "@x", "+a@x", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct ls_message of = { .user = rows[i].user,
					       .sender = rows[i].sender };

		check(rows[i].sender, ls_message_is_own(&of), rows[i].own);
	}
	check("none", ls_message_is_own(&(struct ls_message){ .user = JOE }),
	      true);
}

static void test_fold_senders(void **state)
{
	static char longest[LS_SENDER_SIZE + 100], folded[LS_SENDER_SIZE];
	static const struct {
		const char *sender, *folded;
	} rows[] = {
		{ "joe@example.com", "joe@example.com" },
		{ "joe", "joe" },
		{ "", "" },
		/* By the recipient's address, or a tag. */
		{ "bounces+ann=example.org@list.example", "bounces@list.example" },
		{ "bounces+123-abc-ann=x@list.example", "bounces@list.example" },
		{ "x+tag@example.com", "x@example.com" },
		{ "list-return-42-ann=example.org@h", "list@h" },
		{ "list-mary-ann=example.org@h", "list@h" },
		{ "news=ann=example.org@h", "news@h" },
		{ "a=b=c", "a" },
		/* By a number: of a message, or a year. */
		{ "news-12345@h", "news@h" },
		{ "joe-2024@h", "joe@h" },
		{ "joe-3@h", "joe@h" },
		{ "joe-3", "joe" },
		{ "bounce-1-2-3@h", "bounce@h" },
		{ "bounce-12_html-7@h", "bounce@h" },
		/* These are names. */
		{ "mary-ann@h", "mary-ann@h" },
		{ "joe-3rd@h", "joe-3rd@h" },
		{ "joe3@h", "joe3@h" },
		{ "joe-@h", "joe-@h" },
		{ "joe.2024@h", "joe.2024@h" },
		/* Nothing is left before it. */
		{ "@x", "@x" },
		{ "+a@x", "+a@x" },
		{ "+a+b@x", "+a@x" },
		{ "=a@x", "=a@x" },
		{ "-7@x", "-7@x" },
		{ "-a=b@x", "-a@x" },
		/* BATV, SRS, and what looks like them. */
		{ "prvs=0123abcdef=joe@h", "joe@h" },
		{ "PRVS=0123abcdef=news-7@h", "news@h" },
		{ "prvs=joe@h", "prvs@h" },
		{ "prvs==@h", "prvs@h" },
		{ "SRS0=HHH=TT=example.org=ann@relay", "SRS0@relay" },
		{ "srs0+HHH=TT=example.org=ann@relay", "srs0@relay" },
		{ "SRS1=HHH=o.example==HHH=TT=x=ann@relay", "SRS1@relay" },
		{ "srs0@relay", "srs0@relay" },
		{ "SRS02=a@relay", "SRS02@relay" },
		/* The domain is whole. */
		{ "a@b+c-7=d", "a@b+c-7=d" },
		{ "\"a@b\"@c", "\"a@b\"@c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ls_sender_fold(rows[i].sender, folded);
		check_text(rows[i].sender, folded, rows[i].folded);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	ls_sender_fold(longest, folded);
	check("cut", strlen(folded), LS_SENDER_SIZE - 1);
	memcpy(longest + sizeof(longest) - 3, "@h", 2);
	ls_sender_fold(longest, folded);
	check("cut", strlen(folded), LS_SENDER_SIZE - 1);
}

/* A newsletter that gives each of its readers a sender of their own is one. */
static void test_extended_senders(void **state)
{
	(void)state;
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 50; i++) {
		char sender[60];

		snprintf(sender, sizeof(sender),
			 i % 2 ? "news+p%u=example.org@list.example"
			       : "News-%u@list.example",
			 i);
		check(sender, post(&(struct post){ .sender = sender }).verdict,
		      LS_ADMIT);
	}
	check("one", level_of(JOE, LS_REASON_SENDERS, false), 1);
	check("another", post(&(struct post){ .sender = "a@x" }).verdict,
	      LS_ADMIT);
	check("a third", post(&(struct post){ .sender = "a@y" }).verdict,
	      LS_DENY);
}

static void test_distinct_senders(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "messages", "100/1h");
	world_set(&world, "sending", "recipients", "100/1h");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 3; i++) {
		check("own", post(&(struct post){ .size = 1 }).verdict,
		      LS_ADMIT);
		check("a", post(&(struct post){ .sender = "a@x" }).verdict,
		      LS_ADMIT);
		check("A", post(&(struct post){ .sender = "A@X" }).verdict,
		      LS_ADMIT);
		check("b", post(&(struct post){ .sender = "b@x" }).verdict,
		      LS_ADMIT);
	}
	check("two", level_of(JOE, LS_REASON_SENDERS, false), 2);
	decision = post(&(struct post){ .sender = "c@x" });
	check("a third", decision.verdict, LS_DENY);
	check("a third", decision.reason, LS_REASON_SENDERS);
	check("takes nothing", level_of(JOE, LS_REASON_MESSAGES, false), 12);
	check("those before",
	      post(&(struct post){ .sender = "b@x" }).verdict, LS_ADMIT);
	world_pass(&world, WORLD_DAY / 2);
	check("one drained", post(&(struct post){ .sender = "c@x" }).verdict,
	      LS_ADMIT);
}

/* An account without limits of messages and recipients is among those who send. */
static void test_who_sends(void **state)
{
	struct ls_sender sender;
	uint64_t cursor = 0;

	(void)state;
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	post_many("ann@example.com", 3);
	post(&(struct post){ .sender = "a@x" });
	check("one", ls_sender_next(world.state, &cursor, world.now_ms, &sender),
	      1);
	check_text("one", sender.user, JOE);
	check("messages", sender.messages, 0);
	check("of two senders", sender.percent, 50);
	check("no other",
	      ls_sender_next(world.state, &cursor, world.now_ms, &sender), 0);
	world_pass(&world, WORLD_DAY);
	cursor = 0;
	check("drained",
	      ls_sender_next(world.state, &cursor, world.now_ms, &sender), 0);
}

/* ---- before the end ------------------------------------------------------ */

static void test_look(void **state)
{
	struct ls_record record = { .event = LS_EVENT_NONE };
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 50; i++)
		check("nothing", look(&(struct post){ .to = "x@y" }).verdict,
		      LS_ADMIT);
	check("charged nothing", post_many(NULL, 9), 6);
	/* Over the soft limit it goes on, to be counted as attempted. */
	check("full", look(&(struct post){ .to = "x@y" }).verdict, LS_ADMIT);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	decision = look(&(struct post){ .to = "x@y" });
	check("frozen", decision.verdict, LS_DENY);
	check("frozen", decision.reason, LS_REASON_ADMIN);
	check("told, after three", events(LS_EVENT_MESSAGE, &record), 3 + 1);
	check("told", record.reason, LS_REASON_ADMIN);
	check("for", decision.retry_ms, WORLD_HOUR);
	check("tells nobody", decision.reveal, false);
}

/* ---- without a map ------------------------------------------------------- */

static void test_without_guard(void **state)
{
	(void)state;
	world_open(&world, LS_GUARD_READ | LS_CREATE);
	check("many", post_many(NULL, 50), 50);
	check("look", look(&(struct post){ .to = "x@y" }).verdict, LS_ADMIT);
	world_open(&world, 0);
	check("many", post_many(NULL, 50), 50);
}

/* A flood of strangers does not wash away what an account has sent, by whom, nor which
 * of its messages were refused. */
static void test_flood(void **state)
{
	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	/* What they leave lasts longer than what was sent. */
	world_set(&world, "ip", "failures", "10/1d, 50/30d");
	world_open(&world, GUARD);
	check("sends", post_many(NULL, 5), 5);
	check("for a list", post(&(struct post){ .sender = "a@x" }).verdict,
	      LS_ADMIT);
	check("full", post(&(struct post){ .to = "kept@x" }).verdict, LS_DENY);
	for (unsigned i = 0; i < 20000; i++) {
		char ip[40], user[40];

		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		snprintf(user, sizeof(user), "nobody%u", i);
		world_login(&world, user, ip, LS_OUTCOME_WRONG);
	}
	check_within("a flood",
		     atomic_load(&world.state->guard.header->subjects
					  .evicted[LS_WORTH_STRANGER]),
		     10000, UINT64_MAX);
	check("still full", post_many(NULL, 3), 0);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 10);
	check("known", post(&(struct post){ .to = "kept@x" }).verdict, LS_DENY);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 10);
	world_pass(&world, WORLD_HOUR);
	check("for it still", post(&(struct post){ .sender = "a@x" }).verdict,
	      LS_ADMIT);
	check("senders", level_of(JOE, LS_REASON_SENDERS, false), 1);
}

/* Nor does an account that may send any number of messages, each refused for another
 * sender, wash away what strangers have sent. */
static void test_flood_by_account(void **state)
{
	enum { HOSTS = 20 };
	char ip[40], sender[40];

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "senders", "1/1d");
	world_set(&world, "relay", "messages", "10/1h");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 10 * HOSTS; i++) {
		snprintf(ip, sizeof(ip), "198.51.100.%u", i % HOSTS);
		check(ip, post(&(struct post){ .user = "", .ip = ip }).verdict,
		      LS_ADMIT);
	}
	for (unsigned i = 0; i < 4000; i++) {
		snprintf(sender, sizeof(sender), "s%u@example.org", i);
		check(sender, post(&(struct post){ .sender = sender }).verdict,
		      i == 0 ? LS_ADMIT : LS_DENY);
	}
	check("strangers evicted",
	      atomic_load(&world.state->guard.header->subjects
				   .evicted[LS_WORTH_STRANGER]),
	      0);
	for (unsigned i = 0; i < HOSTS; i++) {
		snprintf(ip, sizeof(ip), "198.51.100.%u", i);
		check(ip, post(&(struct post){ .user = "", .ip = ip }).verdict,
		      LS_DENY);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, small_world, leave_world)
	static const struct CMUnitTest tests[] = {
		TEST(test_messages),
		TEST(test_recipients),
		TEST(test_when),
		TEST(test_when_asked_again),
		TEST(test_late_look),
		TEST(test_no_limits),
		TEST(test_overrides),
		cmocka_unit_test(test_senders),
		TEST(test_fold_senders),
		TEST(test_extended_senders),
		TEST(test_distinct_senders),
		TEST(test_who_sends),
		TEST(test_look),
		TEST(test_without_guard),
		TEST(test_flood),
		TEST(test_flood_by_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
