/* list.c - lockstep list: the active locks */
#include "lockstep-config.h"

#include "cli.h"
#include "json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the table: 80 characters with the blanks between. */
enum { SUBJECT_WIDTH = 28, REASON_WIDTH = 13, TIME_WIDTH = 12 };

struct locks {
	struct ls_lock *lock;
	size_t count, room;
};

static void gather(struct ls_state *state, struct locks *locks)
{
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		if (locks->count == locks->room) {
			locks->room = locks->room == 0 ? 64 : 2 * locks->room;
			locks->lock =
				realloc(locks->lock,
					locks->room * sizeof(*locks->lock));
			if (locks->lock == NULL) {
				cli_complain("out of memory");
				exit(CLI_FAILED);
			}
		}
		locks->lock[locks->count++] = lock;
	}
}

static int by_since(const void *a_lock, const void *b_lock)
{
	const struct ls_lock *a = a_lock, *b = b_lock;

	return (a->since_ms > b->since_ms) - (a->since_ms < b->since_ms);
}

/* "Nov 22 02:14" of "2026-11-22 02:14:05", without the year. */
static void format_minute(uint64_t at_ms, char text_r[CLI_TIME_TEXT])
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr",
					  "May", "Jun", "Jul", "Aug",
					  "Sep", "Oct", "Nov", "Dec" };
	unsigned year, month = 0, day, hour, minute;
	char text[CLI_TIME_TEXT];

	cli_time_format(at_ms, text);
	if (sscanf(text, "%u-%u-%u %u:%u", &year, &month, &day, &hour,
		   &minute) != 5 ||
	    month < 1 || month > 12)
		strcpy(text_r, "?");
	else
		snprintf(text_r, CLI_TIME_TEXT, "%s %2u %02u:%02u",
			 months[month - 1], day % 100, hour % 100,
			 minute % 100);
}

/* Columns that a text takes: characters, whatever their bytes. */
static int width(const char *text)
{
	int columns = 0;

	for (; *text != '\0'; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static void print_lock(const struct ls_lock *lock)
{
	char text[LS_SUBJECT_TEXT], escaped[4 * sizeof(text)];
	char since[CLI_TIME_TEXT], until[CLI_TIME_TEXT];

	if (lock->named)
		ls_subject_format(&lock->subject, text);
	else
		snprintf(text, sizeof(text), "(a forgotten %s)",
			 ls_kind_name(lock->subject.kind));
	cli_escape(text, escaped, sizeof(escaped));
	format_minute(lock->since_ms, since);
	format_minute(lock->until_ms, until);
	fputs(escaped, stdout);
	if (width(escaped) > SUBJECT_WIDTH) /* the rest on its own line */
		printf("\n%*s", SUBJECT_WIDTH, "");
	else
		printf("%*s", SUBJECT_WIDTH - width(escaped), "");
	printf(" %-*s %-*s %-*s %3u %s\n", REASON_WIDTH,
	       lock->freeze ? "frozen" : ls_reason_name(lock->reason), TIME_WIDTH, since, TIME_WIDTH,
	       until, lock->strikes, ls_origin_name(lock->origin));
}

static void print_table(const struct locks *locks)
{
	printf("%-*s %-*s %-*s %-*s %3s %s\n", SUBJECT_WIDTH, "LOCKED",
	       REASON_WIDTH, "WHY", TIME_WIDTH, "SINCE", TIME_WIDTH, "UNTIL",
	       "NO.", "BY");
	for (size_t i = 0; i < locks->count; i++)
		print_lock(&locks->lock[i]);
}

static int run_list(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct locks locks = { NULL, 0, 0 };
	struct ls_state *state;
	struct ls_error error;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_list);
		if (option != 'j')
			return cli_misused(&verb_list);
		json = true;
	}
	if (argc - optind > 1 ||
	    (optind < argc && strcmp(argv[optind], "locks") != 0))
		return cli_misused(&verb_list);
	state = cli_open(cli, LS_GUARD_READ, &error);
	if (state == NULL) {
		cli_complain("%s", error.text);
		return CLI_FAILED;
	}
	gather(state, &locks);
	ls_close(&state);
	if (locks.count > 0)
		qsort(locks.lock, locks.count, sizeof(*locks.lock), by_since);
	for (size_t i = 0; json && i < locks.count; i++)
		json_print_lock(&locks.lock[i]);
	if (!json && locks.count == 0)
		puts("nothing is locked");
	else if (!json)
		print_table(&locks);
	free(locks.lock);
	return CLI_DONE;
}

const struct verb verb_list = {
	.name = "list",
	.run = run_list,
	.summary = "show what is locked",
	.usage = "usage: lockstep list [--json] [locks]\n"
		 "\n"
		 "Show the active locks, the oldest first: what is locked, "
		 "why, since when, until\n"
		 "when, and by whom: a rule, an administrator or a peer. NO. "
		 "is 1 for a first\n"
		 "lock, 2 for the next one before strikes fade, and so on, "
		 "each lasting longer;\n"
		 "0 where only an administrator locked.\n"
		 "\n"
		 "\"frozen\" holds for familiar places too.\n"
		 "\n"
		 "  -j, --json  a JSON object on each line\n",
};
