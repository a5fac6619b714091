/* snapshot_bed.h - a world whose guard is saved, taken away and restored */
#ifndef LS_SNAPSHOT_BED_H
#define LS_SNAPSHOT_BED_H

#include "state/snapshot.h"
#include "world_bed.h"

#include <fcntl.h>
#include <unistd.h>

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
