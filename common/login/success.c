/* success.c - see success.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/alias.h"
#include "login/pair.h"
#include "login/success.h"
#include "map/where.h"
#include "state/marks.h"

#include <string.h>

enum {
	RESETS_PER_DAY = 2,
	DAY_MS = 24 * 3600 * 1000,
	STAMP_AGE_MS = 3600 * 1000, /* a stamp this fresh is not renewed */
};

/* ---- in doubt --------------------------------------------------------- */

/* Does it come from where guesses come from, at this account or at others? */
static bool is_of_guessers(const struct ls_visit *visit,
			   const struct ls_meter_use *meters, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct ls_meter_use *meter = &meters[i];
		unsigned in_flight = 0;

		if (meter->kind == LS_KIND_USER ||
		    meter->kind == LS_KIND_GUESS || !visit->known[meter->kind] ||
		    (meter->kind != LS_KIND_PLACE && ls_visit_is_trusted(visit)))
			continue;
		if (meter->word <= LS_WORD_FAILURES_SLOW)
			in_flight = ls_inflight_get(visit->state->inflight,
						    visit->key[meter->kind])
					    .failures;
		if (ls_judge_guesses(meter,
				     ls_slot_get(&visit->ref[meter->kind],
						 meter->word),
				     in_flight, visit->policy, visit->now))
			return true;
	}
	return false;
}

static bool is_guessed_at(struct ls_visit *visit)
{
	const struct ls_meters *meters = visit->meters;
	const struct ls_ref *user = &visit->ref[LS_KIND_USER];
	uint64_t failures[LS_SPEEDS];

	if (!visit->known[LS_KIND_USER])
		return false;
	failures[LS_FAST] = ls_slot_get(user, LS_WORD_FAILURES);
	failures[LS_SLOW] = ls_slot_get(user, LS_WORD_FAILURES_SLOW);
	return ls_judge_is_suspicious(failures,
				      ls_inflight_get(visit->state->inflight,
						      visit->key[LS_KIND_USER])
					      .failures,
				      is_of_guessers(visit, meters->failures,
						     meters->failures_count) ||
					      is_of_guessers(
						      visit, meters->accounts,
						      meters->accounts_count),
				      visit->policy, visit->now);
}

/* Has the account logged in from one new network more than it may? */
static bool is_everywhere(struct ls_visit *visit)
{
	const struct ls_meter_use places = {
		.kind = LS_KIND_USER,
		.word = LS_WORD_PLACES,
		.rate = visit->meters->places,
	};

	return places.rate.emission_ms > 0 &&
	       ls_pair_count(visit->state, visit->key[LS_KIND_USER],
			     visit->key[LS_KIND_PLACE], LS_FAST,
			     visit->now + places.rate.capacity_ms,
			     visit->now, NULL) &&
	       !ls_visit_charge(visit, &places, false, NULL);
}

/* The first doubt is told always: its bucket is empty. */
static void journal_doubt(const struct ls_visit *visit,
			  const struct ls_ticket *ticket,
			  enum ls_reason reason, uint64_t until)
{
	struct ls_record record = {
		.at_ms = visit->now,
		.until_ms = until,
		.event = LS_EVENT_SUSPICIOUS,
		.outcome = LS_OUTCOME_SUCCESS,
		.reason = reason,
	};

	if (!ls_told_doubt(visit))
		return;
	ls_visit_subject(visit, LS_KIND_USER, &record.subject);
	record.subject.net.addr = ticket->ip;
	record.subject.net.bits = 128;
	ls_copy(record.service, sizeof(record.service), ticket->service);
	ls_copy(record.mech, sizeof(record.mech), ticket->mech);
	ls_ring_append(&visit->state->guard.journal, &record);
}

/* Put the account on probation, since the first of its doubtful successes. */
static void doubt(struct ls_visit *visit, const struct ls_ticket *ticket,
		  enum ls_reason reason)
{
	uint64_t until = visit->now + visit->policy->user.probation_ms;

	ls_state_doubt(visit->state, visit->key[LS_KIND_USER], visit->now,
		       until, visit->now);
	journal_doubt(visit, ticket, reason, until);
}

static bool is_on_probation(const struct ls_visit *visit)
{
	return visit->known[LS_KIND_USER] &&
	       ls_slot_get(&visit->ref[LS_KIND_USER], LS_WORD_PROBATION) >
		       visit->now;
}

/* May the place of this success become familiar? Tells of a doubtful one. */
static bool is_trustworthy(struct ls_visit *visit,
			   const struct ls_ticket *ticket, bool guessed_at)
{
	bool probation = is_on_probation(visit);

	if (guessed_at)
		doubt(visit, ticket, LS_REASON_FAILURES);
	else if (!ticket->estranged && is_everywhere(visit))
		doubt(visit, ticket, LS_REASON_PLACES);
	else
		return !probation;
	return false;
}

/* ---- familiar --------------------------------------------------------- */

/* Note of a place where it is, and since when it was seen. */
static void describe_success(struct ls_visit *visit)
{
	const struct ls_ref *place = ls_visit_reach(visit, LS_KIND_PLACE);
	struct ls_subject subject;

	if (place == NULL)
		return;
	if (ls_slot_get(place, LS_WORD_FIRST_SEEN) == 0)
		ls_slot_set(place, LS_WORD_FIRST_SEEN, visit->now);
	if (ls_slot_get(place, LS_WORD_WHERE_TOO) == 0) {
		ls_visit_subject(visit, LS_KIND_PLACE, &subject);
		ls_where_set(place, visit->key[LS_KIND_USER], &subject.net);
	}
}

/* So that a list of places can say whose they are. The name is not the place's
 * own: a person has many. */
static void label_account(const struct ls_visit *visit, uint64_t until)
{
	struct ls_subject account;

	ls_visit_subject(visit, LS_KIND_USER, &account);
	ls_label_put(&visit->state->guard.labels, visit->key[LS_KIND_USER],
		     &account, LS_LABEL_NAME, until, visit->now);
}

/* The place, and with it its address and its network. A stamp that is fresh is left
 * alone: so were those two. */
static void stamp(struct ls_visit *visit)
{
	static const enum ls_kind kinds[] = { LS_KIND_PLACE, LS_KIND_IP,
					      LS_KIND_NET };
	uint64_t until = visit->now + visit->policy->familiar_ms;

	if (visit->known[LS_KIND_PLACE] &&
	    ls_slot_get(&visit->ref[LS_KIND_PLACE], LS_WORD_FAMILIAR) +
			    STAMP_AGE_MS >
		    until)
		return;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		ls_state_familiar(visit->state, kinds[i], visit->key[kinds[i]],
				  until, visit->now);
	label_account(visit, until);
}

/* The address is one of the place's own from now on. */
static void settle_in(struct ls_visit *visit)
{
	const struct ls_ref *place = ls_visit_reach(visit, LS_KIND_PLACE);

	if (place != NULL)
		ls_home_add(place, visit->state->guard.hash_key,
			    visit->key[LS_KIND_USER], visit->ip);
}

/* The fast meter of the place is emptied, so that somebody who mistyped starts
 * afresh; but not so often that the owner's phone would wipe away what a guesser
 * in the same net does: that is metered too, two at once, then one in twelve
 * hours. */
static void forgive(struct ls_visit *visit)
{
	static const struct ls_limit resets = { RESETS_PER_DAY, DAY_MS };
	const struct ls_rate rate = ls_rate_of(&resets);
	const struct ls_ref *place = ls_visit_reach(visit, LS_KIND_PLACE);
	uint64_t ignored;

	if (place != NULL &&
	    ls_slot_get(place, LS_WORD_FAILURES) > visit->now &&
	    ls_slot_charge(place, LS_WORD_RESETS, visit->now, &rate, false,
			   &ignored) == LS_TAKEN)
		ls_slot_set(place, LS_WORD_FAILURES, 0);
}

/* ---- the account's name ----------------------------------------------- */

/* Go on with the account of the final name. */
static void follow_name(struct ls_visit *visit, const struct ls_ticket *ticket)
{
	const char *final =
		ticket->final[0] != '\0' ? ticket->final : ticket->user;
	uint64_t until = visit->now + visit->policy->familiar_ms;

	if (strcmp(final, ticket->user) != 0) {
		ls_visit_rename(visit, final);
		ls_alias_learn(visit->state, visit->typed_key, final, until,
			       visit->now);
	} else if (visit->aliased) {
		ls_alias_forget(visit->state, visit->typed_key);
		ls_visit_rename(visit, final);
	}
}

/* Lately, at this place. */
static bool has_failed(const struct ls_visit *visit)
{
	const struct ls_ref *place = &visit->ref[LS_KIND_PLACE];

	return visit->known[LS_KIND_PLACE] &&
	       (ls_slot_get(place, LS_WORD_FAILURES) > visit->now ||
		ls_slot_get(place, LS_WORD_FAILURES_SLOW) > visit->now);
}

void ls_succeed(struct ls_visit *visit, struct ls_ticket *ticket)
{
	bool familiar = ticket->familiar;
	bool guessed_at = !familiar && is_guessed_at(visit);

	ls_visit_note_right(visit, ticket->print);
	follow_name(visit, ticket);
	/* Without a place nothing becomes familiar. Nor is it in doubt: else an
	 * account under siege would go on probation by its owner's calendar. */
	if (visit->ip == NULL) {
		if (!is_on_probation(visit))
			label_account(visit,
				      visit->now + visit->policy->familiar_ms);
		return;
	}
	if (visit->known[LS_KIND_PLACE] && !ticket->estranged &&
	    ls_slot_get(&visit->ref[LS_KIND_PLACE], LS_WORD_FAMILIAR) >
		    visit->now)
		familiar = true;
	/* Under either name. */
	guessed_at = guessed_at || (!familiar && visit->aliased &&
				    is_guessed_at(visit));
	if (familiar || is_trustworthy(visit, ticket, guessed_at)) {
		stamp(visit);
		if (has_failed(visit)) {
			ls_visit_pardon(visit);
			forgive(visit);
		}
		if (!ticket->at_home || visit->aliased)
			settle_in(visit);
	}
	describe_success(visit);
}
