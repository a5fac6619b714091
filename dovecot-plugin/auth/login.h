/* login.h - one login, from the question to its end
 *
 * A login is an auth request that Lockstep was asked about. It is asked once in
 * the life of a request, however many passdbs (first those for master users,
 * then the others) the request passes: the first question charges, and later
 * ones in the same request let it pass.
 *
 * What the verdicts become:
 *   admit  PASSDB_RESULT_NEXT: the passdbs behind this one verify
 *   deny   PASSDB_RESULT_USER_DISABLED, after as long as a verification takes
 *          (pace.h): no other passdb is asked, and after the failure delay the
 *          client reads what a wrong password gets. SCRAM would tell, since a
 *          wrong password fails only after a challenge: so there a decoy is sent
 *          (decoy.h). Where the policy reveals, the reason is said instead.
 *   wait   held until others have settled (held.h)
 *
 * Of a master user's login the master's name is the subject, and of the account
 * that he logs in to only the freeze counts.
 *
 * Requests that tell no client's address (a calendar server, `doveadm auth test`
 * without rip=) are asked about too: the account's limits and locks hold for them.
 * When the state is not there, all logins pass, uncharged. */
#ifndef LOCKSTEP_LOGIN_H
#define LOCKSTEP_LOGIN_H

#include "auth-common.h"
#include "passdb.h"
#include "lockstep-state.h"
#include "auth/waiting.h"

struct login {
	struct auth_request *request; /* lives at least until it is freed */
	struct ls_ticket ticket;
	struct ls_state *ls; /* on which it is open, or late: state_hold() */

	/* How the passdb lookup is answered: one of them is set. */
	verify_plain_callback_t *verify;
	lookup_credentials_callback_t *lookup;
	const char *password; /* where there is a reusable one, in the
			       * request's memory */
	/* The mechanism's own, which ours is in front of (intercept.c). */
	verify_plain_callback_t *mech_verify;
	lookup_credentials_callback_t *mech_lookup;
	bool denied;

	/* What the outcome is told from (outcome.c). */
	bool answered;           /* a passdb behind this one did */
	enum passdb_result last; /* what the last one said */
	bool error;              /* something of it failed loudly since */
	bool barred;             /* it may not log in from there */
	bool said_no;            /* a passdb compared the password: wrong */
	bool said_yes;           /* a passdb: go on */
	bool unverified;         /* and had not looked at the password */
	bool late;               /* it failed for want of a proof, which may
				  * still come */

	/* From when on passwords were verified, and until when (pace.c). */
	uint64_t begun_us, answered_us;

	struct waiter waiter; /* among the held */
	struct login *prev, *next; /* among those that owe a proof (proof.c) */
	uint64_t held_since_ms;
	uint64_t proof_due_ms; /* 0: none */
};

void logins_init(struct state *state, struct event *event);
/* Answer those still held, or paced. */
void logins_deinit(void);

/* Ask, and answer by the callback, at once or later. Exactly one of verify and
 * lookup is given; password is NULL with lookup. */
void login_check(struct auth_request *request, const char *password,
		 verify_plain_callback_t *verify,
		 lookup_credentials_callback_t *lookup);

/* Log what was decided, unless it is nothing out of the ordinary. */
void login_log(struct auth_request *request,
	       const struct ls_decision *decision);
/* Have the client told why. */
void login_reveal(struct auth_request *request, enum ls_reason reason);

#endif
