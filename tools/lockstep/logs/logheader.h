/* logheader.h - what stands before a message in a line of a log
 *
 * Whoever passes a line on puts something in front of it, and what is there
 * already stays: headers nest. Known are
 *
 *   Nov 25 02:23:26 MESSAGE                        Dovecot's own file
 *   Nov 25 02:23:26 mx dovecot[7]: MESSAGE         syslog; the name perhaps twice
 *   <22>Nov 25 2026 02:23:26 mx dovecot: MESSAGE
 *   <22>1 2026-11-25T02:23:26Z mx dovecot 7 - - MESSAGE         RFC 5424
 *   Nov 25 02:23:26 mx mail.info dovecot: MESSAGE  BusyBox
 *   Nov 25 02:23:26 <mail.info> mx dovecot[7]: MESSAGE          FreeBSD, -v
 *   Nov 25 02:23:26 [dovecot] MESSAGE              metalog
 *   Nov 25 02:23:26 relay HEADER MESSAGE           a relay of logs
 *   dovecot-1  | HEADER MESSAGE                    docker compose
 *   2026-11-25T02:23:26.123456789Z HEADER MESSAGE  docker logs -t
 *   2026-11-25T02:23:26.123456789Z stdout F HEADER MESSAGE      Kubernetes
 *
 * with the times of dovelog_when(). A tag says which program wrote the message; any
 * program's message may begin as Dovecot's do, since many log what strangers send
 * them. So only the tags of Dovecot and of Postfix's smtpd are believed, and no
 * header is looked for behind another program's.
 *
 * Pure. */
#ifndef LOCKSTEP_LOGHEADER_H
#define LOCKSTEP_LOGHEADER_H

#include "logs/dovelog-private.h"

enum logheader_by {
	LOGHEADER_UNSAID = 0, /* no tag: a file of Dovecot's own */
	LOGHEADER_DOVECOT,
	LOGHEADER_POSTFIX, /* smtpd */
	LOGHEADER_OTHER,
};

/* Whose tag is it? The tag is chosen on the machine that logs.
 *
 *   dovecot[7]  dovecot.service  dovecot:auth  dovecot-2  dovecot_1: nothing else
 *   but such a number may follow "dovecot", since dovecot-exporter is another
 *   postfix/smtpd[7]  postfix/submission/smtpd  postfix-out/smtpd
 *   postfix@-.service                           journalctl -o with-unit */
enum logheader_by logheader_by(struct dovelog_text tag);

struct logheader {
	struct dovelog_text text; /* what is left of the line */
	struct dovelog_when when;
	bool timed; /* there was a time */
	bool part;  /* of a line: the end of it is elsewhere */
	enum logheader_by by;
	/* while it is read: */
	bool fresh;   /* a time was the last */
	bool zoned;   /* and it told its zone */
	bool version; /* of RFC 5424, was told */
};

/* Take the headers from the front of header->text. The other members are as the
 * caller knows them already, all zero if he knows nothing. */
void logheader_take(struct logheader *header);

#endif
