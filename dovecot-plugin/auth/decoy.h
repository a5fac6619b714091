/* decoy.h - SCRAM challenges for logins that are refused
 *
 * With SCRAM a wrong password fails in the last step: before it the server
 * sends the user's salt and iteration count. A refused login has to go the same
 * way, or the client would know at once. But asking the passdbs for the salt is
 * what the refusal is there to save. So the decoy repeats what this process
 * last sent for that user; for a user not seen before it makes up a salt that
 * stays the same for the life of the process.
 *
 * Two more habits of Dovecot's are followed: users without SCRAM credentials
 * (unknown ones too) get no challenge, and those whose password is stored in
 * plain text get a new salt each time.
 *
 * Fixed memory: DECOY_USERS entries, a newcomer takes the place of the one it
 * collides with. A salt is public; nothing else is kept. */
#ifndef LOCKSTEP_DECOY_H
#define LOCKSTEP_DECOY_H

#include "auth-common.h"
#include "passdb.h"

enum { DECOY_USERS = 1024, DECOY_SALT_TEXT = 64 };

void decoys_init(void);
void decoys_deinit(void);

/* What the passdbs answered for a user.
 *   scheme       "SCRAM-SHA-1" or "SCRAM-SHA-256"; others are left alone
 *   credentials  "iterations,salt,stored key,server key", not NUL terminated */
void decoy_learn(const char *scheme, const char *user,
		 enum passdb_result result, const unsigned char *credentials,
		 size_t size);

/* Returns credentials that no password fits, from the data stack; or NULL when
 * this user gets no challenge, or the scheme is not known. */
const char *decoy_credentials(const char *scheme, const char *user);

#endif
