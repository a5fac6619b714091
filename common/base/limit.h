/* limit.h - the numbers of a limit, as a policy has them */
#ifndef LS_LIMIT_H
#define LS_LIMIT_H

#include <stdint.h>

/* `units` in `period_ms`, drained evenly. units 0: no limit. */
struct ls_limit {
	uint64_t units;
	uint64_t period_ms;
};

/* Most things have two limits: one for a burst, one for the long run. */
enum { LS_FAST, LS_SLOW, LS_SPEEDS };

struct ls_range { /* first and longest, of a lock */
	uint64_t min_ms, max_ms;
};

#endif
