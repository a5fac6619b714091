/* test_table_stale.c - who helped a claim to its end, and comes back late
 *
 * A helper reads the intent, then the tag, then the intent again. The model tries all
 * that may happen in between (tests/model/claim.pml); here is the table's own step,
 * called with what it would have read before. */
#include "lockstep-config.h"

#include "../../../common/map/table.c"
#include "harness.h"

static struct ls_bucket bucket[1];
static struct ls_slot record[LS_WAYS];
static struct ls_table_counters counters;
static const struct ls_table table = {
	.bucket = bucket,
	.record = (uint8_t *)record,
	.buckets = 1,
	.record_size = sizeof(struct ls_slot),
	.worth = ls_slot_worth,
	.counters = &counters,
};
static const uint64_t now = UINT64_C(34560000000);

/* An intent to give the first slot to somebody, as it stands now. */
static uint64_t intent_at_first(uint64_t key)
{
	return owner_of(key, LS_KIND_IP) << SEQ_BITS |
	       (atomic_load(&bucket[0].tag[0]) & 1) << INTENT_PARITY_BIT |
	       (atomic_load(&bucket[0].intent) & INTENT_SEQ_MASK);
}

static void give_first_to(uint64_t key)
{
	uint64_t intent = intent_at_first(key);

	atomic_store(&bucket[0].intent, intent);
	end_intent(&table, 0, intent, now);
}

/* After so many claims more, of either parity. */
static void test_late_helper(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 6; more++) {
		uint64_t last = 1 + more, late, after;

		memset(bucket, 0, sizeof(bucket));
		memset(&counters, 0, sizeof(counters));
		late = intent_at_first(1);
		for (uint64_t key = 1; key <= last; key++)
			give_first_to(key);
		after = atomic_load(&bucket[0].intent);
		end_intent(&table, 0, late, now);
		check("whose", atomic_load(&bucket[0].tag[0]) >> SEQ_BITS,
		      owner_of(last, LS_KIND_IP));
		check("claimed", counters.claimed, last);
		check("the next intent", atomic_load(&bucket[0].intent), after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
