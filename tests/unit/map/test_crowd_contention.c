/* test_crowd_contention.c - many at once without a slot: not one over the limit, and
 * what is given back is there again */
#include "lockstep-config.h"

#include "harness.h"
#include "map/crowd.h"

#include <pthread.h>

enum { THREADS = 8, TURNS = 20000, UNITS = 1000, NOW = 1000000000 };

static const struct ls_rate rate = { 60000, UINT64_C(60000) * UNITS };
static _Atomic uint64_t meter;
static _Atomic unsigned taken;

/* Take, and give every other one back. */
static void *take(void *arg)
{
	for (unsigned i = 0; i < TURNS; i++) {
		uint64_t at;

		if (!ls_crowd_charge(&meter, NOW, &rate, &at))
			continue;
		if (i % 2 != 0)
			ls_crowd_refund(&meter, NOW, at, rate.emission_ms);
		else
			atomic_fetch_add(&taken, 1);
	}
	return arg;
}

static void test_at_once(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take, NULL),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	check("taken", atomic_load(&taken), UNITS);
	check("level", atomic_load(&meter), NOW + rate.capacity_ms);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
