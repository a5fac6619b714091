/* shared.c - an address that most people log in from; see ls_status()
 *
 * Behind a webmail or a proxy that does not tell its clients' addresses, all accounts
 * are at one place, and so is whoever guesses at them. Each place's slot has the newest
 * address that a login came from, so no journal is needed to see it. */
#include "lockstep-config.h"

#include "map/home.h"
#include "state/shared.h"

enum {
	SHARED_MIN = 20, /* places, fewer are a family */
	RECENT_MS = 7 * 24 * 3600 * 1000,
};

static bool is_recent_success(const struct ls_ref *ref, enum ls_kind kind,
			      uint64_t familiar_ms, uint64_t now,
			      struct ls_prefix *ip_r)
{
	uint64_t until = ls_slot_get(ref, LS_WORD_FAMILIAR);

	/* Familiar for that long from the last success on. */
	return kind == LS_KIND_PLACE && until > now &&
	       until + RECENT_MS > now + familiar_ms &&
	       ls_home_newest(ref, ip_r);
}

static bool is_same(const struct ls_prefix *a, const struct ls_prefix *b)
{
	return a->bits == b->bits && ls_addr_equal(&a->addr, &b->addr);
}

/* Who has more than half of the votes, if anybody has: the one that is left when each
 * pair of different votes cancels out.
 * Source: Boyer and Moore, MJRTY, A Fast Majority Vote Algorithm, 1981. */
void ls_shared_vote(struct ls_shared *shared, const struct ls_ref *ref,
		    enum ls_kind kind, uint64_t familiar_ms, uint64_t now)
{
	struct ls_prefix ip;

	if (!is_recent_success(ref, kind, familiar_ms, now, &ip))
		return;
	shared->recent++;
	if (shared->lead == 0)
		shared->at = ip;
	if (is_same(&shared->at, &ip))
		shared->lead++;
	else
		shared->lead--;
}

void ls_shared_count(struct ls_shared *shared, const struct ls_table *table,
		     uint64_t familiar_ms, uint64_t now)
{
	uint64_t cursor = 0;
	struct ls_prefix ip;
	enum ls_kind kind;
	struct ls_ref ref;

	shared->places = 0;
	if (shared->lead == 0 || shared->recent < SHARED_MIN)
		return;
	while (ls_table_next(table, &cursor, &kind, &ref))
		if (is_recent_success(&ref, kind, familiar_ms, now, &ip) &&
		    is_same(&shared->at, &ip))
			shared->places++;
	if (shared->places * 2 <= shared->recent || shared->places < SHARED_MIN)
		shared->places = 0;
}
