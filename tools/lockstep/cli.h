/* cli.h - what the verbs of the command line share
 *
 * Exit codes: CLI_DONE when all was done and is well, CLI_FAILED when something
 * failed, is wrong, or there was nothing to do, CLI_USAGE for a command line
 * that makes no sense. Errors go to standard error as "lockstep: text". */
#ifndef LOCKSTEP_CLI_H
#define LOCKSTEP_CLI_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli {
	const char *policy; /* path of policy.cdb */
	bool named;	    /* by --policy */
};

struct verb {
	const char *name;
	/* argv[0] is the verb */
	int (*run)(const struct cli *cli, int argc, char **argv);
	const char *summary; /* a line of `lockstep --help` */
	const char *usage;   /* `lockstep VERB --help`, whole */
};
extern const struct verb verb_compile, verb_status, verb_list, verb_explain,
	verb_lock, verb_unlock, verb_freeze, verb_release, verb_trust,
	verb_forget, verb_learn, verb_replay, verb_events, verb_top, verb_init,
	verb_verify, verb_bench;

/* Print the verb's usage: on standard output, CLI_DONE, when it was asked for;
 * its first lines, up to an empty one, on standard error, CLI_USAGE, when it was not kept to. */
int cli_help(const struct verb *verb);
int cli_misused(const struct verb *verb);

/* What `lockstep --version` says. */
void cli_print_version(void);

__attribute__((format(printf, 1, 2))) void cli_complain(const char *format,
							...);

/* ls_open() with this command line's policy; prints a warning it gives. Returns
 * NULL with *error_r. */
struct ls_state *cli_open(const struct cli *cli, unsigned flags,
			  struct ls_error *error_r);
/* The guard to write, made from the snapshot where there is none yet: else an
 * order would be forgotten, or come back, when the mail server starts. Returns
 * NULL, having complained. */
struct ls_state *cli_open_guard(const struct cli *cli);

/* The guard to read. Returns NULL, having complained. */
struct ls_state *cli_open_to_read(const struct cli *cli);
/* Complain that a map cannot be opened: whoever may not is told who may, and where
 * there is no policy, what to do first. */
void cli_cannot_open(const struct cli *cli, const struct ls_error *error);

/* Who gives an order, and why (may be NULL), for the journal. Returns false, having
 * complained, when that is longer than the journal keeps. */
bool cli_who(const char *reason, char by_r[LS_BY_MAX + 1]);
/* Read the length of an order. Returns false, having complained. */
bool cli_length(const char *text, uint64_t *ms_r);
/* What a negative return of an order means. */
const char *cli_refusal(int ret);

/* ls_policy_file_open() by path alone. */
int cli_open_policy(const char *path, struct ls_policy_file **file_r,
		    struct ls_error *error_r);

/* The policy to act by, for what needs no state; NULL, with a note, where the command
 * line names none and none is installed: the default one is meant. */
const char *cli_policy_or_default(const struct cli *cli);

/* Both clocks, in ms: since the machine started, since 1970. */
uint64_t cli_now_ms(void);
uint64_t cli_real_ms(void);

/* A time as now_ms in ms since 1970: from then until year 9999, whatever it is. */
uint64_t cli_real_of(uint64_t at_ms);
/* The same as local time: "2026-11-22 02:14:05". */
enum { CLI_TIME_TEXT = 24 };
void cli_time_format(uint64_t at_ms, char text_r[CLI_TIME_TEXT]);
/* The same without seconds and year: "Nov 22 02:14"; some 11 months away or more,
 * without the time of day: "Nov 22  2027". */
void cli_minute_format(uint64_t at_ms, char text_r[CLI_TIME_TEXT]);
/* Time gone by: "12 s", "5 min", "3 h", "2 d". */
void cli_age_format(uint64_t ms, char text_r[CLI_TIME_TEXT]);

/* `text` with everything that a terminal might obey, or that might deceive who
 * reads it, as \xNN: control characters, what is not UTF-8, invisible
 * characters and those that turn the direction of writing; \ becomes \\. Cut to
 * fit in size. Returns escaped_r. Names come from whoever tried to log in. */
char *cli_escape(const char *text, char *escaped_r, size_t size);
/* Bytes of the UTF-8 character that text (not empty) begins with, or 0. */
size_t cli_utf8_length(const char *text);

#endif
