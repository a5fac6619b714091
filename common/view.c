/* view.c - what is known of an attempt before the judgement; see visit.h */
#include "lockstep-config.h"

#include "pair.h"
#include "visit.h"

#include <string.h>

/* The words of a kind that a decision looks at. */
static const uint16_t looked_at[LS_VISIT_KINDS] = {
	[LS_KIND_IP] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
		       1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
		       1U << LS_WORD_ACCOUNTS | 1U << LS_WORD_ACCOUNTS_SLOW,
	[LS_KIND_NET] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
			1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
			1U << LS_WORD_ACCOUNTS | 1U << LS_WORD_ACCOUNTS_SLOW,
	[LS_KIND_USER] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAILURES |
			 1U << LS_WORD_FAILURES_SLOW | 1U << LS_WORD_FREEZE,
	[LS_KIND_PLACE] = 1U << LS_WORD_LOCK | 1U << LS_WORD_FAMILIAR |
			  1U << LS_WORD_FAILURES | 1U << LS_WORD_FAILURES_SLOW |
			  1U << LS_WORD_REPEATS,
	[LS_KIND_GUESS] = 1U << LS_WORD_LOCK | 1U << LS_WORD_ACCOUNTS |
			  1U << LS_WORD_ACCOUNTS_SLOW,
};

static void look(const struct ls_visit *visit, enum ls_kind kind,
		 struct ls_view *view)
{
	for (unsigned words = looked_at[kind]; words != 0; words &= words - 1) {
		unsigned word = (unsigned)__builtin_ctz(words);

		view->word[kind][word] = ls_slot_get(&visit->ref[kind], word);
	}
}

static uint64_t word_of(const struct ls_visit *visit, uint64_t user_key,
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
			word_of(visit, visit->typed_key, LS_WORD_LOCK);
		view->alias_freeze =
			word_of(visit, visit->typed_key, LS_WORD_FREEZE);
	}
	if (target != NULL)
		view->target_freeze =
			word_of(visit,
				ls_key_user(visit->state->guard.hash_key,
					    target),
				LS_WORD_FREEZE);
}

/* As one that failed, or with another attempt that is in flight. */
static bool is_counted(const struct ls_visit *visit, const struct ls_view *view,
		       enum ls_kind kind, unsigned speed)
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
				is_counted(visit, view, use->kind, speed);
	}
}

void ls_visit_view(const struct ls_visit *visit, bool secured,
		   const char *target, struct ls_view *view_r)
{
	const struct ls_inflight *inflight = visit->state->inflight;
	uint32_t print = ls_visit_print(visit);

	view_r->denied = visit->policy->denied != 0;
	view_r->secured = secured;
	view_r->repeat = print != 0 && visit->known[LS_KIND_PLACE] &&
			 ls_slot_has_print(&visit->ref[LS_KIND_PLACE], print);
	memset(view_r->word, 0, sizeof(view_r->word));
	memset(view_r->flight, 0, sizeof(view_r->flight));
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		if (visit->known[kind])
			look(visit, (enum ls_kind)kind, view_r);
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
