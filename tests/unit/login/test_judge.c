/* test_judge.c - verdicts: a table of views and what follows from them */
#include "lockstep-config.h"

#include "harness.h"
#include "login/judge.h"

static const uint64_t now = UINT64_C(34560000000); /* 400 days */

/* What a row sets in the view, besides nothing. */
enum {
	TRUSTED = 1,
	DENIED = 2,
	PLAIN = 4, /* no TLS */
	FAMILIAR = 8,
	OBSERVE = 16,
	WAS_FAMILIAR = 32,
};

/* Bits 1 << LS_KIND_*: locked, had been locked, fast or slow meter full. */
#define IP (1U << LS_KIND_IP)
#define NET (1U << LS_KIND_NET)
#define USER (1U << LS_KIND_USER)
#define PLACE (1U << LS_KIND_PLACE)
#define ALL (IP | NET | USER | PLACE)

struct row {
	const char *row;
	unsigned flags, locked, unlocked, full, full_slow;
	enum ls_verdict wanted;
	enum ls_kind kind;
	enum ls_reason reason;
	unsigned charged; /* kinds, when admitted */
};

static void judge(const struct ls_view *view, const struct ls_policy *policy,
		  struct ls_judgement *judgement_r)
{
	struct ls_meters meters;

	ls_meters_of(policy, &meters);
	memset(judgement_r, 0xee, sizeof(*judgement_r));
	ls_judge(view, policy, &meters, now, judgement_r);
}

static void view_of(const struct row *row, const struct ls_policy *policy,
		    struct ls_view *view)
{
	struct ls_meters meters;

	memset(view, 0, sizeof(*view));
	view->trusted = (row->flags & TRUSTED) != 0;
	view->denied = (row->flags & DENIED) != 0;
	view->secured = (row->flags & PLAIN) == 0;
	view->word[LS_KIND_PLACE][LS_WORD_FAMILIAR] =
		row->flags & FAMILIAR       ? now + 1
		: row->flags & WAS_FAMILIAR ? now
					    : 0;
	for (enum ls_kind kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		struct ls_lock_word lock = { .strikes = 1,
					     .reason = LS_REASON_FAILURES };
		unsigned bit = 1U << kind;

		lock.until = row->locked & bit     ? now + 60000
			     : row->unlocked & bit ? now
						   : 0;
		view->word[kind][LS_WORD_LOCK] = ls_lock_pack(&lock);
	}
	/* To the brim, or just not. */
	ls_meters_of(policy, &meters);
	check("two of each", meters.failures_count, 8);
	for (unsigned i = 0; i < meters.failures_count; i++) {
		const struct ls_meter_use *use = &meters.failures[i];
		unsigned full = use->word == LS_WORD_FAILURES ? row->full
							      : row->full_slow;

		view->word[use->kind][use->word] = now + use->rate.capacity_ms -
						   use->rate.emission_ms +
						   (full >> use->kind & 1U);
	}
}

/* The kinds whose meters are charged, both of each. */
static unsigned kinds_of(unsigned take)
{
	unsigned kinds = 0;

	for (enum ls_kind kind = LS_KIND_IP; kind <= LS_KIND_PLACE; kind++) {
		bool fast = take & LS_DUE(kind, LS_WORD_FAILURES);
		bool slow = take & LS_DUE(kind, LS_WORD_FAILURES_SLOW);

		check("both", fast, slow);
		kinds |= (unsigned)fast << kind;
	}
	return kinds;
}

static void check_rows(const struct row *rows, size_t count, uint64_t tls)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct ls_judgement judgement;
		struct ls_policy policy;
		struct ls_view view;

		ls_policy_presets(&policy);
		policy.require_tls = tls;
		policy.mode = row->flags & OBSERVE ? LS_MODE_OBSERVE
						   : LS_MODE_ENFORCE;
		view_of(row, &policy, &view);
		judge(&view, &policy, &judgement);
		check(row->row, judgement.decision.wanted, row->wanted);
		check(row->row, judgement.decision.verdict,
		      row->flags & OBSERVE ? LS_ADMIT : row->wanted);
		check(row->row, judgement.decision.kind, row->kind);
		check(row->row, judgement.decision.reason, row->reason);
		check(row->row, judgement.familiar,
		      (row->flags & FAMILIAR) != 0);
		if (row->wanted == LS_ADMIT)
			check(row->row, kinds_of(judgement.take), row->charged);
	}
}

#define NO LS_KIND_NONE, LS_REASON_NONE
#define LOCKED(kind) LS_DENY, LS_KIND_##kind, LS_REASON_FAILURES, 0
#define FULL_SLOW(kind) LS_DENY, LS_KIND_##kind, LS_REASON_FAILURES_SLOW, 0

static void test_strangers(void **state)
{
	static const struct row rows[] = {
		{ "free", 0, 0, 0, 0, 0, LS_ADMIT, NO, ALL },
		{ "ip locked", 0, IP, 0, 0, 0, LOCKED(IP) },
		{ "net locked", 0, NET, 0, 0, 0, LOCKED(NET) },
		{ "user locked", 0, USER, 0, 0, 0, LOCKED(USER) },
		{ "place locked", 0, PLACE, 0, 0, 0, LOCKED(PLACE) },
		{ "all locked", 0, ALL, 0, 0, 0, LOCKED(PLACE) },
		{ "locks ended", 0, 0, ALL, 0, 0, LS_ADMIT, NO, ALL },
		{ "ip full", 0, 0, 0, IP, 0, LOCKED(IP) },
		{ "net full", 0, 0, 0, NET, 0, LOCKED(NET) },
		{ "user full", 0, 0, 0, USER, 0, LOCKED(USER) },
		{ "place full", 0, 0, 0, PLACE, 0, LOCKED(PLACE) },
		{ "ip slow", 0, 0, 0, 0, IP, FULL_SLOW(IP) },
		{ "net slow", 0, 0, 0, 0, NET, FULL_SLOW(NET) },
		{ "user slow", 0, 0, 0, 0, USER, FULL_SLOW(USER) },
		{ "place slow", 0, 0, 0, 0, PLACE, FULL_SLOW(PLACE) },
		/* A lock tells more than a meter. */
		{ "user locked, ip full", 0, USER, 0, IP, 0, LOCKED(USER) },
		{ "no longer familiar", WAS_FAMILIAR, IP, 0, 0, 0, LOCKED(IP) },
		{ "trusted", TRUSTED, IP | NET, 0, IP | NET, IP | NET, LS_ADMIT,
		  NO, USER | PLACE },
		{ "trusted, user locked", TRUSTED, USER, 0, 0, 0,
		  LOCKED(USER) },
		{ "trusted, place full", TRUSTED, 0, 0, PLACE, 0,
		  LOCKED(PLACE) },
		{ "denied", DENIED, 0, 0, 0, 0, LS_DENY, LS_KIND_IP,
		  LS_REASON_DENIED, 0 },
		{ "denied and locked", DENIED, ALL, 0, 0, 0, LS_DENY,
		  LS_KIND_IP, LS_REASON_DENIED, 0 },
		{ "observed, locked", OBSERVE, IP, 0, 0, 0, LOCKED(IP) },
		{ "observed, full", OBSERVE, 0, 0, IP, 0, LOCKED(IP) },
		{ "observed, denied", OBSERVE | DENIED, 0, 0, 0, 0, LS_DENY,
		  LS_KIND_IP, LS_REASON_DENIED, 0 },
		{ "observed, free", OBSERVE, 0, 0, 0, 0, LS_ADMIT, NO, ALL },
	};

	(void)state;
	check_rows(rows, COUNT(rows), LS_TLS_NEVER);
}

static void test_familiar(void **state)
{
	static const struct row rows[] = {
		{ "free", FAMILIAR, 0, 0, 0, 0, LS_ADMIT, NO, PLACE },
		{ "all else locked and full", FAMILIAR, IP | NET | USER, 0,
		  IP | NET | USER, IP | NET | USER, LS_ADMIT, NO, PLACE },
		{ "place locked", FAMILIAR, PLACE, 0, 0, 0, LOCKED(PLACE) },
		{ "place full", FAMILIAR, 0, 0, PLACE, 0, LOCKED(PLACE) },
		{ "place slow", FAMILIAR, 0, 0, 0, PLACE, FULL_SLOW(PLACE) },
		{ "denied", FAMILIAR | DENIED, 0, 0, 0, 0, LS_DENY, LS_KIND_IP,
		  LS_REASON_DENIED, 0 },
		{ "trusted", FAMILIAR | TRUSTED, IP, 0, 0, 0, LS_ADMIT, NO,
		  PLACE },
		{ "observed", FAMILIAR | OBSERVE, PLACE, 0, 0, 0,
		  LOCKED(PLACE) },
	};

	(void)state;
	check_rows(rows, COUNT(rows), LS_TLS_STRANGERS);
}

#define TLS LS_DENY, LS_KIND_NONE, LS_REASON_TLS, 0

static void test_tls(void **state)
{
	static const struct row strangers[] = {
		{ "stranger", PLAIN, 0, 0, 0, 0, TLS },
		{ "stranger, locked", PLAIN, ALL, 0, 0, 0, TLS },
		{ "stranger, trusted", PLAIN | TRUSTED, 0, 0, 0, 0, TLS },
		{ "stranger, secured", 0, 0, 0, 0, 0, LS_ADMIT, NO, ALL },
		{ "familiar", PLAIN | FAMILIAR, 0, 0, 0, 0, LS_ADMIT, NO,
		  PLACE },
		{ "observed", PLAIN | OBSERVE, 0, 0, 0, 0, TLS },
		{ "denied", PLAIN | DENIED, 0, 0, 0, 0, LS_DENY, LS_KIND_IP,
		  LS_REASON_DENIED, 0 },
	};
	static const struct row always[] = {
		{ "stranger", PLAIN, 0, 0, 0, 0, TLS },
		{ "familiar", PLAIN | FAMILIAR, 0, 0, 0, 0, TLS },
		{ "secured", FAMILIAR, 0, 0, 0, 0, LS_ADMIT, NO, PLACE },
	};
	static const struct row never[] = {
		{ "stranger", PLAIN, 0, 0, 0, 0, LS_ADMIT, NO, ALL },
	};

	(void)state;
	check_rows(strangers, COUNT(strangers), LS_TLS_STRANGERS);
	check_rows(always, COUNT(always), LS_TLS_ALWAYS);
	check_rows(never, COUNT(never), LS_TLS_NEVER);
}

/* When it may be tried again: the lock's end, the meter's next unit. */
static void test_retry(void **state)
{
	const struct row locked = { .row = "locked", .locked = USER };
	const struct row full = { .row = "full", .full = IP };
	struct ls_judgement judgement;
	struct ls_policy policy;
	struct ls_view view;

	(void)state;
	ls_policy_presets(&policy);
	view_of(&locked, &policy, &view);
	judge(&view, &policy, &judgement);
	check("locked", judgement.decision.retry_ms, now + 60000);
	view_of(&full, &policy, &view);
	judge(&view, &policy, &judgement);
	check("full", judgement.decision.retry_ms, now + 1);
}

static void test_reveal(void **state)
{
	static const bool want[] = { [LS_REVEAL_NEVER] = false,
				     [LS_REVEAL_FREEZE] = false,
				     [LS_REVEAL_ALWAYS] = true };
	const struct row locked = { .row = "locked", .locked = USER };
	struct ls_judgement judgement;
	struct ls_policy policy;
	struct ls_view view;

	(void)state;
	ls_policy_presets(&policy);
	view_of(&locked, &policy, &view);
	for (unsigned reveal = 0; reveal < COUNT(want); reveal++) {
		policy.reveal = reveal;
		judge(&view, &policy, &judgement);
		check("reveal", judgement.decision.reveal, want[reveal]);
	}
}

static void test_no_limit(void **state)
{
	const struct row full = { .row = "full",
				  .full = ALL,
				  .full_slow = ALL };
	struct ls_judgement judgement;
	struct ls_policy policy;
	struct ls_view view;

	(void)state;
	ls_policy_presets(&policy);
	view_of(&full, &policy, &view);
	policy.ip.failures[LS_FAST].units = 0;
	policy.ip.failures[LS_SLOW].units = 0;
	policy.net.failures[LS_FAST].units = 0;
	policy.net.failures[LS_SLOW].units = 0;
	policy.place.failures[LS_FAST].units = 0;
	policy.place.failures[LS_SLOW].units = 0;
	policy.user.failures[LS_FAST].units = 0;
	judge(&view, &policy, &judgement);
	check("the one left", judgement.decision.reason,
	      LS_REASON_FAILURES_SLOW);
	policy.user.failures[LS_SLOW].units = 0;
	judge(&view, &policy, &judgement);
	check("none left", judgement.decision.verdict, LS_ADMIT);
}

static void test_connection(void **state)
{
	static const struct {
		const char *row;
		unsigned flags, locked;
		bool ip_stamp, net_stamp;
		enum ls_verdict wanted;
		enum ls_kind kind;
	} rows[] = {
		{ "free", 0, 0, false, false, LS_ADMIT, LS_KIND_NONE },
		{ "ip", 0, IP, false, false, LS_DENY, LS_KIND_IP },
		{ "net", 0, NET, false, false, LS_DENY, LS_KIND_NET },
		{ "both", 0, IP | NET, false, false, LS_DENY, LS_KIND_IP },
		{ "users do not count", 0, USER | PLACE, false, false, LS_ADMIT,
		  LS_KIND_NONE },
		{ "stamped ip", 0, IP | NET, true, false, LS_ADMIT,
		  LS_KIND_NONE },
		{ "stamped net", 0, IP | NET, false, true, LS_ADMIT,
		  LS_KIND_NONE },
		{ "trusted", TRUSTED, IP | NET, false, false, LS_ADMIT,
		  LS_KIND_NONE },
		{ "denied", DENIED, 0, true, true, LS_DENY, LS_KIND_IP },
		{ "observed", OBSERVE, IP, false, false, LS_DENY, LS_KIND_IP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row as = { .flags = rows[i].flags,
					.locked = rows[i].locked };
		struct ls_decision decision;
		struct ls_meters meters;
		struct ls_policy policy;
		struct ls_view view;

		ls_policy_presets(&policy);
		policy.mode = rows[i].flags & OBSERVE ? LS_MODE_OBSERVE
						      : LS_MODE_ENFORCE;
		view_of(&as, &policy, &view);
		view.word[LS_KIND_IP][LS_WORD_FAMILIAR] =
			rows[i].ip_stamp ? now + 1 : now;
		view.word[LS_KIND_NET][LS_WORD_FAMILIAR] =
			rows[i].net_stamp ? now + 1 : now;
		ls_meters_of(&policy, &meters);
		ls_judge_connection(&view, &policy, &meters, now, &decision);
		check(rows[i].row, decision.wanted, rows[i].wanted);
		check(rows[i].row, decision.verdict,
		      rows[i].flags & OBSERVE ? LS_ADMIT : rows[i].wanted);
		check(rows[i].row, decision.kind, rows[i].kind);
	}
}

/* ---- the marks -------------------------------------------------------- */

/* 20/1h and 100/7d, at half; by somebody whose own network guesses, and by another. */
static void test_suspicious(void **state)
{
	static const struct {
		const char *row;
		unsigned fast, slow, in_flight;
		bool guesses, want;
	} rows[] = {
		{ "none", 0, 0, 0, true, false },
		{ "just below", 9, 49, 0, true, false },
		{ "fast", 10, 0, 0, true, true },
		{ "slow", 0, 50, 0, true, true },
		{ "in flight", 10, 10, 1, true, false },
		{ "beside those in flight", 15, 15, 5, true, true },
		{ "more in flight than in it", 3, 3, 9, true, false },
		{ "fast, from elsewhere", 20, 20, 0, false, false },
		{ "slow, from elsewhere", 20, 74, 0, false, false },
		{ "three quarters of it", 0, 75, 0, false, true },
		{ "but one in flight", 0, 75, 1, false, false },
	};
	struct ls_policy policy;

	(void)state;
	ls_policy_presets(&policy);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint64_t failures[LS_SPEEDS] = {
			now + rows[i].fast * UINT64_C(180000),
			now + rows[i].slow * UINT64_C(6048000),
		};

		check(rows[i].row,
		      ls_judge_is_suspicious(failures, rows[i].in_flight,
					     rows[i].guesses, &policy, now),
		      rows[i].want);
	}
	/* The only limit there is. */
	policy.user.failures[LS_SLOW].units = 0;
	check("fast alone, 14",
	      ls_judge_is_suspicious((const uint64_t[]){ now + 14 * 180000, 0 },
				     0, false, &policy, now),
	      false);
	check("fast alone, 15",
	      ls_judge_is_suspicious((const uint64_t[]){ now + 15 * 180000, 0 },
				     0, false, &policy, now),
	      true);
	policy.user.failures[LS_FAST].units = 0;
	check("no limit",
	      ls_judge_is_suspicious((const uint64_t[]){ now + 1, now + 1 }, 0,
				     true, &policy, now),
	      false);
}

/* Whose network guesses: half of any limit of 10/10m. */
static void test_guesses(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_meter_use meter = { .rate = ls_rate_of(&limit) };
	struct ls_policy policy;

	(void)state;
	ls_policy_presets(&policy);
	check("four", ls_judge_guesses(&meter, now + 4 * 60000, 0, &policy, now),
	      false);
	check("five", ls_judge_guesses(&meter, now + 5 * 60000, 0, &policy, now),
	      true);
	check("one of them in flight",
	      ls_judge_guesses(&meter, now + 5 * 60000, 1, &policy, now), false);
}

static void test_filled(void **state)
{
	const struct ls_limit limit = { 10, 600000 };
	const struct ls_rate rate = ls_rate_of(&limit);

	(void)state;
	check("nine", ls_judge_is_filled(now + 540000, 0, &rate, now), false);
	check("ten", ls_judge_is_filled(now + 600000, 0, &rate, now), true);
	check("one of them in flight",
	      ls_judge_is_filled(now + 600000, 1, &rate, now), false);
	check("drained a little",
	      ls_judge_is_filled(now + 541000, 0, &rate, now), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_familiar),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_reveal),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_suspicious),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
