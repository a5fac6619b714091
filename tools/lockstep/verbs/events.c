/* events.c - lockstep events: what the journals hold, and then what comes */
#include "lockstep-config.h"

#include "args/filter.h"
#include "host/journals.h"
#include "print/json.h"
#include "print/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FOLLOWED_PRESET = 10, /* events before those that -f waits for */
	POLL_US = 200000,
	REOPEN_POLLS = 5,
};

struct shown {
	uint64_t last; /* how many from the end; UINT64_MAX: all */
	bool follow, json;
	struct filter filter;
};

static bool is_bare(const struct filter *filter)
{
	static const struct filter none;

	return memcmp(filter, &none, sizeof(none)) == 0;
}

static void print_event(const struct shown *shown, enum ls_journal which,
			const struct ls_record *record)
{
	if (shown->json)
		json_print_record(which, record);
	else
		record_print(record);
}

/* The next one that is wanted. */
static const struct ls_record *next(struct journals *journals,
				    const struct shown *shown,
				    enum ls_journal *which_r)
{
	const struct ls_record *record;

	do
		record = journals_next(journals, which_r);
	while (record != NULL && !filter_record(&shown->filter, record));
	return record;
}

/* What is there now: count it, in a first pass over copies, then print the
 * end of it. */
static void print_last(struct journals *journals, const struct shown *shown)
{
	const struct ls_record *record;
	enum ls_journal which;
	uint64_t skip = 0;

	if (shown->last != UINT64_MAX) {
		struct journals copies = *journals;

		while (next(&copies, shown, &which) != NULL)
			skip++;
		skip = skip > shown->last ? skip - shown->last : 0;
	}
	while ((record = next(journals, shown, &which)) != NULL) {
		if (skip > 0)
			skip--;
		else
			print_event(shown, which, record);
	}
}

static void follow_journals(struct journals *journals,
			    const struct shown *shown)
{
	const struct ls_record *record;
	enum ls_journal which;

	for (unsigned polls = 0; !ferror(stdout); polls++) {
		while ((record = next(journals, shown, &which)) != NULL)
			print_event(shown, which, record);
		journals_report_lost(journals);
		if (polls % REOPEN_POLLS == 0)
			journals_keep_open(journals);
		fflush(stdout);
		usleep(POLL_US);
	}
}

static int show_event(const struct cli *cli, const struct shown *shown)
{
	struct journals journals;

	/* What is not there yet may come; what may not be read will not be. */
	if (!journals_open(cli, &journals) &&
	    (!shown->follow || journals.journal[0].error.code != LS_ENOENT)) {
		journals_close(&journals);
		return CLI_FAILED;
	}
	/* Of the last N events of both journals each journal has at most N. */
	if (is_bare(&shown->filter))
		journals_skip_to_last(&journals, shown->last);
	print_last(&journals, shown);
	if (shown->follow)
		follow_journals(&journals, shown);
	journals_report_lost(&journals);
	journals_close(&journals);
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

/* Returns CLI_DONE to go on, or the exit code; -1: help was asked for. */
static int parse_events_options(int argc, char **argv, struct shown *shown)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		FILTER_OPTIONS_OF_WHO,
		FILTER_OPTIONS_OF_WHAT,
		{ NULL, 0, NULL, 0 },
	};
	bool counted = false;
	int option;

	while ((option = getopt_long(argc, argv, "fn:jh", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'f':
			shown->follow = true;
			break;
		case 'n':
			counted = true;
			if (!parse_count(optarg, &shown->last))
				return cli_misused(&verb_events);
			break;
		case 'j':
			shown->json = true;
			break;
		case 'h':
			cli_help(&verb_events);
			return -1;
		case '?':
			return cli_misused(&verb_events);
		default:
			if (!filter_take(&shown->filter, option, optarg))
				return CLI_USAGE;
		}
	}
	if (!filter_take_subjects(&shown->filter, argc - optind, argv + optind))
		return CLI_USAGE;
	if (shown->follow && !counted)
		shown->last = FOLLOWED_PRESET;
	return CLI_DONE;
}

static int run_events(const struct cli *cli, int argc, char **argv)
{
	struct shown shown = { .last = UINT64_MAX };
	int code = parse_events_options(argc, argv, &shown);

	if (code != CLI_DONE)
		return code < 0 ? CLI_DONE : code;
	filter_follow(&shown.filter, cli);
	return show_event(cli, &shown);
}

const struct verb verb_events = {
	.name = "events",
	.run = run_events,
	.summary = "show logins, refusals, locks as they happened",
	.usage = "usage: lockstep events [-f] [-n N] [--json] [FILTER...] "
		 "[USER] [[from] ADDRESS]\n"
		 "\n"
		 "Show what the journals hold: logins and how they ended, "
		 "refusals, locks,\n"
		 "unlocks, sessions. An ADDRESS may be a network of any "
		 "length.\n"
		 "\n"
		 "  -f, --follow       then wait for more, until "
		 "interrupted\n"
		 "  -n, --lines N      the last N only [all; with -f: 10]\n"
		 "  -j, --json         a JSON object on each line\n"
		 "      --user USER, --from ADDRESS\n"
		 "                     those about it, as without the "
		 "option\n"
		 "      --since TIME   of the last 90s, 10m, 12h, 30d\n"
		 "      --type TYPE    login, connect, session, session-end, "
		 "lock, unlock,\n"
		 "                     suspicious, freeze, release, trust, "
		 "distrust, forget,\n"
		 "                     message, alarm\n"
		 "      --service NAME imap, pop3, smtp, ...\n"
		 "      --outcome HOW  success, wrong, unknown-user, denied, "
		 "internal,\n"
		 "                     abandoned, unverified, refused\n"
		 "      --kind KIND    whose limit or lock it was: ip, net, "
		 "user, place,\n"
		 "                     guess, sending, relay\n",
};
