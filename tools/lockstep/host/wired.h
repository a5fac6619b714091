/* wired.h - logins of the last hour that nothing followed, found in the journals
 *
 * A mail session follows each login for mail, where the mail plugin is loaded. Before
 * a login through Postfix lockstep-policy was asked about its address, and its messages
 * are asked about. Where that never happens something is not wired, however well the
 * rest is. One login proves nothing: its client may have gone, or sent nothing. */
#ifndef LOCKSTEP_WIRED_H
#define LOCKSTEP_WIRED_H

#include "lockstep.h"

enum {
	WIRED_LOGINS = 3,    /* without what should follow: that many prove it */
	WIRED_ACCOUNTS = 3,  /* accounts that send nothing: the same */
	WIRED_PATIENCE_MS = 10000, /* between a login and its session */
	WIRED_REMEMBERED = 256, /* accounts */
};

/* Logins for mail that this server serves itself. */
struct wired_mail {
	const char *service;
	uint64_t logins, sessions;
};
enum { WIRED_MAILS = 4 };

/* Logins through Postfix. */
struct wired_postfix {
	uint64_t unasked; /* from addresses that it did not ask about, of accounts
			   * whose messages were never counted either */
	struct ls_subject last; /* the last of them: user and address */
	unsigned accounts; /* that logged in; no more than are remembered */
	unsigned silent;   /* of these: asked about, WIRED_LOGINS times or more, and
			    * none of their messages ever was */
	char silent_user[LS_USER_MAX + 1]; /* one of them */
};

struct wired {
	struct wired_mail mail[WIRED_MAILS];
	struct wired_postfix postfix;
};

/* Read both journals from since_ms on.
 *   guard          LS_GUARD_READ
 *   sessions       LS_SESSIONS_READ, or NULL where there is no such map
 *   mail_since_ms  no login before that is to have a session
 * Times are as now_ms. */
void wired_gather(struct ls_state *guard, struct ls_state *sessions,
		  uint64_t since_ms, uint64_t mail_since_ms, uint64_t now_ms,
		  struct wired *wired_r);

#endif
