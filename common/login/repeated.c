/* repeated.c - wrong passwords that are known; see visit.h
 *
 * Fingerprints of them stand in the slot of the place. Without an address there is
 * none: then the account and the password are a pair, which is remembered for a week
 * after it came last. What may be right all the same is kept by this process alone
 * (unsure.h). */
#include "lockstep-config.h"

#include "login/pair.h"
#include "login/visit.h"

#define KEEP_MS (UINT64_C(7) * 24 * 3600 * 1000)

/* Whose fingerprints they are: the place's, or the account's. */
static uint64_t repeat_holder(const struct ls_visit *visit)
{
	return visit->key[visit->ip != NULL ? LS_KIND_PLACE : LS_KIND_USER];
}

uint32_t ls_visit_print(const struct ls_visit *visit)
{
	return visit->key[LS_KIND_GUESS] == 0
		       ? 0
		       : ls_secret_print(visit->key[LS_KIND_GUESS],
					 repeat_holder(visit));
}

bool ls_visit_knows(const struct ls_visit *visit, uint32_t print)
{
	bool known;

	if (print == 0)
		return false;
	if (visit->ip == NULL)
		known = ls_pair_is_counted(visit->state,
					   visit->key[LS_KIND_USER],
					   visit->key[LS_KIND_GUESS], LS_FAST,
					   visit->now);
	else
		known = visit->known[LS_KIND_PLACE] &&
			ls_slot_has_print(&visit->ref[LS_KIND_PLACE], print);
	return known ||
	       ls_unsure_has(visit->state->unsure, repeat_holder(visit), print);
}

void ls_visit_note_wrong(struct ls_visit *visit, uint32_t print, bool unsure)
{
	const struct ls_ref *place;

	if (print == 0)
		return;
	if (unsure) {
		ls_unsure_add(visit->state->unsure, repeat_holder(visit),
			      print);
		return;
	}
	place = ls_visit_reach(visit, LS_KIND_PLACE);
	if (place != NULL)
		ls_slot_add_print(place, print);
	else if (visit->ip == NULL)
		ls_pair_keep(visit->state, visit->key[LS_KIND_USER],
			     visit->key[LS_KIND_GUESS], visit->now + KEEP_MS,
			     visit->now);
}

void ls_visit_note_right(const struct ls_visit *visit, uint32_t print)
{
	if (print == 0)
		return;
	if (visit->ip == NULL)
		ls_pair_forget(visit->state, visit->key[LS_KIND_USER],
			       visit->key[LS_KIND_GUESS]);
	else if (visit->known[LS_KIND_PLACE])
		ls_slot_drop_print(&visit->ref[LS_KIND_PLACE], print);
	ls_unsure_drop(visit->state->unsure, repeat_holder(visit), print);
}
