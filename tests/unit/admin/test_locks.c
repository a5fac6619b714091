/* test_locks.c - locks by an administrator: placed, extended, listed, ended */
#include "lockstep-config.h"

#include "orders.h"
#include "state/marks.h"
#include "world_bed.h"

#include <stdlib.h>

static int lock(enum ls_kind kind, const char *user, const char *net,
		uint64_t length_ms)
{
	struct ls_subject subject = world_subject(kind, user, net);

	return ls_lock(world.state, &subject, length_ms, "the boss",
		       world.now_ms);
}

static int unlock(enum ls_kind kind, const char *user, const char *net)
{
	struct ls_subject subject = world_subject(kind, user, net);

	return ls_unlock(world.state, &subject, "the boss", world.now_ms);
}

/* Each kind: who is refused, and who is not. */
static void test_each_kind(void **state)
{
	static const struct {
		enum ls_kind kind;
		const char *user, *net, *text;
		bool same, other_ip, other_net, other_user;
	} rows[] = {
		{ LS_KIND_IP, NULL, AWAY, AWAY, true, false, false, true },
		{ LS_KIND_NET, NULL, AWAY_NET, AWAY_NET, true, true, false,
		  true },
		{ LS_KIND_USER, JOE, NULL, JOE, true, true, true, false },
		{ LS_KIND_PLACE, JOE, AWAY_NET, JOE " from " AWAY_NET, true,
		  true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *row = rows[i].text;
		char text[LS_SUBJECT_TEXT];
		struct ls_decision decision;
		struct ls_record record;
		struct ls_cursor cursor = { 0 };
		struct ls_lock listed;
		struct ls_ticket ticket;

		if (i > 0)
			world_init(&world);
		world_open(&world, GUARD);
		check(row,
		      lock(rows[i].kind, rows[i].user, rows[i].net, WORLD_HOUR),
		      0);
		decision = world_admit(&world, JOE, AWAY, &ticket);
		check(row, decision.verdict, LS_DENY);
		check(row, decision.reason, LS_REASON_ADMIN);
		check(row, decision.kind, rows[i].kind);
		check(row, decision.retry_ms, WORLD_HOUR);
		check(row,
		      world_admit(&world, JOE, "192.0.2.2", &ticket).verdict,
		      rows[i].other_ip);
		check(row,
		      world_admit(&world, JOE, "203.0.113.1", &ticket).verdict,
		      rows[i].other_net);
		check(row, world_admit(&world, "ann", AWAY, &ticket).verdict,
		      rows[i].other_user);
		check(row,
		      world_locked(&world, rows[i].kind, rows[i].user,
				   rows[i].net, &listed),
		      true);
		check(row, listed.named, true);
		ls_subject_format(&listed.subject, text);
		check_text(row, text, rows[i].text);
		check(row, listed.until_ms, world.now_ms + WORLD_HOUR);
		check(row, listed.since_ms, world.now_ms);
		check(row, listed.origin, LS_ORIGIN_ADMIN);
		check(row, listed.strikes, 0); /* no fault of theirs */
		check(row,
		      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
				      world.now_ms, &record),
		      1);
		check(row, record.event, LS_EVENT_LOCK);
		check(row, record.until_ms, listed.until_ms);
		check(row, record.at_ms, world.now_ms);
		check_text(row, record.detail, "the boss");
		ls_subject_format(&record.subject, text);
		check_text(row, text, rows[i].text);
		world_pass(&world, WORLD_HOUR);
		check(row, world_admit(&world, JOE, AWAY, &ticket).verdict,
		      LS_ADMIT);
		if (i + 1 < COUNT(rows))
			world_fini(&world);
	}
}

static void test_extend(void **state)
{
	static const struct {
		uint64_t length, want;
	} rows[] = {
		{ WORLD_HOUR, WORLD_HOUR },
		{ WORLD_MINUTE, WORLD_HOUR }, /* a later end stays */
		{ 2 * WORLD_HOUR, 2 * WORLD_HOUR },
		{ 400 * WORLD_DAY, 400 * WORLD_DAY },
		{ WORLD_HOUR, 400 * WORLD_DAY },
	};
	struct ls_lock listed;

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		check("lock", lock(LS_KIND_USER, JOE, NULL, rows[i].length), 0);
		check("there",
		      world_locked(&world, LS_KIND_USER, JOE, NULL, &listed),
		      true);
		check("until", listed.until_ms - world.now_ms, rows[i].want);
	}
	/* A length beyond all time is a lock for good, or no argument. */
	check_within("for good", -lock(LS_KIND_USER, "ann", NULL, UINT64_MAX),
		     0, 1);
	if (lock(LS_KIND_USER, "ann", NULL, UINT64_MAX) == 0)
		check("for good",
		      world_locked(&world, LS_KIND_USER, "ann", NULL, NULL),
		      true);
}

static void test_unlock(void **state)
{
	struct ls_lock listed;
	struct ls_record record;
	struct ls_cursor cursor = { 0 };

	(void)state;
	world_set(&world, "ip", "failures", "3/1h, 4/1d");
	world_set(&world, "net", "failures", "0, 0");
	world_set(&world, "ip", "lock", "1h..8h");
	world_open(&world, GUARD);
	check("not known", unlock(LS_KIND_IP, NULL, AWAY), 0);
	check("guesses", world_guess(&world, JOE, AWAY, 9), 3);
	check("home",
	      world_login(&world, "ann", "192.0.2.2", LS_OUTCOME_SUCCESS)
		      .verdict,
	      LS_ADMIT);
	cursor.next = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	check("locked", unlock(LS_KIND_IP, NULL, AWAY), 1);
	check("once", unlock(LS_KIND_IP, NULL, AWAY), 0);
	check("over", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
	      false);
	check("journal",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("journal", record.event, LS_EVENT_UNLOCK);
	check("journal", record.subject.kind, LS_KIND_IP);
	check_text("journal", record.detail, "the boss");
	check("journal, once",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      0);
	/* Its meters and strikes are forgotten: three guesses, first strike. */
	check("guesses", world_guess(&world, JOE, AWAY, 9), 3);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, &listed),
	      true);
	check("strikes", listed.strikes, 1);
	check_within("length", listed.until_ms - world.now_ms, 0,
		     WORLD_HOUR + 999);
	/* A place that is unlocked stays familiar. */
	check("lock", lock(LS_KIND_PLACE, "ann", AWAY_NET, WORLD_HOUR), 0);
	check("unlock", unlock(LS_KIND_PLACE, "ann", AWAY_NET), 1);
	check("familiar", world_guess(&world, "ann", "192.0.2.2", 1), 1);
	check_within("familiar",
		     world_word(&world, LS_KIND_PLACE, "ann", AWAY_NET,
				LS_WORD_FAMILIAR),
		     world_now(&world) + 1, UINT64_MAX);
}

static void test_arguments(void **state)
{
	static const enum ls_kind none[] = { LS_KIND_NONE, LS_KIND_GUESS,
					     LS_KIND_PAIR, LS_KIND_ALIAS,
					     LS_KIND_COUNT };

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(none); i++) {
		check("lock", lock(none[i], JOE, AWAY, 1000), LS_EARG);
		check("unlock", unlock(none[i], JOE, AWAY), LS_EARG);
	}
	world_open(&world, LS_GUARD_READ);
	check("lock", lock(LS_KIND_USER, JOE, NULL, 1000), LS_EACCES);
	check("unlock", unlock(LS_KIND_USER, JOE, NULL), LS_EACCES);
	world_open(&world, 0);
	check("lock", lock(LS_KIND_USER, JOE, NULL, 1000), LS_EACCES);
	check("unlock", unlock(LS_KIND_USER, JOE, NULL), LS_EACCES);
	check("none", world_locked(&world, LS_KIND_USER, JOE, NULL, NULL),
	      false);
}

/* More locks than a bucket holds: the last are told so, the first stand. */
static void test_full(void **state)
{
	unsigned fell = 0, full = 0, listed = 0;
	struct ls_lock each;
	uint64_t cursor = 0;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 1500; i++) {
		char user[32];
		int ret;

		snprintf(user, sizeof(user), "user%u", i);
		ret = lock(LS_KIND_USER, user, NULL, WORLD_HOUR);
		fell += ret == 0;
		full += ret == LS_EFULL;
	}
	check("each told", fell + full, 1500);
	check_within("some full", full, 1500 - 1029, 1000);
	while (ls_lock_next(world.state, &cursor, world.now_ms, &each) == 1)
		listed++;
	/* A subject that lost its label is listed all the same. */
	check("listed", listed, fell);
}

static void test_names_lost(void **state)
{
	struct ls_lock each;
	uint64_t cursor = 0;
	unsigned named = 0, all = 0, fell = 0;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < 300; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%u", i);
		fell += lock(LS_KIND_USER, user, NULL, WORLD_HOUR) == 0;
	}
	while (ls_lock_next(world.state, &cursor, world.now_ms, &each) == 1) {
		named += each.named;
		all++;
		check("kind", each.subject.kind, LS_KIND_USER);
	}
	check("all", all, fell);
	/* One label for each sixteen subjects. */
	check_within("named", named, 50, 70);
}

/* Keys of bucket 0. */
static uint64_t crowded_key(unsigned number)
{
	return (uint64_t)number * UINT64_C(0x10001);
}

static bool there(enum ls_kind kind, unsigned number)
{
	struct ls_ref ref;

	return ls_table_find(&world.state->guard.subjects, crowded_key(number),
			     kind, &ref) == 0;
}

static void make_familiar(enum ls_kind kind, unsigned number)
{
	uint64_t now = world_now(&world);

	ls_state_familiar(world.state, kind, crowded_key(number),
			  now + number * WORLD_HOUR, now);
}

/* A stamp is not worth a familiar place; another place, longer, is. */
static void test_stamps_and_places(void **state)
{
	(void)state;
	world_open(&world, GUARD);
	for (unsigned i = 1; i <= LS_WAYS; i++)
		make_familiar(LS_KIND_PLACE, i);
	make_familiar(LS_KIND_IP, 100);
	make_familiar(LS_KIND_NET, 101);
	for (unsigned i = 1; i <= LS_WAYS; i++)
		check("place", there(LS_KIND_PLACE, i), true);
	make_familiar(LS_KIND_PLACE, 50);
	check("the new one", there(LS_KIND_PLACE, 50), true);
	check("the first to end", there(LS_KIND_PLACE, 1), false);
	check("the next", there(LS_KIND_PLACE, 2), true);
}

/* A claimer that was killed had chosen this slot as its victim: what makes the
 * slot worth keeping ends that claim, and keeps the slot. */
static void test_protected_at_once(void **state)
{
	enum { FAMILIAR, LOCK, TRUST };
	static const struct {
		const char *row;
		int what;
		enum ls_kind kind;
		const char *user;
	} rows[] = {
		{ "familiar", FAMILIAR, LS_KIND_PLACE, JOE },
		{ "locked", LOCK, LS_KIND_PLACE, "ann" },
		{ "trusted", TRUST, LS_KIND_NET, NULL },
	};

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_subject subject = world_subject(
			rows[i].kind, rows[i].user, AWAY_NET);
		uint64_t tag, key = world_key(&world, &subject);
		struct ls_bucket *bucket;
		struct ls_ref ref;

		check(rows[i].row,
		      ls_state_claim(world.state, rows[i].kind, key,
				     world_now(&world), false, &ref),
		      0);
		tag = atomic_load(ref.tag);
		bucket = &world.state->guard.subjects
				  .bucket[ref.index / LS_WAYS];
		atomic_store(&bucket->intent,
			     UINT64_C(0x1234567) << 20 |
				     (uint64_t)LS_KIND_IP << 16 |
				     (uint64_t)(ref.index % LS_WAYS) << 13 |
				     (tag & 1) << 10);
		if (rows[i].what == LOCK)
			check("lock",
			      lock(LS_KIND_PLACE, "ann", AWAY_NET, WORLD_HOUR),
			      0);
		else if (rows[i].what == TRUST)
			check("trust",
			      ls_trust(world.state, &subject, WORLD_HOUR,
				       "test", world.now_ms),
			      0);
		else
			ls_state_familiar(world.state, LS_KIND_PLACE, key,
					  world_now(&world) + WORLD_HOUR,
					  world_now(&world));
		check(rows[i].row, ls_ref_stands(&ref), true);
		check(rows[i].row, atomic_load(&bucket->intent) >> 16, 0);
		/* Whoever helps that claim, and has looked already, fails. */
		check(rows[i].row, atomic_load(ref.tag) - tag, 1);
	}
}

static void test_subject_parse(void **state)
{
	static const struct {
		const char *text;
		enum ls_kind kind; /* NONE: refused */
		const char *want;  /* as it is written, or in the reason */
	} rows[] = {
		{ "192.0.2.1", LS_KIND_IP, "192.0.2.1" },
		{ "192.0.2.1/32", LS_KIND_IP, "192.0.2.1" },
		{ "::ffff:192.0.2.1", LS_KIND_IP, "192.0.2.1" },
		{ "2001:db8:1:2:3::4", LS_KIND_IP, "2001:db8:1:2::/64" },
		{ "2001:db8:1:2::/64", LS_KIND_IP, "2001:db8:1:2::/64" },
		{ "192.0.2.0/24", LS_KIND_NET, "192.0.2.0/24" },
		{ "2001:db8:1::/48", LS_KIND_NET, "2001:db8:1::/48" },
		{ "joe@example.com", LS_KIND_USER, "joe@example.com" },
		{ "joe", LS_KIND_USER, "joe" },
		{ "192.0.2", LS_KIND_USER, "192.0.2" },
		{ "192.0.2.1/24", LS_KIND_NONE, "do you mean 192.0.2.0/24?" },
		{ "192.0.0.0/16", LS_KIND_NONE, "an address or 192.0.0.0/24" },
		{ "192.0.2.0/25", LS_KIND_NONE, "an address or 192.0.2.0/24" },
		{ "2001:db8::/32", LS_KIND_NONE,
		  "an address or 2001:db8::/48" },
		{ "", LS_KIND_NONE, "empty name" },
	};
	char text[LS_SUBJECT_TEXT], name[LS_USER_MAX + 2], want[sizeof(name)];
	struct ls_subject subject;
	struct ls_error error;

	(void)state;
	world_open(&world, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *row = rows[i].text;
		int ret = ls_subject_parse(world.state, row, &subject, &error);

		check(row, ret, rows[i].kind != LS_KIND_NONE ? 0 : LS_EARG);
		if (ret < 0) {
			check_holds(row, error.text, rows[i].want);
			continue;
		}
		check(row, subject.kind, rows[i].kind);
		ls_subject_format(&subject, text);
		check_text(row, text, rows[i].want);
	}
	memset(name, 'x', sizeof(name));
	name[LS_USER_MAX] = '\0';
	check("longest", ls_subject_parse(world.state, name, &subject, &error),
	      0);
	check_text("longest", subject.user, name);
	name[LS_USER_MAX] = 'x';
	name[LS_USER_MAX + 1] = '\0';
	check("longer", ls_subject_parse(world.state, name, &subject, &error),
	      0);
	ls_user_copy(want, name);
	check_text("longer", subject.user, want);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_kind),
		TEST(test_extend),
		TEST(test_unlock),
		TEST(test_arguments),
		TEST(test_full),
		TEST(test_names_lost),
		TEST(test_stamps_and_places),
		TEST(test_protected_at_once),
		TEST(test_subject_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
