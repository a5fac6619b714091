/* level.c - see level.h */
#include "lockstep-config.h"

#include "print/json.h"
#include "print/level.h"

#include <inttypes.h>
#include <stdio.h>

enum colour level_cells(const struct ls_level *level,
			struct level_cells *cells_r)
{
	char period[LS_DURATION_TEXT];

	ls_duration_format(level->period_ms, period);
	snprintf(cells_r->units, sizeof(cells_r->units), "%" PRIu64,
		 level->units);
	snprintf(cells_r->limit, sizeof(cells_r->limit), "%" PRIu64 "/%s",
		 level->limit, period);
	snprintf(cells_r->empty, sizeof(cells_r->empty), "-");
	snprintf(cells_r->room, sizeof(cells_r->room), "now");
	if (level->empty_in_ms > 0)
		cli_age_format(level->empty_in_ms, cells_r->empty);
	if (level->room_in_ms == 0)
		return COLOUR_NONE;
	cli_age_format(level->room_in_ms, cells_r->room);
	return COLOUR_BAD;
}

void level_put(json_t *object, const struct ls_level *level)
{
	json_put_number(object, "level", level->units);
	json_put_number(object, "limit", level->limit);
	json_put_number(object, "period_ms", level->period_ms);
}

json_t *level_json(const struct ls_level *level)
{
	json_t *object = json_object();

	json_put(object, "meter", json_string(ls_reason_name(level->reason)));
	level_put(object, level);
	json_put_number(object, "empty_in_ms", level->empty_in_ms);
	json_put_number(object, "room_in_ms", level->room_in_ms);
	if (level->observed)
		json_put(object, "observed", json_true());
	return object;
}
