/* localpart.c - what stands before the @, whatever domain is typed; see visit.h
 *
 * A passdb may look at no more of a name than that. Then joe@d1, joe@d2, ... are one
 * account, and each would have limits of its own. So names that never succeeded
 * share, besides these, meters that are LS_LOCAL_WIDTH times as wide as an account's;
 * as wide, because info@ in one domain is another account than info@ in the next
 * almost everywhere, and one under siege is not to shut out the other.
 *
 *   names typed      succeeded?              limits on wrong guesses by strangers
 *   joe@here         yes: it has a label     N of its own
 *   joe@d1, joe@d2   no                      N each, and LS_LOCAL_WIDTH * N together
 *
 * So with a passdb that looks at no more, one account takes N * (LS_LOCAL_WIDTH + 1)
 * at most: its own and the shared ones. No smaller bound lets LS_LOCAL_WIDTH names be
 * besieged before a new one is refused.
 *
 * A wrong guess is charged when it is known to be one; what is in flight comes on top
 * of what is charged, as in a distinct count (inflight.h). Names that no passdb knows
 * are not charged. Nothing is locked: what is full drains. */
#include "lockstep-config.h"

#include "login/visit.h"

static bool has_succeeded(const struct ls_visit *visit)
{
	return visit->aliased ||
	       ls_label_is_name(&visit->state->guard.labels,
				visit->key[LS_KIND_USER], LS_KIND_USER,
				visit->now);
}

struct ls_local_set *ls_local_of(const struct ls_map *map, uint64_t key)
{
	return &map->locals[((key >> 32) * map->local_sets) >> 32];
}

/* Whether the name has succeeded is looked up where it matters, and when the attempt has
 * failed. */
static void judge_tight(struct ls_visit *visit, unsigned flying,
			const struct ls_local_set *set,
			struct ls_decision *decision)
{
	const struct ls_meters *meters = visit->meters;
	bool observed = meters->observed >> LS_KIND_USER & 1;
	struct ls_decision tight = *decision;
	uint64_t level[LS_SPEEDS];

	ls_local_read(set, visit->local_key, visit->now, level);
	if (!ls_judge_local(level, flying, meters, visit->now, &tight))
		return;
	if (has_succeeded(visit))
		visit->local_key = 0;
	else if (!observed || decision->wanted == LS_ADMIT)
		*decision = tight;
	if (observed)
		decision->verdict = LS_ADMIT;
}

void ls_visit_judge_local(struct ls_visit *visit, struct ls_decision *decision)
{
	const struct ls_map *map = &visit->state->guard;
	const struct ls_local_set *set;
	unsigned flying;

	if (visit->user == NULL || visit->aliased)
		return;
	visit->local_key = ls_key_local(map->hash_key, visit->user);
	set = ls_local_of(map, visit->local_key);
	flying = ls_inflight_locals(visit->state->inflight, visit->local_key);
	/* No limit is below that. */
	if (flying >= LS_LOCAL_WIDTH || ls_local_has(set, visit->local_key))
		judge_tight(visit, flying, set, decision);
}

void ls_visit_fail_local(const struct ls_visit *visit,
			 const struct ls_ticket *ticket)
{
	uint64_t key = ticket->key[LS_KIND_LOCAL];

	if (ticket->local && !has_succeeded(visit))
		ls_local_charge(ls_local_of(&visit->state->guard, key), key,
				visit->now, visit->meters->local,
				visit->meters->local_count);
}

bool ls_visit_read_local(const struct ls_visit *visit,
			 uint64_t level_r[LS_SPEEDS])
{
	const struct ls_map *map = &visit->state->guard;
	uint64_t key;

	if (visit->user == NULL || has_succeeded(visit))
		return false;
	key = ls_key_local(map->hash_key, visit->user);
	ls_local_read(ls_local_of(map, key), key, visit->now, level_r);
	return true;
}
