/* evidence.h - why an account was frozen for what it sent, as far as is known
 *
 *   "evidence": { "messages": 601, "recipients": 1441, "queue_id": "4Xyz...",
 *     "refused": 50, "domains": [...],
 *     "addresses": [{ "address", "service", "since", "last" }, ...],
 *     "networks": [{ "network", "since" }, ...] }
 *
 * Read from the freeze itself, from what the journal still has of the account, and
 * from its familiar places. */
#ifndef LOCKSTEPD_EVIDENCE_H
#define LOCKSTEPD_EVIDENCE_H

#include "shared/event.h"

enum { EVIDENCE_MAX = 16 }; /* of each list */

/* A new object, or NULL when the record is no such freeze. Reads the whole
 * journal. */
json_t *evidence_of(struct ls_state *state, const struct ls_record *record,
		    const struct event_clock *clock);

#endif
