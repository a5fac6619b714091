/* cli.c - see cli.h */
#include "lockstep-config.h"

#include "cli.h"
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 9999-12-31, the last day that four digits write */
#define TIME_LAST_MS UINT64_C(253402214400000)

/* What lies between the clocks, by the state that was opened last; 0: none was. */
static uint64_t apart_ms;

int cli_help(const struct verb *verb)
{
	fputs(verb->usage, stdout);
	return CLI_DONE;
}

int cli_misused(const struct verb *verb)
{
	const char *end = strstr(verb->usage, "\n\n");

	fprintf(stderr, "%.*s\nlockstep %s --help tells more\n",
		end == NULL ? (int)strcspn(verb->usage, "\n")
			    : (int)(end - verb->usage),
		verb->usage, verb->name);
	return CLI_USAGE;
}

void cli_complain(const char *format, ...)
{
	char text[2048], escaped[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "lockstep: %s\n",
		cli_escape(text, escaped, sizeof(escaped)));
}

static uint64_t read_clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t cli_now_ms(void)
{
	return read_clock_ms(CLOCK_BOOTTIME);
}

uint64_t cli_real_ms(void)
{
	return read_clock_ms(CLOCK_REALTIME);
}

struct ls_state *cli_open(const struct cli *cli, unsigned flags,
			  struct ls_error *error_r)
{
	struct ls_open_args args = {
		.policy_path = cli->policy,
		.flags = flags,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};
	struct ls_state *state = NULL;

	*error_r = (struct ls_error){ 0, "" };
	if (ls_open(&args, &state, error_r) < 0)
		return NULL;
	if (error_r->text[0] != '\0')
		cli_complain("warning: %s", error_r->text);
	/* Mail users may write the sessions map: only the guard's word counts. */
	if (flags & (LS_GUARD_READ | LS_GUARD_WRITE))
		apart_ms = ls_clocks_apart(state, args.now_ms, args.real_ms);
	return state;
}

uint64_t cli_real_of(uint64_t at_ms)
{
	apart_ms = ls_clocks_settled(apart_ms, cli_real_ms() - cli_now_ms());
	/* Before the boot: negative. But a map may hold any number. */
	if ((int64_t)at_ms < 0)
		return at_ms + apart_ms < apart_ms ? at_ms + apart_ms : 0;
	return at_ms < TIME_LAST_MS - apart_ms ? at_ms + apart_ms
					       : TIME_LAST_MS;
}

void cli_time_format(uint64_t at_ms, char text_r[CLI_TIME_TEXT])
{
	time_t seconds = (time_t)(cli_real_of(at_ms) / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(text_r, CLI_TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(text_r, "?");
}

/* So far away that the month does not tell the year? */
static bool is_far(uint64_t at_ms)
{
	const int64_t far_ms = INT64_C(330) * 24 * 3600 * 1000;
	int64_t away_ms = (int64_t)(at_ms - cli_now_ms());

	return away_ms > far_ms || away_ms < -far_ms;
}

void cli_minute_format(uint64_t at_ms, char text_r[CLI_TIME_TEXT])
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr",
					  "May", "Jun", "Jul", "Aug",
					  "Sep", "Oct", "Nov", "Dec" };
	unsigned year, month = 0, day, hour, minute;
	char text[CLI_TIME_TEXT];

	cli_time_format(at_ms, text);
	if (sscanf(text, "%u-%u-%u %u:%u", &year, &month, &day, &hour,
		   &minute) != 5 ||
	    month < 1 || month > 12)
		strcpy(text_r, "?");
	else if (is_far(at_ms))
		snprintf(text_r, CLI_TIME_TEXT, "%s %2u  %u",
			 months[month - 1], day % 100, year % 10000);
	else
		snprintf(text_r, CLI_TIME_TEXT, "%s %2u %02u:%02u",
			 months[month - 1], day % 100, hour % 100,
			 minute % 100);
}

void cli_age_format(uint64_t ms, char text_r[CLI_TIME_TEXT])
{
	uint64_t seconds = ms / 1000;

	if (seconds < 120)
		snprintf(text_r, CLI_TIME_TEXT, "%" PRIu64 " s", seconds);
	else if (seconds < 120 * 60)
		snprintf(text_r, CLI_TIME_TEXT, "%" PRIu64 " min",
			 seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(text_r, CLI_TIME_TEXT, "%" PRIu64 " h",
			 seconds / 3600);
	else
		snprintf(text_r, CLI_TIME_TEXT, "%" PRIu64 " d",
			 seconds / 86400);
}

int cli_open_policy(const char *path, struct ls_policy_file **file_r,
		    struct ls_error *error_r)
{
	char *copy = strdup(path);
	int fd, ret = LS_ESYS;

	*file_r = NULL;
	fd = copy == NULL
		     ? -1
		     : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		ret = ls_policy_file_open(fd, path, file_r, error_r);
		close(fd);
	} else {
		error_r->code = ret;
		snprintf(error_r->text, sizeof(error_r->text), "%s: %s", path,
			 strerror(errno));
	}
	free(copy);
	return ret;
}

struct ls_state *cli_open_guard(const struct cli *cli)
{
	struct ls_error error;
	struct ls_state *state =
		cli_open(cli, LS_GUARD_WRITE | LS_CREATE, &error);

	if (state == NULL)
		cli_cannot_open(cli, &error);
	return state;
}

struct ls_state *cli_open_to_read(const struct cli *cli)
{
	struct ls_error error;
	struct ls_state *state = cli_open(cli, LS_GUARD_READ, &error);

	if (state == NULL)
		cli_cannot_open(cli, &error);
	return state;
}

/* Is there no policy where nobody named another one? */
static bool is_not_set_up(const struct cli *cli)
{
	return !cli->named && access(cli->policy, F_OK) < 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

const char *cli_policy_or_default(const struct cli *cli)
{
	if (!is_not_set_up(cli))
		return cli->policy;
	cli_complain("note: there is no policy %s: this is what the default one "
		     "would have done",
		     cli->policy);
	return NULL;
}

void cli_cannot_open(const struct cli *cli, const struct ls_error *error)
{
	bool denied = geteuid() != 0 && error->code == LS_ESYS &&
		      strstr(error->text, strerror(EACCES)) != NULL;

	if (is_not_set_up(cli))
		cli_complain("Lockstep is not set up here: there is no %s; "
			     "lockstep compile makes it, and then lockstep init "
			     "the maps",
			     cli->policy);
	else
		cli_complain("%s%s", error->text,
			     denied ? ": this is for root, and for the members "
				      "of `group` in lockstep.conf"
				    : "");
}

/* Only from root is sudo's word taken: others may have written it themselves. */
static const char *user_name(char uid[32])
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *entry;

	if (sudo != NULL && sudo[0] != '\0')
		return sudo;
	entry = getpwuid(getuid());
	if (entry != NULL)
		return entry->pw_name;
	snprintf(uid, 32, "uid %u", (unsigned)getuid());
	return uid;
}

bool cli_who(const char *reason, char by_r[LS_BY_MAX + 1])
{
	bool told = reason != NULL && reason[0] != '\0';
	char uid[32];

	if (told && strlen(reason) > LS_MORE_MAX) {
		cli_complain("--reason has at most %d bytes, not %zu",
			     LS_MORE_MAX, strlen(reason));
		return false;
	}
	snprintf(by_r, LS_BY_MAX + 1, "%.*s%s%s", LS_DETAIL_MAX, user_name(uid),
		 told ? ": " : "", told ? reason : "");
	return true;
}

#define LENGTH_MAX_MS (366 * UINT64_C(86400000))

bool cli_length(const char *text, uint64_t *ms_r)
{
	if (ls_duration_parse(text, ms_r) == 0 && *ms_r >= 1000 &&
	    *ms_r <= LENGTH_MAX_MS)
		return true;
	cli_complain("--for %s: not a duration like 90s, 10m, 12h or 30d, from "
		     "1s to 366d",
		     text);
	return false;
}

const char *cli_refusal(int ret)
{
	switch (ret) {
	case LS_EARG:
		return "such a subject cannot be locked";
	case LS_EACCES:
		return "no right to change the state";
	case LS_EFULL:
		return "the table is full";
	default:
		return "failed";
	}
}
