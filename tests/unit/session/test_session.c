/* test_session.c - live sessions: their limit, their end, and who is told */
#include "lockstep-config.h"

#include "session_bed.h"

#include <unistd.h>

static void test_limit(void **state)
{
	struct ls_session first, second, third, other;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "2");
	world_open(&world, BOTH);
	check("first", begin(world.state, JOE, &first).verdict, LS_ADMIT);
	check("second", begin(world.state, JOE, &second).verdict, LS_ADMIT);
	decision = begin(world.state, JOE, &third);
	check("third", decision.verdict, LS_DENY);
	check("third", decision.reason, LS_REASON_SESSIONS);
	check("third", decision.kind, LS_KIND_USER);
	check("third", decision.reveal, true);
	check("third", third.open, false);
	check("told", last_record().verdict, LS_DENY);
	check("told", last_record().reason, LS_REASON_SESSIONS);
	check("another's", begin(world.state, ANN, &other).verdict, LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), 2);
	check("live", ls_sessions_live(world.state, NULL), 3);
	end(world.state, JOE, &third); /* never was */
	check("live", ls_sessions_live(world.state, JOE), 2);
	end(world.state, JOE, &first);
	end(world.state, JOE, &first);
	check("live", ls_sessions_live(world.state, JOE), 1);
	check("again", begin(world.state, JOE, &first).verdict, LS_ADMIT);
	check("full", begin(world.state, JOE, &third).verdict, LS_DENY);
}

static void test_end_is_told(void **state)
{
	struct ls_session session;
	struct ls_record record;

	(void)state;
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	check("event", last_record().event, LS_EVENT_SESSION);
	world_pass(&world, 90 * WORLD_SECOND);
	end(world.state, JOE, &session);
	record = last_record();
	check("event", record.event, LS_EVENT_SESSION_END);
	check("duration", record.at_ms - record.until_ms, 90000);
	check_text("user", record.subject.user, JOE);
	check_text("service", record.service, "imap");
	check_text("id", record.detail, "id-1");
	check_text("how", record.mech, "closed");
	check("ip", ls_addr_equal(&record.subject.net.addr, &home), true);
}

static void test_listed(void **state)
{
	struct ls_session_info info;
	struct ls_session session;
	uint64_t cursor = 0;

	(void)state;
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	check("one", ls_session_next(world.state, &cursor, &info), 1);
	check_text("user", info.user, JOE);
	check_text("service", info.service, "imap");
	check_text("id", info.id, "id-1");
	check("pid", info.pid, getpid());
	check("since", info.began_ms, world.now_ms);
	check("ip", ls_addr_equal(&info.ip, &home), true);
	check("no more", ls_session_next(world.state, &cursor, &info), 0);
}

/* None, or only observed; a policy that grows. */
static void test_without_limit(void **state)
{
	struct ls_session session;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "0");
	world_open(&world, BOTH);
	for (unsigned i = 0; i < 60; i++)
		check("none", begin(world.state, JOE, &session).verdict,
		      LS_ADMIT);
	world_set(&world, "user", "sessions", "1");
	world_set(&world, "user", "mode", "observe");
	world_open(&world, BOTH);
	check("first", begin(world.state, ANN, &session).wanted, LS_ADMIT);
	decision = begin(world.state, ANN, &session);
	check("observed", decision.verdict, LS_ADMIT);
	check("observed", decision.wanted, LS_DENY);
	check("told", last_record().wanted, LS_DENY);
	check("live", ls_sessions_live(world.state, ANN), 2);
}

/* One that was hibernated is not refused, and has no seat to give back. */
static void test_restored(void **state)
{
	struct ls_session_start start = start_of(JOE);
	struct ls_session session, woken;
	struct ls_decision decision;

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	start.restored = true;
	check("open",
	      ls_session_open(world.state, &start, world.now_ms, &woken,
			      &decision),
	      0);
	check("woken", decision.verdict, LS_ADMIT);
	check("live", ls_sessions_live(world.state, JOE), 2);
	ls_session_close(world.state, &start, &woken, LS_END_HIBERNATED,
			 world.now_ms);
	check_text("how", last_record().mech, "hibernated");
	check("still full", begin(world.state, JOE, &woken).verdict, LS_DENY);
}

static bool is_revoked(struct ls_session *session, const char *user,
		       enum ls_reason *reason_r)
{
	struct ls_decision decision;
	bool revoked = ls_session_is_revoked(world.state, session, user, &home,
					     world.now_ms, &decision);

	*reason_r = decision.reason;
	return revoked;
}

static void test_revoked(void **state)
{
	struct ls_subject joe = world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_subject ip = world_subject(LS_KIND_IP, NULL, HOME);
	struct ls_session session, other;
	struct ls_release release;
	enum ls_reason reason;

	(void)state;
	world_open(&world, BOTH);
	/* From a familiar place: that spares nobody here. */
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	begin(world.state, JOE, &session);
	begin(world.state, ANN, &other);
	check("nothing", is_revoked(&session, JOE, &reason), false);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, "", world.now_ms);
	check("frozen", is_revoked(&session, JOE, &reason), true);
	check("frozen", reason, LS_REASON_SENDING);
	check("another's", is_revoked(&other, ANN, &reason), false);
	check("refused", begin(world.state, JOE, &session).verdict, LS_DENY);
	check("refused", session.open, false);
	ls_release(world.state, JOE, false, "", world.now_ms, NULL, NULL,
		   &release);

	begin(world.state, JOE, &session);
	ls_lock(world.state, &ip, WORLD_HOUR, "root", world.now_ms);
	check("address", is_revoked(&session, JOE, &reason), false);
	ls_lock(world.state, &joe, WORLD_HOUR, "root", world.now_ms);
	check("locked", is_revoked(&session, JOE, &reason), true);
	check("locked", reason, LS_REASON_ADMIN);
	check("another's", is_revoked(&other, ANN, &reason), false);
}

/* Whoever gave the order was killed before he told of it. */
static void test_revoked_untold(void **state)
{
	struct ls_session session;
	enum ls_reason reason;
	uint64_t orders;

	(void)state;
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	orders = atomic_load(&world.state->guard.header->orders);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "", world.now_ms);
	check("told", atomic_load(&world.state->guard.header->orders),
	      orders + 1);
	/* Given once more: who gave it first may not have told. */
	ls_freeze(world.state, JOE, WORLD_MINUTE, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "", world.now_ms);
	check("told again", atomic_load(&world.state->guard.header->orders),
	      orders + 2);
	atomic_store(&world.state->guard.header->orders, orders);
	check("nothing", is_revoked(&session, JOE, &reason), false);
	world_pass(&world, 59 * WORLD_SECOND);
	check("nothing", is_revoked(&session, JOE, &reason), false);
	world_pass(&world, WORLD_SECOND);
	check("looked", is_revoked(&session, JOE, &reason), true);
}

/* A sessions map that cannot be written holds up nobody; the guard's orders hold
 * all the same. */
static void test_without_map(void **state)
{
	const struct ls_session_start start = start_of(JOE);
	struct ls_decision decision;
	struct ls_session session;
	enum ls_reason reason;

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, LS_GUARD_WRITE | LS_CREATE);
	for (unsigned i = 0; i < 2; i++) {
		check("open",
		      ls_session_open(world.state, &start, world.now_ms,
				      &session, &decision),
		      LS_EACCES);
		check("open", decision.verdict, LS_ADMIT);
	}
	check("nothing", is_revoked(&session, JOE, &reason), false);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "", world.now_ms);
	check("frozen", is_revoked(&session, JOE, &reason), true);
	ls_session_close(world.state, &start, &session, LS_END_REVOKED,
			 world.now_ms);
	ls_session_open(world.state, &start, world.now_ms, &session,
			&decision);
	check("frozen", decision.verdict, LS_DENY);
	check("live", ls_sessions_live(world.state, NULL), 0);
}

/* An administrator's lock ends what lives; who may still log in, from a familiar
 * place, is not thrown out again. Also one that a rule's longer lock stood before. */
static void test_back_after_a_lock(void **state)
{
	struct ls_subject joe = world_subject(LS_KIND_USER, JOE, NULL);
	struct ls_session before, after;
	enum ls_reason reason;

	(void)state;
	world_set(&world, "user", "failures", "3/1h, 0");
	world_set(&world, "user", "lock", "3h..3h");
	world_open(&world, BOTH);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	begin(world.state, JOE, &before);
	world_guess(&world, JOE, "203.0.113.1", 5);
	world_pass(&world, WORLD_SECOND);
	ls_lock(world.state, &joe, WORLD_HOUR, "root", world.now_ms);
	check("ended", is_revoked(&before, JOE, &reason), true);
	world_pass(&world, WORLD_SECOND);
	check("back",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	check("back", begin(world.state, JOE, &after).verdict, LS_ADMIT);
	/* Another order, and time. */
	ls_freeze(world.state, ANN, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	check("stays", is_revoked(&after, JOE, &reason), false);
	world_pass(&world, 10 * WORLD_MINUTE);
	check("stays", is_revoked(&after, JOE, &reason), false);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	check("but for a freeze", is_revoked(&after, JOE, &reason), true);
}

/* What a killed container left, whose processes nobody here can see. */
static void test_left_by_a_container(void **state)
{
	struct ls_session left, mine;
	uint64_t space;

	(void)state;
	world_set(&world, "user", "sessions", "1");
	world_open(&world, BOTH);
	begin(world.state, JOE, &left);
	check("full", begin(world.state, JOE, &mine).verdict, LS_DENY);
	space = world.state->sessions.live.place[left.place].word[1];
	check_within("known", space, 1, UINT64_MAX);
	world.state->sessions.live.place[left.place].word[1] = space + 1;
	check("free", begin(world.state, JOE, &mine).verdict, LS_ADMIT);
	/* lockstepd may be outside, and knows nothing of it. */
	check("swept", ls_sessions_sweep(world.state, world.now_ms), 0);
}

/* What a rule does falls on strangers, not on who is in. */
static void test_not_revoked_by_a_rule(void **state)
{
	struct ls_session session;
	enum ls_reason reason;

	(void)state;
	world_set(&world, "user", "failures", "3/1h, 0");
	world_open(&world, BOTH);
	begin(world.state, JOE, &session);
	world_guess(&world, JOE, "203.0.113.1", 5);
	check("locked", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      true);
	check("revoked", is_revoked(&session, JOE, &reason), false);
}

/* A mail process may write anything into the sessions journal; nobody is told
 * of locks from there. */
static void test_sessions_are_not_believed(void **state)
{
	struct ls_record lie = { .event = LS_EVENT_LOCK,
				 .reason = LS_REASON_ADMIN,
				 .origin = LS_ORIGIN_ADMIN,
				 .subject = { .kind = LS_KIND_USER,
					      .user = JOE } };
	struct ls_cursor cursor = { .next = 0 };
	struct ls_record record;
	struct ls_session session;

	(void)state;
	world_open(&world, BOTH);
	ls_ring_append(&world.state->sessions.journal, &lie);
	begin(world.state, JOE, &session);
	check("next",
	      ls_journal_next(world.state, LS_JOURNAL_SESSIONS, &cursor,
			      world.now_ms, &record),
	      1);
	check("event", record.event, LS_EVENT_SESSION);
	check("number", record.number, 1);
	check("lost", cursor.lost, 1);
	/* In the guard it is what it says. */
	cursor = (struct ls_cursor){ .next = 0 };
	ls_ring_append(&world.state->guard.journal, &lie);
	check("guard",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("event", record.event, LS_EVENT_LOCK);
}

/* Mail users may write what they please: no figure is larger than what there is
 * room for, and reading goes on. */
static void test_hostile_figures(void **state)
{
	static const uint64_t table[] = { UINT64_MAX, INT64_MAX,
					  UINT64_C(1) << 40, 100000 };
	struct ls_sessions_status status;
	struct ls_map_header *header;
	struct ls_session session;
	struct ls_record record;

	(void)state;
	world_open(&world, BOTH);
	header = world.state->sessions.header;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_cursor cursor = { 0 };

		atomic_store(&header->live_full, table[i]);
		atomic_store(&header->journal_head, table[i]);
		ls_sessions_status(world.state, &status);
		check("full", status.full <= status.room, true);
		check("events", status.events,
		      world.state->sessions.journal.records);
		while (ls_journal_next(world.state, LS_JOURNAL_SESSIONS,
				       &cursor, world.now_ms, &record) == 1)
			;
	}
	/* Every place taken, by a process that is there. */
	for (uint64_t i = 0; i < world.state->sessions.live.places; i++)
		for (unsigned j = 0; j < LS_LIVE_WORDS; j++)
			atomic_store(&world.state->sessions.live.place[i].word[j],
				     j == 0 ? (uint64_t)getpid() << 26 | 2 : 0);
	ls_sessions_status(world.state, &status);
	check("live", status.live <= status.room, true);
	atomic_store(&header->journal_head, 0);
	begin(world.state, JOE, &session);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_limit),
		TEST(test_end_is_told),
		TEST(test_listed),
		TEST(test_without_limit),
		TEST(test_restored),
		TEST(test_revoked),
		TEST(test_revoked_untold),
		TEST(test_back_after_a_lock),
		TEST(test_left_by_a_container),
		TEST(test_not_revoked_by_a_rule),
		TEST(test_without_map),
		TEST(test_sessions_are_not_believed),
		TEST(test_hostile_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
