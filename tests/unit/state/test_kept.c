/* test_kept.c - what a snapshot keeps of a slot: bytes and back, and into a new
 * guard */
#include "lockstep-config.h"

#include "snapshot_bed.h"
#include "state/kept.h"

static const uint64_t now = UINT64_C(34560000000); /* 400 days */
static const uint64_t real = UINT64_C(1700000000000);

static void check_kept(const char *row, const struct ls_kept *got,
		       const struct ls_kept *want)
{
	check(row, got->kind, want->kind);
	check(row, got->key, want->key);
	check(row, ls_lock_pack(&got->lock), ls_lock_pack(&want->lock));
	check(row, ls_lock_pack(&got->freeze), ls_lock_pack(&want->freeze));
	check(row, got->since, want->since);
	check(row, got->familiar, want->familiar);
	check(row, got->seen, want->seen);
	check(row, got->freeze_since, want->freeze_since);
	check(row, got->where[0], want->where[0]);
	check(row, got->where[1], want->where[1]);
}

static void test_bytes(void **state)
{
	const struct ls_lock_word lock = { now + 60000, 3, LS_REASON_FAILURES,
					   LS_ORIGIN_RULE };
	const struct ls_lock_word freeze = { now + 90000, 1, LS_REASON_SENDING,
					     LS_ORIGIN_ADMIN };
	const struct ls_kept rows[] = {
		{ .kind = LS_KIND_IP,
		  .key = 1,
		  .lock = lock,
		  .since = now - 5 },
		{ .kind = LS_KIND_NET, .key = 2, .familiar = now + 1000 },
		{ .kind = LS_KIND_USER,
		  .key = UINT64_MAX,
		  .lock = lock,
		  .freeze = freeze,
		  .since = now - 5,
		  .familiar = now + 7000,
		  .seen = now - 8000,
		  .freeze_since = now - 9000 },
		{ .kind = LS_KIND_PLACE,
		  .key = 4,
		  .familiar = now + 7000,
		  .seen = now - 8000,
		  .where = { LS_VALUE_MAX, 12345 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t value[LS_KEPT_SIZE];
		struct ls_kept got;

		ls_kept_put(&rows[i], now, real, value);
		check("get",
		      ls_kept_get(value, sizeof(value), rows[i].kind,
				  rows[i].key, now, real, &got),
		      true);
		check_kept(ls_kind_name(rows[i].kind), &got, &rows[i]);
		/* An hour later, by a clock that began anew. */
		check("get",
		      ls_kept_get(value, sizeof(value), rows[i].kind,
				  rows[i].key, LS_MAP_BIRTH_MS, real + 3600000,
				  &got),
		      true);
		check("locked until", got.lock.until,
		      rows[i].lock.until == 0
			      ? 0
			      : LS_MAP_BIRTH_MS + 60000 - 3600000);
		check("seen", got.seen,
		      rows[i].seen == 0 ? 0 : LS_MAP_BIRTH_MS - 8000 - 3600000);
		check("where", got.where[1], rows[i].where[1]);
	}
}

/* Read by a clock that is years behind the one it was written by: what ends lasts
 * no longer than it was made for. */
static void test_clock_behind(void **state)
{
	const struct ls_kept rows[] = {
		{ .kind = LS_KIND_IP,
		  .lock = { now + 60000, 3, LS_REASON_FAILURES, 0 },
		  .since = now - 5000 },
		{ .kind = LS_KIND_USER,
		  .freeze = { now + 60000, 1, LS_REASON_SENDING, 0 },
		  .familiar = now + 60000,
		  .seen = now - 5000,
		  .freeze_since = now - 5000 },
		{ .kind = LS_KIND_PLACE,
		  .familiar = now + 60000,
		  .seen = now - 5000 },
	};
	const uint64_t day = UINT64_C(86400000);
	const uint64_t behind[] = { 6000, day, 366 * day, 3 * 366 * day };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *row = ls_kind_name(rows[i].kind);
		uint8_t value[LS_KEPT_SIZE];
		struct ls_kept got;

		ls_kept_put(&rows[i], now, real, value);
		for (size_t j = 0; j < COUNT(behind); j++) {
			check(row,
			      ls_kept_get(value, sizeof(value), rows[i].kind, 1,
					  now, real - behind[j], &got),
			      true);
			check(row, got.lock.until <= now + 66000, true);
			check(row, got.freeze.until <= now + 66000, true);
			check(row, got.familiar <= now + 66000, true);
			check(row, got.since <= now, true);
			check(row, got.seen <= now, true);
		}
	}
}

/* Times that no guard has held are cut. */
static void test_far_ahead(void **state)
{
	const uint64_t day = UINT64_C(86400000);
	const uint64_t most = LS_AHEAD_MAX_MS - 1000;
	const struct {
		const char *row;
		uint64_t ahead, want;
	} rows[] = {
		{ "a day", day, day },
		{ "the most", most, most },
		{ "one more", most + 1, most },
		{ "a hundred years", 36525 * day, most },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].row,
		      ls_kept_from_real(real + rows[i].ahead, now, real) - now,
		      rows[i].want);
}

static void test_no_bytes_of_ours(void **state)
{
	static const enum ls_kind others[] = { LS_KIND_NONE, LS_KIND_GUESS,
					       LS_KIND_PAIR, LS_KIND_ALIAS,
					       LS_KIND_COUNT };
	const struct ls_kept kept = { .kind = LS_KIND_USER,
				      .key = 1,
				      .familiar = now + 1 };
	uint8_t value[LS_KEPT_SIZE + 1];
	struct ls_kept got;

	(void)state;
	ls_kept_put(&kept, now, real, value);
	check("whole",
	      ls_kept_get(value, LS_KEPT_SIZE, LS_KIND_USER, 1, now, real,
			  &got),
	      true);
	check("short",
	      ls_kept_get(value, LS_KEPT_SIZE - 1, LS_KIND_USER, 1, now, real,
			  &got),
	      false);
	check("long",
	      ls_kept_get(value, LS_KEPT_SIZE + 1, LS_KIND_USER, 1, now, real,
			  &got),
	      false);
	for (size_t i = 0; i < COUNT(others); i++)
		check("kind",
		      ls_kept_get(value, LS_KEPT_SIZE, others[i], 1, now, real,
				  &got),
		      false);
	value[0] = 15 << 2; /* a reason that there is not */
	check("lock",
	      ls_kept_get(value, LS_KEPT_SIZE, LS_KIND_USER, 1, now, real,
			  &got),
	      false);
	value[0] = 0;
	value[40] = 3; /* an origin, of the freeze */
	check("freeze",
	      ls_kept_get(value, LS_KEPT_SIZE, LS_KIND_USER, 1, now, real,
			  &got),
	      false);
	check("a place has none",
	      ls_kept_get(value, LS_KEPT_SIZE, LS_KIND_PLACE, 1, now, real,
			  &got),
	      true);
}

/* A freeze, a probation and what goes with them, through a file and a reboot.
 */
static void test_account(void **state)
{
	uint64_t suspicious, probation;

	(void)state;
	world_set(&world, "user", "failures", "20/1h, 13/8h");
	world_open(&world, GUARD);
	check("home",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).verdict,
	      LS_ADMIT);
	world_pass(&world, WORLD_HOUR);
	check("guesses", world_guess(&world, JOE, AWAY, 10), 10);
	check("thief",
	      world_login(&world, JOE, "203.0.113.66", LS_OUTCOME_SUCCESS)
		      .verdict,
	      LS_ADMIT);
	suspicious =
		world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_SUSPICIOUS);
	probation =
		world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION);
	check("suspicious", suspicious, world_now(&world));
	check("probation", probation, world_now(&world) + 7 * WORLD_DAY);
	check("freeze",
	      ls_freeze(world.state, JOE, WORLD_DAY, LS_REASON_SENDING,
			LS_ORIGIN_RULE, NULL, world.now_ms),
	      0);
	suspicious -= world_now(&world);
	probation -= world_now(&world);
	save();
	check_text("warning", reboot(WORLD_HOUR), "");
	check("suspicious",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_SUSPICIOUS),
	      suspicious + world_now(&world) - WORLD_HOUR);
	check("probation",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_PROBATION),
	      probation + world_now(&world) - WORLD_HOUR);
	check("since",
	      world_word(&world, LS_KIND_USER, JOE, NULL, LS_WORD_FREEZE_SINCE),
	      world_now(&world) - WORLD_HOUR);
	check("frozen",
	      world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS).reason,
	      LS_REASON_SENDING);
}

/* A freeze that has its name in the listing, after as before. */
static void test_freeze_is_named(void **state)
{
	struct ls_lock lock;
	uint64_t cursor = 0;

	(void)state;
	world_open(&world, GUARD);
	ls_freeze(world.state, JOE, WORLD_DAY, LS_REASON_SENDING,
		  LS_ORIGIN_RULE, NULL, world.now_ms);
	save();
	reboot(WORLD_HOUR);
	check("listed", ls_lock_next(world.state, &cursor, world.now_ms, &lock),
	      1);
	check("freeze", lock.freeze, true);
	check("named", lock.named, true);
	check_text("named", lock.subject.user, JOE);
	check_within("until", lock.until_ms - world.now_ms,
		     WORLD_DAY - WORLD_HOUR, WORLD_DAY - WORLD_HOUR + 1000);
}

/* Where a place is, and since when it is known. */
static void test_place(void **state)
{
	static const unsigned words[] = { LS_WORD_WHERE, LS_WORD_WHERE_TOO };
	uint64_t before[COUNT(words)], seen;

	(void)state;
	world_open(&world, GUARD);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	for (size_t i = 0; i < COUNT(words); i++)
		before[i] = world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
				       words[i]);
	check("where", before[1] != 0, true);
	world_pass(&world, WORLD_DAY);
	world_login(&world, JOE, HOME, LS_OUTCOME_SUCCESS);
	seen = world_now(&world) - world_word(&world, LS_KIND_PLACE, JOE,
					      HOME_NET, LS_WORD_FIRST_SEEN);
	check("seen", seen, WORLD_DAY);
	save();
	reboot(WORLD_HOUR);
	for (size_t i = 0; i < COUNT(words); i++)
		check("where",
		      world_word(&world, LS_KIND_PLACE, JOE, HOME_NET,
				 words[i]),
		      before[i]);
	check("seen",
	      world_now(&world) - world_word(&world, LS_KIND_PLACE, JOE,
					     HOME_NET, LS_WORD_FIRST_SEEN),
	      WORLD_DAY + WORLD_HOUR);
}

/* No guess, pair, alias or fingerprint reaches the disk. */
static void test_never_kept(void **state)
{
	struct ls_kept kept;
	uint64_t cursor = 0;
	unsigned others = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	(void)state;
	world_open(&world, GUARD | LS_LOGINS);
	for (unsigned i = 0; i < 12; i++) {
		char user[32], ip[32];

		snprintf(user, sizeof(user), "user%u", i);
		snprintf(ip, sizeof(ip), "10.0.%u.1", i);
		world_guess(&world, user, ip, 1);
	}
	while (ls_table_next(&world.state->guard.subjects, &cursor, &kind,
			     &ref)) {
		if (kind != LS_KIND_GUESS && kind != LS_KIND_PAIR &&
		    kind != LS_KIND_ALIAS)
			continue;
		others++;
		check(ls_kind_name(kind),
		      ls_kept_of(&ref, kind, world_now(&world), &kept), false);
	}
	check_within("some of them", others, 13, UINT64_MAX);
}

/* What it is kept for is what is worst to lose of it. */
static void test_kept_for(void **state)
{
	const uint64_t soon = now + WORLD_DAY;
	const struct ls_lock_word rule = { .until = soon,
					   .origin = LS_ORIGIN_RULE },
				  order = { .until = soon,
					    .origin = LS_ORIGIN_ADMIN },
				  ended = { .until = now - 1, .strikes = 1 };
	const struct {
		const char *row;
		struct ls_kept kept;
		enum ls_kept_for want;
	} rows[] = {
		{ "freeze",
		  { .kind = LS_KIND_USER, .freeze = rule, .familiar = soon,
		    .lock = order },
		  LS_KEPT_FREEZE },
		{ "trust", { .kind = LS_KIND_NET, .seen = soon, .lock = rule },
		  LS_KEPT_TRUST },
		{ "probation",
		  { .kind = LS_KIND_USER, .familiar = soon, .lock = order },
		  LS_KEPT_PROBATION },
		{ "order", { .kind = LS_KIND_IP, .lock = order },
		  LS_KEPT_ORDER },
		{ "lock",
		  { .kind = LS_KIND_PLACE, .lock = rule, .familiar = soon },
		  LS_KEPT_LOCK },
		{ "place",
		  { .kind = LS_KIND_PLACE, .lock = ended, .familiar = soon },
		  LS_KEPT_PLACE },
		{ "doubt", { .kind = LS_KIND_USER, .seen = now },
		  LS_KEPT_DOUBT },
		{ "stamp", { .kind = LS_KIND_IP, .familiar = soon },
		  LS_KEPT_MARK },
		{ "strike", { .kind = LS_KIND_USER, .lock = ended },
		  LS_KEPT_MARK },
		{ "passed", { .kind = LS_KIND_IP, .familiar = now },
		  LS_KEPT_PASSED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].row, ls_kept_for(&rows[i].kept, now),
		      rows[i].want);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),   TEST(test_no_bytes_of_ours),
		TEST(test_account), TEST(test_freeze_is_named),
		TEST(test_place),   TEST(test_never_kept),
		TEST(test_kept_for), TEST(test_clock_behind),
		TEST(test_far_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
