/* trust.c - lockstep trust: an exemption for a while */
#include "lockstep-config.h"

#include "print/subject.h"
#include "orders.h"
#include "verbs/order.h"

#include <stdio.h>

#define LENGTH_PRESET_MS UINT64_C(86400000)

/* What it is of no use against. */
static void tell_denial(struct ls_state *state,
			const struct ls_subject *subject)
{
	const struct ls_question question = { .ip = &subject->net.addr };
	struct ls_explanation is;

	if (ls_explain(state, &question, cli_now_ms(), &is) < 0)
		return;
	if (is.denied)
		puts("  but it is denied: `denied` in the policy");
	if (is.observing)
		puts("  but the policy only observes: it refuses nobody");
}

static int trust(struct ls_state *state, const struct ls_subject *subject,
		 const struct order *order)
{
	uint64_t now_ms = cli_now_ms();
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	int ret;

	subject_text(subject, text);
	ret = order->end ? ls_distrust(state, subject, order->by, now_ms)
			 : ls_trust(state, subject, order->length_ms,
				    order->by, now_ms);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	if (order->end) {
		printf("%s %s %s\n", ls_kind_name(subject->kind), text,
		       ret == 0 ? "was not trusted" : "is trusted no more");
		return ret == 0 ? CLI_FAILED : CLI_DONE;
	}
	cli_time_format(now_ms + order->length_ms, until);
	printf("%s %s is trusted until %s\n", ls_kind_name(subject->kind),
	       text, until);
	tell_denial(state, subject);
	return CLI_DONE;
}

static int run_trust(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .length_ms = LENGTH_PRESET_MS };
	int code;

	if (!order_parse(&verb_trust, "fer", argc, argv, &order, &code))
		return code;
	if (order.words == 0 || (order.timed && order.end))
		return cli_misused(&verb_trust);
	return order_run(cli, &order, ORDER_ADDRESSES, trust);
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
