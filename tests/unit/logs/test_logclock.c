/* test_logclock.c - years and zones that a log does not tell */
#include "lockstep-config.h"

#include "harness.h"
#include "logs/logclock.h"

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
		/* half a year of silence */
		{ "Jul 31 12:00:00", "2026-07-31 12:00:00" },
		{ "Jan  1 12:00:00", "2027-01-01 12:00:00" },
		{ "Jul 31 12:00:00", "2027-07-31 12:00:00" },
	};
	struct logclock clock;

	(void)state;
	use_zone("UTC");
	logclock_init(&clock, utc("2026-07-01 00:00:00"));
	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].line, read_time(&clock, rows[i].line),
		      utc(rows[i].want) * 1000);
}

/* Of a file of years the last line is of before it was last written. */
static void test_ahead(void **state)
{
	static const struct {
		const char *name, *lines[6], *written;
		int want;
	} rows[] = {
		{ "a year", { "Jul  5 12:00:00", "Dec  1 12:00:00",
			      "Feb  1 12:00:00", "Jun 30 12:00:00" },
		  "2026-06-30 13:00:00", 0 },
		{ "more than a year",
		  { "Mar  1 12:00:00", "Aug  1 12:00:00", "Jan  1 12:00:00",
		    "Jun 30 12:00:00" },
		  "2026-06-30 13:00:00", 1 },
		{ "three years", { "Jun  1 12:00:00", "Dec  1 12:00:00",
				   "May  1 12:00:00", "Nov  1 12:00:00",
				   "Jan  1 12:00:00" },
		  "2026-06-30 13:00:00", 2 },
		{ "a day of grace", { "Dec 31 12:00:00", "Jan  1 12:00:00" },
		  "2026-12-31 13:00:00", 0 },
		{ "not written since", { "May  1 12:00:00", "Nov  1 12:00:00" },
		  "2026-06-30 13:00:00", 1 },
		{ "the year is told", { "May  1 2026 12:00:00",
					"Nov  1 2026 12:00:00" },
		  "2026-06-30 13:00:00", 0 },
		{ "the year was told", { "May  1 2026 12:00:00",
					 "Nov  1 12:00:00" },
		  "2026-06-30 13:00:00", 0 },
	};

	(void)state;
	use_zone("UTC");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct logclock clock;

		logclock_init(&clock, utc(rows[i].written));
		for (size_t n = 0; rows[i].lines[n] != NULL; n++)
			read_time(&clock, rows[i].lines[n]);
		check(rows[i].name, logclock_ahead(&clock), rows[i].want);
	}
}

static void test_back(void **state)
{
	static const struct {
		const char *zone, *at, *want;
		int years;
	} rows[] = {
		{ "UTC", "2026-11-25 02:23:26", "2025-11-25 02:23:26", 1 },
		{ "UTC", "2026-11-25 02:23:26", "2023-11-25 02:23:26", 3 },
		{ "UTC", "2026-03-01 12:00:00", "2024-03-01 12:00:00", 2 },
		{ "UTC", "2028-02-29 12:00:00", "2024-02-29 12:00:00", 4 },
		{ "UTC", "2028-02-29 12:00:00", "2027-03-01 12:00:00", 1 },
		/* Winter ended on the 29th, and on the 30th. */
		{ "Europe/Berlin", "2026-03-29 22:30:00",
		  "2025-03-29 23:30:00", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		use_zone(rows[i].zone);
		check(rows[i].at,
		      logclock_back((uint64_t)utc(rows[i].at) * 1000 + 7,
				    rows[i].years),
		      utc(rows[i].want) * 1000 + 7);
	}
	use_zone("UTC");
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
		{ "UTC", "Nov 5 12:00:00", "2026-11-05 12:00:00", 0 },
		{ "UTC", "2026 Nov 5 12:00:00", "2026-11-05 12:00:00", 0 },
		{ "Asia/Kolkata", "2026-11-25_02:23:26.12345",
		  "2026-11-25 02:23:26", 123 },
		{ "Asia/Kolkata", "Wed 2026-11-25 02:23:26 UTC",
		  "2026-11-25 02:23:26", 0 },
		{ "UTC", "Wed 2026-11-25 02:23:26 +0530",
		  "2026-11-24 20:53:26", 0 },
		{ "Europe/Berlin", "Wed 2026-11-25 02:23:26.5 CET",
		  "2026-11-25 01:23:26", 500 },
		{ "Asia/Kolkata", "1795573406.123456", "2026-11-25 02:23:26",
		  123 },
		{ "Asia/Kolkata", "@40000000386d43a509e2c06a",
		  "2000-01-01 00:00:00", 165 },
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

/* Of this boot, where the file was written since. */
static void test_uptime(void **state)
{
	static const struct {
		const char *line, *boot, *written, *want;
	} rows[] = {
		{ "[   86.123456]", "2026-11-25 02:22:00", "2026-11-25 03:00:00",
		  "2026-11-25 02:23:26" },
		{ "[86400.000000]", "2026-11-25 02:22:00", "2026-11-26 02:22:00",
		  "2026-11-26 02:22:00" },
		{ "[86500.000000]", "2026-11-25 02:22:00", "2026-11-26 02:22:00",
		  NULL },
		{ "[   86.123456]", "2026-11-25 02:22:00", "2026-11-25 02:00:00",
		  NULL },
		{ "[   86.123456]", NULL, "2026-11-25 02:00:00", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct logclock clock;

		logclock_init(&clock, utc(rows[i].written));
		if (rows[i].boot != NULL)
			clock.boot_s = utc(rows[i].boot);
		check(rows[i].line, read_time(&clock, rows[i].line) / 1000,
		      rows[i].want != NULL ? utc(rows[i].want) : 0);
	}
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
		"Nov 123 02:23:26 ", "Wed Nov 25 02:23:26 ",
		"Wed 2026-11-25 02:23:26 ", "179557340.123 ",
		"1795573406x ", "[12] ", "[12.5 ", "[a.5] ",
		"@40000000386d43a509e2c06 ", "@40000000386d43a5ffffffff ",
		"@c0000000386d43a509e2c06a ", "@400000FF386d43a509e2c06a ",
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
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_uptime),
		cmocka_unit_test(test_no_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
