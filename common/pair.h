/* pair.h - what is counted once: pairs of a subject and another
 *
 * A distinct count ("accounts that this address failed at") charges its meter
 * once for each (subject, other) and period. That a pair was counted is a slot
 * of its own, worth little: one that is lost is counted again. */
#ifndef LS_PAIR_H
#define LS_PAIR_H

#include "state.h"

/* Is the pair counted by the fast, or slow, meter?
 *   subject, other  their keys
 *   now             the map's clock, as below */
bool ls_pair_is_counted(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t now);

/* Have it counted until then. Returns false when it was already. */
bool ls_pair_count(const struct ls_state *state, uint64_t subject,
		   uint64_t other, unsigned speed, uint64_t until,
		   uint64_t now);

#endif
