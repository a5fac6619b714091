/* unsure.h - failed passwords that may be right all the same
 *
 * One passdb says that the password is wrong, and another one that might say
 * otherwise fails, or lets a login pass to a backend. The failure counts. But a phone
 * that tries that password all night must be charged once, as for a wrong one, or an
 * hour without LDAP would lock out everybody. Nothing that is made of a right password
 * may get into a map; so what may be one is remembered here, in the memory of the
 * process that decides logins.
 *
 * Fixed size, taken once: sets of four, in which the oldest goes first. */
#ifndef LS_UNSURE_H
#define LS_UNSURE_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_UNSURE_PASSWORDS = 1 << 16 }; /* 512 KiB, most of it never touched */

struct ls_unsure;

/* Returns NULL when out of memory. */
struct ls_unsure *ls_unsure_new(void);
void ls_unsure_free(struct ls_unsure **unsure);

/* A place's key and the fingerprint of a password there, not 0. `unsure` may be NULL:
 * then nothing is remembered. */
bool ls_unsure_has(const struct ls_unsure *unsure, uint64_t place,
		   uint32_t print);
void ls_unsure_add(struct ls_unsure *unsure, uint64_t place, uint32_t print);
/* It has turned out to be right. */
void ls_unsure_drop(struct ls_unsure *unsure, uint64_t place, uint32_t print);

#endif
