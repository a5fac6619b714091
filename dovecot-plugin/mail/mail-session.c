/* mail-session.c - see mail-session.h */
#include "lockstep-config.h"
#include "compat.h"
#include "ioloop.h"
#include "llist.h"
#include "mail-user.h"
#include "module-context.h"
#include "mail/mail-session.h"
#include "refusal.h"

enum { RETRY_MS = 100 };

struct mail_session {
	union mail_user_module_context module_ctx;
	struct mail_session *prev, *next;
	struct mail_user *user;
	struct ls_addr ip;
	struct ls_session held;
	struct ls_session_start start;
	ending_fn *ending;
	const char *farewell; /* it must end, and is told so; NULL: it need not */
	enum ls_reason reason; /* for that */
	struct timeout *to_end, *to_meet;
	const void *imap_client;
};

static MODULE_CONTEXT_DEFINE_INIT(mail_session_module,
				  &mail_user_module_register);
#define MAIL_SESSION(user) \
	MODULE_CONTEXT_REQUIRE(user, mail_session_module)

static struct state *sessions;
static struct mail_session *mail_sessions;
static struct timeout *to_look;

/* ---- ending ----------------------------------------------------------- */

/* The client may not be there yet: it is made after its user. */
static void try_to_end(struct mail_session *session)
{
	timeout_remove(&session->to_end);
	/* May free the session. */
	if (!session->ending(session->user, session->farewell,
			     session->reason))
		session->to_end = timeout_add_short_to(
			io_loop_get_root(), RETRY_MS, try_to_end, session);
}

static void log_end(const struct mail_session *session, const char *what,
		    const struct ls_decision *decision)
{
	struct event *event = state_event_create(session->user->event);

	e_info(event, "session %s: %s", what, refusal_log(decision));
	event_unref(&event);
}

/* End it when the event loop runs next. */
static void end_soon(struct mail_session *session,
		     const struct ls_decision *decision)
{
	session->farewell = decision->reveal
				    ? refusal_text(decision->reason)
				    : "The server closes this session.";
	session->reason = decision->reveal ? decision->reason : LS_REASON_NONE;
	session->to_end = timeout_add_to(io_loop_get_root(), 0, try_to_end,
					 session);
}

/* ---- looking ---------------------------------------------------------- */

/* With the policy as it is now. */
static void look_closer(uint64_t now)
{
	struct mail_session *session;
	struct ls_decision decision;
	struct event *event = state_event_create(NULL);
	struct ls_state *state = state_get(sessions, event);

	event_unref(&event);
	if (state == NULL)
		return;
	for (session = mail_sessions; session != NULL;
	     session = session->next) {
		if (session->farewell != NULL ||
		    !ls_session_is_revoked(state, &session->held,
					   session->user->username,
					   &session->ip, now, &decision))
			continue;
		log_end(session, "ended", &decision);
		end_soon(session, &decision);
	}
}

/* There may be ten thousands of idle processes that do this: no more than it
 * takes to see that nothing was ordered. */
static void look_at_sessions(void *context ATTR_UNUSED)
{
	const struct mail_session *session;
	uint64_t now = state_now_ms();

	for (session = mail_sessions; session != NULL;
	     session = session->next) {
		if (sessions->ls != NULL && session->farewell == NULL &&
		    ls_session_is_to_be_looked_at(sessions->ls, &session->held,
						  now)) {
			look_closer(now);
			return;
		}
	}
}

/* One timer for all, while there are any. */
static void check_timer(void)
{
	if (mail_sessions == NULL)
		timeout_remove(&to_look);
	else if (to_look == NULL)
		to_look =
			timeout_add_to(io_loop_get_root(), MAIL_SESSION_LOOK_MS,
				       look_at_sessions, NULL);
}

/* ---- begin and end ---------------------------------------------------- */

static enum ls_session_end how_it_ended(const struct mail_session *session)
{
	if (session->farewell != NULL)
		return LS_END_REVOKED;
	if (ending_imap_hibernates(session->imap_client))
		return LS_END_HIBERNATED;
	return LS_END_CLOSED;
}

static void mail_session_deinit(struct mail_user *user)
{
	struct mail_session *session = MAIL_SESSION(user);

	timeout_remove(&session->to_end);
	timeout_remove(&session->to_meet);
	DLLIST_REMOVE(&mail_sessions, session);
	check_timer();
	if (sessions->ls != NULL)
		ls_session_close(sessions->ls, &session->start, &session->held,
				 how_it_ended(session), state_now_ms());
	session->module_ctx.super.deinit(user);
}

/* The client is made after its user, before the event loop runs next. */
static void meet(struct mail_session *session)
{
	timeout_remove(&session->to_meet);
	session->imap_client = ending_imap_client(session->user);
}

static struct mail_session *session_new(struct mail_user *user)
{
	struct mail_session *session =
		p_new(user->pool, struct mail_session, 1);
	struct mail_user_vfuncs *v = user->vlast;

	session->module_ctx.super = *v;
	user->vlast = &session->module_ctx.super;
	v->deinit = mail_session_deinit;
	MODULE_CONTEXT_SET(user, mail_session_module, session);
	session->user = user;
	DLLIST_PREPEND(&mail_sessions, session);
	check_timer();
	return session;
}

void mail_session_begin(struct mail_user *user, const struct ls_addr *ip,
			const char *service, ending_fn *ending)
{
	static bool told_stale;
	struct event *event = state_event_create(user->event);
	struct ls_state *state = state_get(sessions, event);
	struct mail_session *session;
	struct ls_decision decision;

	if (sessions->stale && !told_stale) {
		e_warning(event, "the maps were replaced: sessions of this "
			  "process are not recorded, nor ended by a freeze; it "
			  "takes no more clients");
		told_stale = TRUE;
	}
	event_unref(&event);
	if (state == NULL)
		return;
	session = session_new(user);
	session->ip = *ip;
	session->ending = ending;
	session->to_meet = timeout_add_to(io_loop_get_root(), 0, meet, session);
	session->start = (struct ls_session_start){
		.service = service,
		.user = user->username,
		.ip = &session->ip,
		.id = user->session_id,
		.restored = user->session_restored,
	};
	ls_session_open(state, &session->start, state_now_ms(),
			&session->held, &decision);
	if (decision.verdict == LS_DENY) {
		log_end(session, "refused", &decision);
		end_soon(session, &decision);
	}
}

/* A user of this program may be none of ours. */
static const char *farewell_of(struct mail_user *user)
{
	const struct mail_session *session = mail_sessions;

	while (session != NULL && session->user != user)
		session = session->next;
	return session == NULL ? NULL : session->farewell;
}

void mail_sessions_init(struct state *state)
{
	sessions = state;
	ending_imap_init(farewell_of);
}

void mail_sessions_deinit(void)
{
	ending_imap_deinit();
	timeout_remove(&to_look);
}
