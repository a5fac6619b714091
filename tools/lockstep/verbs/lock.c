/* lock.c - lockstep lock */
#include "lockstep-config.h"

#include "print/subject.h"
#include "verbs/order.h"

#define LENGTH_PRESET_MS UINT64_C(3600000)

static int lock(struct ls_state *state, const struct ls_subject *subject,
		const struct order *order)
{
	char text[SUBJECT_TEXT];
	int ret = ls_lock(state, subject, order->length_ms, order->by,
			  cli_now_ms());

	if (ret < 0) {
		cli_complain("%s: %s", subject_text(subject, text),
			     cli_refusal(ret));
		return CLI_FAILED;
	}
	order_tell(state, subject, false, order->length_ms);
	order_tell_unknown(state, subject);
	return CLI_DONE;
}

static int run_lock(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .length_ms = LENGTH_PRESET_MS };
	int code;

	if (!order_parse(&verb_lock, "fru", argc, argv, &order, &code))
		return code;
	if (order.words == 0)
		return cli_misused(&verb_lock);
	return order_run(cli, &order, ORDER_TO_LOCK, lock);
}

const struct verb verb_lock = {
	.name = "lock",
	.run = run_lock,
	.summary = "lock an address, a network or an account",
	.usage = "usage: lockstep lock [--for DURATION] [--reason TEXT] "
		 "[--user] SUBJECT...\n"
		 "\n"
		 "Lock each SUBJECT for strangers, on every protocol, at "
		 "once: an address\n"
		 "(192.0.2.1), a network (192.0.2.0/24), an account "
		 "(joe@example.com). Familiar\n"
		 "places go on; to lock one, write joe@example.com from "
		 "192.0.2.0/24, or the same\n"
		 "without \"from\": an account and the address behind it are "
		 "one place, as in every\n"
		 "command. A lock that already ends later stays. A name "
		 "without a domain by which\n"
		 "nobody ever logged in is taken for a slip.\n"
		 "\n"
		 "  -f, --for DURATION  90s, 10m, 12h, 30d [1h]\n"
		 "  -r, --reason TEXT   for the journal\n"
		 "  -u, --user          each SUBJECT is an account's name, "
		 "known or not\n",
};
