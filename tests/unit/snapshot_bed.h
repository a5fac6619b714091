/* snapshot_bed.h - a world whose guard is saved, taken away and restored */
#ifndef LS_SNAPSHOT_BED_H
#define LS_SNAPSHOT_BED_H

#include "harness.h"
#include "snapshot.h"
#include "world.h"

#include <fcntl.h>
#include <unistd.h>

#define GUARD (LS_GUARD_WRITE | LS_CREATE)
#define JOE "joe@example.com"
#define HOME "198.51.100.7"
#define HOME_NET "198.51.100.0/24"
#define AWAY "192.0.2.1"
#define AWAY_NET "192.0.2.0/24"

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void save(void)
{
	struct ls_error error = { 0, "" };

	if (ls_snapshot_save(world.state, world.now_ms, world.real_ms, &error) <
	    0)
		fail_msg("%s", error.text);
}

/* Off, for a time, and on again: the clock of the boot begins anew. Returns
 * what ls_open() warned of. */
static const char *reboot(uint64_t off_ms)
{
	static struct ls_error error;

	ls_close(&world.state);
	unlinkat(world.state_dirfd, "guard", 0);
	world.real_ms += off_ms;
	world.now_ms = 30 * WORLD_SECOND;
	if (world_join(&world, GUARD, &world.state, &error) < 0)
		fail_msg("%s", error.text);
	return error.text;
}

#endif
