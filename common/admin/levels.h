/* levels.h - the meters of a subject, as people read them */
#ifndef LS_LEVELS_H
#define LS_LEVELS_H

#include "explain.h"
#include "map/slot.h"
#include "policy/policy.h"

/* The meters that the policy keeps for a subject.
 *   ref    its slot; NULL: it has none, all meters are empty
 *   level  room for LS_LEVELS_MAX in all; `count` are taken
 * Returns how many are taken now. `asked` and `observed` are left false. */
unsigned ls_levels_of(const struct ls_policy *policy, enum ls_kind kind,
		      const struct ls_ref *ref, uint64_t now,
		      struct ls_level level[LS_LEVELS_MAX], unsigned count);

/* Those that names of a local part share (localpart.c), the same way; `in` them is what
 * ls_local_read() says. */
unsigned ls_levels_of_local(const struct ls_policy *policy,
			    const uint64_t in[LS_SPEEDS], uint64_t now,
			    struct ls_level level[LS_LEVELS_MAX],
			    unsigned count);

/* How full a subject's meter of logins is: in the sessions map, of sessions that
 * began. A limit of no units gives a level of limit 0. */
void ls_level_of_logins(enum ls_kind kind, const struct ls_limit *limit,
			const struct ls_ref *ref, uint64_t now,
			struct ls_level *level_r);

/* The meters of what an account sends, the same way: their limits are others on
 * probation. */
unsigned ls_levels_of_sending(const struct ls_policy *policy, bool probation,
			      const struct ls_ref *ref, uint64_t now,
			      struct ls_level level[LS_LEVELS_MAX],
			      unsigned count);
/* Those of what an address sends without a login. */
unsigned ls_levels_of_relay(const struct ls_policy *policy,
			    const struct ls_ref *ref, uint64_t now,
			    struct ls_level level[LS_LEVELS_MAX],
			    unsigned count);

#endif
