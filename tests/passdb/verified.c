/* verified.c - a passdb for tests that counts what it verifies
 *
 * Dovecot passdb driver "verified" has these accounts, with n from 1 to N:
 *
 *	user<n>@example.test	password "pw-<n>"
 *	alias<n>@example.test	another name for user<n>: the same password, and
 *				a field user=user<n>@example.test
 *	proxied<n>@example.test	any password is right, for a backend verifies it:
 *				its field is nopassword
 *	admin<n>		password "master-<n>"; as a master user only
 *				(`master = yes`), and nothing else is then
 *
 * It appends one line to a log for each verification that it really performs,
 * so that a test counts guesses from outside:
 *
 *	time service user address		(time: seconds.microseconds)
 *
 * The user is the name that was asked about, the master's where one logs in,
 * and is logged if there is none, too. PLAIN and LOGIN are logged when the
 * password is compared, CRAM and SCRAM when the credentials are handed out.
 * Lookups without a mechanism (LMTP, doveadm), and of the account that a master
 * user wants to be, are no guesses and leave no line.
 *
 * Environment, read once, as root (Dovecot: import_environment):
 *	VERIFIED_USERS	 N
 *	VERIFIED_LOG	 the log; opened as root, appended to ever after
 *	VERIFIED_CONTROL a file, read again whenever it changes; may be missing:
 *		delay_ms=50	 answer after so long, as a slow backend would
 *		fail=temporary	 answer "internal failure" and verify nothing
 *		stall		 answer nothing until the file says otherwise
 *
 * The delay is a timeout of the auth process's own loop: any number of
 * verifications wait side by side. Whether to fail or to stall is decided when
 * the delay is over. What is right may be cached (auth_cache_size). Limits: N
 * up to 999999999, a control file up to 1 kB. */
#include "lockstep-config.h"

#include "lib.h"
#include "ioloop.h"
#include "llist.h"
#include "net.h"
#include "str.h"
#include "strnum.h"
#include "time-util.h"
#include "auth-request.h"
#include "auth-cache.h"
#include "passdb.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what differs between Dovecot versions: all of it here ------------ */

#ifndef DOVECOT_PREREQ
#  define DOVECOT_PREREQ(maj, min, micro) 0
#endif
#if DOVECOT_PREREQ(2, 4, 0)
#  define PREINIT_RETURN int
#  define PREINIT_ARGS \
	pool_t pool, struct event *event ATTR_UNUSED, \
		struct passdb_module **module_r, \
		const char **error_r ATTR_UNUSED
#  define PREINIT_DONE(module) \
	do { \
		*module_r = (module); \
		return 0; \
	} while (0)
#  define REQUEST_SERVICE(request) ((request)->fields.protocol)
#  define CACHE_KEY "%{user}"
#else
#  define PREINIT_RETURN struct passdb_module *
#  define PREINIT_ARGS pool_t pool, const char *args
/* 2.4 has a setting for that. */
#  define PREINIT_DONE(module) \
	do { \
		(module)->blocking = strcmp(args, "worker") == 0; \
		return (module); \
	} while (0)
#  define REQUEST_SERVICE(request) ((request)->fields.service)
#  define CACHE_KEY "%u"
#endif

/* ---------------------------------------------------------------------- */

#define DOMAIN "@example.test"
#define CONTROL_MAX 1024
#define STALL_LOOK_MS 20

/* One verification, from the question to the answer. Allocated from the
 * request's pool, which lives until the answer. */
struct verification {
	struct verification *prev, *next; /* of those that wait */
	struct auth_request *request;
	struct timeout *to;
	const char *password; /* verify_plain only */
	verify_plain_callback_t *verify_callback;
	lookup_credentials_callback_t *credentials_callback;
};

struct control {
	const char *path;
	struct stat seen; /* zero: nothing read yet, or no file */
	unsigned int delay_ms;
	bool fail;
	bool stall;
};

static struct control control;
static struct verification *waiting;
static unsigned int users;
static int log_fd = -1;

const char *authdb_verified_version = DOVECOT_ABI_VERSION;
void authdb_verified_init(void);
void authdb_verified_deinit(void);

static void control_parse(char *text)
{
	const char *const *line;

	control.delay_ms = 0;
	control.fail = FALSE;
	control.stall = FALSE;
	for (line = t_strsplit_spaces(text, " \t\r\n"); *line != NULL; line++) {
		if (strncmp(*line, "delay_ms=", 9) == 0 &&
		    str_to_uint(*line + 9, &control.delay_ms) == 0)
			continue;
		if (strcmp(*line, "fail=temporary") == 0)
			control.fail = TRUE;
		else if (strcmp(*line, "stall") == 0)
			control.stall = TRUE;
		else
			i_error("verified: %s: cannot read '%s'", control.path,
				*line);
	}
}

/* A test replaces or rewrites the file at any time: compare all that a change
 * would show in, since two writes may share a time stamp. */
static bool control_changed(const struct stat *st)
{
	const struct stat *seen = &control.seen;

	return st->st_ino != seen->st_ino || st->st_size != seen->st_size ||
	       st->st_mtim.tv_sec != seen->st_mtim.tv_sec ||
	       st->st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
}

static void control_refresh(void)
{
	char text[CONTROL_MAX];
	struct stat st;
	ssize_t got;
	int fd;

	if (control.path == NULL)
		return;
	if (stat(control.path, &st) < 0)
		i_zero(&st);
	if (!control_changed(&st))
		return;
	control.seen = st;
	text[0] = '\0';
	if (st.st_ino != 0 && (fd = open(control.path, O_RDONLY)) != -1) {
		got = read(fd, text, sizeof(text) - 1);
		text[got < 0 ? 0 : got] = '\0';
		i_close_fd(&fd);
	}
	T_BEGIN {
		control_parse(text);
	} T_END;
}

/* One write() per line: lines of several stacks' processes never mix. */
static void log_verification(struct auth_request *request)
{
	const struct ip_addr *ip = &request->fields.remote_ip;
	struct timeval now;
	string_t *line;

	i_gettimeofday(&now);
	line = t_str_new(128);
	str_printfa(line, "%ld.%06ld %s %s %s\n", (long)now.tv_sec,
		    (long)now.tv_usec, REQUEST_SERVICE(request),
		    request->fields.user,
		    ip->family == 0 ? "-" : net_ip2addr(ip));
	if (log_fd == -1 ||
	    write(log_fd, str_data(line), str_len(line)) !=
		    (ssize_t)str_len(line))
		i_error("verified: cannot write to the log: %m");
}

/* The n of a name "PREFIX<n>DOMAIN"; 0 when it is no such name. */
static unsigned int number_of(const char *name, const char *prefix,
			      const char *domain)
{
	const char *end;
	unsigned int number;

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return 0;
	name += strlen(prefix);
	if (*name < '1' || *name > '9' ||
	    str_parse_uint(name, &number, &end) < 0 || number > users ||
	    strcmp(end, domain) != 0)
		return 0;
	return number;
}

/* The password that the request's user has, or NULL for one that does not
 * exist. An alias gets its account's name as soon as it is found, before the
 * password is compared: the SQL, LDAP and passwd-file passdbs do the same. */
static const char *password_find(struct auth_request *request)
{
	const char *name = request->fields.user;
	unsigned int number;

	/* Set until the master user is known. */
	if (request->fields.requested_login_user != NULL) {
		number = number_of(name, "admin", "");
		return number == 0 ? NULL :
				     t_strdup_printf("master-%u", number);
	}
	number = number_of(name, "alias", DOMAIN);
	if (number != 0)
		auth_request_set_field(
			request, "user",
			t_strdup_printf("user%u" DOMAIN, number), NULL);
	else
		number = number_of(name, "user", DOMAIN);
	return number == 0 ? NULL : t_strdup_printf("pw-%u", number);
}

static bool is_proxied(const struct auth_request *request)
{
	return request->fields.requested_login_user == NULL &&
	       number_of(request->fields.user, "proxied", DOMAIN) != 0;
}

static enum passdb_result compare(struct auth_request *request,
				  const char *given)
{
	const char *password;

	if (is_proxied(request)) {
		auth_request_set_field(request, "nopassword", "y", NULL);
		return PASSDB_RESULT_OK;
	}
	/* A master user's password was verified already. */
	if (!request->fields.skip_password_check)
		log_verification(request);
	password = password_find(request);
	if (password == NULL) {
		e_info(authdb_event(request), "unknown user");
		return PASSDB_RESULT_USER_UNKNOWN;
	}
	if (!request->fields.skip_password_check &&
	    strcmp(password, given) != 0) {
		e_info(authdb_event(request), "Password mismatch");
		return PASSDB_RESULT_PASSWORD_MISMATCH;
	}
	return PASSDB_RESULT_OK;
}

static void answer_plain(struct verification *v)
{
	enum passdb_result result = PASSDB_RESULT_INTERNAL_FAILURE;

	if (!control.fail)
		result = compare(v->request, v->password);
	v->verify_callback(result, v->request);
}

static void answer_credentials(struct verification *v)
{
	struct auth_request *request = v->request;
	const char *password = NULL;
	enum passdb_result result = PASSDB_RESULT_INTERNAL_FAILURE;

	if (!control.fail) {
		if (request->fields.mech_name != NULL)
			log_verification(request);
		password = password_find(request);
		result = password == NULL ? PASSDB_RESULT_USER_UNKNOWN :
					    PASSDB_RESULT_OK;
	}
	passdb_handle_credentials(result, password, "PLAIN",
				  v->credentials_callback, request);
}

static void verification_finish(struct verification *v)
{
	struct auth_request *request = v->request;

	control_refresh();
	timeout_remove(&v->to);
	if (control.stall) {
		v->to = timeout_add_short(STALL_LOOK_MS, verification_finish,
					  v);
		return;
	}
	DLLIST_REMOVE(&waiting, v);
	T_BEGIN {
		if (v->verify_callback != NULL)
			answer_plain(v);
		else
			answer_credentials(v);
	} T_END;
	auth_request_unref(&request);
}

static void verification_start(struct verification *v,
			       struct auth_request *request)
{
	v->request = request;
	auth_request_ref(request);
	DLLIST_PREPEND(&waiting, v);
	control_refresh();
	if (control.delay_ms == 0)
		verification_finish(v);
	else
		v->to = timeout_add_short(control.delay_ms,
					  verification_finish, v);
}

static void verified_verify_plain(struct auth_request *request,
				  const char *password,
				  verify_plain_callback_t *callback)
{
	struct verification *v =
		p_new(request->pool, struct verification, 1);

	v->password = p_strdup(request->pool, password);
	v->verify_callback = callback;
	verification_start(v, request);
}

static void verified_lookup_credentials(struct auth_request *request,
					lookup_credentials_callback_t *callback)
{
	struct verification *v =
		p_new(request->pool, struct verification, 1);

	v->credentials_callback = callback;
	verification_start(v, request);
}

static PREINIT_RETURN verified_preinit(PREINIT_ARGS)
{
	struct passdb_module *module = p_new(pool, struct passdb_module, 1);
	const char *number = getenv("VERIFIED_USERS");
	const char *log_path = getenv("VERIFIED_LOG");

	if (number == NULL || str_to_uint(number, &users) < 0)
		i_fatal("verified: VERIFIED_USERS is not a number");
	if (log_path == NULL)
		i_fatal("verified: VERIFIED_LOG is not set");
	control.path = getenv("VERIFIED_CONTROL");
	if (log_fd == -1)
		log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			      0644);
	if (log_fd == -1)
		i_fatal("verified: open(%s) failed: %m", log_path);
	module->default_pass_scheme = "PLAIN";
	module->default_cache_key = CACHE_KEY;
	PREINIT_DONE(module);
}

/* As the real ones do: nothing may be under way when the process ends. */
static void verified_deinit(struct passdb_module *module ATTR_UNUSED)
{
	while (waiting != NULL) {
		struct verification *v = waiting;
		struct auth_request *request = v->request;

		timeout_remove(&v->to);
		DLLIST_REMOVE(&waiting, v);
		if (v->verify_callback != NULL)
			v->verify_callback(PASSDB_RESULT_INTERNAL_FAILURE,
					   request);
		else
			v->credentials_callback(PASSDB_RESULT_INTERNAL_FAILURE,
						NULL, 0, request);
		auth_request_unref(&request);
	}
}

static struct passdb_module_interface verified_interface = {
	.name = "verified",
	.preinit = verified_preinit,
	.deinit = verified_deinit,
	.verify_plain = verified_verify_plain,
	.lookup_credentials = verified_lookup_credentials,
};

void authdb_verified_init(void)
{
	passdb_register_module(&verified_interface);
}

void authdb_verified_deinit(void)
{
	passdb_unregister_module(&verified_interface);
	i_close_fd(&log_fd);
}
