/* policy-file.h - an open policy.cdb; part of policy.h's implementation */
#ifndef LS_POLICY_FILE_H
#define LS_POLICY_FILE_H

#include "policy/policy.h"

#include <cdb.h>
#include <sys/types.h>
#include <time.h>

/* Lengths of the prefixes that occur, longest first. */
struct ls_lengths {
	unsigned count;
	uint8_t bits[129];
};

struct ls_policy_file {
	struct cdb cdb; /* a copy of the file, see cdb-read.h; the file itself
			 * where it was peeked into */
	int watch;      /* over that, see watch.h; negative: none */
	struct ls_policy policy;
	uint64_t compiled_real_ms;
	unsigned webhooks;
	bool users, domains; /* are there any overrides? */
	struct ls_lengths ipv4, ipv6; /* of the networks */
	dev_t device; /* of the file that was read, to know it again: */
	ino_t inode;  /* one that replaces it may get its number, but not */
	struct timespec changed; /* its time */
};

/* Look at all of a file that is mapped, and fill in what is known of it.
 * Returns 0, or negative with the reason. */
int ls_policy_file_check(struct ls_policy_file *file, const char *name,
			 struct ls_error *error_r);

/* The same for a file that is only peeked into: what is not looked at is taken
 * to be there. */
int ls_policy_file_check_head(struct ls_policy_file *file, const char *name,
			      struct ls_error *error_r);

/* Returns true with the value of a key, which lives as long as the file. */
bool ls_policy_file_find(const struct ls_policy_file *file, const void *key,
			 size_t len, const uint8_t **value_r,
			 uint32_t *value_len_r);

#endif
