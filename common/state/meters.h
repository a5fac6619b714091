/* meters.h - the meters that the limits of a policy ask for */
#ifndef LS_METERS_H
#define LS_METERS_H

#include "map/slot.h"
#include "policy/policy.h"

/* A meter of a policy. */
struct ls_meter_use {
	enum ls_kind kind;
	unsigned word;
	struct ls_rate rate;
	enum ls_reason reason; /* of the lock, or refusal, when it is full */
};
enum { LS_FAILURES_MAX = 8, LS_ACCOUNTS_MAX = 5, LS_LOGINS_MAX = 2 };

/* All that a policy has. Made once for a policy: rates are quotients, and
 * dividing is slow. */
struct ls_meters {
	unsigned failures_count, accounts_count, logins_count;
	/* Wrong guesses, from the nearest subject to the widest: charged before
	 * the password is verified. */
	struct ls_meter_use failures[LS_FAILURES_MAX];
	/* Distinct accounts: charged when the attempt has failed. */
	struct ls_meter_use accounts[LS_ACCOUNTS_MAX];
	/* Logins: charged before, and given back unless the attempt succeeds. */
	struct ls_meter_use logins[LS_LOGINS_MAX];
	/* Wrong guesses at names of one local part (localpart.c): charged when the
	 * attempt has failed. The slow one comes first. */
	unsigned local_count;
	struct ls_rate local[LS_SPEEDS];
	enum ls_reason local_reason[LS_SPEEDS];
	struct ls_meter_use repeats; /* rate.emission_ms 0: no limit */
	struct ls_rate places;       /* the same */
	struct ls_rate crowd; /* of those without a slot: crowd.h */
	unsigned rush; /* familiar places with attempts in flight at one address;
			* 0: any number */
	unsigned observed; /* bit 1 << kind: its rule only observes */
};
void ls_meters_of(const struct ls_policy *policy, struct ls_meters *meters_r);

/* The limits that names of one local part share, as wide as so many accounts'. */
enum { LS_LOCAL_WIDTH = 5 };
struct ls_limit ls_limit_local(const struct ls_limit *limit);

#endif
