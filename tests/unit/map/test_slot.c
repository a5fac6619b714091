/* test_slot.c - words that know whose they are, lock words, charges in place */
#include "lockstep-config.h"

#include "harness.h"
#include "map/slot.h"

static const uint64_t start = UINT64_C(34560000000); /* 400 days */

/* A slot by itself, and its tag. */
static struct ls_slot slot;
static _Atomic uint64_t tag;

static struct ls_ref ref_of(uint64_t owner)
{
	return (struct ls_ref){ .slot = &slot,
				.tag = &tag,
				.owner = owner,
				.stamp = (uint32_t)(owner >> 16) & 0xffffff };
}

static int setup(void **state)
{
	(void)state;
	memset(&slot, 0, sizeof(slot));
	atomic_store(&tag, 0);
	return 0;
}

static const uint64_t joe = UINT64_C(0x123456789ab1);
static const uint64_t ann = UINT64_C(0xfedcba987651);

static void own(uint64_t owner)
{
	atomic_store(&tag, owner << 16 | 7);
}

static void test_pack(void **state)
{
	static const struct {
		uint32_t stamp;
		uint64_t value, want;
	} table[] = {
		{ 0, 0, 0 },
		{ 0xffffff, 0, 0 },
		{ 0xffffff, 1, 1 },
		{ 1, LS_VALUE_MAX, LS_VALUE_MAX },
		{ 1, LS_VALUE_MAX + 1, LS_VALUE_MAX }, /* saturates */
		{ 1, UINT64_MAX, LS_VALUE_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint64_t bits = ls_word_pack(table[i].stamp, table[i].value);

		check("own", ls_word_value(bits, table[i].stamp),
		      table[i].want);
		check("another's",
		      ls_word_value(bits, table[i].stamp ^ 0x800000), 0);
		check("stamp", bits >> LS_VALUE_BITS, table[i].stamp);
	}
}

static void test_foreign_words(void **state)
{
	struct ls_ref as_joe = ref_of(joe), as_ann = ref_of(ann);

	(void)state;
	own(joe);
	check("set", ls_slot_set(&as_joe, LS_WORD_FAILURES, 77), true);
	check("get", ls_slot_get(&as_joe, LS_WORD_FAILURES), 77);
	check("other words", ls_slot_get(&as_joe, LS_WORD_LOCK), 0);
	/* Ann takes the slot over: nothing of Joe's is hers. */
	own(ann);
	check("left over", ls_slot_get(&as_ann, LS_WORD_FAILURES), 0);
	check("raise", ls_slot_raise(&as_ann, LS_WORD_FAILURES, 5), true);
	check("raised", ls_slot_get(&as_ann, LS_WORD_FAILURES), 5);
	check("joe's", ls_slot_get(&as_joe, LS_WORD_FAILURES), 0);
	check("stands", ls_ref_stands(&as_ann), true);
	check("stands", ls_ref_stands(&as_joe), false);
}

/* One that was evicted writes over nothing of its successor's. */
static void test_evicted(void **state)
{
	struct ls_ref as_joe = ref_of(joe), as_ann = ref_of(ann);
	const struct ls_rate rate = { 1000, 3000 };
	const struct ls_lock_order order = { .length = { 60000, 60000 } };
	struct ls_lock_word lock;
	uint64_t charged_at = 0;

	(void)state;
	own(ann);
	for (unsigned word = 0; word < LS_SLOT_WORDS; word++)
		check("ann", ls_slot_set(&as_ann, word, 42), true);
	check("set", ls_slot_set(&as_joe, LS_WORD_SINCE, 1), false);
	check("raise", ls_slot_raise(&as_joe, LS_WORD_SINCE, 99), false);
	check("charge",
	      ls_slot_charge(&as_joe, LS_WORD_FAILURES, start, &rate, false,
			     &charged_at),
	      LS_GONE);
	check("force",
	      ls_slot_charge(&as_joe, LS_WORD_FAILURES, start, &rate, true,
			     &charged_at),
	      LS_GONE);
	check("lock", ls_slot_lock(&as_joe, start, &order, &lock), LS_GONE);
	ls_slot_refund(&as_joe, LS_WORD_FAILURES, start, start + 1000, 1000);
	for (unsigned word = 0; word < LS_SLOT_WORDS; word++)
		check("untouched", ls_slot_get(&as_ann, word), 42);
	/* In words of its own it may still write, but is told. */
	own(joe);
	check("joe", ls_slot_set(&as_joe, LS_WORD_SINCE, 5), true);
	own(ann);
	check("late", ls_slot_set(&as_joe, LS_WORD_SINCE, 6), false);
	check("late", ls_slot_raise(&as_joe, LS_WORD_SINCE, 7), false);
	check("late",
	      ls_slot_charge(&as_joe, LS_WORD_SINCE, start, &rate, false,
			     &charged_at),
	      LS_GONE);
	check("for ann", ls_slot_get(&as_ann, LS_WORD_SINCE), 0);
}

static void test_raise(void **state)
{
	struct ls_ref ref = ref_of(joe);

	(void)state;
	own(joe);
	check("up", ls_slot_raise(&ref, LS_WORD_FAMILIAR, 10), true);
	check("not down", ls_slot_raise(&ref, LS_WORD_FAMILIAR, 9), true);
	check("stays", ls_slot_get(&ref, LS_WORD_FAMILIAR), 10);
	check("huge", ls_slot_raise(&ref, LS_WORD_FAMILIAR, UINT64_MAX), true);
	check("huge", ls_slot_get(&ref, LS_WORD_FAMILIAR), LS_VALUE_MAX);
}

static void test_key(void **state)
{
	const uint64_t key = UINT64_C(0xdeadbeefcafe1234);
	struct ls_ref ref =
		ref_of((key & UINT64_C(0xfffffffffff)) << 4 | LS_KIND_USER);

	(void)state;
	own(ref.owner);
	check("half", ls_ref_key(&ref), key & UINT64_C(0xffffffff));
	check("set", ls_slot_set(&ref, LS_WORD_KEY, key >> 32), true);
	check("whole", ls_ref_key(&ref), key);
}

static void test_charge(void **state)
{
	const struct ls_rate rate = { 1000, 3000 };
	struct ls_ref ref = ref_of(joe);
	uint64_t at[4] = { 0 };

	(void)state;
	own(joe);
	for (unsigned i = 0; i < 3; i++) {
		check("room",
		      ls_slot_charge(&ref, LS_WORD_FAILURES, start, &rate,
				     false, &at[i]),
		      LS_TAKEN);
		check("meter", at[i], start + 1000 * (i + 1));
		check("meter", ls_slot_get(&ref, LS_WORD_FAILURES), at[i]);
	}
	check("full",
	      ls_slot_charge(&ref, LS_WORD_FAILURES, start, &rate, false,
			     &at[3]),
	      LS_NO_ROOM);
	check("left alone", ls_slot_get(&ref, LS_WORD_FAILURES), at[2]);
	check("force",
	      ls_slot_charge(&ref, LS_WORD_FAILURES, start, &rate, true,
			     &at[3]),
	      LS_TAKEN);
	check("full",
	      ls_slot_charge(&ref, LS_WORD_FAILURES, start, &rate, false,
			     &at[3]),
	      LS_NO_ROOM);
	check("the next word", ls_slot_get(&ref, LS_WORD_FAILURES + 1), 0);
	ls_slot_refund(&ref, LS_WORD_FAILURES + 1, start, at[0], 1000);
	check("no unit there", ls_slot_get(&ref, LS_WORD_FAILURES + 1), 0);
}

static void test_lock_pack(void **state)
{
	const uint64_t last = ((UINT64_C(1) << 30) - 1) * 1000;
	static const uint64_t untils[] = { 0, 1, 999, 1000, 1001, 34560000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(untils); i++)
		for (unsigned reason = 0; reason <= LS_REASON_LOCKS; reason++)
			for (unsigned origin = 0; origin < LS_ORIGIN_COUNT;
			     origin++) {
				struct ls_lock_word lock = { untils[i], reason,
							     reason, origin };
				uint64_t word = ls_lock_pack(&lock);

				check_within("fits", word, 0, LS_VALUE_MAX);
				lock = ls_lock_unpack(word);
				/* Rounded up to seconds, never down. */
				check("until", lock.until,
				      (untils[i] + 999) / 1000 * 1000);
				check("strikes", lock.strikes, reason);
				check("reason", lock.reason, reason);
				check("origin", lock.origin, origin);
			}
	check("the end",
	      ls_lock_unpack(ls_lock_pack(&(struct ls_lock_word){
				     .until = last + 5000 }))
		      .until,
	      last);
	check("past it",
	      ls_lock_unpack(ls_lock_pack(&(struct ls_lock_word){
				     .until = UINT64_MAX }))
		      .until,
	      last);
}

static struct ls_lock_order order_of(uint64_t min_ms, uint64_t max_ms)
{
	return (struct ls_lock_order){ .length = { min_ms, max_ms },
				       .strike_fades_ms = 3600000,
				       .reason = LS_REASON_FAILURES };
}

static void test_strikes(void **state)
{
	const struct ls_lock_order order = order_of(60000, 600000);
	static const unsigned minutes[] = {
		1,  2,  4,  8,  10, 10, 10, 10, 10,
		10, 10, 10, 10, 10, 10, 10, 10, 10
	};
	struct ls_ref ref = ref_of(joe);
	struct ls_lock_word lock;
	uint64_t now = start;

	(void)state;
	own(joe);
	for (unsigned i = 0; i < COUNT(minutes); i++) {
		check("falls", ls_slot_lock(&ref, now, &order, &lock),
		      LS_TAKEN);
		check("length", lock.until - now, minutes[i] * 60000U);
		check("strikes", lock.strikes, i < 15 ? i + 1 : 15);
		check("since", ls_slot_get(&ref, LS_WORD_SINCE), now);
		check("active", ls_lock_active(&lock, lock.until - 1), true);
		check("ends", ls_lock_active(&lock, lock.until), false);
		/* Locked already: stays as it is. */
		check("stands",
		      ls_slot_lock(&ref, lock.until - 1, &order, &lock),
		      LS_NO_ROOM);
		check("since", ls_slot_get(&ref, LS_WORD_SINCE), now);
		now = lock.until;
	}
	/* Just not faded, then just faded. */
	now = lock.until + 3600000 - 1;
	check("falls", ls_slot_lock(&ref, now, &order, &lock), LS_TAKEN);
	check("kept", lock.strikes, 15);
	now = lock.until + 3600000;
	check("falls", ls_slot_lock(&ref, now, &order, &lock), LS_TAKEN);
	check("faded", lock.strikes, 1);
	check_within("floor", lock.until - now, 60000, 60999);
}

static void test_lock_orders(void **state)
{
	struct ls_lock_order order = order_of(60000, 600000);
	struct ls_ref ref = ref_of(joe);
	struct ls_lock_word lock;
	uint64_t admin_until;

	(void)state;
	own(joe);
	/* Until the meter has room, if that is later. */
	order.not_before = start + 3600000;
	check("falls", ls_slot_lock(&ref, start, &order, &lock), LS_TAKEN);
	check("not before", lock.until, start + 3600000);
	order = order_of(60000, 60000);
	order.origin = LS_ORIGIN_ADMIN;
	order.reason = LS_REASON_ADMIN;
	/* An administrator's shorter lock is his from now on, and no shorter. */
	check("shorter", ls_slot_lock(&ref, start + 1000, &order, &lock),
	      LS_TAKEN);
	check("until", lock.until, start + 3600000);
	check("reason", lock.reason, LS_REASON_ADMIN);
	check("origin", lock.origin, LS_ORIGIN_ADMIN);
	check("strikes", lock.strikes, 1);
	check("since", ls_slot_get(&ref, LS_WORD_SINCE), start + 1000);
	/* His own shorter one changes nothing. */
	check("shorter", ls_slot_lock(&ref, start + 2000, &order, &lock),
	      LS_NO_ROOM);
	check("since", ls_slot_get(&ref, LS_WORD_SINCE), start + 1000);
	/* A longer one extends it, without a strike. */
	order.length = (struct ls_range){ 7200000, 7200000 };
	check_within("longer", ls_slot_lock(&ref, start + 5000, &order, &lock),
		     LS_TAKEN, LS_NO_ROOM);
	lock = ls_lock_unpack(ls_slot_get(&ref, LS_WORD_LOCK));
	admin_until = start + 5000 + 7200000;
	check("until", lock.until, admin_until);
	check("strikes", lock.strikes, 1);
	check("reason", lock.reason, LS_REASON_ADMIN);
	check("origin", lock.origin, LS_ORIGIN_ADMIN);
	check("since", ls_slot_get(&ref, LS_WORD_SINCE), start + 5000);
	/* A rule changes nothing of an administrator's lock. */
	order = order_of(86400000, 86400000);
	check("rule", ls_slot_lock(&ref, start + 6000, &order, &lock),
	      LS_NO_ROOM);
	check("until", lock.until, admin_until);
}

/* A length that no number of ms holds is a lock for good, not one that has
 * ended. */
static void test_lock_lengths(void **state)
{
	static const uint64_t lengths[] = { UINT64_C(1) << 40,
					    UINT64_C(1) << 56, UINT64_MAX - 1,
					    UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct ls_lock_order order = order_of(lengths[i], lengths[i]);
		struct ls_ref ref = ref_of(joe);
		struct ls_lock_word lock;
		uint64_t now = start;

		memset(&slot, 0, sizeof(slot));
		own(joe);
		/* With strikes too: doubling must not wrap. */
		ls_slot_set(&ref, LS_WORD_LOCK,
			    ls_lock_pack(&(struct ls_lock_word){
				    .until = now - 1000, .strikes = 9 }));
		check("falls", ls_slot_lock(&ref, now, &order, &lock),
		      LS_TAKEN);
		check_within("length", lock.until - now, UINT64_C(1) << 39,
			     UINT64_C(1) << 40);
	}
}

/* ---- fingerprints ----------------------------------------------------- */

enum { OTHER_WORD = 1 << LS_PRINT_BITS };

static void test_prints(void **state)
{
	struct ls_ref ref = ref_of(joe);

	(void)state;
	own(joe);
	check("none", ls_slot_has_print(&ref, 7), false);
	ls_slot_add_print(&ref, 7);
	check("added", ls_slot_has_print(&ref, 7), true);
	check("the same in the other word",
	      ls_slot_has_print(&ref, OTHER_WORD | 7), false);
	ls_slot_add_print(&ref, OTHER_WORD | 7);
	check("both", ls_slot_has_print(&ref, OTHER_WORD | 7), true);
	ls_slot_drop_print(&ref, 7);
	check("dropped", ls_slot_has_print(&ref, 7), false);
	check("the other", ls_slot_has_print(&ref, OTHER_WORD | 7), true);
	ls_slot_drop_print(&ref, 8); /* none of them */
	check("the other", ls_slot_has_print(&ref, OTHER_WORD | 7), true);
	/* Whole ones only. */
	ls_slot_add_print(&ref, 0xffff);
	check("all bits", ls_slot_has_print(&ref, 0xffff), true);
	check("some", ls_slot_has_print(&ref, 0xff), false);
}

/* Each word has the newest two. */
static void test_newest_prints(void **state)
{
	struct ls_ref ref = ref_of(joe);

	(void)state;
	own(joe);
	for (uint32_t print = 1; print <= 100; print++) {
		ls_slot_add_print(&ref, print);
		/* Once more is no newer one. */
		ls_slot_add_print(&ref, print);
		for (uint32_t old = 1; old <= print; old++)
			check("newest", ls_slot_has_print(&ref, old),
			      old + LS_PRINTS_A_WORD > print);
		check("other word",
		      ls_slot_has_print(&ref, OTHER_WORD | print), false);
	}
	/* Dropped in either half, the other stays. */
	ls_slot_drop_print(&ref, 99);
	check("kept", ls_slot_has_print(&ref, 100), true);
	ls_slot_add_print(&ref, 101);
	check("kept", ls_slot_has_print(&ref, 100), true);
	ls_slot_drop_print(&ref, 101);
	check("kept", ls_slot_has_print(&ref, 100), true);
	check("gone", ls_slot_has_print(&ref, 101), false);
}

/* Another subject's are none of ours. */
static void test_foreign_prints(void **state)
{
	struct ls_ref as_joe = ref_of(joe), as_ann = ref_of(ann);

	(void)state;
	own(joe);
	ls_slot_add_print(&as_joe, 7);
	own(ann);
	check("left over", ls_slot_has_print(&as_ann, 7), false);
	ls_slot_add_print(&as_ann, 8);
	check("hers", ls_slot_has_print(&as_ann, 8), true);
	check("not his", ls_slot_has_print(&as_ann, 7), false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_pack),        TEST(test_foreign_words),
		TEST(test_evicted),     TEST(test_raise),
		TEST(test_key),         TEST(test_charge),
		TEST(test_lock_pack),   TEST(test_strikes),
		TEST(test_lock_orders), TEST(test_lock_lengths),
		TEST(test_prints),
		TEST(test_newest_prints),
		TEST(test_foreign_prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
