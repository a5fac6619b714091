#include "lockstep-config.h"

#include "post/retry.h"

#include <stddef.h>

enum {
	REST_MAX_MS = 5 * 60 * 1000,
	AFTER_MIN_S = 1,
	AFTER_MAX_S = 60 * 60,
};

static const uint32_t schedule_s[] = {
	5, 30, 2 * 60, 10 * 60, 60 * 60, 3 * 60 * 60, 6 * 60 * 60,
};

enum retry_answer retry_classify(long status)
{
	if (status < 200)
		return RETRY_BUSY;
	if (status < 300)
		return RETRY_ACCEPTED;
	if (status == 410)
		return RETRY_GONE;
	if (status == 408 || status == 429 || status >= 500)
		return RETRY_BUSY;
	return RETRY_REFUSED;
}

uint64_t retry_message_ms(unsigned attempts, uint32_t jitter)
{
	size_t last = sizeof(schedule_s) / sizeof(schedule_s[0]) - 1;
	size_t step = attempts > 0 ? attempts - 1 : 0;
	uint64_t wait_ms = schedule_s[step < last ? step : last];

	wait_ms *= 1000;
	/* four to six fifths of it */
	return wait_ms * 4 / 5 + (wait_ms * 2 / 5 * jitter >> 32);
}

uint64_t retry_rest_ms(unsigned failures, int64_t after_s, uint32_t jitter)
{
	uint64_t rest_ms;

	if (after_s > AFTER_MAX_S)
		return AFTER_MAX_S * UINT64_C(1000);
	if (after_s >= AFTER_MIN_S)
		return (uint64_t)after_s * 1000;
	rest_ms = retry_message_ms(failures, jitter);
	return rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
}
