/* meters.c - see meters.h */
#include "lockstep-config.h"

#include "map/crowd.h"
#include "state/meters.h"

static void add_meter(struct ls_meter_use *use, unsigned *count,
		      enum ls_kind kind, unsigned word,
		      const struct ls_limit *limit, enum ls_reason reason)
{
	if (limit->units > 0)
		use[(*count)++] = (struct ls_meter_use){
			.kind = kind,
			.word = word,
			.rate = ls_rate_of(limit),
			.reason = reason,
		};
}

static void add_failures(struct ls_meters *meters, enum ls_kind kind,
			 const struct ls_limit limits[LS_SPEEDS])
{
	add_meter(meters->failures, &meters->failures_count, kind,
		  LS_WORD_FAILURES, &limits[LS_FAST], LS_REASON_FAILURES);
	add_meter(meters->failures, &meters->failures_count, kind,
		  LS_WORD_FAILURES_SLOW, &limits[LS_SLOW],
		  LS_REASON_FAILURES_SLOW);
}

static void add_accounts(struct ls_meters *meters, enum ls_kind kind,
			 const struct ls_limit *fast,
			 const struct ls_limit *slow)
{
	static const struct ls_limit none = { 0, 0 };

	add_meter(meters->accounts, &meters->accounts_count, kind,
		  LS_WORD_ACCOUNTS, fast, LS_REASON_ACCOUNTS);
	add_meter(meters->accounts, &meters->accounts_count, kind,
		  LS_WORD_ACCOUNTS_SLOW, slow != NULL ? slow : &none,
		  LS_REASON_ACCOUNTS_SLOW);
}

struct ls_limit ls_limit_local(const struct ls_limit *limit)
{
	struct ls_limit wide = { limit->units * LS_LOCAL_WIDTH,
				 limit->period_ms };

	/* A meter takes one a millisecond at most. */
	if (wide.units > wide.period_ms)
		wide.units = wide.period_ms;
	return wide;
}

static void add_local_limit(struct ls_meters *meters,
			    const struct ls_limit *limit, enum ls_reason reason)
{
	if (limit->units == 0)
		return;
	meters->local[meters->local_count] = ls_rate_of(limit);
	meters->local_reason[meters->local_count++] = reason;
}

static void add_local(struct ls_meters *meters,
		      const struct ls_limit limits[LS_SPEEDS])
{
	const struct ls_limit fast = ls_limit_local(&limits[LS_FAST]);
	const struct ls_limit slow = ls_limit_local(&limits[LS_SLOW]);

	meters->local_count = 0;
	add_local_limit(meters, &slow, LS_REASON_ANY_DOMAIN_SLOW);
	add_local_limit(meters, &fast, LS_REASON_ANY_DOMAIN);
}

/* Bit 1 << kind, if that kind's rule only observes. */
static unsigned observed(enum ls_kind kind, uint64_t mode)
{
	return mode == LS_RULE_OBSERVE ? 1U << kind : 0;
}

static unsigned observed_of(const struct ls_policy *policy)
{
	if (policy->mode == LS_MODE_OBSERVE)
		return ~0U;
	return observed(LS_KIND_IP, policy->ip.mode) |
	       observed(LS_KIND_NET, policy->net.mode) |
	       observed(LS_KIND_USER, policy->user.mode) |
	       observed(LS_KIND_PLACE, policy->place.mode) |
	       observed(LS_KIND_GUESS, policy->guess.mode);
}

static struct ls_rate strictest_of(const struct ls_meters *meters)
{
	struct ls_rate rates[LS_FAILURES_MAX];

	for (unsigned i = 0; i < meters->failures_count; i++)
		rates[i] = meters->failures[i].rate;
	return ls_crowd_rate(rates, meters->failures_count);
}

/* So many times as many familiar places as accounts may fail at one address may have
 * attempts in flight there: most of them are right, and to have them wait would cost a
 * busy webmail host time. */
enum { RUSH = 8 };

void ls_meters_of(const struct ls_policy *policy, struct ls_meters *meters_r)
{
	meters_r->failures_count = meters_r->accounts_count = 0;
	meters_r->logins_count = 0;
	add_failures(meters_r, LS_KIND_PLACE, policy->place.failures);
	add_failures(meters_r, LS_KIND_IP, policy->ip.failures);
	add_failures(meters_r, LS_KIND_NET, policy->net.failures);
	add_failures(meters_r, LS_KIND_USER, policy->user.failures);
	add_local(meters_r, policy->user.failures);
	add_accounts(meters_r, LS_KIND_IP, &policy->ip.accounts[LS_FAST],
		     &policy->ip.accounts[LS_SLOW]);
	add_accounts(meters_r, LS_KIND_NET, &policy->net.accounts[LS_FAST],
		     &policy->net.accounts[LS_SLOW]);
	add_accounts(meters_r, LS_KIND_GUESS, &policy->guess.accounts, NULL);
	add_meter(meters_r->logins, &meters_r->logins_count, LS_KIND_USER,
		  LS_WORD_LOGINS, &policy->user.logins, LS_REASON_LOGINS);
	add_meter(meters_r->logins, &meters_r->logins_count, LS_KIND_IP,
		  LS_WORD_LOGINS, &policy->ip.logins, LS_REASON_LOGINS);
	meters_r->repeats = (struct ls_meter_use){
		.kind = LS_KIND_PLACE,
		.word = LS_WORD_REPEATS,
		.rate = ls_rate_of(&policy->place.repeats),
		.reason = LS_REASON_REPEATS,
	};
	meters_r->places = ls_rate_of(&policy->user.places);
	meters_r->crowd = strictest_of(meters_r);
	meters_r->rush = (unsigned)(policy->ip.accounts[LS_FAST].units * RUSH);
	meters_r->observed = observed_of(policy);
}
