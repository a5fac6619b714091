/* seats.c - see seats.h */
#include "lockstep-config.h"

#include "state/seats.h"

#include <unistd.h>

/* Who sits on a seat: 0 nobody, and nobody ever. */
static uint64_t sitter(const struct ls_state *state, uint64_t user_key,
		       uint64_t seat)
{
	struct ls_ref ref;

	if (ls_table_find(&state->sessions.subjects,
			  ls_seat_key(user_key, seat), LS_KIND_SEAT,
			  &ref) < 0)
		return 0;
	return ls_slot_get(&ref, LS_WORD_SITTER);
}

struct ls_looker ls_seats_looker(const struct ls_state *state)
{
	struct ls_looker looker = state->looker;

	looker.strangers_are_gone = true;
	if (state->flags & LS_SIBLINGS)
		looker.master = (uint32_t)getppid();
	return looker;
}

/* Where all of them were found to be there a moment ago: to look for those left behind
 * takes a system call or three for each. */
static struct ls_full *full_of(struct ls_state *state, uint64_t user_key)
{
	return &state->full[user_key % LS_FULL_ACCOUNTS];
}

bool ls_seats_are_taken(struct ls_state *state, uint64_t user_key,
			uint64_t seats, uint64_t now)
{
	struct ls_full *full = full_of(state, user_key);
	const struct ls_live *live = &state->sessions.live;
	const struct ls_looker looker = ls_seats_looker(state);

	/* The last one first: with most people it is free. */
	for (uint64_t i = seats; i-- > 0;)
		if (!ls_seat_is_taken(live, sitter(state, user_key, i), NULL,
				      now))
			return false;
	if (full->user_key == user_key && full->until > now &&
	    full->until <= now + LS_FULL_MS)
		return seats > 0;
	/* Then those left behind. */
	for (uint64_t i = seats; i-- > 0;)
		if (!ls_seat_is_taken(live, sitter(state, user_key, i),
				      &looker, now))
			return false;
	*full = (struct ls_full){ user_key, now + LS_FULL_MS };
	return seats > 0;
}

enum sat { SAT, OCCUPIED, NO_SUCH_SEAT /* no room for it in the table */ };
enum { SIT_TRIES = 16 }; /* a slot may be evicted under us, but hardly so often */

/* Sit down on one seat. `looker` as in live.h. */
static enum sat sit(const struct ls_state *state, const struct ls_hold *hold,
		    uint64_t user_key, uint64_t seat,
		    const struct ls_looker *looker, uint64_t now)
{
	const struct ls_map *map = &state->sessions;
	enum ls_taken taken;
	struct ls_ref ref;
	uint64_t old;

	for (unsigned tries = 0; tries < SIT_TRIES; tries++) {
		if (ls_table_claim(&map->subjects,
				   ls_seat_key(user_key, seat),
				   LS_KIND_SEAT, now, false, &ref) < 0)
			return NO_SUCH_SEAT;
		old = ls_slot_get(&ref, LS_WORD_SITTER);
		if (ls_seat_is_taken(&map->live, old, looker, now))
			return OCCUPIED;
		/* Before it is true: killed in between, the sweeper finds the
		 * seat that may be this session's. */
		ls_live_set_seat(&map->live, hold, (uint32_t)seat + 1);
		taken = ls_slot_swap(&ref, LS_WORD_SITTER, old,
				     ls_seat_value(hold));
		if (taken == LS_NO_ROOM)
			return OCCUPIED;
		if (taken == LS_TAKEN &&
		    ls_table_protect(&map->subjects, &ref, now))
			return SAT;
	}
	return NO_SUCH_SEAT;
}

bool ls_seats_take(const struct ls_state *state, const struct ls_hold *hold,
		   uint64_t user_key, uint64_t seats, uint64_t now)
{
	const struct ls_looker server = ls_seats_looker(state);
	const struct ls_looker *const lookers[] = { NULL, &server };
	bool missing = false;

	for (unsigned round = 0; round < 2 && !missing; round++) {
		for (uint64_t i = 0; i < seats; i++) {
			enum sat sat = sit(state, hold, user_key, i,
					   lookers[round], now);

			if (sat == SAT)
				return true;
			missing |= sat == NO_SUCH_SEAT;
		}
	}
	ls_live_set_seat(&state->sessions.live, hold, 0);
	return missing;
}

void ls_seats_give_up(const struct ls_state *state,
		      const struct ls_live_record *session)
{
	struct ls_ref ref;

	if (session->seat > 0 &&
	    ls_table_find(&state->sessions.subjects,
			  ls_seat_key(session->user_key, session->seat - 1),
			  LS_KIND_SEAT, &ref) == 0)
		ls_slot_swap(&ref, LS_WORD_SITTER,
			     ls_seat_value(&session->hold), 0);
}
