/* events.c - the journals of a state */
#include "lockstep-config.h"

#include "state/state.h"

#include <stdio.h>

static const struct ls_map *map_of(const struct ls_state *state,
				   enum ls_journal journal)
{
	return journal == LS_JOURNAL_SESSIONS ? &state->sessions
					      : &state->guard;
}

int ls_journal_next(struct ls_state *state, enum ls_journal journal,
		    struct ls_cursor *cursor, uint64_t now_ms,
		    struct ls_record *record_r)
{
	const struct ls_map *map = map_of(state, journal);
	int ret;

	if (map->header == NULL)
		return LS_EACCES;
	while ((ret = ls_ring_next(&map->journal, cursor,
				   ls_map_now(map, now_ms), record_r)) == 1 &&
	       journal == LS_JOURNAL_SESSIONS &&
	       record_r->event != LS_EVENT_SESSION &&
	       record_r->event != LS_EVENT_SESSION_END)
		cursor->lost++;
	if (ret == 1) {
		record_r->at_ms = ls_map_boot_ms(map, record_r->at_ms);
		record_r->until_ms = ls_map_boot_ms(map, record_r->until_ms);
	}
	return ret;
}

uint64_t ls_journal_head(struct ls_state *state, enum ls_journal journal)
{
	const struct ls_map *map = map_of(state, journal);

	return map->header != NULL ? atomic_load(map->journal.head) : 0;
}

void ls_record_by(const struct ls_record *record, char by_r[LS_BY_MAX + 1])
{
	bool told = record->origin == LS_ORIGIN_ADMIN &&
		    record->more[0] != '\0';

	/* Either may fill its place, in a record that no ring of ours wrote. */
	snprintf(by_r, LS_BY_MAX + 1, "%.*s%s%.*s", LS_DETAIL_MAX,
		 record->detail, told ? ": " : "", LS_MORE_MAX,
		 told ? record->more : "");
}
