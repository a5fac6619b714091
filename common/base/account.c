/* account.c - the name that an account is known by; see lockstep.h
 *
 * An account is known by the name that Dovecot makes of what is typed. A name that
 * is longer than a record has room for is known by its beginning and a hash of the
 * whole, so that two of one beginning are two accounts:
 *
 *    0                                  237 238             254
 *   +----------------------------------+---+----------------+
 *   |  as it is                        | ~ |  16 hex digits |
 *   +----------------------------------+---+----------------+
 *
 * The hash is the same in all maps and processes: Postfix's name of an account and
 * Dovecot's have to meet. That anybody can compute it helps nobody: of two names
 * that meet, whoever made them shares limits with himself. */
#include "lockstep-config.h"

#include "lockstep.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { HASH_DIGITS = 16, KEPT = LS_USER_MAX - 1 - HASH_DIGITS };

static void shorten(char user_r[LS_USER_MAX + 1], const char *user, size_t len)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES];
	unsigned char hash[crypto_shorthash_BYTES];
	char *digits = user_r + KEPT + 1;

	crypto_shorthash(hash, (const unsigned char *)user, len, key);
	memcpy(user_r, user, KEPT);
	user_r[KEPT] = '~';
	for (unsigned i = 0; i < sizeof(hash); i++)
		snprintf(digits + 2 * i, 3, "%02x", hash[i]);
}

void ls_user_copy(char user_r[LS_USER_MAX + 1], const char *user)
{
	size_t len = user != NULL ? strnlen(user, LS_USER_MAX + 1) : 0;

	if (len > LS_USER_MAX) {
		shorten(user_r, user, strlen(user));
		return;
	}
	if (len > 0)
		memcpy(user_r, user, len);
	user_r[len] = '\0';
}
