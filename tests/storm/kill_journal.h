/* kill_journal.h - what the writers of storm_kill write, and who reads it
 *
 * What stands in a record follows from one number: so the reader sees when a
 * record is mixed of two. */
#ifndef TEST_KILL_JOURNAL_H
#define TEST_KILL_JOURNAL_H

#include "storm.h"

enum {
	ACCOUNTS = 500,
	NETS = 4,     /* that each is tried from */
	RECORDS = 64, /* in each journal */
};

struct kill_shared {
	_Atomic uint64_t now_ms;
	_Atomic bool stop; /* to the reader */
	_Atomic uint64_t read[2], lost[2];
};
extern struct kill_shared *kill_shared;

/* Who attempts. */
struct story {
	char user[64], ip[32], service[16], mech[24];
};
void story_of(unsigned account, unsigned net, struct story *story);

/* A session's record: all of it from one number. */
struct session {
	char user[LS_USER_MAX + 1], ip[32], service[16], id[24];
};
void session_of(uint64_t number, struct session *session);

/* Read both journals until there is no more to come: work of a child. */
void read_to_the_end(unsigned who);
/* When the reader has ended: was every record read, or counted as lost? */
void check_reader(uint64_t *read_r, uint64_t *lost_r);

#endif
