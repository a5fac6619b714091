/* dovelog.h - what a line of a mail server's log says of a login
 *
 * Lines of Dovecot, from 1.2 on, and of Postfix, behind any of the headers of
 * logheader.h. The messages are
 *
 *   imap-login: Info: Login: user=<...>, ... rip=..., ...           dovelog-login.c
 *   imap-login: Logged in: user=<...>, ...
 *   auth: passwd-file(joe,192.0.2.1): Password mismatch              dovelog-auth.c
 *   auth(joe,192.0.2.1,sasl:plain)<...>: Info: sql: Password mismatch
 *   warning: unknown[192.0.2.1]: SASL PLAIN authentication ...       dovelog-postfix.c
 *   message repeated 30 times: [ ...]                                rsyslog's
 *
 * A user name is whatever somebody typed, and may be made to look like the rest
 * of a line. What only the server can have written decides where it ends; a
 * line that can be read in two ways is not understood, and nothing that is not a
 * login is taken for one.
 *
 * Pure: text in, record out. The record points into the line. */
#ifndef LOCKSTEP_DOVELOG_H
#define LOCKSTEP_DOVELOG_H

#include "lockstep.h"

enum dovelog_what {
	DOVELOG_OTHER = 0, /* nothing of a login */
	DOVELOG_UNKNOWN,   /* an auth or login process's, not understood; or like
			    * one, behind a header of an unknown form, or by a
			    * program that is not the mail server's */
	DOVELOG_FAILED,    /* a passdb's or mechanism's word (auth_verbose) */
	DOVELOG_LOGIN,     /* a client logged in */
	DOVELOG_ENDED,     /* a client left, and how its attempts had ended */
	DOVELOG_SASL_FAILED, /* Postfix's word on an attempt */
	DOVELOG_SASL_LOGIN,  /* Postfix has mail of a client that logged in */
};

enum dovelog_when_kind {
	DOVELOG_DATE = 0,
	DOVELOG_UNIX, /* seconds since 1970 */
	DOVELOG_BOOT, /* seconds since the machine that wrote it started */
};

/* A time as written. */
struct dovelog_when {
	enum dovelog_when_kind kind;
	int year; /* of a DATE; 0: not said */
	int month, day, hour, minute, second;
	int64_t seconds; /* UNIX, BOOT */
	int ms;
	bool zoned; /* else a DATE is this machine's local time */
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

/* The same, where the time and the syslog tag stand beside the message; a tag of
 * length 0: there is none. */
void dovelog_parse_message(const struct dovelog_when *when,
			   struct dovelog_text tag, struct dovelog_text message,
			   struct dovelog_record *record_r);

/* May this, anything at all, tell of a login, as far as a look at it says? */
bool dovelog_looks_like_login(const char *line, size_t len);

/* Read a time that a line begins with. Returns its length, with the blank
 * behind it; 0: there is none.
 *
 *   Nov 25 02:23:26     Nov  5 2026 02:23:26.123     2026 Nov 5 02:23:26
 *   2026-11-25T02:23:26.5+01:00   2026-11-25 02:23:26   2026-11-25_02:23:26 (UTC)
 *   Wed 2026-11-25 02:23:26 UTC   1795573406.123456   [ 1234.567890]
 *   @400000006a9f7c5e075bcd15 */
size_t dovelog_when(const char *line, size_t len, struct dovelog_when *when_r);

#endif
