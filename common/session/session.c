/* session.c - mail sessions: how many an account may have at once, and their end;
 * see lockstep.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/visit.h"
#include "session/revoked.h"
#include "state/seats.h"

#include <string.h>
#include <unistd.h>

/* ---- the journal ------------------------------------------------------ */

static const char *const end_names[LS_END_COUNT] = {
	[LS_END_CLOSED] = "closed",
	[LS_END_REVOKED] = "revoked",
	[LS_END_HIBERNATED] = "hibernated",
	[LS_END_DIED] = "died",
};

static void journal_session(const struct ls_state *state, enum ls_event event,
			    const struct ls_live_record *session,
			    const struct ls_decision *decision, const char *how,
			    uint64_t now)
{
	struct ls_record record = {
		.at_ms = now,
		.until_ms = event == LS_EVENT_SESSION_END ? session->began : 0,
		.event = event,
		.outcome = LS_OUTCOME_SUCCESS,
		.subject = { .net = { .addr = session->ip, .bits = 128 } },
	};

	if (decision != NULL) {
		record.verdict = decision->verdict;
		record.wanted = decision->wanted;
		record.reason = decision->reason;
		record.subject.kind = decision->kind;
	}
	ls_copy(record.subject.user, sizeof(record.subject.user),
		session->user);
	ls_copy(record.service, sizeof(record.service), session->service);
	ls_copy(record.mech, sizeof(record.mech), how);
	ls_copy(record.detail, sizeof(record.detail), session->id);
	ls_ring_append(&state->sessions.journal, &record);
}

/* ---- those whose process is gone -------------------------------------- */

static bool is_session_gone(const struct ls_looker *looker,
			    const struct ls_live_record *session)
{
	return ls_looker_sees_end(looker, &session->process);
}

/* Give a place back if its process is gone. Of those that try at once one tells,
 * unless it never got to live. */
static bool sweep(const struct ls_state *state, uint64_t index,
		  const struct ls_looker *looker, uint64_t now)
{
	const struct ls_live *live = &state->sessions.live;
	struct ls_live_record session;

	if (!ls_live_read(live, index, false, &session) ||
	    !is_session_gone(looker, &session))
		return false;
	ls_seats_give_up(state, &session);
	if (!ls_live_free(live, &session.hold))
		return false;
	if (session.live)
		journal_session(state, LS_EVENT_SESSION_END, &session, NULL,
				end_names[LS_END_DIED], now);
	return true;
}

/* To ask whether a process is there takes a third of a microsecond; to read whether
 * it is still the same one, twenty times as long, and numbers are not given again so
 * soon. */
enum { LOOK_CLOSER_EVERY_MS = 60 * 1000 };

unsigned ls_sessions_sweep(struct ls_state *state, uint64_t now_ms)
{
	const struct ls_map *map = &state->sessions;
	struct ls_looker looker = { .procfd = -1, .self = state->looker.self };
	unsigned swept = 0;

	if (!map->writable)
		return 0;
	if (state->closer_ms == 0 ||
	    now_ms >= state->closer_ms + LOOK_CLOSER_EVERY_MS) {
		state->closer_ms = now_ms;
		looker.procfd = state->looker.procfd;
	}
	for (uint64_t i = 0; i < map->live.places; i++)
		swept += sweep(state, i, &looker, ls_map_now(map, now_ms));
	return swept;
}

enum { SWEEP_NEAR = 64 };

/* Some places from there on alone: where lockstepd sweeps all, it does no good. */
static bool sweep_near(const struct ls_state *state, uint64_t from,
		       uint64_t now)
{
	const struct ls_live *live = &state->sessions.live;
	const struct ls_looker server = ls_seats_looker(state);
	bool swept = false;

	for (uint64_t i = 0; i < SWEEP_NEAR && i < live->places; i++)
		swept |= sweep(state, ls_live_at(live, from, i), &server, now);
	return swept;
}

/* ---- begin and end ---------------------------------------------------- */

/* Another process than the one that opened the state: it forked. */
static void know_self(struct ls_state *state)
{
	if (state->looker.self.pid != (uint32_t)getpid())
		ls_process_self(state->looker.procfd, &state->looker.self);
}

/* Where to look for a place: elsewhere for each session of each process. */
static uint64_t begin_at(struct ls_state *state,
			 const struct ls_live_record *session)
{
	uint64_t number = (uint64_t)session->process.pid << 32 |
			  (state->begun++ & UINT32_MAX);

	return (session->user_key ^ number) * UINT64_C(0x9e3779b97f4a7c15) >> 8;
}

/* Take a place, and with it a seat if there is a limit. Returns false when there
 * is none to sit on. A map without room lets everybody in. */
static bool settle_down(struct ls_state *state,
			const struct ls_live_record *session, uint64_t seats,
			struct ls_hold *hold_r, uint64_t now)
{
	const struct ls_live *live = &state->sessions.live;
	uint64_t from = begin_at(state, session);

	if (!ls_live_take(live, from, session, hold_r) &&
	    (!sweep_near(state, from, now) ||
	     !ls_live_take(live, from, session, hold_r))) {
		atomic_fetch_add(&state->sessions.header->live_full, 1);
		return true;
	}
	if (seats == 0 ||
	    ls_seats_take(state, hold_r, session->user_key, seats, now))
		return true;
	ls_live_free(live, hold_r);
	hold_r->bits = 0;
	return false;
}

/* What `lockstep explain` tells of how often sessions begin. */
static void charge_rate(const struct ls_state *state, enum ls_kind kind,
			uint64_t key, const struct ls_limit *limit,
			uint64_t now)
{
	const struct ls_rate rate = ls_rate_of(limit);
	struct ls_ref ref;
	uint64_t ignored;

	if (limit->units > 0 &&
	    ls_table_claim(&state->sessions.subjects, key, kind, now, false,
			   &ref) == 0)
		ls_slot_charge(&ref, LS_WORD_LOGINS, now, &rate, true,
			       &ignored);
}

static void charge_rates(const struct ls_state *state,
			 const struct ls_policy *policy,
			 const struct ls_live_record *session, uint64_t now)
{
	const struct ls_prefix ip = ls_prefix_of(&session->ip, 32, 64);

	charge_rate(state, LS_KIND_USER, session->user_key,
		    &policy->user.logins, now);
	charge_rate(state, LS_KIND_IP,
		    ls_key_net(state->sessions.hash_key, LS_KIND_IP, &ip),
		    &policy->ip.logins, now);
}

static void refuse_for_seats(const struct ls_policy *policy,
			     struct ls_decision *decision)
{
	decision->wanted = LS_DENY;
	decision->reason = LS_REASON_SESSIONS;
	decision->kind = LS_KIND_USER;
	decision->reveal = policy->reveal != LS_REVEAL_NEVER;
	if (policy->mode == LS_MODE_ENFORCE &&
	    policy->user.mode == LS_RULE_ENFORCE)
		decision->verdict = LS_DENY;
}

static void begin_session(const struct ls_state *state,
			  const struct ls_session_start *start,
			  struct ls_live_record *session_r, uint64_t now)
{
	memset(session_r, 0, sizeof(*session_r));
	session_r->process = state->looker.self;
	session_r->began = now;
	session_r->ip = *start->ip;
	ls_copy(session_r->service, sizeof(session_r->service),
		start->service);
	ls_copy(session_r->id, sizeof(session_r->id), start->id);
	ls_user_copy(session_r->user, start->user);
	session_r->user_key = ls_key_user(state->sessions.hash_key,
					  session_r->user);
}

int ls_session_open(struct ls_state *state,
		    const struct ls_session_start *start, uint64_t now_ms,
		    struct ls_session *session_r,
		    struct ls_decision *decision_r)
{
	const struct ls_map *map = &state->sessions;
	uint64_t now = ls_map_now(map, now_ms);
	struct ls_live_record session;
	const struct ls_policy *policy;
	struct ls_policy own;
	struct ls_hold hold = { 0, 0 };

	memset(session_r, 0, sizeof(*session_r));
	memset(decision_r, 0, sizeof(*decision_r));
	if (state->guard.header != NULL)
		session_r->orders = atomic_load(&state->guard.header->orders);
	session_r->looked_ms = now_ms;
	/* Who has just logged in was asked about locks. When one that wakes did
	 * so is not known. */
	session_r->begun_ms = start->restored ? 0 : now_ms;
	ls_session_look(state, start->user, start->ip,
			start->restored ? 0 : now_ms + 1, now_ms, decision_r);
	if (!map->writable)
		return LS_EACCES;
	know_self(state);
	begin_session(state, start, &session, now);
	policy = ls_policy_file_lookup(state->policy, session.user, start->ip,
				       &own);
	if (decision_r->verdict == LS_ADMIT &&
	    !settle_down(state, &session, policy->user.sessions, &hold, now)) {
		if (!start->restored)
			refuse_for_seats(policy, decision_r);
		if (decision_r->verdict == LS_ADMIT) /* lives, without a seat */
			settle_down(state, &session, 0, &hold, now);
	}
	if (decision_r->verdict == LS_ADMIT && hold.bits != 0)
		ls_live_show(&map->live, &hold);
	session_r->open = decision_r->verdict == LS_ADMIT;
	session_r->place = hold.place;
	session_r->bits = hold.bits;
	session_r->began = now;
	if (session_r->open && !start->restored)
		charge_rates(state, policy, &session, now);
	if (!start->restored || decision_r->wanted != LS_ADMIT)
		journal_session(state, LS_EVENT_SESSION, &session, decision_r,
				NULL, now);
	return 0;
}

void ls_session_close(struct ls_state *state,
		      const struct ls_session_start *start,
		      struct ls_session *session, enum ls_session_end how,
		      uint64_t now_ms)
{
	const struct ls_map *map = &state->sessions;
	uint64_t now = ls_map_now(map, now_ms);
	struct ls_live_record ended;

	if (!session->open || !map->writable)
		return;
	session->open = false;
	begin_session(state, start, &ended, session->began);
	ended.hold = (struct ls_hold){ session->place, session->bits };
	if (session->bits != 0) {
		struct ls_live_record held;

		/* The seat alone is the map's to tell. */
		if (session->place < map->live.places &&
		    ls_live_read(&map->live, session->place, true, &held) &&
		    held.hold.bits == session->bits)
			ended.seat = held.seat;
		ls_seats_give_up(state, &ended);
		ls_live_free(&map->live, &ended.hold);
	}
	journal_session(state, LS_EVENT_SESSION_END, &ended, NULL,
			how < LS_END_COUNT ? end_names[how] : "", now);
}
