/* judge.c - see judge.h, and "Deciding a login" in the design */
#include "lockstep-config.h"

#include "login/judge.h"
#include "map/crowd.h"

#include <string.h>

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

/* ---- one attempt ------------------------------------------------------ */

/* What is asked about, and what was found so far: the first refusal by a rule
 * that is enforced, and the first by one that only observes. */
struct case_at_hand {
	const struct ls_view *view;
	const struct ls_policy *policy;
	const struct ls_meters *meters;
	uint64_t now;
	bool frozen; /* that is why */
	struct ls_decision enforced, observed;
};

static bool is_observed(const struct case_at_hand *at, enum ls_kind kind)
{
	return at->meters->observed >> kind & 1;
}

/* A denial counts more than a wait; else the first one does. */
static void refuse_by(struct case_at_hand *at, enum ls_verdict verdict,
		      bool observed, enum ls_kind kind, enum ls_reason reason,
		      uint64_t retry)
{
	struct ls_decision *found = observed ? &at->observed : &at->enforced;

	if (found->wanted == LS_DENY ||
	    (found->wanted == LS_WAIT && verdict == LS_WAIT))
		return;
	found->wanted = verdict;
	found->kind = kind;
	found->reason = reason;
	found->retry_ms = retry;
}

/* A lock word, of this kind of subject. Only the whole policy's mode keeps an
 * administrator's own lock from being enforced. */
static void look_at_lock(struct case_at_hand *at, enum ls_kind kind,
			 uint64_t word)
{
	struct ls_lock_word lock = ls_lock_unpack(word);
	bool observed = lock.origin == LS_ORIGIN_RULE
				? is_observed(at, kind)
				: at->policy->mode == LS_MODE_OBSERVE;

	if (ls_lock_active(&lock, at->now))
		refuse_by(at, LS_DENY, observed, kind, lock.reason, lock.until);
}

static void look_at_freeze(struct case_at_hand *at, uint64_t word)
{
	struct ls_lock_word freeze = ls_lock_unpack(word);

	if (!ls_lock_active(&freeze, at->now))
		return;
	at->frozen |= at->enforced.wanted == LS_ADMIT;
	refuse_by(at, LS_DENY, at->policy->mode == LS_MODE_OBSERVE,
		  LS_KIND_USER, freeze.reason, freeze.until);
}

/* empty_at without so many units. */
static uint64_t without(uint64_t empty_at, unsigned units,
			const struct ls_rate *rate)
{
	uint64_t held = units * rate->emission_ms;

	return empty_at > held ? empty_at - held : 0;
}

static void look_at_meter(struct case_at_hand *at,
			  const struct ls_meter_use *meter, unsigned in_flight)
{
	uint64_t empty_at = at->view->word[meter->kind][meter->word];
	bool settled = !ls_meter_has_room(
		without(empty_at, in_flight, &meter->rate), at->now,
		&meter->rate);

	if (ls_meter_has_room(empty_at, at->now, &meter->rate))
		return;
	refuse_by(at, settled ? LS_DENY : LS_WAIT, is_observed(at, meter->kind),
		  meter->kind, meter->reason,
		  ls_meter_room_at(empty_at, &meter->rate));
}

/* From an address that the account never logged in from, a place's meters are filled
 * to a part alone: the rest is for who is at home, and nobody else locks him out. */
static void look_at_part(struct case_at_hand *at,
			 const struct ls_meter_use *meter, unsigned in_flight)
{
	uint64_t empty_at = at->view->word[meter->kind][meter->word];
	uint64_t settled = without(empty_at, in_flight, &meter->rate);
	uint64_t most = ls_limit_part_ms(&meter->rate, LS_PLACE_PART);
	uint64_t one = meter->rate.emission_ms;

	if (ls_meter_level_ms(empty_at, at->now, &meter->rate) + one <= most)
		return;
	refuse_by(at,
		  ls_meter_level_ms(settled, at->now, &meter->rate) + one > most
			  ? LS_DENY
			  : LS_WAIT,
		  is_observed(at, meter->kind), meter->kind, meter->reason,
		  empty_at - (most - one));
}

bool ls_judge_is_tight(const struct ls_view *view,
		       const struct ls_meter_use *accounts, uint64_t now)
{
	const struct ls_rate *rate = &accounts->rate;
	uint64_t level = ls_meter_level_ms(
		view->word[accounts->kind][accounts->word], now, rate);
	uint64_t in_flight = ls_flight_accounts(&view->flight[accounts->kind]);

	return level + (in_flight + 1) * rate->emission_ms > rate->capacity_ms;
}

/* In a distinct count there is only what has failed: what is in flight comes on
 * top of it. */
static void look_at_count(struct case_at_hand *at,
			  const struct ls_meter_use *count)
{
	uint64_t empty_at = at->view->word[count->kind][count->word];
	unsigned speed = count->word - LS_WORD_ACCOUNTS;

	if (!ls_judge_is_tight(at->view, count, at->now) ||
	    at->view->counted[count->kind][speed])
		return;
	refuse_by(at,
		  ls_meter_has_room(empty_at, at->now, &count->rate) ? LS_WAIT
								     : LS_DENY,
		  is_observed(at, count->kind), count->kind, count->reason,
		  ls_meter_room_at(empty_at, &count->rate));
}

/* Whom an attempt answers for: bit 1 << kind. One that is estranged not for the place:
 * its guesses would lock out who is at home there. */
static unsigned kinds_of(const struct ls_view *view, bool familiar)
{
	unsigned kinds = view->estranged || view->nowhere
				 ? 0
				 : 1U << LS_KIND_PLACE;

	if (familiar)
		return kinds;
	kinds |= 1U << LS_KIND_USER | 1U << LS_KIND_GUESS;
	if (!view->trusted)
		kinds |= 1U << LS_KIND_IP | 1U << LS_KIND_NET;
	return kinds;
}

/* Whose logins an attempt counts among: those of the account, and a stranger's of
 * the address. */
static unsigned login_kinds_of(const struct ls_view *view, bool familiar)
{
	return familiar || view->trusted
		       ? 1U << LS_KIND_USER
		       : 1U << LS_KIND_USER | 1U << LS_KIND_IP;
}

/* How often people may log in, and how many sessions they may have. What is in
 * flight counts: that it may yet fail is no reason to wait. */
static void look_at_logins(struct case_at_hand *at, unsigned kinds)
{
	for (unsigned i = 0; i < at->meters->logins_count; i++)
		if (kinds >> at->meters->logins[i].kind & 1)
			look_at_meter(at, &at->meters->logins[i], 0);
	if (at->view->full)
		refuse_by(at, LS_DENY, is_observed(at, LS_KIND_USER),
			  LS_KIND_USER, LS_REASON_SESSIONS, 0);
}

/* Every lock is looked at before any meter: a lock tells more. */
static void look_at_locks(struct case_at_hand *at, unsigned kinds)
{
	static const enum ls_kind order[] = { LS_KIND_PLACE, LS_KIND_IP,
					      LS_KIND_NET, LS_KIND_USER,
					      LS_KIND_GUESS };

	for (unsigned i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (kinds >> order[i] & 1)
			look_at_lock(at, order[i],
				     at->view->word[order[i]][LS_WORD_LOCK]);
	if (kinds >> LS_KIND_USER & 1)
		look_at_lock(at, LS_KIND_USER, at->view->alias_lock);
}

static void look_at_meters(struct case_at_hand *at, unsigned kinds,
			   struct ls_judgement *judgement)
{
	const struct ls_view *view = at->view;
	const struct ls_meters *meters = at->meters;

	if (judgement->repeat) {
		look_at_meter(at, &meters->repeats, 0);
		return;
	}
	for (unsigned i = 0; i < meters->failures_count; i++) {
		const struct ls_meter_use *meter = &meters->failures[i];

		if (!(kinds >> meter->kind & 1))
			continue;
		(view->near && meter->kind == LS_KIND_PLACE ? look_at_part
							    : look_at_meter)(
			at, meter, view->flight[meter->kind].failures);
	}
	if (view->near && !view->trusted)
		kinds |= 1U << LS_KIND_IP;
	if (view->near && !view->trusted && !view->clean)
		kinds |= 1U << LS_KIND_NET;
	for (unsigned i = 0; judgement->strange && i < meters->accounts_count;
	     i++)
		if (kinds >> meters->accounts[i].kind & 1)
			look_at_count(at, &meters->accounts[i]);
}

/* Of an address that fails at too many accounts a password that failed at one of them
 * is not tried at another; nor at two at once, before it is known to be wrong. */
static void look_at_sprays(struct case_at_hand *at)
{
	if (at->view->spray || at->view->spray_flying)
		refuse_by(at, at->view->spray ? LS_DENY : LS_WAIT,
			  at->policy->mode == LS_MODE_OBSERVE, LS_KIND_IP,
			  LS_REASON_SPRAY, 0);
}

/* Many at once that may all be wrong: the rest waits until some have settled. */
static void look_at_rush(struct case_at_hand *at)
{
	unsigned most = at->meters->rush;

	if (most > 0 && at->view->rush >= most && !at->view->trusted)
		refuse_by(at, LS_WAIT, is_observed(at, LS_KIND_IP), LS_KIND_IP,
			  LS_REASON_ACCOUNTS, 0);
}

/* Which failure meters are charged now, and which by a failure at last: a
 * familiar place's failures are its address's and its network's too. A rule that
 * only observes, and would have refused, is charged no more: had it been
 * enforced, there would be nothing to charge. */
static void name_charges(const struct case_at_hand *at, unsigned kinds,
			 unsigned login_kinds, struct ls_judgement *judgement)
{
	bool refused = at->observed.wanted == LS_DENY;
	unsigned wide = at->view->trusted
				? 0
				: 1U << LS_KIND_IP | 1U << LS_KIND_NET;

	for (unsigned i = 0; i < at->meters->failures_count; i++) {
		const struct ls_meter_use *meter = &at->meters->failures[i];
		unsigned bit = LS_DUE(meter->kind, meter->word);

		if (refused && is_observed(at, meter->kind))
			continue;
		if (kinds >> meter->kind & 1)
			judgement->take |= bit;
		if ((kinds | wide) >> meter->kind & 1)
			judgement->due |= bit;
	}
	judgement->logins = login_kinds &
			    ~(refused ? at->meters->observed : 0);
}

static bool tls_is_due(const struct ls_view *view,
		       const struct ls_policy *policy, bool familiar)
{
	return !view->secured &&
	       (policy->require_tls == LS_TLS_ALWAYS ||
		(policy->require_tls == LS_TLS_STRANGERS && !familiar));
}

/* What an administrator says of the attempt, whatever the meters do. Returns
 * false when nothing else needs to be looked at. */
static bool look_at_orders(struct case_at_hand *at, bool familiar)
{
	const struct ls_view *view = at->view;
	bool observed = at->policy->mode == LS_MODE_OBSERVE;

	if (view->denied)
		refuse_by(at, LS_DENY, observed, LS_KIND_IP, LS_REASON_DENIED,
			  0);
	look_at_freeze(at, view->word[LS_KIND_USER][LS_WORD_FREEZE]);
	look_at_freeze(at, view->alias_freeze);
	look_at_freeze(at, view->target_freeze);
	if (tls_is_due(view, at->policy, familiar))
		refuse_by(at, LS_DENY, observed, LS_KIND_NONE, LS_REASON_TLS,
			  0);
	return at->enforced.wanted == LS_ADMIT &&
	       at->observed.wanted == LS_ADMIT;
}

/* The policy may let a frozen account be told why, but only its owner: who is
 * at a familiar place. That there are too many of them tells nothing to a guesser:
 * it does not depend on the password. */
static bool is_revealed(const struct case_at_hand *at, bool familiar,
			enum ls_reason reason)
{
	if (reason == LS_REASON_LOGINS || reason == LS_REASON_SESSIONS)
		return at->policy->reveal != LS_REVEAL_NEVER;
	return at->policy->reveal == LS_REVEAL_ALWAYS ||
	       (at->policy->reveal == LS_REVEAL_FREEZE && at->frozen &&
		familiar);
}

static void conclude(const struct case_at_hand *at, bool familiar,
		     struct ls_decision *decision_r)
{
	if (at->enforced.wanted != LS_ADMIT) {
		*decision_r = at->enforced;
		decision_r->verdict = decision_r->wanted;
	} else {
		*decision_r = at->observed;
		decision_r->verdict = LS_ADMIT;
	}
	decision_r->reveal = decision_r->verdict == LS_DENY &&
			     is_revealed(at, familiar, decision_r->reason);
}

void ls_judge(const struct ls_view *view, const struct ls_policy *policy,
	      const struct ls_meters *meters, uint64_t now,
	      struct ls_judgement *judgement_r)
{
	bool familiar = view->word[LS_KIND_PLACE][LS_WORD_FAMILIAR] > now &&
			!view->estranged;
	struct case_at_hand at = {
		.view = view, .policy = policy, .meters = meters, .now = now
	};
	unsigned kinds = kinds_of(view, familiar);
	unsigned login_kinds = login_kinds_of(view, familiar);

	memset(judgement_r, 0, sizeof(*judgement_r));
	judgement_r->familiar = familiar;
	judgement_r->repeat = view->repeat;
	judgement_r->strange = (!familiar || view->near) && !view->repeat;
	if (look_at_orders(&at, familiar)) {
		look_at_locks(&at, kinds | 1U << LS_KIND_PLACE);
		look_at_sprays(&at);
		look_at_meters(&at, kinds, judgement_r);
		if (familiar)
			look_at_rush(&at);
		if (!judgement_r->repeat)
			look_at_logins(&at, login_kinds);
	}
	if (!judgement_r->repeat)
		name_charges(&at, kinds, login_kinds, judgement_r);
	conclude(&at, familiar, &judgement_r->decision);
}

bool ls_judge_local(const uint64_t level[LS_SPEEDS], uint64_t flying,
		    const struct ls_meters *meters, uint64_t now,
		    struct ls_decision *decision)
{
	bool tight = false;

	for (unsigned i = 0; i < meters->local_count; i++) {
		const struct ls_rate *rate = &meters->local[i];
		uint64_t one_more = level[i] + rate->emission_ms;

		if (one_more + flying * rate->emission_ms <= rate->capacity_ms)
			continue;
		/* The fast one comes last, but neither a denial gives way to a
		 * wait. */
		if (tight && decision->wanted == LS_DENY &&
		    one_more <= rate->capacity_ms)
			continue;
		tight = true;
		decision->wanted = decision->verdict =
			one_more > rate->capacity_ms ? LS_DENY : LS_WAIT;
		decision->kind = LS_KIND_LOCAL;
		decision->reason = meters->local_reason[i];
		decision->retry_ms = now;
		if (decision->wanted == LS_DENY)
			decision->retry_ms += one_more - rate->capacity_ms;
	}
	return tight;
}

void ls_judge_connection(const struct ls_view *view,
			 const struct ls_policy *policy,
			 const struct ls_meters *meters, uint64_t now,
			 struct ls_decision *decision_r)
{
	bool familiar = view->word[LS_KIND_IP][LS_WORD_FAMILIAR] > now ||
			view->word[LS_KIND_NET][LS_WORD_FAMILIAR] > now;
	struct case_at_hand at = {
		.view = view, .policy = policy, .meters = meters, .now = now
	};

	if (view->denied) {
		refuse_by(&at, LS_DENY, policy->mode == LS_MODE_OBSERVE,
			  LS_KIND_IP, LS_REASON_DENIED, 0);
	} else if (!view->trusted && !familiar) {
		look_at_lock(&at, LS_KIND_IP,
			     view->word[LS_KIND_IP][LS_WORD_LOCK]);
		look_at_lock(&at, LS_KIND_NET,
			     view->word[LS_KIND_NET][LS_WORD_LOCK]);
	}
	conclude(&at, false, decision_r);
}

bool ls_judge_is_filled(uint64_t empty_at, unsigned in_flight,
			const struct ls_rate *rate, uint64_t now)
{
	return !ls_meter_has_room(without(empty_at, in_flight, rate), now,
				  rate);
}

/* Percent of the slow limit (or of the only one) that are suspicious wherever the login
 * comes from: half way from the policy's mark to a full meter. */
static uint64_t mark_alone(const struct ls_policy *policy)
{
	return (100 + policy->user.suspicious_at) / 2;
}

bool ls_judge_is_suspicious(const uint64_t failures[LS_SPEEDS],
			    unsigned in_flight, bool guesses,
			    const struct ls_policy *policy, uint64_t now)
{
	unsigned alone = policy->user.failures[LS_SLOW].units > 0 ? LS_SLOW
								  : LS_FAST;

	for (unsigned speed = 0; speed < LS_SPEEDS; speed++) {
		const struct ls_limit *limit = &policy->user.failures[speed];
		const struct ls_rate rate = ls_rate_of(limit);
		uint64_t level = ls_meter_level(
			without(failures[speed], in_flight, &rate), now, &rate);

		if (limit->units > 0 && guesses &&
		    level * 100 >= limit->units * policy->user.suspicious_at)
			return true;
		if (limit->units > 0 && speed == alone &&
		    level * 100 >= limit->units * mark_alone(policy))
			return true;
	}
	return false;
}

bool ls_judge_guesses(const struct ls_meter_use *meter, uint64_t empty_at,
		      unsigned in_flight, const struct ls_policy *policy,
		      uint64_t now)
{
	const struct ls_rate *rate = &meter->rate;
	uint64_t level = ls_meter_level(without(empty_at, in_flight, rate), now,
					rate);

	return level * 100 * rate->emission_ms >=
	       rate->capacity_ms * policy->user.suspicious_at;
}
