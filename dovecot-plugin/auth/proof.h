/* proof.h - clients that owe the last word of an exchange
 *
 * SCRAM proves the password in answer to a challenge that is made of the user's
 * credentials, and a refused token is confirmed by the client. Until then the attempt
 * holds its charges, and others wait for the room. Dovecot waits for 150 s; here it
 * is PROOF_MAX_MS: then the attempt counts as failed, whatever comes later. */
#ifndef LOCKSTEP_PROOF_H
#define LOCKSTEP_PROOF_H

struct login;

enum { PROOF_MAX_MS = 20000 };

typedef void proof_overdue_t(struct login *login);
void proof_init(proof_overdue_t *overdue);
void proof_deinit(void);

/* It is the client's turn. */
void proof_await(struct login *login);
/* It has settled, or ends; also where nothing was awaited. */
void proof_end(struct login *login);

#endif
