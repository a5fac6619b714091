/* test_instance.c - which messages were decided already */
#include "lockstep-config.h"

#include "harness.h"
#include "map/instance.h"

static struct ls_instances table;
static const uint64_t start = UINT64_C(34560000000);

static int setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	return 0;
}

static enum ls_instance_state ask(uint64_t key, uint64_t now,
				  struct ls_instance *instance,
				  enum ls_verdict *verdict,
				  enum ls_reason *reason)
{
	*verdict = LS_VERDICT_COUNT;
	*reason = LS_REASON_COUNT;
	return ls_instance_ask(&table, key, now, instance, verdict, reason);
}

static void test_answers(void **state)
{
	static const enum ls_verdict verdicts[] = { LS_ADMIT, LS_DENY,
						    LS_HOLD };
	struct ls_instance instance;
	enum ls_verdict verdict;
	enum ls_reason reason;
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < COUNT(verdicts); i++)
		for (unsigned why = 0; why < LS_REASON_COUNT; why++) {
			uint64_t key = harness_random(&seed);

			check("first",
			      ask(key, start, &instance, &verdict, &reason),
			      LS_INSTANCE_FIRST);
			check("not yet",
			      ask(key, start, &instance, &verdict, &reason),
			      LS_INSTANCE_ASKED);
			memset(&table, 0, sizeof(table));
			ask(key, start, &instance, &verdict, &reason);
			ls_instance_tell(&instance, verdicts[i], why);
			check("then",
			      ask(key, start + 5000, &instance, &verdict,
				  &reason),
			      LS_INSTANCE_DECIDED);
			check("verdict", verdict, verdicts[i]);
			check("reason", reason, why);
		}
}

/* A bucket holds eight, and the oldest goes. */
static void test_eviction(void **state)
{
	struct ls_instance instance;
	enum ls_verdict verdict;
	enum ls_reason reason;

	(void)state;
	for (uint64_t i = 0; i < 9; i++) {
		uint64_t key = (i + 1) << 40 | 77;

		check("first",
		      ask(key, start + i * 1000, &instance, &verdict, &reason),
		      LS_INSTANCE_FIRST);
		ls_instance_tell(&instance, LS_DENY, LS_REASON_MESSAGES);
	}
	for (uint64_t i = 8; i > 0; i--)
		check("kept",
		      ask((i + 1) << 40 | 77, start + 9000, &instance, &verdict,
			  &reason),
		      LS_INSTANCE_DECIDED);
	check("the oldest is gone",
	      ask(UINT64_C(1) << 40 | 77, start + 9000, &instance, &verdict,
		  &reason),
	      LS_INSTANCE_FIRST);
}

/* How many of a thousand messages are forgotten at once where the ring was filled
 * so long before. */
static unsigned forgotten_after(uint64_t ms)
{
	struct ls_instance instance;
	enum ls_verdict verdict;
	enum ls_reason reason;
	uint64_t seed = 5, again, now = start;
	unsigned forgotten = 0;

	memset(&table, 0, sizeof(table));
	for (unsigned i = 0; i < 20000; i++)
		ask(harness_random(&seed), now += 10, &instance, &verdict,
		    &reason);
	now += ms;
	again = seed;
	for (unsigned i = 0; i < 1000; i++) {
		check("first",
		      ask(harness_random(&seed), now += 10, &instance, &verdict,
			  &reason),
		      LS_INSTANCE_FIRST);
		ls_instance_tell(&instance, LS_DENY, LS_REASON_MESSAGES);
	}
	for (unsigned i = 0; i < 1000; i++)
		forgotten += ask(harness_random(&again), now += 10, &instance,
				 &verdict, &reason) != LS_INSTANCE_DECIDED;
	return forgotten;
}

/* However long nothing was sent, what was then is older than what is now: but for
 * the minutes around a whole round of the word's time. */
static void test_old_ring(void **state)
{
	const uint64_t hour = 3600 * 1000, round = UINT64_C(1048576) * 1000;

	(void)state;
	for (uint64_t hours = 0; hours < 40 * 24; hours += 8)
		check("forgotten", forgotten_after(hours * hour), 0);
	check("before a round",
	      forgotten_after(round - UINT64_C(5) * 60 * 1000), 0);
	check("after it", forgotten_after(round + UINT64_C(5) * 60 * 1000), 0);
}

/* Words of a clock that is ahead a little are new. */
static void test_ahead(void **state)
{
	struct ls_instance instance;
	enum ls_verdict verdict;
	enum ls_reason reason;

	(void)state;
	for (uint64_t i = 1; i <= 8; i++)
		ask(i << 40, start + (i == 5 ? 20000 : 0), &instance, &verdict,
		    &reason);
	for (uint64_t i = 9; i <= 15; i++)
		check("first",
		      ask(i << 40, start + 1000, &instance, &verdict, &reason),
		      LS_INSTANCE_FIRST);
	check("kept",
	      ask(UINT64_C(5) << 40, start + 2000, &instance, &verdict,
		  &reason),
	      LS_INSTANCE_ASKED);
}

/* Whoever lost its word meanwhile writes into nobody else's. */
static void test_late_answer(void **state)
{
	struct ls_instance slow, instance;
	enum ls_verdict verdict;
	enum ls_reason reason;

	(void)state;
	ask(UINT64_C(1) << 40, start, &slow, &verdict, &reason);
	for (uint64_t i = 2; i < 10; i++) {
		ask(i << 40, start + i * 1000, &instance, &verdict, &reason);
		ls_instance_tell(&instance, LS_ADMIT, LS_REASON_NONE);
	}
	ls_instance_tell(&slow, LS_HOLD, LS_REASON_SENDING);
	for (uint64_t i = 2; i < 10; i++) {
		check("kept",
		      ask(i << 40, start + 20000, &instance, &verdict, &reason),
		      LS_INSTANCE_DECIDED);
		check("answer", verdict, LS_ADMIT);
	}
}

/* The clock of the word goes round in twelve days; a hash of zeros is a hash. */
static void test_edges(void **state)
{
	struct ls_instance instance;
	enum ls_verdict verdict;
	enum ls_reason reason;

	(void)state;
	check("zero", ask(0, start, &instance, &verdict, &reason),
	      LS_INSTANCE_FIRST);
	check("zero", ask(0, start, &instance, &verdict, &reason),
	      LS_INSTANCE_ASKED);
	for (uint64_t i = 1; i < 100; i++)
		check("goes on",
		      ask(i << 50, start + i * 86400000, &instance, &verdict,
			  &reason),
		      LS_INSTANCE_FIRST);
	/* A clock a little behind takes a word all the same. */
	check("behind", ask(UINT64_C(500) << 50, start, &instance, &verdict,
			    &reason),
	      LS_INSTANCE_FIRST);
}

/* Whatever stands in the words, an answer is one. */
static void test_hostile(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned b = 0; b < LS_INSTANCE_BUCKETS; b++)
			for (unsigned i = 0; i < LS_INSTANCE_WAYS; i++)
				table.word[b][i] = harness_random(&seed);
		for (unsigned i = 0; i < 100; i++) {
			uint64_t key = harness_random(&seed);
			struct ls_instance instance;
			enum ls_verdict verdict;
			enum ls_reason reason;

			if (i % 2) /* one that is there */
				key = (table.word[i][0] & ~UINT64_C(0x7ffffff)) |
				      i;
			switch (ask(key, start, &instance, &verdict, &reason)) {
			case LS_INSTANCE_FIRST:
				ls_instance_tell(&instance, LS_DENY,
						 LS_REASON_MESSAGES);
				break;
			case LS_INSTANCE_ASKED:
			case LS_INSTANCE_DECIDED:
				check_within("verdict", verdict, 0,
					     LS_VERDICT_COUNT - 1);
				check_within("reason", reason, 0,
					     LS_REASON_COUNT - 1);
				break;
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers, setup),
		cmocka_unit_test_setup(test_eviction, setup),
		cmocka_unit_test_setup(test_old_ring, setup),
		cmocka_unit_test_setup(test_ahead, setup),
		cmocka_unit_test_setup(test_late_answer, setup),
		cmocka_unit_test_setup(test_edges, setup),
		cmocka_unit_test_setup(test_hostile, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
