/* spelling.c - see spelling.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "auth.h"
#include "compat.h"
#include "db-passwd-file.h"
#include "settings.h"
#include "auth/format.h"
#include "lockstep.h"
#include "auth/spelling.h"

COMPAT_DB_FORMATS

static void log_dropped(struct event *event, const char *db, const char *driver,
			const char *format)
{
	e_error(event, "%s %s looks at what stands before the @ alone (%s), and "
		"auth_username_format = %s keeps the domain: each account has as "
		"many names as there are domains, with limits and locks of their "
		"own: %s", db, driver, format,
		global_auth_settings->username_format, COMPAT_FORMAT_ADVICE);
}

static unsigned int look_at_dbs(struct event *event)
{
	const struct auth *auth = auth_find_service(NULL);
	unsigned int names = 0;
	const struct auth_passdb *passdb;
	const struct auth_userdb *userdb;
	const char *format;

	for (passdb = auth->passdbs; passdb != NULL; passdb = passdb->next) {
		format = compat_passdb_format(passdb);
		if (!format_drops_domain(format))
			continue;
		names |= LS_NAMES_PASSDB;
		log_dropped(event, "passdb", passdb->set->driver, format);
	}
	for (userdb = auth->userdbs; userdb != NULL; userdb = userdb->next) {
		format = compat_userdb_format(userdb);
		if (!format_drops_domain(format))
			continue;
		names |= LS_NAMES_USERDB;
		log_dropped(event, "userdb", userdb->set->driver, format);
	}
	return names;
}

unsigned int spelling_look(struct event *event)
{
	const char *format = global_auth_settings->username_format;
	unsigned int names = format_lowers(format) ? 0 : LS_NAMES_AS_TYPED;

	return names | (format_drops_domain(format) ? LS_NAMES_LOCAL :
						      look_at_dbs(event));
}
