/* trust.c - lockstep trust: an exemption for a while */
#include "lockstep-config.h"

#include "cli.h"
#include "orders.h"
#include "subject.h"

#include <getopt.h>
#include <stdio.h>

#define LENGTH_PRESET_MS UINT64_C(86400000)

struct order {
	bool end;
	uint64_t length_ms;
	char by[LS_DETAIL_MAX + 1];
};

static int trust(struct ls_state *state, const char *name,
		 const struct order *order)
{
	uint64_t now_ms = cli_now_ms();
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	struct ls_subject subject;
	int ret;

	if (subject_parse(state, name, &subject) < 0)
		return CLI_FAILED;
	subject_text(&subject, text);
	ret = order->end ? ls_distrust(state, &subject, order->by, now_ms)
			 : ls_trust(state, &subject, order->length_ms,
				    order->by, now_ms);
	if (ret < 0) {
		cli_complain("%s: %s", text,
			     ret == LS_EARG ? "only an address or a network "
					      "can be trusted"
					    : cli_refusal(ret));
		return CLI_FAILED;
	}
	if (order->end) {
		printf("%s %s %s\n", ls_kind_name(subject.kind), text,
		       ret == 0 ? "was not trusted" : "is trusted no more");
		return ret == 0 ? CLI_FAILED : CLI_DONE;
	}
	cli_time_format(now_ms + order->length_ms, until);
	printf("%s %s is trusted until %s\n", ls_kind_name(subject.kind), text,
	       until);
	return CLI_DONE;
}

/* Returns CLI_DONE to go on, or the exit code; -1: help was asked for. */
static int parse(int argc, char **argv, struct order *order)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "end", no_argument, NULL, 'e' },
		{ "reason", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *reason = NULL;
	bool timed = false;
	int option;

	while ((option = getopt_long(argc, argv, "f:er:h", options, NULL)) !=
	       -1) {
		if (option == 'h') {
			cli_help(&verb_trust);
			return -1;
		}
		if (option == 'r') {
			reason = optarg;
		} else if (option == 'e') {
			order->end = true;
		} else if (option == 'f') {
			timed = true;
			if (!cli_length(optarg, &order->length_ms))
				return CLI_USAGE;
		} else {
			return cli_misused(&verb_trust);
		}
	}
	cli_who(reason, order->by);
	return optind == argc || (timed && order->end)
		       ? cli_misused(&verb_trust)
		       : CLI_DONE;
}

static int run_trust(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .length_ms = LENGTH_PRESET_MS };
	int code = parse(argc, argv, &order);
	struct ls_state *state;

	if (code != CLI_DONE)
		return code < 0 ? CLI_DONE : code;
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	for (; optind < argc; optind++)
		if (trust(state, argv[optind], &order) != CLI_DONE)
			code = CLI_FAILED;
	ls_close(&state);
	return code;
}

const struct verb verb_trust = {
	.name = "trust",
	.run = run_trust,
	.summary = "exempt an address or a network for a while",
	.usage = "usage: lockstep trust [--for DURATION] [--reason TEXT] "
		 "ADDRESS...\n"
		 "       lockstep trust --end [--reason TEXT] ADDRESS...\n"
		 "\n"
		 "Exempt each ADDRESS, or network of the length that is "
		 "metered, as `trusted` in\n"
		 "lockstep.conf does: its own locks and limits and those of "
		 "the network around it\n"
		 "count for nothing. Locks of accounts, places and passwords "
		 "hold for it, and so\n"
		 "does `denied`. It lasts across a reboot; the last order "
		 "holds. lockstep list\n"
		 "shows what is trusted. Exit code 1 when what should end "
		 "was not trusted.\n"
		 "\n"
		 "  -f, --for DURATION  90s, 10m, 12h, 30d [1d]\n"
		 "  -e, --end           trust it no more\n"
		 "  -r, --reason TEXT   for the journal\n",
};
