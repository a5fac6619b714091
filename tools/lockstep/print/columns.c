/* columns.c - see columns.h */
#include "lockstep-config.h"

#include "print/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_LEAST = 80, WIDTH_MOST = 1000 };

int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
	    size.ws_col < WIDTH_LEAST || size.ws_col > WIDTH_MOST)
		return WIDTH_LEAST;
	return size.ws_col;
}

static bool is_coloured(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

const char *colour_on(enum colour colour)
{
	static const char *const begins[] = { "", "\033[1m", "\033[31m",
					      "\033[32m" };

	return is_coloured() ? begins[colour] : "";
}

const char *colour_off(enum colour colour)
{
	return colour != COLOUR_NONE && is_coloured() ? "\033[0m" : "";
}

int columns_of(const char *text)
{
	int columns = 0;

	for (; *text != '\0'; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

void columns_init(struct columns *columns, const struct column *column,
		  unsigned count)
{
	int start = 0;

	columns->column = column;
	columns->count = count;
	for (unsigned i = 0; i < count; i++) {
		columns->width[i] = column[i].width;
		if (column[i].grows)
			columns->width[i] += terminal_width() - WIDTH_LEAST;
		columns->start[i] = start;
		start += columns->width[i] + 1;
	}
}

void columns_row(const struct columns *columns, enum colour colour,
		 const char *const cells[])
{
	int at = 0;

	fputs(colour_on(colour), stdout);
	for (unsigned i = 0; i < columns->count; i++) {
		int width = columns_of(cells[i]), to = columns->start[i];

		if (columns->column[i].right && width < columns->width[i])
			to += columns->width[i] - width;
		if (width == 0)
			continue;
		if (i > 0 && at >= to) {
			putchar('\n');
			at = 0;
		}
		printf("%*s%s", to - at, "", cells[i]);
		at = to + width;
	}
	printf("%s\n", colour_off(colour));
}

void columns_head(const struct columns *columns)
{
	const char *titles[COLUMNS_MAX];

	for (unsigned i = 0; i < columns->count; i++)
		titles[i] = columns->column[i].title;
	columns_row(columns, COLOUR_HEAD, titles);
}
