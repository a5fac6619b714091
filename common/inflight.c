/* inflight.c - see inflight.h */
#include "lockstep-config.h"

#include "inflight.h"

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
	struct ls_flight flight; /* all zero: free */
};

struct ls_inflight {
	unsigned used;
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

static bool is_free(const struct entry *entry)
{
	return entry->flight.failures == 0 && entry->flight.accounts == 0;
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

	while (!is_free(&inflight->entry[i]) && inflight->entry[i].key != key)
		i = (i + 1) & (ENTRIES - 1);
	return i;
}

struct ls_flight ls_inflight_get(const struct ls_inflight *inflight,
				 uint64_t key)
{
	if (inflight == NULL)
		return (struct ls_flight){ 0, 0 };
	return inflight->entry[probe(inflight, key)].flight;
}

bool ls_inflight_add(struct ls_inflight *inflight, uint64_t key,
		     struct ls_flight flight)
{
	struct entry *entry = &inflight->entry[probe(inflight, key)];

	if (is_free(entry) && inflight->used == ENTRIES_USED_MAX)
		return false;
	if (entry->flight.failures > UINT16_MAX - flight.failures ||
	    entry->flight.accounts > UINT16_MAX - flight.accounts)
		return false;
	inflight->used += is_free(entry);
	entry->key = key;
	entry->flight.failures += flight.failures;
	entry->flight.accounts += flight.accounts;
	return true;
}

/* Free entry i, and close the gap: what was probed past it moves back.
 * Source: Knuth, The Art of Computer Programming, 6.4, algorithm R. */
static void erase(struct ls_inflight *inflight, unsigned i)
{
	unsigned j = i;

	inflight->used--;
	for (;;) {
		inflight->entry[i].flight = (struct ls_flight){ 0, 0 };
		for (;;) {
			unsigned home, from_home, from_gap;

			j = (j + 1) & (ENTRIES - 1);
			if (is_free(&inflight->entry[j]))
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
			struct ls_flight flight)
{
	unsigned i = probe(inflight, key);
	struct entry *entry = &inflight->entry[i];

	if (is_free(entry))
		return;
	entry->flight.failures -= flight.failures < entry->flight.failures
					  ? flight.failures
					  : entry->flight.failures;
	entry->flight.accounts -= flight.accounts < entry->flight.accounts
					  ? flight.accounts
					  : entry->flight.accounts;
	if (is_free(entry))
		erase(inflight, i);
}

static const struct ls_flight an_attempt = { 1, 0 }, an_account = { 0, 1 };

/* Both are keyed hashes already, and this one is seen by nobody else. */
static uint64_t pair_of(uint64_t key, uint64_t account)
{
	return (key ^ (account << 32 | account >> 32)) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

bool ls_inflight_has_account(const struct ls_inflight *inflight, uint64_t key,
			     uint64_t account)
{
	return ls_inflight_get(inflight, pair_of(key, account)).failures > 0;
}

bool ls_inflight_add_account(struct ls_inflight *inflight, uint64_t key,
			     uint64_t account)
{
	bool first = !ls_inflight_has_account(inflight, key, account);

	if (!ls_inflight_add(inflight, pair_of(key, account), an_attempt))
		return false;
	if (!first || ls_inflight_add(inflight, key, an_account))
		return true;
	ls_inflight_remove(inflight, pair_of(key, account), an_attempt);
	return false;
}

void ls_inflight_remove_account(struct ls_inflight *inflight, uint64_t key,
				uint64_t account)
{
	if (!ls_inflight_has_account(inflight, key, account))
		return;
	ls_inflight_remove(inflight, pair_of(key, account), an_attempt);
	if (!ls_inflight_has_account(inflight, key, account))
		ls_inflight_remove(inflight, key, an_account);
}
