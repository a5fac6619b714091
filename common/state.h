/* state.h - what is behind a struct ls_state, for the library's own files */
#ifndef LS_STATE_H
#define LS_STATE_H

#include "contacts.h"
#include "judge.h"
#include "map.h"
#include "nat64.h"
#include "policy.h"
#include "guess.h"
#include "told.h"
#include "unsure.h"

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

/* Claim, or find, the slot of a subject in the guard; `force` as in table.h.
 * Returns 0 or LS_EFULL. */
int ls_state_claim(const struct ls_state *state, enum ls_kind kind,
		   uint64_t key, uint64_t now, bool force,
		   struct ls_ref *ref_r);

/* Do live sessions sit on all of the account's so many seats?
 *   user_key  by the sessions map's hash key */
bool ls_seats_are_taken(struct ls_state *state, uint64_t user_key,
			uint64_t seats, uint64_t now);

/* What orders say of an account that has logged in, as a decision: ADMIT, or DENY
 * for a freeze, or for an administrator's lock that fell since begun_ms. */
void ls_session_look(struct ls_state *state, const char *user,
		     const struct ls_addr *ip, uint64_t begun_ms,
		     uint64_t now_ms, struct ls_decision *decision_r);

/* For ls_status(): a passdb said yes without a look at the password; and all that is
 * known of passdbs. The guard is open. */
void ls_backend_unverified(const struct ls_map *guard, uint64_t now);
void ls_backend_status(const struct ls_map *guard, uint64_t now,
		       struct ls_status *status_r);

/* What an order to lock a subject did. */
enum ls_fall { LS_FELL, LS_STOOD /* it was locked already */, LS_NO_SLOT };

/* Lock a subject: its word, its label, its place in the journal.
 *   now     the map's clock, as all times below this line
 *   by      for the journal, or NULL: who, and after ": " why */
enum ls_fall ls_state_lock(const struct ls_state *state,
			   const struct ls_subject *subject, uint64_t key,
			   const struct ls_lock_order *order, const char *by,
			   uint64_t now);

/* Keep an account on probation until then; 0: that is left as it is. It is
 * suspicious since the earlier of `since` and when it was before. */
void ls_state_doubt(const struct ls_state *state, uint64_t key, uint64_t since,
		    uint64_t until, uint64_t now);

void ls_state_journal(const struct ls_state *state, enum ls_event event,
		      const struct ls_subject *subject,
		      const struct ls_lock_word *lock, const char *by,
		      uint64_t now);

/* Mark a place as familiar until then, and keep it from being evicted. */
void ls_state_familiar(const struct ls_state *state, enum ls_kind kind,
		       uint64_t key, uint64_t until, uint64_t now);

#endif
