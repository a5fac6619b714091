/* alias.c - see alias.h */
#include "lockstep-config.h"

#include "login/alias.h"
#include "state/marks.h"

#include <string.h>

/* The same bucket as the USER's (its upper half finds that), and another stamp:
 * no word of the one is taken for the other's. */
static uint64_t alias_key(uint64_t typed)
{
	return typed ^ UINT64_C(0xffffffff);
}

bool ls_alias_find(const struct ls_state *state, uint64_t typed, uint64_t now,
		   uint64_t *account_r)
{
	struct ls_ref ref;

	if (ls_table_find(&state->guard.subjects, alias_key(typed),
			  LS_KIND_ALIAS, &ref) < 0 ||
	    ls_slot_get(&ref, LS_WORD_UNTIL) <= now)
		return false;
	*account_r = ls_slot_get(&ref, LS_WORD_OF) << 32 |
		     (ls_slot_get(&ref, LS_WORD_OF + 1) & 0xffffffff);
	return true;
}

enum { NEW_PER_DAY = 20, DAY_MS = 24 * 3600 * 1000 };

/* Somebody whose account has any number of names (joe+1, joe+2 ...) must not fill
 * the table with them: an account gets so many new ones a day. */
static bool may_learn(const struct ls_state *state, uint64_t account,
		      uint64_t now)
{
	static const struct ls_limit limit = { NEW_PER_DAY, DAY_MS };
	const struct ls_rate rate = ls_rate_of(&limit);
	struct ls_ref ref;
	uint64_t ignored;

	return ls_state_claim(state, LS_KIND_USER, account, now, false, &ref) ==
		       0 &&
	       ls_slot_charge(&ref, LS_WORD_ALIASES, now, &rate, false,
			      &ignored) == LS_TAKEN;
}

void ls_alias_learn(const struct ls_state *state, uint64_t typed,
		    const char *account, uint64_t until, uint64_t now)
{
	uint64_t key = ls_key_user(state->guard.hash_key, account), known;
	struct ls_subject subject;
	struct ls_ref ref;

	if ((!ls_alias_find(state, typed, now, &known) || known != key) &&
	    !may_learn(state, key, now))
		return;
	if (ls_state_claim(state, LS_KIND_ALIAS, alias_key(typed), now, true,
			   &ref) < 0)
		return;
	/* Not to be found while it changes. */
	ls_slot_set(&ref, LS_WORD_UNTIL, 0);
	ls_slot_set(&ref, LS_WORD_OF, key >> 32);
	ls_slot_set(&ref, LS_WORD_OF + 1, key & 0xffffffff);
	ls_slot_set(&ref, LS_WORD_UNTIL, until);
	memset(&subject, 0, sizeof(subject));
	subject.kind = LS_KIND_USER;
	ls_user_copy(subject.user, account);
	ls_label_put(&state->guard.labels, key, &subject, LS_LABEL_NAME, until,
		     now);
}

void ls_alias_forget(const struct ls_state *state, uint64_t typed)
{
	struct ls_ref ref;

	if (ls_table_find(&state->guard.subjects, alias_key(typed),
			  LS_KIND_ALIAS, &ref) == 0)
		ls_slot_set(&ref, LS_WORD_UNTIL, 0);
}
