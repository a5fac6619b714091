/* test_told.c - no client empties the journal by what costs it nothing, and no
 * attempt goes uncounted */
#include "lockstep-config.h"

#include "explain.h"
#include "orders.h"
#include "state/marks.h"
#include "state/told.h"
#include "world_bed.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* One client for a minute at full speed. */
enum { ACTS = HARNESS_TSAN ? 6000 : 60000 };
/* At most so many buckets run over by what one client does. */
enum { FLOODED = 2 };

/* ---- one bucket -------------------------------------------------------- */

static void test_bucket(void **state)
{
	static const struct ls_told_rate rate = { .units = 50, .minutes = 10 };
	uint64_t value = 0, now = LS_MAP_BIRTH_MS, told = 0, counted = 0;
	uint32_t untold;
	bool is_told;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		value = ls_told_step(value, now, &rate, 0, &is_told, &untold);
		check("at once", is_told, i < 50);
		check("none left out before", untold, 0);
		told += is_told;
	}
	check("pending", ls_told_pending(value), 50);
	/* A day at one a second: a record each ten minutes, and all counted. */
	for (unsigned i = 0; i < 86400; i++) {
		now += 1000;
		value = ls_told_step(value, now, &rate, 0, &is_told, &untold);
		told += is_told;
		counted += untold;
	}
	check_within("in a day", told, 50 + 143, 55 + 144);
	check("all", told + counted + ls_told_pending(value), 86500);
	/* As it goes on those who look see how many it was lately. */
	for (unsigned i = 0, thousands = 0; i < 20000; i++) {
		value = ls_told_step(value, now + WORLD_HOUR, &rate, 0,
				     &is_told, &untold);
		thousands += is_told && untold >= 999;
		if (i == 19999)
			check("thousands", thousands, 2);
	}
	/* Idle for long: as new, but for what is to be told. */
	now += WORLD_DAY;
	value = ls_told_step(value, now, &rate, 7, &is_told, &untold);
	check("again", is_told, true);
	check("with what went before", untold >= 7, true);
}

/* Whenever that is: minutes are counted modulo 2^16. */
static void test_bucket_at_any_time(void **state)
{
	static const struct ls_told_rate rate = { .units = 50, .minutes = 10 };

	(void)state;
	for (uint64_t minute = 0; minute < 70000; minute++) {
		uint64_t value = 0, now = minute * WORLD_MINUTE, told = 0;
		uint32_t untold;
		bool is_told;

		for (unsigned i = 0; i < 60; i++) {
			value = ls_told_step(value, now, &rate, 0, &is_told,
					     &untold);
			told += is_told;
		}
		/* where it is counted from 0 on, a minute is lost */
		check_within("at once", told, 49, 50);
	}
}

static void test_count_ends(void **state)
{
	static const struct ls_told_rate rate = { .units = 1, .minutes = 10 };
	uint64_t value = 0;
	uint32_t untold;
	bool is_told;

	(void)state;
	value = ls_told_step(value, LS_MAP_BIRTH_MS, &rate, 0, &is_told,
			     &untold);
	for (unsigned i = 0; i < 9; i++)
		value = ls_told_step(value, LS_MAP_BIRTH_MS, &rate, UINT32_MAX,
				     &is_told, &untold);
	check("the most", ls_told_pending(value), (1 << 24) - 1);
	ls_told_step(value, LS_MAP_BIRTH_MS + 60 * WORLD_MINUTE, &rate, 1,
		     &is_told, &untold);
	check("told", is_told, true);
	check("the most", untold, (1 << 24) - 1);
}

/* Processes that refuse the same address at once. */
static void test_processes(void **state)
{
	enum { PROCESSES = 4, EACH = 5000 };
	static const struct ls_told_rate rate = { .units = 50, .minutes = 10 };
	struct ls_subject subject = world_subject(LS_KIND_IP, NULL, AWAY);
	_Atomic uint64_t *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ls_ref ref;

	(void)state;
	world_open(&world, GUARD);
	check("claim",
	      ls_state_claim(world.state, LS_KIND_IP,
			     world_key(&world, &subject), world_now(&world),
			     true, &ref),
	      0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (unsigned j = 0; j < EACH; j++) {
			uint32_t untold;

			if (ls_told_at(&ref, LS_WORD_TOLD, world_now(&world),
				       &rate, 0, &untold))
				atomic_fetch_add(told, 1);
			atomic_fetch_add(told + 1, untold);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		wait(NULL);
	check("told", told[0], 50 + 3); /* and of 100, 1,000, 10,000 */
	/* One that lost sixteen times in a row counts nowhere. */
	check_within("counted",
		     ls_told_refusals(LS_KIND_IP, &ref) + told[0] + told[1],
		     PROCESSES * EACH - 20, PROCESSES * EACH);
	munmap(told, 4096);
}

/* ---- what a client can do ---------------------------------------------- */

static void attempt(const char *user, const char *ip, const char *password,
		    bool secured, enum ls_outcome outcome)
{
	const struct ls_attempt attempt = { .service = "imap",
					    .mech = "PLAIN",
					    .user = user,
					    .ip = world_addr(ip),
					    .secured = secured,
					    .password = password };
	struct ls_decision decision;
	struct ls_ticket ticket;

	ls_admit(world.state, &attempt, world.now_ms, &decision, &ticket);
	ls_settle(world.state, &ticket, outcome, world.now_ms);
}

/* A name that nobody had before. */
static const char *new_name(unsigned i)
{
	static char name[32];

	snprintf(name, sizeof(name), "name%u", i);
	return name;
}

static void order_lock(enum ls_kind kind, const char *user, const char *net)
{
	struct ls_subject subject = world_subject(kind, user, net);

	check("lock", ls_lock(world.state, &subject, WORLD_DAY, "test",
			      world.now_ms),
	      0);
}

static void lock_address(void) { order_lock(LS_KIND_IP, NULL, AWAY); }
static void lock_network(void) { order_lock(LS_KIND_NET, NULL, AWAY_NET); }
static void lock_account(void) { order_lock(LS_KIND_USER, JOE, NULL); }
static void lock_place(void) { order_lock(LS_KIND_PLACE, JOE, AWAY_NET); }

static void freeze_account(void)
{
	check("freeze",
	      ls_freeze(world.state, JOE, WORLD_DAY, LS_REASON_ADMIN,
			LS_ORIGIN_ADMIN, "test", world.now_ms),
	      0);
}

/* One password on many accounts, each time from another place. */
static void lock_guess(void)
{
	char ip[32];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(ip, sizeof(ip), "10.%u.0.1", i);
		attempt(new_name(i), ip, "Summer2026", true, LS_OUTCOME_WRONG);
	}
}

static void trust_address(void)
{
	struct ls_subject subject = world_subject(LS_KIND_IP, NULL, AWAY);

	check("trust",
	      ls_trust(world.state, &subject, WORLD_DAY, "test", world.now_ms),
	      0);
}

static void guess_at_joe(void)
{
	char ip[32];

	for (unsigned i = 0; i < 18; i++) {
		snprintf(ip, sizeof(ip), "10.%u.0.1", i);
		attempt(JOE, ip, NULL, true, LS_OUTCOME_WRONG);
	}
}

static void nothing(void)
{
}

static void any_name(unsigned i)
{
	attempt(new_name(i), AWAY, NULL, true, LS_OUTCOME_WRONG);
}

static void at_joe(unsigned i)
{
	(void)i;
	attempt(JOE, AWAY, NULL, true, LS_OUTCOME_WRONG);
}

static void that_password(unsigned i)
{
	attempt(new_name(1000 + i), AWAY, "Summer2026", true, LS_OUTCOME_WRONG);
}

static void without_tls(unsigned i)
{
	attempt(new_name(i), AWAY, NULL, false, LS_OUTCOME_WRONG);
}

static void succeed(unsigned i)
{
	(void)i;
	attempt(JOE, AWAY, NULL, true, LS_OUTCOME_SUCCESS);
}

static void repeat(unsigned i)
{
	(void)i;
	attempt(JOE, AWAY, "yesterday's", true, LS_OUTCOME_WRONG);
}

static void backend_fails(unsigned i)
{
	attempt(new_name(i), AWAY, NULL, true, LS_OUTCOME_INTERNAL);
}

static void leave(unsigned i)
{
	attempt(new_name(i), AWAY, NULL, true, LS_OUTCOME_ABANDONED);
}

static void disabled(unsigned i)
{
	attempt(i % 2 ? JOE : "ann", AWAY, NULL, true, LS_OUTCOME_DENIED);
}

static void connection(unsigned i)
{
	const struct ls_addr ip = world_addr(AWAY);
	struct ls_decision decision;

	(void)i;
	ls_connect(world.state, "smtp", &ip, world.now_ms, &decision);
}

static const struct row {
	const char *name;
	void (*prepare)(void);
	void (*act)(unsigned i);
	const char *section, *field, *text; /* of the policy; NULL: as preset */
	uint64_t most; /* records in the minute, but for those of a flood; a ring
			* has 65,536 */
} rows[] = {
	{ "a locked address, any name", lock_address, any_name, NULL, NULL,
	  NULL, 50 },
	{ "a locked network", lock_network, any_name, NULL, NULL, NULL, 50 },
	{ "a locked account", lock_account, at_joe, NULL, NULL, NULL, 50 },
	{ "a locked place", lock_place, at_joe, NULL, NULL, NULL, 50 },
	{ "a frozen account", freeze_account, at_joe, NULL, NULL, NULL, 50 },
	{ "a locked password", lock_guess, that_password, NULL, NULL, NULL,
	  50 },
	{ "without TLS, any name", nothing, without_tls, NULL, "require-tls",
	  "always", 200 },
	{ "too many logins", nothing, succeed, "user", "logins", "300/5m",
	  100 + 1 + 50 },
	{ "logins without a limit", nothing, succeed, "user", "logins", "0",
	  100 + 1 },
	{ "yesterday's password", nothing, repeat, NULL, NULL, NULL, 1 + 50 },
	{ "a backend that fails, any name", nothing, backend_fails, NULL, NULL,
	  NULL, 200 },
	{ "gone without a proof, any name", nothing, leave, NULL, NULL, NULL,
	  200 },
	{ "disabled accounts", nothing, disabled, NULL, NULL, NULL, 200 },
	/* Besides, what these guesses lock. */
	{ "wrong guesses, any name", nothing, any_name, NULL, NULL, NULL, 100 },
	{ "wrong guesses from a trusted address", trust_address, any_name, NULL,
	  NULL, NULL, 2001 },
	{ "wrong guesses at a rule that observes", nothing, any_name, NULL,
	  "mode", "observe", 2100 },
	{ "doubtful logins", guess_at_joe, succeed, "user", "logins", "0",
	  100 + 1 + 20 + 50 },
	{ "connections from a locked address", lock_address, connection, NULL,
	  NULL, NULL, 50 },
};

/* Attempts and connections in the journal from record `first` on; with those that
 * have no record of their own, in *all_r. */
static uint64_t attempts_since(uint64_t first, uint64_t *all_r)
{
	struct ls_cursor cursor = { .next = first };
	struct ls_record record;
	uint64_t count = 0;

	*all_r = 0;
	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			       world.now_ms, &record) == 1) {
		if (record.event != LS_EVENT_LOGIN &&
		    record.event != LS_EVENT_CONNECT)
			continue;
		count++;
		*all_r += UINT64_C(1) + record.untold;
	}
	check("read", cursor.lost, 0);
	return count;
}

static uint64_t untold_now(void)
{
	struct ls_status status;

	ls_status(world.state, world.now_ms, &status);
	return status.untold;
}

static void do_row(const struct row *row)
{
	uint64_t first, untold, records, all;

	world_set(&world, NULL, "journal-size", "8192");
	if (row->field != NULL)
		world_set(&world, row->section, row->field, row->text);
	world_open(&world, GUARD | LS_LOGINS);
	row->prepare();
	first = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	untold = untold_now();
	for (unsigned i = 0; i < ACTS; i++) {
		row->act(i);
		if (i % (ACTS / 60) == 0)
			world_pass(&world, WORLD_SECOND);
	}
	records = ls_journal_head(world.state, LS_JOURNAL_GUARD) - first;
	check_within(row->name, records, 1, row->most + 5 * FLOODED);
	check(row->name,
	      attempts_since(first, &all) + untold_now() - untold, ACTS);
}

/* Each in a world of its own. */
static void test_acts(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		do_row(&rows[i]);
	}
}

static void tell_finding(void *context, const char *finding)
{
	(void)context;
	print_message("%s\n", finding);
}

/* What a flood leaves out the next records tell; a list and an explanation have what
 * is still to be told. */
static void test_told_later(void **state)
{
	const struct ls_subject away = world_subject(LS_KIND_IP, NULL, AWAY);
	const struct ls_addr ip = world_addr(AWAY);
	const struct ls_question question = { .ip = &ip };
	struct ls_explanation is;
	struct ls_lock lock;
	uint64_t all;

	(void)state;
	world_open(&world, GUARD | LS_LOGINS);
	lock_address();
	for (unsigned i = 0; i < 1000; i++)
		any_name(i);
	check("listed", world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock),
	      true);
	check("to be told", lock.untold, 1000 - 150);
	check("explain", ls_explain(world.state, &question, world.now_ms, &is),
	      0);
	check("explained", is.of[LS_KIND_IP].untold, 850);
	check("of its lock", is.of[LS_KIND_IP].lock.untold, 850);
	world_pass(&world, 10 * WORLD_MINUTE);
	any_name(1000);
	check("records", attempts_since(0, &all), 52);
	check("all of them", all, 1001);
	check("nothing to be told",
	      world_locked(&world, LS_KIND_IP, NULL, AWAY, &lock) &&
		      lock.untold == 0,
	      true);
	/* Unlocked, and locked again: it is told of anew, and nothing is lost. */
	for (unsigned i = 0; i < 30; i++)
		any_name(i);
	check("verify", ls_verify(world.state, world.now_ms, tell_finding, NULL),
	      0);
	ls_unlock(world.state, &away, "test", world.now_ms);
	lock_address();
	any_name(0);
	check("records", attempts_since(0, &all), 53);
	check("all of them", all, 1001 + 30 + 1);
	check("denied", atomic_load(&world.state->guard.header->denied), 1032);
}

/* Whatever somebody does, the login of another has its record, and so have the
 * account's lock, freeze and first doubt. */
static void test_others_are_told(void **state)
{
	uint64_t head;

	(void)state;
	world_open(&world, GUARD | LS_LOGINS);
	lock_address();
	lock_account();
	for (unsigned i = 0; i < 1000; i++) {
		any_name(i);
		attempt(JOE, "10.9.8.7", NULL, true, LS_OUTCOME_WRONG);
	}
	head = ls_journal_head(world.state, LS_JOURNAL_GUARD);
	freeze_account();
	attempt("ann", HOME, NULL, true, LS_OUTCOME_SUCCESS);
	attempt("bob", HOME, NULL, true, LS_OUTCOME_WRONG);
	check("each", ls_journal_head(world.state, LS_JOURNAL_GUARD), head + 3);
}

/* More subjects than there are buckets: what finds none is told no more often for
 * that. */
static void test_more_than_buckets(void **state)
{
	static const struct ls_told_rate rates[] = {
		{ .units = 50, .minutes = 10, .bounded = true },
		{ .units = 50, .minutes = 10 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rates); i++) {
		struct ls_told *told = ls_told_new();
		unsigned count = 0;
		uint32_t untold;

		for (uint64_t key = 1; key <= 200000; key++)
			count += ls_told_of(told, key * UINT64_C(0x9e3779b97f4a7c15),
					    LS_MAP_BIRTH_MS, &rates[i], 0,
					    &untold);
		if (rates[i].bounded)
			check_within("told", count, 3000, 4096 + 16 * 55);
		else
			check("told", count, 200000);
		ls_told_free(&told);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_bucket_at_any_time),
		cmocka_unit_test(test_count_ends),
		TEST(test_processes),
		TEST(test_acts),
		TEST(test_told_later),
		TEST(test_others_are_told),
		cmocka_unit_test(test_more_than_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
