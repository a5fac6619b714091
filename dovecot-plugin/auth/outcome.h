/* outcome.h - learn how each login ends
 *
 * Dovecot tells no passdb how a request ended, and the passdb that verified
 * says "ok" of a CRAM or SCRAM user whose proof is wrong. But it makes an event for
 * each passdb's answer, and one for each request that is finished, before the
 * failure delay; outcome.c sees those. What the passdbs said in the end passes
 * through intercept.c.
 *
 * A login's ticket is settled once, at the first of
 *   the request is finished  success, unverified, denied, internal or wrong
 *   20 s without the client's proof (proof.h): wrong. If it comes after all and
 *                            is right, that is a success, and nothing is given back
 *   the request's end        before that, when the client went away in between:
 *                            what the lookup said if it failed (an OAuth client
 *                            gone at the challenge), else abandoned (a SCRAM
 *                            client gone before its proof)
 * A client that goes away during the lookup makes no difference: Dovecot goes
 * on with the request and finishes it. */
#ifndef LOCKSTEP_OUTCOME_H
#define LOCKSTEP_OUTCOME_H

#include "auth/login.h"

/* The state may be gone by state_close() only after outcome_deinit(). */
void outcome_init(struct state *state);
void outcome_deinit(void);

/* Follow a login: settles its ticket, if one was opened, and frees it. */
void outcome_watch(struct login *login);

/* The passdbs have answered, with their last word: from intercept.c. */
void outcome_answered(struct login *login, enum passdb_result result);

/* The login of a request, or NULL. */
struct login *outcome_find(const struct auth_request *request);

#endif
