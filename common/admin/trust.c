/* trust.c - addresses and networks that are exempt for a while; see orders.h */
#include "lockstep-config.h"

#include "orders.h"
#include "state/marks.h"
#include "state/state.h"

#include <string.h>

enum { REACH_TRIES = 16 };

static bool trustable(const struct ls_subject *subject)
{
	return subject->kind == LS_KIND_IP || subject->kind == LS_KIND_NET;
}

static void journal_trust(const struct ls_state *state, enum ls_event event,
			  const struct ls_subject *subject, uint64_t until,
			  const char *by, uint64_t now)
{
	const struct ls_lock_word order = { .until = until,
					    .origin = LS_ORIGIN_ADMIN,
					    .reason = LS_REASON_ADMIN };

	ls_state_journal(state, event, subject, &order, by, now);
}

struct share {
	const struct ls_prefix *net;
	unsigned bits; /* of the longest prefix around it; what that one says */
	bool around, trusted_inside, other_inside;
};

static void compare_trusted(void *context, const struct ls_override *override)
{
	bool trusted = override->policy.trusted != 0;
	struct share *of = context;

	if (override->kind != LS_OVERRIDE_NET)
		return;
	if (override->net.bits <= of->net->bits) {
		if (override->net.bits >= of->bits &&
		    ls_prefix_covers(&override->net, &of->net->addr)) {
			of->bits = override->net.bits;
			of->around = trusted;
		}
	} else if (ls_prefix_covers(of->net, &override->net.addr)) {
		of->trusted_inside = of->trusted_inside || trusted;
		of->other_inside = of->other_inside || !trusted;
	}
}

enum ls_share ls_trusted_share(const struct ls_state *state,
			       const struct ls_prefix *net)
{
	struct share of = { .net = net };
	struct ls_error ignored;

	ls_policy_file_overrides(state->policy, compare_trusted, &of, &ignored);
	if (of.around)
		return of.other_inside ? LS_SHARE_PART : LS_SHARE_ALL;
	return of.trusted_inside ? LS_SHARE_PART : LS_SHARE_NONE;
}

int ls_trust(struct ls_state *state, const struct ls_subject *subject,
	     uint64_t length_ms, const char *by, uint64_t now_ms)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms), until = now + length_ms;
	uint64_t key = ls_key_subject(map->hash_key, subject);
	struct ls_ref ref;

	if (!trustable(subject))
		return LS_EARG;
	if (!map->writable)
		return LS_EACCES;
	for (unsigned tries = 0; tries < REACH_TRIES; tries++) {
		if (ls_state_claim(state, subject->kind, key, now, true, &ref) <
		    0)
			return LS_EFULL;
		if (!ls_slot_set(&ref, LS_WORD_TRUSTED, until) ||
		    !ls_table_protect(&map->subjects, &ref, now))
			continue;
		ls_slot_set(&ref, LS_WORD_KEY, key >> 32);
		ls_label_put(&map->labels, key, subject, LS_LABEL_LOCK, until,
			     now);
		journal_trust(state, LS_EVENT_TRUST, subject, until, by, now);
		return 0;
	}
	return LS_EFULL;
}

int ls_distrust(struct ls_state *state, const struct ls_subject *subject,
		const char *by, uint64_t now_ms)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms);
	struct ls_ref ref;

	if (!trustable(subject))
		return LS_EARG;
	if (!map->writable)
		return LS_EACCES;
	if (ls_table_find(&map->subjects,
			  ls_key_subject(map->hash_key, subject), subject->kind,
			  &ref) < 0 ||
	    ls_slot_get(&ref, LS_WORD_TRUSTED) <= now)
		return 0;
	ls_slot_set(&ref, LS_WORD_TRUSTED, 0);
	journal_trust(state, LS_EVENT_DISTRUST, subject, 0, by, now);
	return 1;
}

int ls_trusted_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		    struct ls_trusted *trusted_r)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms);
	enum ls_kind kind;
	struct ls_ref ref;

	if (map->header == NULL)
		return 0;
	while (ls_table_next(&map->subjects, cursor, &kind, &ref)) {
		uint64_t until = ls_slot_get(&ref, LS_WORD_TRUSTED);

		if ((kind != LS_KIND_IP && kind != LS_KIND_NET) || until <= now)
			continue;
		memset(trusted_r, 0, sizeof(*trusted_r));
		trusted_r->named =
			ls_label_get(&map->labels, map->hash_key,
				     ls_ref_key(&ref), kind,
				     &trusted_r->subject);
		trusted_r->until_ms = ls_map_boot_ms(map, until);
		return 1;
	}
	return 0;
}
