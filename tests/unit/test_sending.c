/* test_sending.c - what an account may send: limits, attempts, the freeze */
#include "lockstep-config.h"

#include "sending_bed.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, "sending", "messages", "6/1h");
	world_set(&world, "sending", "recipients", "12/1h");
	world_set(&world, "sending", "senders", "2/1d");
	memset(&gathered, 0, sizeof(gathered));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

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

/* ---- one message, asked about more than once ---------------------------- */

static void test_charged_once(void **state)
{
	struct ls_decision first, again;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 3; i++)
		check("accepted",
		      post(&(struct post){ .instance = "1.a",
					   .recipients = 5 })
			      .verdict,
		      LS_ADMIT);
	check("messages", level_of(JOE, LS_REASON_MESSAGES, false), 1);
	check("recipients", level_of(JOE, LS_REASON_RECIPIENTS, false), 5);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 1);
	post(&(struct post){ .recipients = 7 });
	first = post(&(struct post){ .instance = "1.b", .recipients = 2 });
	world_pass(&world, WORLD_MINUTE);
	again = post(&(struct post){ .instance = "1.b", .recipients = 2 });
	check("refused", first.verdict, LS_DENY);
	check("verdict", again.verdict, first.verdict);
	check("wanted", again.wanted, first.wanted);
	check("reason", again.reason, first.reason);
	check("kind", again.kind, first.kind);
	check("told", again.reveal, first.reveal);
	check("when", again.retry_ms, first.retry_ms - WORLD_MINUTE);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 3);
	check("told once", events(LS_EVENT_MESSAGE, NULL), 1);
	/* What was refused stays so, for this transaction, when there is room. */
	world_pass(&world, WORLD_HOUR);
	check("still", post(&(struct post){ .instance = "1.b" }).verdict,
	      LS_DENY);
	/* Without a name each is a message of its own. */
	for (unsigned i = 0; i < 2; i++)
		check("nameless", post(&(struct post){ .instance = "" }).verdict,
		      LS_ADMIT);
	check("two", level_of(JOE, LS_REASON_MESSAGES, false), 2);
}

/* ---- attempts ----------------------------------------------------------- */

/* A client that keeps 30 refused messages and tries them again every minute, all
 * night, slips nothing past the limits and is not frozen. */
static void test_retrying_is_no_attempt(void **state)
{
	unsigned accepted = 0, queued[30], left = COUNT(queued);

	(void)state;
	world_set(&world, "sending", "freeze-at", "600");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < COUNT(queued); i++)
		queued[i] = i;
	for (unsigned minute = 0; minute < 10 * 60; minute++) {
		for (unsigned i = 0; i < left; i++) {
			char to[40];

			snprintf(to, sizeof(to), "q%u@example.net", queued[i]);
			/* Headers differ a little each time. */
			if (post(&(struct post){
					 .to = to,
					 .size = 10000 +
						 (minute * 37 % 900) })
				    .verdict == LS_ADMIT) {
				queued[i--] = queued[--left];
				accepted++;
			}
		}
		world_pass(&world, WORLD_MINUTE);
	}
	check("frozen", events(LS_EVENT_FREEZE, NULL), 0);
	check("all got through in the end", accepted, COUNT(queued));
	check("each told once", events(LS_EVENT_MESSAGE, NULL), 24);
}

static void test_same_message(void **state)
{
	static const struct {
		const char *row;
		struct post post;
		bool same;
	} rows[] = {
		{ "itself", { .to = "a@x b@x", .size = 10000 }, true },
		{ "other order", { .to = "b@x a@x", .size = 10000 }, true },
		{ "other case", { .to = "A@x B@X", .size = 10000 }, true },
		{ "twice", { .to = "a@x b@x", .size = 10000 }, true },
		{ "a tenth more", { .to = "a@x b@x", .size = 10999 }, true },
		{ "a tenth less", { .to = "a@x b@x", .size = 9100 }, true },
		{ "half more", { .to = "a@x b@x", .size = 15000 }, false },
		{ "half", { .to = "a@x b@x", .size = 5000 }, false },
		{ "other recipient", { .to = "a@x c@x", .size = 10000 }, false },
		{ "one less", { .to = "a@x", .size = 10000 }, false },
		{ "one more", { .to = "a@x b@x c@x", .size = 10000 }, false },
		{ "other sender",
		  { .to = "a@x b@x", .size = 10000, .sender = "joe+1@x" },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_fini(&world);
		setup(NULL);
		world_set(&world, "sending", "messages", "1/30d");
		world_set(&world, "sending", "freeze-at", "10000");
		world_open(&world, GUARD);
		post(&(struct post){ .to = "fills@x" });
		post(&(struct post){ .to = "a@x b@x", .size = 10000 });
		check(rows[i].row, level_of(JOE, LS_REASON_MESSAGES, true), 2);
		check(rows[i].row, post(&rows[i].post).verdict, LS_DENY);
		check(rows[i].row, level_of(JOE, LS_REASON_MESSAGES, true),
		      rows[i].same ? 2 : 3);
	}
}

/* Every size within a tenth of another is in its class or a neighbour's. */
static void test_sizes(void **state)
{
	struct ls_message one = { .sender = "s" }, other = one;

	(void)state;
	world_open(&world, GUARD);
	for (uint64_t size = 1; size < UINT64_C(1) << 40;
	     size += size / 50 + 1) {
		uint64_t apart;

		one.size = size;
		other.size = size + size / 10;
		apart = ls_message_key(world.state, &other) -
			ls_message_key(world.state, &one);
		check_within("a tenth more", apart, 0, 1);
		if (size < 20)
			continue;
		other.size = size + size / 2;
		apart = ls_message_key(world.state, &other) -
			ls_message_key(world.state, &one);
		check_within("half more", apart, 2, 8);
	}
	one.size = 0;
	other.size = UINT64_MAX;
	check_within("all",
		     ls_message_key(world.state, &other) -
			     ls_message_key(world.state, &one),
		     400, 500);
}

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
		   "messages=18 recipients=18 queue-id=4Held "
		   "to=a.example b.example");
	check("message", events(LS_EVENT_MESSAGE, &record), 13);
	check("held", record.verdict, LS_HOLD);
	check_text("queue id", record.detail, "4Held");
	check_text("domains", record.more, "a.example b.example");
	check_text("user", record.subject.user, JOE);
	check("kind", record.subject.kind, LS_KIND_SENDING);
	check("asked again",
	      post(&(struct post){ .instance = "1.f" }).verdict, LS_HOLD);
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
	/* And it ends. */
	world_pass(&world, WORLD_DAY);
	check("later", post_many(NULL, 9), 6);
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

static void test_on_freeze_reject(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "on-freeze", "reject");
	world_set(&world, "sending", "freeze", "2h");
	world_set(&world, "sending", "freeze-at", "100");
	world_open(&world, GUARD);
	check("accepted", post_many(NULL, 6), 6);
	decision = post(&(struct post){ .to = "x@y" });
	check("refused", decision.verdict, LS_DENY);
	check("refused", decision.reason, LS_REASON_SENDING);
	check("for", decision.retry_ms, 2 * WORLD_HOUR);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
}

/* An administrator's freeze, and its end; what is sent by then is forgotten, or the
 * next message would freeze the account again. */
static void test_release(void **state)
{
	struct ls_decision decision;
	struct ls_release release;

	(void)state;
	world_open(&world, GUARD);
	check("to the freeze", post_many(NULL, 19), 6 + 0);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
	ls_release(world.state, JOE, NULL, world.now_ms, NULL, NULL, &release);
	check("was frozen", release.frozen, true);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 0);
	check("sends again", post_many(NULL, 9), 6);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 1);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	decision = post(&(struct post){ .to = "x@y" });
	check("by hand", decision.verdict, LS_DENY);
	check("by hand", decision.reason, LS_REASON_ADMIN);
}

static void test_unlock(void **state)
{
	struct ls_subject joe = world_subject(LS_KIND_USER, JOE, NULL);

	(void)state;
	world_open(&world, GUARD);
	check("sends", post_many(NULL, 9), 6);
	ls_unlock(world.state, &joe, NULL, world.now_ms);
	check("sends again", post_many(NULL, 9), 6);
}

static void test_probation(void **state)
{
	uint64_t key;

	(void)state;
	world_set(&world, "sending", "messages", "40/1h");
	world_set(&world, "sending", "recipients", "200/1h");
	world_open(&world, GUARD);
	key = ls_key_user(world.state->guard.hash_key, JOE);
	ls_state_doubt(world.state, key, world_now(&world) + WORLD_DAY,
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

/* ---- before the end ------------------------------------------------------ */

static struct ls_decision look(const struct post *post)
{
	struct ls_decision decision;

	gather(post);
	memset(&decision, 0xee, sizeof(decision));
	ls_send_look(world.state, &message, world.now_ms, &decision);
	return decision;
}

static void test_look(void **state)
{
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
	check("for", decision.retry_ms, WORLD_HOUR);
	check("tells nobody", decision.reveal, false);
}

/* ---- relaying ------------------------------------------------------------ */

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

/* A flood of strangers does not wash away what an account has sent, nor which of
 * its messages were refused. */
static void test_flood(void **state)
{
	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	check("sends", post_many(NULL, 6), 6);
	check("full", post(&(struct post){ .to = "kept@x" }).verdict, LS_DENY);
	for (unsigned i = 0; i < 20000; i++) {
		char ip[40];

		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		world_login(&world, "nobody", ip, LS_OUTCOME_WRONG);
	}
	check("still full", post_many(NULL, 3), 0);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 10);
	check("known", post(&(struct post){ .to = "kept@x" }).verdict, LS_DENY);
	check("tried", level_of(JOE, LS_REASON_MESSAGES, true), 10);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_messages),
		TEST(test_recipients),
		TEST(test_no_limits),
		TEST(test_overrides),
		cmocka_unit_test(test_senders),
		TEST(test_distinct_senders),
		TEST(test_charged_once),
		TEST(test_retrying_is_no_attempt),
		TEST(test_same_message),
		TEST(test_sizes),
		TEST(test_freeze),
		TEST(test_freeze_by_recipients),
		TEST(test_on_freeze_reject),
		TEST(test_release),
		TEST(test_unlock),
		TEST(test_probation),
		TEST(test_observing_rule),
		TEST(test_observing_policy),
		TEST(test_look),
		TEST(test_relay),
		TEST(test_relay_spares_trusted),
		TEST(test_without_guard),
		TEST(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
