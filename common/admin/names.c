/* names.c - see names.h */
#include "lockstep-config.h"

#include "admin/names.h"
#include "base/text.h"
#include "map/where.h"

#include <stdlib.h>
#include <string.h>

enum { HINTS = 1 << 16 };

struct name {
	uint64_t key; /* of the account */
	char user[LS_USER_MAX + 1];
};

/* Sorted by hint; `first` has where each hint begins, and the end. */
struct ls_names {
	size_t count, room;
	struct name *name;
	size_t first[HINTS + 1];
};

static unsigned name_hint(const struct name *name)
{
	return (unsigned)(name->key & (HINTS - 1));
}

static bool add_name(struct ls_names *names, uint64_t key, const char *user)
{
	struct name *more;

	if (names->count == names->room) {
		names->room = names->room == 0 ? 256 : 2 * names->room;
		more = realloc(names->name,
			       names->room * sizeof(*names->name));
		if (more == NULL)
			return false;
		names->name = more;
	}
	names->name[names->count].key = key;
	ls_copy(names->name[names->count].user, LS_USER_MAX + 1, user);
	names->count++;
	return true;
}

static int by_hint(const void *a_name, const void *b_name)
{
	unsigned a = name_hint(a_name), b = name_hint(b_name);

	return (a > b) - (a < b);
}

static void sort_names(struct ls_names *names)
{
	size_t at = 0;

	if (names->count > 0)
		qsort(names->name, names->count, sizeof(*names->name), by_hint);
	for (unsigned hint = 0; hint < HINTS; hint++) {
		names->first[hint] = at;
		while (at < names->count && name_hint(&names->name[at]) == hint)
			at++;
	}
	names->first[HINTS] = names->count;
}

static bool gather_names(struct ls_names *names, const struct ls_map *map)
{
	struct ls_subject subject;
	uint64_t cursor = 0, key;
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->labels, &cursor, &kind, &ref)) {
		if ((kind == LS_KIND_USER || kind == LS_KIND_PLACE) &&
		    ls_label_read(&ref, kind, &subject)) {
			key = ls_key_user(map->hash_key, subject.user);
			if (!add_name(names, key, subject.user))
				return false;
		}
	}
	return true;
}

struct ls_names *ls_names_new(const struct ls_map *map)
{
	struct ls_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	if (!gather_names(names, map))
		ls_names_free(&names);
	else
		sort_names(names);
	return names;
}

void ls_names_free(struct ls_names **_names)
{
	struct ls_names *names = *_names;

	*_names = NULL;
	if (names == NULL)
		return;
	free(names->name);
	free(names);
}

bool ls_names_find(const struct ls_names *names, const struct ls_state *state,
		   const struct ls_ref *place, char user_r[LS_USER_MAX + 1],
		   struct ls_prefix *net_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	unsigned hint = ls_where_hint(place);

	user_r[0] = '\0';
	for (size_t i = names->first[hint]; i < names->first[hint + 1]; i++) {
		const struct name *name = &names->name[i];

		if (!ls_where_get(place, state->guard.hash_key, name->key,
				  (unsigned)policy->net.prefix4,
				  (unsigned)policy->net.prefix6, net_r))
			continue;
		ls_copy(user_r, LS_USER_MAX + 1, name->user);
		return true;
	}
	return false;
}
