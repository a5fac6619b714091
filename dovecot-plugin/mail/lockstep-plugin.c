/* lockstep-plugin.c - the mail plugin: counts, limits and ends mail sessions
 *
 * Runs in processes of imap, pop3, managesieve and submission, and does nothing
 * in any other that loads mail_plugins (LMTP, doveadm, LDA ...).
 *
 *   preinit            as root: opens the sessions map to write and the guard
 *                      to read
 *   mail_user_created  as the mail user: the session begins, see mail-session.h
 *
 * No sessions: users that Dovecot makes for itself (shared namespaces), and
 * clients without an address (imap started from a shell). */
#include "lockstep-config.h"
#include "lib.h"
#include "compat.h"
#include "mail-user.h"
#include "mail-storage-hooks.h"
#include "master-service.h"
#include "mail/mail-session.h"

struct module;

extern const char *lockstep_plugin_version;
void lockstep_plugin_preinit(void);
void lockstep_plugin_init(struct module *module);
void lockstep_plugin_deinit(void);

const char *lockstep_plugin_version = DOVECOT_ABI_VERSION;

/* Names of programs in Dovecot, and what the mail users in them are for. */
static const struct {
	const char *name;
	ending_fn *ending;
} services[] = {
	{ "imap", ending_imap },
	{ "pop3", ending_pop3 },
	{ "managesieve", ending_sieve },
	{ "sieve", ending_sieve },
	{ "submission", ending_submission },
};

static struct state sessions;

/* Returns NULL for a program that has no sessions. */
static ending_fn *ending_of(const char *service)
{
	for (unsigned int i = 0; i < N_ELEMENTS(services); i++)
		if (strcmp(services[i].name, service) == 0)
			return services[i].ending;
	return NULL;
}

static void lockstep_mail_user_created(struct mail_user *user)
{
	ending_fn *ending = ending_of(user->service);
	struct ls_addr ip;

	if (sessions.opened && !user->autocreated && ending != NULL &&
	    state_addr(sessions.ls, user->conn.remote_ip, &ip))
		mail_session_begin(user, &ip, state_service(user->service),
				   ending);
}

static struct mail_storage_hooks lockstep_hooks = {
	.mail_user_created = lockstep_mail_user_created,
};

void lockstep_plugin_preinit(void)
{
	const char *name = master_service_get_name(master_service);
	struct event *event;

	if (ending_of(name) == NULL)
		return;
	state_open(&sessions, name,
		   LS_GUARD_READ | LS_SESSIONS_WRITE | LS_CREATE | LS_SPACE |
			   LS_SIBLINGS | LS_BRIEF,
		   "sessions are not recorded");
	event = state_event_create(NULL);
	state_report(&sessions, event);
	event_unref(&event);
}

void lockstep_plugin_init(struct module *module)
{
	mail_sessions_init(&sessions);
	mail_storage_hooks_add(module, &lockstep_hooks);
}

void lockstep_plugin_deinit(void)
{
	mail_storage_hooks_remove(&lockstep_hooks);
	mail_sessions_deinit();
	state_close(&sessions);
}
