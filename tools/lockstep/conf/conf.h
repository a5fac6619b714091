/* conf.h - lockstep.conf, read and checked whole
 *
 * From the administrator's text to what policy.cdb holds: the policy, what
 * accounts, domains and networks override, the webhooks. Reads files; prints
 * nothing. Everything that is wrong is told, not the first thing alone. */
#ifndef LOCKSTEP_CONF_H
#define LOCKSTEP_CONF_H

#include "conf/complaints.h"
#include "policy/policy.h"

#include <stdio.h>

struct conf;

/* Read a file and what it includes. Always gives a conf, to be freed. Returns 0
 * when it can be compiled, -1 when the log has errors. */
int conf_read(const char *path, struct conf **conf_r);
/* The same from a compiled policy. Returns 0, or negative with the reason and
 * *conf_r NULL. Names that cannot be written in a lockstep.conf, which no
 * compiler made, are warned of and left out.
 *   path  of the policy, for messages; outlives the conf */
int conf_load(const struct ls_policy_file *file, const char *path,
	      struct conf **conf_r, struct ls_error *error_r);
void conf_free(struct conf **conf);

/* Errors and warnings, sorted by place; live as long as the conf. */
const struct conf_log *conf_log(const struct conf *conf);

/* Valid after conf_read() returned 0. */
const struct ls_policy *conf_policy(const struct conf *conf);
/* Where the last word on a key at the top is; line 0: nowhere, it is the default. */
struct conf_place conf_place_of(const struct conf *conf, const char *key);
struct conf_counts {
	size_t users, domains, nets, webhooks;
};
struct conf_counts conf_counts(const struct conf *conf);
void conf_write(const struct conf *conf, struct ls_policy_writer *writer);
/* All of it as a lockstep.conf, defaults included. Read again, and written, it
 * gives the same records in the same order. */
void conf_dump(const struct conf *conf, FILE *out);
/* Does a file, with what it includes, say other than a compiled policy does?
 * Returns 1 or 0, or -1 when it could not be compiled, or not be read.
 *   policy  the path of the compiled one, for messages */
int conf_differs(const char *path, const struct ls_policy_file *file,
		 const char *policy);

#endif
