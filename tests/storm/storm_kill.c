/* storm_kill.c - SIGKILL at random instants
 *
 * Eight writers attempt, lock, unlock, mark places as familiar and write to
 * both journals, on maps so small that nearly every claim evicts and the rings
 * go round all the time. One after the other they are killed, wherever they
 * are, and replaced; every so often all of them at once. After each kill the
 * maps are verified, while the others go on. No lock is lost meanwhile, and
 * when it is over every subject can be claimed, charged, locked and unlocked.
 *
 * A reader follows both journals all the time, and looks at the records that
 * are being written over: kill_journal.h. */
#include "lockstep-config.h"

#include "kill_journal.h"
#include "state/marks.h"

#include <fcntl.h>
#include <unistd.h>

enum {
	WRITERS = 8,
	READER = WRITERS,
	KEPT = 4, /* locks that a writer holds at once */
	CANARIES = 24,
	TOGETHER = 16, /* every so many kills, all at once */
	SLOTS = 512,
};

static struct shared {
	_Atomic uint64_t began[WRITERS]; /* rounds since the writer's start */
	_Atomic uint64_t rounds, locked, full;
} *shared;

static unsigned life; /* counts the writers ever started */

/* ---- the writers -------------------------------------------------------- */

struct writer {
	unsigned who, life, serial;
	uint64_t seed, now_ms;
	struct ls_state *state;
	struct kept {
		char name[32];
		uint64_t until_ms; /* 0: none */
	} kept[KEPT];
};

static void attempt(struct writer *me, uint64_t dice)
{
	static const enum ls_outcome outcomes[] = {
		LS_OUTCOME_WRONG,   LS_OUTCOME_WRONG,	 LS_OUTCOME_WRONG,
		LS_OUTCOME_SUCCESS, LS_OUTCOME_INTERNAL, LS_OUTCOME_DENIED
	};
	struct ls_attempt attempt = { .secured = true };
	struct ls_decision decision;
	struct ls_ticket ticket;
	struct story story;

	story_of((unsigned)dice % ACCOUNTS, (unsigned)(dice >> 20) % NETS,
		 &story);
	attempt.user = story.user;
	attempt.service = story.service;
	attempt.mech = story.mech;
	attempt.ip = world_addr(story.ip);
	ls_admit(me->state, &attempt, me->now_ms, &decision, &ticket);
	ls_settle(me->state, &ticket, outcomes[(dice >> 32) % COUNT(outcomes)],
		  me->now_ms);
}

/* Lock an account that nobody else knows, or end such a lock: it must have
 * stood all the while. Most names are locked again and again: their slots are
 * there to be found, and when unlocked the first to be evicted. */
static void lock_or_unlock(struct writer *me, uint64_t dice)
{
	enum { LENGTH_MS = 3600 * 1000 };
	struct kept *kept = &me->kept[dice % KEPT];
	struct ls_subject subject;
	int ret;

	if (kept->until_ms == 0) {
		if ((dice >> 8 & 7) == 0 || kept->name[0] == '\0')
			snprintf(kept->name, sizeof(kept->name), "w%u.%u.%u",
				 me->who, me->life, me->serial++);
		subject = world_subject(LS_KIND_USER, kept->name, NULL);
		ret = ls_lock(me->state, &subject, LENGTH_MS, kept->name,
			      me->now_ms);
		storm_check(ret == 0 || ret == LS_EFULL, "ls_lock: %d", ret);
		if (ret == 0)
			kept->until_ms = me->now_ms + LENGTH_MS;
		else
			atomic_fetch_add(&shared->full, 1);
		return;
	}
	subject = world_subject(LS_KIND_USER, kept->name, NULL);
	ret = ls_unlock(me->state, &subject, kept->name, me->now_ms);
	storm_check(ret == 1 || me->now_ms >= kept->until_ms,
		    "the lock of %s was lost", kept->name);
	kept->until_ms = 0;
	atomic_fetch_add(&shared->locked, 1);
}

/* What the doors do not do by themselves yet: pairs, forced charges. */
static void count_pair(struct writer *me, uint64_t dice)
{
	static const struct ls_rate rate = { 60000, 600000 };
	const struct ls_map *map = &me->state->guard;
	uint64_t now = ls_map_now(map, me->now_ms), charged_at;
	struct ls_ref ref;

	if (ls_table_claim(&map->subjects, dice, LS_KIND_PAIR, now, false,
			   &ref) < 0)
		return;
	ls_slot_raise(&ref, LS_WORD_FAMILIAR, now + dice % 600000);
	if (ls_slot_charge(&ref, LS_WORD_FAILURES, now, &rate, true,
			   &charged_at) == LS_TAKEN &&
	    dice >> 63)
		ls_slot_refund(&ref, LS_WORD_FAILURES, now, charged_at,
			       rate.emission_ms);
}

static void open_session(struct writer *me, uint64_t dice)
{
	struct ls_decision decision;
	struct ls_session held;
	struct session session;
	struct ls_addr ip;

	session_of(dice, &session);
	ip = world_addr(session.ip);
	const struct ls_session_start start = {
		.service = session.service, .user = session.user,
		.ip = &ip, .id = session.id
	};
	storm_check(ls_session_open(me->state, &start, me->now_ms, &held,
				    &decision) == 0,
		    "ls_session_open");
	if (dice & 1)
		ls_session_close(me->state, &start, &held, LS_END_CLOSED,
				 me->now_ms);
}

static void write_for_ever(unsigned who)
{
	struct writer me = { .who = who, .life = life, .seed = life };
	struct ls_error error;

	if (world_join(&storm_world, LS_GUARD_WRITE | LS_SESSIONS_WRITE,
		       &me.state, &error) < 0)
		storm_fail("%s", error.text);
	for (;;) {
		uint64_t dice = harness_random(&me.seed);

		/* The clocks of processes are a little apart. */
		me.now_ms = atomic_load(&kill_shared->now_ms) + dice % 50;
		switch (dice >> 8 & 7) {
		case 0:
			lock_or_unlock(&me, dice >> 11);
			break;
		case 1:
			count_pair(&me, harness_random(&me.seed));
			break;
		case 2:
			open_session(&me, harness_random(&me.seed));
			break;
		default:
			attempt(&me, harness_random(&me.seed));
		}
		atomic_fetch_add(&shared->began[who], 1);
		atomic_fetch_add(&shared->rounds, 1);
	}
}

static void start_writer(unsigned who)
{
	life++;
	atomic_store(&shared->began[who], 0);
	storm_start(who, write_for_ever);
}

/* ---- the storm ---------------------------------------------------------- */

static struct ls_subject canary(unsigned i)
{
	char name[32], net[32];

	snprintf(name, sizeof(name), "canary%u", i);
	snprintf(net, sizeof(net), "198.51.100.%u", i);
	return i % 2 == 0 ? world_subject(LS_KIND_USER, name, NULL)
			  : world_subject(LS_KIND_IP, NULL, net);
}

static void check_canaries(void)
{
	const struct ls_map *map = &storm_world.state->guard;

	for (unsigned i = 0; i < CANARIES; i++) {
		struct ls_subject subject = canary(i);
		struct ls_lock_word lock;
		struct ls_ref ref;

		storm_check(ls_table_find(&map->subjects,
					  world_key(&storm_world, &subject),
					  subject.kind, &ref) == 0,
			    "locked subject %u was evicted", i);
		lock = ls_lock_unpack(ls_slot_get(&ref, LS_WORD_LOCK));
		storm_check(ls_lock_active(&lock, world_now(&storm_world)),
			    "locked subject %u is not locked any more", i);
	}
}

static void pass(uint64_t ms)
{
	world_pass(&storm_world, ms);
	atomic_store(&kill_shared->now_ms, storm_world.now_ms);
}

/* Until the writer has got to work, and then some. */
static void let_work(unsigned who, uint64_t dice)
{
	while (atomic_load(&shared->began[who]) == 0) {
		storm_watch();
		usleep(50);
	}
	usleep((useconds_t)(dice % 2000));
}

static void kill_them(uint64_t kills)
{
	uint64_t seed = 1;

	for (uint64_t done = 0; done < kills;) {
		uint64_t dice = harness_random(&seed);
		unsigned first = dice % WRITERS, last = first;

		if (dice >> 32 & 1 && done % TOGETHER == 0) {
			first = 0;
			last = WRITERS - 1;
		}
		let_work(first, dice >> 40);
		for (unsigned who = first; who <= last; who++, done++)
			storm_kill(who);
		storm_verify(last == first ? "after a kill"
					   : "after all were killed");
		check_canaries();
		for (unsigned who = first; who <= last; who++)
			start_writer(who);
		pass(dice >> 8 & 0xffff);
	}
	for (unsigned who = 0; who < WRITERS; who++)
		storm_kill(who);
	storm_verify("at the end");
	check_canaries();
}

/* A killed writer may have taken a slot and not counted it, or not counted
 * what it evicted. */
static void check_counters(uint64_t kills)
{
	const struct ls_map *map = &storm_world.state->guard;
	const struct ls_table_counters *counters = &map->header->subjects;
	uint64_t cursor = 0, used = 0, gone = 0;
	uint64_t claimed = atomic_load(&counters->claimed);
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->subjects, &cursor, &kind, &ref))
		used++;
	for (unsigned i = 0; i < LS_WORTH_KEPT; i++)
		gone += atomic_load(&counters->evicted[i]);
	storm_check(claimed + kills >= gone + used &&
			    claimed <= gone + used + kills,
		    "%llu claimed, %llu evicted, %llu used",
		    (unsigned long long)claimed, (unsigned long long)gone,
		    (unsigned long long)used);
	storm_check(gone > 10 * kills, "only %llu evictions",
		    (unsigned long long)gone);
}

static void use(const struct ls_subject *subject, const char *what)
{
	static const struct ls_rate rate = { 60000, 600000 };
	struct ls_state *state = storm_world.state;
	uint64_t key = world_key(&storm_world, subject), ignored;
	struct ls_ref ref;
	int ret;

	ret = ls_state_claim(state, subject->kind, key, world_now(&storm_world),
			     false, &ref);
	storm_check(ret == 0, "%s cannot be claimed: %d", what, ret);
	storm_check(ls_slot_charge(&ref, LS_WORD_FAILURES,
				   world_now(&storm_world), &rate, false,
				   &ignored) == LS_TAKEN,
		    "%s cannot be charged", what);
	ret = ls_lock(state, subject, 60000, what, storm_world.now_ms);
	storm_check(ret == 0, "%s cannot be locked: %d", what, ret);
	ret = ls_unlock(state, subject, what, storm_world.now_ms);
	storm_check(ret == 1, "%s cannot be unlocked: %d", what, ret);
}

/* Every subject that the writers know, each time all four of an attempt. */
static void use_all(void)
{
	pass(40 * WORLD_DAY);
	for (unsigned i = 0; i < CANARIES; i++) {
		struct ls_subject subject = canary(i);

		storm_check(ls_unlock(storm_world.state, &subject, NULL,
				      storm_world.now_ms) == 1,
			    "locked subject %u cannot be unlocked", i);
	}
	for (unsigned i = 0; i < ACCOUNTS * NETS; i++) {
		struct ls_subject subject[4];
		struct ls_prefix prefix;
		struct story story;
		char net[LS_PREFIX_TEXT];
		struct ls_addr addr;

		story_of(i / NETS, i % NETS, &story);
		addr = world_addr(story.ip);
		prefix = ls_prefix_of(&addr, 24, 48);
		ls_prefix_format(&prefix, net);
		subject[0] = world_subject(LS_KIND_IP, NULL, story.ip);
		subject[1] = world_subject(LS_KIND_NET, NULL, net);
		subject[2] = world_subject(LS_KIND_USER, story.user, NULL);
		subject[3] = world_subject(LS_KIND_PLACE, story.user, net);
		for (unsigned j = 0; j < COUNT(subject); j++)
			use(&subject[j], ls_kind_name(subject[j].kind));
	}
	storm_check(world_guess(&storm_world, "again", "203.0.113.1", 9) == 5,
		    "the limit of an address does not hold any more");
}

int main(void)
{
	uint64_t kills = storm_count(1000, 200), read, lost;

	storm_begin("storm_kill", 120);
	shared = storm_share(sizeof(*shared));
	kill_shared = storm_share(sizeof(*kill_shared));
	world_set(&storm_world, NULL, "familiar-for", "10m");
	world_set(&storm_world, "ip", "failures", "5/10m, 20/1d");
	world_set(&storm_world, "ip", "lock", "1m..5m");
	world_set(&storm_world, "user", "lock", "1m..5m");
	storm_make_map(LS_MAP_GUARD, SLOTS, RECORDS);
	storm_make_map(LS_MAP_SESSIONS, 7, RECORDS);
	world_open(&storm_world, LS_GUARD_WRITE | LS_SESSIONS_WRITE);
	for (unsigned i = 0; i < CANARIES; i++) {
		struct ls_subject subject = canary(i);

		storm_check(ls_lock(storm_world.state, &subject,
				    300 * WORLD_DAY, subject.user,
				    storm_world.now_ms) == 0,
			    "cannot lock subject %u", i);
	}
	pass(0);
	storm_start(READER, read_to_the_end);
	for (unsigned who = 0; who < WRITERS; who++)
		start_writer(who);
	kill_them(kills);
	atomic_store(&kill_shared->stop, true);
	storm_join();
	check_reader(&read, &lost);
	check_counters(kills + 2 * WRITERS);
	use_all();
	storm_verify("when it was over");
	return storm_end("%llu kills among %u writers, %llu rounds, %llu locks "
			 "kept, %llu found no room; journals: %llu read, "
			 "%llu lost",
			 (unsigned long long)kills, WRITERS,
			 (unsigned long long)atomic_load(&shared->rounds),
			 (unsigned long long)atomic_load(&shared->locked),
			 (unsigned long long)atomic_load(&shared->full),
			 (unsigned long long)read, (unsigned long long)lost);
}
