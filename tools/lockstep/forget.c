/* forget.c - lockstep forget: familiar places, familiar no more */
#include "lockstep-config.h"

#include "cli.h"
#include "filter.h"
#include "orders.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void print_forgotten(void *context, const struct ls_place *place)
{
	char user[4 * sizeof(place->user)], net[LS_PREFIX_TEXT] = "?";

	(void)context;
	cli_escape(place->user[0] != '\0' ? place->user : "?", user,
		   sizeof(user));
	if (place->placed)
		ls_prefix_format(&place->net, net);
	printf("forgot %s from %s\n", user, net);
}

static int forget(struct ls_state *state, const struct filter *which,
		  const char *by)
{
	const struct ls_places_of of = {
		.user = which->user,
		.net = which->placed ? &which->net : NULL,
	};
	int ret = ls_forget(state, &of, by, cli_now_ms(), print_forgotten,
			    NULL);

	if (ret < 0) {
		cli_complain("%s", cli_refusal(ret));
		return CLI_FAILED;
	}
	if (ret == 0)
		puts("no such place is familiar");
	else
		printf("%d place%s familiar no more\n", ret,
		       ret == 1 ? " is" : "s are");
	return ret == 0 ? CLI_FAILED : CLI_DONE;
}

static int run_forget(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct filter which = { .user = NULL };
	const char *reason = NULL;
	char by[LS_DETAIL_MAX + 1];
	struct ls_state *state;
	int option, code;

	while ((option = getopt_long(argc, argv, "r:h", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_forget);
		if (option != 'r')
			return cli_misused(&verb_forget);
		reason = optarg;
	}
	/* joe@example.com, 192.0.2.1, or: joe@example.com from 192.0.2.1 */
	if (argc - optind != 1 &&
	    (argc - optind != 3 || strcmp(argv[optind + 1], "from") != 0))
		return cli_misused(&verb_forget);
	if (!filter_take_subject(&which, argv[optind]) ||
	    (argc - optind == 3 &&
	     !filter_take(&which, FILTER_FROM, argv[optind + 2])))
		return CLI_USAGE;
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	cli_who(reason, by);
	code = forget(state, &which, by);
	ls_close(&state);
	return code;
}

const struct verb verb_forget = {
	.name = "forget",
	.run = run_forget,
	.summary = "make familiar places strangers again",
	.usage = "usage: lockstep forget [--reason TEXT] USER [from ADDRESS]\n"
		 "       lockstep forget [--reason TEXT] ADDRESS\n"
		 "\n"
		 "Forget the familiar places of USER, all or those in one "
		 "network, or every place\n"
		 "in the network of ADDRESS, and say which they were: who logs "
		 "in from there is a\n"
		 "stranger, until the next success. ADDRESS may be a network "
		 "of any length; one\n"
		 "address stands for the network around it. Exit code 1 when "
		 "none was familiar.\n"
		 "\n"
		 "  -r, --reason TEXT  for the journal\n",
};
