/* shared.h - an address that most people log in from */
#ifndef LS_SHARED_H
#define LS_SHARED_H

#include "map/table.h"

struct ls_shared {
	struct ls_prefix at;
	uint64_t places; /* familiar, and at it; 0: there is no such address */
	uint64_t recent; /* familiar by a success of the last seven days */
	uint64_t lead;
};

/* One of all slots of a table: all zero at first. */
void ls_shared_vote(struct ls_shared *shared, const struct ls_ref *ref,
		    enum ls_kind kind, uint64_t familiar_ms, uint64_t now);
/* After all of them: who was voted for, if that is more than half, and more than a
 * few. Looks at every slot again, if it may be. */
void ls_shared_count(struct ls_shared *shared, const struct ls_table *table,
		     uint64_t familiar_ms, uint64_t now);

#endif
