/* test_table.c - find, claim, evict, protect: in one bucket, step by step */
#include "lockstep-config.h"

#include "harness.h"
#include "map/table.h"

static const uint64_t start = UINT64_C(34560000000); /* 400 days */

enum { BUCKETS = 4, HOUR = 3600000 };

static struct ls_bucket bucket[BUCKETS];
static struct ls_slot record[BUCKETS * LS_WAYS];
static struct ls_table_counters counters;
static const struct ls_table table = {
	.bucket = bucket,
	.record = (uint8_t *)record,
	.buckets = BUCKETS,
	.record_size = sizeof(struct ls_slot),
	.worth = ls_slot_worth,
	.counters = &counters,
};

static int setup(void **state)
{
	(void)state;
	memset(bucket, 0, sizeof(bucket));
	memset(record, 0, sizeof(record));
	memset(&counters, 0, sizeof(counters));
	return 0;
}

/* Keys of bucket 0, each with a stamp of its own. */
static uint64_t key_of(unsigned number)
{
	return (uint64_t)number * UINT64_C(0x10000001);
}

static struct ls_ref claim(unsigned number, enum ls_kind kind)
{
	struct ls_ref ref;

	check("claim",
	      ls_table_claim(&table, key_of(number), kind, start,
			     kind == LS_KIND_PLACE, &ref),
	      0);
	return ref;
}

static bool there(unsigned number, enum ls_kind kind)
{
	struct ls_ref ref;

	return ls_table_find(&table, key_of(number), kind, &ref) == 0;
}

static uint64_t owner_of(unsigned number, enum ls_kind kind)
{
	return (key_of(number) & UINT64_C(0xfffffffffff)) << 4 | kind;
}

/* As a claimer that is killed right after step 4 leaves it. */
static void write_intent(unsigned number, enum ls_kind kind, unsigned way,
			 enum ls_worth chosen)
{
	atomic_store(&bucket[0].intent,
		     owner_of(number, kind) << 16 | way << 13 |
			     (chosen - LS_WORTH_STRANGER) << 11 |
			     (atomic_load(&bucket[0].tag[way]) & 1) << 10 |
			     (atomic_load(&bucket[0].intent) & 0x3ff));
}

static void test_claim_and_find(void **state)
{
	struct ls_ref ref, again;

	(void)state;
	check("none yet", ls_table_find(&table, key_of(1), LS_KIND_IP, &ref),
	      LS_ENOENT);
	ref = claim(1, LS_KIND_IP);
	check("stands", ls_ref_stands(&ref), true);
	check("key", ls_ref_key(&ref), key_of(1));
	again = claim(1, LS_KIND_IP);
	check("the same", again.index, ref.index);
	/* One key of two kinds is two subjects. */
	again = claim(1, LS_KIND_NET);
	check("another", again.index != ref.index, true);
	check("found", ls_table_find(&table, key_of(1), LS_KIND_NET, &ref), 0);
	check("claimed", counters.claimed, 2);
	check("no intent", atomic_load(&bucket[0].intent) >> 12, 0);
	/* Each claim that ended has changed what a claimer compares with. */
	check("sequence", atomic_load(&bucket[0].intent), 2);
}

/* A slot remembered from before: found there, elsewhere, or not at all. */
static void test_find_at(void **state)
{
	struct ls_ref ref, at;

	(void)state;
	claim(1, LS_KIND_IP);
	at = claim(2, LS_KIND_IP);
	for (uint32_t index = 0; index < BUCKETS * LS_WAYS + 9; index++) {
		check("found",
		      ls_table_find_at(&table, key_of(2), LS_KIND_IP, index,
				       &ref),
		      0);
		check("index", ref.index, at.index);
		check("none",
		      ls_table_find_at(&table, key_of(3), LS_KIND_IP, index,
				       &ref),
		      LS_ENOENT);
	}
	check("any index",
	      ls_table_find_at(&table, key_of(2), LS_KIND_IP, UINT32_MAX, &ref),
	      0);
}

static void test_keys_spread(void **state)
{
	static const uint64_t keys[] = { 0,
					 1,
					 UINT64_C(0x3fffffff00000000),
					 UINT64_C(0x4000000000000000),
					 UINT64_C(0xbfffffffffffffff),
					 UINT64_C(0xffffffff00000000),
					 UINT64_MAX };
	static const unsigned want[] = { 0, 0, 0, 1, 2, 3, 3 };
	struct ls_ref ref;

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		check("claim",
		      ls_table_claim(&table, keys[i], LS_KIND_USER, start,
				     false, &ref),
		      0);
		check("bucket", ref.index / LS_WAYS, want[i]);
		check("key", ls_ref_key(&ref), keys[i]);
	}
}

/* Fill bucket 0: six of one kind of worth, and one that is cheaper. */
static void test_cheapest_goes(void **state)
{
	enum { OLD_METER, METER, PAIR, STRIKES, FAMILIAR, RULE, LOCK };
	static const struct {
		const char *row;
		int others, cheap;
		enum ls_worth counted;
	} rows[] = {
		{ "idle before pair", PAIR, OLD_METER, LS_WORTH_IDLE },
		{ "idle before stranger", METER, OLD_METER, LS_WORTH_IDLE },
		{ "pair before stranger", METER, PAIR, LS_WORTH_LITTLE },
		{ "pair before strikes", STRIKES, PAIR, LS_WORTH_LITTLE },
		{ "strikes before stranger", METER, STRIKES, LS_WORTH_LITTLE },
		{ "stranger before familiar", FAMILIAR, METER,
		  LS_WORTH_STRANGER },
		{ "strikes before familiar", FAMILIAR, STRIKES,
		  LS_WORTH_LITTLE },
		{ "a rule's lock before familiar", FAMILIAR, RULE,
		  LS_WORTH_LOCK },
		{ "a rule's lock before an order", LOCK, RULE, LS_WORTH_LOCK },
		{ "stranger before lock", LOCK, METER, LS_WORTH_STRANGER },
		{ "strikes before lock", LOCK, STRIKES, LS_WORTH_LITTLE },
		{ "idle before lock", LOCK, OLD_METER, LS_WORTH_IDLE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned at = 0; at < LS_WAYS; at++) {
			setup(NULL);
			for (unsigned way = 0; way < LS_WAYS; way++) {
				int what = way == at ? rows[i].cheap
						     : rows[i].others;
				struct ls_lock_word lock = {
					.until = what >= RULE ? start + HOUR
							      : start - HOUR,
					.strikes = 1,
					.origin = what == LOCK
							  ? LS_ORIGIN_ADMIN
							  : LS_ORIGIN_RULE,
				};
				struct ls_ref ref =
					claim(way + 1,
					      what == PAIR       ? LS_KIND_PAIR
					      : what == FAMILIAR ? LS_KIND_PLACE
								 : LS_KIND_IP);

				check(rows[i].row, ref.index, way);
				if (what == OLD_METER)
					ls_slot_set(&ref, LS_WORD_FAILURES,
						    start);
				else if (what == METER)
					ls_slot_set(&ref, LS_WORD_FAILURES,
						    start + HOUR);
				else if (what >= RULE || what == STRIKES)
					ls_slot_set(&ref, LS_WORD_LOCK,
						    ls_lock_pack(&lock));
				else
					ls_slot_set(&ref, LS_WORD_FAMILIAR,
						    start + HOUR);
			}
			check(rows[i].row, claim(100, LS_KIND_USER).index, at);
			check(rows[i].row, there(100, LS_KIND_USER), true);
			check(rows[i].row, counters.evicted[rows[i].counted],
			      1);
		}
}

/* Among equals, the one whose last time passes first. */
static void test_soonest_goes(void **state)
{
	static const unsigned until[LS_WAYS] = { 50, 20, 70, 30, 10, 60, 40 };
	struct ls_ref ref;

	(void)state;
	for (unsigned way = 0; way < LS_WAYS; way++) {
		ref = claim(way + 1, LS_KIND_IP);
		ls_slot_set(&ref, LS_WORD_FAILURES, start + 5);
		ls_slot_set(&ref, LS_WORD_FAILURES_SLOW, start + until[way]);
	}
	for (unsigned next = 1; next <= LS_WAYS; next++) {
		ref = claim(100 + next, LS_KIND_IP);
		ls_slot_set(&ref, LS_WORD_FAILURES, start + 1000);
		check("order", until[ref.index], 10 * next);
	}
	check("counted", counters.evicted[LS_WORTH_STRANGER], LS_WAYS);
	check("claimed", counters.claimed, 2 * LS_WAYS);
}

static void test_never_evicted(void **state)
{
	static const struct {
		const char *row;
		enum ls_kind kind;
		unsigned word;
		bool lock, force, full;
	} rows[] = {
		/* An administrator's; of rules' see below. */
		{ "lock, by a stranger", LS_KIND_IP, LS_WORD_LOCK, true, false,
		  true },
		{ "lock, by a lock", LS_KIND_IP, LS_WORD_LOCK, true, true,
		  true },
		{ "freeze", LS_KIND_USER, LS_WORD_FREEZE, true, true, true },
		{ "familiar, by a stranger", LS_KIND_PLACE, LS_WORD_FAMILIAR,
		  false, false, true },
		{ "familiar, by its like", LS_KIND_PLACE, LS_WORD_FAMILIAR,
		  false, true, false },
		{ "a stamp, by a stranger", LS_KIND_IP, LS_WORD_FAMILIAR, false,
		  false, false },
		{ "no freeze of a place", LS_KIND_PLACE, LS_WORD_FREEZE, true,
		  false, false },
		/* What an account sends, by whichever meter has not drained. */
		{ "messages", LS_KIND_SENDING, LS_WORD_MESSAGES, false, false,
		  true },
		{ "recipients", LS_KIND_SENDING, LS_WORD_RECIPIENTS, false,
		  false, true },
		{ "senders", LS_KIND_SENDING, LS_WORD_SENDERS, false, false,
		  true },
		{ "attempted messages", LS_KIND_SENDING, LS_WORD_TRIED_MESSAGES,
		  false, false, true },
		{ "attempted recipients", LS_KIND_SENDING,
		  LS_WORD_TRIED_RECIPIENTS, false, false, true },
		{ "new recipients", LS_KIND_SENDING, LS_WORD_NEW_RECIPIENTS,
		  false, false, true },
		{ "refusals told", LS_KIND_SENDING, LS_WORD_TOLD, false, false,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct ls_lock_word lock = { .until = start + HOUR,
						   .origin = LS_ORIGIN_ADMIN };
		struct ls_ref ref;

		setup(NULL);
		for (unsigned way = 0; way < LS_WAYS; way++) {
			ref = claim(way + 1, rows[i].kind);
			ls_slot_set(&ref, rows[i].word,
				    rows[i].lock ? ls_lock_pack(&lock)
						 : start + HOUR);
		}
		check(rows[i].row,
		      ls_table_claim(&table, key_of(100), LS_KIND_USER, start,
				     rows[i].force, &ref),
		      rows[i].full ? LS_EFULL : 0);
		check(rows[i].row, counters.full, rows[i].full);
		check(rows[i].row, there(100, LS_KIND_USER), !rows[i].full);
		/* Once the time has passed, anything goes. */
		check(rows[i].row,
		      ls_table_claim(&table, key_of(101), LS_KIND_USER,
				     start + HOUR + 1000, false, &ref),
		      0);
	}
}

/* ---- locks of rules, and what crowds out what ---------------------------- */

enum { CHARGED, RECENT, RULED, ORDERED, AT_HOME };

/* Slot `way` of the bucket: so it is until `until`, minutes from now. */
static struct ls_ref put(unsigned way, enum ls_kind kind, int what,
			 unsigned until)
{
	struct ls_lock_word lock = {
		.until = start + until * 60000,
		.origin = what == ORDERED ? LS_ORIGIN_ADMIN : LS_ORIGIN_RULE,
	};
	struct ls_ref ref = claim(way + 1, kind);

	check("way", ref.index, way);
	if (what == RULED || what == ORDERED)
		ls_slot_set(&ref, LS_WORD_LOCK, ls_lock_pack(&lock));
	else
		ls_slot_set(&ref,
			    what == AT_HOME ? LS_WORD_FAMILIAR
			    : what == RECENT ? LS_WORD_FAILURES
					     : LS_WORD_FAILURES_SLOW,
			    lock.until);
	return ref;
}

/* Who goes, of seven slots, for a claim of that kind; LS_WAYS: nobody. */
static void test_who_goes(void **state)
{
	static const struct {
		const char *row;
		enum ls_kind claimer;
		bool force;
		struct {
			enum ls_kind kind;
			int what;
			unsigned until;
		} slot[LS_WAYS];
		unsigned goes;
	} rows[] = {
#define IP LS_KIND_IP
#define NET LS_KIND_NET
#define USER LS_KIND_USER
#define PLACE LS_KIND_PLACE
#define GUESS LS_KIND_GUESS
		{ "three locks stay", IP, false,
		  { { GUESS, RULED, 1 }, { GUESS, RULED, 2 },
		    { GUESS, RULED, 3 }, { IP, CHARGED, 9 }, { IP, CHARGED, 8 },
		    { IP, CHARGED, 7 }, { NET, CHARGED, 6 } }, 5 },
		{ "of four one goes", IP, false,
		  { { GUESS, RULED, 3 }, { GUESS, RULED, 2 },
		    { GUESS, RULED, 4 }, { GUESS, RULED, 5 },
		    { IP, CHARGED, 1 }, { IP, CHARGED, 1 },
		    { NET, CHARGED, 1 } }, 1 },
		{ "of the kind that has most", IP, false,
		  { { USER, RULED, 1 }, { NET, RULED, 2 }, { GUESS, RULED, 9 },
		    { GUESS, RULED, 8 }, { IP, CHARGED, 1 }, { IP, CHARGED, 1 },
		    { NET, CHARGED, 1 } }, 3 },
		{ "an account's lock goes last", IP, false,
		  { { USER, RULED, 1 }, { USER, RULED, 1 }, { USER, RULED, 1 },
		    { GUESS, RULED, 8 }, { IP, CHARGED, 1 }, { IP, CHARGED, 1 },
		    { NET, CHARGED, 1 } }, 3 },
		{ "half of what orders leave", IP, false,
		  { { IP, ORDERED, 1 }, { IP, ORDERED, 1 }, { PLACE, AT_HOME, 1 },
		    { PLACE, AT_HOME, 1 }, { GUESS, RULED, 8 },
		    { GUESS, RULED, 7 }, { IP, CHARGED, 1 } }, 5 },
		{ "orders and places stay", IP, false,
		  { { IP, ORDERED, 1 }, { USER, ORDERED, 1 }, { PLACE, AT_HOME, 1 },
		    { PLACE, AT_HOME, 1 }, { PLACE, AT_HOME, 1 },
		    { NET, ORDERED, 1 }, { PLACE, AT_HOME, 1 } }, LS_WAYS },
		{ "a place takes any lock of a rule", PLACE, true,
		  { { IP, ORDERED, 1 }, { USER, ORDERED, 1 }, { PLACE, AT_HOME, 1 },
		    { PLACE, AT_HOME, 1 }, { PLACE, AT_HOME, 1 },
		    { NET, ORDERED, 1 }, { USER, RULED, 99 } }, 6 },
		{ "a place that is locked stays", PLACE, true,
		  { { IP, ORDERED, 1 }, { USER, ORDERED, 1 }, { NET, ORDERED, 1 },
		    { IP, ORDERED, 1 }, { IP, ORDERED, 1 }, { IP, ORDERED, 1 },
		    { PLACE, AT_HOME, 9 } }, 6 },
		{ "the kind that has most", NET, false,
		  { { IP, CHARGED, 9 }, { IP, CHARGED, 8 }, { IP, CHARGED, 7 },
		    { NET, CHARGED, 1 }, { NET, CHARGED, 2 },
		    { GUESS, CHARGED, 1 }, { USER, CHARGED, 1 } }, 2 },
		{ "accounts for no other kind", IP, false,
		  { { USER, CHARGED, 1 }, { USER, CHARGED, 2 },
		    { USER, CHARGED, 3 }, { USER, CHARGED, 4 },
		    { USER, CHARGED, 5 }, { USER, CHARGED, 6 },
		    { GUESS, CHARGED, 9 } }, 6 },
		{ "accounts while they are few", USER, false,
		  { { USER, CHARGED, 1 }, { USER, CHARGED, 2 }, { IP, CHARGED, 9 },
		    { NET, CHARGED, 9 }, { PLACE, CHARGED, 7 },
		    { GUESS, CHARGED, 9 }, { IP, RULED, 9 } }, 4 },
		{ "then one of them", USER, false,
		  { { USER, CHARGED, 1 }, { USER, CHARGED, 2 },
		    { USER, CHARGED, 3 }, { NET, CHARGED, 1 },
		    { PLACE, CHARGED, 1 }, { GUESS, CHARGED, 1 },
		    { IP, RULED, 9 } }, 0 },
		{ "whom nobody guesses at just now", USER, false,
		  { { USER, RECENT, 1 }, { USER, RECENT, 2 },
		    { USER, CHARGED, 99 }, { NET, CHARGED, 1 },
		    { PLACE, CHARGED, 1 }, { GUESS, CHARGED, 1 },
		    { IP, RULED, 9 } }, 2 },
#undef IP
#undef NET
#undef USER
#undef PLACE
#undef GUESS
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned goes = LS_WAYS;
		struct ls_ref ref;

		setup(NULL);
		for (unsigned way = 0; way < LS_WAYS; way++)
			put(way, rows[i].slot[way].kind, rows[i].slot[way].what,
			    rows[i].slot[way].until);
		if (ls_table_claim(&table, key_of(100), rows[i].claimer, start,
				   rows[i].force, &ref) == 0)
			goes = ref.index;
		check(rows[i].row, goes, rows[i].goes);
		check(rows[i].row, counters.full, rows[i].goes == LS_WAYS);
		check(rows[i].row, counters.evicted[LS_WORTH_LOCK],
		      rows[i].goes < LS_WAYS &&
			      rows[i].slot[rows[i].goes].what == RULED);
	}
}

/* A name that no passdb knows is worth little, be it locked. */
static void test_unknown_name(void **state)
{
	struct ls_ref ref = put(0, LS_KIND_USER, RULED, 60);
	struct ls_worth_of worth;

	(void)state;
	ls_slot_set(&ref, LS_WORD_FAILURES_SLOW, start + HOUR);
	worth = ls_slot_worth(ref.slot, LS_KIND_USER, ref.stamp, start);
	check("known", worth.worth, LS_WORTH_LOCK);
	ls_slot_set(&ref, LS_WORD_UNKNOWN, start + HOUR);
	worth = ls_slot_worth(ref.slot, LS_KIND_USER, ref.stamp, start);
	check("unknown", worth.worth, LS_WORTH_LITTLE);
	check("until", worth.until, start + HOUR);
	/* What orders say of it holds all the same. */
	ls_slot_set(&ref, LS_WORD_FREEZE,
		    ls_lock_pack(&(struct ls_lock_word){ .until = start + 1000 }));
	worth = ls_slot_worth(ref.slot, LS_KIND_USER, ref.stamp, start);
	check("frozen", worth.worth, LS_WORTH_KEPT);
}

/* A lock that was chosen to go, and is an order by now, stays. */
static void test_order_spares(void **state)
{
	const struct ls_lock_word order = { .until = start + HOUR,
					    .origin = LS_ORIGIN_ADMIN };
	struct ls_ref ref = put(0, LS_KIND_IP, RULED, 60);

	(void)state;
	write_intent(9, LS_KIND_USER, 0, LS_WORTH_LOCK);
	claim(2, LS_KIND_IP);
	check("a lock of a rule goes", there(1, LS_KIND_IP), false);
	setup(NULL);
	ref = put(0, LS_KIND_IP, RULED, 60);
	ls_slot_set(&ref, LS_WORD_LOCK, ls_lock_pack(&order));
	write_intent(9, LS_KIND_USER, 0, LS_WORTH_LOCK);
	claim(2, LS_KIND_IP);
	check("an order stays", there(1, LS_KIND_IP), true);
	/* Nor does anything else that no claim may take, whatever an intent says. */
	atomic_store(&bucket[0].intent,
		     atomic_load(&bucket[0].intent) | 3 << 11 |
			     owner_of(9, LS_KIND_USER) << 16 |
			     (atomic_load(&bucket[0].tag[0]) & 1) << 10);
	claim(3, LS_KIND_IP);
	check("nor by a hostile intent", there(1, LS_KIND_IP), true);
}

/* A dead claimer's intent is ended by the next claim, whatever it is for. */
static void test_dead_claimer(void **state)
{
	(void)state;
	for (unsigned way = 0; way < LS_WAYS; way++) {
		setup(NULL);
		write_intent(1, LS_KIND_USER, way, LS_WORTH_STRANGER);
		check("not yet", there(1, LS_KIND_USER), false);
		claim(2, LS_KIND_IP);
		check("ended", there(1, LS_KIND_USER), true);
		check("next", there(2, LS_KIND_IP), true);
		check("where it was to be",
		      atomic_load(&bucket[0].tag[way]) >> 16,
		      owner_of(1, LS_KIND_USER));
		check("no intent", atomic_load(&bucket[0].intent) >> 12, 0);
		check("claimed", counters.claimed, 2);
	}
	/* Killed between the tag and the end of the intent. */
	setup(NULL);
	claim(1, LS_KIND_USER);
	write_intent(1, LS_KIND_USER, 0, LS_WORTH_STRANGER);
	atomic_fetch_xor(&bucket[0].intent, 1 << 10); /* the tag's last */
	check("the same", claim(1, LS_KIND_USER).index, 0);
	claim(2, LS_KIND_USER);
	check("once", counters.claimed, 2);
	check("no intent", atomic_load(&bucket[0].intent) >> 12, 0);
}

/* The victim has become worth keeping since the claimer chose it. */
static void test_dead_claimer_spares(void **state)
{
	struct ls_ref ref = claim(1, LS_KIND_PLACE);
	uint64_t before = atomic_load(ref.tag);

	(void)state;
	ls_slot_set(&ref, LS_WORD_FAMILIAR, start + HOUR);
	write_intent(9, LS_KIND_USER, ref.index, LS_WORTH_STRANGER);
	claim(2, LS_KIND_IP);
	check("spared", there(1, LS_KIND_PLACE), true);
	check("not claimed", there(9, LS_KIND_USER), false);
	check("seq", atomic_load(ref.tag) - before, 1);
	/* Chosen as a familiar place, it goes. */
	write_intent(9, LS_KIND_PLACE, ref.index, LS_WORTH_FAMILIAR);
	claim(3, LS_KIND_IP);
	check("gone", there(1, LS_KIND_PLACE), false);
	check("claimed", there(9, LS_KIND_PLACE), true);
	check("counted", counters.evicted[LS_WORTH_FAMILIAR], 1);
}

/* The first slot becomes a familiar place right after it was looked at. */
static struct ls_worth_of worth_before(const struct ls_slot *slot,
				       enum ls_kind kind, uint32_t stamp,
				       uint64_t now)
{
	struct ls_worth_of worth = ls_slot_worth(slot, kind, stamp, now);

	if (slot == record)
		atomic_store(&record[0].word[LS_WORD_FAMILIAR].bits,
			     ls_word_pack(stamp, start + HOUR));
	return worth;
}

/* Chosen for little, familiar since: spared, also by one of its like. */
static void test_force_spares(void **state)
{
	struct ls_table racing = table;
	struct ls_ref ref;

	(void)state;
	racing.worth = worth_before;
	for (unsigned way = 0; way < LS_WAYS; way++) {
		ref = claim(way, LS_KIND_PLACE);
		ls_slot_set(&ref, LS_WORD_FAILURES, start + way * HOUR);
	}
	ls_table_claim(&racing, key_of(9), LS_KIND_PLACE, start, true, &ref);
	check("claimed", there(9, LS_KIND_PLACE), true);
	check("spared", there(0, LS_KIND_PLACE), true);
	check("the next cheapest", there(1, LS_KIND_PLACE), false);
}

static void test_protect(void **state)
{
	struct ls_ref ref = claim(1, LS_KIND_PLACE), other;

	(void)state;
	other = claim(2, LS_KIND_PLACE);
	/* The claimer was first, and has not looked at the words yet. */
	write_intent(9, LS_KIND_USER, ref.index, LS_WORTH_STRANGER);
	ls_slot_raise(&ref, LS_WORD_FAMILIAR, start + HOUR);
	check("protected", ls_table_protect(&table, &ref, start), true);
	check("spared", there(1, LS_KIND_PLACE), true);
	check("not claimed", there(9, LS_KIND_USER), false);
	check("no intent", atomic_load(&bucket[0].intent) >> 12, 0);
	/* An intent at another slot is no business of it. */
	write_intent(9, LS_KIND_USER, other.index, LS_WORTH_STRANGER);
	check("protected", ls_table_protect(&table, &ref, start), true);
	check("left", atomic_load(&bucket[0].intent) >> 16,
	      owner_of(9, LS_KIND_USER));
	/* The claimer was faster: the writer is told. */
	check("told", ls_table_protect(&table, &other, start), false);
	check("claimed", there(9, LS_KIND_USER), true);
	check("gone", ls_table_protect(&table, &other, start), false);
}

static void test_next(void **state)
{
	uint64_t cursor = 0;
	unsigned seen = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	(void)state;
	check("empty", ls_table_next(&table, &cursor, &kind, &ref), 0);
	for (unsigned i = 0; i < 5; i++)
		claim(i, LS_KIND_IP + i);
	check("last",
	      ls_table_claim(&table, UINT64_MAX, LS_KIND_ALIAS, start, false,
			     &ref),
	      0);
	for (cursor = 0; ls_table_next(&table, &cursor, &kind, &ref); seen++)
		check("kind", kind,
		      seen < 5 ? LS_KIND_IP + seen : LS_KIND_ALIAS);
	check("seen", seen, 6);
	check("the end", ls_table_next(&table, &cursor, &kind, &ref), 0);
	cursor = UINT64_MAX;
	check("any cursor", ls_table_next(&table, &cursor, &kind, &ref), 0);
}

/* Random words everywhere: any answer, but an answer, and nothing beyond the
 * table is touched (the sanitizers look). */
static void test_hostile(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct ls_ref ref;
		uint64_t cursor = 0;
		enum ls_kind kind;

		for (unsigned i = 0; i < 8; i++)
			atomic_store((_Atomic uint64_t *)&bucket[0] + i,
				     harness_random(&seed));
		for (unsigned i = 0; i < 12 * LS_WAYS; i++)
			atomic_store(&record[i / 12].word[i % 12].bits,
				     harness_random(&seed));
		if (ls_table_claim(&table, key_of(round), LS_KIND_PLACE, start,
				   round & 1, &ref) == 0) {
			check_within("index", ref.index, 0, LS_WAYS - 1);
			ls_table_protect(&table, &ref, start);
		}
		while (ls_table_next(&table, &cursor, &kind, &ref))
			check_within("kind", kind, 1, 15);
		check("no intent", atomic_load(&bucket[0].intent) >> 16 & 15,
		      0);
		/* An intent can name a slot that a bucket does not have. */
		for (unsigned i = 0; i < 8; i++)
			check("the next bucket",
			      atomic_load((_Atomic uint64_t *)&bucket[1] + i),
			      0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_claim_and_find), TEST(test_find_at),
		TEST(test_keys_spread),    TEST(test_cheapest_goes),
		TEST(test_soonest_goes),   TEST(test_never_evicted),
		TEST(test_who_goes),	   TEST(test_unknown_name),
		TEST(test_order_spares),   TEST(test_dead_claimer),
		TEST(test_dead_claimer_spares),
		TEST(test_force_spares),   TEST(test_protect),
		TEST(test_next),           TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
