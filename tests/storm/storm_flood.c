/* storm_flood.c - random subjects, many times what the table holds
 *
 * A default map with 2,000 active locks and 20,000 familiar places, and two
 * processes that guess at random accounts from random addresses (four subjects
 * an attempt) and claim random subjects besides. Afterwards every lock stands,
 * so do 999 places of 1,000, and the counters tell of every slot that changed
 * hands: claimed less evicted is what is in use, to the unit.
 *
 * Then, in a map of its own each, how many of 100,000 and of 150,000 familiar
 * places stay: this is told, and no more. */
#include "lockstep-config.h"

#include "storm.h"

#include <inttypes.h>

enum { LOCKS = 2000, PLACES = 20000, FLOODERS = 2 };

static uint64_t attempts, claims; /* of each process */

/* Attempts of one process that were refused, or found no room. */
static struct shared {
	_Atomic uint64_t refused, full;
} *shared;

static struct ls_subject locked(unsigned i)
{
	char user[48], net[48];

	snprintf(user, sizeof(user), "locked%u@example.com", i);
	switch (i % 4) {
	case 0:
		snprintf(net, sizeof(net), "198.18.%u.%u", i >> 8, i & 255);
		return world_subject(LS_KIND_IP, NULL, net);
	case 1:
		snprintf(net, sizeof(net), "2001:db8:%x::/48", i);
		return world_subject(LS_KIND_NET, NULL, net);
	case 2:
		return world_subject(LS_KIND_USER, user, NULL);
	default:
		snprintf(net, sizeof(net), "198.19.%u.0/24", i & 255);
		return world_subject(LS_KIND_PLACE, user, net);
	}
}

static void lock_all(void)
{
	for (unsigned i = 0; i < LOCKS; i++) {
		struct ls_subject subject = locked(i);

		storm_check(ls_lock(storm_world.state, &subject, WORLD_DAY,
				    "storm", storm_world.now_ms) == 0,
			    "cannot lock subject %u", i);
	}
}

/* Person i, at home: 250 to a net. */
static void person(unsigned i, char user[48], char ip[48])
{
	snprintf(user, 48, "user%u@example.com", i);
	snprintf(ip, 48, "10.%u.%u.%u", i / 250 >> 8, i / 250 & 255,
		 1 + i % 250);
}

static void log_in_all(unsigned places)
{
	for (unsigned i = 0; i < places; i++) {
		char user[48], ip[48];

		person(i, user, ip);
		storm_check(world_login(&storm_world, user, ip,
					LS_OUTCOME_SUCCESS)
					    .verdict == LS_ADMIT,
			    "person %u is refused", i);
	}
}

static unsigned count_familiar(unsigned places)
{
	uint64_t now = world_now(&storm_world);
	unsigned count = 0;

	for (unsigned i = 0; i < places; i++) {
		char user[48], ip[48], net[48];

		person(i, user, ip);
		snprintf(net, sizeof(net), "10.%u.%u.0/24", i / 250 >> 8,
			 i / 250 & 255);
		count += world_word(&storm_world, LS_KIND_PLACE, user, net,
				    LS_WORD_FAMILIAR) > now;
	}
	return count;
}

static void guess_once(uint64_t dice, uint64_t more)
{
	struct ls_attempt attempt = { .service = "imap",
				      .mech = "PLAIN",
				      .secured = true,
				      .password = "wrong" };
	struct ls_decision decision;
	struct ls_ticket ticket;
	char user[48];

	snprintf(user, sizeof(user), "%016" PRIx64, dice);
	attempt.user = user;
	memcpy(attempt.ip.octet, &more, sizeof(more)); /* the /64 */
	ls_admit(storm_world.state, &attempt, storm_world.now_ms, &decision,
		 &ticket);
	ls_settle(storm_world.state, &ticket, LS_OUTCOME_WRONG,
		  storm_world.now_ms);
	if (decision.verdict != LS_ADMIT)
		atomic_fetch_add(&shared->refused, 1);
}

static void claim_once(uint64_t dice, uint64_t key)
{
	static const struct ls_rate rate = { 60000, 600000 };
	enum ls_kind kind = LS_KIND_IP + dice % 3;
	uint64_t now = world_now(&storm_world), ignored;
	struct ls_ref ref;

	if (ls_table_claim(&storm_world.state->guard.subjects, key, kind, now,
			   false, &ref) < 0)
		atomic_fetch_add(&shared->full, 1);
	else if (dice >> 32 & 1) /* else it stays without worth */
		ls_slot_charge(&ref, LS_WORD_FAILURES, now, &rate, true,
			       &ignored);
}

static void flood(unsigned who)
{
	uint64_t seed = who + 1;

	for (uint64_t i = 0; i < attempts || i < claims; i++) {
		uint64_t dice = harness_random(&seed);

		if (i < attempts)
			guess_once(dice, harness_random(&seed));
		if (i < claims)
			claim_once(dice, harness_random(&seed));
	}
}

static void check_locks(void)
{
	uint64_t cursor = 0;
	unsigned listed = 0;
	struct ls_lock lock;

	for (unsigned i = 0; i < LOCKS; i++) {
		struct ls_subject subject = locked(i);
		struct ls_lock_word word;
		struct ls_ref ref;

		storm_check(ls_table_find(&storm_world.state->guard.subjects,
					  world_key(&storm_world, &subject),
					  subject.kind, &ref) == 0,
			    "locked subject %u was evicted", i);
		word = ls_lock_unpack(ls_slot_get(&ref, LS_WORD_LOCK));
		storm_check(ls_lock_active(&word, world_now(&storm_world)),
			    "locked subject %u is not locked any more", i);
	}
	while (ls_lock_next(storm_world.state, &cursor, storm_world.now_ms,
			    &lock) == 1)
		listed++;
	storm_check(listed == LOCKS, "%u locks are listed", listed);
}

/* Returns how many slots in use were evicted. */
static uint64_t check_counters(unsigned places_lost)
{
	const struct ls_map *map = &storm_world.state->guard;
	const struct ls_table_counters *counters = &map->header->subjects;
	uint64_t claimed = atomic_load(&counters->claimed);
	uint64_t cursor = 0, used = 0, evicted = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->subjects, &cursor, &kind, &ref))
		used++;
	for (unsigned i = 0; i < LS_WORTH_KEPT; i++)
		evicted += atomic_load(&counters->evicted[i]);
	storm_check(claimed - evicted == used,
		    "%" PRIu64 " claimed less %" PRIu64 " evicted, but %" PRIu64
		    " in use",
		    claimed, evicted, used);
	storm_check(atomic_load(&counters->evicted[LS_WORTH_FAMILIAR]) ==
				    places_lost &&
			    atomic_load(&counters->evicted[LS_WORTH_LOCK]) == 0,
		    "%" PRIu64 " places and %" PRIu64 " locks evicted, but %u "
		    "places lost",
		    atomic_load(&counters->evicted[LS_WORTH_FAMILIAR]),
		    atomic_load(&counters->evicted[LS_WORTH_LOCK]),
		    places_lost);
	storm_check(atomic_load(&counters->full) >= atomic_load(&shared->full),
		    "claims without room are not counted");
	return evicted;
}

static void open_default(void)
{
	/* Nothing but the preset's size, and room to log in from few nets. */
	world_set(&storm_world, NULL, "subjects", "262144");
	world_set(&storm_world, NULL, "journal-size", "65536");
	world_open(&storm_world, LS_GUARD_WRITE | LS_CREATE);
}

static void measure(unsigned places)
{
	unsigned added, left;

	storm_another_world();
	open_default();
	log_in_all(places);
	added = count_familiar(places);
	attempts = claims = 200000;
	storm_run(FLOODERS, flood);
	left = count_familiar(places);
	printf("storm_flood: of %u familiar places %u stood when all were "
	       "added (%.2f %%), %u after a flood\n",
	       places, added, 100.0 * added / places, left);
}

int main(void)
{
	uint64_t subjects = storm_count(10000000, 3000000), evicted;
	unsigned left;

	storm_begin("storm_flood", 300);
	shared = storm_share(sizeof(*shared));
	open_default();
	lock_all();
	log_in_all(PLACES);
	/* Of five subjects four are those of an attempt. */
	attempts = claims = subjects / 5 / FLOODERS;
	storm_run(FLOODERS, flood);
	check_locks();
	left = count_familiar(PLACES);
	storm_check(left >= PLACES - PLACES / 1000,
		    "%u of %d familiar places are left", left, PLACES);
	evicted = check_counters(PLACES - left);
	storm_verify("after the flood");
	storm_check(world_login(&storm_world, "user1@example.com", "10.0.0.2",
				LS_OUTCOME_WRONG)
				    .verdict == LS_ADMIT,
		    "a familiar place is refused");
	if (storm_count(1, 0)) {
		measure(100000);
		measure(150000);
	}
	return storm_end("%" PRIu64 " random subjects, %" PRIu64
			 " evicted: %d locks of %d stand, %u places of %d",
			 subjects, evicted, LOCKS, LOCKS, left, PLACES);
}
