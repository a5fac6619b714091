/* made.h - what a guard is made with, and keeps until it is made anew
 *
 * For whoever tells an administrator that a policy asks for something else than the
 * maps in use have. The other maps are made along with the guard. */
#ifndef LS_MADE_H
#define LS_MADE_H

#include "policy.h"

#include <sys/types.h>

struct ls_made {
	uint64_t subjects;     /* room for them: what was asked for, rounded up */
	uint64_t journal_size; /* records */
	gid_t group, readers;  /* who may change it, read it; 0: nobody */
	uid_t auth_user;       /* the same */
};

/* The guard that is open. Returns 0, or LS_ESYS when its file cannot be looked
 * at. */
int ls_made_as(const struct ls_state *state, struct ls_made *made_r);

/* One that this policy would make on this host: a group that is not there is
 * nobody. */
void ls_made_by(const struct ls_policy *policy, struct ls_made *made_r);

#endif
