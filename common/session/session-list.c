/* session-list.c - telling of the live sessions; see sessions.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "map/live.h"
#include "state/state.h"

#include <string.h>

int ls_session_next(struct ls_state *state, uint64_t *cursor,
		    struct ls_session_info *info_r)
{
	const struct ls_map *map = &state->sessions;
	struct ls_live_record session;

	if (map->header == NULL)
		return LS_EACCES;
	while (*cursor < map->live.places) {
		if (!ls_live_read(&map->live, (*cursor)++, true, &session) ||
		    ls_looker_sees_end(&state->looker, &session.process))
			continue;
		memset(info_r, 0, sizeof(*info_r));
		info_r->began_ms = ls_map_boot_ms(map, session.began);
		info_r->pid = session.process.pid;
		info_r->ip = session.ip;
		ls_copy(info_r->service, sizeof(info_r->service),
			session.service);
		ls_copy(info_r->id, sizeof(info_r->id), session.id);
		ls_copy(info_r->user, sizeof(info_r->user), session.user);
		return 1;
	}
	return 0;
}

uint64_t ls_sessions_live(struct ls_state *state, const char *user)
{
	const struct ls_map *map = &state->sessions;
	struct ls_live_record session;
	uint64_t count = 0;

	/* Whose it is costs less to tell than whether it is still there. */
	for (uint64_t i = 0; map->header != NULL && i < map->live.places; i++)
		count += ls_live_read(&map->live, i, true, &session) &&
			 (user == NULL || strcmp(session.user, user) == 0) &&
			 !ls_looker_sees_end(&state->looker, &session.process);
	return count;
}

static uint64_t least_place(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void ls_sessions_status(struct ls_state *state,
			struct ls_sessions_status *status_r)
{
	const struct ls_map *map = &state->sessions;

	memset(status_r, 0, sizeof(*status_r));
	if (map->header == NULL)
		return;
	status_r->room = map->live.places;
	status_r->live = ls_sessions_live(state, NULL);
	status_r->full = least_place(atomic_load(&map->header->live_full),
				     map->live.places);
	status_r->created_ms = map->created_boot_ms;
	status_r->events = least_place(atomic_load(map->journal.head),
				       map->journal.records);
}
