/* storm.h - many processes on one real map, some of them killed
 *
 * What the storms have in common: a world of its own (tests/unit/world.h), in
 * a private directory under /dev/shm; children, each a process that works on
 * the world's maps; a deadline for the whole; and, however it ends, no child
 * and no file left behind.
 *
 *   storm_begin("storm_this", 60);
 *   world_open(&storm_world, LS_GUARD_WRITE | LS_CREATE);
 *   storm_start(0, work);
 *   ...
 *   storm_join();
 *   storm_verify("after it");
 *   return storm_end("%u times this", times);
 *
 * $LOCKSTEP_FULL, when it is set and not empty, asks for the full size; else
 * the sizes are such that all storms together take less than a minute on two
 * cores. Every run takes the same random numbers; what differs is the order in
 * which the processes get to run. */
#ifndef TEST_STORM_H
#define TEST_STORM_H

#include "harness.h"
#include "world.h"

#include <sys/types.h>

enum { STORM_CHILDREN = 16 };

extern struct world storm_world;

/* Make the world; from now on there are so many seconds (more in a build that
 * watches itself). */
void storm_begin(const char *name, unsigned seconds);
/* Make a map that is smaller than a policy could ask for. world_open() then
 * finds it there. */
void storm_make_map(enum ls_map_type type, uint64_t subjects, uint64_t records);
/* Another world in its place, with no map yet. No child may run. */
void storm_another_world(void);
/* Print one line, "NAME: ...", and remove the world. Returns the exit code. */
__attribute__((format(printf, 1, 2))) int storm_end(const char *format, ...);

/* Complain, clean up, exit. In a child: the parent then does all that. */
__attribute__((format(printf, 1, 2), noreturn)) void
storm_fail(const char *format, ...);
#define storm_check(holds, ...)                                                \
	do {                                                                   \
		if (!(holds))                                                  \
			storm_fail(__VA_ARGS__);                               \
	} while (0)

/* How many: at full size, else. */
uint64_t storm_count(uint64_t full, uint64_t scaled);

/* Zeroed memory that all children share. */
void *storm_share(size_t size);

/* Run work(who) in a child; when it returns, the child ends well. */
void storm_start(unsigned who, void (*work)(unsigned who));
/* In a child of storm_run(): wait until so many have come here, so that they
 * begin together. */
void storm_meet(unsigned children);
/* Start so many at once, and wait until all have ended well. */
void storm_run(unsigned children, void (*work)(unsigned who));
/* Kill the child with SIGKILL. It fails the storm if that has ended before. */
void storm_kill(unsigned who);
/* Fail the storm if a child has ended. */
void storm_watch(void);
/* Fail it if a child has ended badly. Returns how many still run. */
unsigned storm_running(void);
/* Wait until every child has ended, well. */
void storm_join(void);

/* Check the world's open maps; a finding fails the storm. */
void storm_verify(const char *when);

#endif
