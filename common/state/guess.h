/* guess.h - the key of what is remembered of wrong passwords
 *
 * A file `secret` beside the maps, 16 random bytes, mode 0600: only root and the
 * process that decides logins, which opens it as root, can read it. On tmpfs, as
 * the maps: it dies with what it is the key of. Whoever has a map but not this
 * file can tell neither which password a fingerprint or a guess stands for, nor
 * try a list of passwords on it. */
#ifndef LS_GUESS_H
#define LS_GUESS_H

#include "lockstep.h"

enum { LS_SECRET_SIZE = 16 };

struct ls_secret {
	bool known;
	uint8_t key[LS_SECRET_SIZE];
};

/* Read it from directory dirfd, made first if `create` and missing; any number
 * of processes may try at once.
 *   path   the directory's, for messages
 * Returns 0, LS_ENOENT, LS_ESYS, or LS_EFORMAT when the file is not ours alone
 * or not whole, with the reason; the secret is then not known. */
int ls_secret_open(int dirfd, const char *path, bool create,
		   struct ls_secret *secret_r, struct ls_error *error_r);
void ls_secret_close(struct ls_secret *secret);

/* A password as a GUESS: SipHash-2-4 under the secret. Never 0. */
uint64_t ls_secret_guess(const struct ls_secret *secret, const char *password);

/* The fingerprint (slot.h) of that guess at a place. */
uint32_t ls_secret_print(uint64_t guess, uint64_t place_key);

#endif
