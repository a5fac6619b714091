/* unlock.c - ending locks, and forgetting what led to them; see orders.h */
#include "lockstep-config.h"

#include "admin/levels.h"
#include "base/error.h"
#include "login/visit.h"
#include "orders.h"
#include "sending/sending.h"
#include "state/marks.h"
#include "state/state.h"

#include <string.h>

static bool is_unlockable(enum ls_kind kind)
{
	return kind == LS_KIND_IP || kind == LS_KIND_NET ||
	       kind == LS_KIND_USER || kind == LS_KIND_PLACE;
}

/* The meters that are not empty. */
static void note_levels(const struct ls_policy *policy, enum ls_kind kind,
			const struct ls_ref *ref, uint64_t now,
			struct ls_cleared *cleared)
{
	struct ls_level level[LS_LEVELS_MAX];
	unsigned count = ls_levels_of(policy, kind, ref, now, level, 0);

	for (unsigned i = 0; i < count && cleared->levels < LS_LEVELS_MAX; i++)
		if (level[i].units > 0)
			cleared->level[cleared->levels++] = level[i];
}

/* Empty the meters and end the lock of a slot. */
static void clear_lock(const struct ls_state *state,
		       const struct ls_policy *policy, enum ls_kind kind,
		       const struct ls_ref *ref, uint64_t now,
		       struct ls_cleared *cleared_r)
{
	struct ls_lock_word lock =
		ls_lock_unpack(ls_slot_get(ref, LS_WORD_LOCK));
	const struct ls_policy *whole = ls_policy_file_policy(state->policy);

	memset(cleared_r, 0, sizeof(*cleared_r));
	cleared_r->locked = ls_lock_active(&lock, now);
	if (now < lock.until + whole->strike_fades_ms)
		cleared_r->strikes = lock.strikes;
	note_levels(policy, kind, ref, now, cleared_r);
	/* The meters first: a lock cannot fall on an empty one. */
	for (unsigned i = LS_WORD_FAILURES; i < LS_WORD_FIRST_SEEN; i++)
		ls_slot_set(ref, i, 0);
	if (kind != LS_KIND_PLACE) {
		ls_slot_set(ref, LS_WORD_LOGINS, 0);
		if (kind == LS_KIND_IP || kind == LS_KIND_NET)
			ls_told_empty(ref, now);
		else
			ls_slot_set(ref, LS_WORD_UNKNOWN, 0);
	}
	if (kind == LS_KIND_IP || kind == LS_KIND_NET) {
		ls_slot_set(ref, LS_WORD_OVER, 0);
		ls_slot_set(ref, LS_WORD_OVER_ALARMED, 0);
	}
	ls_slot_set(ref, LS_WORD_LOCK, 0);
}

static void note_sent(const struct ls_level *level, unsigned count,
		      struct ls_cleared *cleared)
{
	for (unsigned i = 0; i < count && cleared->levels < LS_LEVELS_MAX; i++)
		if (level[i].units > 0)
			cleared->level[cleared->levels++] = level[i];
}

/* What the name shares with others of its local part would go on refusing it. */
static void clear_local(const struct ls_state *state,
			const struct ls_policy *policy, const char *user,
			uint64_t key, uint64_t now, struct ls_cleared *cleared)
{
	uint64_t local = ls_key_local(state->guard.hash_key, user);
	struct ls_local_set *set = ls_local_of(&state->guard, local);
	struct ls_level level[LS_LEVELS_MAX];
	uint64_t in[LS_SPEEDS];

	if (ls_label_is_name(&state->guard.labels, key, LS_KIND_USER, now))
		return;
	ls_local_read(set, local, now, in);
	note_sent(level, ls_levels_of_local(policy, in, now, level, 0),
		  cleared);
	ls_local_clear(set, local);
}

static void journal_unlock(const struct ls_state *state,
			   const struct ls_subject *subject, const char *by,
			   uint64_t now)
{
	const struct ls_lock_word ended = { .origin = LS_ORIGIN_ADMIN,
					    .reason = LS_REASON_ADMIN };

	ls_state_journal(state, LS_EVENT_UNLOCK, subject, &ended, by, now);
}

/* What an account sends is metered in a slot of its own. */
static void clear_sending(const struct ls_state *state,
			  const struct ls_policy *policy, uint64_t user_key,
			  const struct ls_ref *user, uint64_t now,
			  struct ls_cleared *cleared)
{
	const struct ls_map *map = &state->guard;
	bool probation = user != NULL &&
			 ls_slot_get(user, LS_WORD_PROBATION) > now;
	struct ls_level level[LS_LEVELS_MAX];
	struct ls_ref ref;

	if (ls_table_find(&map->subjects,
			  ls_sending_key(map->hash_key, user_key),
			  LS_KIND_SENDING, &ref) < 0)
		return;
	note_sent(level,
		  ls_levels_of_sending(policy, probation, &ref, now, level, 0),
		  cleared);
	ls_sending_clear(&map->subjects, map->hash_key, user_key, now);
}

/* And what an address sends without a login. */
static void clear_relay(const struct ls_state *state,
			const struct ls_policy *policy, uint64_t ip_key,
			uint64_t now, struct ls_cleared *cleared)
{
	const struct ls_map *map = &state->guard;
	struct ls_level level[LS_LEVELS_MAX];
	struct ls_ref ref;

	if (ls_table_find(&map->subjects, ls_relay_key(map->hash_key, ip_key),
			  LS_KIND_RELAY, &ref) < 0)
		return;
	note_sent(level, ls_levels_of_relay(policy, &ref, now, level, 0),
		  cleared);
	ls_relay_clear(&map->subjects, map->hash_key, ip_key);
}

int ls_clear(struct ls_state *state, const struct ls_subject *subject,
	     const char *by, uint64_t now_ms, struct ls_cleared *cleared_r)
{
	bool user = subject->kind == LS_KIND_USER ||
		    subject->kind == LS_KIND_PLACE;
	uint64_t now = ls_map_now(&state->guard, now_ms);
	const struct ls_policy *policy;
	struct ls_policy own;
	struct ls_ref ref;
	uint64_t key;
	bool found;

	memset(cleared_r, 0, sizeof(*cleared_r));
	if (!is_unlockable(subject->kind))
		return LS_EARG;
	if (!state->guard.writable)
		return LS_EACCES;
	key = ls_key_subject(state->guard.hash_key, subject);
	found = ls_table_find(&state->guard.subjects, key, subject->kind,
			      &ref) == 0;
	policy = ls_policy_file_lookup(
		state->policy, user ? subject->user : NULL,
		subject->kind == LS_KIND_USER ? NULL : &subject->net.addr,
		&own);
	if (found)
		clear_lock(state, policy, subject->kind, &ref, now, cleared_r);
	if (subject->kind == LS_KIND_USER)
		clear_local(state, policy, subject->user, key, now,
			    cleared_r);
	if (subject->kind == LS_KIND_USER)
		clear_sending(state, policy, key, found ? &ref : NULL, now,
			      cleared_r);
	if (subject->kind == LS_KIND_IP)
		clear_relay(state, policy, key, now, cleared_r);
	if (!cleared_r->locked && cleared_r->strikes == 0 &&
	    cleared_r->levels == 0)
		return 0;
	/* Who empties the meters of a spammer again and again leaves a trace. */
	journal_unlock(state, subject, by, now);
	return 1;
}

int ls_unlock(struct ls_state *state, const struct ls_subject *subject,
	      const char *by, uint64_t now_ms)
{
	struct ls_cleared ignored;

	return ls_clear(state, subject, by, now_ms, &ignored);
}

int ls_clear_all(struct ls_state *state, const char *by, uint64_t now_ms)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	const struct ls_map *map = &state->guard;
	uint64_t cursor = 0, now = ls_map_now(map, now_ms);
	struct ls_cleared ignored;
	struct ls_subject subject;
	enum ls_kind kind;
	struct ls_ref ref;
	int count = 0;

	if (!map->writable)
		return LS_EACCES;
	while (ls_table_next(&map->subjects, &cursor, &kind, &ref)) {
		struct ls_lock_word lock =
			ls_lock_unpack(ls_slot_get(&ref, LS_WORD_LOCK));

		if (!ls_lock_active(&lock, now) ||
		    (!is_unlockable(kind) && kind != LS_KIND_GUESS))
			continue;
		if (kind == LS_KIND_GUESS ||
		    !ls_label_get(&map->labels, map->hash_key, ls_ref_key(&ref),
				  kind, &subject)) {
			memset(&subject, 0, sizeof(subject));
			subject.kind = kind;
		}
		clear_lock(state, policy, kind, &ref, now, &ignored);
		journal_unlock(state, &subject, by, now);
		count++;
	}
	return count;
}

int ls_clear_guess(struct ls_state *state, const char *password,
		   const char *by, uint64_t now_ms,
		   struct ls_cleared *cleared_r, struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	const struct ls_subject guess = { .kind = LS_KIND_GUESS };
	uint64_t key, now = ls_map_now(&state->guard, now_ms);
	struct ls_secret secret;
	struct ls_ref ref;
	int ret;

	memset(cleared_r, 0, sizeof(*cleared_r));
	if (!state->guard.writable)
		return ls_fail(error_r, LS_EACCES,
			       "no right to change the state");
	ret = ls_secret_open(state->state_dirfd, policy->state_dir, false,
			     &secret, error_r);
	if (ret < 0)
		return ret;
	key = ls_secret_guess(&secret, password);
	ls_secret_close(&secret);
	if (ls_table_find(&state->guard.subjects, key, LS_KIND_GUESS, &ref) < 0)
		return 0;
	clear_lock(state, policy, LS_KIND_GUESS, &ref, now, cleared_r);
	if (!cleared_r->locked)
		return 0;
	journal_unlock(state, &guess, by, now);
	return 1;
}
