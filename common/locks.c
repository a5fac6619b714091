/* locks.c - locks and familiar places: placed, ended, listed; see lockstep.h */
#include "lockstep-config.h"

#include "error.h"
#include "state.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { REACH_TRIES = 16 };

int ls_state_claim(const struct ls_state *state, enum ls_kind kind,
		   uint64_t key, uint64_t now, bool force, struct ls_ref *ref_r)
{
	return ls_table_claim(&state->guard.subjects, key, kind, now, force,
			      ref_r);
}

/* Who, and what comes after ": ", why. */
static void sign(struct ls_record *record, const char *by)
{
	const char *end = by != NULL ? strstr(by, ": ") : NULL;
	size_t len = end != NULL  ? (size_t)(end - by)
		     : by != NULL ? strlen(by)
				  : 0;

	if (len >= sizeof(record->detail))
		len = sizeof(record->detail) - 1;
	if (len > 0)
		memcpy(record->detail, by, len);
	if (end != NULL)
		ls_copy(record->more, sizeof(record->more), end + 2);
}

void ls_record_by(const struct ls_record *record, char by_r[LS_BY_MAX + 1])
{
	bool told = record->origin == LS_ORIGIN_ADMIN &&
		    record->more[0] != '\0';

	/* Either may fill its place, in a record that no ring of ours wrote. */
	snprintf(by_r, LS_BY_MAX + 1, "%.*s%s%.*s", LS_DETAIL_MAX,
		 record->detail, told ? ": " : "", LS_MORE_MAX,
		 told ? record->more : "");
}

static void journal(const struct ls_state *state, enum ls_event event,
		    const struct ls_subject *subject,
		    const struct ls_lock_word *lock, const char *by,
		    const char *more, uint64_t now)
{
	struct ls_record record = {
		.at_ms = now,
		.until_ms = lock->until,
		.event = event,
		.verdict = LS_DENY,
		.wanted = LS_DENY,
		.reason = lock->reason,
		.origin = lock->origin,
		.strikes = lock->strikes,
		.subject = *subject,
	};

	ls_copy(record.more, sizeof(record.more), more);
	sign(&record, by);
	ls_ring_append(&state->guard.journal, &record);
}

void ls_state_journal(const struct ls_state *state, enum ls_event event,
		      const struct ls_subject *subject,
		      const struct ls_lock_word *lock, const char *by,
		      uint64_t now)
{
	journal(state, event, subject, lock, by, NULL, now);
}

enum ls_fall ls_state_lock(const struct ls_state *state,
			   const struct ls_subject *subject, uint64_t key,
			   const struct ls_lock_order *order, const char *by,
			   uint64_t now)
{
	const struct ls_table *table = &state->guard.subjects;
	struct ls_lock_word lock;
	struct ls_ref ref;

	for (unsigned tries = 0; tries < REACH_TRIES; tries++) {
		enum ls_taken taken;

		if (ls_state_claim(state, subject->kind, key, now,
				   order->word == LS_WORD_FREEZE ||
					   order->origin != LS_ORIGIN_RULE,
				   &ref) < 0)
			return LS_NO_SLOT;
		taken = ls_slot_lock(&ref, now, order, &lock);
		/* Also a lock that stood: who placed it may have been killed
		 * before it was protected. */
		if (taken == LS_GONE || !ls_table_protect(table, &ref, now))
			continue;
		/* Live sessions look again; see revoked.c. */
		if (order->word == LS_WORD_FREEZE ||
		    order->origin != LS_ORIGIN_RULE)
			atomic_fetch_add(&state->guard.header->orders, 1);
		if (taken == LS_NO_ROOM)
			return LS_STOOD;
		ls_slot_set(&ref, LS_WORD_KEY, key >> 32);
		/* A guess has no form that people could read. */
		if (subject->kind != LS_KIND_GUESS)
			ls_label_put(&state->guard.labels, key, subject,
				     LS_LABEL_LOCK, lock.until, now);
		journal(state,
			order->word == LS_WORD_FREEZE ? LS_EVENT_FREEZE
						      : LS_EVENT_LOCK,
			subject, &lock, by, order->more, now);
		return LS_FELL;
	}
	return LS_NO_SLOT;
}

void ls_state_familiar(const struct ls_state *state, enum ls_kind kind,
		       uint64_t key, uint64_t until, uint64_t now)
{
	const struct ls_table *table = &state->guard.subjects;
	struct ls_ref ref;

	for (unsigned tries = 0; tries < REACH_TRIES; tries++) {
		if (ls_state_claim(state, kind, key, now,
				   kind == LS_KIND_PLACE, &ref) < 0)
			return;
		if (!ls_slot_raise(&ref, LS_WORD_FAMILIAR, until) ||
		    !ls_table_protect(table, &ref, now))
			continue;
		ls_slot_set(&ref, LS_WORD_KEY, key >> 32);
		if (ls_slot_get(&ref, LS_WORD_FIRST_SEEN) == 0 &&
		    kind == LS_KIND_PLACE)
			ls_slot_set(&ref, LS_WORD_FIRST_SEEN, now);
		return;
	}
}

void ls_state_doubt(const struct ls_state *state, uint64_t key, uint64_t since,
		    uint64_t until, uint64_t now)
{
	const struct ls_table *table = &state->guard.subjects;
	struct ls_ref ref;
	uint64_t first;

	for (unsigned tries = 0; tries < REACH_TRIES; tries++) {
		if (ls_state_claim(state, LS_KIND_USER, key, now, true, &ref) <
		    0)
			return;
		/* The first doubt stands until a release: that a probation
		 * ended says nothing about who came during it. */
		first = ls_slot_get(&ref, LS_WORD_SUSPICIOUS);
		if ((first == 0 || first > since) &&
		    ls_slot_swap(&ref, LS_WORD_SUSPICIOUS, first, since) !=
			    LS_TAKEN)
			continue;
		if (ls_slot_raise(&ref, LS_WORD_PROBATION, until) &&
		    ls_table_protect(table, &ref, now))
			return;
	}
}

static bool lockable(const struct ls_subject *subject)
{
	return subject->kind == LS_KIND_IP || subject->kind == LS_KIND_NET ||
	       subject->kind == LS_KIND_USER || subject->kind == LS_KIND_PLACE;
}

int ls_lock(struct ls_state *state, const struct ls_subject *subject,
	    uint64_t length_ms, const char *by, uint64_t now_ms)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	const struct ls_lock_order order = {
		.length = { length_ms, length_ms },
		.strike_fades_ms = policy->strike_fades_ms,
		.reason = LS_REASON_ADMIN,
		.origin = LS_ORIGIN_ADMIN,
	};

	if (!lockable(subject))
		return LS_EARG;
	if (!state->guard.writable)
		return LS_EACCES;
	return ls_state_lock(state, subject,
			     ls_key_subject(state->guard.hash_key, subject),
			     &order, by,
			     ls_map_now(&state->guard, now_ms)) == LS_NO_SLOT
		       ? LS_EFULL
		       : 0;
}

/* Word 0 of every slot, and of an account's its freeze. */
static bool is_listed(enum ls_kind kind, enum ls_slot_word word,
		      const struct ls_ref *ref, uint64_t now,
		      struct ls_lock_word *lock_r)
{
	if (word == LS_WORD_FREEZE && kind != LS_KIND_USER)
		return false;
	*lock_r = ls_lock_unpack(ls_slot_get(ref, word));
	return ls_lock_active(lock_r, now) && kind < LS_KIND_COUNT &&
	       lock_r->reason <= LS_REASON_LOCKS && /* damaged: see verify.c */
	       lock_r->origin < LS_ORIGIN_COUNT;
}

static void describe(const struct ls_map *map, enum ls_kind kind,
		     enum ls_slot_word word, const struct ls_ref *ref,
		     const struct ls_lock_word *lock, struct ls_lock *lock_r)
{
	memset(lock_r, 0, sizeof(*lock_r));
	lock_r->freeze = word == LS_WORD_FREEZE;
	lock_r->key = ls_ref_key(ref);
	if (kind == LS_KIND_GUESS) {
		/* Whoever reads it could try passwords on it. */
		lock_r->key = 0;
		lock_r->subject.kind = kind;
		lock_r->named = true;
	} else {
		lock_r->named = ls_label_get(&map->labels, map->hash_key,
					     lock_r->key, kind,
					     &lock_r->subject);
	}
	lock_r->reason = lock->reason;
	lock_r->origin = lock->origin;
	lock_r->strikes = lock->strikes;
	lock_r->since_ms = ls_map_boot_ms(map, ls_slot_get(ref, word + 1));
	lock_r->until_ms = ls_map_boot_ms(map, lock->until);
	lock_r->untold = ls_told_refusals(kind, ref);
}

/* The cursor counts words: two for each slot. */
int ls_lock_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		 struct ls_lock *lock_r)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms), slot = *cursor / 2;
	struct ls_lock_word lock;
	enum ls_kind kind;
	struct ls_ref ref;

	if (map->header == NULL)
		return 0;
	while (ls_table_next(&map->subjects, &slot, &kind, &ref)) {
		if (*cursor <= 2 * (slot - 1) &&
		    is_listed(kind, LS_WORD_LOCK, &ref, now, &lock)) {
			*cursor = 2 * (slot - 1) + 1;
			describe(map, kind, LS_WORD_LOCK, &ref, &lock, lock_r);
			return 1;
		}
		*cursor = 2 * slot;
		if (is_listed(kind, LS_WORD_FREEZE, &ref, now, &lock)) {
			describe(map, kind, LS_WORD_FREEZE, &ref, &lock,
				 lock_r);
			return 1;
		}
	}
	return 0;
}

int ls_subject_parse(const struct ls_state *state, const char *text,
		     struct ls_subject *subject_r, struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	struct ls_prefix prefix, as_ip, as_net;
	int ret = ls_prefix_parse(text, &prefix);
	char meant[LS_PREFIX_TEXT];

	memset(subject_r, 0, sizeof(*subject_r));
	if (ret == LS_EFORMAT) {
		ls_prefix_format(&prefix, meant);
		return ls_fail(error_r, LS_EARG,
			       "%s: bits are set beyond the prefix; do you "
			       "mean %s?",
			       text, meant);
	}
	if (ret == LS_EARG) {
		if (*text == '\0')
			return ls_fail(error_r, LS_EARG, "an empty name");
		subject_r->kind = LS_KIND_USER;
		ls_user_copy(subject_r->user, text);
		return 0;
	}
	ls_nat64_unwrap(&state->nat64, &prefix);
	as_ip = ls_prefix_of(&prefix.addr, 32, 64);
	as_net = ls_prefix_of(&prefix.addr, (unsigned)policy->net.prefix4,
			      (unsigned)policy->net.prefix6);
	if (prefix.bits == 128 || prefix.bits == as_ip.bits) {
		subject_r->kind = LS_KIND_IP;
		subject_r->net = as_ip;
	} else if (prefix.bits == as_net.bits) {
		subject_r->kind = LS_KIND_NET;
		subject_r->net = as_net;
	} else {
		ls_prefix_format(&as_net, meant);
		return ls_fail(error_r, LS_EARG,
			       "%s: nothing is metered by this length; an "
			       "address or %s",
			       text, meant);
	}
	return 0;
}

struct ls_subject ls_subject_place(const struct ls_state *state,
				   const char *user,
				   const struct ls_prefix *where)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = LS_KIND_PLACE;
	subject.net = ls_prefix_of(&where->addr, (unsigned)policy->net.prefix4,
				   (unsigned)policy->net.prefix6);
	ls_user_copy(subject.user, user);
	return subject;
}
