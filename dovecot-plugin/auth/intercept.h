/* intercept.h - between the passdbs and the mechanism
 *
 * What the passdbs answer in the end passes here before the mechanism gets it,
 * for the sake of what is known only then:
 *
 *   - the account may have another name by now (an alias, a master user's
 *     target): if that one is frozen, the login is refused after all;
 *   - SCRAM sends the user's salt before the password is known to be right. A
 *     refused login gets a decoy's instead (decoy.h), and cannot succeed;
 *   - OAUTHBEARER and XOAUTH2 tell a refused token from a refused user, in a
 *     challenge: a refused login gets that of a token (intercept_is_token()). */
#ifndef LOCKSTEP_INTERCEPT_H
#define LOCKSTEP_INTERCEPT_H

#include "auth/login.h"

void intercept_init(struct state *state);

/* Stand in front of the mechanism's callback. */
void intercept_login(struct login *login);

bool intercept_is_scram(const struct login *login);
/* Dovecot 2.4, where a mechanism has found the token good by itself and only
 * asks whether its user may log in; 2.3 has the passdbs verify tokens. */
bool intercept_is_token(const struct login *login);

#endif
