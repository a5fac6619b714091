/* unverified.c - see unverified.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "auth.h"
#include "compat.h"
#include "passdb.h"
#include "auth/unverified.h"

#define FIELD "lockstep_unverified"

typedef void verify_plain_t(struct auth_request *request, const char *password,
			    verify_plain_callback_t *callback);

static struct behind {
	struct behind *next;
	const struct passdb_module *module;
	verify_plain_t *verify_plain; /* its own */
} *all_behind;

/* In one process always the same: auth's, or the worker's. */
static verify_plain_callback_t *answer;

static void answered(enum passdb_result result, struct auth_request *request)
{
	struct auth_fields *fields = request->fields.extra_fields;

	/* skip_password_check: one before it has compared.
	 * noauthenticate: it was not asked for a yes. */
	if (result == PASSDB_RESULT_OK &&
	    !request->fields.skip_password_check &&
	    auth_fields_exists(fields, "nopassword") &&
	    !auth_fields_exists(fields, "noauthenticate"))
		auth_request_set_field(request, FIELD, "yes", NULL);
	answer(result, request);
}

static void verify_plain(struct auth_request *request, const char *password,
			 verify_plain_callback_t *callback)
{
	const struct behind *behind = all_behind;

	while (behind->module != request->passdb->passdb)
		behind = behind->next;
	answer = callback;
	behind->verify_plain(request, password, answered);
}

static void stand_before(struct auth_passdb *passdb)
{
	for (; passdb != NULL; passdb = passdb->next) {
		struct passdb_module *module = passdb->passdb;
		struct behind *behind;

		if (module->iface.verify_plain == NULL ||
		    module->iface.verify_plain == verify_plain ||
		    strcmp(module->iface.name, "lockstep") == 0)
			continue;
		behind = i_new(struct behind, 1);
		behind->module = module;
		behind->verify_plain = module->iface.verify_plain;
		behind->next = all_behind;
		all_behind = behind;
		module->iface.verify_plain = verify_plain;
	}
}

void unverified_init(void)
{
	struct auth *auth;

	array_foreach_elem(&auths, auth) {
		stand_before(auth->masterdbs);
		stand_before(auth->passdbs);
	}
}

void unverified_deinit(void)
{
	while (all_behind != NULL) {
		struct behind *behind = all_behind;

		all_behind = behind->next;
		i_free(behind);
	}
}

bool unverified_take(struct auth_request *request)
{
	if (!auth_fields_exists(request->fields.extra_fields, FIELD))
		return FALSE;
	auth_fields_remove(request->fields.extra_fields, FIELD);
	return TRUE;
}
