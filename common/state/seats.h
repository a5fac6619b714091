/* seats.h - the seats of an account: as many as it may have sessions at once
 *
 * A seat is a slot of the sessions map that names the session which sits on it. It is
 * free when there is none, or when that session's process is gone. */
#ifndef LS_SEATS_H
#define LS_SEATS_H

#include "map/live.h"
#include "state/state.h"

/* The mail server's own view of processes: those who ask here are of it. */
struct ls_looker ls_seats_looker(const struct ls_state *state);

/* Do live sessions sit on all of the account's so many seats?
 *   user_key  by the sessions map's hash key */
bool ls_seats_are_taken(struct ls_state *state, uint64_t user_key,
			uint64_t seats, uint64_t now);

/* Sit down on any of so many seats. Returns false when all are taken; true also
 * without one, when the table has no room for those that are not. */
bool ls_seats_take(const struct ls_state *state, const struct ls_hold *hold,
		   uint64_t user_key, uint64_t seats, uint64_t now);
/* Stand up. Somebody else's seat is left alone. */
void ls_seats_give_up(const struct ls_state *state,
		      const struct ls_live_record *session);

#endif
