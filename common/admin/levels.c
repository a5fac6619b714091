/* levels.c - see levels.h */
#include "lockstep-config.h"

#include "admin/levels.h"
#include "login/judge.h"
#include "sending/sending.h"

#include <string.h>

/* From the nearest subject to the widest, as the judge asks. */
static const struct row {
	enum ls_kind kind;
	enum ls_slot_word word;
	enum ls_reason reason;
	size_t limit; /* its place in struct ls_policy */
} rows[] = {
#define ROW(kind, word, reason, limit) \
	{ LS_KIND_##kind, LS_WORD_##word, LS_REASON_##reason, \
	  offsetof(struct ls_policy, limit) }
	ROW(PLACE, FAILURES, FAILURES, place.failures[LS_FAST]),
	ROW(PLACE, FAILURES_SLOW, FAILURES_SLOW, place.failures[LS_SLOW]),
	ROW(PLACE, REPEATS, REPEATS, place.repeats),
	ROW(IP, FAILURES, FAILURES, ip.failures[LS_FAST]),
	ROW(IP, FAILURES_SLOW, FAILURES_SLOW, ip.failures[LS_SLOW]),
	ROW(IP, ACCOUNTS, ACCOUNTS, ip.accounts[LS_FAST]),
	ROW(IP, ACCOUNTS_SLOW, ACCOUNTS_SLOW, ip.accounts[LS_SLOW]),
	ROW(IP, LOGINS, LOGINS, ip.logins),
	ROW(NET, FAILURES, FAILURES, net.failures[LS_FAST]),
	ROW(NET, FAILURES_SLOW, FAILURES_SLOW, net.failures[LS_SLOW]),
	ROW(NET, ACCOUNTS, ACCOUNTS, net.accounts[LS_FAST]),
	ROW(NET, ACCOUNTS_SLOW, ACCOUNTS_SLOW, net.accounts[LS_SLOW]),
	ROW(USER, FAILURES, FAILURES, user.failures[LS_FAST]),
	ROW(USER, FAILURES_SLOW, FAILURES_SLOW, user.failures[LS_SLOW]),
	ROW(USER, PLACES, PLACES, user.places),
	ROW(USER, LOGINS, LOGINS, user.logins),
	ROW(GUESS, ACCOUNTS, ACCOUNTS, guess.accounts),
#undef ROW
};

static void read_level(enum ls_kind kind, enum ls_reason reason,
		       const struct ls_limit *limit, uint64_t empty_at,
		       uint64_t now, struct ls_level *level_r)
{
	const struct ls_rate rate = ls_rate_of(limit);

	memset(level_r, 0, sizeof(*level_r));
	level_r->kind = kind;
	level_r->reason = reason;
	level_r->units = ls_meter_level(empty_at, now, &rate);
	level_r->limit = limit->units;
	level_r->period_ms = limit->period_ms;
	level_r->empty_in_ms = ls_meter_level_ms(empty_at, now, &rate);
	if (!ls_meter_has_room(empty_at, now, &rate))
		level_r->room_in_ms = ls_meter_room_at(empty_at, &rate) - now;
}

void ls_level_of_logins(enum ls_kind kind, const struct ls_limit *limit,
			const struct ls_ref *ref, uint64_t now,
			struct ls_level *level_r)
{
	read_level(kind, LS_REASON_LOGINS, limit,
		   ref != NULL ? ls_slot_get(ref, LS_WORD_LOGINS) : 0, now,
		   level_r);
}

unsigned ls_levels_of(const struct ls_policy *policy, enum ls_kind kind,
		      const struct ls_ref *ref, uint64_t now,
		      struct ls_level level[LS_LEVELS_MAX], unsigned count)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ls_limit limit;

		if (rows[i].kind != kind || count == LS_LEVELS_MAX)
			continue;
		memcpy(&limit, (const char *)policy + rows[i].limit,
		       sizeof(limit));
		if (limit.units > 0)
			read_level(kind, rows[i].reason, &limit,
				   ref != NULL ? ls_slot_get(ref, rows[i].word)
					       : 0,
				   now, &level[count++]);
	}
	return count;
}

unsigned ls_levels_of_local(const struct ls_policy *policy,
			    const uint64_t in[LS_SPEEDS], uint64_t now,
			    struct ls_level level[LS_LEVELS_MAX],
			    unsigned count)
{
	static const enum ls_reason reasons[LS_SPEEDS] = {
		LS_REASON_ANY_DOMAIN, LS_REASON_ANY_DOMAIN_SLOW
	};
	const struct ls_limit *limits = policy->user.failures;
	unsigned at = limits[LS_SLOW].units > 0 ? 1 : 0;

	for (unsigned i = 0; i < LS_SPEEDS && count < LS_LEVELS_MAX; i++) {
		const struct ls_limit limit = ls_limit_local(&limits[i]);

		if (limit.units > 0)
			read_level(LS_KIND_LOCAL, reasons[i], &limit,
				   now + in[i == LS_FAST ? at : 0], now,
				   &level[count++]);
	}
	return count;
}

static unsigned
read_sent(enum ls_kind kind,
	  const struct ls_sending_limit limits[LS_SENDING_METERS],
	  const struct ls_ref *ref, uint64_t now,
	  struct ls_level level[LS_LEVELS_MAX], unsigned count)
{
	for (unsigned i = 0; i < LS_SENDING_TOLD; i++) {
		if (limits[i].limit.units == 0 || count == LS_LEVELS_MAX)
			continue;
		read_level(kind, limits[i].reason, &limits[i].limit,
			   ref != NULL ? ls_slot_get(ref, limits[i].word) : 0,
			   now, &level[count]);
		level[count++].attempted = i >= LS_SENDING_TRIED_MESSAGES;
	}
	return count;
}

unsigned ls_levels_of_sending(const struct ls_policy *policy, bool probation,
			      const struct ls_ref *ref, uint64_t now,
			      struct ls_level level[LS_LEVELS_MAX],
			      unsigned count)
{
	struct ls_sending_limit limits[LS_SENDING_METERS];

	ls_sending_limits(policy, probation, limits);
	return read_sent(LS_KIND_SENDING, limits, ref, now, level, count);
}

unsigned ls_levels_of_relay(const struct ls_policy *policy,
			    const struct ls_ref *ref, uint64_t now,
			    struct ls_level level[LS_LEVELS_MAX],
			    unsigned count)
{
	struct ls_sending_limit limits[LS_SENDING_METERS];

	ls_relay_limits(policy, limits);
	return read_sent(LS_KIND_RELAY, limits, ref, now, level, count);
}
