/* prose.h - English for a chat service
 *
 * A text that grows up to what the service takes, of two kinds of words: ours,
 * and names, which may be what a stranger typed. Names come out without control
 * characters (escape.h), and in the service's own way so that nobody is mentioned,
 * nothing is linked and nothing is formatted by them. What does not fit is cut, at
 * a character, and ends with an ellipsis. */
#ifndef LOCKSTEPD_PROSE_H
#define LOCKSTEPD_PROSE_H

#include <stdbool.h>
#include <stddef.h>

#include "lockstep.h"
#include "shared/log.h"

enum { PROSE_MAX = 4096 }; /* bytes, of any */

struct prose {
	enum ls_format format;
	size_t max, used;
	bool full; /* something did not fit */
	char text[PROSE_MAX + 1];
};

/* An empty text of at most `max` bytes, for this format. */
void prose_start(struct prose *prose, enum ls_format format, size_t max);

/* What a service takes as one text, in bytes. */
size_t prose_limit(enum ls_format format);

/* Our own words: no markup is in them. */
void prose_say(struct prose *prose, const char *format, ...) LOG_FORMAT(2, 3);

/* Somebody else's; "?" where there is nothing. */
void prose_name(struct prose *prose, const char *name);

/* Adds all of a text of the same format if it fits, with `spare` bytes left.
 * Returns whether it did. */
bool prose_add(struct prose *prose, const struct prose *other, size_t spare);

#endif
