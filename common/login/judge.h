/* judge.h - the decision itself: a pure function of (view, policy, now)
 *
 * admit.c reads the slots into a view, asks for the verdict, and takes the
 * charges that it names; explaining and simulating ask the same function. */
#ifndef LS_JUDGE_H
#define LS_JUDGE_H

#include "map/slot.h"
#include "state/inflight.h"
#include "state/meters.h"

/* The kinds that an attempt's subjects are of: up to GUESS. */
enum { LS_JUDGED_KINDS = LS_KIND_GUESS + 1 };

/* What the state says about an attempt's subjects. */
struct ls_view {
	bool trusted, denied; /* what the policy says of the address */
	bool secured;
	bool nowhere; /* no address, and so no place; and trusted */
	bool repeat; /* a wrong password of this place, and known to be */
	bool full;   /* live sessions have all seats of the account */
	bool near;   /* a familiar place, but an address that is not on record */
	bool clean;  /* then: no other account fails at that address */
	bool estranged; /* near, and for that reason no familiar one now */
	bool spray;  /* this password failed from there at another account, */
	bool spray_flying; /* or is being verified for one */
	unsigned rush; /* familiar places with some in flight at its address */
	uint64_t word[LS_JUDGED_KINDS][LS_VIEW_WORDS]; /* 0: has no slot */
	/* Attempts that this process has admitted and not settled. */
	struct ls_flight flight[LS_JUDGED_KINDS];
	/* The account is in the subject's distinct count already. Looked up only
	 * where it matters: for a count that is full with what is in flight. */
	bool counted[LS_JUDGED_KINDS][LS_SPEEDS];
	/* Lock words of other accounts that the attempt is for: the alias that
	 * was typed, a master user's target. 0: none. */
	uint64_t alias_lock, alias_freeze, target_freeze;
};

/* Of a place's limit holds one part of so many, where accounts beside it are guessed
 * at. */
enum { LS_PLACE_PART = 4 };

/* The bit of a failure meter in ls_judgement.due. */
#define LS_DUE(kind, word) (1U << ((kind)*2U + ((word) - LS_WORD_FAILURES)))
_Static_assert(LS_KIND_PLACE * 2 + 1 < 16, "ls_ticket.due");

struct ls_judgement {
	struct ls_decision decision; /* ADMIT: if every charge is taken */
	bool familiar;
	bool repeat;    /* charged on that meter alone */
	bool strange;   /* counts among those in flight that may enter the distinct
			 * counts: from an address that is not on record */
	unsigned take;  /* LS_DUE() of the failure meters to charge now */
	unsigned due;   /* and of those that a failure fills */
	unsigned logins; /* bit 1 << kind of the login meters to charge now */
};

/* now: the map's clock; the decision's retry_ms is a moment of it. */
void ls_judge(const struct ls_view *view, const struct ls_policy *policy,
	      const struct ls_meters *meters, uint64_t now,
	      struct ls_judgement *judgement_r);

/* Has a meter of a local part no room for one more that fails, and for those in flight?
 * Then the decision says so.
 *   level   of each of meters->local, in ms */
bool ls_judge_local(const uint64_t level[LS_SPEEDS], uint64_t flying,
		    const struct ls_meters *meters, uint64_t now,
		    struct ls_decision *decision);

/* Has a distinct count no room for what is in flight and one more? Then it
 * matters whether this account is in it. */
bool ls_judge_is_tight(const struct ls_view *view,
		       const struct ls_meter_use *accounts, uint64_t now);

/* A connection whose user is not known yet: refused for a denied network, and
 * for a lock on its address or net, unless a familiar place may be behind it:
 * then AUTH decides. Places are accounts seen from a net, so the net's stamp
 * spares all of its addresses. */
void ls_judge_connection(const struct ls_view *view,
			 const struct ls_policy *policy,
			 const struct ls_meters *meters, uint64_t now,
			 struct ls_decision *decision_r);

/* Is a full meter, without what is in flight in it, still full? */
bool ls_judge_is_filled(uint64_t empty_at, unsigned in_flight,
			const struct ls_rate *rate, uint64_t now);

/* Is a success from a strange place in doubt: have strangers guessed at the account too
 * often, but for what is in flight? Where the login comes from a network that guesses
 * itself, `suspicious-at` percent of either limit are too often. Elsewhere that would
 * be for everybody to bring about who wants the owner's new places to be doubted: so
 * there it takes half of the rest of the slow limit besides, which a botnet has taken
 * that guesses from a new address each time.
 *   guesses   ls_judge_guesses() says so of any meter of the login's place, address or
 *             network */
bool ls_judge_is_suspicious(const uint64_t failures[LS_SPEEDS],
			    unsigned in_flight, bool guesses,
			    const struct ls_policy *policy, uint64_t now);

/* Is a meter of failures or of distinct accounts filled, but for what is in flight, to
 * `suspicious-at` percent? */
bool ls_judge_guesses(const struct ls_meter_use *meter, uint64_t empty_at,
		      unsigned in_flight, const struct ls_policy *policy,
		      uint64_t now);

/* The lengths of locks on a kind. */
struct ls_range ls_lock_range(enum ls_kind kind,
			      const struct ls_policy *policy);

#endif
