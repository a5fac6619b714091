/* seen.h - accounts and the networks that a log saw them in */
#ifndef LOCKSTEP_PLACES_H
#define LOCKSTEP_PLACES_H

#include "logs/attempts.h"
#include "policy/policy.h"

struct place {
	uint32_t user; /* its name's number in the attempts */
	struct ls_prefix net;
	struct ls_addr ip; /* that last logged in; or was first seen */
	uint64_t first_ms, last_ms; /* success; 0: none */
	uint64_t guess; /* number of the last wrong password */
	uint64_t refused, refused_right; /* attempts; of them successes */
	uint64_t refused_ms; /* the first */
};

struct places {
	struct place *list;
	size_t count, room;
	struct keymap map;
	uint32_t *of; /* by attempt: the number of its place */
};

/* The places of all attempts, and when people logged in there. Networks have
 * the policy's lengths; of an address that a NAT64 of the policy made, the attempts
 * have the IPv4 one from here on. */
void places_of(struct places *places, struct attempts *attempts,
	       const struct ls_policy *policy);
void places_free(struct places *places);

#endif
