/* events.c - lockstep events: both journals, merged by time */
#include "lockstep-config.h"

#include "cli.h"
#include "json.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	JOURNALS = 2,
	FOLLOWED_PRESET = 10, /* events before those that -f waits for */
	POLL_US = 200000,
	REOPEN_POLLS = 5,
};

/* One journal, with the record that is to be printed next. */
struct journal {
	enum ls_journal which;
	struct ls_state *state; /* NULL: there is no such map */
	struct ls_cursor cursor;
	struct ls_record record;
	bool waiting; /* `record` is one */
	struct ls_error error;
};

struct shown {
	uint64_t last; /* how many from the end; UINT64_MAX: all */
	bool follow, json;
};

static unsigned flag_of(enum ls_journal which)
{
	return which == LS_JOURNAL_GUARD ? LS_GUARD_READ : LS_SESSIONS_READ;
}

static bool open_journal(const struct cli *cli, struct journal *journal)
{
	journal->state =
		cli_open(cli, flag_of(journal->which), &journal->error);
	return journal->state != NULL;
}

static void fill(struct journal *journal)
{
	if (!journal->waiting && journal->state != NULL)
		journal->waiting =
			ls_journal_next(journal->state, journal->which,
					&journal->cursor, cli_now_ms(),
					&journal->record) == 1;
}

/* The journal whose record comes next, or NULL when there is none now. */
static struct journal *next(struct journal journals[JOURNALS])
{
	struct journal *first = NULL;

	for (size_t i = 0; i < JOURNALS; i++) {
		fill(&journals[i]);
		if (journals[i].waiting &&
		    (first == NULL ||
		     journals[i].record.at_ms < first->record.at_ms))
			first = &journals[i];
	}
	return first;
}

static const char *dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

static void print_lock(const struct ls_record *record)
{
	char subject[LS_SUBJECT_TEXT], until[CLI_TIME_TEXT];
	char escaped[4 * sizeof(subject)], by[4 * sizeof(record->detail)];

	ls_subject_format(&record->subject, subject);
	printf("%s %s", ls_kind_name(record->subject.kind),
	       cli_escape(subject, escaped, sizeof(escaped)));
	if (record->event == LS_EVENT_LOCK ||
	    record->event == LS_EVENT_FREEZE) {
		cli_time_format(record->until_ms, until);
		if (record->reason != LS_REASON_ADMIN)
			printf(" for %s,", ls_reason_name(record->reason));
		if (record->strikes > 0)
			printf(" strike %u,", record->strikes);
		printf(" until %s", until);
	}
	printf(" by %s", ls_origin_name(record->origin));
	if (record->detail[0] != '\0')
		printf(" (%s)", cli_escape(record->detail, by, sizeof(by)));
	putchar('\n');
}

/* How an attempt ended: "success", "refused: failures of ip", ... */
static void print_end(const struct ls_record *record)
{
	bool refused = record->verdict == LS_DENY;
	const char *words = refused ? "refused"
			    : record->outcome != LS_OUTCOME_NONE
				    ? ls_outcome_name(record->outcome)
				    : ls_verdict_name(record->verdict);

	fputs(words, stdout);
	if (!refused && record->wanted == LS_DENY)
		fputs(", would be refused", stdout);
	if (record->reason != LS_REASON_NONE)
		printf(": %s", ls_reason_name(record->reason));
	if (record->reason != LS_REASON_NONE &&
	    record->subject.kind != LS_KIND_NONE)
		printf(" of %s", ls_kind_name(record->subject.kind));
}

static void print_attempt(const struct ls_record *record)
{
	char user[4 * sizeof(record->subject.user)], net[LS_PREFIX_TEXT];
	char service[4 * sizeof(record->service)];
	char mech[4 * sizeof(record->mech)], id[4 * sizeof(record->detail)];

	ls_prefix_format(&record->subject.net, net);
	cli_escape(record->service, service, sizeof(service));
	cli_escape(record->mech, mech, sizeof(mech));
	cli_escape(record->subject.user, user, sizeof(user));
	printf("%s %s %s ", dash(service), dash(user), net);
	if (record->event != LS_EVENT_SESSION)
		print_end(record);
	else
		printf("session <%s>",
		       cli_escape(record->detail, id, sizeof(id)));
	if (mech[0] != '\0')
		printf(" (%s)", mech);
	putchar('\n');
}

static void print(const struct shown *shown, enum ls_journal which,
		  const struct ls_record *record)
{
	char when[CLI_TIME_TEXT];

	if (shown->json) {
		json_print_record(which, record);
		return;
	}
	cli_time_format(record->at_ms, when);
	printf("%s %-7s ", when, ls_event_name(record->event));
	if (ls_event_is_order(record->event))
		print_lock(record);
	else
		print_attempt(record);
}

/* Of the last N events of both journals each journal has at most N. */
static void skip_to_last(struct journal *journal, uint64_t last)
{
	uint64_t head;

	if (journal->state == NULL || last == UINT64_MAX)
		return;
	head = ls_journal_head(journal->state, journal->which);
	if (head > last)
		journal->cursor.next = head - last;
}

/* What is there now: count it, in a first pass over copies, then print the
 * end of it. */
static void print_last(struct journal journals[JOURNALS],
		       const struct shown *shown)
{
	uint64_t skip = 0;
	struct journal *from;

	if (shown->last != UINT64_MAX) {
		struct journal copies[JOURNALS];

		memcpy(copies, journals, sizeof(copies));
		for (; (from = next(copies)) != NULL; skip++)
			from->waiting = false;
		skip = skip > shown->last ? skip - shown->last : 0;
	}
	while ((from = next(journals)) != NULL) {
		from->waiting = false;
		if (skip > 0)
			skip--;
		else
			print(shown, from->which, &from->record);
	}
}

/* A journal's map may come late, and may be replaced by a new one. */
static void keep_open(const struct cli *cli, struct journal *journal)
{
	struct ls_error error = { 0, "" };

	if (journal->state != NULL &&
	    ls_refresh(journal->state, cli_now_ms(), &error) < 0) {
		cli_complain("%s", error.text);
		ls_close(&journal->state);
	}
	if (journal->state == NULL && open_journal(cli, journal))
		journal->cursor = (struct ls_cursor){ 0 };
}

static void report_lost(struct journal *journal)
{
	if (journal->cursor.lost > 0)
		cli_complain("%" PRIu64 " events were gone before they were "
			     "read",
			     journal->cursor.lost);
	journal->cursor.lost = 0;
}

static void follow(const struct cli *cli, struct journal journals[JOURNALS],
		   const struct shown *shown)
{
	struct journal *from;

	for (unsigned polls = 0; !ferror(stdout); polls++) {
		while ((from = next(journals)) != NULL) {
			from->waiting = false;
			print(shown, from->which, &from->record);
		}
		for (size_t i = 0; i < JOURNALS; i++) {
			report_lost(&journals[i]);
			if (polls % REOPEN_POLLS == 0)
				keep_open(cli, &journals[i]);
		}
		fflush(stdout);
		usleep(POLL_US);
	}
}

static int show(const struct cli *cli, const struct shown *shown)
{
	struct journal journals[JOURNALS] = {
		{ .which = LS_JOURNAL_GUARD },
		{ .which = LS_JOURNAL_SESSIONS },
	};

	if (!open_journal(cli, &journals[0]) && !shown->follow) {
		cli_complain("%s", journals[0].error.text);
		return CLI_FAILED;
	}
	/* Where no mail was read yet there are no sessions. */
	if (!open_journal(cli, &journals[1]) &&
	    journals[1].error.code != LS_ENOENT)
		cli_complain("%s", journals[1].error.text);
	for (size_t i = 0; i < JOURNALS; i++)
		skip_to_last(&journals[i], shown->last);
	print_last(journals, shown);
	if (shown->follow)
		follow(cli, journals, shown);
	for (size_t i = 0; i < JOURNALS; i++) {
		report_lost(&journals[i]);
		ls_close(&journals[i].state);
	}
	return CLI_DONE;
}

static bool parse_count(const char *text, uint64_t *count_r)
{
	size_t len = strlen(text);

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return false;
	*count_r = strtoull(text, NULL, 10);
	return true;
}

static int run_events(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct shown shown = { .last = UINT64_MAX };
	bool counted = false;
	int option;

	while ((option = getopt_long(argc, argv, "fn:jh", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'f':
			shown.follow = true;
			break;
		case 'n':
			counted = true;
			if (!parse_count(optarg, &shown.last))
				return cli_misused(&verb_events);
			break;
		case 'j':
			shown.json = true;
			break;
		case 'h':
			return cli_help(&verb_events);
		default:
			return cli_misused(&verb_events);
		}
	}
	if (optind < argc)
		return cli_misused(&verb_events);
	if (shown.follow && !counted)
		shown.last = FOLLOWED_PRESET;
	return show(cli, &shown);
}

const struct verb verb_events = {
	.name = "events",
	.run = run_events,
	.summary = "show logins, refusals, locks as they happened",
	.usage = "usage: lockstep events [-f] [-n N] [--json]\n"
		 "\n"
		 "Show what the journals hold: logins and how they ended, "
		 "refusals, locks,\n"
		 "unlocks, sessions.\n"
		 "\n"
		 "  -f, --follow   then wait for more, until interrupted\n"
		 "  -n, --lines N  the last N only [all; with -f: 10]\n"
		 "  -j, --json     a JSON object on each line\n",
};
