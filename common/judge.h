/* judge.h - the decision itself: a pure function of (view, policy, now)
 *
 * admit.c reads the slots into a view, asks for the verdict, and takes the
 * charges that it names; explaining and simulating ask the same function. */
#ifndef LS_JUDGE_H
#define LS_JUDGE_H

#include "slot.h"

/* What the state says about an attempt's subjects. */
struct ls_view {
	bool trusted, denied; /* what the policy says of the address */
	bool secured;
	uint64_t word[LS_KIND_COUNT][LS_VIEW_WORDS]; /* 0: has no slot */
};

/* A meter that an attempt is charged on. */
struct ls_meter_use {
	enum ls_kind kind;
	unsigned word;
	struct ls_rate rate;
	enum ls_reason reason; /* of the lock, or refusal, when it is full */
};
enum { LS_METERS_MAX = 8 };

/* All that a policy has, from the nearest subject to the widest. Made once for
 * a policy: rates are quotients, and dividing is slow. */
struct ls_meters {
	unsigned count;
	struct ls_meter_use use[LS_METERS_MAX];
};
void ls_meters_of(const struct ls_policy *policy, struct ls_meters *meters_r);

struct ls_judgement {
	struct ls_decision decision; /* ADMIT: if every charge is taken */
	bool familiar;
	unsigned kinds; /* bit 1 << kind: on whose meters it is charged */
};

static inline bool ls_is_charged(const struct ls_judgement *judgement,
				 enum ls_kind kind)
{
	return judgement->kinds >> kind & 1;
}

/* now: the map's clock; the decision's retry_ms is a moment of it. */
void ls_judge(const struct ls_view *view, const struct ls_policy *policy,
	      const struct ls_meters *meters, uint64_t now,
	      struct ls_judgement *judgement_r);

/* A connection whose user is not known yet: refused for a denied network, and
 * for a lock on its address or net, unless a familiar place may be behind it:
 * then AUTH decides. Places are accounts seen from a net, so the net's stamp
 * spares all of its addresses. */
void ls_judge_connection(const struct ls_view *view,
			 const struct ls_policy *policy, uint64_t now,
			 struct ls_decision *decision_r);

/* The lengths of locks on a kind. */
struct ls_range ls_lock_range(enum ls_kind kind,
			      const struct ls_policy *policy);

#endif
