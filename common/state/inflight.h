/* inflight.h - what this process has admitted and not settled yet
 *
 * A meter counts what is in flight as it counts what has failed. Only the
 * process that admitted knows which is which: so it remembers, for each subject,
 * how many attempts are being verified. A meter that would have room without
 * them makes the next attempt wait; one that would not refuses it.
 *
 * A distinct count holds only what has failed: what is in flight comes on top,
 * each account once. Of the accounts in flight for a subject only one is known
 * by its key, the first that came when there was none; each attempt at another
 * counts as an account of its own. That makes some wait that need not, and lets
 * nobody through who must not.
 *
 * Private memory of a fixed size, taken once: an open-addressing hash table with
 * linear probing. An attempt that finds no place in it is not remembered: others
 * are then refused where they might have waited, and the distinct counts, which
 * are charged only when an attempt has failed, may run over by so many. */
#ifndef LS_INFLIGHT_H
#define LS_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_INFLIGHT_SUBJECTS = 1 << 15 }; /* at most; 768 KiB */

/* Of one subject. */
struct ls_flight {
	uint64_t account;  /* the one that is known by its key */
	uint16_t failures; /* attempts that hold a unit of its failure meters */
	uint16_t same;     /* that may enter its distinct count: with that
			    * account; with any other */
	uint16_t other;
};

/* Distinct accounts in flight, at most. */
static inline unsigned ls_flight_accounts(const struct ls_flight *flight)
{
	return flight->other + (flight->same > 0 ? 1U : 0U);
}

struct ls_inflight;

/* Returns NULL when out of memory. */
struct ls_inflight *ls_inflight_new(void);
void ls_inflight_free(struct ls_inflight **inflight);

/* Familiar places with attempts in flight, by their address: no more than a number, so
 * that a login that gives no reason to look at its address costs next to nothing.
 * Addresses may share one. */
enum { LS_INFLIGHT_RUSHES = 1 << 12 };
unsigned ls_inflight_rush(const struct ls_inflight *inflight, uint64_t ip_key);
void ls_inflight_join(struct ls_inflight *inflight, uint64_t ip_key);
void ls_inflight_leave(struct ls_inflight *inflight, uint64_t ip_key);

/* Attempts that may fail at names of one local part, the same way: the next one waits
 * a little longer for those that share its number. */
enum { LS_INFLIGHT_LOCALS = 1 << 12 };
unsigned ls_inflight_locals(const struct ls_inflight *inflight, uint64_t key);
void ls_inflight_join_local(struct ls_inflight *inflight, uint64_t key);
void ls_inflight_leave_local(struct ls_inflight *inflight, uint64_t key);
/* The same for all that share a number: for ls_ticket_holds(). */
uint64_t ls_inflight_local_key(uint64_t key);

/* All zero for a subject that is not there, and when inflight is NULL. */
struct ls_flight ls_inflight_get(const struct ls_inflight *inflight,
				 uint64_t key);

/* One attempt more on a subject.
 *   failure   it holds a unit of the failure meters
 *   account   it may enter the distinct count with this account; 0: it does not
 * Returns false when there is no place for it, and changes nothing. */
bool ls_inflight_add(struct ls_inflight *inflight, uint64_t key, bool failure,
		     uint64_t account);
/* It has settled: the same arguments. */
void ls_inflight_remove(struct ls_inflight *inflight, uint64_t key,
			bool failure, uint64_t account);

#endif
