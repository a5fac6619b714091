/* visit.h - one attempt at a door, with everything that is looked up for it
 *
 * Between judge.c, which decides, and the table, which remembers: finds the
 * slots of the attempt's subjects, takes and gives back charges, journals. */
#ifndef LS_VISIT_H
#define LS_VISIT_H

#include "state.h"

struct ls_visit {
	struct ls_state *state;
	const struct ls_policy *policy;
	const struct ls_meters *meters;
	struct ls_policy own; /* both, when something overrides the policy */
	struct ls_meters own_meters;
	const char *user;     /* NULL: not known yet */
	const struct ls_addr *ip;
	uint64_t key[LS_KIND_PLACE + 1];
	struct ls_ref ref[LS_KIND_PLACE + 1];
	bool known[LS_KIND_PLACE + 1]; /* ref is good */
	uint64_t now;
};

/* Begin: the policy that holds for this account at this address, the keys of
 * its subjects, and their slots where they have any.
 *   user   NULL: not known yet; it and ip live as long as the visit
 *   now    the map's clock, as everywhere here */
void ls_visit_init(struct ls_visit *visit, struct ls_state *state,
		   const char *user, const struct ls_addr *ip, uint64_t now);
/* Begin again with the subjects of a ticket, which the visit points into. */
void ls_visit_resume(struct ls_visit *visit, struct ls_state *state,
		     const struct ls_ticket *ticket, uint64_t now);
/* Put keys and places into the ticket, for ls_visit_resume(). */
void ls_visit_keep(const struct ls_visit *visit, struct ls_ticket *ticket);

/* What is known before the judgement. */
void ls_visit_view(const struct ls_visit *visit, bool secured,
		   struct ls_view *view_r);

/* The subject of a kind, in readable form. */
void ls_visit_subject(const struct ls_visit *visit, enum ls_kind kind,
		      struct ls_subject *subject_r);

/* The slot of a subject, claimed if need be. Returns NULL when there is no
 * room for it: then the attempt goes on without that meter, and the table has
 * counted it. */
const struct ls_ref *ls_visit_reach(struct ls_visit *visit, enum ls_kind kind);

/* Charge one meter, room or not if `force`, and note it in the ticket. Returns
 * false when there was no room. */
bool ls_visit_charge(struct ls_visit *visit, const struct ls_meter_use *meter,
		     bool force, struct ls_ticket *ticket);
/* Give back all that the ticket notes. */
void ls_visit_refund(const struct ls_visit *visit, struct ls_ticket *ticket);

void ls_visit_journal(const struct ls_visit *visit, enum ls_event event,
		      const struct ls_attempt *attempt,
		      const struct ls_decision *decision,
		      enum ls_outcome outcome);

#endif
