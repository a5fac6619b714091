/* lockstep-plugin.c - the mail plugin: records mail sessions
 *
 * Runs in processes of imap, pop3, managesieve and submission, and does nothing
 * in any other that loads mail_plugins (LMTP, doveadm, LDA ...).
 *
 *   preinit            as root: opens the sessions map to write and the guard
 *                      to read
 *   mail_user_created  as the mail user: records that the session began
 *
 * Not recorded: users that Dovecot makes for itself (shared namespaces),
 * sessions that come back from hibernation, and clients without an address
 * (imap started from a shell). */
#include "lockstep-config.h"
#include "lib.h"
#include "compat.h"
#include "mail-user.h"
#include "mail-storage-hooks.h"
#include "master-service.h"
#include "lockstep-state.h"

struct module;

extern const char *lockstep_plugin_version;
void lockstep_plugin_preinit(void);
void lockstep_plugin_init(struct module *module);
void lockstep_plugin_deinit(void);

const char *lockstep_plugin_version = DOVECOT_ABI_VERSION;

/* Names of programs in Dovecot, and what the mail users in them are for. */
static const char *const services[] = {
	"imap", "pop3", "managesieve", "sieve", "submission", NULL
};

static struct state sessions;

static bool is_session(const struct mail_user *user)
{
	return sessions.opened && !user->autocreated &&
	       !user->session_restored &&
	       str_array_find(services, user->service);
}

static void lockstep_mail_user_created(struct mail_user *user)
{
	struct ls_addr ip;
	struct event *event;
	struct ls_state *state;

	if (!is_session(user) || !state_addr(user->conn.remote_ip, &ip))
		return;
	event = state_event_create(user->event);
	state = state_get(&sessions, event);
	if (state != NULL &&
	    ls_session_open(state, state_service(user->service), user->username,
			    &ip, user->session_id, state_now_ms()) < 0)
		e_error(event, "the session cannot be recorded");
	event_unref(&event);
}

static struct mail_storage_hooks lockstep_hooks = {
	.mail_user_created = lockstep_mail_user_created,
};

void lockstep_plugin_preinit(void)
{
	if (str_array_find(services, master_service_get_name(master_service)))
		state_open(&sessions, LS_GUARD_READ | LS_SESSIONS_WRITE |
			   LS_CREATE, "sessions are not recorded");
}

void lockstep_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &lockstep_hooks);
}

void lockstep_plugin_deinit(void)
{
	mail_storage_hooks_remove(&lockstep_hooks);
	state_close(&sessions);
}
