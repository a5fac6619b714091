/* sandbox.h - a private state to try a policy on
 *
 * A directory of its own, on /dev/shm where there is one, with a copy of the
 * policy that enforces, whatever the original does. It begins empty: without
 * locks, without familiar places. The directory is removed as soon as its files are
 * open: whatever ends the process, nothing of it stays. */
#ifndef LOCKSTEP_SANDBOX_H
#define LOCKSTEP_SANDBOX_H

#include "policy/policy.h"

struct sandbox {
	char dir[64], policy_path[96];
	struct ls_policy policy; /* as copied */
	struct ls_state *state;
};

/* Make one whose clocks stand at `now_ms`, of both kinds.
 *   policy  path of a policy.cdb, or
 *   conf    path of a lockstep.conf, what is wrong with it goes to standard
 *           error; the other is NULL. Both NULL: what an empty one means
 * Returns 0, or negative after a complaint. sandbox_fini() in any case. */
int sandbox_init(struct sandbox *sandbox, const char *policy, const char *conf,
		 uint64_t now_ms);
void sandbox_fini(struct sandbox *sandbox);

#endif
