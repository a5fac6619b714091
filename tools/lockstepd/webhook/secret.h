/* secret.h - the files of a webhook that are for nobody else
 *
 * A secret file holds one secret a line, "whsec_" and the base64 of 24 to 64
 * bytes, as the Standard Webhooks specification writes it. Empty lines and
 * lines that begin with '#' are skipped. More than one secret is a rotation:
 * each message is signed with all of them, the first line's signature first.
 * ed25519 keys ("whsk_") are refused.
 *
 * Other files hold one line: a token, or a URL that is a secret itself. */
#ifndef LOCKSTEPD_SECRET_H
#define LOCKSTEPD_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"

enum {
	SECRET_KEYS_MAX = 4,
	SECRET_OCTETS_MIN = 24,
	SECRET_OCTETS_MAX = 64,
	SECRET_FILE_MAX = 4096, /* bytes */
};

struct secret_key {
	uint8_t octet[SECRET_OCTETS_MAX];
	size_t length;
};

/* Whoever fills one gives it to secret_wipe() in the end. */
struct secret {
	struct secret_key key[SECRET_KEYS_MAX];
	unsigned keys;
};

/* Reads the text of a secret file. Returns 0 with at least one key, or
 * LS_EFORMAT with the line's number and what is wrong with it (never what it
 * holds); secret_r is then wiped. */
int secret_parse(const char *text, size_t length, struct secret *secret_r,
		 struct ls_error *error_r);

/* Reads a secret file. It must be a regular file of root's or of this
 * process's user, without any right for group and others. Returns 0, LS_ESYS
 * (not readable), LS_EACCES (open to others) or LS_EFORMAT, each with the
 * file's name in *error_r; secret_r is then wiped. */
int secret_read(const char *path, struct secret *secret_r,
		struct ls_error *error_r);

void secret_wipe(struct secret *secret);

/* The one line of a text that is neither empty nor begins with '#', without the
 * blanks around it: printable ASCII, none within, and shorter than `size`.
 * Returns 0 with it, or LS_EFORMAT with what is wrong, never what it holds;
 * line_r is then empty. */
int secret_parse_line(const char *text, size_t length, char *line_r,
		      size_t size, struct ls_error *error_r);

/* The same of a file, which is as secret_read() wants it. */
int secret_read_line(const char *path, char *line_r, size_t size,
		     struct ls_error *error_r);

#endif
