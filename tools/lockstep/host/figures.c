/* figures.c - see figures.h */
#include "lockstep-config.h"

#include "host/figures.h"

#include <stdio.h>
#include <string.h>

static struct figures_of *of(struct figures *figures, const char *service)
{
	unsigned i = 0;

	while (i < figures->services &&
	       strcmp(figures->of[i].service, service) != 0)
		i++;
	if (i == FIGURES_SERVICES) {
		i--;
		snprintf(figures->of[i].service, sizeof(figures->of[i].service),
			 "others");
	} else if (i == figures->services) {
		figures->services++;
		snprintf(figures->of[i].service, sizeof(figures->of[i].service),
			 "%s", service[0] != '\0' ? service : "?");
	}
	return &figures->of[i];
}

static void add_figure(struct figures_of *sum, const struct ls_record *record)
{
	bool login = record->event == LS_EVENT_LOGIN;
	/* Those that have no record were mostly like this one. */
	uint64_t count = UINT64_C(1) + record->untold;

	/* A connection that was let in is a login to come. */
	if (login || record->verdict == LS_DENY)
		sum->logins += count;
	if (record->verdict == LS_DENY)
		sum->refused += count;
	else if (login && record->outcome == LS_OUTCOME_SUCCESS)
		sum->success += count;
	else if (login && ls_outcome_is_wrong(record->outcome))
		sum->wrong += count;
}

void figures_count(struct figures *figures, const struct ls_record *record)
{
	switch (record->event) {
	case LS_EVENT_LOGIN:
	case LS_EVENT_CONNECT:
		add_figure(of(figures, record->service), record);
		add_figure(&figures->all, record);
		break;
	case LS_EVENT_LOCK:
		figures->locks++;
		break;
	case LS_EVENT_FREEZE:
		figures->freezes++;
		break;
	case LS_EVENT_SUSPICIOUS:
		figures->suspicious++;
		break;
	default:
		break;
	}
}

void figures_gather(struct ls_state *state, uint64_t since_ms, uint64_t now_ms,
		    struct figures *figures)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	uint64_t first = 0;

	memset(figures, 0, sizeof(*figures));
	while (ls_journal_next(state, LS_JOURNAL_GUARD, &cursor, now_ms,
			       &record) == 1) {
		if (figures->kept++ == 0) {
			first = record.number;
			figures->oldest_ms = record.at_ms;
		}
		if ((int64_t)(record.at_ms - since_ms) >= 0)
			figures_count(figures, &record);
	}
	figures->written = ls_journal_head(state, LS_JOURNAL_GUARD);
	figures->damaged = cursor.lost > first ? cursor.lost - first : 0;
	figures->short_of = first > 0 &&
			    (int64_t)(figures->oldest_ms - since_ms) > 0;
}
