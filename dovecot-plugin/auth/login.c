/* login.c - see login.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "auth.h"
#include "compat.h"
#include "ioloop.h"
#include "passdb.h"
#include "auth/decoy.h"
#include "auth/held.h"
#include "auth/intercept.h"
#include "auth/login.h"
#include "auth/outcome.h"
#include "auth/pace.h"
#include "auth/penalty.h"
#include "refusal.h"

enum { LINES_A_SECOND = 10 }; /* of the log, for refusals */

static struct state *guard;
static struct event *guard_event;

static void answer_login(struct login *login, enum passdb_result result)
{
	if (login->verify != NULL)
		login->verify(result, login->request);
	else
		login->lookup(result, NULL, 0, login->request);
}

void login_reveal(struct auth_request *request, enum ls_reason reason)
{
	auth_request_set_field(request, "reason", refusal_text(reason), NULL);
}

/* After the time that a verification takes. */
static void deny_now(struct login *login)
{
	struct auth_request *request = login->request;
	const char *decoy = NULL;

	if (intercept_is_scram(login))
		decoy = decoy_credentials(request->wanted_credentials_scheme,
					  request->fields.user);
	intercept_login(login);
	if (decoy == NULL) {
		answer_login(login, PASSDB_RESULT_USER_DISABLED);
		return;
	}
	login->lookup(PASSDB_RESULT_OK, (const unsigned char *)decoy,
		      strlen(decoy), request);
}

/* Does it pass by itself, whoever asks? */
static bool is_for_now(enum ls_reason reason)
{
	return reason == LS_REASON_LOGINS || reason == LS_REASON_SESSIONS;
}

/* A client is to try again, and not to ask for another password: so with a code that
 * says so, in its protocol's terms. Dovecot's login processes for IMAP and POP3 take
 * it from the text. That of submission has no words of ours for a temporary failure,
 * but its own are better than a permanent one with ours. */
static void tell_for_now(struct auth_request *request, enum ls_reason reason)
{
	const char *service = compat_request_service(request), *code = "";

	if (strcmp(service, "imap") == 0)
		code = "[LIMIT] ";
	else if (strcmp(service, "pop3") == 0)
		code = reason == LS_REASON_SESSIONS ? "[IN-USE] "
						    : "[SYS/TEMP] ";
	else if (strcmp(service, "submission") == 0)
		request->internal_failure = TRUE;
	auth_request_set_field(request, "reason",
			       t_strconcat(code, refusal_text(reason), NULL),
			       NULL);
}

static void deny(struct login *login, const struct ls_decision *decision)
{
	login->denied = TRUE;
	if (decision->reveal) {
		if (is_for_now(decision->reason))
			tell_for_now(login->request, decision->reason);
		else
			login_reveal(login->request, decision->reason);
		intercept_login(login);
		answer_login(login, PASSDB_RESULT_USER_DISABLED);
	} else if (intercept_is_token(login)) {
		deny_now(login); /* the verification has taken its time */
	} else {
		pace_refusal(login, pace_kind(login), deny_now);
	}
}

static void temporary_failure(struct login *login)
{
	struct auth_request *request = login->request;

	/* PASSDB_RESULT_INTERNAL_FAILURE alone would let the next passdb verify
	 * the password. */
	request->internal_failure = TRUE;
	auth_request_set_field(request, "nodelay", "", NULL);
	answer_login(login, PASSDB_RESULT_USER_DISABLED);
}

static bool is_loopback_ip(const struct ip_addr *ip)
{
	if (ip->family == 0)
		return FALSE;
	if (IPADDR_IS_V4(ip))
		return *(const unsigned char *)&ip->u.ip4 == 127;
	return IN6_IS_ADDR_LOOPBACK(&ip->u.ip6);
}

/* TLS, or a connection that crosses no network: both ends are one machine. A
 * webmail or a proxy that connects over loopback tells its client's address,
 * and the local address still tells that it did. A program that tells no address
 * may have none: over what its client came, it alone knows. */
static bool is_login_secured(const struct auth_request *request)
{
	const struct ip_addr *remote = &request->fields.remote_ip;
	const struct ip_addr *local = &request->fields.local_ip;

	return compat_request_secured(request) || remote->family == 0 ||
	       is_loopback_ip(remote) || is_loopback_ip(local) ||
	       net_ip_compare(remote, local);
}

static void attempt_fill(const struct login *login,
			 struct ls_attempt *attempt_r)
{
	const struct auth_request *request = login->request;

	memset(attempt_r, 0, sizeof(*attempt_r));
	attempt_r->service = state_service(compat_request_service(request));
	attempt_r->mech = request->fields.mech_name;
	attempt_r->user = request->fields.user;
	attempt_r->nowhere = !state_addr(guard->ls, &request->fields.remote_ip,
					 &attempt_r->ip);
	attempt_r->secured = is_login_secured(request);
	attempt_r->password = login->password;
	attempt_r->target = request->fields.requested_login_user;
	if (login->held_since_ms != 0)
		attempt_r->waited_ms = state_now_ms() - login->held_since_ms;
}

/* Dovecot's own line tells of a failure alone, and an administrator who reads that has
 * to find the reason: whether auth_verbose is on or not. A flood must not fill the log:
 * what is over is seen with auth_verbose=yes, as Dovecot's lines on failures. */
static bool is_worth_a_line(void)
{
	static time_t second;
	static unsigned int lines;

	if (second != ioloop_time)
		lines = 0;
	second = ioloop_time;
	return lines++ < LINES_A_SECOND;
}

void login_log(struct auth_request *request, const struct ls_decision *decision)
{
	struct event *event;

	if (decision->wanted == decision->verdict &&
	    decision->verdict != LS_DENY)
		return;
	event = event_create(authdb_event(request));
	if (is_worth_a_line())
		event_set_min_log_level(event, LOG_TYPE_INFO);
	e_info(event, "%s: %s",
	       decision->verdict == LS_DENY ? "refused" : "would be refused",
	       refusal_log(decision));
	event_unref(&event);
}

/* Ask once. A login that has to wait waits for the subject of that key. */
static enum waiting_answer ask_engine(struct login *login, uint64_t *key_r)
{
	struct ls_attempt attempt;
	struct ls_decision decision;

	attempt_fill(login, &attempt);
	ls_admit(guard->ls, &attempt, state_now_ms(), &decision,
		 &login->ticket);
	if (decision.verdict == LS_WAIT) {
		*key_r = decision.key;
		return WAITING_ON;
	}
	if (login->ticket.open)
		login->ls = state_hold(guard);
	login_log(login->request, &decision);
	if (decision.verdict == LS_DENY) {
		deny(login, &decision);
		return WAITING_LEFT;
	}
	intercept_login(login);
	pace_begin(login);
	answer_login(login, PASSDB_RESULT_NEXT);
	return WAITING_TOOK;
}

void logins_init(struct state *state, struct event *event)
{
	guard = state;
	guard_event = event;
	held_init(ask_engine, temporary_failure);
	intercept_init(state);
}

void logins_deinit(void)
{
	held_deinit();
	pace_deinit();
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
	return request->fields.user != NULL && outcome_find(request) == NULL;
}

/* Behind another passdb, every password is verified before we are asked; and a
 * master's, where we do not stand among the passdbs for masters. */
static void check_own_place(struct auth_request *request,
			    struct ls_state *state)
{
	static bool told;
	const struct auth *auth = auth_request_get_auth(request);
	bool second = request->fields.master_user != NULL;

	if (request->passdb == auth->masterdbs ||
	    (request->passdb == auth->passdbs && !second))
		return;
	ls_misplaced(state, state_now_ms());
	if (!told)
		e_error(guard_event, "passdb lockstep is not the first%s: "
			"passwords are verified that nobody counts",
			second ? " with master=yes" : "");
	told = TRUE;
}

/* A master whom nobody asked us about logs in to an account. */
static enum passdb_result check_target(struct auth_request *request,
				       struct ls_state *state)
{
	struct ls_decision decision;
	struct ls_addr ip;
	bool known = state_addr(state, &request->fields.remote_ip, &ip);

	if (!ls_frozen(state, request->fields.user, known ? &ip : NULL,
		       state_now_ms(), &decision))
		return PASSDB_RESULT_NEXT;
	login_log(request, &decision);
	return PASSDB_RESULT_USER_DISABLED;
}

void login_check(struct auth_request *request, const char *password,
		 verify_plain_callback_t *verify,
		 lookup_credentials_callback_t *lookup)
{
	enum passdb_result result = PASSDB_RESULT_NEXT;
	struct ls_state *state = NULL;
	struct login *login;
	uint64_t key;

	if (is_new(request)) {
		state = state_get(guard, guard_event);
		penalty_set(state == NULL || ls_is_observing(state));
	}
	if (state != NULL)
		check_own_place(request, state);
	if (state != NULL && request->fields.master_user != NULL) {
		result = check_target(request, state);
		state = NULL;
	}
	if (state == NULL) {
		if (verify != NULL)
			verify(result, request);
		else
			lookup(result, NULL, 0, request);
		return;
	}
	held_before_new();
	login = i_new(struct login, 1);
	login->request = request;
	login->verify = verify;
	login->lookup = lookup;
	if (is_password_mech(request->fields.mech_name))
		login->password = password;
	outcome_watch(login);
	if (ask_engine(login, &key) == WAITING_ON)
		held_add(login, key);
}
