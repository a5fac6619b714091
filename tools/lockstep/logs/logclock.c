/* logclock.c - see logclock.h */
#include "lockstep-config.h"

#include "logs/logclock.h"

#include <string.h>
#include <time.h>

#define LAST_S INT64_C(253402300800) /* the year 10000 */

enum {
	DAY_S = 86400,
	MONTHS_BACK = 6, /* a date that falls back by so many began a year */
};

void logclock_init(struct logclock *clock, int64_t written_s)
{
	memset(clock, 0, sizeof(*clock));
	clock->written_s = written_s;
}

/* Days from 1970-01-01. Years of the calculation begin in March, so that a
 * leap day is a year's last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static int64_t clock_hour(int year, const struct dovelog_when *when)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = when->month - 1,
		.tm_mday = when->day,
		.tm_hour = when->hour,
		.tm_isdst = -1,
	};

	return (int64_t)mktime(&tm);
}

/* The year of the first line: the file was last written after it. Where that
 * was years after it, the last line tells: logclock_ahead(). */
static int first_year(const struct logclock *clock,
		      const struct dovelog_when *when)
{
	time_t written = (time_t)clock->written_s;
	struct tm tm;
	int year;

	if (localtime_r(&written, &tm) == NULL)
		return 1970;
	year = tm.tm_year + 1900;
	/* A day of grace, for clocks and zones that differ. */
	return clock_hour(year, when) > clock->written_s + DAY_S ? year - 1
								 : year;
}

static int year_of(struct logclock *clock, const struct dovelog_when *when)
{
	int year = when->year;

	if (year != 0) {
		clock->guessed = false;
	} else {
		year = clock->year;
		if (year == 0) {
			year = first_year(clock, when);
			clock->guessed = true;
		} else if (when->month + MONTHS_BACK <= clock->month)
			year++;
		else if (when->month > clock->month + MONTHS_BACK)
			return year - 1; /* a line that comes late */
	}
	clock->year = year;
	clock->month = when->month;
	return year;
}

static int64_t date_of(struct logclock *clock, const struct dovelog_when *when)
{
	int year = year_of(clock, when);
	struct dovelog_when *hour = &clock->hour;
	int64_t seconds;

	if (when->zoned) {
		seconds = days_of(year, when->month, when->day) * DAY_S +
			  when->hour * 3600 - when->offset_s;
	} else {
		/* The zone's rules are slow to ask. */
		if (hour->year != year || hour->month != when->month ||
		    hour->day != when->day || hour->hour != when->hour) {
			*hour = *when;
			hour->year = year;
			clock->hour_s = clock_hour(year, when);
		}
		seconds = clock->hour_s;
	}
	seconds += when->minute * 60 + when->second;
	if (clock->guessed)
		clock->last_s = seconds;
	return seconds;
}

/* 0: of another boot, or another machine. */
static int64_t uptime_of(const struct logclock *clock,
			 const struct dovelog_when *when)
{
	int64_t seconds = clock->boot_s + when->seconds;

	return clock->boot_s > 0 && seconds <= clock->written_s + 1 ? seconds
								    : 0;
}

uint64_t logclock_ms(struct logclock *clock, const struct dovelog_when *when)
{
	int64_t seconds;

	switch (when->kind) {
	case DOVELOG_UNIX:
		seconds = when->seconds;
		break;
	case DOVELOG_BOOT:
		seconds = uptime_of(clock, when);
		break;
	default:
		seconds = date_of(clock, when);
	}
	return seconds > 0 && seconds < LAST_S
		       ? (uint64_t)seconds * 1000 + (uint64_t)when->ms
		       : 0;
}

/* Of a day that the year before has not, the one after it. A leap day that was
 * guessed into a common year became March 1 then, and stays that. */
static int64_t back(int64_t at_s, int years)
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL)
		return 0;
	tm.tm_year -= years;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

int logclock_ahead(const struct logclock *clock)
{
	int years = 0;

	if (clock->last_s > clock->written_s + DAY_S)
		do
			years++;
		while (back(clock->last_s, years) > clock->written_s + DAY_S);
	return years;
}

uint64_t logclock_back(uint64_t at_ms, int years)
{
	int64_t at_s = back((int64_t)(at_ms / 1000), years);

	return at_s > 0 ? (uint64_t)at_s * 1000 + at_ms % 1000 : 0;
}
