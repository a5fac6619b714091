/* judge.c - see judge.h, and "Deciding a login" in the design */
#include "lockstep-config.h"

#include "judge.h"

#include <string.h>

static void add_failures(struct ls_meters *meters, enum ls_kind kind,
			 const struct ls_limit limits[LS_SPEEDS])
{
	static const enum ls_reason reasons[LS_SPEEDS] = {
		[LS_FAST] = LS_REASON_FAILURES,
		[LS_SLOW] = LS_REASON_FAILURES_SLOW,
	};

	for (unsigned speed = 0; speed < LS_SPEEDS; speed++) {
		if (limits[speed].units == 0)
			continue;
		meters->use[meters->count++] = (struct ls_meter_use){
			.kind = kind,
			.word = LS_WORD_FAILURES + speed,
			.rate = ls_rate_of(&limits[speed]),
			.reason = reasons[speed],
		};
	}
}

void ls_meters_of(const struct ls_policy *policy, struct ls_meters *meters_r)
{
	meters_r->count = 0;
	add_failures(meters_r, LS_KIND_PLACE, policy->place.failures);
	add_failures(meters_r, LS_KIND_IP, policy->ip.failures);
	add_failures(meters_r, LS_KIND_NET, policy->net.failures);
	add_failures(meters_r, LS_KIND_USER, policy->user.failures);
}

struct ls_range ls_lock_range(enum ls_kind kind, const struct ls_policy *policy)
{
	switch (kind) {
	case LS_KIND_IP:
		return policy->ip.lock;
	case LS_KIND_NET:
		return policy->net.lock;
	case LS_KIND_USER:
		return policy->user.lock;
	case LS_KIND_PLACE:
		return policy->place.lock;
	default:
		return policy->guess.lock;
	}
}

static void refuse(struct ls_decision *decision, enum ls_kind kind,
		   enum ls_reason reason, uint64_t retry)
{
	decision->wanted = LS_DENY;
	decision->kind = kind;
	decision->reason = reason;
	decision->retry_ms = retry;
}

/* Returns whether the subject of this kind is locked, having refused for it. */
static bool refuse_locked(struct ls_decision *decision,
			  const struct ls_view *view, enum ls_kind kind,
			  uint64_t now)
{
	struct ls_lock_word lock =
		ls_lock_unpack(view->word[kind][LS_WORD_LOCK]);

	if (!ls_lock_active(&lock, now))
		return false;
	refuse(decision, kind, lock.reason, lock.until);
	return true;
}

static bool refuse_full(struct ls_decision *decision,
			const struct ls_view *view,
			const struct ls_meter_use *meter, uint64_t now)
{
	uint64_t empty_at = view->word[meter->kind][meter->word];

	if (ls_meter_has_room(empty_at, now, &meter->rate))
		return false;
	refuse(decision, meter->kind, meter->reason,
	       ls_meter_room_at(empty_at, &meter->rate));
	return true;
}

static void conclude(struct ls_decision *decision,
		     const struct ls_policy *policy)
{
	decision->verdict = policy->mode == LS_MODE_OBSERVE ? LS_ADMIT
							    : decision->wanted;
	decision->reveal = policy->reveal == LS_REVEAL_ALWAYS;
}

/* Whom an attempt answers for: bits of ls_judgement.kinds. */
static unsigned kinds_of(const struct ls_view *view, bool familiar)
{
	unsigned kinds = 1U << LS_KIND_PLACE;

	if (familiar)
		return kinds;
	kinds |= 1U << LS_KIND_USER;
	if (!view->trusted)
		kinds |= 1U << LS_KIND_IP | 1U << LS_KIND_NET;
	return kinds;
}

/* Every lock is looked at before any meter: a lock tells more. */
static void judge_kinds(const struct ls_view *view,
			const struct ls_meters *meters, uint64_t now,
			struct ls_judgement *judgement)
{
	static const enum ls_kind kinds[] = { LS_KIND_PLACE, LS_KIND_IP,
					      LS_KIND_NET, LS_KIND_USER };
	struct ls_decision *decision = &judgement->decision;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (ls_is_charged(judgement, kinds[i]) &&
		    refuse_locked(decision, view, kinds[i], now))
			return;
	for (unsigned i = 0; i < meters->count; i++)
		if (ls_is_charged(judgement, meters->use[i].kind) &&
		    refuse_full(decision, view, &meters->use[i], now))
			return;
}

static bool tls_is_due(const struct ls_view *view,
		       const struct ls_policy *policy, bool familiar)
{
	return !view->secured &&
	       (policy->require_tls == LS_TLS_ALWAYS ||
		(policy->require_tls == LS_TLS_STRANGERS && !familiar));
}

void ls_judge(const struct ls_view *view, const struct ls_policy *policy,
	      const struct ls_meters *meters, uint64_t now,
	      struct ls_judgement *judgement_r)
{
	bool familiar = view->word[LS_KIND_PLACE][LS_WORD_FAMILIAR] > now;
	struct ls_decision *decision = &judgement_r->decision;

	memset(judgement_r, 0, sizeof(*judgement_r));
	judgement_r->familiar = familiar;
	judgement_r->kinds = kinds_of(view, familiar);
	decision->wanted = LS_ADMIT;
	if (view->denied)
		refuse(decision, LS_KIND_IP, LS_REASON_DENIED, 0);
	else if (tls_is_due(view, policy, familiar))
		refuse(decision, LS_KIND_NONE, LS_REASON_TLS, 0);
	else
		judge_kinds(view, meters, now, judgement_r);
	conclude(decision, policy);
}

void ls_judge_connection(const struct ls_view *view,
			 const struct ls_policy *policy, uint64_t now,
			 struct ls_decision *decision_r)
{
	bool familiar = view->word[LS_KIND_IP][LS_WORD_FAMILIAR] > now ||
			view->word[LS_KIND_NET][LS_WORD_FAMILIAR] > now;

	memset(decision_r, 0, sizeof(*decision_r));
	decision_r->wanted = LS_ADMIT;
	if (view->denied)
		refuse(decision_r, LS_KIND_IP, LS_REASON_DENIED, 0);
	else if (!view->trusted && !familiar &&
		 !refuse_locked(decision_r, view, LS_KIND_IP, now))
		refuse_locked(decision_r, view, LS_KIND_NET, now);
	conclude(decision_r, policy);
}
