/* login.c - see login.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "auth.h"
#include "compat.h"
#include "ioloop.h"
#include "llist.h"
#include "passdb.h"
#include "decoy.h"
#include "login.h"
#include "outcome.h"

static struct state *guard;
static struct event *guard_event;

static struct login *held_head, *held_tail;
static struct timeout *held_to;

static void answer(struct login *login, enum passdb_result result)
{
	if (login->verify != NULL)
		login->verify(result, login->request);
	else
		login->lookup(result, NULL, 0, login->request);
}

static bool is_scram(const struct login *login)
{
	const char *scheme = login->request->wanted_credentials_scheme;

	return login->lookup != NULL && scheme != NULL &&
	       strncasecmp(scheme, "SCRAM-", 6) == 0;
}

/* In place of the SCRAM mechanism's own callback, when the last passdb has
 * answered. */
static void scram_credentials(enum passdb_result result,
			      const unsigned char *credentials, size_t size,
			      struct auth_request *request)
{
	struct login *login = outcome_find(request);

	if (login->denied) {
		/* The decoy's keys are random, so the client's proof cannot
		 * fit. This is the second lock on that door: it overrides any
		 * success. */
		request->failed = TRUE;
	} else {
		decoy_learn(request->wanted_credentials_scheme,
			    request->fields.user, result, credentials, size);
	}
	login->mech_lookup(result, credentials, size, request);
}

static void scram_intercept(struct login *login)
{
	struct auth_request *request = login->request;

	login->mech_lookup = request->private_callback.lookup_credentials;
	request->private_callback.lookup_credentials = scram_credentials;
}

static const char *refusal_text(enum ls_reason reason)
{
	switch (reason) {
	case LS_REASON_SENDING:
	case LS_REASON_ADMIN:
		return "This account is locked. Ask your administrator.";
	case LS_REASON_LOGINS:
		return "Too many logins. Try again later.";
	case LS_REASON_SESSIONS:
		return "Too many sessions. Close one, or try again later.";
	case LS_REASON_TLS:
		return "Turn on TLS to log in from here.";
	case LS_REASON_DENIED:
		return "Logins from your network are not accepted.";
	default:
		return "Too many failed logins. Try again later.";
	}
}

static void deny(struct login *login, const struct ls_decision *decision)
{
	struct auth_request *request = login->request;
	const char *decoy;

	login->denied = TRUE;
	if (decision->reveal) {
		auth_request_set_field(request, "reason",
				       refusal_text(decision->reason), NULL);
	} else if (is_scram(login)) {
		decoy = decoy_credentials(request->wanted_credentials_scheme,
					  request->fields.user);
		if (decoy != NULL) {
			scram_intercept(login);
			login->lookup(PASSDB_RESULT_OK,
				      (const unsigned char *)decoy,
				      strlen(decoy), request);
			return;
		}
	}
	answer(login, PASSDB_RESULT_USER_DISABLED);
}

static void temporary_failure(struct login *login)
{
	struct auth_request *request = login->request;

	/* PASSDB_RESULT_INTERNAL_FAILURE alone would let the next passdb verify
	 * the password. */
	request->internal_failure = TRUE;
	auth_request_set_field(request, "nodelay", "", NULL);
	answer(login, PASSDB_RESULT_USER_DISABLED);
}

static bool is_loopback(const struct ip_addr *ip)
{
	if (ip->family == 0)
		return FALSE;
	if (IPADDR_IS_V4(ip))
		return *(const unsigned char *)&ip->u.ip4 == 127;
	return IN6_IS_ADDR_LOOPBACK(&ip->u.ip6);
}

/* TLS, or a connection that crosses no network: both ends are one machine. A
 * webmail or a proxy that connects over loopback tells its client's address,
 * and the local address still tells that it did. */
static bool is_secured(const struct auth_request *request)
{
	const struct ip_addr *remote = &request->fields.remote_ip;
	const struct ip_addr *local = &request->fields.local_ip;

	return compat_request_secured(request) || is_loopback(remote) ||
	       is_loopback(local) || net_ip_compare(remote, local);
}

static void attempt_fill(const struct login *login,
			 struct ls_attempt *attempt_r)
{
	const struct auth_request *request = login->request;

	memset(attempt_r, 0, sizeof(*attempt_r));
	attempt_r->service = state_service(compat_request_service(request));
	attempt_r->mech = request->fields.mech_name;
	attempt_r->user = request->fields.user;
	(void)state_addr(&request->fields.remote_ip, &attempt_r->ip);
	attempt_r->secured = is_secured(request);
	attempt_r->password = login->password;
}

static void log_decision(const struct login *login,
			 const struct ls_decision *decision)
{
	if (decision->wanted == decision->verdict &&
	    decision->verdict != LS_DENY)
		return;
	/* Seen with auth_verbose=yes, as Dovecot's own lines on failures. */
	e_info(authdb_event(login->request), "%s: %s%s%s",
	       decision->verdict == LS_DENY ? "refused" : "would be refused",
	       ls_reason_name(decision->reason),
	       decision->kind == LS_KIND_NONE ? "" : " of ",
	       decision->kind == LS_KIND_NONE ? "" :
						ls_kind_name(decision->kind));
}

/* Ask once. Returns false when the login has to wait. */
static bool ask(struct login *login, struct ls_state *state)
{
	struct ls_attempt attempt;
	struct ls_decision decision;

	attempt_fill(login, &attempt);
	ls_admit(state, &attempt, state_now_ms(), &decision, &login->ticket);
	if (decision.verdict == LS_WAIT)
		return FALSE;
	log_decision(login, &decision);
	if (decision.verdict == LS_DENY) {
		deny(login, &decision);
	} else {
		if (is_scram(login))
			scram_intercept(login);
		answer(login, PASSDB_RESULT_NEXT);
	}
	return TRUE;
}

static void held_ask(void *context ATTR_UNUSED)
{
	struct login *login, *next;
	struct ls_state *state = state_get(guard, guard_event);
	uint64_t now = state_now_ms();

	for (login = held_head; login != NULL; login = next) {
		struct auth_request *request = login->request;

		next = login->next;
		if (!ask(login, state)) {
			if (now - login->held_since_ms < LOGIN_HELD_MAX_MS)
				continue;
			temporary_failure(login);
		}
		DLLIST2_REMOVE(&held_head, &held_tail, login);
		auth_request_unref(&request);
	}
	if (held_head == NULL)
		timeout_remove(&held_to);
}

static void hold(struct login *login)
{
	login->held_since_ms = state_now_ms();
	auth_request_ref(login->request);
	DLLIST2_APPEND(&held_head, &held_tail, login);
	if (held_to == NULL)
		held_to = timeout_add_short(LOGIN_HELD_ASK_MS, held_ask, NULL);
}

void logins_init(struct state *state, struct event *event)
{
	guard = state;
	guard_event = event;
}

void logins_deinit(void)
{
	while (held_head != NULL) {
		struct login *login = held_head;
		struct auth_request *request = login->request;

		DLLIST2_REMOVE(&held_head, &held_tail, login);
		temporary_failure(login);
		auth_request_unref(&request);
	}
	timeout_remove(&held_to);
}

/* A guess is something that a user has in mind and types: not the token of an
 * OAuth login, not the empty string of a client's certificate. */
static bool is_password_mech(const char *mech)
{
	return strcasecmp(mech, "PLAIN") == 0 || strcasecmp(mech, "LOGIN") == 0;
}

/* Is there something to ask, and was it not asked in this request before? */
static bool is_new(const struct auth_request *request)
{
	return request->fields.user != NULL &&
	       request->fields.remote_ip.family != 0 &&
	       outcome_find(request) == NULL;
}

/* Behind another passdb, every password is verified before we are asked. */
static void check_place(struct auth_request *request, struct ls_state *state)
{
	static bool told;
	const struct auth *auth = auth_request_get_auth(request);

	if (request->passdb == auth->passdbs ||
	    request->passdb == auth->masterdbs)
		return;
	ls_misplaced(state, state_now_ms());
	if (!told)
		e_error(guard_event, "passdb lockstep is not the first: "
			"passwords are verified that nobody counts");
	told = TRUE;
}

void login_check(struct auth_request *request, const char *password,
		 verify_plain_callback_t *verify,
		 lookup_credentials_callback_t *lookup)
{
	struct ls_state *state = NULL;
	struct login *login;

	if (is_new(request))
		state = state_get(guard, guard_event);
	if (state == NULL) {
		if (verify != NULL)
			verify(PASSDB_RESULT_NEXT, request);
		else
			lookup(PASSDB_RESULT_NEXT, NULL, 0, request);
		return;
	}
	check_place(request, state);
	login = i_new(struct login, 1);
	login->request = request;
	login->verify = verify;
	login->lookup = lookup;
	if (is_password_mech(request->fields.mech_name))
		login->password = password;
	outcome_watch(login);
	if (!ask(login, state))
		hold(login);
}
