/* freeze.c - an administrator freezes an account, and releases it; see lockstep.h */
#include "lockstep-config.h"

#include "map/home.h"
#include "map/where.h"
#include "sending/sending.h"
#include "state/marks.h"

#include <string.h>

/* How long before an administrator's freeze the thief may have had the password. A
 * map's clock begins later than that. */
#define STOLEN_BEFORE_MS (UINT64_C(7) * 24 * 3600 * 1000)
_Static_assert(STOLEN_BEFORE_MS < LS_MAP_BIRTH_MS, "a time of the map's clock");

static struct ls_subject account_subject(const char *user)
{
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = LS_KIND_USER;
	ls_user_copy(subject.user, user);
	return subject;
}

int ls_freeze(struct ls_state *state, const char *user, uint64_t length_ms,
	      enum ls_reason reason, enum ls_origin origin, const char *by,
	      uint64_t now_ms)
{
	const struct ls_subject subject = account_subject(user);
	const struct ls_lock_order order = {
		.word = LS_WORD_FREEZE,
		.length = { length_ms, length_ms },
		.reason = reason,
		.origin = origin,
	};

	uint64_t key, now;

	if (!state->guard.writable)
		return LS_EACCES;
	key = ls_key_subject(state->guard.hash_key, &subject);
	now = ls_map_now(&state->guard, now_ms);
	/* Before the freeze: killed in between, a second order does the rest. It is
	 * noted now, since the order may be repeated to prolong it. */
	if (origin == LS_ORIGIN_ADMIN)
		ls_state_doubt(state, key, now - STOLEN_BEFORE_MS, 0, now);
	return ls_state_lock(state, &subject, key, &order, by, now) ==
			       LS_NO_SLOT
		       ? LS_EFULL
		       : 0;
}

/* Forget the places of an account that were first seen no earlier than that. */
static void forget_places(struct ls_state *state, uint64_t user_key,
			  uint64_t since, ls_forgot_fn *forgot, void *context,
			  struct ls_release *release)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	const struct ls_map *map = &state->guard;
	uint64_t cursor = 0;
	struct ls_prefix net;
	enum ls_kind kind;
	struct ls_ref ref;

	while (ls_table_next(&map->subjects, &cursor, &kind, &ref)) {
		if (kind != LS_KIND_PLACE ||
		    ls_slot_get(&ref, LS_WORD_FIRST_SEEN) < since ||
		    !ls_where_is_of(&ref, user_key) ||
		    !ls_where_get(&ref, map->hash_key, user_key,
				  (unsigned)policy->net.prefix4,
				  (unsigned)policy->net.prefix6, &net))
			continue;
		ls_slot_set(&ref, LS_WORD_FAMILIAR, 0);
		ls_slot_set(&ref, LS_WORD_FIRST_SEEN, 0);
		ls_home_forget(&ref);
		release->forgotten++;
		if (forgot != NULL)
			forgot(context, &net);
	}
}

/* Both words of a freeze, and what made the account suspicious. Returns false
 * when the slot was evicted meanwhile. */
static bool clear_freeze(const struct ls_ref *user)
{
	return ls_slot_set(user, LS_WORD_FREEZE, 0) &&
	       ls_slot_set(user, LS_WORD_PROBATION, 0) &&
	       ls_slot_set(user, LS_WORD_PLACES, 0) &&
	       ls_slot_set(user, LS_WORD_SUSPICIOUS, 0);
}

/* What there is to end. Returns since when the account is suspicious. */
static uint64_t read_release(const struct ls_state *state,
			     const struct ls_ref *user, uint64_t now,
			     struct ls_release *release)
{
	struct ls_lock_word freeze =
		ls_lock_unpack(ls_slot_get(user, LS_WORD_FREEZE));
	uint64_t since = ls_slot_get(user, LS_WORD_SUSPICIOUS);

	release->frozen = ls_lock_active(&freeze, now);
	release->reason = freeze.reason;
	release->probation = ls_slot_get(user, LS_WORD_PROBATION) > now;
	release->suspicious = since != 0;
	release->since_ms = ls_map_boot_ms(&state->guard, since);
	return since;
}

int ls_release(struct ls_state *state, const char *user, bool keep_places,
	       const char *by, uint64_t now_ms, ls_forgot_fn *forgot,
	       void *context, struct ls_release *release_r)
{
	const struct ls_subject subject = account_subject(user);
	uint64_t key = ls_key_user(state->guard.hash_key, subject.user);
	uint64_t now = ls_map_now(&state->guard, now_ms), since = 0;
	struct ls_lock_word ended = { .origin = LS_ORIGIN_ADMIN,
				      .reason = LS_REASON_ADMIN };
	struct ls_ref ref;

	memset(release_r, 0, sizeof(*release_r));
	if (!state->guard.writable)
		return LS_EACCES;
	if (ls_table_find(&state->guard.subjects, key, LS_KIND_USER, &ref) ==
	    0)
		since = read_release(state, &ref, now, release_r);
	/* The places first: killed in between, the account stays as it was. */
	if (release_r->suspicious && !keep_places)
		forget_places(state, key, since, forgot, context, release_r);
	/* And what it sent: with that still in its meters, its next message would
	 * freeze it again; or be refused, where the freeze has ended by itself. */
	release_r->sent = ls_sending_clear(&state->guard.subjects,
					   state->guard.hash_key, key, now);
	if (release_r->frozen || release_r->probation || release_r->suspicious)
		clear_freeze(&ref);
	else if (!release_r->sent)
		return 0;
	ls_state_journal(state, LS_EVENT_RELEASE, &subject, &ended, by, now);
	return 0;
}
