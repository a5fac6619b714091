/* logread.h - log files, and saved journals, into attempts
 *
 * A file may be compressed by gzip, or be a saved journal, lines of `lockstep
 * events --json`, or JSON of logjson.h; lines of all kinds may be mixed. "-" is
 * standard input. */
#ifndef LOCKSTEP_LOGREAD_H
#define LOCKSTEP_LOGREAD_H

#include "logs/attempts.h"

enum {
	LOGREAD_SHOWN = 5,   /* lines not understood that are kept */
	LOGREAD_LINE = 8192, /* the longest line that is looked at */
};

struct logread {
	struct attempts attempts;
	uint64_t lines;
	uint64_t unknown; /* told of logins, it seems, and were not understood */
	char *shown[LOGREAD_SHOWN]; /* the first of them; NULL: fewer */
	uint64_t told;    /* lines that told of an attempt */
	bool cut; /* a compressed file ends too early: there was a complaint */
	uint64_t nameless; /* failures that Postfix gave no account for */
};

/* Where reading stands, 0 to 1; may be NULL. */
typedef void logread_progress_fn(void *context, double part);

/* Read files and merge what they tell. Returns 0, or negative after a complaint
 * about the file; *logread is to be freed in any case. */
int logread_files(struct logread *logread, char *const *files, int count,
		  logread_progress_fn *progress, void *context);
/* One line of a log or journal, without its newline. `clock` as in logclock.h;
 * attempts_merge() is the caller's. */
struct logclock;
void logread_line(struct logread *logread, struct logclock *clock,
		  const char *line, size_t len);
void logread_free(struct logread *logread);

#endif
