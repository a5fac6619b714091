/* pair.c - see pair.h */
#include "lockstep-config.h"

#include "pair.h"

static uint64_t key_of(const struct ls_state *state, uint64_t subject,
		       uint64_t other)
{
	return ls_key_pair(state->guard.hash_key, LS_KIND_PAIR, subject, other);
}

bool ls_pair_is_counted(const struct ls_state *state, uint64_t subject,
			uint64_t other, unsigned speed, uint64_t now)
{
	struct ls_ref ref;

	return ls_table_find(&state->guard.subjects,
			     key_of(state, subject, other), LS_KIND_PAIR,
			     &ref) == 0 &&
	       ls_slot_get(&ref, LS_WORD_UNTIL + speed) > now;
}

bool ls_pair_count(const struct ls_state *state, uint64_t subject,
		   uint64_t other, unsigned speed, uint64_t until, uint64_t now)
{
	struct ls_ref ref;

	/* No room to remember it: then it counts, this time too. */
	if (ls_state_claim(state, LS_KIND_PAIR, key_of(state, subject, other),
			   now, false, &ref) < 0)
		return true;
	if (ls_slot_get(&ref, LS_WORD_UNTIL + speed) > now)
		return false;
	ls_slot_set(&ref, LS_WORD_UNTIL + speed, until);
	return true;
}
