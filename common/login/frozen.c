/* frozen.c - is an account frozen for whoever asks? See lockstep.h */
#include "lockstep-config.h"

#include "login/visit.h"

#include <string.h>

bool ls_visit_is_frozen(const struct ls_visit *visit,
			struct ls_decision *decision_r)
{
	struct ls_judgement judgement;
	struct ls_view view, frozen;

	ls_visit_view(visit, true, NULL, &view);
	/* Of all that is known, only the freezes, and whether the owner is told. */
	memset(&frozen, 0, sizeof(frozen));
	frozen.secured = true;
	frozen.word[LS_KIND_USER][LS_WORD_FREEZE] =
		view.word[LS_KIND_USER][LS_WORD_FREEZE];
	frozen.word[LS_KIND_PLACE][LS_WORD_FAMILIAR] =
		view.word[LS_KIND_PLACE][LS_WORD_FAMILIAR];
	frozen.alias_freeze = view.alias_freeze;
	ls_judge(&frozen, visit->policy, visit->meters, visit->now,
		 &judgement);
	*decision_r = judgement.decision;
	if (decision_r->retry_ms > visit->now)
		decision_r->retry_ms -= visit->now;
	return decision_r->verdict == LS_DENY;
}

bool ls_frozen(struct ls_state *state, const char *user,
	       const struct ls_addr *ip, uint64_t now_ms,
	       struct ls_decision *decision_r)
{
	static const struct ls_addr nowhere;
	struct ls_visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	if (state->guard.header == NULL)
		return false;
	ls_visit_init(&visit, state, user, ip != NULL ? ip : &nowhere, NULL,
		      ls_map_now(&state->guard, now_ms));
	return ls_visit_is_frozen(&visit, decision_r);
}
