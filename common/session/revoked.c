/* revoked.c - may a session go on? See lockstep.h
 *
 * Who has logged in is asked again when an order has fallen: a freeze, or an
 * administrator's lock. Mail processes ask every few seconds for each of their
 * sessions, so the answer that nothing has changed costs one load: the number of
 * orders so far, in the guard's header, goes up behind each. Whoever gives one may be
 * killed before it does, so now and then they look without being told. */
#include "lockstep-config.h"

#include "login/visit.h"
#include "session/revoked.h"

#include <string.h>

enum { LOOK_AGAIN_MS = 60 * 1000 };

/* An administrator's own lock of the account, or of it from there, that fell since:
 * who logs in later, from a familiar place, may. Those of addresses and networks
 * fall on who wants to log in. */
static bool is_locked_out(const struct ls_visit *visit, uint64_t since,
			  struct ls_decision *decision_r)
{
	static const enum ls_kind kinds[] = { LS_KIND_USER, LS_KIND_PLACE };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct ls_lock_word lock;

		if (!visit->known[kinds[i]])
			continue;
		lock = ls_lock_unpack(
			ls_slot_get(&visit->ref[kinds[i]], LS_WORD_LOCK));
		if (lock.origin == LS_ORIGIN_RULE ||
		    !ls_lock_active(&lock, visit->now) ||
		    ls_slot_get(&visit->ref[kinds[i]], LS_WORD_SINCE) < since)
			continue;
		decision_r->wanted = LS_DENY;
		decision_r->verdict = visit->policy->mode == LS_MODE_ENFORCE
					      ? LS_DENY
					      : LS_ADMIT;
		decision_r->kind = kinds[i];
		decision_r->reason = lock.reason;
		decision_r->retry_ms = lock.until - visit->now;
		decision_r->reveal =
			visit->policy->reveal != LS_REVEAL_NEVER;
		return true;
	}
	return false;
}

void ls_session_look(struct ls_state *state, const char *user,
		     const struct ls_addr *ip, uint64_t begun_ms,
		     uint64_t now_ms, struct ls_decision *decision_r)
{
	struct ls_visit visit;

	memset(decision_r, 0, sizeof(*decision_r));
	if (state->guard.header == NULL ||
	    ls_frozen(state, user, ip, now_ms, decision_r) ||
	    decision_r->wanted == LS_DENY)
		return;
	ls_visit_init(&visit, state, user, ip, NULL,
		      ls_map_now(&state->guard, now_ms));
	is_locked_out(&visit, ls_map_now(&state->guard, begun_ms), decision_r);
}

bool ls_session_is_to_be_looked_at(const struct ls_state *state,
				   const struct ls_session *session,
				   uint64_t now_ms)
{
	/* The order's word was written before the number went up. */
	return state->guard.header != NULL &&
	       (atomic_load(&state->guard.header->orders) != session->orders ||
		now_ms >= session->looked_ms + LOOK_AGAIN_MS);
}

bool ls_session_is_revoked(struct ls_state *state, struct ls_session *session,
			   const char *user, const struct ls_addr *ip,
			   uint64_t now_ms, struct ls_decision *decision_r)
{
	memset(decision_r, 0, sizeof(*decision_r));
	if (!ls_session_is_to_be_looked_at(state, session, now_ms))
		return false;
	session->orders = atomic_load(&state->guard.header->orders);
	session->looked_ms = now_ms;
	ls_session_look(state, user, ip, session->begun_ms, now_ms,
			decision_r);
	return decision_r->verdict == LS_DENY;
}
