/* level.h - how full a meter is, in cells and in keys */
#ifndef LOCKSTEP_LEVEL_H
#define LOCKSTEP_LEVEL_H

#include "cli.h"
#include "explain.h"
#include "print/columns.h"

#include <jansson.h>

struct level_cells {
	char units[24];            /* "7" */
	char limit[48];            /* "10/10m" */
	char empty[CLI_TIME_TEXT]; /* "6 min"; "-": it is */
	char room[CLI_TIME_TEXT];  /* "now", or in how long */
};

/* Returns the colour of its row. */
enum colour level_cells(const struct ls_level *level,
			struct level_cells *cells_r);

/* "level", "limit", "period_ms". */
void level_put(json_t *object, const struct ls_level *level);
/* These, "meter", "empty_in_ms" and "room_in_ms", and "observed" where it is. */
json_t *level_json(const struct ls_level *level);

#endif
