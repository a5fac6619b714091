/* marks.c - what is written into a subject's slot to stay: see marks.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "state/marks.h"

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
static void sign_record(struct ls_record *record, const char *by)
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

static void journal_mark(const struct ls_state *state, enum ls_event event,
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
	sign_record(&record, by);
	ls_ring_append(&state->guard.journal, &record);
}

void ls_state_journal(const struct ls_state *state, enum ls_event event,
		      const struct ls_subject *subject,
		      const struct ls_lock_word *lock, const char *by,
		      uint64_t now)
{
	journal_mark(state, event, subject, lock, by, NULL, now);
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
		journal_mark(state,
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
