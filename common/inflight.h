/* inflight.h - what this process has admitted and not settled yet
 *
 * A meter counts what is in flight as it counts what has failed. Only the
 * process that admitted knows which is which: so it remembers, for each subject,
 * how many attempts are being verified. A meter that would have room without
 * them makes the next attempt wait; one that would not refuses it.
 *
 * Private memory of a fixed size, taken once: an open-addressing hash table with
 * linear probing. An attempt that finds no place in it is not remembered: others
 * are then refused where they might have waited, and the distinct counts, which
 * are charged only when an attempt has failed, may run over by so many. */
#ifndef LS_INFLIGHT_H
#define LS_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_INFLIGHT_SUBJECTS = 1 << 15 }; /* at most; 512 KiB */

/* Of one subject. */
struct ls_flight {
	uint16_t failures; /* attempts that hold a unit of its failure meters */
	uint16_t accounts; /* distinct accounts of attempts that may become a
			    * unit of its distinct count */
};

struct ls_inflight;

/* Returns NULL when out of memory. */
struct ls_inflight *ls_inflight_new(void);
void ls_inflight_free(struct ls_inflight **inflight);

/* All zero for a subject that is not there, and when inflight is NULL. */
struct ls_flight ls_inflight_get(const struct ls_inflight *inflight,
				 uint64_t key);
/* Add to a subject. Returns false when there is no place for it, and changes
 * nothing. */
bool ls_inflight_add(struct ls_inflight *inflight, uint64_t key,
		     struct ls_flight flight);
/* Take away what was added. */
void ls_inflight_remove(struct ls_inflight *inflight, uint64_t key,
			struct ls_flight flight);

/* An attempt at this account that may enter the subject's distinct count; the
 * first of them in flight is one more in ls_flight.accounts, the last to go one
 * less. Returns as ls_inflight_add(). */
bool ls_inflight_add_account(struct ls_inflight *inflight, uint64_t key,
			     uint64_t account);
void ls_inflight_remove_account(struct ls_inflight *inflight, uint64_t key,
				uint64_t account);
/* Is one in flight? */
bool ls_inflight_has_account(const struct ls_inflight *inflight, uint64_t key,
			     uint64_t account);

#endif
