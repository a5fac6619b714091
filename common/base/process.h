/* process.h - does the process that wrote something still run?
 *
 * A process number is given again, so a process is known by its number and the
 * moment it started, and that only among those that share its pid namespace. */
#ifndef LS_PROCESS_H
#define LS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct ls_process {
	uint32_t pid;
	uint32_t start; /* 24 bits of its start, in clock ticks; 0: not known */
	uint64_t space; /* inode of its pid namespace; 0: not known */
};

/* A descriptor of /proc, so that it can be looked at from a chroot; negative
 * where there is none.
 *   root_fd  as in ls_open_args */
int ls_process_open(int root_fd);

/* This process, as others will know it. */
void ls_process_self(int procfd, struct ls_process *self_r);

/* A child of `master` that is none of the mail server's own other services, as far as
 * can be told: what cannot be looked at counts as one. */
bool ls_process_is_mail(int procfd, uint32_t master,
			const struct ls_process *process);

/* True only if it is certain that this process has ended: of another namespace
 * nothing is certain, and without /proc a process with its number counts as it.
 *   self  of the one who asks */
bool ls_process_is_gone(int procfd, const struct ls_process *self,
			const struct ls_process *process);

#endif
