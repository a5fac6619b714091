/* space.h - maps that take nothing of a process's address space
 *
 * Dovecot gives each of its processes a limit of address space (vsz_limit, 256 MB
 * unless it is changed: RLIMIT_AS), which is meant for the process's own memory.
 * A map of ours counts too, and may be larger than all of it. So each map raises
 * the limit by its own size, exactly, and lowers it again when it goes: what the
 * process has for itself is the same as without us.
 *
 * Raising the limit beyond its hard one needs root (CAP_SYS_RESOURCE). A process
 * that will lose its rights raises the hard limit ahead, for maps that it opens
 * later. The soft limit is the one that holds it. Source: setrlimit(2).
 *
 * The limit is the process's, so is what is known about it here. Any thread may
 * map; that they change the limit at once is not foreseen. */
#ifndef LS_SPACE_H
#define LS_SPACE_H

#include "lockstep.h"

/* mmap(2) of a whole file, shared. Returns MAP_FAILED with errno. A limit that
 * cannot be raised is no failure as long as the map fits into it. */
void *ls_space_map(int fd, size_t size, bool writable);
void ls_space_unmap(void *base, size_t size);

/* The same for what a library maps by itself: raise the limit before it does, say
 * where the map is after, or NULL if it failed; and once it has unmapped that again,
 * say so. What the first returns goes to the second. */
size_t ls_space_raise(size_t size);
void ls_space_mapped(const void *base, size_t size, size_t raised);
void ls_space_unmapped(const void *base, size_t size);

/* As root, before the rights to do so are lost: let the limit be raised later. */
void ls_space_reserve(void);

/* "map PATH: ...": why that failed, from errno, with the figures. LS_ESYS. */
int ls_space_fail(const char *path, size_t size, struct ls_error *error_r);

/* Bytes that are mapped here and count against the limit all the same. */
uint64_t ls_space_counted(void);
/* The limit; UINT64_MAX: none. */
uint64_t ls_space_limit(void);

#endif
