/* locks.c - locks: an administrator's, and all of them listed; see lockstep.h */
#include "lockstep-config.h"

#include "state/marks.h"
#include "state/state.h"

#include <string.h>

static bool is_lockable(const struct ls_subject *subject)
{
	return subject->kind == LS_KIND_IP || subject->kind == LS_KIND_NET ||
	       subject->kind == LS_KIND_USER || subject->kind == LS_KIND_PLACE;
}

int ls_lock(struct ls_state *state, const struct ls_subject *subject,
	    uint64_t length_ms, const char *by, uint64_t now_ms)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	const struct ls_lock_order order = {
		.length = { length_ms, length_ms },
		.strike_fades_ms = policy->strike_fades_ms,
		.reason = LS_REASON_ADMIN,
		.origin = LS_ORIGIN_ADMIN,
	};

	if (!is_lockable(subject))
		return LS_EARG;
	if (!state->guard.writable)
		return LS_EACCES;
	return ls_state_lock(state, subject,
			     ls_key_subject(state->guard.hash_key, subject),
			     &order, by,
			     ls_map_now(&state->guard, now_ms)) == LS_NO_SLOT
		       ? LS_EFULL
		       : 0;
}

/* Word 0 of every slot, and of an account's its freeze. */
static bool is_listed(enum ls_kind kind, enum ls_slot_word word,
		      const struct ls_ref *ref, uint64_t now,
		      struct ls_lock_word *lock_r)
{
	if (word == LS_WORD_FREEZE && kind != LS_KIND_USER)
		return false;
	*lock_r = ls_lock_unpack(ls_slot_get(ref, word));
	return ls_lock_active(lock_r, now) && kind < LS_KIND_COUNT &&
	       lock_r->reason <= LS_REASON_LOCKS && /* damaged: see verify.c */
	       lock_r->origin < LS_ORIGIN_COUNT;
}

static void describe_lock(const struct ls_map *map, enum ls_kind kind,
			  enum ls_slot_word word, const struct ls_ref *ref,
			  const struct ls_lock_word *lock,
			  struct ls_lock *lock_r)
{
	memset(lock_r, 0, sizeof(*lock_r));
	lock_r->freeze = word == LS_WORD_FREEZE;
	lock_r->key = ls_ref_key(ref);
	if (kind == LS_KIND_GUESS) {
		/* Whoever reads it could try passwords on it. */
		lock_r->key = 0;
		lock_r->subject.kind = kind;
		lock_r->named = true;
	} else {
		lock_r->named = ls_label_get(&map->labels, map->hash_key,
					     lock_r->key, kind,
					     &lock_r->subject);
	}
	lock_r->reason = lock->reason;
	lock_r->origin = lock->origin;
	lock_r->strikes = lock->strikes;
	lock_r->since_ms = ls_map_boot_ms(map, ls_slot_get(ref, word + 1));
	lock_r->until_ms = ls_map_boot_ms(map, lock->until);
	lock_r->untold = ls_told_refusals(kind, ref);
}

/* The cursor counts words: two for each slot. */
int ls_lock_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		 struct ls_lock *lock_r)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms), slot = *cursor / 2;
	struct ls_lock_word lock;
	enum ls_kind kind;
	struct ls_ref ref;

	if (map->header == NULL)
		return 0;
	while (ls_table_next(&map->subjects, &slot, &kind, &ref)) {
		if (*cursor <= 2 * (slot - 1) &&
		    is_listed(kind, LS_WORD_LOCK, &ref, now, &lock)) {
			*cursor = 2 * (slot - 1) + 1;
			describe_lock(map, kind, LS_WORD_LOCK, &ref, &lock,
				      lock_r);
			return 1;
		}
		*cursor = 2 * slot;
		if (is_listed(kind, LS_WORD_FREEZE, &ref, now, &lock)) {
			describe_lock(map, kind, LS_WORD_FREEZE, &ref, &lock,
				      lock_r);
			return 1;
		}
	}
	return 0;
}
