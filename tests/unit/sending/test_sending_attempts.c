/* test_sending_attempts.c - one message asked about more than once, and one that was
 * refused and comes again: neither is one more */
#include "lockstep-config.h"

#include "sending_bed.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

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
	/* What was refused stays so, for this end, when there is room. */
	world_pass(&world, WORLD_HOUR);
	check("still",
	      post(&(struct post){ .instance = "1.b", .recipients = 2 })
		      .verdict,
	      LS_DENY);
	/* Without a name each is a message of its own. */
	for (unsigned i = 0; i < 2; i++)
		check("nameless", post(&(struct post){ .instance = "" }).verdict,
		      LS_ADMIT);
	check("two", level_of(JOE, LS_REASON_MESSAGES, false), 2);
}

/* A transaction that goes on after its end: with another text, or with more
 * recipients, is another message. */
static void test_charged_for_each_end(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	post(&(struct post){ .instance = "1.c", .queue_id = "4A" });
	post(&(struct post){ .instance = "1.c", .queue_id = "4B" });
	check("texts", level_of(JOE, LS_REASON_MESSAGES, false), 2);
	check("texts", level_of(JOE, LS_REASON_RECIPIENTS, false), 2);
	post(&(struct post){ .instance = "1.d", .queue_id = "" });
	post(&(struct post){ .instance = "1.d",
			     .queue_id = "",
			     .recipients = 4 });
	check("more", level_of(JOE, LS_REASON_MESSAGES, false), 4);
	check("more", level_of(JOE, LS_REASON_RECIPIENTS, false), 7);
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

/* Accepted here and turned away behind us, as by a milter that is out of order, mail
 * comes again and again: it freezes nobody either. */
static void test_turned_away_later_is_no_attempt(void **state)
{
	unsigned accepted = 0, most = 201;

	(void)state;
	world_set(&world, "sending", "messages", "200/1h");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "freeze-at", "200");
	world_open(&world, GUARD);
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < most; i++) {
			char to[40];

			snprintf(to, sizeof(to), "k%u@example.net", i);
			accepted += post(&(struct post){ .to = to }).verdict ==
				    LS_ADMIT;
		}
	}
	check("the limit holds", accepted, 200);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 0);
	/* Those of the first tenth are not remembered until they are refused. */
	check_within("tried", level_of(JOE, LS_REASON_MESSAGES, true), most,
		     most + 20);
	check("told", events(LS_EVENT_MESSAGE, NULL), 50);
	/* Others are attempts as ever. */
	post_many(NULL, 400);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
}

/* Send `count` messages, each to somebody else. Returns how many were accepted. */
static unsigned post_all(unsigned count)
{
	unsigned accepted = 0;

	for (unsigned i = 0; i < count; i++) {
		char to[40];

		snprintf(to, sizeof(to), "m%u@example.net", i);
		accepted += post(&(struct post){ .to = to }).verdict == LS_ADMIT;
	}
	return accepted;
}

/* Accepted here and put off behind us, mail comes again minutes later: that is not
 * charged for, but for as much as may be sent anyway. */
static void test_put_off_behind_us_is_charged_once(void **state)
{
	unsigned accepted;

	(void)state;
	world_set(&world, "sending", "messages", "200/30d");
	world_set(&world, "sending", "recipients", "300/30d");
	world_set(&world, "sending", "freeze-at", "10000");
	world_open(&world, GUARD);
	check("at first", post_all(40), 40);
	world_pass(&world, 30 * 1000);
	check("too soon", post_all(1), 1);
	check("charged", level_of(JOE, LS_REASON_MESSAGES, false), 41);
	for (unsigned round = 0; round < 5; round++) {
		world_pass(&world, 2 * WORLD_MINUTE);
		check("again", post_all(40), 40);
	}
	/* But those of before it had used a tenth. */
	check_within("charged", level_of(JOE, LS_REASON_MESSAGES, false), 40,
		     40 + 1 + 20);
	check_within("charged", level_of(JOE, LS_REASON_RECIPIENTS, false), 40,
		     40 + 1 + 20);
	accepted = 40 + 1 + 5 * 40;
	for (unsigned round = 0; round < 20; round++) {
		world_pass(&world, 2 * WORLD_MINUTE);
		accepted += post_all(40);
	}
	check("twice the limit", accepted, 400);
	check("full", level_of(JOE, LS_REASON_MESSAGES, false), 200);
}

/* Whoever it goes to is not known: it may be another message. */
static void test_what_may_be_another_is_charged(void **state)
{
	(void)state;
	world_set(&world, "sending", "messages", "9/30d");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 3; i++) {
		post(&(struct post){ .recipients = 3 });
		world_pass(&world, 2 * WORLD_MINUTE);
	}
	check("each", level_of(JOE, LS_REASON_MESSAGES, false), 3);
}

static uint64_t slots_in_use(void)
{
	struct ls_status status;

	ls_status(world.state, world.now_ms, &status);
	return status.used;
}

/* Nor is room taken for each message of who is far from the limits. */
static void test_few_accepted_are_remembered(void **state)
{
	uint64_t before;

	(void)state;
	world_set(&world, "sending", "messages", "1000/1h");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	post_many(NULL, 1);
	before = slots_in_use();
	post_many(NULL, 98);
	check("none", slots_in_use(), before);
	post_many(NULL, 100);
	check("each", slots_in_use(), before + 100);
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
		{ "a tenth more", { .to = "a@x b@x", .size = 11000 }, true },
		{ "a tenth less", { .to = "a@x b@x", .size = 9000 }, true },
		{ "a sixth more", { .to = "a@x b@x", .size = 11667 }, false },
		{ "a sixth less", { .to = "a@x b@x", .size = 8333 }, false },
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
		small_world(NULL);
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

static uint64_t apart(uint64_t size, uint64_t other_size)
{
	const struct ls_message one = { .sender = "s", .size = size },
				other = { .sender = "s", .size = other_size };
	uint64_t key = ls_message_key(world.state, &one),
		 other_key = ls_message_key(world.state, &other);

	return other_key > key ? other_key - key : key - other_key;
}

/* Every size within a tenth of another is in a class that is looked at, and none that
 * differs by a sixth. */
static void test_sizes(void **state)
{
	struct ls_message one = { .sender = "s" }, other = one;

	(void)state;
	world_open(&world, GUARD);
	for (uint64_t size = 1; size < UINT64_C(1) << 40;
	     size += size / 500 + 1) {
		check_within("a tenth more", apart(size, size + size / 10), 0,
			     LS_MESSAGE_NEIGHBOURS);
		check_within("a tenth less", apart(size, size - size / 10), 0,
			     LS_MESSAGE_NEIGHBOURS);
		check_within("a sixth more", apart(size, size + (size + 5) / 6),
			     LS_MESSAGE_NEIGHBOURS + 1, 19);
		if (size > 1)
			check_within("a sixth less",
				     apart(size, size - (size + 5) / 6),
				     LS_MESSAGE_NEIGHBOURS + 1, 19);
	}
	one.size = 0;
	other.size = UINT64_MAX;
	check_within("all",
		     ls_message_key(world.state, &other) -
			     ls_message_key(world.state, &one),
		     1200, 1300);
}

/* ---- the journal -------------------------------------------------------- */

#define NEWS "news@example.com"

/* An account that may send any number of messages, and is refused each of them for
 * something else. */
static void test_refusals_do_not_fill_the_journal(void **state)
{
	struct ls_record record = { .event = LS_EVENT_NONE };
	char sender[40];

	(void)state;
	world_set(&world, NULL, "journal-size", "1024");
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_override(&world, WORLD_OF_USER, JOE, "sending", "messages",
		       "6/1h");
	world_open(&world, GUARD);
	post_many(NULL, 18);
	post(&(struct post){ .to = "x@a.example", .queue_id = "4Held" });
	check("held", events(LS_EVENT_MESSAGE, &record), 13);
	check_text("queue id", record.detail, "4Held");
	for (unsigned day = 0; day < 3; day++) {
		for (unsigned i = 0; i < 2000; i++) {
			snprintf(sender, sizeof(sender), "s%u.%u@x", day, i);
			post(&(struct post){ .user = NEWS, .sender = sender });
		}
		check("a day's", events(LS_EVENT_MESSAGE, &record),
		      13 + 50 * (day + 1));
		check_text("of", record.subject.user, NEWS);
		check("for", record.reason, LS_REASON_SENDERS);
		world_pass(&world, WORLD_DAY);
	}
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
}

/* Nor do those of a frozen account. */
static void test_frozen_does_not_fill_the_journal(void **state)
{
	const struct ls_subject joe = { .kind = LS_KIND_USER, .user = JOE };
	struct ls_record record = { .event = LS_EVENT_NONE };

	(void)state;
	world_open(&world, GUARD);
	ls_freeze(world.state, JOE, WORLD_DAY, LS_REASON_ADMIN, LS_ORIGIN_ADMIN,
		  "root", world.now_ms);
	post_many(NULL, 500);
	check("told", events(LS_EVENT_MESSAGE, &record), 50);
	check("for", record.reason, LS_REASON_ADMIN);
	/* Who looks into it is told more. */
	ls_unlock(world.state, &joe, "root", world.now_ms);
	post_many(NULL, 500);
	check("told again", events(LS_EVENT_MESSAGE, &record), 100);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, small_world, leave_world)
	static const struct CMUnitTest tests[] = {
		TEST(test_charged_once),
		TEST(test_charged_for_each_end),
		TEST(test_retrying_is_no_attempt),
		TEST(test_turned_away_later_is_no_attempt),
		TEST(test_put_off_behind_us_is_charged_once),
		TEST(test_what_may_be_another_is_charged),
		TEST(test_few_accepted_are_remembered),
		TEST(test_same_message),
		TEST(test_sizes),
		TEST(test_refusals_do_not_fill_the_journal),
		TEST(test_frozen_does_not_fill_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
