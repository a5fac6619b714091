/* journal-line.h - an object of `lockstep events --json` into an attempt */
#ifndef LOCKSTEP_JOURNAL_LINE_H
#define LOCKSTEP_JOURNAL_LINE_H

#include "logs/attempts.h"

#include <jansson.h>

/* Returns 1 when the object told of an attempt, which is in `attempts` then; 0
 * when it is another event's; negative when it is none at all, or NULL. */
int journal_line(struct attempts *attempts, const json_t *object);

#endif
