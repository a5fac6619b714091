/* test_judge_rules.c - verdicts beyond one lock or one full meter: what is in
 * flight, distinct counts, repeats, rules that observe, freezes, other names */
#include "lockstep-config.h"

#include "harness.h"
#include "login/judge.h"

static const uint64_t now = UINT64_C(34560000000); /* 400 days */

static struct ls_policy policy;
static struct ls_meters meters;
static struct ls_view view;

static int setup(void **state)
{
	(void)state;
	ls_policy_presets(&policy);
	policy.require_tls = LS_TLS_NEVER;
	memset(&view, 0, sizeof(view));
	view.secured = true;
	return 0;
}

static struct ls_judgement judge(void)
{
	struct ls_judgement judgement;

	ls_meters_of(&policy, &meters);
	memset(&judgement, 0xee, sizeof(judgement));
	ls_judge(&view, &policy, &meters, now, &judgement);
	return judgement;
}

static void be_familiar(void)
{
	view.word[LS_KIND_PLACE][LS_WORD_FAMILIAR] = now + 1;
}

static void lock(enum ls_kind kind, enum ls_origin origin)
{
	const struct ls_lock_word word = { now + 60000, 1, LS_REASON_FAILURES,
					   origin };

	view.word[kind][LS_WORD_LOCK] = ls_lock_pack(&word);
}

static uint64_t freeze_word(void)
{
	const struct ls_lock_word word = { now + 60000, 1, LS_REASON_SENDING,
					   LS_ORIGIN_RULE };

	return ls_lock_pack(&word);
}

static void check_verdict(const char *row, enum ls_verdict verdict,
			  enum ls_kind kind, enum ls_reason reason)
{
	struct ls_decision got = judge().decision;

	check(row, got.verdict, verdict);
	check(row, got.wanted, verdict);
	check(row, got.kind, kind);
	check(row, got.reason, reason);
}

/* ---- in flight -------------------------------------------------------- */

/* A limit of 10/10m: units in it, and how many of those are in flight. */
static void test_wait_or_deny(void **state)
{
	static const struct {
		const char *row;
		unsigned units, in_flight;
		enum ls_verdict want;
	} rows[] = {
		{ "empty", 0, 0, LS_ADMIT },
		{ "room for one", 9, 0, LS_ADMIT },
		{ "room for one, all in flight", 9, 9, LS_ADMIT },
		{ "full of failures", 10, 0, LS_DENY },
		{ "full, one in flight", 10, 1, LS_WAIT },
		{ "full, all in flight", 10, 10, LS_WAIT },
		{ "more in flight than in it", 10, 12, LS_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_decision got;

		view.word[LS_KIND_IP][LS_WORD_FAILURES] =
			now + (uint64_t)rows[i].units * 60000;
		view.flight[LS_KIND_IP].failures = (uint16_t)rows[i].in_flight;
		got = judge().decision;
		check(rows[i].row, got.verdict, rows[i].want);
		check(rows[i].row, got.kind,
		      rows[i].want == LS_ADMIT ? LS_KIND_NONE : LS_KIND_IP);
		check(rows[i].row, got.retry_ms,
		      rows[i].want == LS_ADMIT ? 0 : now + 60000);
	}
}

/* Nobody waits who will be refused: a denial counts more. */
static void test_deny_before_wait(void **state)
{
	(void)state;
	view.word[LS_KIND_PLACE][LS_WORD_FAILURES] = now + 600000;
	view.flight[LS_KIND_PLACE].failures = 20;
	check_verdict("wait", LS_WAIT, LS_KIND_PLACE, LS_REASON_FAILURES);
	view.word[LS_KIND_USER][LS_WORD_FAILURES_SLOW] =
		now + UINT64_C(7) * 86400000;
	check_verdict("a full meter after it", LS_DENY, LS_KIND_USER,
		      LS_REASON_FAILURES_SLOW);
	view.word[LS_KIND_USER][LS_WORD_FAILURES_SLOW] = 0;
	lock(LS_KIND_NET, LS_ORIGIN_RULE);
	check_verdict("a lock", LS_DENY, LS_KIND_NET, LS_REASON_FAILURES);
	/* A familiar place does not ask for it. */
	be_familiar();
	check_verdict("familiar", LS_WAIT, LS_KIND_PLACE, LS_REASON_FAILURES);
}

/* ---- distinct counts -------------------------------------------------- */

/* A count of 8/10m: accounts in it, attempts in flight beside it. */
static void test_counts(void **state)
{
	static const struct {
		const char *row;
		unsigned accounts, in_flight;
		bool tight, counted;
		enum ls_verdict want;
	} rows[] = {
		{ "none", 0, 0, false, false, LS_ADMIT },
		{ "one left", 7, 0, false, false, LS_ADMIT },
		{ "full", 8, 0, true, false, LS_DENY },
		{ "full, but known", 8, 0, true, true, LS_ADMIT },
		{ "the last is in flight", 7, 1, true, false, LS_WAIT },
		{ "the last is in flight, known", 7, 1, true, true, LS_ADMIT },
		{ "all in flight", 0, 8, true, false, LS_WAIT },
		{ "all but one in flight", 0, 7, false, false, LS_ADMIT },
		{ "full and in flight", 8, 3, true, false, LS_DENY },
	};
	static const struct {
		enum ls_kind kind;
		uint64_t emission_ms;
	} kinds[] = {
		{ LS_KIND_IP, 75000 },
		{ LS_KIND_NET, 30000 },
		{ LS_KIND_GUESS, 8640000 },
	};

	(void)state;
	for (size_t k = 0; k < COUNT(kinds); k++)
		for (size_t i = 0; i < COUNT(rows); i++) {
			const enum ls_kind kind = kinds[k].kind;
			/* Of 8, 20 and 10: as many more as are in it. */
			static const unsigned more[] = { 0, 12, 2 };
			unsigned units = rows[i].accounts;
			struct ls_decision got;
			bool tight = false;

			setup(NULL);
			units += more[k];
			view.word[kind][LS_WORD_ACCOUNTS] =
				now + units * kinds[k].emission_ms;
			view.flight[kind].other =
				(uint16_t)rows[i].in_flight;
			view.counted[kind][LS_FAST] = rows[i].counted;
			got = judge().decision;
			check(rows[i].row, got.verdict, rows[i].want);
			check(rows[i].row, got.reason,
			      rows[i].want == LS_ADMIT ? LS_REASON_NONE
						       : LS_REASON_ACCOUNTS);
			check(rows[i].row, got.kind,
			      rows[i].want == LS_ADMIT ? LS_KIND_NONE : kind);
			for (unsigned m = 0; m < meters.accounts_count; m++)
				if (meters.accounts[m].kind == kind)
					tight |= ls_judge_is_tight(
						&view, &meters.accounts[m],
						now);
			check(rows[i].row, tight, rows[i].tight);
		}
}

/* Of an account that the slow count has had, it does not ask what the fast one knows,
 * nor the other way round. */
static void test_each_speed_counts_for_itself(void **state)
{
	(void)state;
	for (unsigned full = 0; full < LS_SPEEDS; full++) {
		setup(NULL);
		policy.ip.accounts[LS_SLOW] = policy.ip.accounts[LS_FAST];
		view.word[LS_KIND_IP][LS_WORD_ACCOUNTS + full] = now + 600000;
		view.counted[LS_KIND_IP][1 - full] = true;
		check_verdict("known to the other", LS_DENY, LS_KIND_IP,
			      full == LS_FAST ? LS_REASON_ACCOUNTS
					      : LS_REASON_ACCOUNTS_SLOW);
		view.counted[LS_KIND_IP][full] = true;
		check_verdict("known to both", LS_ADMIT, LS_KIND_NONE,
			      LS_REASON_NONE);
	}
}

static void test_whom_counts_concern(void **state)
{
	(void)state;
	view.word[LS_KIND_IP][LS_WORD_ACCOUNTS] = now + 600000;
	view.word[LS_KIND_GUESS][LS_WORD_ACCOUNTS] = now + 86400000;
	check_verdict("stranger", LS_DENY, LS_KIND_IP, LS_REASON_ACCOUNTS);
	view.trusted = true;
	check_verdict("trusted", LS_DENY, LS_KIND_GUESS, LS_REASON_ACCOUNTS);
	view.repeat = true;
	check_verdict("repeat", LS_ADMIT, LS_KIND_NONE, LS_REASON_NONE);
	view.repeat = false;
	be_familiar();
	check_verdict("familiar", LS_ADMIT, LS_KIND_NONE, LS_REASON_NONE);
	check("enters none", judge().strange, false);
}

/* ---- repeats ---------------------------------------------------------- */

static void test_repeats(void **state)
{
	struct ls_judgement got;

	(void)state;
	view.repeat = true;
	view.word[LS_KIND_IP][LS_WORD_FAILURES] = now + 600000;
	view.word[LS_KIND_USER][LS_WORD_FAILURES] = now + 3600000;
	got = judge();
	check("no failure meter", got.decision.verdict, LS_ADMIT);
	check("repeat", got.repeat, true);
	check("takes none", got.take, 0);
	check("fills none", got.due, 0);
	view.word[LS_KIND_PLACE][LS_WORD_REPEATS] = now + 3600000;
	check_verdict("too many", LS_DENY, LS_KIND_PLACE, LS_REASON_REPEATS);
	policy.place.repeats.units = 0;
	check_verdict("no limit", LS_ADMIT, LS_KIND_NONE, LS_REASON_NONE);
	lock(LS_KIND_USER, LS_ORIGIN_RULE);
	check_verdict("a lock holds", LS_DENY, LS_KIND_USER,
		      LS_REASON_FAILURES);
}

/* ---- rules that observe ----------------------------------------------- */

static uint64_t *mode_of(enum ls_kind kind)
{
	switch (kind) {
	case LS_KIND_IP:
		return &policy.ip.mode;
	case LS_KIND_NET:
		return &policy.net.mode;
	case LS_KIND_USER:
		return &policy.user.mode;
	case LS_KIND_PLACE:
		return &policy.place.mode;
	default:
		return &policy.guess.mode;
	}
}

/* Each rule by itself: locked, its own verdict is told and not done. */
static void test_observe_each(void **state)
{
	(void)state;
	for (enum ls_kind kind = LS_KIND_IP; kind <= LS_KIND_GUESS; kind++) {
		const char *row = ls_kind_name(kind);
		struct ls_judgement got;

		setup(NULL);
		lock(kind, LS_ORIGIN_RULE);
		check_verdict(row, LS_DENY, kind, LS_REASON_FAILURES);
		*mode_of(kind) = LS_RULE_OBSERVE;
		got = judge();
		check(row, got.decision.verdict, LS_ADMIT);
		check(row, got.decision.wanted, LS_DENY);
		check(row, got.decision.kind, kind);
		check(row, got.decision.reveal, false);
		/* As if it had been refused, for this rule alone. */
		if (kind != LS_KIND_GUESS) {
			check(row, got.take & LS_DUE(kind, LS_WORD_FAILURES),
			      0);
			check(row, got.due & LS_DUE(kind, LS_WORD_FAILURES), 0);
		}
		if (kind != LS_KIND_IP)
			check(row,
			      got.take & LS_DUE(LS_KIND_IP, LS_WORD_FAILURES),
			      LS_DUE(LS_KIND_IP, LS_WORD_FAILURES));
		/* An administrator's own lock is no rule's. */
		lock(kind, LS_ORIGIN_ADMIN);
		check_verdict(row, LS_DENY, kind, LS_REASON_FAILURES);
		policy.mode = LS_MODE_OBSERVE;
		check(row, judge().decision.verdict, LS_ADMIT);
		check(row, judge().decision.wanted, LS_DENY);
	}
}

/* One that observes stands before one that is enforced: that one decides. */
static void test_observe_beside(void **state)
{
	struct ls_judgement got;

	(void)state;
	policy.ip.mode = LS_RULE_OBSERVE;
	lock(LS_KIND_IP, LS_ORIGIN_RULE);
	lock(LS_KIND_USER, LS_ORIGIN_RULE);
	check_verdict("enforced", LS_DENY, LS_KIND_USER, LS_REASON_FAILURES);
	view.word[LS_KIND_USER][LS_WORD_LOCK] = 0;
	view.word[LS_KIND_USER][LS_WORD_FAILURES] = now + 3600000;
	view.flight[LS_KIND_USER].failures = 1;
	got = judge();
	check("an enforced wait", got.decision.verdict, LS_WAIT);
	check("an enforced wait", got.decision.kind, LS_KIND_USER);
	/* A wait that only a rule that observes wants is none. */
	setup(NULL);
	policy.ip.mode = LS_RULE_OBSERVE;
	view.word[LS_KIND_IP][LS_WORD_FAILURES] = now + 600000;
	view.flight[LS_KIND_IP].failures = 1;
	got = judge();
	check("an observed wait", got.decision.verdict, LS_ADMIT);
	check("an observed wait", got.decision.wanted, LS_WAIT);
}

/* ---- freezes, other names --------------------------------------------- */

static void test_freezes(void **state)
{
	const struct {
		const char *row;
		uint64_t *word;
	} rows[] = {
		{ "the account's", &view.word[LS_KIND_USER][LS_WORD_FREEZE] },
		{ "the alias's", &view.alias_freeze },
		{ "the target's", &view.target_freeze },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(NULL);
		*rows[i].word = freeze_word();
		check_verdict(rows[i].row, LS_DENY, LS_KIND_USER,
			      LS_REASON_SENDING);
		view.trusted = true;
		check_verdict("trusted", LS_DENY, LS_KIND_USER,
			      LS_REASON_SENDING);
		check("nobody is told", judge().decision.reveal, false);
		be_familiar();
		check_verdict("familiar", LS_DENY, LS_KIND_USER,
			      LS_REASON_SENDING);
		check("the owner is told", judge().decision.reveal, true);
		check("until", judge().decision.retry_ms, now + 60000);
		policy.mode = LS_MODE_OBSERVE;
		check("observed", judge().decision.verdict, LS_ADMIT);
		check("observed", judge().decision.wanted, LS_DENY);
		policy.mode = LS_MODE_ENFORCE;
		/* No rule's mode is a freeze's. */
		policy.user.mode = LS_RULE_OBSERVE;
		check("enforced", judge().decision.verdict, LS_DENY);
	}
}

static void test_alias_lock(void **state)
{
	const struct ls_lock_word word = { now + 60000, 1, LS_REASON_ADMIN,
					   LS_ORIGIN_ADMIN };

	(void)state;
	view.alias_lock = ls_lock_pack(&word);
	check_verdict("stranger", LS_DENY, LS_KIND_USER, LS_REASON_ADMIN);
	be_familiar();
	check_verdict("familiar", LS_ADMIT, LS_KIND_NONE, LS_REASON_NONE);
}

/* Who is told why, by what the policy says. */
static void test_reveal(void **state)
{
	static const struct {
		uint64_t reveal;
		bool frozen, familiar, want;
	} rows[] = {
		{ LS_REVEAL_NEVER, true, true, false },
		{ LS_REVEAL_NEVER, false, true, false },
		{ LS_REVEAL_FREEZE, true, true, true },
		{ LS_REVEAL_FREEZE, true, false, false },
		{ LS_REVEAL_FREEZE, false, true, false },
		{ LS_REVEAL_ALWAYS, true, false, true },
		{ LS_REVEAL_ALWAYS, false, false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char row[32];

		snprintf(row, sizeof(row), "row %zu", i);
		setup(NULL);
		policy.reveal = rows[i].reveal;
		if (rows[i].frozen)
			view.word[LS_KIND_USER][LS_WORD_FREEZE] = freeze_word();
		lock(LS_KIND_PLACE, LS_ORIGIN_RULE);
		if (rows[i].familiar)
			be_familiar();
		check(row, judge().decision.verdict, LS_DENY);
		check(row, judge().decision.reveal, rows[i].want);
	}
	/* A denied network comes before a freeze, and tells nothing of it. */
	setup(NULL);
	view.denied = true;
	view.word[LS_KIND_USER][LS_WORD_FREEZE] = freeze_word();
	be_familiar();
	check("denied", judge().decision.reason, LS_REASON_DENIED);
	check("denied", judge().decision.reveal, false);
	/* What is admitted has nothing to reveal. */
	setup(NULL);
	policy.reveal = LS_REVEAL_ALWAYS;
	check("admitted", judge().decision.reveal, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_wait_or_deny),   TEST(test_deny_before_wait),
		TEST(test_counts),         TEST(test_whom_counts_concern),
		TEST(test_each_speed_counts_for_itself),
		TEST(test_repeats),        TEST(test_observe_each),
		TEST(test_observe_beside), TEST(test_freezes),
		TEST(test_alias_lock),     TEST(test_reveal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
