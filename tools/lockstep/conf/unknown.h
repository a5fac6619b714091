/* unknown.h - helping with a key that there is not */
#ifndef LOCKSTEP_CONF_UNKNOWN_H
#define LOCKSTEP_CONF_UNKNOWN_H

#include "conf/tokens.h"

#include <confuse.h>

/* Say that the key at `token` is none of this section's, and which may have
 * been meant. */
void conf_unknown_key(const struct conf_text *text, size_t token,
		      const cfg_t *section, struct conf_log *log);

#endif
