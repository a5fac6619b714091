/* test_snapshot.c - what survives a reboot */
#include "lockstep-config.h"

#include "orders.h"
#include "snapshot_bed.h"
#include "state/kept.h"
#include "state/marks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void lock(enum ls_kind kind, const char *user, const char *net,
		 uint64_t length_ms)
{
	struct ls_subject subject = world_subject(kind, user, net);

	check("lock",
	      ls_lock(world.state, &subject, length_ms, "test", world.now_ms),
	      0);
}

static void test_round_trip(void **state)
{
	struct ls_lock before, after;
	struct stat st;

	(void)state;
	world_set(&world, "ip", "failures", "3/3m, 0");
	world_set(&world, "ip", "lock", "1h..8h");
	world_open(&world, GUARD);
	check("home",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	world_pass(&world, WORLD_HOUR);
	check("guesses", world_guess(&world, JOE, AWAY, 5), 3);
	lock(LS_KIND_USER, "ann", NULL, 10 * WORLD_HOUR);
	lock(LS_KIND_PLACE, "bob", "2001:db8:1::/48", 10 * WORLD_HOUR);
	lock(LS_KIND_NET, NULL, "203.0.113.0/24", 10 * WORLD_HOUR);
	lock(LS_KIND_IP, NULL, "203.0.113.9", WORLD_MINUTE);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, &before),
	      true);
	world_pass(&world, 10 * WORLD_MINUTE);
	save();
	check("mode", fstatat(world.dirfd, "snapshot.cdb", &st, 0), 0);
	check("mode", st.st_mode & 07777, 0600);
	check("no temporary", fstatat(world.dirfd, ".snapshot.cdb.new", &st, 0),
	      -1);

	check_text("warning", reboot(20 * WORLD_MINUTE), "");
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, &after),
	      true);
	check("named", after.named, true);
	check("reason", after.reason, LS_REASON_FAILURES);
	check("origin", after.origin, LS_ORIGIN_RULE);
	check("strikes", after.strikes, 1);
	/* Half an hour has passed of one; the last is rounded up. */
	check_within("left", after.until_ms - world.now_ms, 30 * WORLD_MINUTE,
		     30 * WORLD_MINUTE + 2000);
	/* Before the boot: negative. */
	check("since", (int64_t)after.since_ms - (int64_t)world.now_ms,
	      -(int64_t)(30 * WORLD_MINUTE));
	check("refused", world_guess(&world, "eve", AWAY, 3), 0);
	check("ann", world_locked(&world, LS_KIND_USER, "ann", NULL, &after),
	      true);
	check_text("ann", after.subject.user, "ann");
	check("ann", after.origin, LS_ORIGIN_ADMIN);
	check("bob",
	      world_locked(&world, LS_KIND_PLACE, "bob", "2001:db8:1::/48",
			   &after),
	      true);
	check("bob", after.named, true);
	check("net",
	      world_locked(&world, LS_KIND_NET, NULL, "203.0.113.0/24", NULL),
	      true);
	check("passed",
	      world_locked(&world, LS_KIND_IP, NULL, "203.0.113.9", NULL),
	      false);

	/* The familiar place is it still, and so are its stamps. */
	check("familiar",
	      world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
			 LS_WORD_FAMILIAR) -
		      world_now(&world),
	      30 * WORLD_DAY - WORLD_HOUR - 30 * WORLD_MINUTE);
	check("first seen",
	      world_now(&world) - world_word(&world, LS_KIND_PLACE, JOE,
					     HOME_NET, LS_WORD_FIRST_SEEN),
	      WORLD_HOUR + 30 * WORLD_MINUTE);
	check_within(
		"stamp",
		world_word(&world, LS_KIND_IP, NULL, HOME, LS_WORD_FAMILIAR),
		world_now(&world) + WORLD_DAY, UINT64_MAX);
	/* Meters are not. */
	check("meter",
	      world_word(&world, LS_KIND_NET, NULL, AWAY_NET, LS_WORD_FAILURES),
	      0);
}

struct names {
	unsigned places;
	char user[LS_USER_MAX + 1]; /* of the last one */
};

static void take_name(void *context, const struct ls_place *place)
{
	struct names *names = context;

	names->places++;
	memcpy(names->user, place->user, sizeof(names->user));
}

static struct names list_places(void)
{
	const struct ls_places_of of = { .user = NULL };
	struct names names = { 0, "" };

	ls_places(world.state, &of, world.now_ms, take_name, &names);
	return names;
}

/* Whose a familiar place is: known at once, not from the next login on; and a
 * name that was locked too is one for as long as the name was wanted. */
static void test_names_survive(void **state)
{
	struct ls_lock after;

	(void)state;
	world_open(&world, GUARD);
	check("home",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	lock(LS_KIND_USER, JOE, NULL, WORLD_HOUR);
	save();
	check_text("warning", reboot(WORLD_MINUTE), "");
	check("place", list_places().places, 1);
	check_text("whose", list_places().user, JOE);
	check("locked", world_locked(&world, LS_KIND_USER, JOE, NULL, &after),
	      true);
	check("named", after.named, true);
	for (unsigned i = 0; i < 5; i++) {
		save();
		check_text("warning", reboot(5 * WORLD_DAY), "");
		check("place", list_places().places, 1);
		check_text("whose", list_places().user, JOE);
	}
	save();
	check_text("warning", reboot(10 * WORLD_DAY), "");
	check("place", list_places().places, 0);
	check("no name is left over", world.state->guard.header->labels.claimed,
	      0);
}

/* A lock that ended while the machine was off leaves its strike. */
static void test_strikes_survive(void **state)
{
	struct ls_lock after;

	(void)state;
	world_set(&world, "ip", "failures", "2/2s, 0");
	world_set(&world, "ip", "lock", "1m..1h");
	world_open(&world, GUARD);
	check("guesses", world_guess(&world, JOE, AWAY, 5), 2);
	save();
	check_text("warning", reboot(WORLD_HOUR), "");
	check("over", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
	      false);
	check("guesses", world_guess(&world, JOE, AWAY, 5), 2);
	check("again", world_locked(&world, LS_KIND_IP, NULL, AWAY, &after),
	      true);
	check("strikes", after.strikes, 2);
	check_within("length", after.until_ms - world.now_ms, 2 * WORLD_MINUTE,
		     2 * WORLD_MINUTE + 999);
	/* Familiar no longer, after two months off. */
	check("home",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	save();
	reboot(60 * WORLD_DAY);
	check("stranger",
	      world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
			 LS_WORD_FAMILIAR),
	      0);
}

/* Times and again: nothing grows by being saved and restored. */
static void test_many_round_trips(void **state)
{
	struct ls_lock lock_then;

	(void)state;
	world_open(&world, GUARD);
	lock(LS_KIND_USER, JOE, NULL, 20 * WORLD_DAY);
	for (unsigned i = 1; i <= 10; i++) {
		save();
		check_text("warning", reboot(WORLD_DAY), "");
		check("locked",
		      world_locked(&world, LS_KIND_USER, JOE, NULL, &lock_then),
		      true);
		check("named", lock_then.named, true);
		check_within("left", lock_then.until_ms - world.now_ms,
			     (20 - i) * WORLD_DAY,
			     (20 - i) * WORLD_DAY + 1000 + i * 1000);
	}
}

/* What began before the map's clock has no beginning any more. */
static void test_older_than_the_clock(void **state)
{
	struct ls_lock after;

	(void)state;
	world_open(&world, GUARD);
	lock(LS_KIND_USER, JOE, NULL, 1000 * WORLD_DAY);
	world_pass(&world, 450 * WORLD_DAY);
	save();
	check_text("warning", reboot(0), "");
	check("locked", world_locked(&world, LS_KIND_USER, JOE, NULL, &after),
	      true);
	check("since", after.since_ms, 0);
	check_within("left", after.until_ms - world.now_ms, 550 * WORLD_DAY,
		     550 * WORLD_DAY + 2000);
}

/* A machine without a clock of its own wakes in 1970: nobody is locked, or
 * known, for longer than was left when it went to sleep. */
static void test_real_clock_behind(void **state)
{
	struct ls_lock after;

	(void)state;
	world_open(&world, GUARD);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	lock(LS_KIND_USER, "ann", NULL, WORLD_HOUR);
	save();
	world.real_ms = 1000;
	check_text("warning", reboot(0), "");
	if (world_locked(&world, LS_KIND_USER, "ann", NULL, &after))
		check_within("lock", after.until_ms - world.now_ms, 0,
			     WORLD_HOUR + 1000);
	check_within("familiar",
		     world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
				LS_WORD_FAMILIAR),
		     0, world_now(&world) + 30 * WORLD_DAY);
}

static void trust(enum ls_kind kind, const char *net)
{
	struct ls_subject subject = world_subject(kind, NULL, net);

	check("trust",
	      ls_trust(world.state, &subject, WORLD_HOUR, "test", world.now_ms),
	      0);
}

/* What stands in a map of one bucket after it was filled from the snapshot. */
struct small {
	uint64_t restored;
	struct ls_lost lost;
	unsigned freezes, trusts, probations, orders, locks, places, others;
};

static void count_small(const struct ls_map *map, struct small *small)
{
	uint64_t cursor = 0, now = LS_MAP_BIRTH_MS;
	enum ls_kind kind;
	struct ls_ref ref;
	struct ls_kept kept;

	while (ls_table_next(&map->subjects, &cursor, &kind, &ref)) {
		if (!ls_kept_of(&ref, kind, now, &kept))
			small->others++;
		else if (kept.freeze.until > now)
			small->freezes++;
		else if (kept.lock.until > now &&
			 kept.lock.origin == LS_ORIGIN_ADMIN)
			small->orders++;
		else if (kept.lock.until > now)
			small->locks++;
		else if (kind == LS_KIND_PLACE)
			small->places++;
		else if (kind == LS_KIND_USER && kept.familiar > now)
			small->probations++;
		else if (kind != LS_KIND_USER && kept.seen > now)
			small->trusts++;
		else
			small->others++;
	}
}

static void restore_small(struct small *small)
{
	struct ls_map_spec spec = { .type = LS_MAP_GUARD,
				    .subjects = LS_WAYS,
				    .journal_records = 8,
				    .group = "", .readers = "" };
	struct ls_snapshot *snapshot;
	struct ls_error error = { 0, "" };
	struct ls_map map;

	memset(small, 0, sizeof(*small));
	check("open", ls_snapshot_open(world.dirfd, &snapshot, &error), 0);
	spec.hash_key = ls_snapshot_hash_key(snapshot);
	check("map",
	      ls_map_create(world.state_dirfd, "small", "small", &spec, &map,
			    &error),
	      0);
	small->restored = ls_snapshot_restore(snapshot, &map, LS_MAP_BIRTH_MS,
					      world.real_ms, &small->lost);
	count_small(&map, small);
	ls_map_close(&map);
	ls_snapshot_close(&snapshot);
	unlinkat(world.state_dirfd, "small", 0);
}

/* Into a smaller map: a stamp pushes no familiar place out. */
static void test_places_before_stamps(void **state)
{
	struct small small;

	(void)state;
	world_set(&world, "user", "places", "0");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 40; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.0.%u.1", i);
		check(ip,
		      world_login(&world, JOE, ip, LS_OUTCOME_SUCCESS).verdict,
		      LS_ADMIT);
		world_pass(&world, 1000);
	}
	save();
	restore_small(&small);
	check("places", small.places, LS_WAYS);
	check("restored", small.restored, LS_WAYS);
	check("lost places", small.lost.of[LS_KEPT_PLACE], 40 - LS_WAYS);
	check("lost stamps", small.lost.of[LS_KEPT_MARK], 2 * 40);
}

/* Whatever the order in the file, into a map of one bucket: what an administrator
 * or a theft made stands, and what is told as lost is what does not. */
static void test_worst_to_lose_first(void **state)
{
	static const char *const frozen[] = { JOE, "ann", "bob" };
	struct small small;
	char text[200];

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 40; i++) {
		char ip[32], user[16];

		snprintf(ip, sizeof(ip), "10.0.%u.1", i);
		snprintf(user, sizeof(user), "user%u", i);
		lock(LS_KIND_IP, NULL, ip, 30 * WORLD_DAY);
		world_login(&world, user, HOME, LS_OUTCOME_SUCCESS);
	}
	for (unsigned i = 0; i < COUNT(frozen); i++)
		check("freeze",
		      ls_freeze(world.state, frozen[i], WORLD_DAY,
				LS_REASON_SENDING, LS_ORIGIN_RULE, NULL,
				world.now_ms),
		      0);
	trust(LS_KIND_IP, "192.0.2.7");
	trust(LS_KIND_NET, "198.51.100.0/24");
	save();
	restore_small(&small);
	check("freezes", small.freezes, 3);
	check("trusts", small.trusts, 2);
	check("orders", small.orders, LS_WAYS - 5);
	check("places", small.places, 0);
	check("restored", small.restored, LS_WAYS);
	check("lost", ls_lost_text(&small.lost, text, sizeof(text)), true);
	check_text("lost", text,
		   "38 locks, 40 familiar places and 1 strike or stamp");
}

/* Rules' locks share what the administrators' leave, and those that give way to
 * others are told as lost. */
static void test_orders_before_locks(void **state)
{
	const struct ls_lock_order rule = { .length = { WORLD_DAY, WORLD_DAY },
					    .reason = LS_REASON_FAILURES };
	enum { LOCKS = 40, ORDERS = 3 };
	struct small small;

	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 0; i < LOCKS; i++) {
		struct ls_subject subject;
		char ip[32];

		snprintf(ip, sizeof(ip), "10.0.%u.1", i);
		subject = world_subject(LS_KIND_IP, NULL, ip);
		check(ip,
		      ls_state_lock(world.state, &subject,
				    world_key(&world, &subject), &rule, NULL,
				    world_now(&world)),
		      LS_FELL);
	}
	for (unsigned i = 0; i < ORDERS; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.1.%u.1", i);
		lock(LS_KIND_IP, NULL, ip, WORLD_DAY);
	}
	save();
	restore_small(&small);
	check("orders", small.orders, ORDERS);
	check("locks", small.locks, LS_WAYS - ORDERS);
	check("restored", small.restored, LS_WAYS);
	check("lost", small.lost.of[LS_KEPT_LOCK], LOCKS + ORDERS - LS_WAYS);
}

/* Who finds no guard and makes one is told what it has no room for. */
static void test_told_after_a_reboot(void **state)
{
	const char *warning;
	unsigned lost = 0;
	char rest[64] = "";

	(void)state;
	world_set(&world, NULL, "subjects", "16384");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 1500; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		lock(LS_KIND_IP, NULL, ip, 30 * WORLD_DAY);
	}
	save();
	check_text("same size", reboot(WORLD_MINUTE), "");
	world_set(&world, NULL, "subjects", "1024");
	world_compile(&world);
	warning = reboot(WORLD_MINUTE);
	sscanf(warning, "%u %63[^\n]", &lost, rest);
	check_text("warning", rest, "locks did not fit: raise `subjects`");
	check_within("lost", lost, 1500 - 1024, 1499);
}

static void test_no_guard(void **state)
{
	struct ls_error error;

	(void)state;
	world_open(&world, 0);
	check("no guard", ls_snapshot_save(world.state, 1, 1, &error),
	      LS_EACCES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),        TEST(test_strikes_survive),
		TEST(test_many_round_trips),  TEST(test_older_than_the_clock),
		TEST(test_real_clock_behind), TEST(test_places_before_stamps),
		TEST(test_names_survive),     TEST(test_worst_to_lose_first),
		TEST(test_orders_before_locks),
		TEST(test_told_after_a_reboot), TEST(test_no_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
