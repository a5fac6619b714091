/* map_bed.h - a directory for a map, and the map made, opened and left */
#ifndef LS_MAP_BED_H
#define LS_MAP_BED_H

#include "harness.h"
#include "map/map.h"
#include "world.h"

#include <sodium.h>

static struct world world;
static char path[WORLD_PATH + 8];

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	snprintf(path, sizeof(path), "%s/guard", world.state_dir);
	return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct ls_map_spec spec_of(uint64_t subjects)
{
	return (struct ls_map_spec){ .type = LS_MAP_GUARD,
				     .subjects = subjects,
				     .journal_records = 64,
				     .boot_ms = world.now_ms,
				     .real_ms = world.real_ms,
				     .group = "", .readers = "" };
}

static int create(const struct ls_map_spec *spec, struct ls_map *map,
		  struct ls_error *error)
{
	memset(error, 0, sizeof(*error));
	return ls_map_create(world.state_dirfd, "guard", path, spec, map,
			     error);
}

static int reopen(enum ls_map_type type, bool writable, struct ls_map *map,
		  struct ls_error *error)
{
	memset(error, 0, sizeof(*error));
	return ls_map_open(world.state_dirfd, "guard", path, type, writable,
			   map, error);
}

/* Make one and leave it, closed. */
static inline void make(void)
{
	const struct ls_map_spec spec = spec_of(100);
	struct ls_error error;
	struct ls_map map;

	if (create(&spec, &map, &error) < 0)
		fail_msg("%s", error.text);
	check_text("make", error.text, "");
	ls_map_close(&map);
}

#endif
