/* test_freeze.c - freezing an account, and giving it back */
#include "lockstep-config.h"

#include "world_bed.h"

#define LOGINS (LS_GUARD_WRITE | LS_CREATE | LS_LOGINS)

static void freeze(const char *user, uint64_t length_ms)
{
	check("freeze",
	      ls_freeze(world.state, user, length_ms, LS_REASON_SENDING,
			LS_ORIGIN_RULE, "test", world.now_ms),
	      0);
}

static bool is_frozen(const char *user)
{
	struct ls_decision decision;

	return ls_frozen(world.state, user, NULL, world.now_ms, &decision);
}

static void works(const char *row, const char *user, const char *ip)
{
	check(row, world_login(&world, user, ip, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
}

static void test_freeze(void **state)
{
	struct ls_decision decision;

	(void)state;
	world_open(&world, LOGINS);
	works("before", JOE, HOME);
	check("not yet", is_frozen(JOE), false);
	freeze(JOE, WORLD_HOUR);
	check("frozen", is_frozen(JOE), true);
	check("others", is_frozen("ann"), false);
	decision = world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	check("verdict", decision.verdict, LS_DENY);
	check("reason", decision.reason, LS_REASON_SENDING);
	check("kind", decision.kind, LS_KIND_USER);
	check("retry", decision.retry_ms, WORLD_HOUR);
	check("reveal", decision.reveal, true);
	/* A shorter one changes nothing, a longer one counts. */
	freeze(JOE, WORLD_MINUTE);
	world_pass(&world, 2 * WORLD_MINUTE);
	check("still", is_frozen(JOE), true);
	world_pass(&world, WORLD_HOUR);
	check("over", is_frozen(JOE), false);
	works("after", JOE, HOME);
}

/* ls_frozen() says what ls_admit() would. */
static void test_frozen_decision(void **state)
{
	const struct ls_addr home = world_addr(HOME), away = world_addr(AWAY);
	struct ls_decision decision;

	(void)state;
	world_open(&world, LOGINS);
	works("before", JOE, HOME);
	freeze(JOE, WORLD_HOUR);
	check("home",
	      ls_frozen(world.state, JOE, &home, world.now_ms, &decision),
	      true);
	check("verdict", decision.verdict, LS_DENY);
	check("reason", decision.reason, LS_REASON_SENDING);
	check("retry", decision.retry_ms, WORLD_HOUR);
	check("owner is told", decision.reveal, true);
	check("away",
	      ls_frozen(world.state, JOE, &away, world.now_ms, &decision),
	      true);
	check("nobody else", decision.reveal, false);
	check("nowhere",
	      ls_frozen(world.state, JOE, NULL, world.now_ms, &decision), true);
	check("nobody else", decision.reveal, false);
	/* A lock is no freeze: there is a login in its meter, no more. */
	check("unlock",
	      ls_unlock(
		      world.state,
		      &(struct ls_subject){ .kind = LS_KIND_USER, .user = JOE },
		      "test", world.now_ms),
	      1);
	check("still", is_frozen(JOE), true);
}

static void test_listed(void **state)
{
	struct ls_subject joe = world_subject(LS_KIND_USER, JOE, NULL);
	unsigned locks = 0, freezes = 0;
	struct ls_lock lock;
	uint64_t cursor = 0;

	(void)state;
	world_open(&world, LOGINS);
	freeze(JOE, WORLD_HOUR);
	world_pass(&world, WORLD_MINUTE);
	check("lock",
	      ls_lock(world.state, &joe, WORLD_DAY, "test", world.now_ms), 0);
	freeze("ann", WORLD_HOUR);
	while (ls_lock_next(world.state, &cursor, world.now_ms, &lock)) {
		locks += !lock.freeze;
		freezes += lock.freeze;
		check("named", lock.named, true);
		if (lock.freeze && strcmp(lock.subject.user, JOE) == 0) {
			check("since", lock.since_ms,
			      world.now_ms - WORLD_MINUTE);
			check("until", lock.until_ms,
			      world.now_ms + WORLD_HOUR - WORLD_MINUTE);
			check("reason", lock.reason, LS_REASON_SENDING);
			check("strikes", lock.strikes, 1);
		}
	}
	check("locks", locks, 1);
	check("freezes", freezes, 2);
}

static void test_alias(void **state)
{
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, LOGINS);
	check("alias", world_admit(&world, "j.doe", HOME, &ticket).verdict,
	      LS_ADMIT);
	ls_ticket_final(&ticket, JOE);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	freeze(JOE, WORLD_HOUR);
	check("by the alias", is_frozen("j.doe"), true);
	check("refused",
	      world_login(&world, "j.doe", HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_DENY);
	world_pass(&world, WORLD_HOUR);
	freeze("j.doe", WORLD_HOUR);
	check("of the alias", is_frozen("j.doe"), true);
	check("alone", is_frozen(JOE), false);
}

/* ---- release ---------------------------------------------------------- */

enum { FORGOTTEN_MAX = 8 };
static char forgotten[FORGOTTEN_MAX][LS_PREFIX_TEXT];
static unsigned forgotten_count;

static void note(void *context, const struct ls_prefix *net)
{
	check("context", context == &world, true);
	assert_true(forgotten_count < FORGOTTEN_MAX);
	ls_prefix_format(net, forgotten[forgotten_count++]);
}

static struct ls_release release_by(const char *user, bool keep_places)
{
	struct ls_release release;

	forgotten_count = 0;
	check("release",
	      ls_release(world.state, user, keep_places, "test", world.now_ms,
			 note, &world, &release),
	      0);
	check("told of each", forgotten_count, release.forgotten);
	return release;
}

static struct ls_release release(const char *user)
{
	return release_by(user, false);
}

static bool was_forgotten(const char *net)
{
	for (unsigned i = 0; i < forgotten_count; i++)
		if (strcmp(forgotten[i], net) == 0)
			return true;
	return false;
}

/* Strangers guess, then one of them is right. */
static void steal(const char *user)
{
	for (unsigned i = 0; i < 12; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.0.%u.1", i);
		check("guess", world_guess(&world, user, ip, 1), 1);
	}
	works("thief", user, "203.0.113.66");
}

static void test_release(void **state)
{
	static const char *const owners[] = { HOME, "2001:db8:5::1" };
	static const char *const thiefs[] = { "203.0.113.66", "192.0.2.1",
					      "2001:db8:6::1" };
	struct ls_release released;
	uint64_t since;

	(void)state;
	world_set(&world, "user", "failures", "20/1h, 16/8h");
	world_set(&world, "user", "probation", "1d");
	world_open(&world, LOGINS);
	for (size_t i = 0; i < COUNT(owners); i++)
		works("owner", JOE, owners[i]);
	works("another", "ann", thiefs[0]);
	world_pass(&world, WORLD_HOUR);
	since = world.now_ms;
	steal(JOE);
	world_pass(&world, WORLD_DAY);
	for (size_t i = 0; i < COUNT(thiefs); i++)
		works("thief", JOE, thiefs[i]);
	freeze(JOE, WORLD_DAY);
	released = release(JOE);
	check("frozen", released.frozen, true);
	check("probation is over", released.probation, false);
	check("suspicious", released.suspicious, true);
	check("since", released.since_ms, since);
	check("forgotten", released.forgotten, COUNT(thiefs));
	check("v4", was_forgotten("203.0.113.0/24"), true);
	check("v4", was_forgotten("192.0.2.0/24"), true);
	check("v6", was_forgotten("2001:db8:6::/48"), true);
	check("not frozen", is_frozen(JOE), false);
	for (size_t i = 0; i < COUNT(owners); i++) {
		struct ls_ticket ticket;

		world_admit(&world, JOE, owners[i], &ticket);
		check(owners[i], ticket.familiar, true);
		ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS,
			  world.now_ms);
	}
	for (size_t i = 0; i < COUNT(thiefs); i++) {
		struct ls_ticket ticket;

		world_admit(&world, JOE, thiefs[i], &ticket);
		check(thiefs[i], ticket.familiar, false);
		ls_settle(world.state, &ticket, LS_OUTCOME_INTERNAL,
			  world.now_ms);
	}
	/* Ann's place in the thief's network is hers. */
	check("ann's",
	      world_word(&world, LS_KIND_PLACE, "ann", "203.0.113.0/24",
			 LS_WORD_FAMILIAR) > world_now(&world),
	      true);
	check("once", release(JOE).forgotten, 0);
}

/* Whose place was unlocked before is forgotten all the same. */
static void test_release_after_unlock(void **state)
{
	const struct ls_subject place =
		world_subject(LS_KIND_PLACE, JOE, "203.0.113.0/24");

	(void)state;
	world_set(&world, "user", "failures", "20/1h, 16/8h");
	world_open(&world, LOGINS);
	works("owner", JOE, HOME);
	world_pass(&world, WORLD_HOUR);
	steal(JOE);
	world_guess(&world, JOE, "203.0.113.66", 2);
	check("unlock",
	      ls_unlock(world.state, &place, "test", world.now_ms), 1);
	check("forgotten", release(JOE).forgotten, 1);
	check("the thief's", was_forgotten("203.0.113.0/24"), true);
}

static uint64_t places_of(const char *user)
{
	return world_level(&world, LS_KIND_USER, user, NULL, LS_WORD_PLACES,
			   &world.policy.user.places);
}

/* The owner's next journey is not counted on top of the thief's. */
static void test_release_empties_places(void **state)
{
	(void)state;
	world_set(&world, "user", "failures", "20/1h, 16/8h");
	world_open(&world, LOGINS);
	works("owner", JOE, HOME);
	world_pass(&world, WORLD_HOUR);
	steal(JOE);
	check_within("counted", places_of(JOE), 1, 2);
	release(JOE);
	check("empty", places_of(JOE), 0);
}

static void freeze_by_hand(const char *user, uint64_t length_ms)
{
	check("freeze",
	      ls_freeze(world.state, user, length_ms, LS_REASON_ADMIN,
			LS_ORIGIN_ADMIN, "test", world.now_ms),
	      0);
}

/* The place of `ip` is familiar to JOE, or not. */
static void check_familiar(const char *ip, bool wanted)
{
	struct ls_ticket ticket;

	check(ip, world_admit(&world, JOE, ip, &ticket).verdict, LS_ADMIT);
	check(ip, ticket.familiar, wanted);
	ls_settle(world.state, &ticket, LS_OUTCOME_INTERNAL, world.now_ms);
}

/* The thief has the password for up to a week before somebody notices: what an
 * administrator freezes for it has places of his. */
static void test_release_after_a_freeze_by_hand(void **state)
{
	static const struct {
		const char *row;
		bool prolonged, expired, suspicious, keep_places;
	} rows[] = {
		{ .row = "frozen" },
		{ .row = "suspicious too, and later", .suspicious = true },
		{ .row = "prolonged a week later", .prolonged = true },
		{ .row = "the freeze has ended", .expired = true },
		{ .row = "places are kept", .keep_places = true },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool keep = rows[i].keep_places;
		struct ls_release released;

		world_open(&world, LOGINS);
		works("owner", JOE, HOME);
		works("another", "ann", "203.0.113.66");
		world_pass(&world, WORLD_HOUR);
		works("thief", JOE, "203.0.113.66");
		world_pass(&world, 7 * WORLD_DAY - WORLD_HOUR / 2);
		if (rows[i].suspicious) {
			for (unsigned n = 0; n < 12; n++)
				world_guess(&world, JOE, "10.0.7.1", 1);
			works("thief", JOE, "192.0.2.1");
		}
		freeze_by_hand(JOE, 8 * WORLD_DAY);
		if (rows[i].prolonged) {
			world_pass(&world, 7 * WORLD_DAY);
			freeze_by_hand(JOE, 8 * WORLD_DAY);
		}
		if (rows[i].expired)
			world_pass(&world, 9 * WORLD_DAY);
		released = release_by(JOE, keep);
		check(rows[i].row, released.frozen, !rows[i].expired);
		check(rows[i].row, released.suspicious, true);
		check("forgotten", released.forgotten,
		      keep ? 0 : 1U + rows[i].suspicious);
		check("the thief's", was_forgotten("203.0.113.0/24"), !keep);
		check("released", is_frozen(JOE), false);
		check_familiar(HOME, true);
		check_familiar("203.0.113.66", keep);
		check("ann's",
		      world_word(&world, LS_KIND_PLACE, "ann",
				 "203.0.113.0/24", LS_WORD_FAMILIAR) >
			      world_now(&world),
		      true);
		check("once", release(JOE).suspicious, false);
		teardown(state);
		setup(state);
	}
}

/* Nor are they forgotten after a rule's freeze, if that is what is wanted. */
static void test_keep_places(void **state)
{
	(void)state;
	world_open(&world, LOGINS);
	steal(JOE);
	works("thief or owner", JOE, AWAY);
	freeze(JOE, WORLD_DAY);
	check("kept", release_by(JOE, true).forgotten, 0);
	check("suspicious no more", release(JOE).suspicious, false);
}

static void test_release_of_probation(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_release released;
	struct ls_record record;

	(void)state;
	world_set(&world, "user", "failures", "20/1h, 16/8h");
	world_open(&world, LOGINS);
	steal(JOE);
	cursor.next = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	released = release(JOE);
	check("frozen", released.frozen, false);
	check("probation", released.probation, true);
	check("suspicious", released.suspicious, true);
	check("the thief's", was_forgotten("203.0.113.0/24"), true);
	check("journal",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("journal", record.event, LS_EVENT_RELEASE);
	check_text("journal", record.subject.user, JOE);
	check_text("journal", record.detail, "test");
	check("ended",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION),
	      0);
}

static void test_release_of_the_healthy(void **state)
{
	uint64_t head;

	(void)state;
	world_open(&world, LOGINS);
	works("owner", JOE, HOME);
	world_guess(&world, JOE, AWAY, 1);
	head = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	for (unsigned i = 0; i < 2; i++) {
		const char *user = i == 0 ? JOE : "nobody";
		struct ls_release released = release(user);

		check(user, released.frozen, false);
		check(user, released.probation, false);
		check(user, released.suspicious, false);
		check(user, released.forgotten, 0);
	}
	check("no event", ls_journal_head(world.state, LS_JOURNAL_GUARD), head);
	check("familiar",
	      world_word(&world, LS_KIND_PLACE, JOE, "198.51.100.0/24",
			 LS_WORD_FAMILIAR) > world_now(&world),
	      true);
	/* Frozen for what it sends, and never in doubt: no place is forgotten.
	 */
	freeze(JOE, WORLD_HOUR);
	check("forgotten", release(JOE).forgotten, 0);
	check("released", is_frozen(JOE), false);
}

static void test_rights(void **state)
{
	struct ls_decision decision;
	struct ls_release released;

	(void)state;
	world_open(&world, LOGINS);
	freeze(JOE, WORLD_HOUR);
	world_open(&world, LS_GUARD_READ);
	check("a look is enough", is_frozen(JOE), true);
	check("freeze",
	      ls_freeze(world.state, JOE, 1, LS_REASON_ADMIN, LS_ORIGIN_ADMIN,
			NULL, world.now_ms),
	      LS_EACCES);
	check("release",
	      ls_release(world.state, JOE, false, NULL, world.now_ms, NULL,
			 NULL, &released),
	      LS_EACCES);
	world_open(&world, 0);
	check("no map",
	      ls_frozen(world.state, JOE, NULL, world.now_ms, &decision),
	      false);
	check("no map", decision.verdict, LS_ADMIT);
	check("no map",
	      ls_freeze(world.state, JOE, 1, LS_REASON_ADMIN, LS_ORIGIN_ADMIN,
			NULL, world.now_ms),
	      LS_EACCES);
	check("no map",
	      ls_release(world.state, JOE, false, NULL, world.now_ms, NULL,
			 NULL, &released),
	      LS_EACCES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_freeze),
		TEST(test_frozen_decision),
		TEST(test_listed),
		TEST(test_alias),
		TEST(test_release),
		TEST(test_release_after_unlock),
		TEST(test_release_empties_places),
		TEST(test_release_after_a_freeze_by_hand),
		TEST(test_keep_places),
		TEST(test_release_of_probation),
		TEST(test_release_of_the_healthy),
		TEST(test_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
