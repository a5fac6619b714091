/* log.h - lines on standard error, and errors in words
 *
 * Each line is "PROGRAM: text"; control characters in the text become '?'.
 * Under systemd standard error is the system's journal. */
#ifndef LOCKSTEPD_LOG_H
#define LOCKSTEPD_LOG_H

#include <stdint.h>

#include "lockstep.h"

#define LOG_FORMAT(text, first) __attribute__((__format__(printf, text, first)))

void log_line(const char *format, ...) LOG_FORMAT(1, 2);

/* Logs the line and ends the program with status 1. */
_Noreturn void log_fatal(const char *format, ...) LOG_FORMAT(1, 2);

/* The last thing said about one matter; all zero: nothing yet. */
struct log_place {
	char text[400];
};

/* Logs the line unless it is what was said about this matter last. */
void log_changed(struct log_place *place, const char *format, ...)
	LOG_FORMAT(2, 3);

/* The matter is well again: whatever is said next is news. Returns true when
 * something had been said. */
bool log_settled(struct log_place *place);

/* A count that is told at most once a minute; all zero: nothing counted. */
struct log_count {
	uint64_t count, quiet_until_ms;
};

/* Adds to the count; returns what to tell now and starts over, or 0. */
uint64_t log_count_take(struct log_count *count, uint64_t add, uint64_t now_ms);

/* Fills *error_r and returns code. */
int error_set(struct ls_error *error_r, int code, const char *format, ...)
	LOG_FORMAT(3, 4);

#endif
