/* storm_attempts.c - eight processes that log in, time standing still
 *
 * Attempts, through ls_admit() and ls_settle(), on 64 subjects at each limit
 * there is: with room for all; with room for two, given back each time; then
 * until all is full. What was verified is what the limit says, to the unit, and
 * each subject is locked once. storm_exact.c does the like in the slots. */
#include "lockstep-config.h"

#include "login/visit.h"
#include "storm.h"

#include <inttypes.h>

enum { WORKERS = 8, SUBJECTS = 64 };

static struct shared {
	_Atomic uint64_t wrong[SUBJECTS]; /* guesses that were wanted */
	_Atomic uint64_t kept[SUBJECTS];  /* and were verified */
	_Atomic uint64_t admitted;
} *shared;

static uint64_t rounds; /* of each worker */

/* Half of all on four subjects. */
static unsigned pick(uint64_t dice)
{
	return dice >> 40 & 1 ? (unsigned)dice % 4 : (unsigned)dice % SUBJECTS;
}

enum {
	CAPACITY = 120,
	FLYING = 4, /* attempts that a worker holds open at once */
	ROOM = CAPACITY - FLYING * WORKERS - 1,
};

static const struct scene {
	enum ls_kind kind;
	const char *section, *failures;
} scenes[] = {
	{ LS_KIND_IP, "ip", "120/1d, 0" },
	{ LS_KIND_IP, "ip", "160/1h, 120/2d" },
	{ LS_KIND_NET, "net", "120/2h, 200/1d" },
	{ LS_KIND_NET, "net", "0, 120/1d" },
	{ LS_KIND_USER, "user", "120/1h, 0" },
	{ LS_KIND_USER, "user", "160/1h, 120/7d" },
	{ LS_KIND_PLACE, "place", "120/10m, 0" },
	{ LS_KIND_PLACE, "place", "160/1h, 120/1d" },
};
static const struct scene *scene;

/* Who guesses at whom, so that only subject i of the scene's kind is shared. */
static void attempt_on(unsigned i, uint64_t dice, char user[48], char ip[48])
{
	unsigned any = (unsigned)(dice >> 16) & 0xffff;
	bool fixed_user = scene->kind == LS_KIND_USER ||
			  scene->kind == LS_KIND_PLACE;

	snprintf(user, 48, "user%u@example.com", fixed_user ? i : any);
	if (scene->kind == LS_KIND_USER)
		snprintf(ip, 48, "10.%u.%u.1", any >> 8, any & 255);
	else if (scene->kind == LS_KIND_IP && i % 2 == 0)
		snprintf(ip, 48, "192.0.2.%u", i);
	else if (scene->kind == LS_KIND_IP) /* of one /64 */
		snprintf(ip, 48, "2001:db8:0:%x::%x", i, any);
	else if (i % 2 == 0)
		snprintf(ip, 48, "10.0.%u.%u", i, any & 255);
	else /* of one /48 */
		snprintf(ip, 48, "2001:db8:%x:%x::1", i, any);
}

static bool admit(unsigned i, uint64_t dice, struct ls_ticket *ticket)
{
	char user[48], ip[48];
	struct ls_decision decision;

	attempt_on(i, dice, user, ip);
	decision = world_admit(&storm_world, user, ip, ticket);
	storm_check(decision.verdict == LS_ADMIT ||
			    decision.kind == scene->kind,
		    "refused for the sake of a %s, not a %s",
		    ls_kind_name(decision.kind), ls_kind_name(scene->kind));
	return decision.verdict == LS_ADMIT;
}

static void settle(struct ls_ticket *ticket, enum ls_outcome outcome)
{
	ls_settle(storm_world.state, ticket, outcome, storm_world.now_ms);
}

/* Several attempts in flight; most are given back. Wrong guesses leave room
 * for all that can be in flight: one that finds the meter full would lock.
 * At the brim there are none, and most attempts meet others in flight. */
static bool brim;

static void mostly_refund(unsigned who)
{
	static const enum ls_outcome nothing[] = { LS_OUTCOME_INTERNAL,
						   LS_OUTCOME_ABANDONED,
						   LS_OUTCOME_DENIED };
	struct ls_ticket flying[FLYING] = { { .open = false } };
	unsigned subject[FLYING] = { 0 };
	uint64_t seed = who + 100, admitted = 0;

	storm_meet(WORKERS);
	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t dice = harness_random(&seed);
		unsigned f = (unsigned)(dice >> 50) % FLYING;
		unsigned i = subject[f];

		if (flying[f].open) {
			bool wrong = !brim && dice >> 60 == 0 &&
				     atomic_fetch_add(&shared->wrong[i], 1) <
					     ROOM;

			settle(&flying[f], wrong ? LS_OUTCOME_WRONG
						 : nothing[dice % 3]);
			if (wrong)
				atomic_fetch_add(&shared->kept[i], 1);
		}
		subject[f] = i = pick(dice);
		storm_check(admit(i, dice, &flying[f]) || brim,
			    "subject %u refuses though it has room", i);
		admitted += flying[f].open;
	}
	for (unsigned f = 0; f < FLYING; f++)
		settle(&flying[f], LS_OUTCOME_INTERNAL);
	atomic_fetch_add(&shared->admitted, admitted);
}

/* Wrong guesses alone, until every subject refuses. */
static void only_guess(unsigned who)
{
	struct ls_ticket flying[FLYING] = { { .open = false } };
	bool refuses[SUBJECTS] = { false };
	uint64_t seed = who + 200, admitted = 0;

	storm_meet(WORKERS);
	for (unsigned left = SUBJECTS; left > 0;) {
		uint64_t dice = harness_random(&seed);
		unsigned i = pick(dice), f = (unsigned)(dice >> 50) % FLYING;

		if (refuses[i])
			continue;
		settle(&flying[f], LS_OUTCOME_WRONG);
		if (admit(i, dice, &flying[f])) {
			atomic_fetch_add(&shared->kept[i], 1);
			admitted++;
		} else {
			refuses[i] = true;
			left--;
		}
	}
	for (unsigned f = 0; f < FLYING; f++)
		settle(&flying[f], LS_OUTCOME_WRONG);
	atomic_fetch_add(&shared->admitted, admitted);
}

static const struct ls_limit *limits_of(enum ls_kind kind)
{
	const struct ls_policy *policy = &storm_world.policy;

	switch (kind) {
	case LS_KIND_IP:
		return policy->ip.failures;
	case LS_KIND_NET:
		return policy->net.failures;
	case LS_KIND_USER:
		return policy->user.failures;
	default:
		return policy->place.failures;
	}
}

static void check_level(const struct ls_ref *ref, unsigned speed, uint64_t kept,
			const char *when)
{
	struct ls_rate rate = ls_rate_of(&limits_of(scene->kind)[speed]);
	uint64_t now = world_now(&storm_world);
	uint64_t level = ls_slot_get(ref, LS_WORD_FAILURES + speed);

	level = level > now ? level - now : 0;
	storm_check(level == kept * rate.emission_ms,
		    "%s, %s: a meter of %s stands at %" PRIu64 " ms, %" PRIu64
		    " guesses of %" PRIu64 " ms were verified",
		    when, scene->section, speed == LS_FAST ? "fast" : "slow",
		    level, kept, rate.emission_ms);
}

/* What the meters of each subject hold is what was verified. */
static void check_levels(const char *when)
{
	for (unsigned i = 0; i < SUBJECTS; i++) {
		uint64_t kept = atomic_load(&shared->kept[i]);
		char user[48], ip[48];
		struct ls_visit visit;
		struct ls_addr addr;

		attempt_on(i, 0, user, ip);
		addr = world_addr(ip);
		ls_visit_init(&visit, storm_world.state, user, &addr, NULL,
			      world_now(&storm_world));
		ls_visit_widen(&visit);
		storm_check(visit.known[scene->kind], "%s, %s %u has no slot",
			    when, scene->section, i);
		for (unsigned speed = 0; speed < LS_SPEEDS; speed++)
			check_level(&visit.ref[scene->kind], speed, kept, when);
	}
}

/* Guess wrong until each subject has room for two more. */
static void fill_to_the_brim(void)
{
	for (unsigned i = 0; i < SUBJECTS; i++) {
		struct ls_ticket ticket;

		for (; atomic_load(&shared->kept[i]) < CAPACITY - 2;
		     atomic_fetch_add(&shared->kept[i], 1)) {
			storm_check(admit(i, i, &ticket),
				    "%s %u refuses though it has room",
				    scene->section, i);
			settle(&ticket, LS_OUTCOME_WRONG);
		}
	}
}

static void check_full(void)
{
	uint64_t cursor = 0;
	unsigned locks = 0;
	struct ls_lock lock;

	for (unsigned i = 0; i < SUBJECTS; i++)
		storm_check(atomic_load(&shared->kept[i]) == CAPACITY,
			    "%s %u let in %" PRIu64 " of %d", scene->section, i,
			    atomic_load(&shared->kept[i]), CAPACITY);
	while (ls_lock_next(storm_world.state, &cursor, storm_world.now_ms,
			    &lock) == 1) {
		storm_check(lock.subject.kind == scene->kind &&
				    lock.strikes == 1 && lock.named,
			    "a lock on a %s of %u strikes",
			    ls_kind_name(lock.subject.kind), lock.strikes);
		locks++;
	}
	storm_check(locks == SUBJECTS, "%u locks", locks);
}

static void run(void (*work)(unsigned who), const char *when)
{
	storm_run(WORKERS, work);
	check_levels(when);
}

static uint64_t attempt_at_each_limit(void)
{
	static const char *const sections[] = { "ip", "net", "user", "place" };
	uint64_t attempts = 0;

	rounds = storm_count(4000000, 400000) / COUNT(scenes) / WORKERS;
	for (scene = scenes; scene < scenes + COUNT(scenes); scene++) {
		storm_another_world();
		for (unsigned i = 0; i < COUNT(sections); i++)
			world_set(&storm_world, sections[i], "failures",
				  strcmp(sections[i], scene->section) == 0
					  ? scene->failures
					  : "0, 0");
		/* In the distinct counts there is no room for the crowd. */
		world_set(&storm_world, "ip", "accounts", "0, 0");
		world_set(&storm_world, "net", "accounts", "0, 0");
		/* So many that no lock loses its label. */
		world_set(&storm_world, NULL, "subjects", "65536");
		world_open(&storm_world, LS_GUARD_WRITE | LS_CREATE);
		memset(shared, 0, sizeof(*shared));
		brim = false;
		run(mostly_refund, "with room");
		fill_to_the_brim();
		brim = true;
		run(mostly_refund, "at the brim");
		run(only_guess, "when full");
		check_full();
		storm_verify("after the attempts");
		attempts += atomic_load(&shared->admitted);
	}
	return attempts;
}

int main(void)
{
	uint64_t attempts;

	storm_begin("storm_attempts", 300);
	shared = storm_share(sizeof(*shared));
	attempts = attempt_at_each_limit();
	return storm_end("%" PRIu64 " attempts by %d processes on %d subjects "
			 "at each of %zu limits of %d",
			 attempts, WORKERS, SUBJECTS, COUNT(scenes), CAPACITY);
}
