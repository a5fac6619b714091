/* foreign.h - files that are no lockstep.conf
 *
 * Root compiles, and may do so for people who cannot read all that root can: by
 * sudo, or from a file of theirs that includes another. So of a file that is
 * something else nothing is shown, neither its lines nor its words. */
#ifndef LOCKSTEP_CONF_FOREIGN_H
#define LOCKSTEP_CONF_FOREIGN_H

#include "conf/tokens.h"

#include <confuse.h>

/* Say of each file that has words, and no key or section of ours among them, not
 * even a misspelled one, that it is no lockstep.conf, and drop all of it. A file
 * with nothing but networks is some list's.
 *   options  all there are, with those of the sections */
void conf_foreign_drop(struct conf_text *text, const cfg_opt_t *options,
		       struct conf_log *log);

/* Does a key or a section begin at this token, ours or not? */
bool conf_begins_statement(const struct conf_text *text, size_t token);

#endif
