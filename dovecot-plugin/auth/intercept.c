/* intercept.c - see intercept.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "passdb.h"
#include "auth/decoy.h"
#include "auth/intercept.h"
#include "auth/outcome.h"
#include "auth/proof.h"

static struct state *guard;

bool intercept_is_scram(const struct login *login)
{
	const char *scheme = login->request->wanted_credentials_scheme;

	return login->lookup != NULL && scheme != NULL &&
	       strncasecmp(scheme, "SCRAM-", 6) == 0;
}

bool intercept_is_token(const struct login *login)
{
	const char *scheme = login->request->wanted_credentials_scheme;

	return login->lookup != NULL && scheme != NULL && *scheme == '\0';
}

/* Frozen under the name that the passdbs gave the account? The name that the
 * client gave was asked about before. */
static bool is_frozen(const struct login *login)
{
	struct auth_request *request = login->request;
	struct ls_decision decision;

	if (login->denied ||
	    strcmp(request->fields.user, login->ticket.user) == 0 ||
	    !ls_frozen(guard->ls, request->fields.user, &login->ticket.ip,
		       state_now_ms(), &decision))
		return FALSE;
	login_log(request, &decision);
	if (decision.reveal)
		login_reveal(request, decision.reason);
	return TRUE;
}

/* We refuse as a disabled user, for whom Dovecot asks no other passdb. But "user
 * disabled" in the log of its login processes would send whoever reads that to look for
 * what nobody has disabled: to them it is a wrong password, which the client is answered
 * in the same words. The reason is in the line of login_log(). */
static enum passdb_result disguise(struct auth_request *request)
{
	request->passdb_result = PASSDB_RESULT_PASSWORD_MISMATCH;
	return PASSDB_RESULT_PASSWORD_MISMATCH;
}

static void password_verified(enum passdb_result result,
			      struct auth_request *request)
{
	struct login *login = outcome_find(request);

	outcome_answered(login, result);
	if (result == PASSDB_RESULT_OK && is_frozen(login))
		login->denied = TRUE;
	if (login->denied)
		result = disguise(request);
	/* Of a refused token the client has to take note. */
	if (result != PASSDB_RESULT_OK && login->password == NULL &&
	    login->ticket.open)
		proof_await(login);
	login->mech_verify(result, request);
}

static void credentials_found(enum passdb_result result,
			      const unsigned char *credentials, size_t size,
			      struct auth_request *request)
{
	struct login *login = outcome_find(request);

	outcome_answered(login, result);
	if (login->denied) {
		/* The decoy's keys are random, so the client's proof cannot
		 * fit. This is the second lock on that door: it overrides any
		 * success. */
		request->failed = TRUE;
	} else if (result == PASSDB_RESULT_OK && is_frozen(login)) {
		request->failed = TRUE;
		login->denied = TRUE;
	} else if (intercept_is_scram(login)) {
		/* Under the name that a refusal will have: the typed one. */
		decoy_learn(request->wanted_credentials_scheme,
			    login->ticket.user, result, credentials, size);
	}
	/* Of a disabled user the mechanism tells more than of a bad token, and
	 * a success it would not take back. */
	if (login->denied &&
	    (result != PASSDB_RESULT_OK || intercept_is_token(login)))
		result = disguise(request);
	if (login->ticket.open)
		proof_await(login);
	login->mech_lookup(result, credentials, size, request);
}

void intercept_init(struct state *state)
{
	guard = state;
}

void intercept_login(struct login *login)
{
	struct auth_request *request = login->request;

	if (login->lookup != NULL) {
		login->mech_lookup =
			request->private_callback.lookup_credentials;
		request->private_callback.lookup_credentials =
			credentials_found;
	} else {
		login->mech_verify = request->private_callback.verify_plain;
		request->private_callback.verify_plain = password_verified;
	}
}
