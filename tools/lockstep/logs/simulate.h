/* simulate.h - attempts of the past, put to a policy by the engine itself
 *
 * Each attempt is asked about by ls_admit() and settled by ls_settle() at the
 * time it was made; what they do is what the servers would have got.
 *
 * A log does not tell which password was tried, and so not whether a wrong one
 * was the same as before. What is taken for true:
 *
 *   NEW    each failure was a new guess
 *   SAME   an account's failures from one network were all one password
 *   STALE  at a place that the account's owner logs in from, that is one with a
 *          success before, or successes an hour and more apart, a failure is a
 *          device with an old password: one password for the place; elsewhere
 *          each failure is a new guess
 *
 * A saved journal tells of repeats, and nothing is taken for true there. In no
 * case is one password known to have been tried on several accounts. What was
 * refused when it happened is taken for wrong. */
#ifndef LOCKSTEP_SIMULATE_H
#define LOCKSTEP_SIMULATE_H

#include "logs/attempts.h"
#include "logs/seen.h"

enum simulate_passwords { SIMULATE_STALE, SIMULATE_NEW, SIMULATE_SAME };

/* A subject that would have been locked. */
struct sim_lock {
	struct ls_subject subject;
	enum ls_reason reason; /* of the first lock */
	uint64_t first_ms, last_ms; /* since 1970: when it was locked */
	uint64_t until_ms; /* the end of the last lock */
	uint64_t locked_ms; /* of all locks, as long as they would have been */
	uint64_t locks, refused; /* attempts that its lock or limit refused */
};

struct simulation {
	const struct attempts *attempts;
	struct places places;
	uint64_t from_ms, to_ms; /* the first and the last attempt */
	uint64_t successes, failures, others; /* attempts that were made */
	uint64_t verified; /* wrong ones that would have been verified */
	uint64_t repeats;  /* of them, repeats of a known wrong password */
	uint64_t refused;  /* wrong ones that would have been refused */
	uint64_t refused_right; /* successes that would have been */
	uint64_t suspicious; /* successes in doubt */
	uint64_t by_reason[LS_REASON_COUNT]; /* refused */
	struct sim_lock *locks; /* those with most refusals first */
	size_t lock_count, lock_room;
	struct keymap lock_map;
	struct ls_cursor cursor;
	uint64_t guesses; /* passwords made up */
};

/* Postfix alone does not always tell the account. What fails without one is played
 * as one account for each address, which this recognizes by its name: returns the
 * address, or NULL for a name that a log told. */
const char *simulation_nameless(const char *user);

/* Where it stands, 0 to 1; may be NULL. Returns whether to go on. */
typedef bool simulate_progress_fn(void *context, double part);

/* Put attempts (merged, at least one) to an open state whose clocks stand at
 * the first one's time or before.
 *   policy  what the state has, for the lengths of networks
 * Fills *simulation_r. Returns false when it was told to stop. */
bool simulate(struct simulation *simulation_r, struct attempts *attempts,
	      struct ls_state *state, const struct ls_policy *policy,
	      enum simulate_passwords passwords,
	      simulate_progress_fn *progress, void *context);
void simulation_free(struct simulation *simulation);

/* Would somebody have been hit wrongly at this place: was an attempt refused
 * that was right, or that a success from there followed? */
bool simulation_is_hit(const struct place *place);

#endif
