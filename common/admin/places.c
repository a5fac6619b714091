/* places.c - familiar places: listed, forgotten; see orders.h */
#include "lockstep-config.h"

#include "admin/names.h"
#include "login/alias.h"
#include "map/home.h"
#include "map/where.h"
#include "orders.h"
#include "state/marks.h"

#include <string.h>

struct search {
	const struct ls_state *state;
	const struct ls_places_of *of;
	struct ls_names *names;
	uint64_t user_key; /* of `of->user` */
	uint64_t now;
	ls_place_fn *found;
	void *context;
	bool forget;
	int count;
};

/* Is it a place of that account? Fills in whose, and where. */
static bool identify(const struct search *search, const struct ls_ref *ref,
		     struct ls_place *place)
{
	const struct ls_policy *policy =
		ls_policy_file_policy(search->state->policy);
	unsigned prefix4 = (unsigned)policy->net.prefix4;
	unsigned prefix6 = (unsigned)policy->net.prefix6;

	if (search->of->user != NULL) {
		ls_user_copy(place->user, search->of->user);
		place->placed = ls_where_is_of(ref, search->user_key) &&
				ls_where_get(ref, search->state->guard.hash_key,
					     search->user_key, prefix4, prefix6,
					     &place->net);
		return place->placed;
	}
	place->placed = ls_names_find(search->names, search->state, ref,
				      place->user, &place->net) ||
			ls_where_read(ref, prefix4, prefix6, &place->net);
	return true;
}

/* Connections from that network are spared no more, where nobody's place is left
 * in it. */
static void drop_stamp(const struct search *search, const struct ls_prefix *net)
{
	const struct ls_map *map = &search->state->guard;
	struct ls_ref ref;

	if (search->of->user == NULL && search->of->net != NULL &&
	    ls_table_find(&map->subjects,
			  ls_key_net(map->hash_key, LS_KIND_NET, net),
			  LS_KIND_NET, &ref) == 0)
		ls_slot_set(&ref, LS_WORD_FAMILIAR, 0);
}

/* Does the one lie in the other? */
static bool prefixes_overlap(const struct ls_prefix *a,
			     const struct ls_prefix *b)
{
	return a->bits <= b->bits ? ls_prefix_covers(a, &b->addr)
				  : ls_prefix_covers(b, &a->addr);
}

static void visit(struct search *search, const struct ls_ref *ref)
{
	const struct ls_map *map = &search->state->guard;
	uint64_t until = ls_slot_get(ref, LS_WORD_FAMILIAR);
	struct ls_place place;

	memset(&place, 0, sizeof(place));
	if (until <= search->now || !identify(search, ref, &place) ||
	    (search->of->net != NULL &&
	     (!place.placed || !prefixes_overlap(search->of->net, &place.net))))
		return;
	place.until_ms = ls_map_boot_ms(map, until);
	place.first_seen_ms =
		ls_map_boot_ms(map, ls_slot_get(ref, LS_WORD_FIRST_SEEN));
	if (search->forget) {
		ls_slot_set(ref, LS_WORD_FAMILIAR, 0);
		ls_slot_set(ref, LS_WORD_FIRST_SEEN, 0);
		ls_home_forget(ref);
		drop_stamp(search, &place.net);
	}
	search->count++;
	if (search->found != NULL)
		search->found(search->context, &place);
}

static int run_search(struct search *search)
{
	const struct ls_map *map = &search->state->guard;
	const char *user = search->of->user;
	uint64_t cursor = 0, account;
	enum ls_kind kind;
	struct ls_ref ref;

	if (user != NULL) {
		search->user_key = ls_key_user(map->hash_key, user);
		if (ls_alias_find(search->state, search->user_key, search->now,
				  &account))
			search->user_key = account;
	} else {
		search->names = ls_names_new(map);
		if (search->names == NULL)
			return LS_ESYS;
	}
	while (ls_table_next(&map->subjects, &cursor, &kind, &ref))
		if (kind == LS_KIND_PLACE)
			visit(search, &ref);
	ls_names_free(&search->names);
	return search->count;
}

int ls_places(struct ls_state *state, const struct ls_places_of *of,
	      uint64_t now_ms, ls_place_fn *found, void *context)
{
	struct search search = {
		.state = state,
		.of = of,
		.now = ls_map_now(&state->guard, now_ms),
		.found = found,
		.context = context,
	};

	return state->guard.header == NULL ? LS_EACCES : run_search(&search);
}

static void journal_forgotten(const struct search *search, const char *by)
{
	const struct ls_lock_word order = { .origin = LS_ORIGIN_ADMIN,
					    .reason = LS_REASON_ADMIN };
	const struct ls_places_of *of = search->of;
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = of->net == NULL    ? LS_KIND_USER
		       : of->user == NULL ? LS_KIND_NET
					  : LS_KIND_PLACE;
	ls_user_copy(subject.user, of->user);
	if (of->net != NULL)
		subject.net = *of->net;
	ls_state_journal(search->state, LS_EVENT_FORGET, &subject, &order, by,
			 search->now);
}

int ls_forget(struct ls_state *state, const struct ls_places_of *of,
	      const char *by, uint64_t now_ms, ls_place_fn *forgot,
	      void *context)
{
	struct search search = {
		.state = state,
		.of = of,
		.now = ls_map_now(&state->guard, now_ms),
		.found = forgot,
		.context = context,
		.forget = true,
	};
	int ret = state->guard.writable ? run_search(&search) : LS_EACCES;

	if (ret > 0)
		journal_forgotten(&search, by);
	return ret;
}
