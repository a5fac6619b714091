/* journals.c - see journals.h */
#include "lockstep-config.h"

#include "host/journals.h"

#include <inttypes.h>

static unsigned flag_of(enum ls_journal which)
{
	return which == LS_JOURNAL_GUARD ? LS_GUARD_READ : LS_SESSIONS_READ;
}

static bool open_one(const struct cli *cli, struct journal *journal)
{
	journal->state =
		cli_open(cli, flag_of(journal->which), &journal->error);
	return journal->state != NULL;
}

bool journals_open(const struct cli *cli, struct journals *journals)
{
	struct journal *guard = &journals->journal[0];
	struct journal *sessions = &journals->journal[1];

	*journals = (struct journals){ .cli = cli };
	guard->which = LS_JOURNAL_GUARD;
	sessions->which = LS_JOURNAL_SESSIONS;
	if (!open_one(cli, guard))
		cli_cannot_open(cli, &guard->error);
	/* Where no mail was read yet there are no sessions. */
	else if (!open_one(cli, sessions) && sessions->error.code != LS_ENOENT)
		cli_cannot_open(cli, &sessions->error);
	return guard->state != NULL;
}

void journals_close(struct journals *journals)
{
	for (unsigned i = 0; i < JOURNALS; i++)
		ls_close(&journals->journal[i].state);
}

static void fill_journal(struct journal *journal)
{
	if (journal->waiting || journal->state == NULL)
		return;
	journal->waiting = ls_journal_next(journal->state, journal->which,
					   &journal->cursor, cli_now_ms(),
					   &journal->record) == 1;
	/* What the journal held no more when this began was never to be read. */
	if (journal->waiting && !journal->begun) {
		journal->begun = true;
		journal->cursor.lost = 0;
	}
}

const struct ls_record *journals_next(struct journals *journals,
				      enum ls_journal *which_r)
{
	struct journal *first = NULL;

	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal *journal = &journals->journal[i];

		fill_journal(journal);
		if (journal->waiting &&
		    (first == NULL ||
		     (int64_t)(journal->record.at_ms - first->record.at_ms) <
			     0))
			first = journal;
	}
	if (first == NULL)
		return NULL;
	first->waiting = false;
	*which_r = first->which;
	return &first->record;
}

void journals_skip_to_last(struct journals *journals, uint64_t last)
{
	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal *journal = &journals->journal[i];
		uint64_t head;

		if (journal->state == NULL)
			continue;
		head = ls_journal_head(journal->state, journal->which);
		if (head > last)
			journal->cursor.next = head - last;
	}
}

void journals_keep_open(struct journals *journals)
{
	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal *journal = &journals->journal[i];
		struct ls_error error = { 0, "" };

		if (journal->state != NULL &&
		    ls_refresh(journal->state, cli_now_ms(), &error) < 0) {
			cli_complain("%s", error.text);
			ls_close(&journal->state);
		}
		if (journal->state == NULL && open_one(journals->cli, journal)) {
			journal->cursor = (struct ls_cursor){ 0 };
			journal->begun = false;
		}
	}
}

/* most   that there are; 0: not known */
static void print_lost(uint64_t lost, uint64_t most)
{
	bool more = most > 0 && lost > most;
	uint64_t count = more ? most : lost;

	cli_complain("%s%" PRIu64 " event%s gone before being read",
		     more ? "more than " : "", count, ls_plural_s(count));
}

void journals_report_lost(struct journals *journals)
{
	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal *journal = &journals->journal[i];
		struct ls_cursor *cursor = &journal->cursor;
		struct ls_sessions_status sessions = { .events = 0 };

		/* Mail users may write any number there: no more is told than
		 * that journal has room for. */
		if (journal->which == LS_JOURNAL_SESSIONS &&
		    journal->state != NULL)
			ls_sessions_status(journal->state, &sessions);
		if (cursor->lost > 0)
			print_lost(cursor->lost, sessions.events);
		cursor->lost = 0;
	}
}
