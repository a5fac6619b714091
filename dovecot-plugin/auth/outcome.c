/* outcome.c - see outcome.h
 *
 * A login hangs on its request's event; what happens to the request shows in
 * events below that one.
 *
 * Two of them matter, auth_passdb_request_finished and auth_request_finished. They
 * are debug events: they are made for each login, but nobody gets to see them sent
 * unless a filter wants them, and one that is wanted costs 1 us. Seen or not, they
 * are freed the moment after. An event has lost its name by then, not its parent
 * and its fields, and those tell which it is. */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "lib-event-private.h"
#include "passdb.h"
#include "auth/held.h"
#include "auth/outcome.h"
#include "auth/pace.h"
#include "auth/proof.h"
#include "auth/unverified.h"

#define LOGIN_KEY "lockstep-login"

static struct state *guard;

static struct login *login_above(struct event *event)
{
	struct login *login = NULL;

	while (event != NULL && login == NULL) {
		login = event_get_ptr(event, LOGIN_KEY);
		event = event_get_parent(event);
	}
	return login;
}

/* ---- what became of it -------------------------------------------------- */

/* Did a passdb compare the password and say no, and none yes? Then it is wrong,
 * whatever others said: a passdb that fails at each lookup must not make guessing
 * at another one free, nor one that says yes to everything. */
static bool is_compared_and_wrong(const struct login *login)
{
	return login->said_no && (!login->said_yes || login->unverified);
}

/* Does no passdb know the user? Not where one compared a password besides; and what
 * allow_nets forbids is made an unknown user of, too. */
static bool is_unknown(const struct login *login)
{
	return login->last == PASSDB_RESULT_USER_UNKNOWN && !login->barred &&
	       !login->said_no && !login->said_yes;
}

static bool is_denied(enum passdb_result result)
{
	return result == PASSDB_RESULT_USER_DISABLED ||
	       result == PASSDB_RESULT_PASS_EXPIRED;
}

/* Of a login that did not succeed, from what the passdbs said. */
static enum ls_outcome outcome_of_lookup(const struct login *login)
{
	if (is_compared_and_wrong(login))
		return LS_OUTCOME_WRONG;
	if (!login->answered)
		return login->error ? LS_OUTCOME_INTERNAL : LS_OUTCOME_WRONG;
	switch (login->last) {
	case PASSDB_RESULT_USER_DISABLED:
	case PASSDB_RESULT_PASS_EXPIRED:
		return LS_OUTCOME_DENIED;
	case PASSDB_RESULT_INTERNAL_FAILURE:
	/* The hash that the passdb has is of no use to the mechanism, or is none:
	 * whatever the client sent was compared with nothing. */
	case PASSDB_RESULT_SCHEME_NOT_AVAILABLE:
		return LS_OUTCOME_INTERNAL;
	case PASSDB_RESULT_USER_UNKNOWN:
	case PASSDB_RESULT_PASSWORD_MISMATCH:
		/* A clear no, whatever was logged on the way: an error that
		 * comes with each lookup must not make guessing free. */
		return is_unknown(login) ? LS_OUTCOME_UNKNOWN :
					   LS_OUTCOME_WRONG;
	case PASSDB_RESULT_OK:
		/* A password that was compared is right: something else said
		 * no, and what is right must not be remembered as wrong. */
		if (login->verify != NULL)
			return LS_OUTCOME_DENIED;
		/* fall through */
	default:
		/* The mechanism's word counts: a wrong proof. Unless it failed
		 * over the credentials themselves. */
		return login->error ? LS_OUTCOME_INTERNAL : LS_OUTCOME_WRONG;
	}
}

/* Then the name is the certificate's, and no password is needed: `nopassword` is
 * how that is set up. */
static bool has_certificate(const struct auth_request *request)
{
	return strcasecmp(request->fields.mech_name, "EXTERNAL") == 0 ||
	       (request->fields.valid_client_cert &&
		request->fields.cert_username);
}

static enum ls_outcome outcome_of_request(const struct login *login)
{
	const struct auth_request *request = login->request;

	if (is_compared_and_wrong(login))
		return LS_OUTCOME_WRONG;
	if (request->fields.successful)
		return login->unverified && !has_certificate(request)
			       ? LS_OUTCOME_UNVERIFIED
			       : LS_OUTCOME_SUCCESS;
	/* The client is told of a temporary failure. */
	if (request->internal_failure)
		return LS_OUTCOME_INTERNAL;
	/* A deny=yes passdb has the user, or the account is frozen under the name
	 * that the passdbs gave it: then no proof was looked at. */
	if (is_denied(request->passdb_result) || login->denied)
		return LS_OUTCOME_DENIED;
	/* An auth policy server refused after the password was found right: had
	 * it refused before, no passdb would have been asked. */
	if (request->policy_refusal && !request->set->policy_log_only)
		return LS_OUTCOME_DENIED;
	return outcome_of_lookup(login);
}

/* ---- telling it --------------------------------------------------------- */

/* Is the session another server's, or may it be? */
static bool is_request_proxied(const struct auth_request *request)
{
	return auth_fields_exists(request->fields.extra_fields, "proxy") ||
	       auth_fields_exists(request->fields.extra_fields, "proxy_maybe");
}

static void mark_request(struct login *login)
{
	if (is_request_proxied(login->request))
		ls_ticket_mark(&login->ticket, LS_MARK_PROXIED);
	if (login->request->auth_only) /* "nologin" */
		ls_ticket_mark(&login->ticket, LS_MARK_FOREIGN);
}

/* What the passdbs made of the name; but a master stays who he is. */
static void name_account(struct login *login)
{
	const struct auth_request *request = login->request;

	if (request->fields.master_user == NULL &&
	    strcmp(request->fields.user, login->ticket.user) != 0)
		ls_ticket_final(&login->ticket, request->fields.user);
}

static void settle_ticket(struct login *login, enum ls_outcome outcome)
{
	mark_request(login);
	if (outcome == LS_OUTCOME_SUCCESS)
		name_account(login);
	/* A name that nobody has takes its own time, as ever: refusals are as
	 * both. */
	if (ls_outcome_is_wrong(outcome))
		pace_learn(login);
	/* The passdb that failed, or a backend, may have found it right. */
	if (login->barred || login->unverified ||
	    login->ticket.failed[0] != '\0')
		ls_ticket_unsure(&login->ticket);
	held_settled(&login->ticket);
	ls_settle(login->ls, &login->ticket, outcome, state_now_ms());
}

/* It failed for want of a proof. If that came after all and was right, it is a success
 * that has failed before. */
static void settle_late(struct login *login, enum ls_outcome outcome)
{
	login->late = FALSE;
	if (outcome != LS_OUTCOME_SUCCESS)
		return;
	mark_request(login);
	name_account(login);
	ls_settle_late(login->ls, &login->ticket, state_now_ms());
}

static void settle(struct login *login, enum ls_outcome outcome)
{
	proof_end(login);
	if (login->late)
		settle_late(login, outcome);
	else if (login->ticket.open)
		settle_ticket(login, outcome);
	else
		return;
	state_release(guard, login->ls);
}

/* The client does not end the exchange. */
static void settle_overdue(struct login *login)
{
	enum ls_outcome outcome = outcome_of_lookup(login);

	if (!login->ticket.open)
		return;
	settle_ticket(login, outcome);
	login->late = ls_outcome_is_wrong(outcome);
	if (!login->late)
		state_release(guard, login->ls);
}

void outcome_answered(struct login *login, enum passdb_result result)
{
	login->answered = TRUE;
	login->last = result;
	pace_end(login);
	/* Errors of a passdb that this answer came after are of no account. */
	login->error = FALSE;
}

/* ---- events ------------------------------------------------------------- */

/* For people: "passwd-file /etc/dovecot/deny-users". From the data stack. */
static const char *name_passdb(const struct auth_passdb *passdb)
{
	const char *name = compat_passdb_name(passdb);
	const char *args = compat_passdb_args(passdb), *path;

	/* The other arguments may be secret. */
	path = strrchr(args, ' ');
	path = path == NULL ? args : path + 1;
	return *path == '/' ? t_strconcat(name, " ", path, NULL) : name;
}

/* Told of each answer while some passdb fails; perhaps one did when the process before
 * this one ended. */
static bool some_fail = TRUE;

static void passdb_works(const struct login *login)
{
	if (some_fail) T_BEGIN {
		some_fail = ls_passdb_answered(
			guard->ls, name_passdb(login->request->passdb),
			state_now_ms());
	} T_END;
}

static void passdb_failed(struct login *login)
{
	some_fail = TRUE;
	T_BEGIN {
		const char *name = name_passdb(login->request->passdb);

		ls_passdb_failed(guard->ls, name, state_now_ms());
		ls_ticket_failed(&login->ticket, name);
	} T_END;
}

/* One passdb's word, before it becomes a part of the last one. */
static void passdb_answered(struct login *login, const char *result)
{
	struct auth_request *request = login->request;
	bool unverified = unverified_take(request);

	if (strcmp(result, "internal_failure") == 0) {
		passdb_failed(login);
		return;
	}
	passdb_works(login);
	if (request->passdb->set->deny) {
		; /* It has the user, and looks at no password. */
	} else if (strcmp(result, "password_mismatch") == 0) {
		login->said_no = login->verify != NULL;
	} else if (strcmp(result, "ok") == 0 && !login->said_yes) {
		/* The first one decides: those behind it compare no more. */
		login->said_yes = TRUE;
		login->unverified = unverified;
	}
}

/* Of a passthrough event, which only tells that something has happened. */
static void event_told(struct event *event)
{
	struct event *parent = event_get_parent(event);
	struct login *login = login_above(parent);
	const struct event_field *result;

	if (login == NULL)
		return;
	if (parent == login->request->event) {
		if (login->request->event_finished_sent)
			settle(login, outcome_of_request(login));
		return;
	}
	result = event_find_field_nonrecursive(event, "result");
	if (result != NULL && parent == authdb_event(login->request) &&
	    !login->request->userdb_lookup)
		passdb_answered(login, result->value.str);
}

/* A passdb's allow_nets forbids the login: Dovecot then makes a wrong password of a
 * right one, and only its log line tells, by its end. Before that it has the
 * user's name, which may be any text. */
static bool ATTR_FORMAT(2, 0)
is_barred(const struct failure_context *ctx, const char *format, va_list args)
{
	static const char end[] = " not in allowed networks";
	bool barred = FALSE;

	if (ctx->type == LOG_TYPE_INFO) T_BEGIN {
		const char *line = t_strdup_vprintf(format, args);
		size_t len = strlen(line);

		barred = len >= sizeof(end) - 1 &&
			 strcmp(line + len - (sizeof(end) - 1), end) == 0;
	} T_END;
	return barred;
}

static void ATTR_FORMAT(3, 0)
event_sent(struct event *event, const struct failure_context *ctx,
	   const char *format, va_list args)
{
	bool error = ctx->type >= LOG_TYPE_ERROR && ctx->type < LOG_TYPE_COUNT;
	bool barred = is_barred(ctx, format, args);
	struct login *login;

	if (!error && !barred)
		return;
	login = login_above(event);
	if (login == NULL)
		return;
	if (barred)
		login->barred = TRUE;
	else
		login->error = TRUE;
}

/* Of a request. */
static void event_freed(struct event *event)
{
	struct login *login = event_get_ptr(event, LOGIN_KEY);

	if (login == NULL)
		return;
	if (login->answered && login->last != PASSDB_RESULT_OK)
		settle(login, outcome_of_lookup(login));
	else
		settle(login, LS_OUTCOME_ABANDONED);
	i_free(login);
}

static bool ATTR_FORMAT(4, 0)
event_callback(struct event *event, enum event_callback_type type,
	       struct failure_context *ctx, const char *fmt, va_list args)
{
	va_list copy;

	switch (type) {
	case EVENT_CALLBACK_TYPE_CREATE:
		break;
	case EVENT_CALLBACK_TYPE_SEND:
		VA_COPY(copy, args);
		event_sent(event, ctx, fmt, copy);
		va_end(copy);
		break;
	case EVENT_CALLBACK_TYPE_FREE:
		if (event->passthrough)
			event_told(event);
		else
			event_freed(event);
		break;
	}
	return TRUE;
}

void outcome_watch(struct login *login)
{
	event_set_ptr(login->request->event, LOGIN_KEY, login);
}

struct login *outcome_find(const struct auth_request *request)
{
	return event_get_ptr(request->event, LOGIN_KEY);
}

void outcome_init(struct state *state)
{
	guard = state;
	proof_init(settle_overdue);
	event_register_callback(event_callback);
}

void outcome_deinit(void)
{
	if (guard == NULL)
		return;
	event_unregister_callback(event_callback);
	proof_deinit();
	guard = NULL;
}
