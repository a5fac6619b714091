/* state.h - what is behind a struct ls_state, for the library's own files */
#ifndef LS_STATE_H
#define LS_STATE_H

#include "base/nat64.h"
#include "map/map.h"
#include "policy/policy.h"
#include "state/contacts.h"
#include "state/guess.h"
#include "state/inflight.h"
#include "state/meters.h"
#include "state/told.h"
#include "state/unsure.h"

/* An account whose seats were all taken a moment ago. One that was given up since is
 * noticed all the same; only one whose process was killed counts for so long. */
struct ls_full {
	uint64_t user_key, until; /* the sessions map's clock */
};
enum { LS_FULL_ACCOUNTS = 256, LS_FULL_MS = 500 };

struct ls_state {
	unsigned flags; /* LS_* of ls_open() */
	char policy_path[LS_PATH_SIZE];
	int policy_dirfd, state_dirfd;
	struct ls_policy_file *policy;
	struct ls_meters meters; /* of the policy, where nothing overrides it */
	struct ls_nat64 nat64; /* of the policy */
	uint64_t generation; /* of the policy in force, from the guard */
	struct ls_map guard, sessions; /* header NULL: not open */
	struct ls_contacts contacts;   /* LS_CONTACTS; header NULL: not open */
	struct ls_inflight *inflight; /* LS_LOGINS; else NULL, as the next two */
	struct ls_told *told;
	struct ls_unsure *unsure;
	struct ls_secret secret;
	struct ls_looker looker; /* where sessions are open */
	struct ls_full full[LS_FULL_ACCOUNTS];
	uint64_t begun; /* sessions, by this process */
	uint64_t closer_ms; /* when the sweeper last looked closer; 0: never */
	bool told_replaced, told_broken, told_contacts;
	int contacts_error; /* of opening that file last */
	uint64_t looked_ms; /* at the maps' names */
};

/* The name of a map in the state directory, and its whole path. */
const char *ls_state_map_path(const struct ls_state *state,
			      enum ls_map_type type, char *path, size_t size);

/* Have the file of contacts belong to the policy's groups. Returns as
 * ls_contacts_give(). */
int ls_state_give_contacts(const struct ls_state *state,
			   struct ls_error *error_r);

/* Open it, and make it if the flags say so; what root finds is given to those groups
 * first. Returns as ls_contacts_open() and ls_contacts_create(). */
int ls_state_open_contacts(struct ls_state *state, struct ls_error *error_r);
/* It may come, or be another, while we run: open it then. An error only when there is
 * one that cannot be used, and not for the reason of last time. */
void ls_state_look_at_contacts(struct ls_state *state,
			       struct ls_error *error_r);

/* The sessions map has room for so many of both: its table has a slot for each
 * seat, and the rates of accounts and addresses. */
enum { LS_SUBJECTS_FOR_A_SEAT = 4, LS_SUBJECTS_FOR_A_SESSION = 8 };

/* Make a map that is missing; a guard begins with what the snapshot holds.
 * Returns as ls_map_create(); error_r->text may hold a warning, with LS_EFULL when
 * not all of it had room. */
int ls_state_create_map(const struct ls_state *state, enum ls_map_type type,
			const struct ls_open_args *args, struct ls_map *map_r,
			struct ls_error *error_r);

/* For ls_status(): a passdb said yes without a look at the password; and all that is
 * known of passdbs. The guard is open. */
void ls_backend_unverified(const struct ls_map *guard, uint64_t now);
void ls_backend_status(const struct ls_map *guard, uint64_t now,
		       struct ls_status *status_r);

#endif
