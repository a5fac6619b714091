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

/* dest: what matched it or matches src. */
#define compat_event_filter_or(dest, src) \
	event_filter_merge(dest, src, EVENT_FILTER_MERGE_OP_OR)

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

#else

#define compat_request_service(request) ((request)->fields.service)
#define compat_request_secured(request) \
	((request)->fields.secured != AUTH_REQUEST_SECURED_NONE)

#define compat_submission_destroy(client, code, text) \
	client_destroy(client, code, text)

#define compat_event_filter_or(dest, src) event_filter_merge(dest, src)

#define COMPAT_PASSDB_PREINIT(name, make)                                  \
	static struct passdb_module *name(pool_t pool, const char *args)   \
	{                                                                  \
		return make(pool, args);                                   \
	}

#endif

#endif
