/* test_orders.c - unlocking tells what it clears; trust for a while; familiar
 * places listed and forgotten */
#include "lockstep-config.h"

#include "admin/levels.h"
#include "harness.h"
#include "orders.h"
#include "world.h"

#include "snapshot_bed.h"

#define ANN "ann@example.com"

static struct ls_subject subject(const char *name)
{
	struct ls_subject named;
	struct ls_error error;

	if (ls_subject_parse(world.state, name, &named, &error) < 0)
		fail_msg("%s", error.text);
	return named;
}

static enum ls_verdict login(const char *user, const char *ip)
{
	return world_login(&world, user, ip, LS_OUTCOME_SUCCESS).verdict;
}

/* The last record of the journal. */
static struct ls_record last(void)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record = { 0 };

	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			       world.now_ms, &record) == 1) {
	}
	return record;
}

/* ---- unlocking --------------------------------------------------------- */

static int clear(const char *name, struct ls_cleared *cleared)
{
	struct ls_subject named = subject(name);

	return ls_clear(world.state, &named, "the boss", world.now_ms, cleared);
}

static void test_clear_tells(void **state)
{
	struct ls_cleared cleared;

	(void)state;
	world_set(&world, "ip", "failures", "3/3m, 50/1d");
	world_open(&world, GUARD);
	world_guess(&world, JOE, AWAY, 3);
	check("locked", clear(AWAY, &cleared), 1);
	check("was", cleared.locked, true);
	check("strikes", cleared.strikes, 1);
	check("meters", cleared.levels, 4);
	check("failures", cleared.level[0].reason, LS_REASON_FAILURES);
	check("units", cleared.level[0].units, 3);
	check("limit", cleared.level[0].limit, 3);
	check("slow", cleared.level[1].units, 3);
	check("accounts", cleared.level[2].reason, LS_REASON_ACCOUNTS);
	check("accounts", cleared.level[2].units, 1);
	check("again", clear(AWAY, &cleared), 0);
	check("account", clear(JOE, &cleared), 1);
	/* and those that it shares by its local part */
	check("its meters", cleared.levels, 4);
	check_text("journalled", last().subject.user, JOE);
	check("nobody", clear("nobody", &cleared), 0);
}

static void test_clear_all(void **state)
{
	struct ls_subject named;

	(void)state;
	world_set(&world, "guess", "accounts", "2/1d");
	world_open(&world, GUARD | LS_LOGINS);
	check("none", ls_clear_all(world.state, NULL, world.now_ms), 0);
	for (unsigned i = 0; i < 2; i++) {
		char user[8] = { (char)('a' + i), '\0' };

		world_login(&world, user, AWAY, LS_OUTCOME_WRONG);
	}
	named = subject(HOME);
	ls_lock(world.state, &named, WORLD_DAY, NULL, world.now_ms);
	named = subject(JOE);
	ls_lock(world.state, &named, WORLD_DAY, NULL, world.now_ms);
	ls_freeze(world.state, JOE, WORLD_DAY, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, NULL, world.now_ms);
	check("guess, ip, user",
	      ls_clear_all(world.state, "the boss", world.now_ms), 3);
	check("journalled", last().event, LS_EVENT_UNLOCK);
	check("address", login(ANN, HOME), LS_ADMIT);
	check("still frozen", login(JOE, HOME), LS_DENY);
}

static int clear_guess(const char *password, struct ls_cleared *cleared)
{
	struct ls_error error = { 0, "" };

	return ls_clear_guess(world.state, password, "the boss", world.now_ms,
			      cleared, &error);
}

/* Another process, which has no secret of its own, reads it. */
static void test_clear_guess(void **state)
{
	struct ls_state *logins = NULL;
	struct ls_cleared cleared;
	struct ls_error error;

	(void)state;
	world_set(&world, "guess", "accounts", "2/1d");
	world_open(&world, GUARD);
	check("no secret yet", clear_guess("secret", &cleared), LS_ENOENT);
	logins = world.state;
	check("join", world_join(&world, GUARD | LS_LOGINS, &world.state,
				 &error), 0);
	world_login(&world, "a", AWAY, LS_OUTCOME_WRONG);
	world_login(&world, "b", AWAY, LS_OUTCOME_WRONG);
	check("locked", login("c", HOME), LS_DENY);
	ls_close(&world.state);
	world.state = logins;
	check("another", clear_guess("sesame", &cleared), 0);
	check("cleared", clear_guess("secret", &cleared), 1);
	check("accounts", cleared.level[0].units, 2);
	check("journalled", last().subject.kind, LS_KIND_GUESS);
	check("again", clear_guess("secret", &cleared), 0);
	check("join", world_join(&world, GUARD | LS_LOGINS, &logins, &error),
	      0);
	ls_close(&world.state);
	world.state = logins;
	check("open", login("c", HOME), LS_ADMIT);
}

/* ---- trust -------------------------------------------------------------- */

static int trust(const char *name, uint64_t length_ms)
{
	struct ls_subject named = subject(name);

	return ls_trust(world.state, &named, length_ms, "the boss",
			world.now_ms);
}

static int distrust(const char *name)
{
	struct ls_subject named = subject(name);

	return ls_distrust(world.state, &named, "the boss", world.now_ms);
}

static unsigned trusted(struct ls_trusted *trusted_r)
{
	struct ls_trusted one;
	uint64_t cursor = 0;
	unsigned count = 0;

	while (ls_trusted_next(world.state, &cursor, world.now_ms, &one) == 1) {
		*trusted_r = one;
		count++;
	}
	return count;
}

static void test_trust_exempts(void **state)
{
	static const char *const rows[] = { AWAY, AWAY_NET };
	struct ls_decision decision;
	struct ls_addr away;

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		world_open(&world, GUARD);
		away = world_addr(AWAY);
		for (unsigned n = 0; n < 12; n++) {
			char user[8];

			snprintf(user, sizeof(user), "u%u", n);
			world_login(&world, user, AWAY, LS_OUTCOME_WRONG);
		}
		check(rows[i], login(ANN, AWAY), LS_DENY);
		check(rows[i], trust(rows[i], WORLD_HOUR), 0);
		check("event", last().event, LS_EVENT_TRUST);
		check_text("by", last().detail, "the boss");
		check(rows[i], login(ANN, AWAY), LS_ADMIT);
		ls_connect(world.state, "submission", &away, world.now_ms,
			   &decision);
		check("connection", decision.verdict, LS_ADMIT);
		/* Its failures charge nothing but account and place. */
		check("guesses", world_guess(&world, JOE, AWAY, 40), 20);
		check("counted",
		      world_level(&world, LS_KIND_NET, NULL, AWAY_NET,
				  LS_WORD_FAILURES,
				  &world.policy.net.failures[LS_FAST]),
		      8);
		world_pass(&world, WORLD_HOUR + 1);
		check("over", trusted(&(struct ls_trusted){ 0 }), 0);
		ls_close(&world.state);
		unlinkat(world.state_dirfd, "guard", 0);
	}
}

static void test_trust_ends(void **state)
{
	struct ls_trusted one;
	struct ls_subject joe;

	(void)state;
	world_open(&world, GUARD);
	joe = subject(JOE);
	check("no account", ls_trust(world.state, &joe, 1000, NULL,
				     world.now_ms), LS_EARG);
	check("trust", trust(AWAY, 2 * WORLD_DAY), 0);
	check("listed", trusted(&one), 1);
	check("named", one.named, true);
	check("until", one.until_ms, world.now_ms + 2 * WORLD_DAY);
	check("shorter", trust(AWAY, WORLD_HOUR), 0);
	check("listed", trusted(&one), 1);
	check("until", one.until_ms, world.now_ms + WORLD_HOUR);
	check("end", distrust(AWAY), 1);
	check("event", last().event, LS_EVENT_DISTRUST);
	check("listed", trusted(&one), 0);
	check("again", distrust(AWAY), 0);
	check("never", distrust(HOME), 0);
}

/* Nothing evicts it. */
static void test_trust_is_kept(void **state)
{
	static const char *const rows[] = { AWAY, AWAY_NET };
	struct ls_subject named;
	struct ls_ref ref;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		trust(rows[i], WORLD_HOUR);
		named = subject(rows[i]);
		check(rows[i],
		      ls_table_find(&world.state->guard.subjects,
				    world_key(&world, &named), named.kind,
				    &ref),
		      0);
		check(rows[i],
		      ls_slot_worth(ref.slot, named.kind, ref.stamp,
				    world_now(&world))
			      .worth,
		      LS_WORTH_KEPT);
		check(rows[i],
		      ls_slot_worth(ref.slot, named.kind, ref.stamp,
				    world_now(&world) + WORLD_HOUR)
			      .worth,
		      LS_WORTH_IDLE);
	}
}

static void test_trust_survives(void **state)
{
	struct ls_trusted one;

	(void)state;
	world_open(&world, GUARD);
	trust(AWAY_NET, 2 * WORLD_DAY);
	trust(HOME, WORLD_HOUR);
	save();
	check_text("warning", reboot(WORLD_DAY), "");
	check("listed", trusted(&one), 1);
	check("named", one.named, true);
	check("kind", one.subject.kind, LS_KIND_NET);
	check("until", one.until_ms - world.now_ms, WORLD_DAY);
	world_guess(&world, JOE, AWAY, 15);
	check("exempt", login(ANN, AWAY), LS_ADMIT);
}

/* ---- places ------------------------------------------------------------- */

struct found {
	unsigned count;
	struct ls_place place[8];
};

static void note(void *context, const struct ls_place *place)
{
	struct found *found = context;

	assert_true(found->count < COUNT(found->place));
	found->place[found->count++] = *place;
}

static unsigned places(const char *user, const char *net, struct found *found)
{
	struct ls_prefix prefix;
	const struct ls_places_of of = { user, net != NULL ? &prefix : NULL };
	int ret;

	if (net != NULL)
		check(net, ls_prefix_parse(net, &prefix), 0);
	found->count = 0;
	ret = ls_places(world.state, &of, world.now_ms, note, found);
	check("returned", ret, found->count);
	return found->count;
}

static unsigned forget(const char *user, const char *net, struct found *found)
{
	struct ls_prefix prefix;
	const struct ls_places_of of = { user, net != NULL ? &prefix : NULL };
	int ret;

	if (net != NULL)
		check(net, ls_prefix_parse(net, &prefix), 0);
	found->count = 0;
	ret = ls_forget(world.state, &of, "the boss", world.now_ms, note,
			found);
	check("returned", ret, found->count);
	return found->count;
}

static void move_in(void)
{
	world_open(&world, GUARD);
	login(JOE, HOME);
	world_pass(&world, WORLD_MINUTE);
	login(JOE, "2001:db8:1:2::7");
	login(ANN, HOME);
	login(ANN, AWAY);
	world_guess(&world, "eve", AWAY, 1);
}

static void test_places(void **state)
{
	struct found found;
	char net[LS_PREFIX_TEXT];

	(void)state;
	move_in();
	check("all", places(NULL, NULL, &found), 4);
	for (unsigned i = 0; i < 4; i++) {
		check("placed", found.place[i].placed, true);
		assert_true(strcmp(found.place[i].user, JOE) == 0 ||
			    strcmp(found.place[i].user, ANN) == 0);
	}
	check("joe's", places(JOE, NULL, &found), 2);
	check("here", places(NULL, HOME_NET, &found), 2);
	check("wider", places(NULL, "198.51.0.0/16", &found), 2);
	check("around", places(NULL, HOME, &found), 2);
	check("IPv6", places(NULL, "2001:db8::/32", &found), 1);
	ls_prefix_format(&found.place[0].net, net);
	check_text("IPv6", net, "2001:db8:1::/48");
	check("both", places(JOE, HOME_NET, &found), 1);
	check("since", found.place[0].first_seen_ms,
	      world.now_ms - WORLD_MINUTE);
	check("until", found.place[0].until_ms,
	      world.now_ms - WORLD_MINUTE + 30 * WORLD_DAY);
	check("eve's", places("eve", NULL, &found), 0);
}

/* Others have taken the room for names. */
static void drop_names(void)
{
	const struct ls_map *map = &world.state->guard;

	memset(map->labels.record, 0,
	       map->labels.buckets * LS_WAYS * map->labels.record_size);
}

static void test_places_without_names(void **state)
{
	struct found found;

	(void)state;
	move_in();
	drop_names();
	check("all", places(NULL, NULL, &found), 4);
	for (unsigned i = 0; i < 4; i++) {
		check("placed", found.place[i].placed, true);
		check_text("name", found.place[i].user, "");
	}
	check("joe's", places(JOE, NULL, &found), 2);
	world_pass(&world, 2 * WORLD_HOUR);
	login(JOE, HOME);
	check("here", places(NULL, HOME_NET, &found), 2);
	assert_true(strcmp(found.place[0].user, JOE) == 0 ||
		    strcmp(found.place[1].user, JOE) == 0);
}

static void test_places_of_alias(void **state)
{
	struct ls_ticket ticket;
	struct found found;

	(void)state;
	world_open(&world, GUARD);
	world_admit(&world, "alias", HOME, &ticket);
	ls_ticket_final(&ticket, JOE);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	check("all", places(NULL, NULL, &found), 1);
	check_text("whose", found.place[0].user, JOE);
	check("by alias", places("alias", NULL, &found), 1);
	check("forgotten", forget("alias", NULL, &found), 1);
	check("by name", places(JOE, NULL, &found), 0);
}

static void test_forget(void **state)
{
	struct found found;

	(void)state;
	move_in();
	check("in a network", forget(NULL, HOME_NET, &found), 2);
	check("event", last().event, LS_EVENT_FORGET);
	check("kind", last().subject.kind, LS_KIND_NET);
	check("stamp", world_word(&world, LS_KIND_NET, NULL, HOME_NET,
				  LS_WORD_FAMILIAR), 0);
	check("left", places(NULL, NULL, &found), 2);
	check("ann's", forget(ANN, NULL, &found), 1);
	check_text("whose", found.place[0].user, ANN);
	check("kind", last().subject.kind, LS_KIND_USER);
	check_text("who", last().subject.user, ANN);
	assert_int_not_equal(world_word(&world, LS_KIND_NET, NULL, AWAY_NET,
					LS_WORD_FAMILIAR), 0);
	check("joe's elsewhere", forget(JOE, AWAY_NET, &found), 0);
	check("left", places(NULL, NULL, &found), 1);
	check("again", forget(ANN, NULL, &found), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_clear_tells),
		TEST(test_clear_all),
		TEST(test_clear_guess),
		TEST(test_trust_exempts),
		TEST(test_trust_ends),
		TEST(test_trust_is_kept),
		TEST(test_trust_survives),
		TEST(test_places),
		TEST(test_places_without_names),
		TEST(test_places_of_alias),
		TEST(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
