/* test_logclock.c - years and zones that a log does not tell */
#include "lockstep-config.h"

#include "harness.h"
#include "logclock.h"

#include <stdlib.h>
#include <time.h>

static int64_t utc(const char *text)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (int64_t)timegm(&tm);
}

static uint64_t read_time(struct logclock *clock, const char *text)
{
	struct dovelog_when when;
	char line[64];

	snprintf(line, sizeof(line), "%s ", text);
	check(text, dovelog_when(line, strlen(line), &when), strlen(line));
	return logclock_ms(clock, &when);
}

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* The first line is of before the file was last written. */
static void test_first_year(void **state)
{
	static const struct {
		const char *line, *written, *want;
	} rows[] = {
		{ "Nov 25 02:23:26", "2026-11-25 03:00:00",
		  "2026-11-25 02:23:26" },
		{ "Dec 30 02:23:26", "2027-01-05 03:00:00",
		  "2026-12-30 02:23:26" },
		{ "Jan  1 00:00:00", "2027-01-05 03:00:00",
		  "2027-01-01 00:00:00" },
		{ "Nov 26 01:00:00", "2026-11-25 03:00:00",
		  "2026-11-26 01:00:00" }, /* a day of grace */
		{ "Nov 27 12:00:00", "2026-11-25 03:00:00",
		  "2025-11-27 12:00:00" },
		{ "Feb 29 12:00:00", "2028-03-01 03:00:00",
		  "2028-02-29 12:00:00" },
	};

	(void)state;
	use_zone("UTC");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct logclock clock;

		logclock_init(&clock, utc(rows[i].written));
		check(rows[i].line, read_time(&clock, rows[i].line),
		      utc(rows[i].want) * 1000);
	}
}

static void test_year_turns(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "Dec 31 23:59:58", "2025-12-31 23:59:58" },
		{ "Dec 31 23:59:59", "2025-12-31 23:59:59" },
		{ "Jan  1 00:00:01", "2026-01-01 00:00:01" },
		{ "Dec 31 23:59:59", "2025-12-31 23:59:59" }, /* late */
		{ "Jan  1 00:00:02", "2026-01-01 00:00:02" },
		{ "Jun 10 00:00:02", "2026-06-10 00:00:02" },
		{ "Jun  9 23:59:59", "2026-06-09 23:59:59" },
	};
	struct logclock clock;

	(void)state;
	use_zone("UTC");
	logclock_init(&clock, utc("2026-07-01 00:00:00"));
	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].line, read_time(&clock, rows[i].line),
		      utc(rows[i].want) * 1000);
}

static void test_zones(void **state)
{
	static const struct {
		const char *zone, *line, *want;
		unsigned ms;
	} rows[] = {
		{ "UTC", "2026-11-25T02:23:26Z", "2026-11-25 02:23:26", 0 },
		{ "UTC", "2026-11-25T02:23:26.5+01:00", "2026-11-25 01:23:26",
		  500 },
		{ "UTC", "2026-01-01T00:10:00.123456-0730",
		  "2026-01-01 07:40:00", 123 },
		{ "UTC", "2024-02-29T23:00:00+00:00", "2024-02-29 23:00:00",
		  0 },
		{ "Europe/Berlin", "2026-11-25 02:23:26", "2026-11-25 01:23:26",
		  0 },
		{ "Europe/Berlin", "Jul  1 12:00:00", "2026-07-01 10:00:00",
		  0 },
		{ "Europe/Berlin", "Nov 25 12:00:00", "2026-11-25 11:00:00",
		  0 },
		{ "Europe/Berlin", "Jul  1 2024 12:00:00",
		  "2024-07-01 10:00:00", 0 },
		{ "Asia/Kolkata", "Nov 25 12:00:00", "2026-11-25 06:30:00",
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct logclock clock;

		use_zone(rows[i].zone);
		logclock_init(&clock, utc("2026-12-01 00:00:00"));
		check(rows[i].line, read_time(&clock, rows[i].line),
		      utc(rows[i].want) * 1000 + rows[i].ms);
	}
	use_zone("UTC");
}

static void test_no_times(void **state)
{
	static const char *const rows[] = {
		"",	   "Nov",	       "Nov 25",
		"Nov 25 02:23", "Nov 25 02:23:26", "Nov 25 24:23:26 ",
		"Nov 0 02:23:26 ", "Nov 32 02:23:26 ", "2026-13-01 00:00:00 ",
		"2026-11-25X00:00:00 ", "1969-11-25 00:00:00 ",
		"2026-11-25T00:00:00+1 ", "nov 25 02:23:26 ",
		"Nov 25 1969 02:23:26 ", "Nov 25 26 02:23:26 ",
		"Nov 25 2026", "Nov 25 20260 02:23:26 ",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dovelog_when when;

		check(rows[i], dovelog_when(rows[i], strlen(rows[i]), &when),
		      0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_year),
		cmocka_unit_test(test_year_turns),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_no_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
