/* outcome.h - learn how each login ends
 *
 * Dovecot tells no passdb how a request ended, and the passdb that verified
 * says "ok" of a CRAM or SCRAM user whose proof is wrong. It does send an event
 * named auth_request_finished for each request, before the failure delay. That is
 * a debug event, which nobody gets to see unless a filter wants it;
 * outcome.c sees to it that one does, from the first login on that needs it: an
 * event that is wanted costs 1 us more. Where a password was compared, the
 * request is mostly finished when the mechanism has its answer, and tells itself
 * how it ended. What the passdbs said passes through intercept.c.
 *
 * A login's ticket is settled once, at the first of
 *   the mechanism's return, or
 *   auth_request_finished  success, denied, internal or wrong
 *   the request's end      without it, when the client went away in between:
 *                          what the lookup said if it failed (an OAuth client
 *                          gone at the challenge), else abandoned (a SCRAM
 *                          client gone before its proof)
 * A client that goes away during the lookup makes no difference: Dovecot goes
 * on with the request and finishes it. */
#ifndef LOCKSTEP_OUTCOME_H
#define LOCKSTEP_OUTCOME_H

#include "login.h"

/* The state may be gone by state_close() only after outcome_deinit(). */
void outcome_init(struct state *state);
void outcome_deinit(void);

/* Follow a login: settles its ticket, if one was opened, and frees it. */
void outcome_watch(struct login *login);

/* The passdbs have answered, with their last word: from intercept.c. */
void outcome_answered(struct login *login, enum passdb_result result);

/* The mechanism has taken that word: settles, if the request is finished. */
void outcome_finished(struct login *login);

/* The login of a request, or NULL. */
struct login *outcome_find(const struct auth_request *request);

#endif
