/* test_retry.c - what an answer means and how long a message waits after it */
#include "lockstep-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/retry.h"

static void test_answers(void **context)
{
	static const struct {
		long status;
		enum retry_answer want;
	} cases[] = {
		{ 0, RETRY_BUSY },       { 100, RETRY_BUSY },
		{ 199, RETRY_BUSY },     { 200, RETRY_ACCEPTED },
		{ 204, RETRY_ACCEPTED }, { 299, RETRY_ACCEPTED },
		{ 300, RETRY_REFUSED },  { 308, RETRY_REFUSED },
		{ 400, RETRY_REFUSED },  { 401, RETRY_REFUSED },
		{ 404, RETRY_REFUSED },  { 408, RETRY_BUSY },
		{ 410, RETRY_GONE },     { 429, RETRY_BUSY },
		{ 499, RETRY_REFUSED },  { 500, RETRY_BUSY },
		{ 502, RETRY_BUSY },     { 503, RETRY_BUSY },
		{ 504, RETRY_BUSY },     { 999, RETRY_BUSY },
	};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(retry_classify(cases[i].status),
				 cases[i].want);
}

/* Four to six fifths of the schedule, which its last step goes on with. */
static void test_schedule(void **context)
{
	static const struct {
		unsigned attempts;
		uint64_t want_s;
	} cases[] = {
		{ 1, 5 },     { 2, 30 },    { 3, 120 },
		{ 4, 600 },   { 5, 3600 },  { 6, 10800 },
		{ 7, 21600 }, { 8, 21600 }, { UINT32_MAX, 21600 },
	};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t want_ms = cases[i].want_s * 1000;
		unsigned attempts = cases[i].attempts;

		assert_int_equal(retry_message_ms(attempts, 0),
				 want_ms * 4 / 5);
		assert_int_equal(retry_message_ms(attempts, UINT32_C(1) << 31),
				 want_ms);
		assert_in_range(retry_message_ms(attempts, UINT32_MAX),
				want_ms * 6 / 5 - 1, want_ms * 6 / 5);
	}
}

static void test_rest(void **context)
{
	static const struct {
		unsigned failures;
		int64_t after_s;
		uint64_t want_ms;
	} cases[] = {
		{ 1, 0, 4000 },          { 2, 0, 24000 },
		{ 4, 0, 300000 },        { 100, 0, 300000 },
		{ 1, 1, 1000 },          { 100, 1, 1000 },
		{ 1, 3600, 3600000 },    { 1, 3601, 3600000 },
		{ 1, INT64_MAX, 3600000 }, { 1, -1, 4000 },
		{ 1, INT64_MIN, 4000 },
	};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(retry_rest_ms(cases[i].failures,
					       cases[i].after_s, 0),
				 cases[i].want_ms);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
