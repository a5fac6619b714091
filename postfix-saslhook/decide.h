/* decide.h - what Postfix asks, put to Lockstep
 *
 * Each stage of an SMTP dialogue asks for itself:
 *
 *   CONNECT          may this address use this port at all?
 *   RCPT, DATA       may this account, or relaying address, go on? The recipients
 *                    are noted, so that the end knows whom the message is for
 *   END-OF-MESSAGE   the message is charged, and may freeze its account
 *
 * All else is left to Postfix. */
#ifndef LOCKSTEP_POLICY_DECIDE_H
#define LOCKSTEP_POLICY_DECIDE_H

#include "guard.h"
#include "log.h"
#include "request.h"
#include "verdict.h"

enum complaint { /* about requests, or their lack: each logged once a minute */
	COMPLAINT_FAULT,
	COMPLAINT_ADDRESS,
	COMPLAINT_CONTEXT,
	COMPLAINT_RCPT,
	COMPLAINT_COUNT
};

/* An SMTP connection. */
struct connection {
	char address[64], port[16];
	uint64_t since_ms; /* it began no earlier; 0: not known */
};

struct decider {
	enum policy_role role;
	bool refuse_on_mx; /* locked addresses at CONNECT, there too */
	bool rcpt_seen, end_seen; /* of a message: was it ever asked about? */

	struct guard guard;
	struct connection connection; /* the last that was asked about */
	uint64_t asked_ms; /* last; before that, when smtpd began; 0: not known */
	char first[96];    /* the first transaction's instance */
	bool whole;        /* of the one at hand all was asked of this process */
	struct ls_gathered gathered; /* of the message in progress */
	struct log_limit limit[COMPLAINT_COUNT];
};

/* Decide a request that is ready. Returns false where there is nothing to decide
 * or to decide with: the answer is then DUNNO. Logs what is wrong with it. */
bool decide(struct decider *decider, const struct request *request,
	    struct ls_decision *decision_r);

#endif
