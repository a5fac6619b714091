/* test_sending_release.c - what gives a frozen account back, and to whom */
#include "lockstep-config.h"

#include "sending_bed.h"

#define JOE "joe@example.com"
#define GUARD (LS_GUARD_WRITE | LS_CREATE)

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
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
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

/* The freeze is over, and what was sent still counts: release ends that too. */
static void test_release_after_the_freeze(void **state)
{
	struct ls_release release;

	(void)state;
	world_set(&world, "sending", "messages", "6/30d");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	check("to the freeze", post_many(NULL, 19), 6);
	world_pass(&world, 2 * WORLD_DAY);
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
	check("was not frozen", release.frozen, false);
	check("had sent", release.sent, true);
	check("told", events(LS_EVENT_RELEASE, NULL), 1);
	check("sends again", post_many(NULL, 9), 6);
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
	check("nothing is left", release.sent, false);
	check("nor told", events(LS_EVENT_RELEASE, NULL), 2);
}

/* Who was logged in before the freeze is not by that alone who may send after it. */
static void test_connection_of_before(void **state)
{
	struct ls_record record = { .event = LS_EVENT_NONE };
	struct ls_decision decision;
	struct ls_release release;
	uint64_t before, frozen;

	(void)state;
	/* Which rules are enforced is no matter. */
	world_set(&world, "sending", "mode", "observe");
	world_open(&world, GUARD);
	before = world.now_ms;
	world_pass(&world, WORLD_MINUTE);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	frozen = world.now_ms;
	world_pass(&world, WORLD_MINUTE);
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
	for (unsigned i = 0; i < 3; i++) {
		gather(&(struct post){ .to = "x@y" });
		message.connected_ms = i == 0 ? before
				       : i == 1 ? world.now_ms
						: 0 /* not known */;
		ls_send_look(world.state, &message, world.now_ms, &decision);
		check("at RCPT", decision.verdict, i == 0 ? LS_DENY : LS_ADMIT);
		ls_send(world.state, &message, world.now_ms, world.real_ms,
			&decision);
		check("at the end", decision.verdict,
		      i == 0 ? LS_DENY : LS_ADMIT);
		if (i > 0)
			continue;
		check("closed", decision.kind, LS_KIND_USER);
		check("nothing is told", decision.reveal, false);
	}
	check("in the journal", events(LS_EVENT_MESSAGE, &record), 2);
	check("why", record.reason, LS_REASON_ADMIN);
	check("two", level_of(JOE, LS_REASON_MESSAGES, false), 2);
	/* From before the map, too. */
	gather(&(struct post){ .to = "x@y" });
	message.connected_ms = 1;
	ls_send_look(world.state, &message, world.now_ms, &decision);
	check("from before the map", decision.verdict, LS_DENY);
	for (unsigned i = 0; i < 2; i++) {
		message.connected_ms = frozen - i;
		ls_send_look(world.state, &message, world.now_ms, &decision);
		check("the freeze's own millisecond", decision.verdict,
		      i == 0 ? LS_ADMIT : LS_DENY);
	}
	/* Nobody else. */
	gather(&(struct post){ .user = "ann@example.com", .to = "x@y" });
	message.connected_ms = before;
	ls_send(world.state, &message, world.now_ms, world.real_ms, &decision);
	check("another's", decision.verdict, LS_ADMIT);
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

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, small_world, leave_world)
	static const struct CMUnitTest tests[] = {
		TEST(test_release),
		TEST(test_release_after_the_freeze),
		TEST(test_connection_of_before),
		TEST(test_unlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
