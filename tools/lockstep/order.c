/* order.c - see order.h */
#include "lockstep-config.h"

#include "explain.h"
#include "order.h"
#include "subject.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option known[] = {
	{ "for", required_argument, NULL, 'f' },
	{ "reason", required_argument, NULL, 'r' },
	{ "end", no_argument, NULL, 'e' },
	{ "all", no_argument, NULL, 'a' },
	{ "guess", no_argument, NULL, 'g' },
	{ "yes", no_argument, NULL, 'y' },
	{ "help", no_argument, NULL, 'h' },
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

/* The verb's own among them, as getopt_long() wants them: all zero at the end. */
static void choose(const char *letters, struct option option_r[KNOWN + 1],
		   char short_r[2 * KNOWN + 1])
{
	size_t options = 0, used = 0;

	memset(option_r, 0, (KNOWN + 1) * sizeof(*option_r));
	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].val != 'h' &&
		    strchr(letters, known[i].val) == NULL)
			continue;
		option_r[options++] = known[i];
		short_r[used++] = (char)known[i].val;
		if (known[i].has_arg == required_argument)
			short_r[used++] = ':';
	}
	short_r[used] = '\0';
}

/* Returns false, having complained, when its argument makes no sense. */
static bool take(struct order *order, int option, const char **reason)
{
	switch (option) {
	case 'f':
		order->timed = true;
		return cli_length(optarg, &order->length_ms);
	case 'r':
		*reason = optarg;
		break;
	case 'e':
		order->end = true;
		break;
	case 'a':
		order->all = true;
		break;
	case 'g':
		order->guess = true;
		break;
	default:
		order->yes = true;
	}
	return true;
}

bool order_parse(const struct verb *verb, const char *letters, int argc,
		 char **argv, struct order *order, int *code_r)
{
	struct option options[KNOWN + 1];
	char short_options[2 * KNOWN + 1];
	const char *reason = NULL;
	int option;

	choose(letters, options, short_options);
	while ((option = getopt_long(argc, argv, short_options, options,
				     NULL)) != -1) {
		if (option == 'h')
			*code_r = cli_help(verb);
		else if (option == '?')
			*code_r = cli_misused(verb);
		else if (take(order, option, &reason))
			continue;
		else
			*code_r = CLI_USAGE;
		return false;
	}
	cli_who(reason, order->by);
	order->words = argc - optind;
	order->word = argv + optind;
	return true;
}

static bool is_one_of(enum order_kinds kinds, const struct ls_subject *subject,
		      const char *word)
{
	bool placed = subject->kind == LS_KIND_IP ||
		      subject->kind == LS_KIND_NET;

	if (kinds == ORDER_ACCOUNTS && subject->kind != LS_KIND_USER)
		cli_complain("%s: not an account", word);
	else if (kinds == ORDER_TO_LOCK && subject->kind == LS_KIND_USER &&
		 subject_is_slip(word))
		cli_complain("%s: neither an address nor a network; to shut "
			     "out an account of such a name, freeze it",
			     word);
	else if (kinds == ORDER_ADDRESSES && !placed)
		cli_complain("%s: only an address or a network can be trusted",
			     word);
	else
		return true;
	return false;
}

/* Returns false when one of them is none, having complained of each. */
static bool parse_subjects(const struct ls_state *state,
			   const struct order *order, enum order_kinds kinds,
			   struct ls_subject *subject_r)
{
	bool good = true;

	for (int i = 0; i < order->words; i++) {
		const char *word = order->word[i];
		int ret = kinds == ORDER_ACCOUNTS
				  ? subject_parse_user(word, &subject_r[i])
				  : subject_parse(state, word, &subject_r[i]);

		if (ret < 0 || !is_one_of(kinds, &subject_r[i], word))
			good = false;
	}
	return good;
}

/* An order for another name of an account does nothing to those who log in by its
 * own. */
static void tell_of_alias(struct ls_state *state,
			  const struct ls_subject *subject)
{
	const struct ls_question question = { .user = subject->user };
	struct ls_explanation is;

	if (subject->kind == LS_KIND_USER &&
	    ls_explain(state, &question, cli_now_ms(), &is) == 0 &&
	    is.aliased)
		cli_complain("%s is another name of %s, which this leaves "
			     "as it is",
			     subject->user,
			     is.final[0] != '\0' ? is.final
						: "an account");
}

int order_run(const struct cli *cli, const struct order *order,
	      enum order_kinds kinds, order_fn *one)
{
	struct ls_state *state = cli_open_guard(cli);
	struct ls_subject *subject;
	int code = CLI_DONE;

	if (state == NULL)
		return CLI_FAILED;
	subject = calloc((size_t)order->words, sizeof(*subject));
	if (subject == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	if (!parse_subjects(state, order, kinds, subject))
		code = CLI_USAGE;
	for (int i = 0; code != CLI_USAGE && i < order->words; i++) {
		if (one(state, &subject[i], order) != CLI_DONE)
			code = CLI_FAILED;
		tell_of_alias(state, &subject[i]);
	}
	free(subject);
	ls_close(&state);
	return code;
}
