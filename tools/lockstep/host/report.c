/* report.c - see report.h */
#include "lockstep-config.h"

#include "cli.h"
#include "print/columns.h"
#include "print/json.h"
#include "host/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Between a connection and its AUTH: Postfix's smtpd_timeout. */
enum { POSTFIX_PATIENCE_MS = 300000 };

/* "3 s ago" */
static const char *ago(const struct report *report, uint64_t at_ms,
		       char text_r[CLI_TIME_TEXT + 8])
{
	char age[CLI_TIME_TEXT];

	if (at_ms == 0)
		return "never";
	cli_age_format((int64_t)(report->now_ms - at_ms) > 0
			       ? report->now_ms - at_ms
			       : 0,
		       age);
	snprintf(text_r, CLI_TIME_TEXT + 8, "%s ago", age);
	return text_r;
}

static void print_policy(const struct report *report)
{
	time_t seconds = (time_t)(report->compiled_real_ms / 1000);
	char when[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("policy     %s: %s\n           compiled %s\n", report->policy,
	       report->observing ? "observing (refuses nothing)" : "enforcing",
	       when);
	if (report->observing)
		puts("note       Dovecot's own brake is on meanwhile: from an "
		     "address that failed, honest\n"
		     "           logins wait for 4 to 15 s, too");
	if (report->conf_differs)
		printf("note       %s, with what it\n           includes, "
		       "says other than this: run lockstep compile\n",
		       LS_CONF_PATH);
}

/* Whoever guesses from there is one of all these people to Lockstep. */
static void print_shared(const struct ls_status *status)
{
	char net[LS_PREFIX_TEXT];

	if (status->shared == 0)
		return;
	ls_prefix_format(&status->shared_at, net);
	printf("note       %" PRIu64 " of %" PRIu64 " accounts' places log in "
	       "from %s:\n"
	       "           if that is a webmail or a proxy, have it hand on its "
	       "clients' addresses:\n"
	       "           see doc/proxies.md\n",
	       status->shared, status->recent, net);
}

static void print_guard(const struct report *report)
{
	const struct ls_status *status = &report->status;
	char age[CLI_TIME_TEXT + 8];

	printf("guard      %s/guard: %" PRIu64 " of %" PRIu64 " subjects\n",
	       report->state_dir, status->used, status->subjects);
	printf("           %" PRIu64 " lock%s, %" PRIu64 " familiar place%s, "
	       "%" PRIu64 " evicted\n",
	       status->locks, ls_plural_s(status->locks), status->familiar,
	       ls_plural_s(status->familiar), status->evicted);
	print_shared(status);
	for (unsigned i = 0; i < report->differences; i++)
		printf("note       %s is %s in the policy, the maps have %s:\n"
		       "           they stay as they are until lockstep init\n",
		       report->difference[i].key, report->difference[i].policy,
		       report->difference[i].maps);
	printf("logins     %" PRIu64 " admitted, %" PRIu64 " refused",
	       status->admitted, status->denied);
	if (status->auth_seen_ms == 0)
		puts("; none decided yet:\n           is lockstep Dovecot's "
		     "first passdb?");
	else
		printf("; the last %s\n",
		       ago(report, status->auth_seen_ms, age));
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

/* That is how a proxy works; its backends have to do what it cannot. */
static void print_unverified(const struct report *report)
{
	char age[CLI_TIME_TEXT + 8];

	if (report->status.unverified == 0)
		return;
	printf("note       %" PRIu64 " login%s, the last %s, got a yes "
	       "without a look at the password\n"
	       "           (nopassword): they count for nothing here. Guard the "
	       "servers that verify\n"
	       "           it with Lockstep, and let them trust this one for "
	       "the client's address:\n"
	       "           login_trusted_networks; see doc/proxies.md\n",
	       report->status.unverified, ls_plural_s(report->status.unverified),
	       ago(report, report->status.unverified_seen_ms, age));
}

static void print_wired(const struct report *report)
{
	const struct ls_status *status = &report->status;
	char auth[CLI_TIME_TEXT + 8], smtp[CLI_TIME_TEXT + 8];
	char connect[CLI_TIME_TEXT + 8], daemon[CLI_TIME_TEXT + 8];
	char message[CLI_TIME_TEXT + 8];

	printf("wired      Dovecot auth: asked %s; Postfix AUTH: asked %s\n",
	       ago(report, status->auth_seen_ms, auth),
	       ago(report, status->smtp_seen_ms, smtp));
	printf("           Postfix connections: asked %s; messages: asked %s\n",
	       ago(report, status->connect_seen_ms, connect),
	       ago(report, status->message_seen_ms, message));
	printf("           mail sessions: %s\n",
	       report->sessions_seen > 0 ? "seen" : "none yet");
	print_postfix(status);
	print_unverified(report);
	if (report_daemon_is_alive(report))
		printf("lockstepd  alive, seen %s\n",
		       ago(report, status->daemon_seen_ms, daemon));
	if (status->daemon_seen_ms != 0)
		printf("outbox     %" PRIu64 " message%s to send, %" PRIu64
		       " of them undeliverable so far; %" PRIu64 " given up\n",
		       status->daemon.waiting,
		       ls_plural_s(status->daemon.waiting), status->daemon.stuck,
		       status->daemon.dropped);
	if (report->contacts.open)
		printf("contacts   %" PRIu64 " of %" PRIu64 " known\n",
		       report->contacts.used, report->contacts.room);
	if (report->sessions)
		printf("sessions   %" PRIu64 " live, room for %" PRIu64 "\n",
		       report->live.live, report->live.room);
	else
		puts("sessions   none yet");
}

static void print_journal(const struct report *report)
{
	const struct figures *hour = &report->hour;
	char oldest[CLI_TIME_TEXT + 8];

	printf("journal    %" PRIu64 " of %" PRIu64 " events kept", hour->kept,
	       hour->written);
	if (hour->kept > 0)
		printf(", the oldest %s", ago(report, hour->oldest_ms, oldest));
	printf("\n           %" PRIu64 " lost half-written, %" PRIu64
	       " gone before lockstepd read them\n",
	       hour->damaged, report->status.daemon.lost);
	if (report->status.untold > 0)
		printf("           %" PRIu64 " more attempt%s of what it has much "
		       "of, counted only\n",
		       report->status.untold, ls_plural_s(report->status.untold));
	if (report->status.daemon.lost > 0)
		puts("note       lockstepd missed some: unless it was down, "
		     "raise `journal-size` in\n"
		     "           lockstep.conf");
	if (hour->short_of)
		puts("note       it does not reach back an hour: raise "
		     "`journal-size` in lockstep.conf");
}

static void print_row(const struct columns *columns, const char *name,
		      const struct figures_of *of)
{
	char logins[24], success[24], wrong[24], refused[24];
	char escaped[4 * (LS_SERVICE_MAX + 1)];
	const char *const cells[] = { cli_escape(name, escaped,
						 sizeof(escaped)),
				      logins, success, wrong, refused };

	snprintf(logins, sizeof(logins), "%" PRIu64, of->logins);
	snprintf(success, sizeof(success), "%" PRIu64, of->success);
	snprintf(wrong, sizeof(wrong), "%" PRIu64, of->wrong);
	snprintf(refused, sizeof(refused), "%" PRIu64, of->refused);
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_hour(const struct figures *hour, uint64_t pending)
{
	static const struct column column[] = {
		{ .title = "LAST HOUR", .width = 16 },
		{ .title = "LOGINS", .width = 9, .right = true },
		{ .title = "SUCCESS", .width = 9, .right = true },
		{ .title = "WRONG", .width = 9, .right = true },
		{ .title = "REFUSED", .width = 9, .right = true },
	};
	struct columns columns;

	putchar('\n');
	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (unsigned i = 0; i < hour->services; i++)
		print_row(&columns, hour->of[i].service, &hour->of[i]);
	print_row(&columns, "all", &hour->all);
	printf("%" PRIu64 " lock%s, %" PRIu64 " freeze%s, %" PRIu64
	       " suspicious success%s\n",
	       hour->locks, ls_plural_s(hour->locks), hour->freezes,
	       ls_plural_s(hour->freezes), hour->suspicious,
	       hour->suspicious == 1 ? "" : "es");
	if (pending > 0)
		printf("note       REFUSED lacks up to %" PRIu64 ": of an "
		       "address that comes back at once the\n"
		       "           journal gets 50 refusals, and then one in ten "
		       "minutes that counts the rest\n",
		       pending);
}

void report_print(const struct report *report)
{
	if (report->compiled)
		print_policy(report);
	if (report->guard) {
		print_guard(report);
		print_wired(report);
		print_journal(report);
		print_hour(&report->hour, report->pending);
	}
	if (report->guard && report->problems > 0)
		putchar('\n');
	for (unsigned i = 0; i < report->problems; i++) {
		char escaped[2 * sizeof(report->problem[0])];

		printf("%sproblem%s    %s\n", colour_on(COLOUR_BAD),
		       colour_off(COLOUR_BAD),
		       cli_escape(report->problem[i], escaped,
				  sizeof(escaped)));
	}
}

/* ---- for programs ----------------------------------------------------------- */

static void put_seen(json_t *object, const char *key, uint64_t at_ms)
{
	if (at_ms != 0)
		json_put_time(object, key, at_ms);
}

static json_t *figures_of(const struct figures_of *of)
{
	json_t *object = json_object();

	json_put_number(object, "logins", of->logins);
	json_put_number(object, "success", of->success);
	json_put_number(object, "wrong", of->wrong);
	json_put_number(object, "refused", of->refused);
	return object;
}

static json_t *report_hour(const struct figures *hour, uint64_t pending)
{
	json_t *object = json_object(), *services = json_object();

	json_put(object, "all", figures_of(&hour->all));
	for (unsigned i = 0; i < hour->services; i++) {
		char escaped[4 * (LS_SERVICE_MAX + 1)];

		json_put(services,
			 cli_escape(hour->of[i].service, escaped,
				    sizeof(escaped)),
			 figures_of(&hour->of[i]));
	}
	json_put(object, "services", services);
	json_put_number(object, "locks", hour->locks);
	json_put_number(object, "freezes", hour->freezes);
	json_put_number(object, "suspicious", hour->suspicious);
	json_put_number(object, "uncounted", pending);
	return object;
}

static json_t *differences_of(const struct report *report)
{
	json_t *differences = json_array();

	for (unsigned i = 0; i < report->differences; i++) {
		const struct maps_difference *at = &report->difference[i];
		json_t *object = json_object();

		json_put_text(object, "key", at->key);
		json_put_text(object, "policy", at->policy);
		json_put_text(object, "maps", at->maps);
		json_array_append_new(differences, object);
	}
	return differences;
}

static json_t *shared_of(const struct ls_status *status)
{
	json_t *object = json_object();
	char net[LS_PREFIX_TEXT];

	ls_prefix_format(&status->shared_at, net);
	json_put_text(object, status->shared_at.bits == 128 ? "address" : "network",
		      net);
	json_put_number(object, "places", status->shared);
	json_put_number(object, "of", status->recent);
	return object;
}

static json_t *guard_of(const struct report *report)
{
	const struct ls_status *status = &report->status;
	json_t *object = json_object();

	json_put_number(object, "subjects", status->subjects);
	json_put_number(object, "used", status->used);
	json_put_number(object, "locks", status->locks);
	json_put_number(object, "familiar", status->familiar);
	json_put_number(object, "evicted", status->evicted);
	json_put_number(object, "full", status->full);
	json_put_number(object, "locks_evicted", status->crowding.locks);
	json_put_number(object, "slotless", status->crowding.slotless);
	json_put_number(object, "slotless_refused", status->crowding.refused);
	put_seen(object, "crowded", status->crowding.last_ms);
	json_put_number(object, "admitted", status->admitted);
	json_put_number(object, "denied", status->denied);
	put_seen(object, "created", status->created_ms);
	if (report->differences > 0)
		json_put(object, "differs", differences_of(report));
	if (status->shared > 0)
		json_put(object, "shared", shared_of(status));
	return object;
}

static json_t *failing_of(const struct ls_status *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < LS_FAILING; i++) {
		const struct ls_failing *failing = &status->failing[i];
		json_t *object;

		if (failing->times == 0)
			continue;
		object = json_object();
		json_put_text(object, "passdb", failing->passdb);
		json_put(object, "fails", json_boolean(failing->fails));
		json_put_number(object, "times", failing->times);
		put_seen(object, "since", failing->since_ms);
		put_seen(object, "last", failing->last_ms);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *wired_of(const struct report *report)
{
	const struct ls_status *status = &report->status;
	json_t *object = json_object();

	put_seen(object, "auth_seen", status->auth_seen_ms);
	put_seen(object, "smtp_seen", status->smtp_seen_ms);
	put_seen(object, "connect_seen", status->connect_seen_ms);
	put_seen(object, "message_seen", status->message_seen_ms);
	put_seen(object, "lockstepd_seen", status->daemon_seen_ms);
	json_put(object, "lockstepd_alive",
		 json_boolean(report_daemon_is_alive(report)));
	json_put_number(object, "sessions", report->sessions_seen);
	json_put_number(object, "unverified", status->unverified);
	put_seen(object, "unverified_seen", status->unverified_seen_ms);
	json_put(object, "failing", failing_of(status));
	return object;
}

static json_t *report_sessions(const struct ls_sessions_status *live)
{
	json_t *object = json_object();

	json_put_number(object, "live", live->live);
	json_put_number(object, "room", live->room);
	json_put_number(object, "full", live->full);
	return object;
}

static json_t *contacts_of(const struct ls_contacts_status *contacts)
{
	json_t *object = json_object();

	json_put_number(object, "room", contacts->room);
	json_put_number(object, "used", contacts->used);
	json_put_number(object, "idle_given_up", contacts->idle);
	json_put_number(object, "lost", contacts->lost);
	if (contacts->lost_real_ms != 0)
		json_put_real_time(object, "lost_day", contacts->lost_real_ms);
	return object;
}

static json_t *outbox_of(const struct ls_daemon_news *daemon)
{
	json_t *object = json_object();

	json_put_number(object, "waiting", daemon->waiting);
	json_put_number(object, "undeliverable", daemon->stuck);
	json_put_number(object, "given_up", daemon->dropped);
	return object;
}

static json_t *journal_of(const struct figures *figures,
			  const struct ls_status *status)
{
	json_t *object = json_object();

	json_put_number(object, "written", figures->written);
	json_put_number(object, "kept", figures->kept);
	json_put_number(object, "damaged", figures->damaged);
	json_put_number(object, "unread", status->daemon.lost);
	json_put_number(object, "unrecorded", status->untold);
	if (figures->kept > 0)
		json_put_time(object, "oldest", figures->oldest_ms);
	return object;
}

void report_print_json(const struct report *report)
{
	json_t *object = json_object(), *problems = json_array();

	json_put_text(object, "policy", report->policy);
	if (report->compiled) {
		json_put(
			object, "mode",
			json_string(report->observing ? "observe" : "enforce"));
		json_put_time(object, "compiled",
			      report->compiled_real_ms -
				      (cli_real_ms() - cli_now_ms()));
		json_put(object, "stale_policy",
			 json_boolean(report->conf_differs));
	}
	if (report->guard) {
		json_put(object, "guard", guard_of(report));
		json_put(object, "wired", wired_of(report));
		if (report->sessions)
			json_put(object, "sessions",
				 report_sessions(&report->live));
		if (report->contacts.open)
			json_put(object, "contacts",
				 contacts_of(&report->contacts));
		json_put(object, "journal",
			 journal_of(&report->hour, &report->status));
		json_put(object, "outbox", outbox_of(&report->status.daemon));
		json_put(object, "last_hour",
			 report_hour(&report->hour, report->pending));
	}
	for (unsigned i = 0; i < report->problems; i++)
		json_array_append_new(problems, json_text(report->problem[i]));
	json_put(object, "problems", problems);
	json_line(object);
}
