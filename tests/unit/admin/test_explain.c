/* test_explain.c - what is told of a login besides its verdict */
#include "lockstep-config.h"

#include "explain_bed.h"

#define LOGINS (LS_GUARD_WRITE | LS_CREATE | LS_LOGINS)

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

static void test_charges_nothing(void **state)
{
	struct ls_explanation before, after;

	(void)state;
	world_open(&world, LOGINS);
	world_guess(&world, JOE, AWAY, 1);
	before = explain(world.state, JOE, AWAY, NULL, NULL);
	for (unsigned i = 0; i < 100; i++)
		after = explain(world.state, JOE, AWAY, NULL, NULL);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_levels(void **state)
{
	const struct ls_level *level;
	struct ls_explanation told;

	(void)state;
	world_set(&world, "ip", "failures", "3/3m, 50/1d");
	world_open(&world, GUARD);
	world_guess(&world, JOE, AWAY, 2);
	world_pass(&world, 30 * WORLD_SECOND);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	level = level_of(&told, LS_KIND_IP, LS_REASON_FAILURES);
	check("units", level->units, 2);
	check("limit", level->limit, 3);
	check("period", level->period_ms, 3 * WORLD_MINUTE);
	check("empty in", level->empty_in_ms, 90 * WORLD_SECOND);
	check("room in", level->room_in_ms, 0);
	check("asked", level->asked, true);
	world_guess(&world, JOE, AWAY, 1);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
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
	world_open(&world, GUARD);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	world_pass(&world, WORLD_HOUR);
	told = explain(world.state, JOE, HOME, NULL, NULL);
	check("familiar", told.familiar, true);
	check("until", told.of[LS_KIND_PLACE].familiar_until_ms,
	      world.now_ms - WORLD_HOUR + 30 * WORLD_DAY);
	check("first seen", told.of[LS_KIND_PLACE].first_seen_ms,
	      world.now_ms - WORLD_HOUR);
	check("place asked",
	      level_of(&told, LS_KIND_PLACE, LS_REASON_FAILURES)->asked, true);
	check("ip not asked",
	      level_of(&told, LS_KIND_IP, LS_REASON_FAILURES)->asked, false);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("elsewhere", told.familiar, false);
}

/* Half a question: an account from an address that nothing is known of, and the
 * other way round. */
static void test_halves(void **state)
{
	const struct ls_question nobody = { .user = NULL };
	struct ls_explanation told;

	(void)state;
	world_open(&world, GUARD);
	world_guess(&world, JOE, AWAY, 20);
	told = explain(world.state, NULL, AWAY, NULL, NULL);
	check("address", told.decision.verdict, LS_DENY);
	check("its lock", told.of[LS_KIND_IP].locked, true);
	check("no account", told.of[LS_KIND_USER].subject.kind, LS_KIND_NONE);
	told = explain(world.state, JOE, NULL, NULL, NULL);
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
	world_open(&world, GUARD);
	world_admit(&world, "alias@example.com", HOME, &ticket);
	ls_ticket_final(&ticket, JOE);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, NULL, world.now_ms);
	told = explain(world.state, "alias@example.com", HOME, NULL, NULL);
	check("aliased", told.aliased, true);
	check_text("final", told.final, JOE);
	check("frozen", told.of[LS_KIND_USER].frozen, true);
	check("verdict", told.decision.verdict, LS_DENY);
	check("reveal", told.decision.reveal, true);
	check_text("account", told.of[LS_KIND_USER].subject.user, JOE);
	check_text("typed", told.typed.subject.user, "alias@example.com");
}

/* What an account has, and what begins: told from the sessions map. */
static void test_sessions(void **state)
{
	const struct ls_addr away = world_addr(AWAY);
	const struct ls_session_start start = {
		.service = "imap", .user = JOE, .ip = &away, .id = "x"
	};
	struct ls_session session[2];
	struct ls_decision decision;
	struct ls_explanation told;

	(void)state;
	world_set(&world, "user", "sessions", "2");
	world_set(&world, "user", "logins", "5/5m");
	world_set(&world, "ip", "logins", "0");
	world_open(&world, LOGINS);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("not open", told.sessions_known, false);
	world_open(&world, LOGINS | LS_SESSIONS_WRITE);
	for (unsigned i = 0; i < 2; i++) {
		told = explain(world.state, JOE, AWAY, NULL, NULL);
		check("known", told.sessions_known, true);
		check("verdict", told.decision.verdict, LS_ADMIT);
		check("limit", told.sessions_limit, 2);
		check("begun", told.begun_by.units, i);
		check("begun", told.begun_by.limit, 5);
		check("from there: not told", told.begun_from.limit, 0);
		ls_session_open(world.state, &start, world.now_ms, &session[i],
				&decision);
	}
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("full", told.decision.verdict, LS_DENY);
	check("full", told.decision.reason, LS_REASON_SESSIONS);
	check("full", told.decision.kind, LS_KIND_USER);
	told = explain(world.state, JOE, AWAY, NULL, "smtp");
	check("by smtp", told.decision.verdict, LS_ADMIT);
	told = explain(world.state, JOE, NULL, NULL, "pop3");
	check("from anywhere", told.decision.verdict, LS_DENY);
	ls_session_close(world.state, &start, &session[0], LS_END_CLOSED,
			 world.now_ms);
	told = explain(world.state, JOE, AWAY, NULL, NULL);
	check("room", told.decision.verdict, LS_ADMIT);
	check("begun", told.begun_by.units, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_charges_nothing),
		TEST(test_levels),
		TEST(test_familiar),
		TEST(test_halves),
		TEST(test_alias),
		TEST(test_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
