/* verify.c - lockstep verify: do the live maps hold what they must? */
#include "lockstep-config.h"

#include "cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static void print_finding(void *context, const char *finding)
{
	(void)context;
	printf("%s\n", finding);
}

/* Adds to *found_r. Returns 0 or the error, LS_ENOENT when there is no map. */
static int verify_map(const struct cli *cli, unsigned flag, uint64_t *found_r,
		      struct ls_error *error_r)
{
	struct ls_state *state = cli_open(cli, flag, error_r);

	if (state == NULL)
		return error_r->code;
	*found_r += ls_verify(state, cli_now_ms(), print_finding, NULL);
	ls_close(&state);
	return 0;
}

static int verify(const struct cli *cli)
{
	struct ls_error error;
	uint64_t found = 0;
	int ret = verify_map(cli, LS_GUARD_READ, &found, &error);

	/* Where no mail was read yet there are no sessions. */
	if (ret == 0 &&
	    verify_map(cli, LS_SESSIONS_READ, &found, &error) != LS_ENOENT)
		ret = error.code;
	if (ret < 0) {
		cli_cannot_open(cli, &error);
		return CLI_FAILED;
	}
	printf("%" PRIu64 " finding%s\n", found, ls_plural_s(found));
	return found == 0 ? CLI_DONE : CLI_FAILED;
}

static int run_verify(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return option == 'h' ? cli_help(&verb_verify)
				     : cli_misused(&verb_verify);
	if (optind != argc)
		return cli_misused(&verb_verify);
	return verify(cli);
}

const struct verb verb_verify = {
	.name = "verify",
	.run = run_verify,
	.summary = "check that the maps in use are sound",
	.usage = "usage: lockstep verify\n"
		 "\n"
		 "Reads the maps while others use them, and prints a line for "
		 "each thing that must\n"
		 "not be: a subject with two slots, a word out of bounds, a "
		 "mixed journal record.\n"
		 "Exits with 0 when there is none.\n",
};
