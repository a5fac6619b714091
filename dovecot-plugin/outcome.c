/* outcome.c - see outcome.h
 *
 * A login hangs on its request's event; what happens to the request is sent as
 * events below that one. */
#include "lockstep-config.h"
#include "auth-common.h"
#include "auth.h"
#include "compat.h"
#include "event-filter.h"
#include "lib-event-private.h"
#include "passdb.h"
#include "held.h"
#include "outcome.h"
#include "pace.h"

#define LOGIN_KEY "lockstep-login"
#define REQUEST_FINISHED "auth_request_finished"

static struct state *guard;
static struct event_filter *wanted;    /* the event */
static struct event_filter *installed; /* theirs and ours, as last set */
static bool filtering; /* they are wanted by now */

/* The stats client sets a filter of its own at each handshake, in place of what
 * was there: set again theirs and ours. Holding a reference keeps the address
 * from being used again, so that comparing it tells. */
static void filter_keep(void)
{
	struct event_filter *current = event_get_global_debug_send_filter();
	struct event_filter *merged;

	if (current == installed)
		return;
	merged = event_filter_create();
	if (current != NULL)
		compat_event_filter_or(merged, current);
	compat_event_filter_or(merged, wanted);
	event_set_global_debug_send_filter(merged);
	event_filter_unref(&installed);
	installed = merged;
}

/* From now on the event is sent. */
static void filter_begin(void)
{
	filtering = TRUE;
	filter_keep();
}

static struct login *login_above(struct event *event)
{
	struct login *login = NULL;

	while (event != NULL && login == NULL) {
		login = event_get_ptr(event, LOGIN_KEY);
		event = event_get_parent(event);
	}
	return login;
}

static bool is_denied(enum passdb_result result)
{
	return result == PASSDB_RESULT_USER_DISABLED ||
	       result == PASSDB_RESULT_PASS_EXPIRED;
}

/* Did the passdb that says so compare no password, and no other one either? Only of
 * the last passdb the word is known: so not where others were asked before it. And
 * what allow_nets forbids is made an unknown user of, too. */
static bool is_unknown(const struct login *login)
{
	struct auth_request *request = login->request;
	const struct auth_passdb *first =
		auth_request_get_auth(request)->passdbs;

	return login->last == PASSDB_RESULT_USER_UNKNOWN && !login->barred &&
	       first != NULL && first->next == request->passdb;
}

/* Of a login that did not succeed, from what the passdbs said. */
static enum ls_outcome outcome_of_lookup(const struct login *login)
{
	if (!login->answered)
		return login->error ? LS_OUTCOME_INTERNAL : LS_OUTCOME_WRONG;
	switch (login->last) {
	case PASSDB_RESULT_USER_DISABLED:
	case PASSDB_RESULT_PASS_EXPIRED:
		return LS_OUTCOME_DENIED;
	case PASSDB_RESULT_INTERNAL_FAILURE:
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

static enum ls_outcome outcome_of_request(const struct login *login,
					  bool internal_failure)
{
	const struct auth_request *request = login->request;

	if (request->fields.successful)
		return LS_OUTCOME_SUCCESS;
	/* The client is told of a temporary failure. */
	if (internal_failure)
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

/* Is the session another server's, or may it be? */
static bool is_proxied(const struct auth_request *request)
{
	return auth_fields_exists(request->fields.extra_fields, "proxy") ||
	       auth_fields_exists(request->fields.extra_fields, "proxy_maybe");
}

static void settle(struct login *login, enum ls_outcome outcome)
{
	const struct auth_request *request = login->request;

	if (!login->ticket.open)
		return;
	/* What the passdbs made of the name; but a master stays who he is. */
	if (outcome == LS_OUTCOME_SUCCESS &&
	    request->fields.master_user == NULL &&
	    strcmp(request->fields.user, login->ticket.user) != 0)
		ls_ticket_final(&login->ticket, request->fields.user);
	if (is_proxied(request))
		ls_ticket_mark(&login->ticket, LS_MARK_PROXIED);
	if (request->auth_only) /* "nologin" */
		ls_ticket_mark(&login->ticket, LS_MARK_FOREIGN);
	/* A name that nobody has takes its own time, as ever: refusals are as
	 * both. */
	if (ls_outcome_is_wrong(outcome))
		pace_learn(login);
	if (login->barred)
		ls_ticket_unsure(&login->ticket);
	held_settled(&login->ticket);
	ls_settle(login->ls, &login->ticket, outcome, state_now_ms());
	state_release(guard, login->ls);
}

void outcome_answered(struct login *login, enum passdb_result result)
{
	login->answered = TRUE;
	login->last = result;
	pace_end(login);
	/* Errors of a passdb that this answer came after are of no account. But
	 * credentials that no scheme fits may be the error themselves. */
	if (result != PASSDB_RESULT_SCHEME_NOT_AVAILABLE)
		login->error = FALSE;
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
	const char *name = event->sending_name;
	bool error = ctx->type >= LOG_TYPE_ERROR && ctx->type < LOG_TYPE_COUNT;
	bool finished = name != NULL && strcmp(name, REQUEST_FINISHED) == 0;
	bool barred = is_barred(ctx, format, args);
	struct login *login;

	if (!error && !finished && !barred)
		return;
	login = login_above(event);
	if (login == NULL)
		return;
	if (finished)
		settle(login, outcome_of_request(
				      login, login->request->internal_failure));
	else if (barred)
		login->barred = TRUE;
	else
		login->error = TRUE;
}

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
		if (filtering)
			filter_keep();
		break;
	case EVENT_CALLBACK_TYPE_SEND:
		VA_COPY(copy, args);
		event_sent(event, ctx, fmt, copy);
		va_end(copy);
		break;
	case EVENT_CALLBACK_TYPE_FREE:
		event_freed(event);
		break;
	}
	return TRUE;
}

void outcome_finished(struct login *login)
{
	/* Of a request whose client has gone Dovecot makes an internal failure
	 * by now: what the passdbs said counts. */
	bool failed = login->last == PASSDB_RESULT_INTERNAL_FAILURE;

	/* An auth policy server is asked, or the answer is delayed. */
	if (!login->request->event_finished_sent)
		filter_begin();
	else
		settle(login, outcome_of_request(login, failed));
}

void outcome_watch(struct login *login)
{
	if (login->lookup != NULL && !filtering)
		filter_begin();
	event_set_ptr(login->request->event, LOGIN_KEY, login);
}

struct login *outcome_find(const struct auth_request *request)
{
	return event_get_ptr(request->event, LOGIN_KEY);
}

void outcome_init(struct state *state)
{
	const char *error;

	guard = state;
	wanted = event_filter_create();
	if (event_filter_parse("event=" REQUEST_FINISHED, wanted, &error) < 0)
		i_panic("event filter: %s", error);
	event_register_callback(event_callback);
}

void outcome_deinit(void)
{
	if (wanted == NULL)
		return;
	event_unregister_callback(event_callback);
	filtering = FALSE;
	event_filter_unref(&installed);
	event_filter_unref(&wanted);
}
