/* test_sending_freeze.c - what freezes an account, and rules that only observe */
#include "lockstep-config.h"

#include "sending_bed.h"
#include "state/marks.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

/* ---- the freeze --------------------------------------------------------- */

static void test_freeze(void **state)
{
	struct ls_decision decision;
	struct ls_record record;
	struct ls_lock lock;

	(void)state;
	world_open(&world, GUARD);
	check("a login", world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS)
				 .verdict,
	      LS_ADMIT);
	/* Three times six are attempted; the nineteenth is too much. */
	check("accepted", post_many(NULL, 18), 6);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
	decision = post(&(struct post){ .to = "x@a.example y@b.example",
					.queue_id = "4Held",
					.instance = "1.f" });
	check("held", decision.verdict, LS_HOLD);
	check("held", decision.wanted, LS_HOLD);
	check("why", decision.reason, LS_REASON_SENDING);
	check("for", decision.retry_ms, WORLD_DAY);
	check("frozen", events(LS_EVENT_FREEZE, &record), 1);
	check("by a rule", record.origin, LS_ORIGIN_RULE);
	check("why", record.reason, LS_REASON_SENDING);
	check_text("evidence", record.more,
		   "messages=19 recipients=20 queue-id=4Held "
		   "to=a.example b.example");
	check("message", events(LS_EVENT_MESSAGE, &record), 13);
	check("held", record.verdict, LS_HOLD);
	check_text("queue id", record.detail, "4Held");
	check_text("domains", record.more, "a.example b.example");
	check_text("user", record.subject.user, JOE);
	check("kind", record.subject.kind, LS_KIND_SENDING);
	check("asked again",
	      post(&(struct post){ .recipients = 2,
				   .queue_id = "4Held",
				   .instance = "1.f" })
		      .verdict,
	      LS_HOLD);
	/* Everywhere, from where it is at home too. */
	decision = world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	check("login", decision.verdict, LS_DENY);
	check("login", decision.reason, LS_REASON_SENDING);
	check("listed", world_locked(&world, LS_KIND_USER, JOE, NULL, &lock),
	      true);
	check("as a freeze", lock.freeze, true);
	check("until", lock.until_ms, world.now_ms + WORLD_DAY);
	decision = post(&(struct post){ .to = "z@c.example" });
	check("the next", decision.verdict, LS_DENY);
	check("the next", decision.reason, LS_REASON_SENDING);
	check("the next", decision.kind, LS_KIND_USER);
	check("frozen once", events(LS_EVENT_FREEZE, NULL), 1);
	/* And it ends; its only place is a new one, so a quarter is allowed. */
	world_pass(&world, WORLD_DAY);
	check("later", post_many(NULL, 2), 1);
}

static void test_freeze_by_recipients(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	/* Three times twelve recipients. */
	for (unsigned i = 0; i < 4; i++)
		check("tried",
		      post(&(struct post){ .recipients = 9,
					   .size = 100U << i })
				      .verdict == LS_HOLD,
		      false);
	check("one more",
	      post(&(struct post){ .size = 99999 }).verdict, LS_HOLD);
}

/* One circular to far too many is no theft yet: who sends it is told first. */
static void test_one_too_large(void **state)
{
	const struct post circular = { .recipients = 500 };
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 3; i++) {
		decision = post(&circular);
		check("refused", decision.verdict, LS_DENY);
		check("told", decision.reason, LS_REASON_RECIPIENTS);
	}
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
	/* As told, to fewer at a time. */
	check("another", post(&(struct post){ .recipients = 400 }).verdict,
	      LS_DENY);
	check("fewer", post(&(struct post){ .recipients = 12 }).verdict,
	      LS_ADMIT);
	check("tried", level_of(JOE, LS_REASON_RECIPIENTS, true), 12);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 3);
	/* But not again and again. */
	for (unsigned i = 0; i < 15; i++)
		post(&(struct post){ .recipients = 510 + 10 * i });
	check("not frozen yet", events(LS_EVENT_FREEZE, NULL), 0);
	check("too many", post(&(struct post){ .recipients = 999 }).verdict,
	      LS_HOLD);
}

/* A circular to 800 where 500 an hour may be: its sender is told to send it to fewer
 * at a time, and does so, twice; the second part waits for its hour. */
static void test_as_advised(void **state)
{
	static const struct {
		unsigned recipients;
		enum ls_verdict verdict;
		uint64_t attempted;
	} parts[] = {
		{ 800, LS_DENY, 0 },   { 400, LS_ADMIT, 400 },
		{ 400, LS_DENY, 800 }, { 400, LS_DENY, 800 },
		{ 800, LS_DENY, 800 },
	};

	(void)state;
	world_set(&world, "sending", "messages", "200/1h");
	world_set(&world, "sending", "recipients", "500/1h");
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(parts); i++) {
		const struct post part = {
			.recipients = parts[i].recipients,
			.size = i == 1 ? 5000 : 9000, /* of other recipients */
		};

		check("verdict", post(&part).verdict, parts[i].verdict);
		check("attempted", level_of(JOE, LS_REASON_RECIPIENTS, true),
		      parts[i].attempted);
	}
	world_pass(&world, WORLD_HOUR);
	check("its hour", post(&(struct post){ .recipients = 400, .size = 9000 })
				  .verdict,
	      LS_ADMIT);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
}

/* Whoever goes on to others is frozen all the same: by what could be sent, and by
 * messages of which none could. */
static void test_no_refuge_in_size(void **state)
{
	static const struct {
		unsigned recipients, before;
	} rows[] = { { 12, 3 }, { 13, 18 }, { 1000, 18 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_open(&world, GUARD);
		for (unsigned n = 0; n <= rows[i].before; n++) {
			check("not yet", events(LS_EVENT_FREEZE, NULL), 0);
			post(&(struct post){ .recipients = rows[i].recipients,
					     .size = UINT64_C(100) << n });
		}
		check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
		leave_world(NULL);
		small_world(NULL);
	}
}

/* The message that was too much is counted. What the policy has no limit of is not,
 * and no domain is taken for its count. */
static void test_counts(void **state)
{
	static const struct {
		const char *messages, *recipients;
		unsigned before, to;
		const char *more;
		struct ls_evidence evidence;
	} rows[] = {
		{ "6/1h", "0", 6, 5,
		  "messages=7 queue-id=4Held to=recipients=9.example",
		  { 7, LS_NOT_COUNTED, "4Held", "recipients=9.example" } },
		{ "0", "6/1h", 5, 3,
		  "recipients=8 queue-id=4Held to=recipients=9.example",
		  { LS_NOT_COUNTED, 8, "4Held", "recipients=9.example" } },
		/* By its messages, or its recipients: of both all that it tried. */
		{ "6/1h", "99/1h", 6, 5,
		  "messages=7 recipients=11 queue-id=4Held "
		  "to=recipients=9.example",
		  { 7, 11, "4Held", "recipients=9.example" } },
		{ "99/1h", "6/1h", 3, 5,
		  "messages=4 recipients=8 queue-id=4Held "
		  "to=recipients=9.example",
		  { 4, 8, "4Held", "recipients=9.example" } },
		/* No recipients of what could never be sent. */
		{ "1/1h", "4/1h", 1, 5,
		  "messages=2 recipients=1 queue-id=4Held "
		  "to=recipients=9.example",
		  { 2, 1, "4Held", "recipients=9.example" } },
	};

	(void)state;
	world_set(&world, "sending", "freeze-at", "100");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_evidence evidence;
		struct ls_record record;

		world_set(&world, "sending", "messages", rows[i].messages);
		world_set(&world, "sending", "recipients", rows[i].recipients);
		world_open(&world, GUARD);
		post_many(NULL, rows[i].before);
		post(&(struct post){ .to = "x@recipients=9.example",
				     .recipients = rows[i].to,
				     .queue_id = "4Held" });
		check("frozen", events(LS_EVENT_FREEZE, &record), 1);
		check_text("more", record.more, rows[i].more);
		check("read", ls_evidence_of(&record, &evidence), true);
		check("messages", evidence.messages, rows[i].evidence.messages);
		check("recipients", evidence.recipients,
		      rows[i].evidence.recipients);
		check_text("queue id", evidence.queue_id,
			   rows[i].evidence.queue_id);
		check_text("domains", evidence.domains,
			   rows[i].evidence.domains);
		leave_world(NULL);
		small_world(NULL);
		world_set(&world, "sending", "freeze-at", "100");
	}
}

#define DOMAINS "mail.example.com t-online.com t-online.net t-online.org"

/* Of more domains than there is room for, whole ones are kept: with a long user
 * name the journal has less room. */
static void test_whole_domains(void **state)
{
	static char joes[160];
	static const struct {
		const char *user, *of_freeze, *of_message;
	} rows[] = {
		{ JOE, DOMAINS " t-online.info t-online.at",
		  DOMAINS " t-online.info t-online.at t-online.ch t-online.de" },
		{ joes, DOMAINS,
		  DOMAINS " t-online.info t-online.at t-online.ch" },
	};
	struct ls_record record;

	(void)state;
	snprintf(joes, sizeof(joes), "%0140d@example.com", 7);
	world_set(&world, "sending", "freeze-at", "100");
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_evidence evidence;

		post_many(rows[i].user, 6);
		post(&(struct post){ .user = rows[i].user,
				     .to = "a@mail.example.com b@t-online.com "
					   "c@t-online.net d@t-online.org "
					   "e@t-online.info f@t-online.at "
					   "g@t-online.ch h@t-online.de" });
		check("frozen", events(LS_EVENT_FREEZE, &record), i + 1);
		check_text("whose", record.subject.user, rows[i].user);
		check("evidence", ls_evidence_of(&record, &evidence), true);
		check_text("freeze", evidence.domains, rows[i].of_freeze);
		check("held", events(LS_EVENT_MESSAGE, &record), i + 1);
		check_text("message", record.more, rows[i].of_message);
	}
}

/* It is over: what led to it brings about no other. What was accepted counts. */
static void test_after_the_freeze(void **state)
{
	(void)state;
	world_set(&world, "sending", "freeze", "1m");
	world_set(&world, "sending", "recipients", "300/30d");
	world_open(&world, GUARD);
	post_many(NULL, 30);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
	check("refused", post(&(struct post){ .to = "x@y" }).verdict, LS_DENY);
	world_pass(&world, 2 * WORLD_MINUTE);
	check("the next", post(&(struct post){ .to = "x@y" }).reason,
	      LS_REASON_MESSAGES);
	world_pass(&world, WORLD_HOUR);
	check("later", post_many(NULL, 6), 6);
	check("no other freeze", events(LS_EVENT_FREEZE, NULL), 1);
}

/* No room for it among locks that an administrator set: each message more tries
 * again, and what led to it is not forgotten. */
static void test_no_room_for_the_freeze(void **state)
{
	const struct ls_table *table;
	const uint8_t *hash_key;
	uint64_t bucket;

	(void)state;
	/* So many buckets that what it sends is in another than the account. */
	world_set(&world, NULL, "subjects", "1000000");
	world_open(&world, GUARD);
	check("to the freeze", post_many(NULL, 18), 6);
	table = &world.state->guard.subjects;
	hash_key = world.state->guard.hash_key;
	bucket = ls_table_bucket(table, ls_key_user(hash_key, JOE));
	for (unsigned i = 0, locked = 0; locked < LS_WAYS; i++) {
		struct ls_subject other = { .kind = LS_KIND_USER };

		snprintf(other.user, sizeof(other.user), "n%u", i);
		if (ls_table_bucket(table, ls_key_user(hash_key, other.user)) !=
		    bucket)
			continue;
		check("locked",
		      ls_lock(world.state, &other, WORLD_DAY, NULL,
			      world.now_ms),
		      0);
		locked++;
	}
	for (unsigned i = 0; i < 3; i++)
		check("held", post(&(struct post){ .size = 50U << i }).verdict,
		      LS_HOLD);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 18);
}

static void test_on_freeze_reject(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "on-freeze", "reject");
	world_set(&world, "sending", "freeze", "2h");
	world_set(&world, "sending", "freeze-at", "100");
	world_open(&world, GUARD);
	check("accepted", post_many(NULL, 6), 6);
	decision = post(&(struct post){ .to = "x@y", .instance = "1.f" });
	check("refused", decision.verdict, LS_DENY);
	check("refused", decision.reason, LS_REASON_SENDING);
	check("refused for what it is", decision.kind, LS_KIND_SENDING);
	check("for", decision.retry_ms, 2 * WORLD_HOUR);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
	decision = post(&(struct post){ .to = "x@y", .instance = "1.f" });
	check("asked again", decision.verdict, LS_DENY);
	check("asked again", decision.reason, LS_REASON_SENDING);
	check("asked again", decision.kind, LS_KIND_SENDING);
	/* The next one is refused because the account is frozen. */
	for (unsigned i = 0; i < 2; i++) {
		decision = post(&(struct post){ .to = "x@y",
						.instance = "1.0" });
		check("next", decision.verdict, LS_DENY);
		check("next", decision.reason, LS_REASON_SENDING);
		check("next", decision.kind, LS_KIND_USER);
		check("next, for", decision.retry_ms, 2 * WORLD_HOUR);
	}
}

/* Before a proxy filter Postfix has no queue file: what it could not hold would go
 * out. */
static void test_nothing_to_hold(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "freeze-at", "100");
	world_open(&world, GUARD);
	check("accepted", post_many(NULL, 6), 6);
	decision = post(&(struct post){ .to = "x@y", .queue_id = "" });
	check("refused", decision.verdict, LS_DENY);
	check("refused", decision.reason, LS_REASON_SENDING);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
}

static void test_probation(void **state)
{
	uint64_t key;

	(void)state;
	world_set(&world, "sending", "messages", "40/1h");
	world_set(&world, "sending", "recipients", "200/1h");
	world_open(&world, GUARD);
	key = ls_key_user(world.state->guard.hash_key, JOE);
	ls_state_doubt(world.state, key, world_now(&world),
		       world_now(&world) + WORLD_DAY,
		       world_now(&world));
	check("a quarter", post_many(NULL, 20), 10);
	check("another's", post_many("ann@example.com", 50), 40);
	/* 30 are attempted, then it is frozen. */
	check("not yet", post_many(NULL, 10), 0);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
	check("too much", post(&(struct post){ .to = "x@y" }).verdict, LS_HOLD);
}

/* ---- rules that only observe --------------------------------------------- */

static void check_observed(void)
{
	struct ls_record record = { .event = LS_EVENT_NONE };
	struct ls_decision decision;

	check("all", post_many(NULL, 18), 18);
	decision = post(&(struct post){ .to = "x@y" });
	check("admitted", decision.verdict, LS_ADMIT);
	check("it would be held", decision.wanted, LS_HOLD);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 0);
	check_within("told", events(LS_EVENT_MESSAGE, &record), 1, 99);
	check("told", record.verdict, LS_ADMIT);
	check("told", record.wanted, LS_HOLD);
	check("a login", world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS)
				 .verdict,
	      LS_ADMIT);
}

static void test_observing_rule(void **state)
{
	(void)state;
	world_set(&world, "sending", "mode", "observe");
	world_open(&world, GUARD);
	check_observed();
}

static void test_observing_policy(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, NULL, "mode", "observe");
	world_open(&world, GUARD);
	check_observed();
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	decision = post(&(struct post){ .to = "x@y" });
	check("frozen, not enforced", decision.verdict, LS_ADMIT);
	check("frozen, told", decision.wanted, LS_DENY);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, small_world, leave_world)
	static const struct CMUnitTest tests[] = {
		TEST(test_freeze),
		TEST(test_freeze_by_recipients),
		TEST(test_one_too_large),
		TEST(test_as_advised),
		TEST(test_no_refuge_in_size),
		TEST(test_counts),
		TEST(test_whole_domains),
		TEST(test_after_the_freeze),
		TEST(test_no_room_for_the_freeze),
		TEST(test_on_freeze_reject),
		TEST(test_nothing_to_hold),
		TEST(test_probation),
		TEST(test_observing_rule),
		TEST(test_observing_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
