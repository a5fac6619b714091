/* status.c - lockstep status: is everything well, and what is to be done? */
#include "lockstep-config.h"

#include "cli.h"
#include "conf/conf.h"
#include "host/dovecot.h"
#include "host/wired.h"
#include "host/report.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DAEMON_PATIENCE_MS = 10000,
	MISPLACED_FOR_MS = 600000,
	HOUR_MS = 3600000,
	AUTH_PATIENCE_MS = 900000, /* phones look for mail that often */
	DROPPED_FOR_MS = 86400000,
	CROWDED_FOR_MS = 86400000,
	FAILING_TIMES = 3,
};

void report_problem(struct report *report, const char *format, ...)
{
	va_list args;

	if (report->problems == REPORT_PROBLEMS)
		return;
	va_start(args, format);
	vsnprintf(report->problem[report->problems++],
		  sizeof(report->problem[0]), format, args);
	va_end(args);
}

/* An administrator who edited and forgot to compile, be it a file that is included,
 * or one that is there no more. Whoever may not read it cannot know. */
static bool differs_from_conf(const struct report *report,
			      const struct ls_policy_file *file)
{
	int differs;

	if (strcmp(report->policy, LS_POLICY_PATH) != 0 ||
	    access(LS_CONF_PATH, R_OK) < 0)
		return false;
	differs = conf_differs(LS_CONF_PATH, file, report->policy);
	/* What root cannot read is broken. */
	return differs > 0 || (differs < 0 && geteuid() == 0);
}

/* Returns the policy in force, or NULL. */
static struct ls_policy_file *check_policy(const struct cli *cli,
					   struct report *report)
{
	const struct ls_policy *policy;
	struct ls_policy_file *file;
	struct ls_error error;

	report->policy = cli->policy;
	if (cli_open_policy(cli->policy, &file, &error) < 0) {
		report_problem(report, "policy: %s: run lockstep compile",
			       error.text);
		return NULL;
	}
	policy = ls_policy_file_policy(file);
	report->compiled = true;
	report->compiled_real_ms = ls_policy_file_compiled_real_ms(file);
	report->observing = policy->mode == LS_MODE_OBSERVE;
	report->conf_differs = differs_from_conf(report, file);
	snprintf(report->state_dir, sizeof(report->state_dir), "%s",
		 policy->state_dir);
	return file;
}

/* What to do about a map that cannot be opened. */
static const char *remedy(const struct ls_error *error)
{
	switch (error->code) {
	case LS_EFORMAT:
		return "run lockstep init";
	case LS_EVERSION:
		return "run lockstep init, then restart Dovecot, lockstepd "
		       "and the policy service";
	case LS_ENOENT:
		return "Dovecot or lockstepd makes it when it starts; is "
		       "lockstep in Dovecot's configuration?";
	default:
		return geteuid() != 0 ? "run this as root, or as a member of "
					"`group` in lockstep.conf"
				      : "run lockstep verify?";
	}
}

bool report_daemon_is_alive(const struct report *report)
{
	uint64_t seen_ms = report->status.daemon_seen_ms;

	return seen_ms != 0 && seen_ms + DAEMON_PATIENCE_MS >= report->now_ms;
}

static void check_lockstepd(struct report *report)
{
	uint64_t seen_ms = report->status.daemon_seen_ms;
	char age[CLI_TIME_TEXT];

	if (seen_ms == 0) {
		report_problem(report, "lockstepd: has not run yet: no "
				       "webhooks, no snapshots; start "
				       "lockstepd");
	} else if (!report_daemon_is_alive(report)) {
		cli_age_format(report->now_ms - seen_ms, age);
		report_problem(report,
			       "lockstepd: down, last seen %s ago: no "
			       "webhooks, no snapshots; start lockstepd",
			       age);
	}
}

static void check_outbox(struct report *report)
{
	const struct ls_daemon_news *daemon = &report->status.daemon;

	if (daemon->stuck > 0 && report_daemon_is_alive(report))
		report_problem(report,
			       "webhook: of %" PRIu64 " message%s to send, %" PRIu64
			       " could not be delivered so far: the log of "
			       "lockstepd says why",
			       daemon->waiting, ls_plural_s(daemon->waiting),
			       daemon->stuck);
}

/* What could not be told to anybody. A day is time to see it. */
static void check_dropped(struct report *report)
{
	uint64_t at_ms = report->status.dropped_ms;
	char age[CLI_TIME_TEXT];

	if (at_ms == 0 || at_ms + DROPPED_FOR_MS <= report->now_ms)
		return;
	cli_age_format(report->now_ms > at_ms ? report->now_ms - at_ms : 0,
		       age);
	report_problem(report,
		       "webhook: %" PRIu64 " message%s given up, the last %s "
		       "ago, and the receiver was not told; the log of "
		       "lockstepd says why; see lockstep events",
		       report->status.daemon.dropped,
		       ls_plural_s(report->status.daemon.dropped), age);
}

static void check_shared_place(struct report *report)
{
	uint64_t seen_ms = report->status.misplaced_seen_ms;

	if (seen_ms != 0 && seen_ms + MISPLACED_FOR_MS > report->now_ms)
		report_problem(report,
			       "Dovecot: passdb lockstep is not the first: "
			       "passwords are verified that nobody counts; see "
			       "conf.d/dovecot-2.3/05-lockstep-auth.conf");
}

/* One account under many names has each limit as many times. */
static void check_names(struct report *report)
{
	unsigned names = report->status.names;

	if (names & (LS_NAMES_PASSDB | LS_NAMES_USERDB))
		report_problem(report,
			       "Dovecot: a %s looks at what stands before the @ "
			       "alone, and auth_username_format keeps the domain: "
			       "joe@a and joe@b are one account with two names, "
			       "and limits, locks and freezes for each; set "
			       "auth_username_format = %s, or have it look at the "
			       "whole name; Dovecot's log names it",
			       names & LS_NAMES_PASSDB ? "passdb" : "userdb",
			       "%Ln (2.4: %{user | username | lower})");
}

/* One failure is a moment's; three within minutes are a passdb that is broken. What
 * broke is in Dovecot's log. */
static void check_passdbs(struct report *report)
{
	char since[CLI_TIME_TEXT], last[CLI_TIME_TEXT];

	for (unsigned i = 0; i < LS_FAILING; i++) {
		const struct ls_failing *failing = &report->status.failing[i];

		if (!failing->fails || failing->times < FAILING_TIMES)
			continue;
		cli_age_format(report->now_ms - failing->since_ms, since);
		cli_age_format(report->now_ms - failing->last_ms, last);
		report_problem(report,
			       "Dovecot: passdb %s has failed %" PRIu64
			       " times within %s, the last time %s ago: its "
			       "users cannot log in; Dovecot's log says why",
			       failing->passdb, failing->times, since, last);
	}
}

/* Nobody is guarded by a map that is not asked. A quiet night tells nothing: it
 * was asked before. */
static void check_auth_process(struct report *report)
{
	const struct ls_status *status = &report->status;
	char age[CLI_TIME_TEXT];

	if (status->auth_seen_ms != 0 || status->misplaced_seen_ms != 0 ||
	    status->created_ms + AUTH_PATIENCE_MS > report->now_ms)
		return;
	cli_age_format(report->now_ms - status->created_ms, age);
	report_problem(report,
		       "Dovecot: its auth has never asked this guard, which "
		       "is %s old: see whether doveconf -n passdb has lockstep first; or "
		       "nobody has tried to log in since",
		       age);
}

/* Then strangers are refused who may be honest, and locks end early. */
static void check_crowding(struct report *report)
{
	const struct ls_crowding *crowding = &report->status.crowding;
	char age[CLI_TIME_TEXT];

	if (crowding->last_ms == 0 ||
	    crowding->last_ms + CROWDED_FOR_MS <= report->now_ms ||
	    (crowding->locks == 0 && crowding->slotless == 0))
		return;
	cli_age_format(report->now_ms > crowding->last_ms
			       ? report->now_ms - crowding->last_ms
			       : 0,
		       age);
	report_problem(report,
		       "guard: has no room, last %s ago: since it was made, "
		       "logins and messages of strangers without a slot: %" PRIu64
		       ", of these refused: %" PRIu64
		       ", and locks that ended early: %" PRIu64 ": raise `subjects` in lockstep.conf, "
		       "lockstep compile, lockstep init",
		       age, crowding->slotless, crowding->refused,
		       crowding->locks);
}

/* The last record of an address is not the last of its refusals. */
static uint64_t count_pending(struct ls_state *state, uint64_t now_ms)
{
	uint64_t cursor = 0, count = 0;
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1)
		count += lock.untold;
	return count;
}

static void check_guard(const struct cli *cli, const struct ls_policy *policy,
			struct report *report)
{
	struct ls_error error;
	struct ls_state *state = cli_open(cli, LS_GUARD_READ, &error);

	if (state == NULL) {
		report_problem(report, "guard: %s: %s", error.text,
			       remedy(&error));
		return;
	}
	report->guard = true;
	ls_status(state, report->now_ms, &report->status);
	report->differences = maps_compare(state, policy, report->difference);
	figures_gather(state, report->now_ms - HOUR_MS, report->now_ms,
		       &report->hour);
	report->pending = count_pending(state, report->now_ms);
	ls_close(&state);
	check_crowding(report);
	check_lockstepd(report);
	check_outbox(report);
	check_dropped(report);
	check_shared_place(report);
	check_names(report);
	check_passdbs(report);
	check_auth_process(report);
}

/* What accounts lost before that they have learnt anew. */
static bool are_lost_lately(const struct ls_contacts_status *contacts)
{
	enum { DAY_MS = 86400000, LEARN_DAYS = 14 };
	uint64_t now_ms = cli_real_ms();

	return contacts->lost > 0 && contacts->lost_real_ms <= now_ms &&
	       (now_ms - contacts->lost_real_ms) / DAY_MS < LEARN_DAYS;
}

static void check_contacts(const struct cli *cli, struct report *report)
{
	const struct ls_open_args args = {
		.policy_path = cli->policy,
		.flags = LS_GUARD_READ | LS_CONTACTS,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};
	struct ls_contacts_status *contacts = &report->contacts;
	struct ls_state *state;
	struct ls_error error;

	if (ls_open(&args, &state, &error) < 0) /* the guard: was told */
		return;
	ls_contacts_status(state, contacts);
	ls_close(&state);
	if (!contacts->open)
		report_problem(report,
			       "%s: whom an account writes to for the first "
			       "time is not limited; lockstepd makes the file "
			       "when it starts, if it is not there",
			       error.text);
	else if (!contacts->given && geteuid() == 0)
		report_problem(report,
			       "contacts: the file does not belong to `group` "
			       "and `readers` of the policy, and whom an "
			       "account writes to for the first time may not "
			       "be limited: run lockstep init, then restart "
			       "Dovecot, lockstepd and the policy service");
	if (contacts->open && are_lost_lately(contacts))
		report_problem(report,
			       "contacts: full: %" PRIu64 " were given up, the "
			       "last within 14 days, and their accounts learn "
			       "anew: raise `contacts` in "
			       "lockstep.conf, lockstep compile, remove the "
			       "file, restart lockstepd",
			       contacts->lost);
}

static void check_sessions(const struct cli *cli, struct report *report)
{
	struct ls_error error;
	struct ls_state *state = cli_open(cli, LS_SESSIONS_READ, &error);

	if (state != NULL) {
		report->sessions = true;
		ls_sessions_status(state, &report->live);
		report->sessions_seen = report->live.events;
		if (report->live.full > 0)
			report_problem(report,
				       "sessions: %s%" PRIu64 " began without a "
				       "place, and no limit holds for them: "
				       "raise `subjects` in lockstep.conf, "
				       "lockstep compile, lockstep init",
				       report->live.full < report->live.room
					       ? ""
					       : "at least ",
				       report->live.full);
	} else if (error.code != LS_ENOENT) {
		report_problem(report, "sessions: %s: %s", error.text,
			       remedy(&error));
	}
	ls_close(&state);
}

/* Did sessions follow the logins for mail? */
static void check_mail(const struct wired_mail *mail, struct report *report)
{
	if (mail->logins < WIRED_LOGINS || mail->sessions > 0)
		return;
	report_problem(report,
		       "%s: %" PRIu64 " logins in the last hour and no mail "
		       "session: limits on sessions do not hold there, and a "
		       "freeze ends none; the mail plugin is not loaded: "
		       "mail_plugins within `protocol %s` lacks lockstep (in "
		       "Dovecot 2.4, `mail_plugins = ...` there replaces the "
		       "list); or Dovecot's log says why the plugin cannot use "
		       "its map",
		       mail->service, mail->logins, mail->service);
}

static void check_postfix(const struct wired_postfix *postfix,
			  struct report *report)
{
	char address[LS_ADDR_TEXT];

	ls_addr_format(&postfix->last.net.addr, address);
	if (postfix->unasked >= WIRED_LOGINS)
		report_problem(report,
			       "smtp: %" PRIu64 " logins in the last hour from "
			       "addresses that Postfix did not ask "
			       "lockstep-policy about (the last: %s from %s): "
			       "what is sent there is not counted; a service "
			       "in master.cf is without the lines of "
			       "conf.d/postfix-master.cf (smtps, a port by its "
			       "number, 127.0.0.1:submission, or port 25 with "
			       "AUTH), or lockstep-policy cannot be started: "
			       "then the mail log says why",
			       postfix->unasked, postfix->last.user, address);
	/* A few accounts may log in and send nothing: monitors do. */
	if (postfix->silent >= WIRED_ACCOUNTS &&
	    postfix->silent * 4 >= postfix->accounts)
		report_problem(report,
			       "smtp: %u accounts logged in %u times or more "
			       "in the last hour, and Postfix asked about no "
			       "message of theirs (one: %s): what they send "
			       "is not counted; smtpd_end_of_data_restrictions "
			       "of that service lacks $lockstep_submission: "
			       "see conf.d/postfix-master.cf",
			       postfix->silent, WIRED_LOGINS,
			       postfix->silent_user);
}

/* What should follow logins, and does not. */
static void check_wired(const struct cli *cli, const struct ls_policy *policy,
			struct report *report)
{
	static struct wired wired;
	struct ls_error error;
	struct ls_state *guard = cli_open(cli, LS_GUARD_READ, &error);
	struct ls_state *sessions;
	bool damaged;

	if (guard == NULL) /* was told */
		return;
	sessions = cli_open(cli, LS_SESSIONS_READ, &error);
	damaged = sessions == NULL && error.code != LS_ENOENT;
	/* The sessions of before are in a map of before. */
	wired_gather(guard, sessions, report->now_ms - HOUR_MS,
		     report->live.created_ms, report->now_ms, &wired);
	ls_close(&sessions);
	ls_close(&guard);
	for (unsigned i = 0; !damaged && i < WIRED_MAILS; i++)
		check_mail(&wired.mail[i], report);
	/* Without limits on what accounts send Postfix need not ask. */
	if (policy->sending.messages.units > 0 ||
	    policy->sending.recipients.units > 0)
		check_postfix(&wired.postfix, report);
}

static bool check_policy_directory(const struct cli *cli, struct report *report)
{
	struct ls_state *state;
	struct ls_error error;
	struct stat st;

	if (stat(report->state_dir, &st) < 0)
		report_problem(report,
			       "state directory %s: %s: make it, with "
			       "systemd-tmpfiles --create or mkdir; until then "
			       "nothing is guarded",
			       report->state_dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		report_problem(report, "state directory %s: not a directory",
			       report->state_dir);
	else if ((state = cli_open(cli, 0, &error)) == NULL &&
		 error.code == LS_EARG)
		report_problem(report, "%s; until then nothing is guarded",
			       error.text);
	else {
		ls_close(&state);
		return true;
	}
	return false;
}

static int run_status(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct report report;
	struct ls_policy_file *policy;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_status);
		if (option != 'j')
			return cli_misused(&verb_status);
		json = true;
	}
	if (optind < argc)
		return cli_misused(&verb_status);
	report.now_ms = cli_now_ms();
	policy = check_policy(cli, &report);
	if (policy != NULL && check_policy_directory(cli, &report)) {
		check_guard(cli, ls_policy_file_policy(policy), &report);
		check_contacts(cli, &report);
		check_sessions(cli, &report);
		if (report.guard)
			dovecot_check(cli, &report);
		check_wired(cli, ls_policy_file_policy(policy), &report);
	}
	ls_policy_file_close(&policy);
	if (json)
		report_print_json(&report);
	else
		report_print(&report);
	return report.problems == 0 ? CLI_DONE : CLI_FAILED;
}

const struct verb verb_status = {
	.name = "status",
	.run = run_status,
	.summary = "say whether all is well, and what to do if not",
	.usage = "usage: lockstep status [--json]\n"
		 "\n"
		 "Show the policy in force, the state, what is wired, whether "
		 "lockstepd runs, how\n"
		 "far the journal reaches, and the logins of the last hour; "
		 "then a line that\n"
		 "begins with \"problem\" for each thing that is wrong, with "
		 "what to do. Exit code 0\n"
		 "when there is none, else 1.\n"
		 "\n"
		 "  -j, --json  one JSON object\n",
};
