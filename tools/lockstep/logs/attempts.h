/* attempts.h - the attempts that logs tell of, each once, by time
 *
 * One attempt may show in several lines: of each passdb that was asked, of the
 * login process that the client talked to, of Postfix. attempts_add() gathers
 * the lines as they come, from any number of files; attempts_merge() then puts
 * them in order and makes one of those that belong together:
 *
 *  - lines of one session, or without one of one account from one address, by
 *    passdbs that follow each other are one attempt;
 *  - one that failed less than two seconds before its session logged in was a
 *    passdb's word, and the next one knew the password: it is no failure.
 *    (Dovecot keeps who fails waiting for as long);
 *  - a login process counts the attempts of a connection: those that lines
 *    told of are taken off;
 *  - Postfix's word on a failure belongs to a failure without session from that
 *    address in the minute before.
 *
 * An attempt takes 56 bytes, its names what they have. Running out of memory
 * ends the program. */
#ifndef LOCKSTEP_ATTEMPTS_H
#define LOCKSTEP_ATTEMPTS_H

#include "logs/dovelog.h"
#include "logs/interned.h"

struct attempt {
	uint64_t at_ms; /* since 1970 */
	uint64_t session; /* its hash; 0: none */
	struct ls_addr ip;
	uint32_t user, service, mech, by; /* their names' numbers; 0: unknown */
	/* So many attempts, of which the last ended so; those before failed.
	 * NONE: it was refused, nobody knows whether it was right. */
	uint16_t count;
	uint8_t outcome; /* enum ls_outcome */
	uint8_t what;    /* enum dovelog_what */
	bool secured;
	bool sure;   /* a line of its own, complete */
	bool repeat; /* known to be a repeat of the last wrong password */
	bool guessed; /* its year is, see logclock.h */
};

struct attempts {
	struct attempt *list;
	size_t count, room;
	struct names names;
};

/* Adds one for each time that the line was repeated, 10000 at most. */
void attempts_add(struct attempts *attempts,
		  const struct dovelog_record *record, uint64_t at_ms);
/* Add one that needs no merging, a journal's: returns it, to be filled in. */
struct attempt *attempts_append(struct attempts *attempts, uint64_t at_ms);
void attempts_merge(struct attempts *attempts);
/* How many there are: one of the list may stand for several. */
uint64_t attempts_total(const struct attempts *attempts);
void attempts_free(struct attempts *attempts);

#endif
