/* top.c - lockstep top: who attacks whom, live */
#include "lockstep-config.h"

#include "cli.h"
#include "print/record.h"
#include "verbs/screen.h"

#include <curses.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 1000 };

static const uint64_t windows_ms[] = { 60000, 600000, 3600000 };
enum { WINDOWS = sizeof(windows_ms) / sizeof(windows_ms[0]) };

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

struct top {
	const struct cli *cli;
	struct ls_state *state; /* NULL: there is no guard now */
	struct ls_error error;
	unsigned window;
	struct screen screen;
};

/* ---- what is to be seen ------------------------------------------------------ */

static void count_attempts(struct top *top)
{
	struct screen *screen = &top->screen;
	struct ls_cursor cursor = { 0 };
	uint64_t since_ms = screen->now_ms - screen->window_ms;
	char address[LS_PREFIX_TEXT];
	struct ls_record record;

	while (ls_journal_next(top->state, LS_JOURNAL_GUARD, &cursor,
			       screen->now_ms, &record) == 1) {
		if ((int64_t)(record.at_ms - since_ms) < 0)
			continue;
		figures_count(&screen->figures, &record);
		if (record.event != LS_EVENT_LOGIN &&
		    record.event != LS_EVENT_CONNECT)
			continue;
		record_from(&record, address);
		tally_count(&screen->attackers, address, &record);
		if (record.event == LS_EVENT_LOGIN)
			tally_count(&screen->accounts, record.subject.user,
				    &record);
	}
}

static int newest_first(const void *a_lock, const void *b_lock)
{
	const struct ls_lock *a = a_lock, *b = b_lock;
	int64_t later = (int64_t)(a->since_ms - b->since_ms);

	return (later < 0) - (later > 0);
}

/* They come in the order of their slots: of twice as many as can be shown the
 * older half makes room for others. */
static void gather_locks(struct top *top)
{
	struct screen *screen = &top->screen;
	uint64_t cursor = 0;
	struct ls_lock lock;
	unsigned held = 0;

	screen->locks = 0;
	while (ls_lock_next(top->state, &cursor, screen->now_ms, &lock) == 1) {
		if (held == SCREEN_LOCKS_HELD) {
			qsort(screen->lock, held, sizeof(lock), newest_first);
			held = SCREEN_LOCKS;
		}
		screen->lock[held++] = lock;
		screen->locks++;
	}
	qsort(screen->lock, held, sizeof(lock), newest_first);
}

/* A guard may be replaced, and come late. Where no mail was read yet there are no
 * sessions. */
static void keep_open(struct top *top)
{
	struct ls_open_args args = {
		.policy_path = top->cli->policy,
		.flags = LS_GUARD_READ | LS_SESSIONS_READ,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};

	if (top->state != NULL &&
	    ls_refresh(top->state, args.now_ms, &top->error) < 0)
		ls_close(&top->state);
	if (top->state != NULL || ls_open(&args, &top->state, &top->error) == 0)
		return;
	args.flags = LS_GUARD_READ;
	ls_open(&args, &top->state, &top->error);
}

static void look_at_journals(struct top *top)
{
	struct screen *screen = &top->screen;
	struct ls_status status;

	keep_open(top);
	screen->now_ms = cli_now_ms();
	screen->window_ms = windows_ms[top->window];
	screen->trouble = top->state == NULL ? top->error.text : NULL;
	memset(&screen->figures, 0, sizeof(screen->figures));
	tally_clear(&screen->attackers);
	tally_clear(&screen->accounts);
	screen->senders.count = 0;
	if (top->state == NULL)
		return;
	ls_status(top->state, screen->now_ms, &status);
	screen->observing = status.observe;
	screen->sessions = ls_sessions_live(top->state, NULL);
	count_attempts(top);
	gather_locks(top);
	senders_gather(&screen->senders, top->state, screen->now_ms);
}

static void show_screen(struct top *top)
{
	tally_sort(&top->screen.attackers, top->screen.by);
	tally_sort(&top->screen.accounts, top->screen.by);
	senders_sort(&top->screen.senders, top->screen.senders_by);
	screen_draw(&top->screen);
}

/* ---- the terminal ------------------------------------------------------------- */

/* Returns false to quit. */
static bool obey(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 'w':
		top->screen.by = TALLY_BY_WRONG;
		break;
	case 'r':
		top->screen.by = TALLY_BY_REFUSED;
		break;
	case 'l':
		top->screen.by = TALLY_BY_LAST;
		break;
	case 'm':
		top->screen.senders_by = SENDERS_BY_MESSAGES;
		break;
	case 'c':
		top->screen.senders_by = SENDERS_BY_RECIPIENTS;
		break;
	case 'f':
		top->screen.senders_by = SENDERS_BY_FULL;
		break;
	case 't':
		top->window = (top->window + 1) % WINDOWS;
		break;
	case 'L' - '@': /* ^L: draw it all again */
		clearok(stdscr, TRUE);
		break;
	default:
		break;
	}
	return true;
}

static void run_until_quit(struct top *top)
{
	int key = ERR;

	do {
		look_at_journals(top);
		show_screen(top);
		key = getch(); /* waits for a tick */
	} while (!ended && obey(top, key));
}

static int watch(const struct cli *cli)
{
	static struct top top;
	const struct sigaction ending = { .sa_handler = end };
	SCREEN *terminal;

	top.cli = cli;
	top.window = 1;
	top.state = cli_open_to_read(cli);
	if (top.state == NULL)
		return CLI_FAILED;
	setlocale(LC_CTYPE, "");
	terminal = newterm(NULL, stdout, stdin);
	if (terminal == NULL) {
		cli_complain("the terminal \"%s\" is not known",
			     getenv("TERM") != NULL ? getenv("TERM") : "");
		ls_close(&top.state);
		return CLI_FAILED;
	}
	sigaction(SIGINT, &ending, NULL);
	sigaction(SIGTERM, &ending, NULL);
	sigaction(SIGHUP, &ending, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	timeout(TICK_MS);
	run_until_quit(&top);
	endwin();
	delscreen(terminal);
	tally_free(&top.screen.attackers);
	tally_free(&top.screen.accounts);
	senders_free(&top.screen.senders);
	ls_close(&top.state);
	return CLI_DONE;
}

static int run_top(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option == 'h')
		return cli_help(&verb_top);
	if (option != -1 || optind < argc)
		return cli_misused(&verb_top);
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_complain("top wants a terminal; lockstep events -f and "
			     "lockstep status do not");
		return CLI_FAILED;
	}
	return watch(cli);
}

const struct verb verb_top = {
	.name = "top",
	.run = run_top,
	.summary = "watch attackers, attacked accounts, senders and locks, live",
	.usage = "usage: lockstep top\n"
		 "\n"
		 "Show, and keep showing: logins and how they ended, by "
		 "protocol; who guesses\n"
		 "most; whom they guess at; who sends most, of what it may; the "
		 "newest locks. It\n"
		 "reads the state and stands in nobody's way. Keys:\n"
		 "\n"
		 "  w, r, l  sort by wrong passwords, by refusals, by the last "
		 "attempt\n"
		 "  m, c, f  sort senders by messages, by recipients, by what is "
		 "fullest\n"
		 "  t        of the last minute, 10 minutes, hour\n"
		 "  q        quit\n",
};
