/* names.h - whose a place is
 *
 * A place's slot has 16 bits of its account's key (where.h); the names that
 * accounts go by are labels. This gathers them once, so that each place finds
 * the few that may be its own, and hashing tells which one is. Private memory. */
#ifndef LS_NAMES_H
#define LS_NAMES_H

#include "state/state.h"

struct ls_names;

/* All names that the map knows. Returns NULL when out of memory. */
struct ls_names *ls_names_new(const struct ls_map *map);
void ls_names_free(struct ls_names **names);

/* The account of this place. Returns true with its name, and the network. */
bool ls_names_find(const struct ls_names *names, const struct ls_state *state,
		   const struct ls_ref *place, char user_r[LS_USER_MAX + 1],
		   struct ls_prefix *net_r);

#endif
