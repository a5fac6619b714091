/* records.h - what the journals hold, and reading them; part of lockstep.h
 *
 * Each map has a ring of records (journal.c). */
#ifndef LS_RECORDS_H
#define LS_RECORDS_H

#include "lockstep.h"

enum { LS_DETAIL_MAX = 31, LS_MORE_MAX = 127 };
enum { LS_BY_MAX = LS_DETAIL_MAX + 2 + LS_MORE_MAX };

/* What is known of the session that follows a successful login. */
enum {
	LS_MARK_FOREIGN = 1, /* no mail session: another program than Dovecot's
			      * own asked, such as Postfix */
	LS_MARK_PROXIED = 2, /* none here: another server serves it */
	LS_MARK_UNASKED = 4, /* Postfix did not ask about the address before */
	LS_MARKS = LS_MARK_FOREIGN | LS_MARK_PROXIED | LS_MARK_UNASKED,
};

struct ls_record {
	uint64_t number; /* counts up by one in its map */
	uint64_t at_ms;  /* as now_ms */
	enum ls_event event;
	enum ls_outcome outcome;
	enum ls_verdict verdict; /* what was done */
	enum ls_verdict wanted;  /* what the rules said */
	enum ls_reason reason;
	enum ls_origin origin;
	unsigned strikes;
	unsigned marks; /* LOGIN: LS_MARK_* */
	uint32_t untold; /* LOGIN, CONNECT: so many more, of the same address or
			  * account, have no record (told.h) */
	uint64_t until_ms;         /* LOCK; SESSION_END: when it began */
	struct ls_subject subject; /* LOCK, UNLOCK: what; else user and address
				    * (ls_prefix_is_none(): it was not told);
				    * kind: whose limit it was */
	char service[LS_SERVICE_MAX + 1];
	char mech[LS_MECH_MAX + 1]; /* SESSION_END: how, "closed" ... */
	char detail[LS_DETAIL_MAX + 1]; /* session or queue id; of a lock, who */
	char more[LS_MORE_MAX + 1]; /* MESSAGE, ALARM: domains; see below;
				     * of an administrator's order, why;
				     * LOGIN: the passdb that failed */
};

/* Who gave an order, and why: "root: ticket 4711"; "": that is not known. */
void ls_record_by(const struct ls_record *record, char by_r[LS_BY_MAX + 1]);

/* A record of a message (LS_EVENT_MESSAGE, LS_EVENT_ALARM) has in `more` domains of
 * its recipients, with blanks between; that of a freeze for what was sent what
 * follows here, as text. Where the user name is long, as many whole words of either
 * as fit. */

#define LS_NOT_COUNTED UINT64_MAX

/* What an account had attempted when that froze it, the message that was too much
 * included. */
struct ls_evidence {
	uint64_t messages, recipients; /* in the time of the limits; or
					* LS_NOT_COUNTED: the policy has no
					* limit of them */
	char queue_id[LS_DETAIL_MAX + 1]; /* of the message that was too much */
	char domains[LS_MORE_MAX + 1]; /* of its recipients, blanks between */
};
/* Returns false of a record that has none. */
bool ls_evidence_of(const struct ls_record *record,
		    struct ls_evidence *evidence_r);
/* As it stands in a record. */
void ls_evidence_write(const struct ls_evidence *evidence,
		       char more_r[LS_MORE_MAX + 1]);

/* The sessions journal is written by processes with a mail user's rights: only
 * sessions are believed from it; all else counts as lost. How much that is they may
 * make up, too. */
enum ls_journal { LS_JOURNAL_GUARD, LS_JOURNAL_SESSIONS };

/* A reader's place in a journal. All zero: the oldest record that is left. */
struct ls_cursor {
	uint64_t next;     /* number of the record to read next */
	uint64_t lost;     /* records that were gone before they were read */
	uint64_t stuck_ms; /* when `next` was first seen taken but not there */
	uint64_t stuck_head; /* all numbers before it were taken by then */
};

/* The next record. Returns 1 with it, 0 when there is none yet, LS_EACCES when
 * that map is not open. Records overwritten or never finished by a killed
 * writer are skipped and counted in cursor->lost. Blocks nobody. */
int ls_journal_next(struct ls_state *state, enum ls_journal journal,
		    struct ls_cursor *cursor, uint64_t now_ms,
		    struct ls_record *record_r);

/* The number that the next record will get. */
uint64_t ls_journal_head(struct ls_state *state, enum ls_journal journal);

#endif
