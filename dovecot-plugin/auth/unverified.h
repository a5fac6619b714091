/* unverified.h - passdbs that say yes without a look at the password
 *
 * A passdb whose answer has the field `nopassword` says yes to any password.
 * Mostly it has `proxy` beside it: a backend verifies then, and this server does
 * not learn what it said. Dovecot drops the field before anybody hears of the
 * answer (2.4.1), or a worker's answer is all that there is of it. So we stand in
 * front of verify_plain of every passdb, in workers too. A yes that compared
 * nothing gets a field of ours, which goes the way of all fields: from the worker,
 * into the auth cache and out of it. */
#ifndef LOCKSTEP_UNVERIFIED_H
#define LOCKSTEP_UNVERIFIED_H

#include "auth-common.h"

/* From init, in the auth process and in workers. Later calls do nothing. */
void unverified_init(void);
void unverified_deinit(void);

/* Has the passdb that answers just now said yes so? Takes the field away. */
bool unverified_take(struct auth_request *request);

#endif
