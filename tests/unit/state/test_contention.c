/* test_contention.c - many threads at once, time standing still
 *
 * Threads share one mapping, so that ThreadSanitizer sees what meets; each has
 * a struct ls_state of its own, as the header demands. Threads count, and the
 * main thread checks once they have ended. */
#include "lockstep-config.h"

#include "state/marks.h"
#include "world_bed.h"

#include <pthread.h>

enum { ROUNDS = HARNESS_TSAN ? 2000 : 40000 };
enum { THREADS = 8, SUBJECTS = 64 };

static struct ls_map *map; /* of world.state */
static uint64_t now;
static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t seed;
	struct ls_state state; /* a copy: the same mapping */
	uint64_t count;
};
static struct worker worker[THREADS];

static void open_world(void)
{
	world_open(&world, GUARD);
	map = &world.state->guard;
	now = world_now(&world);
}

static void run(void *(*work)(void *))
{
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ .number = i,
					     .seed = i + 1,
					     .state = *world.state };
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work,
						&worker[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
	pthread_barrier_destroy(&barrier);
}

static uint64_t sum_of_counts(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < THREADS; i++)
		sum += worker[i].count;
	return sum;
}

/* Keys that fall into `buckets` of the first buckets. */
static uint64_t crowded_key(uint64_t number, uint64_t buckets)
{
	uint64_t step = (UINT64_C(1) << 32) / map->subjects.buckets + 1;
	uint64_t mixed = number * UINT64_C(0x9e3779b97f4a7c15);

	return number % buckets * step << 32 | (mixed & UINT64_C(0xffffffff));
}

/* ---- charges and refunds ---------------------------------------------- */

static const struct ls_rate rate = { 1000, 20000 }; /* holds 20 */
static _Atomic int64_t held[SUBJECTS]; /* less than or what the meter holds */
static _Atomic uint64_t overfull;

static void *charge_and_refund(void *context)
{
	struct worker *me = context;
	uint64_t ticket[SUBJECTS];
	bool open[SUBJECTS] = { false };

	pthread_barrier_wait(&barrier);
	for (unsigned round = 0; round < ROUNDS * 5; round++) {
		uint64_t dice = harness_random(&me->seed);
		/* Half of it on four subjects. */
		unsigned i = dice & 64 ? dice % 4 : dice % SUBJECTS;
		struct ls_ref ref;

		if (ls_table_claim(&map->subjects, crowded_key(i, 32),
				   LS_KIND_IP, now, false, &ref) < 0) {
			atomic_fetch_add(&overfull, 1);
			continue;
		}
		if (open[i]) {
			atomic_fetch_sub(&held[i], 1);
			ls_slot_refund(&ref, LS_WORD_FAILURES, now, ticket[i],
				       rate.emission_ms);
			open[i] = false;
		} else if (ls_slot_charge(&ref, LS_WORD_FAILURES, now, &rate,
					  false, &ticket[i]) == LS_TAKEN) {
			/* Some keep what they took. */
			open[i] = (dice >> 8) % 1024 != 0;
			if (atomic_fetch_add(&held[i], 1) >= 20)
				atomic_fetch_add(&overfull, 1);
		}
	}
	for (unsigned i = 0; i < SUBJECTS; i++)
		me->count += open[i];
	return NULL;
}

static void test_charges_are_exact(void **state)
{
	(void)state;
	open_world();
	/* The slots first, with a word in each: none is evicted. */
	for (unsigned i = 0; i < SUBJECTS; i++) {
		struct ls_ref ref;

		check("claim",
		      ls_table_claim(&map->subjects, crowded_key(i, 32),
				     LS_KIND_IP, now, false, &ref),
		      0);
		ls_slot_set(&ref, LS_WORD_FAMILIAR, now + 1);
		atomic_store(&held[i], 0);
	}
	atomic_store(&overfull, 0);
	run(charge_and_refund);
	check("never more than it holds", atomic_load(&overfull), 0);
	for (unsigned i = 0; i < SUBJECTS; i++) {
		uint64_t taken = 0, at;
		struct ls_ref ref;
		char row[24];

		snprintf(row, sizeof(row), "subject %u", i);
		check(row,
		      ls_table_find(&map->subjects, crowded_key(i, 32),
				    LS_KIND_IP, &ref),
		      0);
		check(row,
		      ls_meter_level(ls_slot_get(&ref, LS_WORD_FAILURES), now,
				     &rate),
		      atomic_load(&held[i]));
		while (ls_slot_charge(&ref, LS_WORD_FAILURES, now, &rate, false,
				      &at) == LS_TAKEN)
			taken++;
		check(row, (uint64_t)atomic_load(&held[i]) + taken, 20);
	}
}

/* ---- whole attempts --------------------------------------------------- */

static uint64_t wrong_of; /* one guess in so many is wrong */

static void *guess(void *context)
{
	struct worker *me = context;

	pthread_barrier_wait(&barrier);
	for (unsigned round = 0; round < ROUNDS / 4; round++) {
		uint64_t dice = harness_random(&me->seed);
		struct ls_attempt attempt = { .service = "imap",
					      .mech = "PLAIN",
					      .secured = true };
		enum ls_outcome outcome = dice % wrong_of == 0
						  ? LS_OUTCOME_WRONG
						  : LS_OUTCOME_INTERNAL;
		struct ls_decision decision;
		struct ls_ticket ticket;

		attempt.user = "victim";
		if (ls_addr_parse(AWAY, &attempt.ip) < 0)
			break;
		ls_admit(&me->state, &attempt, world.now_ms, &decision,
			 &ticket);
		if (decision.wanted != decision.verdict)
			atomic_fetch_add(&overfull, 1);
		if (!ticket.open)
			continue;
		ls_settle(&me->state, &ticket, outcome, world.now_ms);
		me->count += outcome == LS_OUTCOME_WRONG;
	}
	return NULL;
}

static void test_guesses_are_exact(void **state)
{
	uint64_t verified;

	(void)state;
	world_set(&world, "ip", "failures", "30/10m, 0");
	world_set(&world, "net", "failures", "0, 0");
	world_set(&world, "user", "failures", "0, 0");
	world_set(&world, "place", "failures", "10000/1d, 0");
	open_world();
	atomic_store(&overfull, 0);
	/* Rarely, so that refunds and guesses meet. */
	wrong_of = 16;
	run(guess);
	check("says what it does", atomic_load(&overfull), 0);
	verified = sum_of_counts();
	/* The place, charged before the address, has lost no refund where the
	 * address had no room any more. */
	check("place",
	      world_level(&world, LS_KIND_PLACE, "victim", "192.0.2.0/24",
			  LS_WORD_FAILURES,
			  &world.policy.place.failures[LS_FAST]),
	      verified);
	/* If the threads left any, they are there to be taken. A wrong guess
	 * that settles while the rest of the room is taken by attempts in
	 * flight locks: then it was fewer. */
	verified += world_guess(&world, "last", AWAY, 100);
	check_within("verified", verified, 1, 30);
	check("locked", world_locked(&world, LS_KIND_IP, NULL, AWAY, NULL),
	      true);
}

/* Nobody is wrong, and there is room for two at a time: what finds none when
 * it charges, though there was some when it looked, gives all of it back. */
static void check_takes_nothing(const char *field, const char *limit)
{
	world_set(&world, "ip", "failures", "0, 0");
	world_set(&world, "ip", field, limit);
	open_world();
	atomic_store(&overfull, 0);
	wrong_of = UINT64_MAX;
	run(guess);
	check("says what it does", atomic_load(&overfull), 0);
	check("wrong", sum_of_counts(), 0);
	for (enum ls_kind kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++)
		check(ls_kind_name(kind),
		      world_word(&world, kind,
				 kind < LS_KIND_USER ? NULL : "victim",
				 kind == LS_KIND_IP     ? AWAY
				 : kind == LS_KIND_USER ? NULL
							: "192.0.2.0/24",
				 LS_WORD_FAILURES) <= now,
		      true);
}

static void test_no_room_takes_nothing(void **state)
{
	(void)state;
	check_takes_nothing("failures", "2/10m, 0");
	check("room", world_guess(&world, "victim", AWAY, 9), 2);
}

/* The meter of logins comes after those of failures. */
static void test_no_login_takes_nothing(void **state)
{
	(void)state;
	check_takes_nothing("logins", "2/10m");
	check("logins",
	      world_word(&world, LS_KIND_IP, NULL, AWAY, LS_WORD_LOGINS) <= now,
	      true);
}

/* ---- claims ----------------------------------------------------------- */

static void *claim_same(void *context)
{
	struct worker *me = context;

	for (unsigned i = 0; i < ROUNDS / 20; i++) {
		if (i % 16 == 0)
			pthread_barrier_wait(&barrier);
		for (unsigned tries = 0; tries < 1000; tries++) {
			struct ls_ref ref;

			if (ls_table_claim(&map->subjects,
					   i * UINT64_C(0x9e3779b97f4a7c15),
					   LS_KIND_USER, now, false, &ref) < 0)
				break;
			if (!ls_slot_raise(&ref, LS_WORD_FAILURES, now + 1000))
				continue;
			me->count++;
			break;
		}
	}
	return NULL;
}

/* Slots of the table with this subject. */
static unsigned slots_of(uint64_t key, enum ls_kind kind)
{
	uint64_t cursor = 0,
		 owner = (key & UINT64_C(0xfffffffffff)) << 4 | kind;
	enum ls_kind other;
	struct ls_ref ref;
	unsigned count = 0;

	while (ls_table_next(&map->subjects, &cursor, &other, &ref))
		count += ref.owner == owner;
	return count;
}

static void test_one_slot_each(void **state)
{
	(void)state;
	world_set(&world, NULL, "subjects", "16384");
	open_world();
	run(claim_same);
	check("each got it", sum_of_counts(), THREADS * (ROUNDS / 20));
	for (unsigned i = 0; i < ROUNDS / 20; i++) {
		uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15);
		struct ls_ref ref;

		check("slots", slots_of(key, LS_KIND_USER), 1);
		check("found",
		      ls_table_find(&map->subjects, key, LS_KIND_USER, &ref),
		      0);
		check("key", ls_ref_key(&ref), key);
	}
}

/* ---- eviction --------------------------------------------------------- */

enum { PLACES = 2, BUCKETS = 3 };

/* Strangers flood three buckets; each thread holds on to places in them. */
static void *flood(void *context)
{
	struct worker *me = context;

	pthread_barrier_wait(&barrier);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t dice = harness_random(&me->seed);
		struct ls_ref ref;

		if (ls_table_claim(&map->subjects,
				   crowded_key(dice % 1000000, BUCKETS),
				   LS_KIND_IP, now, false, &ref) == 0)
			ls_slot_raise(&ref, LS_WORD_FAILURES,
				      now + dice % 60000);
		if (round < PLACES)
			ls_state_familiar(&me->state, LS_KIND_PLACE,
					  crowded_key(me->number * PLACES +
							      round + 2000000,
						      BUCKETS),
					  now + 3600000, now);
	}
	return NULL;
}

static void test_flood_spares_places(void **state)
{
	const struct ls_table_counters *counters;
	uint64_t cursor = 0, used = 0, gone = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	(void)state;
	open_world();
	run(flood);
	for (unsigned i = 0; i < THREADS * PLACES; i++) {
		uint64_t key = crowded_key(i + 2000000, BUCKETS);

		check("place",
		      ls_table_find(&map->subjects, key, LS_KIND_PLACE, &ref),
		      0);
		check("familiar", ls_slot_get(&ref, LS_WORD_FAMILIAR),
		      now + 3600000);
	}
	/* Each claim that took a slot in use is counted, once. */
	counters = &map->header->subjects;
	while (ls_table_next(&map->subjects, &cursor, &kind, &ref))
		used++;
	for (unsigned worth = 0; worth < LS_WORTH_KEPT; worth++)
		gone += atomic_load(&counters->evicted[worth]);
	check("counted", atomic_load(&counters->claimed) - gone, used);
	check("places evicted",
	      atomic_load(&counters->evicted[LS_WORTH_FAMILIAR]), 0);
	check_within("evicted", gone, 1, UINT64_MAX);
}

/* ---- locks ------------------------------------------------------------ */

static void *lock_same(void *context)
{
	const struct ls_lock_order order = { .length = { 60000, 600000 },
					     .strike_fades_ms = 3600000,
					     .reason = LS_REASON_FAILURES };
	struct worker *me = context;

	for (unsigned i = 0; i < ROUNDS / 40; i++) {
		struct ls_subject subject;

		if (i % 8 == 0)
			pthread_barrier_wait(&barrier);
		memset(&subject, 0, sizeof(subject));
		subject.kind = LS_KIND_USER;
		snprintf(subject.user, sizeof(subject.user), "user%u", i / 2);
		me->count +=
			ls_state_lock(&me->state, &subject,
				      ls_key_subject(map->hash_key, &subject),
				      &order, NULL, now) == LS_FELL;
	}
	return NULL;
}

static void test_one_winner(void **state)
{
	uint64_t cursor = 0, listed = 0;
	struct ls_lock lock;

	(void)state;
	world_set(&world, NULL, "subjects", "262144");
	open_world();
	run(lock_same);
	check("one each", sum_of_counts(), ROUNDS / 80);
	while (ls_lock_next(world.state, &cursor, world.now_ms, &lock) == 1) {
		listed++;
		check("strikes", lock.strikes, 1);
		check("named", lock.named, true);
	}
	check("listed", listed, ROUNDS / 80);
	check("journal", ls_journal_head(world.state, LS_JOURNAL_GUARD),
	      ROUNDS / 80);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_charges_are_exact),
		TEST(test_guesses_are_exact),
		TEST(test_no_room_takes_nothing),
		TEST(test_no_login_takes_nothing),
		TEST(test_one_slot_each),
		TEST(test_flood_spares_places),
		TEST(test_one_winner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
