/* marks.h - what is written into a subject's slot to stay: locks, freezes,
 * familiarity, doubts
 *
 * Each finds or claims the subject's slot, writes its words and keeps the slot from
 * being evicted. A slot that is evicted meanwhile is claimed again. */
#ifndef LS_MARKS_H
#define LS_MARKS_H

#include "state/state.h"

/* Claim, or find, the slot of a subject in the guard; `force` as in table.h.
 * Returns 0 or LS_EFULL. */
int ls_state_claim(const struct ls_state *state, enum ls_kind kind,
		   uint64_t key, uint64_t now, bool force,
		   struct ls_ref *ref_r);

/* What an order to lock a subject did. */
enum ls_fall { LS_FELL, LS_STOOD /* it was locked already */, LS_NO_SLOT };

/* Lock a subject: its word, its label, its place in the journal.
 *   now     the map's clock, as all times below this line
 *   by      for the journal, or NULL: who, and after ": " why */
enum ls_fall ls_state_lock(const struct ls_state *state,
			   const struct ls_subject *subject, uint64_t key,
			   const struct ls_lock_order *order, const char *by,
			   uint64_t now);

/* Keep an account on probation until then; 0: that is left as it is. It is
 * suspicious since the earlier of `since` and when it was before. */
void ls_state_doubt(const struct ls_state *state, uint64_t key, uint64_t since,
		    uint64_t until, uint64_t now);

void ls_state_journal(const struct ls_state *state, enum ls_event event,
		      const struct ls_subject *subject,
		      const struct ls_lock_word *lock, const char *by,
		      uint64_t now);

/* Mark a place as familiar until then, and keep it from being evicted. */
void ls_state_familiar(const struct ls_state *state, enum ls_kind kind,
		       uint64_t key, uint64_t until, uint64_t now);

#endif
