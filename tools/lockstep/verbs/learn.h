/* learn.h - places that logs tell of, made familiar */
#ifndef LOCKSTEP_LEARN_H
#define LOCKSTEP_LEARN_H

#include "logs/seen.h"

struct learn_counts { /* places, but for the last */
	uint64_t learnt, known, old, doubtful, odd, full;
	uint64_t accounts; /* of those learnt or known */
};

/* Give each place that somebody logged in at to ls_learn(); `names` has their
 * accounts'. Returns 0, or negative after a complaint. */
int learn_places(struct ls_state *state, const struct names *names,
		 const struct places *places, uint64_t now_ms, uint64_t real_ms,
		 bool dry, struct learn_counts *counts_r);

#endif
