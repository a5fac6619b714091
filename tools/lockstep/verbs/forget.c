/* forget.c - lockstep forget: familiar places, familiar no more */
#include "lockstep-config.h"

#include "args/filter.h"
#include "orders.h"
#include "verbs/order.h"

#include <stdio.h>

static void print_forgotten_place(void *context, const struct ls_place *place)
{
	char user[4 * sizeof(place->user)], net[LS_PREFIX_TEXT] = "?";

	(void)context;
	cli_escape(place->user[0] != '\0' ? place->user : "?", user,
		   sizeof(user));
	if (place->placed)
		ls_prefix_format(&place->net, net);
	printf("forgot %s from %s\n", user, net);
}

static int forget_places_of(struct ls_state *state, const struct filter *which,
			    const char *by)
{
	const struct ls_places_of of = {
		.user = which->user,
		.net = which->placed ? &which->net : NULL,
	};
	int ret = ls_forget(state, &of, by, cli_now_ms(), print_forgotten_place,
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
	struct order order = { .all = false };
	struct filter which = { .user = NULL };
	struct ls_state *state;
	int code;

	if (!order_parse(&verb_forget, "r", argc, argv, &order, &code))
		return code;
	code = filter_take_who(&which, &verb_forget, order.words, order.word);
	if (code != CLI_DONE)
		return code;
	filter_follow(&which, cli);
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	code = forget_places_of(state, &which, order.by);
	ls_close(&state);
	return code;
}

const struct verb verb_forget = {
	.name = "forget",
	.run = run_forget,
	.summary = "make familiar places strangers again",
	.usage = "usage: lockstep forget [--reason TEXT] USER [[from] ADDRESS]\n"
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
