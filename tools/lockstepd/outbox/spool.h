/* spool.h - a private directory of small files, for one process
 *
 * The directory has mode 0700 and is held with an exclusive flock, which ends
 * with the process however it ends. A file (mode 0600) is replaced as a whole,
 * by writing ".new" and renaming that: a reader never sees half of one. */
#ifndef LOCKSTEPD_SPOOL_H
#define LOCKSTEPD_SPOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "lockstep.h"

enum { SPOOL_FILE_MAX = 128 * 1024 };

struct spool {
	int fd; /* -1: not open */
	char path[PATH_MAX];
};

/* Opens spool->path, making it if need be. Returns 0, LS_EACCES when another
 * process holds it, or LS_ESYS; spool->fd is then -1. */
int spool_open(struct spool *spool, struct ls_error *error_r);
void spool_close(struct spool *spool);

/* Returns 0 or LS_ESYS. Closes the spool when its directory was removed.
 *   sync  the file also survives a power loss from here on */
int spool_store(struct spool *spool, const char *name, const char *text,
		bool sync, struct ls_error *error_r);

/* Gives the whole file, NUL-terminated, for the caller to free. Returns 0,
 * LS_ENOENT, LS_EFORMAT (no regular file, too large) or LS_ESYS. */
int spool_fetch(const struct spool *spool, const char *name, char **text_r,
		struct ls_error *error_r);

void spool_remove(const struct spool *spool, const char *name);

/* Calls `visit` with each name that does not begin with a dot. */
void spool_each(const struct spool *spool,
		void (*visit)(void *context, const char *name), void *context);

#endif
