/* status.c - lockstep status: is everything well, and what is to be done? */
#include "lockstep-config.h"

#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	DAEMON_PATIENCE_MS = 10000,
	/* Between a connection and its AUTH: Postfix's smtpd_timeout. */
	POSTFIX_PATIENCE_MS = 300000,
};

/* A line of what is wrong: printed after the rest, all together. */
struct problems {
	char text[8][1024];
	unsigned count;
};

__attribute__((format(printf, 2, 3))) static void add(struct problems *problems,
						      const char *format, ...)
{
	va_list args;

	if (problems->count == 8)
		return;
	va_start(args, format);
	vsnprintf(problems->text[problems->count++], sizeof(problems->text[0]),
		  format, args);
	va_end(args);
}

static void print_problems(const struct problems *problems)
{
	for (unsigned i = 0; i < problems->count; i++) {
		char escaped[2 * sizeof(problems->text[0])];

		printf("problem    %s\n",
		       cli_escape(problems->text[i], escaped, sizeof(escaped)));
	}
}

/* An administrator who edited and forgot to compile. */
static void check_conf(uint64_t compiled_real_ms)
{
	struct stat st;

	if (stat(LS_CONF_PATH, &st) == 0 &&
	    (uint64_t)st.st_mtime * 1000 > compiled_real_ms)
		printf("note       %s is newer than the policy in force: run "
		       "lockstep compile\n",
		       LS_CONF_PATH);
}

/* Returns the policy that is in force, or NULL. */
static struct ls_policy_file *check_policy(const struct cli *cli,
					   struct problems *problems)
{
	struct ls_policy_file *file;
	struct ls_error error;
	uint64_t real_ms;
	char when[32] = "?";
	time_t seconds;
	struct tm tm;

	if (cli_open_policy(cli->policy, &file, &error) < 0) {
		add(problems, "policy: %s: run lockstep compile", error.text);
		return NULL;
	}
	real_ms = ls_policy_file_compiled_real_ms(file);
	seconds = (time_t)(real_ms / 1000);
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("policy     %s: %s, compiled %s\n", cli->policy,
	       ls_policy_file_policy(file)->mode == LS_MODE_OBSERVE
		       ? "observing (refuses nothing)"
		       : "enforcing",
	       when);
	if (strcmp(cli->policy, LS_POLICY_PATH) == 0)
		check_conf(real_ms);
	return file;
}

/* What to do about a map that cannot be opened. */
static const char *remedy(const struct ls_error *error)
{
	switch (error->code) {
	case LS_EFORMAT:
	case LS_EVERSION:
		return "run lockstep init, then restart Dovecot, lockstepd "
		       "and the policy service";
	case LS_ENOENT:
		return "Dovecot or lockstepd makes it when it starts; is "
		       "lockstep in Dovecot's configuration?";
	default:
		return "run this as root?";
	}
}

static void print_logins(const struct ls_status *status, uint64_t now_ms)
{
	char age[CLI_TIME_TEXT];

	printf("logins     %" PRIu64 " admitted, %" PRIu64 " refused",
	       status->admitted, status->denied);
	if (status->auth_seen_ms == 0) {
		puts("; none decided yet: is lockstep Dovecot's first passdb?");
		return;
	}
	cli_age_format(now_ms > status->auth_seen_ms
			       ? now_ms - status->auth_seen_ms
			       : 0,
		       age);
	printf("; the last %s ago\n", age);
}

static void check_daemon(const struct ls_status *status, uint64_t now_ms,
			 struct problems *problems)
{
	uint64_t gone_ms = now_ms > status->daemon_seen_ms
				   ? now_ms - status->daemon_seen_ms
				   : 0;
	char age[CLI_TIME_TEXT];

	cli_age_format(gone_ms, age);
	if (status->daemon_seen_ms == 0)
		add(problems, "lockstepd: has not run yet: no webhooks, no "
			      "snapshots; start lockstepd");
	else if (gone_ms > DAEMON_PATIENCE_MS)
		add(problems,
		    "lockstepd: down, last seen %s ago: no webhooks, "
		    "no snapshots; start lockstepd",
		    age);
	else
		printf("lockstepd  alive, seen %s ago\n", age);
}

/* Postfix passes logins on; does it ask about connections too? */
static void print_postfix(const struct ls_status *status)
{
	if (status->smtp_seen_ms == 0)
		return;
	if (status->connect_seen_ms == 0)
		puts("note       Postfix never asked lockstep-policy about a "
		     "connection: see conf.d/postfix-master.cf");
	else if (status->smtp_seen_ms >
		 status->connect_seen_ms + POSTFIX_PATIENCE_MS)
		puts("note       Postfix did not ask lockstep-policy about the "
		     "connection of its last login:\n"
		     "           a service that was not told to, or see the "
		     "mail log");
}

enum { MISPLACED_FOR_MS = 600000 };

static void check_place(const struct ls_status *status,
			struct problems *problems)
{
	if (status->misplaced_seen_ms != 0 &&
	    status->misplaced_seen_ms + MISPLACED_FOR_MS > cli_now_ms())
		add(problems,
		    "Dovecot: passdb lockstep is not the first: passwords are "
		    "verified that nobody counts; see "
		    "conf.d/dovecot-2.3/05-lockstep-auth.conf");
}

static void check_guard(const struct cli *cli, const struct ls_policy *policy,
			struct problems *problems)
{
	uint64_t now_ms = cli_now_ms();
	struct ls_status status;
	struct ls_state *state;
	struct ls_error error;

	state = cli_open(cli, LS_GUARD_READ, &error);
	if (state == NULL) {
		add(problems, "guard: %s: %s", error.text, remedy(&error));
		return;
	}
	ls_status(state, now_ms, &status);
	ls_close(&state);
	printf("guard      %s/guard: %" PRIu64 " of %" PRIu64 " subjects, "
	       "%" PRIu64 " locks, %" PRIu64 " familiar places, %" PRIu64
	       " evicted\n",
	       policy->state_dir, status.used, status.subjects, status.locks,
	       status.familiar, status.evicted);
	print_logins(&status, now_ms);
	if (status.full > 0)
		add(problems,
		    "guard: was full %" PRIu64 " times: raise `subjects` in "
		    "lockstep.conf, lockstep compile, lockstep init",
		    status.full);
	check_daemon(&status, now_ms, problems);
	print_postfix(&status);
	check_place(&status, problems);
}

static void check_sessions(const struct cli *cli,
			   const struct ls_policy *policy,
			   struct problems *problems)
{
	struct ls_error error;
	struct ls_state *state = cli_open(cli, LS_SESSIONS_READ, &error);

	if (state != NULL)
		printf("sessions   %s/sessions: %" PRIu64 " seen\n",
		       policy->state_dir,
		       ls_journal_head(state, LS_JOURNAL_SESSIONS));
	else if (error.code == LS_ENOENT)
		printf("sessions   none yet\n");
	else
		add(problems, "sessions: %s: %s", error.text, remedy(&error));
	ls_close(&state);
}

static bool check_directory(const struct ls_policy *policy,
			    struct problems *problems)
{
	struct stat st;

	if (stat(policy->state_dir, &st) < 0)
		add(problems,
		    "state directory %s: %s: make it, with systemd-tmpfiles "
		    "--create or mkdir; until then nothing is guarded",
		    policy->state_dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		add(problems, "state directory %s: not a directory",
		    policy->state_dir);
	else
		return true;
	return false;
}

static int run_status(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = getopt_long(argc, argv, "h", options, NULL);
	struct problems problems = { .count = 0 };
	const struct ls_policy *policy;
	struct ls_policy_file *file;

	if (option == 'h')
		return cli_help(&verb_status);
	if (option != -1 || optind < argc)
		return cli_misused(&verb_status);
	file = check_policy(cli, &problems);
	if (file != NULL) {
		policy = ls_policy_file_policy(file);
		if (check_directory(policy, &problems)) {
			check_guard(cli, policy, &problems);
			check_sessions(cli, policy, &problems);
		}
		ls_policy_file_close(&file);
	}
	print_problems(&problems);
	return problems.count == 0 ? CLI_DONE : CLI_FAILED;
}

const struct verb verb_status = {
	.name = "status",
	.run = run_status,
	.summary = "say whether all is well, and what to do if not",
	.usage = "usage: lockstep status\n"
		 "\n"
		 "Show the policy in force, the state, and whether lockstepd "
		 "runs; then a line\n"
		 "that begins with \"problem\" for each thing that is wrong, "
		 "with what to do.\n"
		 "Exit code 0 when there is none, else 1.\n",
};
