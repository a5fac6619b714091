/* storm_exact.c - eight processes, time standing still: not one unit too many
 *
 * 1. Charges and refunds of one unit on 64 meters, in the slots themselves. A
 *    meter never lets in more than it holds, ends at what was kept, and lets
 *    in the rest, to the unit.
 * 2. Charges that race evictions. Where one is said to be taken, the slot was
 *    still its subject's; so it stands in the table, or an eviction is counted
 *    for it. What a claimer can miss, as it looks a moment before (table.h),
 *    is a fraction of it.
 *
 * storm_attempts.c does the like with whole attempts. */
#include "lockstep-config.h"

#include "storm.h"

#include <inttypes.h>
#include <sched.h>
#include <unistd.h>

enum { WORKERS = 8, SUBJECTS = 64 };

static struct shared {
	_Atomic int64_t held[SUBJECTS]; /* no more than the meter's level */
	_Atomic uint64_t kept[SUBJECTS];
	_Atomic uint64_t charged, refunded, refused, over;
	_Atomic uint64_t claims, gone;
	_Atomic bool done;
} *shared;

static uint64_t rounds; /* of each worker */

static void start_anew(void)
{
	memset(shared, 0, sizeof(*shared));
}

/* Half of all on four subjects. */
static unsigned pick(uint64_t dice)
{
	return dice >> 40 & 1 ? (unsigned)dice % 4 : (unsigned)dice % SUBJECTS;
}

/* Keys that fall into the first buckets. */
static uint64_t key_of(uint64_t number, uint64_t buckets)
{
	const struct ls_table *table = &storm_world.state->guard.subjects;
	uint64_t step = (UINT64_C(1) << 32) / table->buckets + 1;

	return number % buckets * step << 32 |
	       (number * UINT64_C(0x9e3779b97f4a7c15) & UINT64_C(0xffffffff));
}

/* ---- 1. charges and refunds --------------------------------------------- */

static struct ls_rate rate_of(unsigned i)
{
	uint64_t emission = 1000 + 37 * i;

	return (struct ls_rate){ emission, emission * (9 + i % 8) };
}

static unsigned word_of(unsigned i)
{
	return LS_WORD_FAILURES + i % 2;
}

static void reach(unsigned i, struct ls_ref *ref)
{
	storm_check(ls_table_claim(&storm_world.state->guard.subjects,
				   key_of(i, SUBJECTS / 4), LS_KIND_IP,
				   world_now(&storm_world), false, ref) == 0,
		    "subject %u cannot be claimed", i);
}

static void charge_and_refund(unsigned who)
{
	struct {
		uint64_t at;
		bool open, kept;
	} mine[SUBJECTS] = { { .open = false } };
	uint64_t now = world_now(&storm_world), seed = who + 1;
	uint64_t charged = 0, refunded = 0, refused = 0;

	storm_meet(WORKERS);
	for (uint64_t round = 0; round < rounds || round == 0; round++) {
		uint64_t dice = harness_random(&seed);
		unsigned i = pick(dice);
		struct ls_rate rate = rate_of(i);
		struct ls_ref ref;

		reach(i, &ref);
		if (mine[i].open) {
			atomic_fetch_sub(&shared->held[i], 1);
			ls_slot_refund(&ref, word_of(i), now, mine[i].at,
				       rate.emission_ms);
			mine[i].open = false;
			refunded++;
		} else if (ls_slot_charge(&ref, word_of(i), now, &rate, false,
					  &mine[i].at) == LS_TAKEN) {
			charged++;
			if (atomic_fetch_add(&shared->held[i], 1) >=
			    (int64_t)(rate.capacity_ms / rate.emission_ms))
				atomic_fetch_add(&shared->over, 1);
			/* One of each worker's stays for good. */
			mine[i].open = mine[i].kept || dice >> 54 != 0;
			mine[i].kept = mine[i].kept || dice >> 54 == 0;
		} else {
			refused++;
		}
	}
	for (unsigned i = 0; i < SUBJECTS; i++)
		atomic_fetch_add(&shared->kept[i], mine[i].open + mine[i].kept);
	atomic_fetch_add(&shared->charged, charged);
	atomic_fetch_add(&shared->refunded, refunded);
	atomic_fetch_add(&shared->refused, refused);
}

static void check_meter(unsigned i)
{
	uint64_t now = world_now(&storm_world), level, taken = 0, at;
	uint64_t kept = atomic_load(&shared->kept[i]);
	struct ls_rate rate = rate_of(i);
	struct ls_ref ref;

	reach(i, &ref);
	level = ls_slot_get(&ref, word_of(i));
	level = level > now ? level - now : 0;
	storm_check(level == kept * rate.emission_ms,
		    "meter %u stands at %" PRIu64 " ms, %" PRIu64
		    " units of %" PRIu64 " ms were kept",
		    i, level, kept, rate.emission_ms);
	while (ls_slot_charge(&ref, word_of(i), now, &rate, false, &at) ==
	       LS_TAKEN)
		taken++;
	storm_check((kept + taken) * rate.emission_ms == rate.capacity_ms,
		    "meter %u let in %" PRIu64 " and %" PRIu64, i, kept, taken);
}

static uint64_t storm_of_charges(void)
{
	uint64_t operations;

	rounds = storm_count(10000000, 2000000) / WORKERS;
	start_anew();
	world_open(&storm_world, LS_GUARD_WRITE | LS_CREATE);
	/* Something in each slot first, so that none is evicted. */
	for (unsigned i = 0; i < SUBJECTS; i++) {
		struct ls_ref ref;

		reach(i, &ref);
		ls_slot_set(&ref, LS_WORD_FAMILIAR,
			    world_now(&storm_world) + WORLD_DAY);
	}
	storm_run(WORKERS, charge_and_refund);
	storm_check(atomic_load(&shared->over) == 0,
		    "%" PRIu64 " times more was let in than a meter holds",
		    atomic_load(&shared->over));
	for (unsigned i = 0; i < SUBJECTS; i++)
		check_meter(i);
	storm_verify("after the charges");
	operations = atomic_load(&shared->charged) +
		     atomic_load(&shared->refunded) +
		     atomic_load(&shared->refused);
	storm_check(atomic_load(&shared->refused) > operations / 100,
		    "too few charges met a full meter");
	return operations;
}

/* ---- 2. charges that race evictions ------------------------------------- */

enum { CROWDED = 4 /* buckets */, EVICTORS = 2, DAWDLER = EVICTORS };
static const struct ls_rate race_rate = { 60000, 600000 };

/* Two cores may be all there is: let the others get on. */
static void count_claim(void)
{
	if (atomic_fetch_add(&shared->claims, 1) % 16 == 0)
		sched_yield();
}

/* Claim a subject that nobody claimed before. */
static bool claim_new(unsigned who, uint64_t round, enum ls_kind kind,
		      struct ls_ref *ref)
{
	uint64_t key = key_of(round * WORKERS + who, CROWDED);

	count_claim();
	return ls_table_claim(&storm_world.state->guard.subjects, key, kind,
			      world_now(&storm_world), false, ref) == 0;
}

static void charge_new(const struct ls_ref *ref, unsigned word)
{
	uint64_t at;

	switch (ls_slot_charge(ref, word, world_now(&storm_world), &race_rate,
			       false, &at)) {
	case LS_TAKEN:
		atomic_fetch_add(&shared->charged, 1);
		break;
	case LS_GONE:
		atomic_fetch_add(&shared->gone, 1);
		break;
	default:
		storm_fail("a new meter has no room");
	}
}

/* Let the others pass between the search and the charge: until they have taken
 * the slot, or have claimed a few, or not at all. */
static void let_pass(uint64_t round, const struct ls_ref *ref)
{
	enum { FEW = 8 * CROWDED, MANY = 100000 };
	uint64_t claims = atomic_load(&shared->claims);
	uint64_t few = claims + FEW, many = claims + MANY;

	switch (round / 2 % 4) {
	case 0:
	case 1:
		while (ls_ref_stands(ref) &&
		       atomic_load(&shared->claims) < many)
			sched_yield();
		break;
	case 2:
		while (atomic_load(&shared->claims) < few)
			sched_yield();
		break;
	default:
		break;
	}
}

/* What is charged is a word that the others charge too, or one that only its
 * subject has written. */
static void dawdle(unsigned who)
{
	for (uint64_t round = 0; round < rounds; round++) {
		unsigned word = round % 2 == 0 ? LS_WORD_ACCOUNTS
					       : LS_WORD_FAILURES;
		struct ls_ref ref;

		if (!claim_new(who, round, LS_KIND_USER, &ref))
			continue;
		if (word == LS_WORD_ACCOUNTS)
			ls_slot_set(&ref, word, 0);
		let_pass(round, &ref);
		charge_new(&ref, word);
	}
	atomic_store(&shared->done, true);
}

/* One dawdles, some claim subjects that they leave worthless, the others charge
 * theirs at once; each subject once. */
static void race(unsigned who)
{
	struct ls_ref ref;

	storm_meet(WORKERS);
	if (who == DAWDLER)
		dawdle(who);
	for (uint64_t i = 0; !atomic_load(&shared->done); i++)
		if (claim_new(who, i,
			      who < EVICTORS ? LS_KIND_PAIR : LS_KIND_USER,
			      &ref) &&
		    who > DAWDLER)
			charge_new(&ref, LS_WORD_FAILURES);
}

/* Subjects in the table that are charged. */
static uint64_t count_charged(void)
{
	uint64_t until = world_now(&storm_world) + race_rate.emission_ms;
	uint64_t cursor = 0, count = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&storm_world.state->guard.subjects, &cursor, &kind,
			     &ref))
		count += kind == LS_KIND_USER &&
			 (ls_slot_get(&ref, LS_WORD_FAILURES) == until ||
			  ls_slot_get(&ref, LS_WORD_ACCOUNTS) == until);
	return count;
}

/* Race once. Returns how many charges were taken; of these, *lost_r are nowhere;
 * *gone_r more found their slot gone. */
static uint64_t race_evictions(uint64_t *lost_r, uint64_t *gone_r)
{
	const _Atomic uint64_t *evicted =
		&storm_world.state->guard.header->subjects
			 .evicted[LS_WORTH_STRANGER];
	uint64_t before = atomic_load(evicted), charged, found;

	start_anew();
	storm_run(WORKERS, race);
	charged = atomic_load(&shared->charged);
	*gone_r = atomic_load(&shared->gone);
	found = count_charged() + atomic_load(evicted) - before;
	*lost_r = charged > found ? charged - found : found - charged;
	storm_check(*gone_r > rounds / 4,
		    "only %" PRIu64 " charges found their slot gone", *gone_r);
	return charged;
}

/* A claimer that has to wait for a processor between its look and its claim misses
 * what is charged meanwhile. On a busy machine these can be many in one race, but not
 * in each; what is wrong is wrong in all. Returns as race_evictions(). */
static uint64_t storm_of_evictions(uint64_t *lost_r)
{
	enum { RACES = 8 };
	uint64_t charged, gone;
	unsigned races = 0;

	rounds = storm_count(100000, 10000);
	do {
		/* Whatever another race has left is idle by now. */
		world_pass(&storm_world, WORLD_DAY);
		charged = race_evictions(lost_r, &gone);
	} while (*lost_r > gone / 4 && ++races < RACES);
	storm_check(races < RACES,
		    "%" PRIu64 " of %" PRIu64 " charges that were taken are "
		    "nowhere, %" PRIu64 " came too late",
		    *lost_r, charged, gone);
	storm_verify("after the evictions");
	return charged;
}

int main(void)
{
	uint64_t operations, raced, lost;

	storm_begin("storm_exact", 300);
	shared = storm_share(sizeof(*shared));
	operations = storm_of_charges();
	raced = storm_of_evictions(&lost);
	return storm_end("%" PRIu64 " charges and refunds by %d processes on "
			 "%d subjects; %" PRIu64 " charges among evictions, "
			 "%" PRIu64 " lost in the race",
			 operations, WORKERS, SUBJECTS, raced, lost);
}
