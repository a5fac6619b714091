/* logclock.h - when a line was written, in ms since 1970
 *
 * Traditional log files say neither the year nor the time zone. The year is the
 * one that puts a file's first line before the file was last written; from
 * then on a year begins where the date falls back by months. Where that leads
 * beyond the time the file was last written, all of it was years earlier: to be
 * asked for when the file is read. The zone is this machine's. Times since a boot are
 * of this machine's last one, where the file was written after it, and of no time
 * that is known else. Knows the zone from $TZ or /etc/localtime; does no other I/O. */
#ifndef LOCKSTEP_LOGCLOCK_H
#define LOCKSTEP_LOGCLOCK_H

#include "logs/dovelog.h"

struct logclock {
	int64_t written_s; /* when the file was, or now; since 1970 */
	int64_t boot_s; /* when this machine started, if known; the caller's */
	int year, month;   /* of the line before; year 0: there is none */
	bool guessed; /* that year counts from a guess at the first line's */
	int64_t last_s; /* the last time of such a year */
	struct dovelog_when hour; /* the last local hour looked up */
	int64_t hour_s;
};

void logclock_init(struct logclock *clock, int64_t written_s);
/* Returns 0 for a time that there is not, or that has no four digits of a year. */
uint64_t logclock_ms(struct logclock *clock, const struct dovelog_when *when);

/* By how many years the times of guessed years are too late. */
int logclock_ahead(const struct logclock *clock);
/* A time as many years before, to the same date and hour of this machine's. */
uint64_t logclock_back(uint64_t at_ms, int years);

#endif
