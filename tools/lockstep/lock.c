/* lock.c - lockstep lock */
#include "lockstep-config.h"

#include "order.h"
#include "subject.h"

#include <stdio.h>

#define LENGTH_PRESET_MS UINT64_C(3600000)

/* When the lock of this subject ends; 0: none is found. */
static uint64_t locked_until(struct ls_state *state,
			     const struct ls_subject *subject)
{
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1)
		if (lock.named && !lock.freeze &&
		    subject_equal(&lock.subject, subject))
			return lock.until_ms;
	return 0;
}

static int lock(struct ls_state *state, const struct ls_subject *subject,
		const struct order *order)
{
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	uint64_t now_ms = cli_now_ms(), until_ms;
	int ret;

	subject_text(subject, text);
	ret = ls_lock(state, subject, order->length_ms, order->by, now_ms);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	until_ms = locked_until(state, subject);
	if (until_ms == 0)
		until_ms = now_ms + order->length_ms;
	cli_time_format(until_ms, until);
	/* the map keeps seconds */
	printf("%s %s %s until %s\n", ls_kind_name(subject->kind), text,
	       until_ms > now_ms + order->length_ms + 2000 ? "stays locked"
							   : "is locked",
	       until);
	return CLI_DONE;
}

static int run_lock(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .length_ms = LENGTH_PRESET_MS };
	int code;

	if (!order_parse(&verb_lock, "fr", argc, argv, &order, &code))
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
		 "SUBJECT...\n"
		 "\n"
		 "Lock each SUBJECT for strangers, on every protocol, at "
		 "once: an address\n"
		 "(192.0.2.1), a network (192.0.2.0/24), an account "
		 "(joe@example.com). Familiar\n"
		 "places go on; to lock one, quote it as lockstep list writes "
		 "it: \"joe@example.com\n"
		 "from 192.0.2.0/24\". A lock that already ends later stays.\n"
		 "\n"
		 "  -f, --for DURATION  90s, 10m, 12h, 30d [1h]\n"
		 "  -r, --reason TEXT   for the journal\n",
};
