/* dovelog.h - what a line of a mail server's log says of a login
 *
 * Lines of Dovecot 2.3 and 2.4 and of Postfix, as their own log files, syslog
 * and journalctl have them:
 *
 *   Nov 25 02:23:26 imap-login: Info: Login: user=<...>, ... rip=..., ...
 *   Nov 25 02:23:26 mx dovecot: imap-login: Logged in: user=<...>, ...
 *   2026-11-25T02:23:26.5+01:00 mx dovecot[7]: auth: passwd-file(...): ...
 *   <22>Nov 25 2026 02:23:26 mx dovecot: auth: passwd-file(...): ...
 *   <22>1 2026-11-25T02:23:26.5+01:00 mx dovecot 7 - - auth: ...
 *   ... auth(joe,192.0.2.1,sasl:plain)<...>: Info: sql: Password mismatch
 *   ... postfix/smtpd[7]: warning: unknown[192.0.2.1]: SASL PLAIN ...
 *   ... postfix/smtpd[7]: message repeated 30 times: [ warning: ...]
 *
 * A user name is whatever somebody typed, and may be made to look like the rest
 * of a line. What only the server can have written decides where it ends; a
 * line that can be read in two ways is not understood.
 *
 * Pure: text in, record out. The record points into the line. */
#ifndef LOCKSTEP_DOVELOG_H
#define LOCKSTEP_DOVELOG_H

#include "lockstep.h"

enum dovelog_what {
	DOVELOG_OTHER = 0, /* nothing of a login */
	DOVELOG_UNKNOWN,   /* an auth or login process's, not understood; or like
			    * one, behind a time of an unknown form, or by a
			    * program that is not the mail server's */
	DOVELOG_FAILED,    /* a passdb's or mechanism's word (auth_verbose) */
	DOVELOG_LOGIN,     /* a client logged in */
	DOVELOG_ENDED,     /* a client left, and how its attempts had ended */
	DOVELOG_SASL_FAILED, /* Postfix's word on an attempt */
	DOVELOG_SASL_LOGIN,  /* Postfix has mail of a client that logged in */
};

/* A time as written. */
struct dovelog_when {
	int year; /* 0: not said */
	int month, day, hour, minute, second, ms;
	bool zoned; /* else it is this machine's local time */
	int offset_s; /* of the zone, east of UTC */
};

struct dovelog_text { /* a piece of the line */
	const char *at;
	size_t len;
};

struct dovelog_record {
	enum dovelog_what what;
	enum ls_outcome outcome; /* NONE: refused by Lockstep itself */
	unsigned attempts; /* that ended so; ENDED, LOGIN: those that failed
			    * before it included */
	unsigned repeated; /* the line stands for so many such lines; mostly 1 */
	struct dovelog_when when;
	struct ls_addr ip;
	bool secured; /* true where the line does not tell */
	/* len 0: the line does not tell, or nothing was given. */
	struct dovelog_text user, session, mech;
	struct dovelog_text service; /* "imap", ...: as a struct ls_attempt's */
	struct dovelog_text by;      /* FAILED: the passdb or mechanism */
};

/* Read a line of `len` bytes, without its newline. Fills all of *record_r. */
void dovelog_parse(const char *line, size_t len,
		   struct dovelog_record *record_r);

/* Read a time that a line begins with. Returns its length, with the blank
 * behind it; 0: there is none. */
size_t dovelog_when(const char *line, size_t len, struct dovelog_when *when_r);

#endif
