/* init.c - lockstep init: make the maps anew */
#include "lockstep-config.h"

#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/* The range of `subjects` in lockstep.conf. */
enum { SUBJECTS_MIN = 1024, SUBJECTS_MAX = 1 << 26 };

/* Returns false for what is no number of subjects. */
static bool parse_subjects(const char *text, uint64_t *subjects_r)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	*subjects_r = number;
	return errno == 0 && end != text && *end == '\0' && *text != '-' &&
	       number >= SUBJECTS_MIN && number <= SUBJECTS_MAX;
}

static int init(const struct cli *cli, uint64_t subjects)
{
	const struct ls_open_args args = {
		.policy_path = cli->policy,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};
	struct ls_error error;
	struct ls_status status;
	bool lost;
	struct ls_state *state;

	if (ls_init(&args, subjects, &error) < 0) {
		cli_cannot_open(&error);
		return CLI_FAILED;
	}
	lost = error.text[0] != '\0' && error.code == LS_EFULL;
	if (error.text[0] != '\0')
		cli_complain("%s%s", lost ? "" : "warning: ", error.text);
	state = cli_open(cli, LS_GUARD_READ, &error);
	if (state == NULL) {
		cli_cannot_open(&error);
		return CLI_FAILED;
	}
	ls_status(state, cli_now_ms(), &status);
	ls_close(&state);
	printf("New maps: room for %llu subjects; %llu locks and %llu familiar "
	       "places kept.\nRestart what used the old ones: Dovecot, "
	       "lockstepd; reload Postfix.\n",
	       (unsigned long long)status.subjects,
	       (unsigned long long)status.locks,
	       (unsigned long long)status.familiar);
	return lost ? CLI_FAILED : CLI_DONE;
}

static int run(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "subjects", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t subjects = 0;
	int option;

	while ((option = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			if (parse_subjects(optarg, &subjects))
				break;
			cli_complain("--subjects %s: a number from %d to %d",
				     optarg, SUBJECTS_MIN, SUBJECTS_MAX);
			return CLI_USAGE;
		case 'h':
			return cli_help(&verb_init);
		default:
			return cli_misused(&verb_init);
		}
	}
	if (optind != argc)
		return cli_misused(&verb_init);
	return init(cli, subjects);
}

const struct verb verb_init = {
	.name = "init",
	.run = run,
	.summary = "make the maps anew, keeping locks and familiar places",
	.usage = "usage: lockstep init [--subjects N]\n"
		 "\n"
		 "Make new maps in the policy's state directory, and retire "
		 "those in use. Locks,\n"
		 "strikes and familiar places go along; meters and journals "
		 "begin anew. Programs\n"
		 "on the old maps say in their logs that they want a "
		 "restart.\n"
		 "What has no room in the new maps is counted; the exit code "
		 "is 1 then. Freezes,\n"
		 "trusts, probations and locks have room first.\n"
		 "\n"
		 "  -s, --subjects N  with room for so many [as the policy "
		 "says]\n",
};
