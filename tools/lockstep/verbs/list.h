/* list.h - what the lists of lockstep list share */
#ifndef LOCKSTEP_LIST_H
#define LOCKSTEP_LIST_H

#include "args/filter.h"
#include "cli.h"

struct listing {
	const struct cli *cli;
	struct filter filter;
	bool json;
	bool all; /* `lockstep list` alone: a list that is empty is left out */
};

/* Each prints its list. Returns an exit code. */
int list_locks(const struct listing *listing);
int list_trusted(const struct listing *listing);
int list_familiar(const struct listing *listing);
int list_sessions(const struct listing *listing);
int list_stale(const struct listing *listing);

/* Room for one more of `size` bytes in an array that grows; ends the program when
 * there is no memory. Returns the array, which may have moved. */
void *list_grow(void *array, size_t count, size_t *room, size_t size);

#endif
