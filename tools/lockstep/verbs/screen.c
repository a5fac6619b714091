/* screen.c - see screen.h */
#include "lockstep-config.h"

#include "print/subject.h"
#include "cli.h"
#include "print/columns.h"
#include "verbs/screen.h"

#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_LINES = 4, PANELS = 4, WIDTH_LEAST = 80 };

/* Where the columns of the panels end, from the right edge: a name has what their
 * widest titles and times leave. */
enum { FROM_RIGHT_LAST = 1, FROM_RIGHT_SUCCESS = 12, FROM_RIGHT_REFUSED = 21,
       FROM_RIGHT_WRONG = 30, FROM_RIGHT_NAME = 39 };
/* And where those of the locks begin. */
enum { FROM_RIGHT_UNTIL = 13, FROM_RIGHT_SINCE = 26, FROM_RIGHT_WHY = 41,
       FROM_RIGHT_LOCKED = 42 };

/* A text in so many columns; one that is longer is cut and ends in "...". No
 * character is halved. */
static void put_cell(int line, int column, int width, const char *text)
{
	static const char mark[] = "...";
	int left = columns_of(text) <= width ? width : width - columns_of(mark);
	const char *end = text;

	for (; *end != '\0'; end++) {
		left -= ((unsigned char)*end & 0xc0) != 0x80;
		if (left < 0)
			break;
	}
	mvaddnstr(line, column, text, (int)(end - text));
	if (*end != '\0')
		addstr(mark);
}

static void put_right(int line, int end, const char *text)
{
	mvaddstr(line, end - (int)strlen(text), text);
}

static void put_cell_number(int line, int end, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_right(line, end, text);
}

/* A title over the whole line. */
static void put_bar(int line, const char *title)
{
	attron(A_REVERSE);
	mvhline(line, 0, ' ', COLS);
	put_cell(line, 0, COLS, title);
}

static void draw_head(const struct screen *screen)
{
	static const char *const orders[] = { "wrong", "refused", "last" };
	char text[160], time[CLI_TIME_TEXT], window[LS_DURATION_TEXT];
	const struct figures_of *all = &screen->figures.all;

	cli_time_format(screen->now_ms, time);
	ls_duration_format(screen->window_ms, window);
	snprintf(text, sizeof(text),
		 "lockstep top  %s  last %s, by %s  %s", time, window,
		 orders[screen->by],
		 screen->observing ? "observing: refuses nobody" : "");
	put_bar(0, text);
	attroff(A_REVERSE);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " login%s: %" PRIu64 " success, %" PRIu64
		 " wrong, %" PRIu64 " refused; locks: %" PRIu64
		 " new, %u in force",
		 all->logins, ls_plural_s(all->logins), all->success, all->wrong,
		 all->refused, screen->figures.locks, screen->locks);
	put_cell(1, 0, COLS, text);
}

/* Live sessions; logins per minute, by protocol, as many as fit. */
static void draw_rates(const struct screen *screen)
{
	const struct figures *figures = &screen->figures;
	char text[96], service[4 * (LS_SERVICE_MAX + 1)];
	double minutes = (double)screen->window_ms / 60000;
	int at = snprintf(text, sizeof(text), "%" PRIu64 " session%s live",
			  screen->sessions, ls_plural_s(screen->sessions));

	put_cell(2, 0, COLS, text);
	for (unsigned i = 0; i < figures->services; i++) {
		const struct figures_of *of = &figures->of[i];

		cli_escape(of->service, service, sizeof(service));
		snprintf(text, sizeof(text), "  %s %.1f/min", service,
			 (double)(of->logins > 0 ? of->logins : of->refused) /
				 minutes);
		if (at + (int)strlen(text) > COLS)
			break;
		put_cell(2, at, COLS - at, text);
		at += (int)strlen(text);
	}
	if (screen->trouble != NULL)
		put_cell(3, 0, COLS, screen->trouble);
}

static void draw_row(const struct screen *screen, int line,
		     const struct tally_row *row)
{
	char name[4 * sizeof(row->name)], age[CLI_TIME_TEXT];
	uint64_t gone_ms = screen->now_ms - row->last_ms;

	put_cell(line, 0, COLS - FROM_RIGHT_NAME,
		 cli_escape(row->name, name, sizeof(name)));
	put_cell_number(line, COLS - FROM_RIGHT_WRONG, row->wrong);
	put_cell_number(line, COLS - FROM_RIGHT_REFUSED, row->refused);
	put_cell_number(line, COLS - FROM_RIGHT_SUCCESS, row->success);
	cli_age_format((int64_t)gone_ms > 0 ? gone_ms : 0, age);
	put_right(line, COLS - FROM_RIGHT_LAST, age);
}

/* `lines` of them from `line` on, the title among them. */
static void draw_tally(const struct screen *screen, int line, int lines,
		       const char *title, const struct tally *tally)
{
	size_t drawn = 0;

	put_bar(line, title);
	put_right(line, COLS - FROM_RIGHT_WRONG, "WRONG");
	put_right(line, COLS - FROM_RIGHT_REFUSED, "REFUSED");
	put_right(line, COLS - FROM_RIGHT_SUCCESS, "SUCCESS");
	put_right(line, COLS - FROM_RIGHT_LAST, "LAST");
	attroff(A_REVERSE);
	for (int i = 1; i < lines; i++) {
		while (drawn < tally->count && tally->row[drawn].wrong +
							tally->row[drawn].refused ==
						0)
			drawn++; /* who only succeeds attacks nobody */
		if (drawn == tally->count)
			return;
		draw_row(screen, line + i, &tally->row[drawn++]);
	}
}

static void draw_sender(int line, const struct ls_sender *sender)
{
	char name[4 * sizeof(sender->user)], percent[24];

	put_cell(line, 0, COLS - FROM_RIGHT_NAME,
		 sender->user[0] != '\0'
			 ? cli_escape(sender->user, name, sizeof(name))
			 : "?");
	put_cell_number(line, COLS - FROM_RIGHT_WRONG, sender->tried_messages);
	put_cell_number(line, COLS - FROM_RIGHT_REFUSED,
			sender->tried_recipients);
	put_cell_number(line, COLS - FROM_RIGHT_SUCCESS,
			sender->new_recipients);
	snprintf(percent, sizeof(percent), "%u%%", sender->percent);
	put_right(line, COLS - FROM_RIGHT_LAST,
		  sender->frozen ? "frozen" : percent);
}

static void draw_senders(const struct screen *screen, int line, int lines)
{
	const struct senders *senders = &screen->senders;

	put_bar(line, "SENDER");
	put_right(line, COLS - FROM_RIGHT_WRONG, "MESSAGES");
	put_right(line, COLS - FROM_RIGHT_REFUSED, "RCPTS");
	put_right(line, COLS - FROM_RIGHT_SUCCESS, "NEW");
	put_right(line, COLS - FROM_RIGHT_LAST, "OF LIMIT");
	attroff(A_REVERSE);
	for (int i = 1; i < lines && (size_t)i <= senders->count; i++)
		draw_sender(line + i, &senders->row[i - 1]);
}

static void draw_locks(const struct screen *screen, int line, int lines)
{
	unsigned shown = screen->locks < SCREEN_LOCKS ? screen->locks
						      : SCREEN_LOCKS;

	put_bar(line, "LOCKED");
	put_cell(line, COLS - FROM_RIGHT_WHY, 14, "WHY");
	put_cell(line, COLS - FROM_RIGHT_SINCE, 12, "SINCE");
	put_cell(line, COLS - FROM_RIGHT_UNTIL, 12, "UNTIL");
	attroff(A_REVERSE);
	for (int i = 1; i < lines && (unsigned)i <= shown; i++) {
		const struct ls_lock *lock = &screen->lock[i - 1];
		char text[SUBJECT_TEXT] = "?", when[CLI_TIME_TEXT];

		if (lock->named)
			subject_text(&lock->subject, text);
		put_cell(line + i, 0, COLS - FROM_RIGHT_LOCKED, text);
		put_cell(line + i, COLS - FROM_RIGHT_WHY, 14,
			 lock->freeze ? "frozen"
				      : ls_reason_name(lock->reason));
		cli_minute_format(lock->since_ms, when);
		put_cell(line + i, COLS - FROM_RIGHT_SINCE, 12, when);
		cli_minute_format(lock->until_ms, when);
		put_cell(line + i, COLS - FROM_RIGHT_UNTIL, 12, when);
	}
}

void screen_draw(const struct screen *screen)
{
	int lines = (LINES - HEAD_LINES - 1) / PANELS;
	int line = HEAD_LINES;

	erase();
	if (COLS < WIDTH_LEAST || lines < 2) {
		put_cell(0, 0, COLS,
			 "lockstep top wants 80 columns and 24 lines");
		refresh();
		return;
	}
	draw_head(screen);
	draw_rates(screen);
	draw_tally(screen, line, lines, "ATTACKER", &screen->attackers);
	line += lines;
	draw_tally(screen, line, lines, "ATTACKED ACCOUNT", &screen->accounts);
	line += lines;
	draw_senders(screen, line, lines);
	line += lines;
	draw_locks(screen, line, LINES - 1 - line);
	put_cell(LINES - 1, 0, COLS - 1,
		 "by: w wrong r refused l last; m messages c rcpts f full   "
		 "t: time   q: quit");
	refresh();
}
