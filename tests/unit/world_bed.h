/* world_bed.h - a new world for every test, an account, and two places */
#ifndef LS_WORLD_BED_H
#define LS_WORLD_BED_H

#include "harness.h"
#include "world.h"

#define GUARD (LS_GUARD_WRITE | LS_CREATE)
#define JOE "joe@example.com"
#define HOME "198.51.100.7" /* where the owner is */
#define HOME_NET "198.51.100.0/24"
#define AWAY "192.0.2.1" /* where the guesser is */
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

#endif
