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

static int init(const struct cli *cli, uint64_t subjects, bool force)
{
	const struct ls_open_args args = {
		.policy_path = cli->policy,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};
	struct ls_error error;
	struct ls_status status;
	struct ls_state *state;
	int ret = ls_init(&args, subjects, force, &error);

	if (ret == LS_EFULL) {
		cli_complain("%s, or say --force to lose them", error.text);
		return CLI_FAILED;
	}
	if (ret < 0) {
		cli_cannot_open(cli, &error);
		return CLI_FAILED;
	}
	if (error.text[0] != '\0')
		cli_complain("warning: %s", error.text);
	state = cli_open(cli, LS_GUARD_READ, &error);
	if (state == NULL) {
		cli_cannot_open(cli, &error);
		return CLI_FAILED;
	}
	ls_status(state, cli_now_ms(), &status);
	ls_close(&state);
	printf("New maps: room for %llu subjects; %llu locks and %llu familiar "
	       "places kept.\nMail sessions that are open stay on the old ones, "
	       "where no freeze ends them:\ndoveadm kick '*'\n",
	       (unsigned long long)status.subjects,
	       (unsigned long long)status.locks,
	       (unsigned long long)status.familiar);
	return CLI_DONE;
}

static int run_init(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "subjects", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t subjects = 0;
	bool force = false;
	int option;

	while ((option = getopt_long(argc, argv, "fs:h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			if (parse_subjects(optarg, &subjects))
				break;
			cli_complain("--subjects %s: a number from %d to %d",
				     optarg, SUBJECTS_MIN, SUBJECTS_MAX);
			return CLI_USAGE;
		case 'f':
			force = true;
			break;
		case 'h':
			return cli_help(&verb_init);
		default:
			return cli_misused(&verb_init);
		}
	}
	if (optind != argc)
		return cli_misused(&verb_init);
	return init(cli, subjects, force);
}

const struct verb verb_init = {
	.name = "init",
	.run = run_init,
	.summary = "make the maps anew, keeping locks and familiar places",
	.usage = "usage: lockstep init [--force] [--subjects N]\n"
		 "\n"
		 "Make new maps in the policy's state directory, and retire "
		 "those in use. Locks,\n"
		 "strikes and familiar places go along; meters and journals "
		 "begin anew.\n"
		 "Dovecot's auth, lockstepd and lockstep-policy take them "
		 "over within seconds.\n"
		 "When not all of that has room in the new maps, the old ones "
		 "stay.\n"
		 "\n"
		 "  -f, --force       make them all the same: freezes, trusts, "
		 "probations and\n"
		 "                    locks have room first, and the rest is "
		 "lost\n"
		 "  -s, --subjects N  with room for so many [as the policy "
		 "says]\n",
};
