/* made.h - what a guard is made with, and keeps until it is made anew
 *
 * For whoever tells an administrator that a policy asks for something else than the
 * maps in use have. The other maps are made along with the guard. */
#ifndef LS_MADE_H
#define LS_MADE_H

#include "policy/policy.h"

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

/* Have the maps room on this machine (room.c)? Asked before they are made: a file system
 * in memory gives what the machine has, and takes it from those who run; and new maps
 * are made beside those in use. */
uint64_t ls_room_wanted(uint64_t subjects, uint64_t journal_size); /* bytes */
/* Returns 0, or LS_ESYS with the figures when `dir`, or where it is to be made, has
 * not so many bytes free, or has them from memory that is not available. What cannot
 * be told is no reason. */
int ls_room_check(const char *dir, uint64_t bytes, struct ls_error *error_r);

#endif
