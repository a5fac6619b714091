/* unsure.c - see unsure.h */
#include "lockstep-config.h"

#include "state/unsure.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = LS_UNSURE_PASSWORDS / WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "a mask finds the set");

struct ls_unsure {
	bool any;
	uint64_t entry[SETS][WAYS]; /* the newest first; 0: none */
};

struct ls_unsure *ls_unsure_new(void)
{
	return calloc(1, sizeof(struct ls_unsure));
}

void ls_unsure_free(struct ls_unsure **unsure)
{
	free(*unsure);
	*unsure = NULL;
}

/* A place's key is a hash; a fingerprint has 17 bits, and is not 0. */
static uint64_t entry_of(uint64_t place, uint32_t print)
{
	uint64_t entry = place ^ (uint64_t)print << 40;

	return entry != 0 ? entry : 1;
}

static size_t set_of(uint64_t place)
{
	return place & (SETS - 1);
}

/* Where in its set, or WAYS. */
static unsigned way_of(const struct ls_unsure *unsure, uint64_t place,
		       uint32_t print)
{
	const uint64_t *set = unsure->entry[set_of(place)];
	uint64_t entry = entry_of(place, print);
	unsigned way = 0;

	while (way < WAYS && set[way] != entry)
		way++;
	return way;
}

bool ls_unsure_has(const struct ls_unsure *unsure, uint64_t place,
		   uint32_t print)
{
	return unsure != NULL && unsure->any &&
	       way_of(unsure, place, print) < WAYS;
}

void ls_unsure_add(struct ls_unsure *unsure, uint64_t place, uint32_t print)
{
	uint64_t *set;
	unsigned way;

	if (unsure == NULL)
		return;
	set = unsure->entry[set_of(place)];
	way = way_of(unsure, place, print);
	if (way == WAYS)
		way = WAYS - 1;
	memmove(set + 1, set, way * sizeof(*set));
	set[0] = entry_of(place, print);
	unsure->any = true;
}

void ls_unsure_drop(struct ls_unsure *unsure, uint64_t place, uint32_t print)
{
	uint64_t *set;
	unsigned way;

	if (!ls_unsure_has(unsure, place, print))
		return;
	set = unsure->entry[set_of(place)];
	way = way_of(unsure, place, print);
	memmove(set + way, set + way + 1, (WAYS - 1 - way) * sizeof(*set));
	set[WAYS - 1] = 0;
}
