/* inflight.c - see inflight.h */
#include "lockstep-config.h"

#include "state/inflight.h"

#include <stdlib.h>
#include <string.h>

enum {
	ENTRIES = LS_INFLIGHT_SUBJECTS,
	/* Beyond three quarters, probing grows long. */
	ENTRIES_USED_MAX = ENTRIES / 4 * 3,
};
_Static_assert((ENTRIES & (ENTRIES - 1)) == 0, "a mask finds the place");

struct entry {
	uint64_t key;
	struct ls_flight flight; /* its counts all zero: free */
};
_Static_assert(sizeof(struct entry) == 24, "as inflight.h says");

struct ls_inflight {
	unsigned used;
	uint16_t rush[LS_INFLIGHT_RUSHES];
	uint16_t local[LS_INFLIGHT_LOCALS];
	struct entry entry[ENTRIES];
};

struct ls_inflight *ls_inflight_new(void)
{
	return calloc(1, sizeof(struct ls_inflight));
}

void ls_inflight_free(struct ls_inflight **inflight)
{
	free(*inflight);
	*inflight = NULL;
}

static void count_up(uint16_t *number)
{
	/* No process has so many: a connection is a descriptor. */
	if (*number < UINT16_MAX)
		++*number;
}

static void count_down(uint16_t *number)
{
	if (*number > 0)
		--*number;
}

unsigned ls_inflight_rush(const struct ls_inflight *inflight, uint64_t ip_key)
{
	return inflight == NULL ? 0
				: inflight->rush[ip_key % LS_INFLIGHT_RUSHES];
}

void ls_inflight_join(struct ls_inflight *inflight, uint64_t ip_key)
{
	count_up(&inflight->rush[ip_key % LS_INFLIGHT_RUSHES]);
}

void ls_inflight_leave(struct ls_inflight *inflight, uint64_t ip_key)
{
	count_down(&inflight->rush[ip_key % LS_INFLIGHT_RUSHES]);
}

unsigned ls_inflight_locals(const struct ls_inflight *inflight, uint64_t key)
{
	return inflight == NULL ? 0
				: inflight->local[key % LS_INFLIGHT_LOCALS];
}

void ls_inflight_join_local(struct ls_inflight *inflight, uint64_t key)
{
	if (inflight != NULL)
		count_up(&inflight->local[key % LS_INFLIGHT_LOCALS]);
}

void ls_inflight_leave_local(struct ls_inflight *inflight, uint64_t key)
{
	if (inflight != NULL)
		count_down(&inflight->local[key % LS_INFLIGHT_LOCALS]);
}

uint64_t ls_inflight_local_key(uint64_t key)
{
	return (key % LS_INFLIGHT_LOCALS + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_free_entry(const struct entry *entry)
{
	return (entry->flight.failures | entry->flight.same |
		entry->flight.other) == 0;
}

/* Keys are hashes: any of their bits will do. */
static unsigned home_of(uint64_t key)
{
	return (unsigned)key & (ENTRIES - 1);
}

/* The entry of a key, or the free one where it would go. */
static unsigned probe(const struct ls_inflight *inflight, uint64_t key)
{
	unsigned i = home_of(key);

	while (!is_free_entry(&inflight->entry[i]) &&
	       inflight->entry[i].key != key)
		i = (i + 1) & (ENTRIES - 1);
	return i;
}

struct ls_flight ls_inflight_get(const struct ls_inflight *inflight,
				 uint64_t key)
{
	static const struct ls_flight none;

	if (inflight == NULL || inflight->used == 0)
		return none;
	return inflight->entry[probe(inflight, key)].flight;
}

bool ls_inflight_add(struct ls_inflight *inflight, uint64_t key, bool failure,
		     uint64_t account)
{
	struct entry *entry = &inflight->entry[probe(inflight, key)];
	struct ls_flight *flight = &entry->flight;

	if (is_free_entry(entry)) {
		if (inflight->used == ENTRIES_USED_MAX)
			return false;
		inflight->used++;
		entry->key = key;
		flight->account = account;
	} else if (flight->failures == UINT16_MAX ||
		   flight->same == UINT16_MAX || flight->other == UINT16_MAX) {
		return false;
	}
	if (failure)
		flight->failures++;
	if (account == 0)
		return true;
	if (flight->same == 0 && flight->other == 0)
		flight->account = account;
	if (flight->account == account)
		flight->same++;
	else
		flight->other++;
	return true;
}

/* Free entry i, and close the gap: what was probed past it moves back.
 * Source: Knuth, The Art of Computer Programming, 6.4, algorithm R. */
static void erase(struct ls_inflight *inflight, unsigned i)
{
	unsigned j = i;

	inflight->used--;
	for (;;) {
		inflight->entry[i].flight = (struct ls_flight){ 0 };
		for (;;) {
			unsigned home, from_home, from_gap;

			j = (j + 1) & (ENTRIES - 1);
			if (is_free_entry(&inflight->entry[j]))
				return;
			home = home_of(inflight->entry[j].key);
			from_home = (j - home) & (ENTRIES - 1);
			from_gap = (j - i) & (ENTRIES - 1);
			if (from_home >= from_gap)
				break; /* its home is at the gap or before */
		}
		inflight->entry[i] = inflight->entry[j];
		i = j;
	}
}

void ls_inflight_remove(struct ls_inflight *inflight, uint64_t key,
			bool failure, uint64_t account)
{
	unsigned i = probe(inflight, key);
	struct ls_flight *flight = &inflight->entry[i].flight;

	if (is_free_entry(&inflight->entry[i]))
		return;
	if (failure && flight->failures > 0)
		flight->failures--;
	if (account != 0 && account == flight->account && flight->same > 0)
		flight->same--;
	else if (account != 0 && flight->other > 0)
		flight->other--;
	if (is_free_entry(&inflight->entry[i]))
		erase(inflight, i);
}
