/* journal-line.h - a line of `lockstep events --json` into an attempt */
#ifndef LOCKSTEP_JOURNAL_LINE_H
#define LOCKSTEP_JOURNAL_LINE_H

#include "attempts.h"

/* Returns 1 when the line told of an attempt, which is in `attempts` then; 0
 * when it is another event's; negative when it is none at all. */
int journal_line(struct attempts *attempts, const char *line, size_t len);

#endif
