/* backend.c - what shows of those who verify passwords: passdbs that fail, and
 * answers that verified nothing. For `lockstep status`. */
#include "lockstep-config.h"

#include "base/text.h"
#include "state/state.h"

#include <string.h>

enum { NAME_SIZE = sizeof(((struct ls_failing_place *)NULL)->name) };
_Static_assert(NAME_SIZE == LS_PASSDB_MAX + 1, "part of the map format");

static void name_get(const struct ls_failing_place *place,
		     char name_r[NAME_SIZE])
{
	uint64_t words[NAME_SIZE / 8];

	for (unsigned i = 0; i < NAME_SIZE / 8; i++)
		words[i] = atomic_load_explicit(&place->name[i],
						memory_order_relaxed);
	memcpy(name_r, words, NAME_SIZE);
	name_r[NAME_SIZE - 1] = '\0';
}

static void name_set(struct ls_failing_place *place,
		     const char name[NAME_SIZE])
{
	uint64_t words[NAME_SIZE / 8];

	memcpy(words, name, NAME_SIZE);
	for (unsigned i = 0; i < NAME_SIZE / 8; i++)
		atomic_store_explicit(&place->name[i], words[i],
				      memory_order_relaxed);
}

/* The place of that passdb, else the one that was not needed for longest. */
static struct ls_failing_place *find_passdb(struct ls_failing_place *places,
					    const char *name, bool *known_r)
{
	struct ls_failing_place *oldest = &places[0];
	char other[NAME_SIZE];

	for (unsigned i = 0; i < LS_FAILING; i++) {
		name_get(&places[i], other);
		*known_r = strcmp(other, name) == 0;
		if (*known_r)
			return &places[i];
		if (atomic_load(&places[i].last) < atomic_load(&oldest->last))
			oldest = &places[i];
	}
	return oldest;
}

/* Does it still fail? */
static bool fails(const struct ls_failing_place *place, uint64_t now)
{
	uint64_t last = atomic_load(&place->last);

	return last != 0 && last + LS_FAILING_MS > now &&
	       atomic_load(&place->worked) < last + LS_MENDED_MS;
}

void ls_passdb_failed(struct ls_state *state, const char *passdb,
		      uint64_t now_ms)
{
	struct ls_failing_place *place;
	uint64_t now = ls_map_now(&state->guard, now_ms);
	char name[NAME_SIZE] = "";
	bool known;

	if (!state->guard.writable)
		return;
	ls_copy(name, sizeof(name), passdb);
	place = find_passdb(state->guard.header->failing, name, &known);
	/* Auth is one process; another one's count may get lost. */
	if (known && fails(place, now)) {
		atomic_fetch_add(&place->times, 1);
	} else {
		name_set(place, name);
		atomic_store(&place->since, now);
		atomic_store(&place->times, 1);
		atomic_store(&place->worked, 0);
	}
	atomic_store(&place->last, now);
}

bool ls_passdb_answered(struct ls_state *state, const char *passdb,
			uint64_t now_ms)
{
	struct ls_failing_place *place;
	uint64_t now = ls_map_now(&state->guard, now_ms);
	char name[NAME_SIZE] = "";
	bool known, any = false;

	if (!state->guard.writable)
		return false;
	ls_copy(name, sizeof(name), passdb);
	place = find_passdb(state->guard.header->failing, name, &known);
	if (known)
		atomic_store(&place->worked, now);
	for (unsigned i = 0; i < LS_FAILING; i++)
		any |= fails(&state->guard.header->failing[i], now);
	return any;
}

void ls_backend_unverified(const struct ls_map *guard, uint64_t now)
{
	atomic_store(&guard->header->unverified_seen, now);
	atomic_fetch_add(&guard->header->unverified, 1);
}

void ls_backend_status(const struct ls_map *guard, uint64_t now,
		       struct ls_status *status_r)
{
	const struct ls_map_header *header = guard->header;

	for (unsigned i = 0; i < LS_FAILING; i++) {
		const struct ls_failing_place *place = &header->failing[i];
		struct ls_failing *failing = &status_r->failing[i];

		name_get(place, failing->passdb);
		failing->fails = fails(place, now);
		failing->times = atomic_load(&place->times);
		failing->since_ms =
			ls_map_boot_ms(guard, atomic_load(&place->since));
		failing->last_ms =
			ls_map_boot_ms(guard, atomic_load(&place->last));
	}
	status_r->unverified = atomic_load(&header->unverified);
	status_r->unverified_seen_ms =
		ls_map_boot_ms(guard, atomic_load(&header->unverified_seen));
}
