/* tally.h - attempts, counted by who made them or whom they were aimed at */
#ifndef LOCKSTEP_TALLY_H
#define LOCKSTEP_TALLY_H

#include "lockstep.h"

struct tally_row {
	char name[LS_USER_MAX + 1]; /* an address, an account */
	uint64_t wrong, refused, success;
	uint64_t last_ms; /* as now_ms */
};

/* All zero is an empty one. Grows as it needs to, and ends the program when there
 * is no memory. */
struct tally {
	size_t count, room;
	struct tally_row *row; /* in the order of tally_sort() */
	size_t buckets;        /* a power of two */
	uint32_t *bucket;      /* number of a row + 1; 0: none */
};

enum tally_by { TALLY_BY_WRONG, TALLY_BY_REFUSED, TALLY_BY_LAST, TALLY_BYS };

void tally_count(struct tally *tally, const char *name,
		 const struct ls_record *record);
/* Sort, the most (or the last) first. Nothing can be counted after it. */
void tally_sort(struct tally *tally, enum tally_by by);
/* Empty it; keeps the memory. */
void tally_clear(struct tally *tally);
void tally_free(struct tally *tally);

#endif
