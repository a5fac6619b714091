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

#include "visit.h"

static bool has_succeeded(const struct ls_visit *visit)
{
	return visit->aliased ||
	       ls_label_is_name(&visit->state->guard.labels,
				visit->key[LS_KIND_USER], LS_KIND_USER,
				visit->now);
}

/* What is in flight is counted by meter, as what has failed is. */
static uint64_t flight_key(const struct ls_map *map,
			   const struct ls_local *local)
{
	return ((uint64_t)(local - map->locals) + 1) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

struct ls_local *ls_local_of(const struct ls_map *map, const char *user)
{
	uint64_t key = ls_key_local(map->hash_key, user);
	uint64_t count = ls_local_count(map->subjects.buckets);

	return &map->locals[((key >> 32) * count) >> 32];
}

/* Does one of the meters have no room for one more that fails, and for those in
 * flight? Then *decision says so. */
static bool is_tight(const struct ls_visit *visit, const struct ls_local *local,
		     struct ls_decision *decision)
{
	const struct ls_meters *meters = visit->meters;
	uint64_t flying = 1;

	flying += ls_inflight_get(visit->state->inflight, visit->local_key)
			  .failures;
	for (unsigned i = 0; i < meters->local_count; i++) {
		const struct ls_meter_use *meter = &meters->local[i];
		uint64_t empty_at = atomic_load_explicit(
			&local->failures[meter->word - LS_WORD_FAILURES],
			memory_order_relaxed);

		if (ls_judge_local(empty_at, flying, meter, visit->now,
				   decision))
			return true;
	}
	return false;
}

void ls_visit_judge_local(struct ls_visit *visit, struct ls_decision *decision)
{
	const struct ls_map *map = &visit->state->guard;
	struct ls_decision tight = *decision;
	const struct ls_local *local;

	visit->local_key = 0;
	if (visit->user == NULL || visit->aliased ||
	    visit->meters->local_count == 0)
		return;
	local = ls_local_of(map, visit->user);
	visit->local_key = flight_key(map, local);
	/* Whether the name has succeeded is looked up where it matters, and when
	 * the attempt has failed. */
	if (!is_tight(visit, local, &tight))
		return;
	if (has_succeeded(visit)) {
		visit->local_key = 0;
		return;
	}
	if (visit->meters->observed >> LS_KIND_USER & 1)
		tight.verdict = decision->verdict;
	*decision = tight;
}

void ls_visit_depart_local(const struct ls_visit *visit,
			   struct ls_ticket *ticket)
{
	ticket->key[LS_KIND_LOCAL] = visit->local_key;
	ticket->flying_local =
		visit->local_key != 0 && visit->state->inflight != NULL &&
		ls_inflight_add(visit->state->inflight, visit->local_key, true,
				0);
}

void ls_visit_arrive_local(const struct ls_visit *visit,
			   struct ls_ticket *ticket)
{
	if (ticket->flying_local)
		ls_inflight_remove(visit->state->inflight,
				   ticket->key[LS_KIND_LOCAL], true, 0);
	ticket->flying_local = false;
}

/* Room or not. What runs over is not kept: a full meter stays full. */
static void charge(_Atomic uint64_t *meter, uint64_t now,
		   const struct ls_rate *rate)
{
	uint64_t old = atomic_load_explicit(meter, memory_order_relaxed);
	uint64_t level, charged;

	do {
		level = ls_crowd_level_ms(old, now);
		charged = level + rate->emission_ms;
		if (charged > rate->capacity_ms)
			charged = level > rate->capacity_ms
					  ? level
					  : rate->capacity_ms;
	} while (!atomic_compare_exchange_weak_explicit(
		meter, &old, now + charged, memory_order_relaxed,
		memory_order_relaxed));
}

void ls_visit_fail_local(const struct ls_visit *visit,
			 const struct ls_ticket *ticket)
{
	const struct ls_meters *meters = visit->meters;
	struct ls_local *local;

	if (ticket->key[LS_KIND_LOCAL] == 0 || has_succeeded(visit))
		return;
	local = ls_local_of(&visit->state->guard, ticket->user);
	for (unsigned i = 0; i < meters->local_count; i++)
		charge(&local->failures[meters->local[i].word -
					LS_WORD_FAILURES],
		       visit->now, &meters->local[i].rate);
}

bool ls_visit_is_local(const struct ls_visit *visit)
{
	return visit->user != NULL && !has_succeeded(visit);
}
