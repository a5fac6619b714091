/* dovecot.c - see dovecot.h */
#include "lockstep-config.h"

#include "host/dovecot.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FOLLOW_MS = 5000,      /* within which auth takes over new maps */
	NOTE_MS = 900000,      /* what a mail process said is true for so long */
	STARTED_MS = 5000,     /* who makes the maps has started before */
	START_FIELD = 22, PARENT_FIELD = 4,
};

/* Programs with mail sessions. */
static const char *const programs[] = { "imap", "pop3", "managesieve",
					"submission" };

static void check_auth_note(const struct cli *cli, const struct ls_state *state,
			    struct report *report, uint32_t *master_r)
{
	bool anew = report->status.created_ms + FOLLOW_MS > report->now_ms;
	struct ls_note note;
	int ret = ls_note_read(cli->policy, "auth", state, &note);

	*master_r = 0;
	if (ret == LS_EFORMAT)
		report_problem(report,
			       "Dovecot: whether its auth process guards cannot "
			       "be told: what it says of itself, in the file "
			       "dovecot-auth beside the policy, is not whole: "
			       "is the disk full?");
	if (ret < 0 || note.gone)
		return;
	*master_r = note.parent;
	if (note.no_guard)
		report_problem(report,
			       "Dovecot: its auth process (%u) has no guard "
			       "open, and logins pass unguarded: %s; if that "
			       "is mended by now: doveadm reload",
			       note.pid, note.text);
	else if (!note.guard && !anew)
		report_problem(report,
			       "Dovecot: its auth process (%u) works on a "
			       "guard that was replaced%s%s: doveadm reload; "
			       "is `auth-user` in lockstep.conf the user that "
			       "it runs as?",
			       note.pid, note.text[0] == '\0' ? "" : ": ",
			       note.text);
	else if (note.guard && !note.sessions && !anew)
		report_problem(report,
			       "Dovecot: its auth process (%u) has not these "
			       "sessions open, and nobody is refused for "
			       "having too many%s%s",
			       note.pid, note.text[0] == '\0' ? "" : ": ",
			       note.text);
}

/* What was wrong before the maps were made, or the policy, may be mended by that. */
static uint64_t age_of_notes(const struct report *report)
{
	uint64_t now_ms = cli_real_ms(), age_ms = NOTE_MS;
	uint64_t maps_ms = report->now_ms - report->status.created_ms;
	uint64_t policy_ms = now_ms > report->compiled_real_ms
				     ? now_ms - report->compiled_real_ms
				     : 0;

	if (age_ms > maps_ms)
		age_ms = maps_ms;
	return age_ms < policy_ms ? age_ms : policy_ms;
}

static void check_notes(const struct cli *cli, const struct ls_state *state,
			struct report *report)
{
	uint64_t age_ms = age_of_notes(report);
	struct ls_note note;

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (ls_note_is_fresh(cli->policy, programs[i], cli_real_ms(),
				     age_ms) &&
		    ls_note_read(cli->policy, programs[i], state, &note) == 0 &&
		    (note.no_guard || note.no_sessions))
			report_problem(report,
				       "Dovecot: %s goes without %s: %s",
				       programs[i],
				       note.no_guard ? "the maps"
						     : "the sessions map",
				       note.text);
}

/* Is it the mail process of that master, started before then?
 *   line  of /proc/PID/stat, see process.c */
static bool is_old(const char *line, uint32_t master, uint64_t before_ms)
{
	const char *name = strchr(line, '('), *at = strrchr(line, ')');
	uint64_t ticks = 0;
	uint32_t parent = 0;
	bool mail = false;

	if (name == NULL || at == NULL || at < name)
		return false;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		mail |= strlen(programs[i]) == (size_t)(at - name - 1) &&
			strncmp(name + 1, programs[i], strlen(programs[i])) ==
				0;
	for (unsigned field = 3; mail && at != NULL; field++) {
		at = strchr(at + 1, ' ');
		if (at != NULL && field == PARENT_FIELD)
			parent = (uint32_t)strtoul(at + 1, NULL, 10);
		if (at != NULL && field == START_FIELD)
			ticks = strtoull(at + 1, NULL, 10);
	}
	return mail && parent == master && ticks > 0 &&
	       ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK) < before_ms;
}

/* What a mail process of before does is seen by nobody. */
static void check_old(const struct report *report, uint32_t master,
		      unsigned *count_r)
{
	uint64_t before_ms = report->status.created_ms > STARTED_MS
				     ? report->status.created_ms - STARTED_MS
				     : 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	*count_r = 0;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		char path[300], line[512];
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(line, sizeof(line), file) != NULL)
			*count_r += is_old(line, master, before_ms);
		fclose(file);
	}
	if (proc != NULL)
		closedir(proc);
}

void dovecot_check(const struct cli *cli, struct report *report)
{
	struct ls_error error;
	struct ls_state *state =
		cli_open(cli, LS_GUARD_READ | LS_SESSIONS_READ, &error);
	uint32_t master;
	unsigned old;

	if (state == NULL)
		return;
	check_auth_note(cli, state, report, &master);
	check_notes(cli, state, report);
	ls_close(&state);
	if (master == 0)
		return;
	check_old(report, master, &old);
	if (old > 0)
		report_problem(report,
			       "Dovecot: %u mail process%s run%s since before "
			       "the maps were made: their sessions are not "
			       "counted, and a freeze does not end them: "
			       "doveadm kick '*', or restart Dovecot",
			       old, old == 1 ? "" : "es", old == 1 ? "s" : "");
}
