/* explain.c - see explain.h
 *
 * The same visit, the same view and the same judge as in admit.c, and nothing
 * that writes. */
#include "lockstep-config.h"

#include "admin/levels.h"
#include "base/text.h"
#include "explain.h"
#include "login/visit.h"

#include <string.h>

static uint64_t boot_ms(const struct ls_visit *visit, uint64_t at)
{
	return ls_map_boot_ms(&visit->state->guard, at);
}

/* A time that has not passed yet, else 0. */
static uint64_t still(const struct ls_visit *visit, uint64_t until)
{
	return until > visit->now ? boot_ms(visit, until) : 0;
}

/* ---- what is known of one subject ------------------------------------- */

static bool read_lock(const struct ls_visit *visit, const struct ls_ref *ref,
		      enum ls_slot_word word, struct ls_known *of,
		      struct ls_lock *lock_r)
{
	struct ls_lock_word lock = ls_lock_unpack(ls_slot_get(ref, word));

	lock_r->subject = of->subject;
	lock_r->named = true;
	lock_r->freeze = word == LS_WORD_FREEZE;
	lock_r->key = ls_ref_key(ref);
	lock_r->reason = lock.reason;
	lock_r->origin = lock.origin;
	lock_r->strikes = lock.strikes;
	lock_r->since_ms = boot_ms(visit, ls_slot_get(ref, word + 1));
	lock_r->until_ms = boot_ms(visit, lock.until);
	lock_r->untold = ls_told_refusals(of->subject.kind, ref);
	return ls_lock_active(&lock, visit->now);
}

static void read_subject(const struct ls_visit *visit, enum ls_kind kind,
			 const struct ls_ref *ref, struct ls_known *of)
{
	of->found = ref != NULL;
	if (ref == NULL)
		return;
	of->untold = ls_told_refusals(kind, ref);
	of->locked = read_lock(visit, ref, LS_WORD_LOCK, of, &of->lock);
	if (kind == LS_KIND_USER)
		of->frozen =
			read_lock(visit, ref, LS_WORD_FREEZE, of, &of->freeze);
	else
		of->familiar_until_ms =
			still(visit, ls_slot_get(ref, LS_WORD_FAMILIAR));
	if (kind == LS_KIND_IP || kind == LS_KIND_NET)
		of->trusted_until_ms =
			still(visit, ls_slot_get(ref, LS_WORD_TRUSTED));
	if (kind == LS_KIND_IP || kind == LS_KIND_NET)
		of->over_until_ms = still(visit, ls_slot_get(ref, LS_WORD_OVER));
	if (kind == LS_KIND_PLACE)
		of->first_seen_ms =
			boot_ms(visit, ls_slot_get(ref, LS_WORD_FIRST_SEEN));
}

/* The name that was typed, where it stands for another account. */
static void read_typed(const struct ls_visit *visit,
		       struct ls_explanation *explanation)
{
	struct ls_known *typed = &explanation->typed;
	struct ls_ref ref;

	explanation->aliased = true;
	if (visit->account.kind == LS_KIND_USER)
		ls_copy(explanation->final, sizeof(explanation->final),
			visit->account.user);
	typed->subject.kind = LS_KIND_USER;
	ls_copy(typed->subject.user, sizeof(typed->subject.user), visit->user);
	if (ls_table_find(&visit->state->guard.subjects, visit->typed_key,
			  LS_KIND_USER, &ref) == 0)
		read_subject(visit, LS_KIND_USER, &ref, typed);
}

static void read_subjects(const struct ls_visit *visit,
			  const bool has[LS_VISIT_KINDS],
			  struct ls_explanation *explanation)
{
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		struct ls_known *of = &explanation->of[kind];

		if (!has[kind])
			continue;
		ls_visit_subject(visit, kind, &of->subject);
		read_subject(visit, kind,
			     visit->known[kind] ? &visit->ref[kind] : NULL, of);
	}
	if (visit->known[LS_KIND_USER]) {
		const struct ls_ref *user = &visit->ref[LS_KIND_USER];
		uint64_t since = ls_slot_get(user, LS_WORD_SUSPICIOUS);

		explanation->probation_until_ms =
			still(visit, ls_slot_get(user, LS_WORD_PROBATION));
		explanation->suspicious_since_ms = boot_ms(visit, since);
	}
	if (visit->aliased)
		read_typed(visit, explanation);
}

/* ---- the meters -------------------------------------------------------- */

/* Does the judge ask this meter about a login like this? */
static bool is_asked(const struct ls_view *view, bool familiar,
		     const struct ls_level *level)
{
	if (level->reason == LS_REASON_PLACES) /* of successes, no refusal */
		return false;
	if (level->reason == LS_REASON_REPEATS)
		return view->repeat;
	if (view->repeat)
		return false;
	if (level->kind == LS_KIND_PLACE ||
	    (level->kind == LS_KIND_USER && level->reason == LS_REASON_LOGINS))
		return true;
	return !familiar && !(view->trusted && (level->kind == LS_KIND_IP ||
						level->kind == LS_KIND_NET));
}

static void read_levels(const struct ls_visit *visit,
			const struct ls_view *view,
			const bool has[LS_VISIT_KINDS],
			struct ls_explanation *explanation)
{
	static const enum ls_kind order[] = { LS_KIND_PLACE, LS_KIND_IP,
					      LS_KIND_NET, LS_KIND_USER,
					      LS_KIND_GUESS };
	uint64_t in[LS_SPEEDS];
	unsigned count = 0;

	for (unsigned i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (has[order[i]])
			count = ls_levels_of(visit->policy, order[i],
					     visit->known[order[i]]
						     ? &visit->ref[order[i]]
						     : NULL,
					     visit->now, explanation->level,
					     count);
	if (has[LS_KIND_USER] && !explanation->familiar &&
	    ls_visit_read_local(visit, in))
		count = ls_levels_of_local(visit->policy, in, visit->now,
					   explanation->level, count);
	explanation->levels = count;
	for (unsigned i = 0; i < count; i++) {
		struct ls_level *level = &explanation->level[i];

		level->asked = is_asked(view, explanation->familiar, level);
		level->observed = visit->meters->observed >>
					  (level->kind == LS_KIND_LOCAL
						   ? LS_KIND_USER
						   : level->kind) &
				  1;
	}
}

/* ---- sessions ---------------------------------------------------------- */

static void read_begun(const struct ls_visit *visit, enum ls_kind kind,
		       uint64_t key, const struct ls_limit *limit,
		       struct ls_level *level_r)
{
	const struct ls_map *map = &visit->state->sessions;
	struct ls_ref ref;
	bool found = ls_table_find(&map->subjects, key, kind, &ref) == 0;

	ls_level_of_logins(kind, limit, found ? &ref : NULL,
			   ls_map_now(map, boot_ms(visit, visit->now)),
			   level_r);
}

static void read_sessions(const struct ls_visit *visit, bool user, bool ip,
			  struct ls_explanation *explanation)
{
	const struct ls_map *map = &visit->state->sessions;
	struct ls_subject subject;

	explanation->sessions_known = map->header != NULL;
	if (map->header == NULL)
		return;
	if (user) {
		ls_visit_subject(visit, LS_KIND_USER, &subject);
		explanation->sessions_limit = visit->policy->user.sessions;
		read_begun(visit, LS_KIND_USER,
			   ls_key_subject(map->hash_key, &subject),
			   &visit->policy->user.logins, &explanation->begun_by);
	}
	if (ip) {
		ls_visit_subject(visit, LS_KIND_IP, &subject);
		read_begun(visit, LS_KIND_IP,
			   ls_key_subject(map->hash_key, &subject),
			   &visit->policy->ip.logins,
			   &explanation->begun_from);
	}
}

/* ---- the verdicts ------------------------------------------------------ */

static void finish_explanation(const struct ls_visit *visit,
			       struct ls_decision *decision)
{
	decision->retry_ms = decision->retry_ms > visit->now
				     ? decision->retry_ms - visit->now
				     : 0;
}

static void decide_again(struct ls_visit *visit, const char *service,
			 struct ls_view *view,
			 struct ls_explanation *explanation)
{
	struct ls_view bare = *view;
	struct ls_judgement judgement;

	/* Who comes from this host needs no TLS. */
	bare.secured = ls_addr_is_loopback(visit->ip);
	ls_judge(&bare, visit->policy, visit->meters, visit->now, &judgement);
	explanation->wants_tls = judgement.decision.reason == LS_REASON_TLS &&
				 judgement.decision.verdict == LS_DENY;
	ls_visit_judge(visit, visit->user != NULL ? service : NULL, view,
		       &judgement);
	explanation->decision = judgement.decision;
	if (explanation->known_user && explanation->known_ip)
		explanation->crowded = ls_visit_foresee_crowd(
			visit, &judgement, &explanation->decision);
	explanation->familiar = judgement.familiar;
	ls_judge_connection(view, visit->policy, visit->meters, visit->now,
			    &explanation->connect);
	finish_explanation(visit, &explanation->decision);
	finish_explanation(visit, &explanation->connect);
}

/* What is asked about without an address has none of an address's subjects, nor
 * what the policy says of its network. */
static void forget_address(struct ls_visit *visit)
{
	const char *user = visit->account.kind == LS_KIND_USER
				   ? visit->account.user
				   : visit->user;

	visit->known[LS_KIND_IP] = visit->known[LS_KIND_NET] =
		visit->known[LS_KIND_PLACE] = false;
	visit->policy = ls_policy_file_lookup(visit->state->policy, user, NULL,
					      &visit->own);
	visit->meters = &visit->state->meters;
	if (visit->policy == &visit->own) {
		ls_meters_of(visit->policy, &visit->own_meters);
		visit->meters = &visit->own_meters;
	}
}

int ls_explain(struct ls_state *state, const struct ls_question *question,
	       uint64_t now_ms, struct ls_explanation *explanation_r)
{
	static const struct ls_addr nowhere;
	const char *user = question->user;
	const struct ls_addr *ip = question->ip;
	char copy[LS_USER_MAX + 1];
	struct ls_prefix home;
	struct ls_visit visit;
	struct ls_view view;

	memset(explanation_r, 0, sizeof(*explanation_r));
	if (user == NULL && ip == NULL)
		return LS_EARG;
	if (state->guard.header == NULL)
		return LS_EACCES;
	ls_user_copy(copy, user); /* as an attempt's */
	ls_visit_init(&visit, state, user != NULL ? copy : NULL,
		      ip != NULL ? ip : &nowhere, question->password,
		      ls_map_now(&state->guard, now_ms));
	if (question->anywhere && visit.near &&
	    ls_home_newest(&visit.ref[LS_KIND_PLACE], &home))
		ls_visit_init(&visit, state, copy, &home.addr,
			      question->password, visit.now);
	ls_visit_widen(&visit);
	if (ip == NULL)
		forget_address(&visit);
	else if (question->anywhere)
		visit.known[LS_KIND_IP] = false;
	explanation_r->known_user = user != NULL;
	explanation_r->known_ip = ip != NULL;
	memset(&view, 0, sizeof(view));
	ls_visit_view(&visit, true, NULL, &view);
	decide_again(&visit,
		     question->service != NULL ? question->service : "imap",
		     &view, explanation_r);

	const bool has[LS_VISIT_KINDS] = {
		[LS_KIND_IP] = ip != NULL && !question->anywhere,
		[LS_KIND_NET] = ip != NULL,
		[LS_KIND_USER] = user != NULL,
		[LS_KIND_PLACE] = user != NULL && ip != NULL,
		[LS_KIND_GUESS] = visit.known[LS_KIND_GUESS],
	};

	explanation_r->observing = visit.policy->mode == LS_MODE_OBSERVE;
	explanation_r->near = visit.near;
	explanation_r->estranged = visit.estranged;
	explanation_r->part = visit.part;
	explanation_r->denied = view.denied;
	explanation_r->trusted_by_policy = visit.policy->trusted != 0;
	read_subjects(&visit, has, explanation_r);
	read_levels(&visit, &view, has, explanation_r);
	read_sessions(&visit, user != NULL, ip != NULL, explanation_r);
	return 0;
}
