/* pair.h - what is counted once: pairs of a subject and another
 *
 * A distinct count ("accounts that this address failed at") charges its meter
 * once for each (subject, other) and period. That a pair was counted is a slot
 * of its own, worth little: one that is lost is counted again. */
#ifndef LS_PAIR_H
#define LS_PAIR_H

#include "state/state.h"

/* Is the pair counted by the fast, or slow, meter?
 *   subject, other  their keys
 *   now             the map's clock, as below */
bool ls_pair_is_counted(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t now);

/* Have it counted until then. Returns false when it was already.
 *   pair_r  its slot, for ls_pair_charged(); slot NULL: there was no room for one.
 *           May be NULL */
bool ls_pair_count(const struct ls_state *state, uint64_t subject,
		   uint64_t other, unsigned speed, uint64_t until,
		   uint64_t now, struct ls_ref *pair_r);
/* What the meter was after the pair was charged to it: for ls_pair_pardon(). */
void ls_pair_charged(const struct ls_ref *pair, unsigned speed,
		     uint64_t charged_at);

/* Have it counted until then, which may be later than before. */
void ls_pair_keep(const struct ls_state *state, uint64_t subject,
		  uint64_t other, uint64_t until, uint64_t now);
/* Have it not counted. */
void ls_pair_forget(const struct ls_state *state, uint64_t subject,
		    uint64_t other);

/* Have it not counted, if it was to be counted until `since` or longer: then it may
 * count again. Three at once, then one in eight hours. Returns what the meter was after
 * its charge; 0: there is none to give back. */
uint64_t ls_pair_pardon(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t since,
			uint64_t now);

#endif
