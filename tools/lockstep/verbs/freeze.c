/* freeze.c - lockstep freeze and lockstep release: stolen accounts */
#include "lockstep-config.h"

#include "print/subject.h"
#include "host/held-mail.h"
#include "verbs/order.h"

#include <stdio.h>

#define LENGTH_PRESET_MS UINT64_C(86400000)

static int freeze_accounts(struct ls_state *state,
			   const struct ls_subject *subject,
			   const struct order *order)
{
	char text[SUBJECT_TEXT];
	int ret = ls_freeze(state, subject->user, order->length_ms,
			    LS_REASON_ADMIN, LS_ORIGIN_ADMIN, order->by,
			    cli_now_ms());

	if (ret < 0) {
		cli_complain("%s: %s", subject_text(subject, text),
			     cli_refusal(ret));
		return CLI_FAILED;
	}
	order_tell(state, subject, true, order->length_ms);
	order_tell_unknown(state, subject);
	return CLI_DONE;
}

static void print_released_place(void *context, const struct ls_prefix *net)
{
	const char *user = context;
	char text[LS_PREFIX_TEXT];

	ls_prefix_format(net, text);
	printf("forgot %s from %s\n", user, text);
}

static int release(struct ls_state *state, const struct ls_subject *subject,
		   const struct order *order)
{
	static struct held held;
	char text[SUBJECT_TEXT], since[CLI_TIME_TEXT];
	struct ls_release done;
	int ret;

	subject_text(subject, text);
	held_gather(state, subject->user, &held);
	ret = ls_release(state, subject->user, order->keep_places, order->by,
			 cli_now_ms(), print_released_place, text, &done);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	if (!done.frozen && !done.probation && !done.suspicious) {
		printf("user %s was neither frozen nor suspicious%s\n", text,
		       done.sent ? "; what it sent counts no more" : "");
		held_print(&held, false);
		return CLI_FAILED;
	}
	printf("user %s is released%s%s\n", text,
	       done.frozen ? "; was frozen" : "",
	       done.probation ? "; was on probation" : "");
	if (done.suspicious) {
		cli_time_format(done.since_ms, since);
		if (order->keep_places)
			printf("places first seen since %s stay familiar\n",
			       since);
		else if (done.forgotten == 0)
			printf("no place was first seen since %s, so none is "
			       "forgotten\n",
			       since);
		else
			printf("%u place%s first seen since %s %s forgotten: "
			       "maybe the thief's\n",
			       done.forgotten, done.forgotten == 1 ? "" : "s",
			       since, done.forgotten == 1 ? "is" : "are");
		puts("if the password was not changed, the thief still has it");
	}
	held_print(&held, done.frozen && done.reason == LS_REASON_SENDING);
	return CLI_DONE;
}

static int run_freeze(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .length_ms = LENGTH_PRESET_MS };
	int code;

	if (!order_parse(&verb_freeze, "fr", argc, argv, &order, &code))
		return code;
	if (order.words == 0)
		return cli_misused(&verb_freeze);
	return order_run(cli, &order, ORDER_ACCOUNTS, freeze_accounts);
}

static int run_release(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .all = false };
	int code;

	if (!order_parse(&verb_release, "kr", argc, argv, &order, &code))
		return code;
	if (order.words == 0)
		return cli_misused(&verb_release);
	return order_run(cli, &order, ORDER_ACCOUNTS, release);
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
	.usage = "usage: lockstep release [--keep-places] [--reason TEXT] "
		 "USER...\n"
		 "\n"
		 "End each USER's freeze and probation, and forget the places "
		 "that may be the\n"
		 "thief's: those first seen since the account became "
		 "suspicious, and of one that\n"
		 "an administrator froze, in the week before the freeze or "
		 "since. They are listed.\n"
		 "Change the password before. What it sent counts no more; "
		 "mail of it that was\n"
		 "held is told, with the commands that send or delete it. Exit "
		 "code 1 when one of\n"
		 "them was neither frozen nor suspicious (any more).\n"
		 "\n"
		 "  -k, --keep-places   forget none of them\n"
		 "  -r, --reason TEXT   for the journal\n",
};
