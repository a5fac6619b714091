/* fold.c - what Dovecot makes of a name that is typed; see lockstep.h */
#include "lockstep-config.h"

#include "state/state.h"

#include <string.h>

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Letters of ASCII alone, as Dovecot's %L. */
static void lower_letters(char *text)
{
	for (; *text != '\0'; text++)
		if (is_capital(*text))
			*text = (char)(*text - 'A' + 'a');
}

static bool has_capitals(const char *text)
{
	while (*text != '\0' && !is_capital(*text))
		text++;
	return *text != '\0';
}

/* Has Dovecot used the name as it is? A passdb may give an account a name that it
 * would make of no other. */
static bool is_known_account(const struct ls_state *state, const char *user)
{
	const struct ls_map *map = &state->guard;
	struct ls_ref ref;

	return ls_table_find(&map->subjects, ls_key_user(map->hash_key, user),
			     LS_KIND_USER, &ref) == 0;
}

void ls_name_fold(const struct ls_state *state, const char *typed, bool whole,
		  char user_r[LS_USER_MAX + 1])
{
	const struct ls_map_header *header = state->guard.header;
	unsigned how = header == NULL ? 0
				      : (unsigned)atomic_load_explicit(
						&header->names,
						memory_order_relaxed);
	bool lowered = !(how & LS_NAMES_AS_TYPED) && has_capitals(typed);
	bool cut = whole && (how & LS_NAMES_LOCAL) &&
		   strchr(typed, '@') != NULL;
	char folded[LS_TYPED_MAX + 1];

	ls_user_copy(user_r, typed);
	if ((!lowered && !cut) || strlen(typed) > LS_TYPED_MAX ||
	    (header != NULL && is_known_account(state, user_r)))
		return;
	strcpy(folded, typed);
	if (cut)
		*strchr(folded, '@') = '\0';
	if (lowered)
		lower_letters(folded);
	ls_user_copy(user_r, folded);
}

void ls_names_tell(struct ls_state *state, unsigned how)
{
	if (state->guard.writable)
		atomic_store_explicit(&state->guard.header->names,
				      how | LS_NAMES_TOLD,
				      memory_order_relaxed);
}
