/* compat.h - what differs between Dovecot 2.3.19 and 2.4.1
 *
 * The one place that asks for Dovecot's version. Everything here is a macro, so
 * that each module compiles only what it uses: the auth module includes
 * Dovecot's auth headers besides, the mail plugin those of lib-storage.
 *
 * Include after "lockstep-config.h". Dovecot has a header of this name too;
 * each finds its own, being included in quotes from its own directory. */
#ifndef LOCKSTEP_COMPAT_H
#define LOCKSTEP_COMPAT_H

#include "lib.h"

#if !DOVECOT_PREREQ(2, 3, 19)
#error "Dovecot 2.3.19 or later is needed"
#elif DOVECOT_PREREQ(2, 4, 2)
/* Its interfaces for passdbs and event filters change from 2.4.2 to 2.4.3. */
#error "Lockstep knows Dovecot up to 2.4.1"
#endif

#if DOVECOT_PREREQ(2, 4, 0)

/* struct auth_request *: the protocol that the client logs in to; the client's
 * connection cannot be overheard (TLS, or both ends on one machine). */
#define compat_request_service(request) ((request)->fields.protocol)
#define compat_request_secured(request) \
	((request)->fields.conn_secured != AUTH_REQUEST_CONN_SECURED_NONE)

/* struct client ** of the program submission: end it, with 421. */
#define compat_submission_destroy(client, code, text) \
	client_destroy(client, code, text, text)

/* const struct auth_passdb *: what an administrator calls it; its arguments. */
#define compat_passdb_name(passdb) ((passdb)->name)
#define compat_passdb_args(passdb) ""

/* Define `name`, a passdb driver's preinit, which runs as root once for each
 * passdb block. `make` takes (pool_t, const char *args) and returns the struct
 * passdb_module; since 2.4 there are no args, and it gets "". */
#define COMPAT_PASSDB_PREINIT(name, make)                             \
	static int name(pool_t pool, struct event *event ATTR_UNUSED, \
			struct passdb_module **module_r,              \
			const char **error_r ATTR_UNUSED)             \
	{                                                             \
		*module_r = make(pool, "");                           \
		return 0;                                             \
	}

/* Define compat_passdb_format(const struct auth_passdb *) and compat_userdb_format():
 * how the database finds a user by the name, variables as they are; "" where that is
 * not to be seen. Since 2.4 a passwd-file looks for what auth_username_format is
 * within its own block, in the file that its path, which may have variables, names. */
#define COMPAT_DB_FORMAT(name, type, kind)                                     \
	static const char *name(const struct type *db)                         \
	{                                                                      \
		const struct passwd_file_settings *set;                        \
		const char *format = "", *error;                               \
		struct event *event;                                           \
                                                                               \
		if (strcmp(db->set->driver, "passwd-file") != 0)               \
			return "";                                             \
		event = event_create(auth_event);                              \
		event_add_str(event, kind, db->name);                          \
		settings_event_add_filter_name(event, kind "_passwd-file");    \
		settings_event_add_list_filter_name(event, kind, db->name);    \
		if (settings_get(event, &passwd_file_setting_parser_info, 0,   \
				 &set, &error) == 0) {                         \
			format = t_strconcat(db->auth_set->username_format,    \
					     " ", set->passwd_file_path,       \
					     NULL);                            \
			settings_free(set);                                    \
		}                                                              \
		event_unref(&event);                                           \
		return format;                                                 \
	}
#define COMPAT_DB_FORMATS                                                      \
	COMPAT_DB_FORMAT(compat_passdb_format, auth_passdb, "passdb")          \
	COMPAT_DB_FORMAT(compat_userdb_format, auth_userdb, "userdb")
#define COMPAT_FORMAT_ADVICE                                                   \
	"set auth_username_format = %{user | username | lower} for all, or "   \
	"%{user} for this one"

#else

#define COMPAT_DB_FORMATS                                                      \
	static const char *compat_passdb_format(const struct auth_passdb *db)  \
	{                                                                      \
		return db->set->args;                                          \
	}                                                                      \
	/* Of others than files it is no name to look for: a home. */          \
	static const char *compat_userdb_format(const struct auth_userdb *db)  \
	{                                                                      \
		return strcmp(db->set->driver, "passwd-file") == 0 ?           \
			db->set->args : "";                                    \
	}
#define COMPAT_FORMAT_ADVICE                                                   \
	"set auth_username_format = %Ln, or have it look at %u"

#define compat_request_service(request) ((request)->fields.service)
#define compat_request_secured(request) \
	((request)->fields.secured != AUTH_REQUEST_SECURED_NONE)

#define compat_submission_destroy(client, code, text) \
	client_destroy(client, code, text)

#define compat_passdb_name(passdb)                       \
	((passdb)->set->name[0] != '\0' ? (passdb)->set->name \
					: (passdb)->set->driver)
#define compat_passdb_args(passdb) ((passdb)->set->args)

#define COMPAT_PASSDB_PREINIT(name, make)                                  \
	static struct passdb_module *name(pool_t pool, const char *args)   \
	{                                                                  \
		return make(pool, args);                                   \
	}

#endif

#endif
