/* columns.h - tables, for a terminal or a pipe
 *
 * A table fits 80 columns; on a wider terminal one of its columns gets the rest.
 * A cell that is too wide for its column pushes those after it to the next line:
 * nothing is cut. Colour goes to a terminal alone, and not there when NO_COLOR
 * is set (no-color.org). */
#ifndef LOCKSTEP_COLUMNS_H
#define LOCKSTEP_COLUMNS_H

#include <stdbool.h>

enum { COLUMNS_MAX = 8 };

struct column {
	const char *title;
	int width;
	bool right; /* aligned */
	bool grows; /* one of them: by what there is beyond 80 */
};

struct columns {
	const struct column *column;
	unsigned count;
	int width[COLUMNS_MAX], start[COLUMNS_MAX];
};

enum colour { COLOUR_NONE, COLOUR_HEAD, COLOUR_BAD, COLOUR_GOOD };

/* For standard output as it is now. `column` lives as long as columns. */
void columns_init(struct columns *columns_r, const struct column *column,
		  unsigned count);
void columns_head(const struct columns *columns);
/* One row; cells are fit for a terminal already (cli_escape). */
void columns_row(const struct columns *columns, enum colour colour,
		 const char *const cells[]);

/* Columns that a text takes: characters, whatever their bytes. */
int columns_of(const char *text);
/* Of standard output: what the terminal has, 80 at least, and 80 elsewhere. */
int terminal_width(void);
/* What begins and ends a colour there; "" where there is none. */
const char *colour_on(enum colour colour);
const char *colour_off(enum colour colour);

#endif
