/* revoked.h - what orders say of a session; see revoked.c */
#ifndef LS_REVOKED_H
#define LS_REVOKED_H

#include "state/state.h"

/* What orders say of an account that has logged in, as a decision: ADMIT, or DENY
 * for a freeze, or for an administrator's lock that fell since begun_ms. */
void ls_session_look(struct ls_state *state, const char *user,
		     const struct ls_addr *ip, uint64_t begun_ms,
		     uint64_t now_ms, struct ls_decision *decision_r);

#endif
