/* journals.h - both journals, merged by time */
#ifndef LOCKSTEP_JOURNALS_H
#define LOCKSTEP_JOURNALS_H

#include "cli.h"

enum { JOURNALS = 2 };

/* One journal, with the record that comes next from it. */
struct journal {
	enum ls_journal which;
	struct ls_state *state; /* NULL: there is no such map */
	struct ls_cursor cursor;
	struct ls_record record;
	bool waiting; /* `record` is one */
	bool begun;   /* there was one */
	struct ls_error error;
};

struct journals {
	const struct cli *cli;
	struct journal journal[JOURNALS]; /* the guard's, the sessions' */
};

/* Open both. Complains of what is wrong, but not of sessions that nobody opened
 * yet. Returns false when there is no guard to read; journals_close() all the
 * same. */
bool journals_open(const struct cli *cli, struct journals *journals_r);
void journals_close(struct journals *journals);

/* The record that comes next, and from which journal; NULL: there is none now.
 * It is good until the next call. */
const struct ls_record *journals_next(struct journals *journals,
				      enum ls_journal *which_r);

/* Begin no further back than where each journal has so many records left. */
void journals_skip_to_last(struct journals *journals, uint64_t last);

/* While following: a map may come late, and may be replaced by a new one. */
void journals_keep_open(struct journals *journals);

/* Tell of records that were gone before they were read, once. */
void journals_report_lost(struct journals *journals);

#endif
