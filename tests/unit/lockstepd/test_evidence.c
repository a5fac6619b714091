/* test_evidence.c - what is told of an account that was frozen for what it sent */
#include "lockstep-config.h"

#include "feed/evidence.h"
#include "harness.h"
#include "world.h"

#include <stdlib.h>

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, "sending", "messages", "10/1h");
	world_override(&world, WORLD_OF_USER, "big@example.com", "sending",
		       "freeze-at", "1000");
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void send(const char *user, const char *ip, unsigned number)
{
	static struct ls_gathered gathered;
	char instance[32], queue_id[16], to[40];
	const struct ls_message message = {
		.instance = instance,
		.user = user,
		.sender = user,
		.queue_id = queue_id,
		.ip = world_addr(ip),
		.recipients = 2,
		.size = 1000,
		.gathered = &gathered,
	};
	struct ls_decision decision;

	snprintf(instance, sizeof(instance), "%s.%u", user, number);
	snprintf(queue_id, sizeof(queue_id), "4Q%u", number);
	snprintf(to, sizeof(to), "p%u@d%u.example", number, number % 3);
	ls_gather(world.state, &gathered, instance, user, to);
	ls_gather(world.state, &gathered, instance, user, "p@all.example");
	ls_send(world.state, &message, world.now_ms, world.real_ms, &decision);
}

/* The last freeze in the journal. */
static struct ls_record find_freeze(void)
{
	struct ls_record record, found = { .event = LS_EVENT_NONE };
	struct ls_cursor cursor = { 0 };

	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			       world.now_ms, &record) == 1)
		if (record.event == LS_EVENT_FREEZE)
			found = record;
	check("frozen", found.event, LS_EVENT_FREEZE);
	return found;
}

static uint64_t number_at(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	assert_true(json_is_integer(number));
	return (uint64_t)json_integer_value(number);
}

/* The list's texts, or those of a member of each, with blanks between. */
static void check_list(const json_t *evidence, const char *key,
		       const char *member, const char *want)
{
	const json_t *list = json_object_get(evidence, key);
	char got[512] = "";
	json_t *one;
	size_t i, len = 0;

	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(
			member != NULL ? json_object_get(one, member) : one);

		assert_non_null(text);
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s",
					i > 0 ? " " : "", text);
		assert_true(len < sizeof(got));
	}
	check_text(key, got, want);
}

static void test_evidence(void **state)
{
	struct event_clock clock;
	struct ls_record freeze;
	json_t *evidence;

	(void)state;
	world_login(&world, "joe", "192.0.2.9", LS_OUTCOME_SUCCESS);
	world_pass(&world, WORLD_HOUR);
	world_login(&world, "ann", "192.0.2.10", LS_OUTCOME_SUCCESS);
	world_login(&world, "joe", "198.51.100.1", LS_OUTCOME_WRONG);
	for (unsigned i = 0; i < 12; i++)
		send("ann", "192.0.2.10", i);
	for (unsigned i = 0; i < 31; i++)
		send("joe", i < 20 ? "203.0.113.7" : "203.0.113.8", i);
	freeze = find_freeze();
	check_text("whose", freeze.subject.user, "joe");
	clock = (struct event_clock){ world.now_ms, world.real_ms };
	evidence = evidence_of(world.state, &freeze, &clock);
	assert_non_null(evidence);
	check("messages", number_at(evidence, "messages"), 31);
	check("recipients", number_at(evidence, "recipients"), 62);
	check("refused", number_at(evidence, "refused"), 20);
	check_text("queue id",
		   json_string_value(json_object_get(evidence, "queue_id")),
		   "4Q30");
	check_list(evidence, "domains", NULL,
		   "d0.example all.example d1.example d2.example");
	check_list(evidence, "addresses", "address",
		   "192.0.2.9 203.0.113.7 203.0.113.8");
	check_list(evidence, "addresses", "service", "imap smtp smtp");
	check_list(evidence, "networks", "network", "192.0.2.0/24");
	check_list(evidence, "networks", "since", "2023-11-14T22:13:20.000Z");
	json_decref(evidence);
}

/* Of 90 refused messages as many are told of as the journal gets in a day. */
static void test_many_refused(void **state)
{
	struct event_clock clock = { world.now_ms, world.real_ms };
	struct ls_record freeze;
	json_t *evidence;

	(void)state;
	for (unsigned i = 0; i < 101; i++)
		send("big@example.com", "203.0.113.7", i);
	freeze = find_freeze();
	evidence = evidence_of(world.state, &freeze, &clock);
	check("messages", number_at(evidence, "messages"), 101);
	check("refused", number_at(evidence, "refused"), 50);
	json_decref(evidence);
}

/* What the policy has no limit of is not told. */
static void test_not_counted(void **state)
{
	struct event_clock clock = { world.now_ms, world.real_ms };
	struct ls_record freeze = { .event = LS_EVENT_FREEZE,
				    .reason = LS_REASON_SENDING,
				    .subject = { .kind = LS_KIND_USER,
						 .user = "joe" },
				    .more = "messages=300 queue-id=4Q to=" };
	json_t *evidence = evidence_of(world.state, &freeze, &clock);

	(void)state;
	check("messages", number_at(evidence, "messages"), 300);
	assert_null(json_object_get(evidence, "recipients"));
	json_decref(evidence);
	strcpy(freeze.more, "recipients=7 queue-id=4Q to=");
	evidence = evidence_of(world.state, &freeze, &clock);
	check("recipients", number_at(evidence, "recipients"), 7);
	assert_null(json_object_get(evidence, "messages"));
	json_decref(evidence);
}

/* Used from everywhere: of each list the newest, or the first, sixteen. */
static void test_bounded(void **state)
{
	struct event_clock clock = { world.now_ms, world.real_ms };
	struct ls_record freeze;
	json_t *evidence;
	char ip[40];

	(void)state;
	for (unsigned i = 0; i < 31; i++) {
		snprintf(ip, sizeof(ip), "198.51.%u.1", i);
		world_login(&world, "joe", ip, LS_OUTCOME_SUCCESS);
		world_pass(&world, WORLD_SECOND);
		send("joe", ip, i);
	}
	freeze = find_freeze();
	evidence = evidence_of(world.state, &freeze, &clock);
	assert_non_null(evidence);
	check("addresses",
	      json_array_size(json_object_get(evidence, "addresses")),
	      EVIDENCE_MAX);
	check_within("networks",
		     json_array_size(json_object_get(evidence, "networks")), 1,
		     EVIDENCE_MAX);
	json_decref(evidence);
}

/* By hand there is no evidence; and nothing else has any. */
static void test_none(void **state)
{
	struct event_clock clock = { world.now_ms, world.real_ms };
	struct ls_record freeze;

	(void)state;
	ls_freeze(world.state, "joe", WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	freeze = find_freeze();
	assert_null(evidence_of(world.state, &freeze, &clock));
	freeze.reason = LS_REASON_SENDING;
	assert_null(evidence_of(world.state, &freeze, &clock));
	snprintf(freeze.more, sizeof(freeze.more), "messages=1 recipients=2");
	freeze.event = LS_EVENT_LOCK;
	assert_null(evidence_of(world.state, &freeze, &clock));
}

/* A map's text may be anything: what comes of it is bounded, and JSON. */
static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"x",
		"messages=",
		"messages=99999999999999999999999999 to=",
		"recipients=-1 queue-id=",
		" to= to= a  b   c ",
		"queue-id=0123456789012345678901234567890123456789 to=\xff",
		"messages=1 recipients=1 queue-id=\x1b[2J to=\"\\",
	};
	struct event_clock clock = { world.now_ms, world.real_ms };
	struct ls_record freeze = { .event = LS_EVENT_FREEZE,
				    .reason = LS_REASON_SENDING,
				    .subject = { .kind = LS_KIND_USER,
						 .user = "joe" } };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		json_t *evidence;
		char *text;

		snprintf(freeze.more, sizeof(freeze.more), "%s", texts[i]);
		evidence = evidence_of(world.state, &freeze, &clock);
		assert_non_null(evidence);
		text = json_dumps(evidence, 0);
		assert_non_null(text);
		free(text);
		json_decref(evidence);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_evidence),
		TEST(test_many_refused),
		TEST(test_not_counted),
		TEST(test_bounded),
		TEST(test_none),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
