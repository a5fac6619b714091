/* attempt-record.c - the record of an attempt in the journal; see visit.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/visit.h"

/* That a password is wrong costs a charge, and a success needs the right one: no flood
 * is made of them. */
static const struct ls_told_rate refused = { 50, 10, true };
static const struct ls_told_rate without_verdict = { 200, 10, true };
static const struct ls_told_rate wrong = { 2000, 1, false };
static const struct ls_told_rate successes = { 100, 1, false };
static const struct ls_told_rate doubts = { 20, 10, false };
_Static_assert(2000 * 1 <= LS_TOLD_MINUTES_MAX, "a level is a distance");

/* What of an account, a password or an address is counted apart. */
enum { OF_REFUSALS = 1, OF_SUCCESSES, OF_DOUBTS, OF_FREE, OF_WRONG };

static bool told_of(const struct ls_visit *visit, enum ls_kind kind,
		    unsigned what, const struct ls_told_rate *rate,
		    uint32_t more, uint32_t *untold_r)
{
	*untold_r = more;
	return !ls_visit_has(visit, kind) ||
	       ls_told_of(visit->state->told, visit->key[kind] + what,
			  visit->now, rate, more, untold_r);
}

/* Without a slot it is not told: the table is full of what is worth more. */
static bool told_of_net(struct ls_visit *visit, enum ls_kind kind,
			uint32_t *untold_r)
{
	const struct ls_ref *ref = ls_visit_reach(visit, kind);

	*untold_r = 0;
	return ref != NULL && ls_told_at(ref, LS_WORD_TOLD, visit->now,
					 &refused, 0, untold_r);
}

static bool told_of_refused(struct ls_visit *visit, enum ls_kind kind,
			    uint32_t *untold_r)
{
	uint32_t more;

	if (kind == LS_KIND_IP || kind == LS_KIND_NET)
		return told_of_net(visit, kind, untold_r);
	if (kind != LS_KIND_GUESS)
		kind = LS_KIND_USER;
	/* The client may name another account each time. */
	return told_of(visit, kind, OF_REFUSALS, &refused, 0, &more) &&
	       told_of(visit, LS_KIND_IP, OF_FREE, &without_verdict, more,
		       untold_r);
}

static bool is_to_be_told(struct ls_visit *visit,
			  const struct ls_decision *decision,
			  enum ls_outcome outcome, uint32_t *untold_r)
{
	if (outcome == LS_OUTCOME_NONE ||
	    decision->reason == LS_REASON_REPEATS)
		return told_of_refused(visit, decision->kind, untold_r);
	if (outcome == LS_OUTCOME_SUCCESS)
		return told_of(visit, LS_KIND_USER, OF_SUCCESSES, &successes, 0,
			       untold_r);
	if (ls_outcome_is_wrong(outcome))
		return told_of(visit, LS_KIND_IP, OF_WRONG, &wrong, 0,
			       untold_r);
	return told_of(visit, LS_KIND_IP, OF_FREE, &without_verdict, 0,
		       untold_r);
}

/* Is this end of an attempt, or refusal, to be told? Counts it in the guard's header
 * where it is not. */
static bool count_attempt(struct ls_visit *visit,
			  const struct ls_decision *decision,
			  enum ls_outcome outcome, uint32_t *untold_r)
{
	bool is_told = is_to_be_told(visit, decision, outcome, untold_r);

	if (!is_told)
		atomic_fetch_add_explicit(&visit->state->guard.header->untold,
					  1, memory_order_relaxed);
	return is_told;
}

bool ls_told_doubt(const struct ls_visit *visit)
{
	uint32_t ignored;

	return told_of(visit, LS_KIND_USER, OF_DOUBTS, &doubts, 0, &ignored);
}

void ls_visit_journal(struct ls_visit *visit, enum ls_event event,
		      const struct ls_attempt *attempt,
		      const struct ls_decision *decision,
		      enum ls_outcome outcome, const char *failed)
{
	struct ls_record record;

	if (!count_attempt(visit, decision, outcome, &record.untold))
		return;
	record.at_ms = visit->now;
	record.until_ms = 0;
	record.event = event;
	record.outcome = outcome;
	record.verdict = decision->verdict;
	record.wanted = decision->wanted;
	record.reason = decision->reason;
	record.origin = LS_ORIGIN_RULE;
	record.strikes = 0;
	record.marks = visit->marks;
	record.subject.kind = decision->kind;
	record.subject.net.addr = attempt->ip;
	record.subject.net.bits = visit->ip != NULL ? 128 : 0;
	ls_user_copy(record.subject.user, attempt->user);
	ls_copy(record.service, sizeof(record.service), attempt->service);
	ls_copy(record.mech, sizeof(record.mech), attempt->mech);
	record.detail[0] = record.more[0] = '\0';
	if (failed[0] != '\0')
		ls_copy(record.more, sizeof(record.more), failed);
	ls_ring_append(&visit->state->guard.journal, &record);
}
