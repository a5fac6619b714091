/* journal.h - a ring of fixed records, many writers, no lock
 *
 *   word   0    number + 1; 0: never written. Written last
 *          1    checksum of the number and the words from 2 on
 *          2    bits, event, outcome, verdict, wanted, reason, origin, strikes
 *          3    kind, lengths of the user name and of what follows it, marks, untold
 *          4    at, ms of the map's clock
 *          5    until, likewise
 *       6, 7    address
 *      8..11    service, 12 bytes, and mechanism, 20; texts are NUL-padded
 *     12..15    detail
 *     16..47    user name, and right after it more of the detail; words after
 *               their end are not written
 *
 * A writer takes the next number by one fetch-and-add, writes its record into
 * place number % records, and its number last. A reader that finds the number
 * it wants copies the record, looks at the number again, and computes the
 * checksum.
 *
 * What races can do. A writer that is stopped in the middle while the ring goes
 * round may wake and write over a newer record: the checksum, which covers the
 * number, then fits neither, and the reader counts that record as lost. So a
 * record is whole or absent, and never mixed (but for one in 2^64). A writer
 * killed half-way leaves its number unwritten: a reader waits for it for a
 * second after newer numbers were taken, then counts it as lost and goes on. */
#ifndef LS_JOURNAL_H
#define LS_JOURNAL_H

#include "lockstep.h"

#include <stdatomic.h>

enum { LS_RECORD_WORDS = 48 };

struct ls_record_place {
	_Atomic uint64_t word[LS_RECORD_WORDS];
};
_Static_assert(sizeof(struct ls_record_place) == 384,
	       "part of the map format");

/* The ring in a map; private memory. */
struct ls_ring {
	struct ls_record_place *place;
	uint64_t records; /* at least 1 */
	_Atomic uint64_t *head;
};

/* Append. record->number is not read; record->at_ms is the map's clock here. */
void ls_ring_append(const struct ls_ring *ring, const struct ls_record *record);

/* As ls_journal_next(), on the map's clock. */
int ls_ring_next(const struct ls_ring *ring, struct ls_cursor *cursor,
		 uint64_t now, struct ls_record *record_r);

#endif
