/* maps.h - what of a policy waits until the maps are made anew */
#ifndef LOCKSTEP_MAPS_H
#define LOCKSTEP_MAPS_H

#include "policy/policy.h"

struct maps_difference {
	const char *key; /* of lockstep.conf */
	/* As it would be written there: what the policy says, and the maps in use
	 * have. */
	char policy[80], maps[80];
};

enum { MAPS_DIFFERENCES = 5 };

/* Compare the guard that is open with a policy; returns how many differences. */
unsigned
maps_compare(const struct ls_state *guard, const struct ls_policy *policy,
	     struct maps_difference difference_r[MAPS_DIFFERENCES]);

#endif
