/* known.h - did anybody ever log in by that name? */
#ifndef LOCKSTEP_KNOWN_H
#define LOCKSTEP_KNOWN_H

#include "lockstep.h"

enum { KNOWN_MEANT = 3 };

/* What is remembered of logins by a name. Guesses at it are none. */
struct known {
	bool used; /* somebody logged in by it, or it is another name of an account */
	/* Else those who did and whose names are like it: of the same local part in
	 * other domains first, where the domain was forgotten or mistyped. */
	unsigned count;
	char meant[KNOWN_MEANT][LS_USER_MAX + 1];
};

/* Looks at every familiar place, and at the journal. */
void known_gather(struct ls_state *state, const char *user,
		  struct known *known_r);

/* Say on standard error that nobody ever logged in by that name, and which one may be
 * meant; nothing when somebody did. */
void known_tell(const struct known *known, const char *user);

#endif
