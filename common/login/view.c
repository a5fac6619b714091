/* view.c - what is known of an attempt before the judgement; see visit.h */
#include "lockstep-config.h"

#include "login/pair.h"
#include "login/visit.h"
#include "state/seats.h"

#include <string.h>

/* The words of a kind that a decision looks at. */
static const uint16_t looked_at[LS_VISIT_KINDS] = {
	[LS_KIND_IP] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
		       1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
		       1U << LS_WORD_ACCOUNTS | 1U << LS_WORD_ACCOUNTS_SLOW |
		       1U << LS_WORD_LOGINS,
	[LS_KIND_NET] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
			1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
			1U << LS_WORD_ACCOUNTS | 1U << LS_WORD_ACCOUNTS_SLOW,
	[LS_KIND_USER] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAILURES |
			 1U << LS_WORD_FAILURES_SLOW | 1U << LS_WORD_LOGINS |
			 1U << LS_WORD_FREEZE,
	[LS_KIND_PLACE] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
			  1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
			  1U << LS_WORD_REPEATS,
	[LS_KIND_GUESS] = 1U << LS_WORD_LOCK | 1U << LS_WORD_ACCOUNTS |
			  1U << LS_WORD_ACCOUNTS_SLOW,
};

static void look_up_slot(const struct ls_visit *visit, enum ls_kind kind,
			 struct ls_view *view)
{
	for (unsigned words = looked_at[kind]; words != 0; words &= words - 1) {
		unsigned word = (unsigned)__builtin_ctz(words);

		view->word[kind][word] = ls_slot_get(&visit->ref[kind], word);
	}
}

static uint64_t word_in_view(const struct ls_visit *visit, uint64_t user_key,
			     unsigned word)
{
	struct ls_ref ref;

	return ls_table_find(&visit->state->guard.subjects, user_key,
			     LS_KIND_USER, &ref) == 0
		       ? ls_slot_get(&ref, word)
		       : 0;
}

static void look_at_others(const struct ls_visit *visit, const char *target,
			   struct ls_view *view)
{
	view->alias_lock = view->alias_freeze = view->target_freeze = 0;
	if (visit->aliased) {
		view->alias_lock =
			word_in_view(visit, visit->typed_key, LS_WORD_LOCK);
		view->alias_freeze =
			word_in_view(visit, visit->typed_key, LS_WORD_FREEZE);
	}
	if (target != NULL)
		view->target_freeze = word_in_view(
			visit,
			ls_key_user(visit->state->guard.hash_key, target),
			LS_WORD_FREEZE);
}

/* As one that failed, or with another attempt that is in flight. */
static bool is_in_count(const struct ls_visit *visit,
			const struct ls_view *view, enum ls_kind kind,
			unsigned speed)
{
	uint64_t account = visit->key[LS_KIND_USER];
	const struct ls_flight *flight = &view->flight[kind];

	return (flight->same > 0 && flight->account == account) ||
	       ls_pair_is_counted(visit->state, visit->key[kind], account,
				  speed, visit->now);
}

static void look_at_pairs(const struct ls_visit *visit, struct ls_view *view)
{
	const struct ls_meters *meters = visit->meters;

	for (unsigned i = 0; i < meters->accounts_count; i++) {
		const struct ls_meter_use *use = &meters->accounts[i];
		unsigned speed = use->word - LS_WORD_ACCOUNTS;

		if (ls_judge_is_tight(view, use, visit->now))
			view->counted[use->kind][speed] =
				is_in_count(visit, view, use->kind, speed);
	}
}

/* Do logins of this service become mail sessions? Postfix's do not. */
static bool has_sessions(const char *service)
{
	static const char *const services[] = { "imap", "pop3", "sieve",
						"submission" };

	for (unsigned i = 0; i < sizeof(services) / sizeof(*services); i++)
		if (strcmp(service, services[i]) == 0)
			return true;
	return false;
}

/* Have live sessions all seats of the account? Another's name may not be known any
 * more: the session is then asked about when it begins. */
static bool is_full(const struct ls_visit *visit, const char *service)
{
	const struct ls_map *sessions = &visit->state->sessions;
	const char *user = visit->account.kind == LS_KIND_USER
				   ? visit->account.user
			   : visit->aliased ? NULL
					    : visit->user;

	return sessions->header != NULL && user != NULL &&
	       visit->policy->user.sessions > 0 && has_sessions(service) &&
	       ls_seats_are_taken(visit->state,
				  ls_key_user(sessions->hash_key, user),
				  visit->policy->user.sessions,
				  ls_map_now(sessions,
					     ls_map_boot_ms(&visit->state->guard,
							    visit->now)));
}

void ls_visit_judge(struct ls_visit *visit, const char *service,
		    struct ls_view *view, struct ls_judgement *judgement_r)
{
	ls_judge(view, visit->policy, visit->meters, visit->now, judgement_r);
	if (judgement_r->decision.verdict != LS_ADMIT)
		return;
	if (service != NULL && is_full(visit, service)) {
		view->full = true;
		ls_judge(view, visit->policy, visit->meters, visit->now,
			 judgement_r);
	}
	if (!judgement_r->familiar && !judgement_r->repeat &&
	    judgement_r->decision.verdict == LS_ADMIT)
		ls_visit_judge_local(visit, &judgement_r->decision);
}

void ls_visit_view(const struct ls_visit *visit, bool secured,
		   const char *target, struct ls_view *view_r)
{
	const struct ls_inflight *inflight = visit->state->inflight;

	view_r->denied = visit->policy->denied != 0;
	view_r->secured = secured;
	view_r->nowhere = visit->ip == NULL;
	view_r->full = false;
	view_r->near = visit->near;
	view_r->clean = visit->clean;
	view_r->estranged = visit->estranged;
	view_r->spray = visit->over && ls_visit_is_spray(visit);
	view_r->spray_flying = visit->over && ls_visit_is_spray_flying(visit);
	view_r->rush =
		ls_inflight_rush(inflight, visit->key[LS_KIND_IP]);
	view_r->repeat = ls_visit_knows(visit, ls_visit_print(visit));
	memset(view_r->word, 0, sizeof(view_r->word));
	memset(view_r->flight, 0, sizeof(view_r->flight));
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		if (visit->known[kind])
			look_up_slot(visit, (enum ls_kind)kind, view_r);
		if (inflight != NULL && !visit->narrow &&
		    ls_visit_has(visit, (enum ls_kind)kind))
			view_r->flight[kind] =
				ls_inflight_get(inflight, visit->key[kind]);
	}
	if (visit->narrow)
		view_r->flight[LS_KIND_PLACE] = ls_inflight_get(
			inflight, visit->key[LS_KIND_PLACE]);
	view_r->trusted = ls_visit_is_trusted(visit);
	look_at_others(visit, target, view_r);
	memset(view_r->counted, 0, sizeof(view_r->counted));
	if (visit->user != NULL && !visit->narrow)
		look_at_pairs(visit, view_r);
}
