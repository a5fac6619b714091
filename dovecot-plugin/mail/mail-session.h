/* mail-session.h - the mail sessions of this process
 *
 * Each user of a mail program is a session. One is opened when Dovecot has made
 * the user, and refused if it must not begin; it is looked at every few seconds,
 * and ended when its account is frozen or locked by an administrator; it is
 * closed with its user. A process may have many at once (client_limit) and one
 * after the other (service_count). */
#ifndef LOCKSTEP_MAIL_SESSION_H
#define LOCKSTEP_MAIL_SESSION_H

#include "mail/ending.h"
#include "lockstep-state.h"

struct mail_user;

/* An order is to end sessions within 5 seconds. */
enum { MAIL_SESSION_LOOK_MS = 3000 };

void mail_sessions_init(struct state *state);
void mail_sessions_deinit(void);

/* From the hook: the user was made.
 *   service  Lockstep's name for it
 *   ending   how to end a session of this program */
void mail_session_begin(struct mail_user *user, const struct ls_addr *ip,
			const char *service, ending_fn *ending);

#endif
