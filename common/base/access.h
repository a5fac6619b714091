/* access.h - who besides root may use a map
 *
 * Dovecot's auth process, by the user that it runs as, and two groups, by lockstep.conf: `group` reads and writes, `readers` only reads.
 * A file's mode has room for one of them. So `group` owns the file, mode 0660,
 * and `readers` has an entry in its access list, which `ls -l` shows as a + and
 * getfacl(1) by name. The list is written as the kernel reads it, five entries
 * that never differ: a library for them would have to be loaded into every mail
 * process. Source: acl(5), linux/posix_acl_xattr.h. */
#ifndef LS_ACCESS_H
#define LS_ACCESS_H

#include "lockstep.h"

#include <sys/types.h>

/* Open a new file, which is nobody's yet, to both groups ("": nobody).
 *   path   for messages
 * Returns 0, error_r->text then untouched or, if it was empty, a warning (there
 * is no such group; the file system has no access lists), or LS_ESYS. What
 * cannot be given is withheld: the file is then less open, never more. */
int ls_access_give(int fd, const char *path, const char *group,
		   const char *readers, struct ls_error *error_r);

/* Open it to one user besides, by an entry in its access list: for Dovecot's auth
 * process, which opens new maps when it is root no more. Nothing for a name that is
 * "", or that nobody has, or root's. Returns 0, error_r->text then untouched or, if
 * it was empty, a warning. */
int ls_access_add_user(int fd, const char *path, const char *user, bool write,
		       struct ls_error *error_r);
/* The user that this opened a file to, or would open it to; 0: nobody. */
uid_t ls_access_user_has(int fd);
uid_t ls_access_user_wanted(const char *user);

/* Which groups a file is open to that ls_access_give() opened; 0: nobody. Returns 0
 * or LS_ESYS. */
int ls_access_has(int fd, gid_t *group_r, gid_t *readers_r);
/* Which ones it opens a file to, as root and where there are access lists. */
void ls_access_wanted(const char *group, const char *readers, gid_t *group_r,
		      gid_t *readers_r);

/* Refuse a directory in which anybody may put a map of his own in place of ours:
 * one that others may write, or below one whose names others may change (without
 * the sticky bit), as its path says and as it lies.
 *   fd     the directory, open
 *   path   of it
 * Returns 0, or LS_EARG with the reason. What we may not look at passes. */
int ls_access_check_directory(int fd, const char *path,
			      struct ls_error *error_r);

/* What to tell who was refused. Returns LS_EACCES.
 *   path    the map
 *   write   what was wanted */
int ls_access_refused(const char *path, bool write, const char *group,
		      const char *readers, struct ls_error *error_r);

#endif
