/* events.c - the journals of a state */
#include "lockstep-config.h"

#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The word that follows `name` in the text; "": there is none. */
static void read_word(const char *text, const char *name, char *word_r,
		      size_t size)
{
	const char *at = strstr(text, name);
	size_t len;

	at = at != NULL ? at + strlen(name) : "";
	len = strcspn(at, " ");
	if (len >= size)
		len = size - 1;
	memcpy(word_r, at, len);
	word_r[len] = '\0';
}

bool ls_evidence_of(const struct ls_record *record,
		    struct ls_evidence *evidence_r)
{
	const char *to = strstr(record->more, " to=");
	char number[24];

	memset(evidence_r, 0, sizeof(*evidence_r));
	if (record->event != LS_EVENT_FREEZE ||
	    record->reason != LS_REASON_SENDING ||
	    record->origin != LS_ORIGIN_RULE || record->more[0] == '\0')
		return false;
	read_word(record->more, "messages=", number, sizeof(number));
	evidence_r->messages = strtoull(number, NULL, 10);
	read_word(record->more, "recipients=", number, sizeof(number));
	evidence_r->recipients = strtoull(number, NULL, 10);
	read_word(record->more, "queue-id=", evidence_r->queue_id,
		  sizeof(evidence_r->queue_id));
	if (to != NULL)
		snprintf(evidence_r->domains, sizeof(evidence_r->domains), "%s",
			 to + strlen(" to="));
	return true;
}
