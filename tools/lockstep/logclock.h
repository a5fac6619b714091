/* logclock.h - when a line was written, in ms since 1970
 *
 * Traditional log files say neither the year nor the time zone. The year is the
 * one that puts a file's first line before the file was last written; from
 * then on a year begins where the date falls back by months. The zone is this
 * machine's. Knows the zone from $TZ or /etc/localtime; does no other I/O. */
#ifndef LOCKSTEP_LOGCLOCK_H
#define LOCKSTEP_LOGCLOCK_H

#include "dovelog.h"

struct logclock {
	int64_t written_s; /* when the file was, or now; since 1970 */
	int year, month;   /* of the line before; year 0: there is none */
	struct dovelog_when hour; /* the last local hour looked up */
	int64_t hour_s;
};

void logclock_init(struct logclock *clock, int64_t written_s);
/* Returns 0 for a time that there is not. */
uint64_t logclock_ms(struct logclock *clock, const struct dovelog_when *when);

#endif
