/* test_sending_new.c - recipients that an account never wrote to before */
#include "lockstep-config.h"

#include "sending_bed.h"

#include <stdlib.h>
#include <unistd.h>

#define JOE "joe@example.com"
#define NEWS "news@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE | LS_CONTACTS)

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, NULL, "contacts", "100000");
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "new-recipients", "20/1d");
	memset(&gathered, 0, sizeof(gathered));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct ls_decision write_to(const char *user, const char *what,
				   unsigned number)
{
	char to[64];

	snprintf(to, sizeof(to), "%s%u@example.net", what, number);
	return post(&(struct post){ .user = user, .to = to });
}

/* Joe writes to ten people for two weeks. */
static void live(void)
{
	for (unsigned i = 0; i < 15; i++) {
		for (unsigned j = 0; j < 10; j++)
			check("writes", write_to(JOE, "friend", j).verdict,
			      LS_ADMIT);
		world_pass(&world, WORLD_DAY);
	}
}

/* A newsletter that went to its 5,000 for a year goes on; stolen, it is stopped
 * at the limit when it writes to 5,000 others. */
static void test_newsletter_and_thief(void **state)
{
	struct ls_decision decision;
	struct ls_record record;
	unsigned accepted = 0;

	(void)state;
	world_set(&world, NULL, "journal-size", "16384");
	world_open(&world, GUARD);
	world_fix_keys(&world);
	for (unsigned month = 0; month < 12; month++) {
		for (unsigned i = 0; i < 5000; i++)
			check("a year", write_to(NEWS, "reader", i).verdict,
			      LS_ADMIT);
		world_pass(&world, 30 * WORLD_DAY);
	}
	for (unsigned i = 0; i < 5000; i++)
		check("as always", write_to(NEWS, "reader", i).verdict,
		      LS_ADMIT);
	check("nothing new",
	      level_of(NEWS, LS_REASON_NEW_RECIPIENTS, false), 0);
	check("no alarm", events(LS_EVENT_ALARM, NULL), 0);
	for (unsigned i = 0; i < 5000; i++) {
		decision = write_to(NEWS, "victim", i);
		accepted += decision.verdict == LS_ADMIT;
	}
	check("stopped", accepted, 20);
	check("by", decision.reason, LS_REASON_NEW_RECIPIENTS);
	check("kind", decision.kind, LS_KIND_SENDING);
	check_within("when", decision.retry_ms, 1, WORLD_DAY / 20);
	check("one alarm", events(LS_EVENT_ALARM, &record), 1);
	check_text("whose", record.subject.user, NEWS);
	check("why", record.reason, LS_REASON_NEW_RECIPIENTS);
	check("no freeze", events(LS_EVENT_FREEZE, NULL), 0);
	/* Its readers are reached meanwhile. */
	for (unsigned i = 0; i < 5000; i++)
		check("as always", write_to(NEWS, "reader", i).verdict,
		      LS_ADMIT);
	world_pass(&world, WORLD_DAY);
	for (unsigned i = 5000; i < 5030; i++)
		write_to(NEWS, "victim", i);
	check("another day, another alarm", events(LS_EVENT_ALARM, NULL), 2);
}

/* The alarm is for new recipients, also where another limit lasts longer. */
static void test_alarm_beside_another_limit(void **state)
{
	struct ls_record record = { .event = LS_EVENT_NONE };
	struct ls_decision decision;

	(void)state;
	world_set(&world, "sending", "messages", "12/30d");
	world_set(&world, "sending", "new-recipients", "5/1h");
	world_set(&world, "sending", "freeze-at", "10000");
	world_open(&world, GUARD);
	for (unsigned day = 0; day < 15; day++) {
		if (day % 5 == 0)
			check("writes", write_to(NEWS, "friend", day).verdict,
			      LS_ADMIT);
		world_pass(&world, WORLD_DAY);
	}
	for (unsigned i = 0; i < 5; i++)
		check("room", write_to(NEWS, "victim", i).verdict, LS_ADMIT);
	for (unsigned i = 0; i < 12; i++)
		write_to(NEWS, "friend", 0);
	check("no alarm", events(LS_EVENT_ALARM, NULL), 0);
	decision = write_to(NEWS, "victim", 5);
	check("refused for", decision.reason, LS_REASON_MESSAGES);
	check("new ones are at their limit",
	      level_of(NEWS, LS_REASON_NEW_RECIPIENTS, false), 5);
	check("alarm", events(LS_EVENT_ALARM, &record), 1);
	check("why", record.reason, LS_REASON_NEW_RECIPIENTS);
}

/* What only observes lets all of it go, and learns all of it. */
static void test_observed_excess_teaches(void **state)
{
	struct ls_sending sending;

	(void)state;
	world_set(&world, NULL, "mode", "observe");
	world_set(&world, "sending", "messages", "6/1h");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 40; i++)
		check("observed", write_to(NEWS, "reader", i).verdict, LS_ADMIT);
	check("ls_explain_sending",
	      ls_explain_sending(world.state, NEWS, world.now_ms, world.real_ms,
				 &sending), 0);
	check("known", sending.known, 40);
}

/* With limits that make it so, attempts freeze, never new recipients. */
static void test_freezes_by_attempts_alone(void **state)
{
	(void)state;
	world_set(&world, "sending", "messages", "1000/1d");
	world_open(&world, GUARD);
	live();
	for (unsigned i = 0; i < 2980; i++)
		check("no hold",
		      write_to(JOE, "victim", i).verdict == LS_HOLD, false);
	check("no freeze", events(LS_EVENT_FREEZE, NULL), 0);
}

static void test_learning(void **state)
{
	unsigned accepted = 0;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned day = 0; day < 14; day++) {
		for (unsigned i = 0; i < 50; i++)
			check("anybody",
			      write_to(JOE, "p", day * 50 + i).verdict,
			      LS_ADMIT);
		world_pass(&world, WORLD_DAY);
	}
	for (unsigned i = 0; i < 50; i++)
		accepted += write_to(JOE, "q", i).verdict == LS_ADMIT;
	check("from then on", accepted, 20);
}

/* To 30 new ones where 20 a day may be: what could never be sent is an attempt to
 * write to nobody, and does not freeze its sender for what follows. */
static void test_too_many_at_once(void **state)
{
	char to[2][1000] = { "", "" };

	(void)state;
	world_set(&world, "sending", "messages", "100/1d");
	world_set(&world, "sending", "recipients", "40/1d");
	world_set(&world, "sending", "freeze-at", "100");
	world_open(&world, GUARD);
	live();
	for (unsigned i = 0; i < 30; i++)
		snprintf(to[i >= 15] + strlen(to[i >= 15]), 32,
			 "n%u@example.net ", i);
	world_pass(&world, WORLD_DAY);
	for (unsigned i = 0; i < 3; i++) {
		char all[2000];

		snprintf(all, sizeof(all), "%s%s", to[0], to[1]);
		check("all", post(&(struct post){ .to = all }).retry_ms, 0);
		check("nobody", level_of(JOE, LS_REASON_RECIPIENTS, true), 0);
	}
	check("half", post(&(struct post){ .to = to[0] }).verdict, LS_ADMIT);
	check("waits", post(&(struct post){ .to = to[1] }).verdict, LS_DENY);
	check("both", level_of(JOE, LS_REASON_RECIPIENTS, true), 30);
	check("not frozen", events(LS_EVENT_FREEZE, NULL), 0);
}

/* A filter was killed in the middle of a message, and another knows only the rest of
 * its recipients: what it does not know is new. */
static void test_partly_noted(void **state)
{
	static const struct {
		const char *row, *noted;
		unsigned recipients;
		bool partial;
		uint64_t new;
	} rows[] = {
		{ "all are noted", "f0 f1 f2", 3, true, 0 },
		{ "none is", "", 15, true, 15 },
		{ "some are", "f0 f1 f2", 15, true, 12 },
		{ "and some of these are new", "f0 f1 x y", 15, true, 13 },
		{ "one twice", "f0 f1 f0", 3, true, 0 },
		{ "each asked about twice", "f0 f0 f1 f1", 4, true, 2 },
		{ "rejected after it was noted", "f0 f1 f2", 2, true, 0 },
		{ "never asked at RCPT", "", 15, false, 0 },
		{ "more than ever fit", "", 25, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool fits = rows[i].recipients <= 20;
		char to[200] = "", name[8];
		struct ls_decision decision;

		world_open(&world, GUARD);
		live();
		for (const char *at = rows[i].noted; *at != '\0';
		     at += strcspn(at, " "), at += *at == ' ') {
			snprintf(name, sizeof(name), "%.*s",
				 (int)strcspn(at, " "), at);
			snprintf(to + strlen(to), sizeof(to) - strlen(to),
				 name[0] == 'f' ? "friend%s@example.net "
						: "%s@example.net ",
				 name[0] == 'f' ? name + 1 : name);
		}
		gather(&(struct post){ .to = to,
				       .recipients = rows[i].recipients });
		message.partial = rows[i].partial;
		ls_send(world.state, &message, world.now_ms, world.real_ms,
			&decision);
		check(rows[i].row, decision.verdict, fits ? LS_ADMIT : LS_DENY);
		check(rows[i].row,
		      level_of(JOE, LS_REASON_NEW_RECIPIENTS, false),
		      rows[i].new);
		/* Nobody learns, nobody counts. */
		gather(&(struct post){ .user = NEWS, .recipients = 100 });
		message.partial = true;
		ls_send(world.state, &message, world.now_ms, world.real_ms,
			&decision);
		check("learns", decision.verdict, LS_ADMIT);
		teardown(state);
		setup(state);
	}
}

/* What is refused makes nobody known; a message counts by its new recipients, all
 * of them or none. */
static void test_all_or_none(void **state)
{
	char to[2000] = "friend0@example.net";
	struct ls_decision decision;

	(void)state;
	world_open(&world, GUARD);
	live();
	for (unsigned i = 0; i < 21; i++) {
		char one[40];

		snprintf(one, sizeof(one), " n%u@example.net", i);
		strcat(to, one);
	}
	for (unsigned i = 0; i < 3; i++) {
		decision = post(&(struct post){ .to = to });
		check("21", decision.reason, LS_REASON_NEW_RECIPIENTS);
		check("never", decision.retry_ms, 0);
	}
	check("took none", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false), 0);
	*strrchr(to, ' ') = '\0';
	check("20", post(&(struct post){ .to = to }).verdict, LS_ADMIT);
	check("20", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false), 20);
	check("known now", post(&(struct post){ .to = to }).verdict, LS_ADMIT);
	check("20", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false), 20);
	/* Rejected after they were gathered: not more than were accepted. Which
	 * those are is not told, so that none is known. */
	world_pass(&world, WORLD_DAY);
	for (unsigned i = 1; i <= 2; i++) {
		check("two", post(&(struct post){ .to = "x@a x@b x@c x@d",
						  .recipients = 2 })
				     .verdict,
		      LS_ADMIT);
		check("two", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false),
		      2 * i);
	}
}

/* Refused at the messages limit: whom it went to stays new. */
static void test_refused_teaches_nothing(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	live();
	world_set(&world, "sending", "messages", "1/1d");
	world_set(&world, "sending", "freeze-at", "100000");
	world_open(&world, GUARD);
	check("one", write_to(JOE, "n", 0).verdict, LS_ADMIT);
	check("full", write_to(JOE, "n", 1).reason, LS_REASON_MESSAGES);
	world_pass(&world, WORLD_DAY);
	check("again", write_to(JOE, "n", 1).verdict, LS_ADMIT);
	check("was new", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false), 1);
}

/* A file that is lost: everybody learns again, and nothing is refused. */
static void test_lost_file(void **state)
{
	char path[WORLD_PATH + 16];
	struct ls_error error;

	(void)state;
	world_open(&world, GUARD);
	live();
	for (unsigned i = 0; i < 20; i++)
		write_to(JOE, "n", i);
	check("enforced", write_to(JOE, "n", 20).verdict, LS_DENY);
	snprintf(path, sizeof(path), "%s/contacts", world.dir);
	check("lost", unlink(path), 0);
	world_pass(&world, WORLD_SECOND);
	check("made anew", ls_refresh(world.state, world.now_ms, &error), 0);
	check("there", access(path, F_OK), 0);
	for (unsigned i = 100; i < 200; i++)
		check("learning", write_to(JOE, "n", i).verdict, LS_ADMIT);
	world_pass(&world, 14 * WORLD_DAY);
	for (unsigned i = 200; i < 220; i++)
		check("new", write_to(JOE, "n", i).verdict, LS_ADMIT);
	check("enforced again", write_to(JOE, "n", 220).verdict, LS_DENY);
}

/* Cut short in use: nothing is refused for it, and it is told once. */
static void test_cut_file(void **state)
{
	char path[WORLD_PATH + 16];
	struct ls_error error;

	(void)state;
	world_open(&world, GUARD);
	live();
	snprintf(path, sizeof(path), "%s/contacts", world.dir);
	check("cut", truncate(path, 4096), 0);
	for (unsigned i = 0; i < 100; i++)
		check("goes on", write_to(JOE, "n", i).verdict, LS_ADMIT);
	check("told", ls_refresh(world.state, world.now_ms, &error),
	      LS_EFORMAT);
	check_holds("told", error.text, "contacts");
	check("once", ls_refresh(world.state, world.now_ms, &error), 0);
}

/* No file, or no right to it: a warning, and all the rest. */
static void test_without_contacts(void **state)
{
	struct ls_error error;
	struct ls_state *other;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	check("no file, no right to make one",
	      world_join(&world, LS_GUARD_WRITE | LS_CONTACTS, &other, &error),
	      0);
	check_holds("warned", error.text, "contacts: no such file");
	ls_close(&other);
	world_set(&world, "sending", "messages", "30/1h");
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	check("limits hold", post_many(JOE, 40), 30);
}

/* More recipients than are gathered are counted, and none of them is new. */
static void test_very_many(void **state)
{
	static char to[40 * 3000];
	size_t at = 0;

	(void)state;
	world_set(&world, "sending", "new-recipients", "1024/1d");
	world_open(&world, GUARD);
	live();
	for (unsigned i = 0; i < 3000; i++)
		at += (size_t)snprintf(to + at, sizeof(to) - at,
				       "%sn%u@example.net", i > 0 ? " " : "",
				       i);
	check("3000", post(&(struct post){ .to = to }).verdict, LS_ADMIT);
	check("new", level_of(JOE, LS_REASON_NEW_RECIPIENTS, false),
	      LS_GATHERED_MAX);
}

/* ---- gathering ------------------------------------------------------------ */

static void test_gather(void **state)
{
	uint64_t set;

	(void)state;
	world_open(&world, GUARD);
	gather(&(struct post){ .to = "a@x B@Y a@X c@y d", .instance = "1.1" });
	check("each once", gathered.count, 4);
	check_text("domains", gathered.domains, "x y");
	set = gathered.set;
	gather(&(struct post){ .to = "z@z", .instance = "1.2" });
	check("anew", gathered.count, 1);
	check_text("anew", gathered.domains, "z");
	gather(&(struct post){ .to = "d c@y b@y A@x", .instance = "1.1" });
	check("the same set", gathered.set, set);
	gather(&(struct post){ .to = "e", .instance = "1.1" });
	check("goes on", gathered.count, 5);
	/* The others were rejected. */
	ls_gather_alone(world.state, &gathered, "1.1", JOE, "b@y");
	check("alone", gathered.count, 1);
	check_text("alone", gathered.domains, "y");
	set = gathered.set;
	ls_gather_alone(world.state, &gathered, "1.1", JOE, "b@y");
	check("again", gathered.count, 1);
	check("again", gathered.set, set);
	gather(&(struct post){ .to = "a@x c@y d b@y e", .instance = "1.1" });
	check("goes on", gathered.count, 5);
	/* Nobody logged in: nothing is noted. */
	gather(&(struct post){ .user = "", .to = "x@y", .instance = "1.3" });
	check("nobody", gathered.count, 5);
	/* People will read them. */
	gather(&(struct post){ .to = "a@\x1b[2J\xff.example",
			       .instance = "1.4" });
	check_text("escaped", gathered.domains, "?[2j?.example");
	check("not another's", ls_message_is_known(world.state, &message),
	      true);
	message.instance = "1.5";
	check("another's", ls_message_is_known(world.state, &message), false);
}

/* As many domains as fit, none of them cut. */
static void test_domains(void **state)
{
	char to[6000] = "", last[40] = "";

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(last, sizeof(last), "%sp@domain%u.example",
			 i > 0 ? " " : "", i);
		strcat(to, last);
	}
	gather(&(struct post){ .to = to });
	check("all", gathered.count, 100);
	check_within("fits", strlen(gathered.domains), 100, LS_DOMAINS_MAX);
	check_text("whole", gathered.domains,
		   "domain0.example domain1.example domain2.example "
		   "domain3.example domain4.example domain5.example "
		   "domain6.example domain7.example");
}

/* What a caller's memory holds at first, or after a bug, is no wild access. */
static void test_strange_memory(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	memset(&gathered, 0xff, sizeof(gathered));
	gather(&(struct post){ .to = "a@x" });
	check("begins", gathered.count, 1);
	memset(&gathered, 0xff, sizeof(gathered));
	message.gathered = &gathered;
	check("unknown", ls_message_is_known(world.state, &message), false);
	check("none", post(&(struct post){ .to = NULL }).verdict, LS_ADMIT);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_newsletter_and_thief),
		TEST(test_alarm_beside_another_limit),
		TEST(test_observed_excess_teaches),
		TEST(test_freezes_by_attempts_alone),
		TEST(test_learning),
		TEST(test_too_many_at_once),
		TEST(test_partly_noted),
		TEST(test_all_or_none),
		TEST(test_refused_teaches_nothing),
		TEST(test_lost_file),
		TEST(test_cut_file),
		TEST(test_without_contacts),
		TEST(test_very_many),
		TEST(test_gather),
		TEST(test_domains),
		TEST(test_strange_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
