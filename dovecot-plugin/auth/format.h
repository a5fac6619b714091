/* format.h - what Dovecot's settings keep of a user name
 *
 * Reads the variables of a format, in the syntax of Dovecot 2.3 ("%Lu", "%n",
 * "%L{username}") and of 2.4 ("%{user | lower}", "%{user | username}"). Knows
 * nothing else of Dovecot. */
#ifndef LOCKSTEP_FORMAT_H
#define LOCKSTEP_FORMAT_H

#include <stdbool.h>

/* Has it what stands before the @, and nothing of what is behind it? Of two names that
 * differ in the domain it then makes one. */
bool format_drops_domain(const char *format);

/* Has it everything of the name in lower case? */
bool format_lowers(const char *format);

#endif
