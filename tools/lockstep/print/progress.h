/* progress.h - a bar on a terminal, for what takes seconds
 *
 * On standard error, and only where that is a terminal. */
#ifndef LOCKSTEP_PROGRESS_H
#define LOCKSTEP_PROGRESS_H

#include <stdbool.h>

struct progress {
	const char *what; /* "reading" */
	bool shown;       /* something stands on the line */
	int percent;
};

void progress_begin(struct progress *progress, const char *what);
/* `context` is a struct progress; 0 to 1. */
void progress_show(void *context, double part);
/* Clear the line. */
void progress_end(struct progress *progress);

#endif
