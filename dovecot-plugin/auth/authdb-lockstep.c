/* authdb-lockstep.c - the auth module: passdb driver `lockstep`
 *
 * A passdb that verifies nothing. Standing before all others, and before all
 * others with master=yes too, it asks Lockstep whether the password may be
 * verified at all (login.h), and learns from the passdbs behind it how that
 * went (outcome.h).
 *
 *   preinit  as root, in the auth process: opens the guard, and the sessions to
 *            read. Each passdb block has its own preinit; the first one opens.
 *            Takes over from Dovecot's own brake (penalty.h).
 *   init     as Dovecot's user: starts to record outcomes, and looks after the
 *            maps, which may come or be made anew
 *   deinit   the passdb's: answers logins that still wait; the module's, after
 *            all requests are gone: closes the guard
 *
 * Auth workers verify passwords for the auth process and are asked by nobody
 * else: the module decides nothing in them, and only notes which passdbs say yes
 * without a look at the password (unverified.h). Lookups without a mechanism (userdb
 * lookups, `doveadm user`, LMTP) are no logins: the driver says that it does
 * not know the user and touches no state.
 *
 * Never cached by Dovecot's auth cache (there is no default_cache_key), so the
 * question comes before cached answers too. */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "passdb.h"
#include "auth/decoy.h"
#include "auth/login.h"
#include "auth/outcome.h"
#include "auth/penalty.h"
#include "auth/spelling.h"
#include "auth/unverified.h"

struct module;

extern const char *authdb_lockstep_version;
void authdb_lockstep_init(struct module *module);
void authdb_lockstep_deinit(void);

const char *authdb_lockstep_version = DOVECOT_ABI_VERSION;

static struct state guard;
static struct event *guard_event;
static bool running;

static void lockstep_verify_plain(struct auth_request *request,
				  const char *password,
				  verify_plain_callback_t *callback)
{
	if (request->fields.mech_name == NULL)
		callback(PASSDB_RESULT_USER_UNKNOWN, request);
	else
		login_check(request, password, callback, NULL);
}

static void lockstep_lookup_credentials(struct auth_request *request,
					lookup_credentials_callback_t *callback)
{
	if (request->fields.mech_name == NULL)
		callback(PASSDB_RESULT_USER_UNKNOWN, NULL, 0, request);
	else
		login_check(request, NULL, NULL, callback);
}

static struct passdb_module *lockstep_make(pool_t pool, const char *args)
{
	if (!worker) {
		if (guard_event == NULL)
			guard_event = state_event_create(auth_event);
		if (*args != '\0')
			e_warning(guard_event, "passdb args are ignored: %s",
				  args);
		state_open(&guard, "auth",
			   LS_GUARD_WRITE | LS_SESSIONS_READ | LS_CREATE |
				   LS_SPACE | LS_SIBLINGS | LS_LOGINS,
			   "logins pass unguarded");
		state_report(&guard, guard_event);
		penalty_init(guard_event);
		penalty_set(guard.ls == NULL || ls_is_observing(guard.ls));
	}
	return p_new(pool, struct passdb_module, 1);
}

COMPAT_PASSDB_PREINIT(lockstep_preinit, lockstep_make)

static void lockstep_init(struct passdb_module *module)
{
	/* Nothing here blocks: not even when a setting asks for workers. */
	module->blocking = FALSE;
	unverified_init();
	if (worker || running)
		return;
	running = TRUE;
	decoys_init();
	logins_init(&guard, guard_event);
	outcome_init(&guard);
	state_set_names(&guard, spelling_look(guard_event));
	state_follow(&guard, guard_event);
}

static void lockstep_deinit(struct passdb_module *module ATTR_UNUSED)
{
	penalty_deinit();
	logins_deinit();
}

static struct passdb_module_interface passdb_lockstep = {
	.name = "lockstep",
	.preinit = lockstep_preinit,
	.init = lockstep_init,
	.deinit = lockstep_deinit,
	.verify_plain = lockstep_verify_plain,
	.lookup_credentials = lockstep_lookup_credentials,
};

void authdb_lockstep_init(struct module *module ATTR_UNUSED)
{
	passdb_register_module(&passdb_lockstep);
}

void authdb_lockstep_deinit(void)
{
	passdb_unregister_module(&passdb_lockstep);
	unverified_deinit();
	if (running) {
		outcome_deinit();
		decoys_deinit();
		running = FALSE;
	}
	state_close(&guard);
	event_unref(&guard_event);
}
