/* freeze.c - lockstep freeze and lockstep release: stolen accounts */
#include "lockstep-config.h"

#include "cli.h"
#include "held.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_PRESET_MS UINT64_C(86400000)

static bool is_account(const char *name)
{
	struct ls_prefix prefix;
	size_t len = strlen(name);

	if (ls_prefix_parse(name, &prefix) != LS_EARG) {
		cli_complain("%s: not an account; lockstep lock is for "
			     "addresses",
			     name);
		return false;
	}
	if (len == 0 || len > LS_USER_MAX)
		cli_complain("a name has 1 to %d bytes, not %zu", LS_USER_MAX,
			     len);
	return len > 0 && len <= LS_USER_MAX;
}

static int freeze(struct ls_state *state, const char *user, uint64_t length_ms,
		  const char *reason)
{
	char by[LS_DETAIL_MAX + 1], text[4 * (LS_USER_MAX + 1)];
	char until[CLI_TIME_TEXT];
	uint64_t now_ms = cli_now_ms();
	int ret;

	if (!is_account(user))
		return CLI_FAILED;
	cli_who(reason, by);
	cli_escape(user, text, sizeof(text));
	ret = ls_freeze(state, user, length_ms, LS_REASON_ADMIN,
			LS_ORIGIN_ADMIN, by, now_ms);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	cli_time_format(now_ms + length_ms, until);
	printf("user %s is frozen, on every protocol, until %s at least\n",
	       text, until);
	return CLI_DONE;
}

static void print_forgotten(void *context, const struct ls_prefix *net)
{
	char text[LS_PREFIX_TEXT];

	(void)context;
	ls_prefix_format(net, text);
	printf("forgot %s\n", text);
}

static int release(struct ls_state *state, const char *user, const char *reason)
{
	static struct held held;
	char by[LS_DETAIL_MAX + 1], text[4 * (LS_USER_MAX + 1)];
	char since[CLI_TIME_TEXT];
	struct ls_release done;
	int ret;

	if (!is_account(user))
		return CLI_FAILED;
	cli_who(reason, by);
	cli_escape(user, text, sizeof(text));
	held_gather(state, user, &held);
	ret = ls_release(state, user, by, cli_now_ms(), print_forgotten, NULL,
			 &done);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	if (!done.frozen && !done.probation && !done.suspicious) {
		printf("user %s was neither frozen nor suspicious\n", text);
		held_print(&held);
		return CLI_FAILED;
	}
	printf("user %s is released%s%s\n", text,
	       done.frozen ? "; was frozen" : "",
	       done.probation ? "; was on probation" : "");
	if (done.suspicious) {
		cli_time_format(done.since_ms, since);
		printf("%u places first seen since it became suspicious, %s, "
		       "are forgotten\n",
		       done.forgotten, since);
		puts("if the password was not changed, the thief still has it");
	}
	held_print(&held);
	return CLI_DONE;
}

struct order {
	uint64_t length_ms;
	const char *reason;
};

/* Returns CLI_DONE to go on, or the exit code (-1: help was asked for). */
static int parse(const struct verb *verb, int argc, char **argv, bool lengthy,
		 struct order *order)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "reason", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, lengthy ? "f:r:h" : "r:h",
				     options, NULL)) != -1) {
		if (option == 'h') {
			cli_help(verb);
			return -1;
		}
		if (option == 'r')
			order->reason = optarg;
		else if (option != 'f' || !lengthy)
			return cli_misused(verb);
		else if (!cli_length(optarg, &order->length_ms))
			return CLI_USAGE;
	}
	return optind == argc ? cli_misused(verb) : CLI_DONE;
}

static int run(const struct verb *verb, const struct cli *cli, int argc,
	       char **argv, bool freezing)
{
	struct order order = { LENGTH_PRESET_MS, NULL };
	int code = parse(verb, argc, argv, freezing, &order);
	struct ls_state *state;

	if (code != CLI_DONE)
		return code < 0 ? CLI_DONE : code;
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	for (; optind < argc; optind++) {
		int ret = freezing ? freeze(state, argv[optind],
					    order.length_ms, order.reason)
				   : release(state, argv[optind], order.reason);

		if (ret != CLI_DONE)
			code = CLI_FAILED;
	}
	ls_close(&state);
	return code;
}

static int run_freeze(const struct cli *cli, int argc, char **argv)
{
	return run(&verb_freeze, cli, argc, argv, true);
}

static int run_release(const struct cli *cli, int argc, char **argv)
{
	return run(&verb_release, cli, argc, argv, false);
}

const struct verb verb_freeze = {
	.name = "freeze",
	.run = run_freeze,
	.summary = "refuse an account everywhere, familiar places too",
	.usage = "usage: lockstep freeze [--for DURATION] [--reason TEXT] "
		 "USER...\n"
		 "\n"
		 "Refuse every login of each USER, from familiar places too, "
		 "on every protocol, at\n"
		 "once: for an account whose password is in the wrong hands. "
		 "A freeze that already\n"
		 "ends later stays.\n"
		 "\n"
		 "  -f, --for DURATION  90s, 10m, 12h, 30d [1d]\n"
		 "  -r, --reason TEXT   for the journal\n",
};

const struct verb verb_release = {
	.name = "release",
	.run = run_release,
	.summary = "give an account back to its owner",
	.usage = "usage: lockstep release [--reason TEXT] USER...\n"
		 "\n"
		 "End each USER's freeze and probation, and forget the places "
		 "that were first seen\n"
		 "since the account became suspicious: they may be the "
		 "thief's. Change the\n"
		 "password before. What it sent counts no more; mail of it that "
		 "was held is told, with\n"
		 "the commands that send or delete it. Exit code 1 when one of "
		 "them was neither\n"
		 "frozen nor suspicious.\n"
		 "\n"
		 "  -r, --reason TEXT   for the journal\n",
};
