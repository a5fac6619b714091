/* verdict.h - what Postfix is answered
 *
 * Pure functions: no I/O, no clock, no state. An answer is one line
 * `action=...` and an empty line. The actions:
 *
 *   DUNNO      leaves the matter to Postfix's next restriction
 *   421 4.7.0  of a connection: Postfix tells the client and hangs up
 *   421 4.7.1  of a message, its account being frozen: the same. The next login
 *              is refused, so a client that comes back gets no further
 *   450 4.7.1  of a message over a limit that drains: to be tried again
 *   554 5.7.1  of the message for which its account was frozen, where the policy
 *              wants it refused: for good
 *   HOLD       of that message, where the policy wants it kept: it is accepted,
 *              into the hold queue */
#ifndef LOCKSTEP_POLICY_VERDICT_H
#define LOCKSTEP_POLICY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "lockstep.h"
#include "request.h"

enum policy_role {
	POLICY_ROLE_AUTO,       /* by the server's port: 25 is an MX */
	POLICY_ROLE_SUBMISSION, /* people's mail: locked addresses refused */
	POLICY_ROLE_MX,         /* other servers' mail: nobody refused */
};

/* "auto", "submission" or "mx". Returns false for another word. */
bool policy_role_parse(const char *word, enum policy_role *role_r);

/* What the port that this request came by is for: the request's policy_context
 * if that names a role, else `role` if that is not AUTO, else by server_port,
 * where 25 and a port not known are an MX. Never AUTO. */
enum policy_role policy_role_of(const struct request *request,
				enum policy_role role);

/* Whether the request's policy_context is one to tell the administrator about:
 * neither empty nor a role. */
bool policy_context_unknown(const struct request *request);

enum { POLICY_ANSWER_MAX = 160 }; /* bytes of an answer, NUL included */

/* Write the answer for what was decided at this stage, or DUNNO for NULL.
 * Returns its length. */
size_t policy_answer(enum request_stage stage,
		     const struct ls_decision *decision,
		     char answer_r[POLICY_ANSWER_MAX]);

#endif
