/* order.c - see order.h */
#include "lockstep-config.h"

#include "args/known.h"
#include "print/subject.h"
#include "orders.h"
#include "verbs/order.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option known[] = {
	{ "for", required_argument, NULL, 'f' },
	{ "reason", required_argument, NULL, 'r' },
	{ "end", no_argument, NULL, 'e' },
	{ "all", no_argument, NULL, 'a' },
	{ "guess", no_argument, NULL, 'g' },
	{ "yes", no_argument, NULL, 'y' },
	{ "keep-places", no_argument, NULL, 'k' },
	{ "user", no_argument, NULL, 'u' },
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
static bool take_argument(struct order *order, int option, const char **reason)
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
	case 'k':
		order->keep_places = true;
		break;
	case 'u':
		order->user = true;
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
		else if (take_argument(order, option, &reason))
			continue;
		else
			*code_r = CLI_USAGE;
		return false;
	}
	order->words = argc - optind;
	order->word = argv + optind;
	*code_r = CLI_USAGE;
	return cli_who(reason, order->by);
}

/* When the lock of this subject ends; 0: none is found. */
static uint64_t order_ends(struct ls_state *state,
			   const struct ls_subject *subject, bool freeze)
{
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1)
		if (lock.named && lock.freeze == freeze &&
		    subject_equal(&lock.subject, subject))
			return lock.until_ms;
	return 0;
}

/* A slip in an address, or a host's name: whoever types that means no account, and
 * would not be locked out by a lock on one. */
static bool is_no_account(struct ls_state *state,
			  const struct ls_subject *subject, const char *word)
{
	struct known found;

	if (subject->kind != LS_KIND_USER ||
	    strchr(subject->user, '@') != NULL ||
	    order_ends(state, subject, false) != 0)
		return false;
	known_gather(state, subject->user, &found);
	if (found.used && !subject_is_slip(word))
		return false;
	cli_complain("%s: neither an address nor a network, nor an account that "
		     "ever logged in; --user locks an account of that name%s%s%s",
		     word, found.count > 0 ? "; did you mean " : "",
		     found.count > 0 ? found.meant[0] : "",
		     found.count > 0 ? "?" : "");
	return true;
}

static bool is_one_of(struct ls_state *state, enum order_kinds kinds,
		      const struct ls_subject *subject, const char *word)
{
	bool placed = subject->kind == LS_KIND_IP ||
		      subject->kind == LS_KIND_NET;

	if (kinds == ORDER_TO_LOCK)
		return !is_no_account(state, subject, word);
	if (kinds == ORDER_ACCOUNTS && subject->kind != LS_KIND_USER)
		cli_complain("%s: not an account", word);
	else if (kinds == ORDER_ADDRESSES && !placed)
		cli_complain("%s: only an address or a network can be trusted",
			     word);
	else
		return true;
	return false;
}

/* A name with a domain, or one that somebody logged in by? */
static bool is_account(struct ls_state *state, const char *word)
{
	struct ls_subject subject;
	struct ls_error ignored;
	struct known found;
	size_t ignored_length;

	if (ls_subject_parse(state, word, &subject, &ignored) < 0 ||
	    subject.kind != LS_KIND_USER ||
	    subject_place(word, &ignored_length) != NULL)
		return false;
	if (strchr(word, '@') != NULL)
		return true;
	known_gather(state, subject.user, &found);
	return found.used;
}

static bool is_address(struct ls_state *state, const char *word)
{
	struct ls_subject subject;
	struct ls_error ignored;

	return ls_subject_parse(state, word, &subject, &ignored) == 0 &&
	       (subject.kind == LS_KIND_IP || subject.kind == LS_KIND_NET);
}

/* How many words the next subject takes: a place may be USER from ADDRESS or USER
 * ADDRESS. */
static int count_words(struct ls_state *state, const struct order *order,
		       enum order_kinds kinds, int at)
{
	char **word = &order->word[at];

	if (at + 2 < order->words && strcmp(word[1], "from") == 0)
		return 3;
	return at + 1 < order->words && !order->user &&
			       (kinds == ORDER_ANY || kinds == ORDER_TO_LOCK) &&
			       is_address(state, word[1]) &&
			       is_account(state, word[0])
		       ? 2
		       : 1;
}

/* A subject of so many words in one, to be freed. */
static char *join_arguments(char **word, int count)
{
	char *text = NULL;

	if ((count > 1 ? asprintf(&text, "%s from %s", word[0],
				  word[count - 1])
		       : asprintf(&text, "%s", word[0])) < 0) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	return text;
}

static bool parse_one(struct ls_state *state, const char *word,
		      enum order_kinds kinds, struct ls_subject *subject_r)
{
	int ret;

	if (strcmp(word, "from") == 0) {
		cli_complain("a place is an account from an address: USER from "
			     "ADDRESS");
		return false;
	}
	ret = kinds == ORDER_ACCOUNTS ? subject_parse_user(word, subject_r)
				      : subject_parse(state, word, subject_r);
	if (ret < 0 || !is_one_of(state, kinds, subject_r, word))
		return false;
	if (kinds == ORDER_ACCOUNTS)
		subject_fold(state, subject_r->user);
	return true;
}

/* Returns how many there are, or -1 when one of them is none, having complained of
 * each. */
static int parse_order_subjects(struct ls_state *state,
				const struct order *order,
				enum order_kinds kinds,
				struct ls_subject *subject_r)
{
	int count = 0;
	bool good = true;

	for (int i = 0, took; i < order->words; i += took) {
		char *word;

		took = count_words(state, order, kinds, i);
		word = join_arguments(&order->word[i], took);
		good = parse_one(state, word,
				 order->user ? ORDER_ACCOUNTS : kinds,
				 &subject_r[count++]) &&
		       good;
		free(word);
	}
	return good ? count : -1;
}

static void tell_exemption(struct ls_state *state,
			   const struct ls_subject *subject)
{
	bool user = subject->kind >= LS_KIND_USER,
	     net = subject->kind != LS_KIND_USER;
	const struct ls_question question = {
		.user = user ? subject->user : NULL,
		.ip = net ? &subject->net.addr : NULL,
		.anywhere = subject->kind != LS_KIND_IP,
	};
	enum ls_share share = LS_SHARE_NONE;
	struct ls_explanation is;

	if (ls_explain(state, &question, cli_now_ms(), &is) < 0)
		return;
	/* A network may be trusted in part, which takes a walk through the policy. */
	if (subject->kind == LS_KIND_NET)
		share = ls_trusted_share(state, &subject->net);
	else if (is.trusted_by_policy)
		share = LS_SHARE_ALL;
	if (is.observing)
		puts("  but the policy only observes: it refuses nobody");
	else if (!user && share == LS_SHARE_ALL)
		puts("  but it is exempt: `trusted` in the policy");
	else if (!user && share == LS_SHARE_PART)
		puts("  but a part of it is exempt: `trusted` in the policy");
	else if (!user && (is.of[LS_KIND_IP].trusted_until_ms > 0 ||
			   is.of[LS_KIND_NET].trusted_until_ms > 0))
		puts("  but it is exempt: lockstep trust");
}

void order_tell(struct ls_state *state, const struct ls_subject *subject,
		bool freeze, uint64_t length_ms)
{
	uint64_t ordered_ms = cli_now_ms() + length_ms,
		 until_ms = order_ends(state, subject, freeze);
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	/* the map keeps seconds */
	bool stays = until_ms > ordered_ms + 2000;

	cli_time_format(until_ms != 0 ? until_ms : ordered_ms, until);
	printf("%s %s %s %s%s until %s\n", ls_kind_name(subject->kind),
	       subject_text(subject, text), stays ? "stays" : "is",
	       freeze ? "frozen" : "locked",
	       freeze ? ", on every protocol," : "", until);
	tell_exemption(state, subject);
}

void order_tell_unknown(struct ls_state *state,
			const struct ls_subject *subject)
{
	struct known found;

	if (subject->kind != LS_KIND_USER && subject->kind != LS_KIND_PLACE)
		return;
	known_gather(state, subject->user, &found);
	known_tell(&found, subject->user);
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
	int code = CLI_DONE, count;

	if (state == NULL)
		return CLI_FAILED;
	subject = calloc((size_t)order->words, sizeof(*subject));
	if (subject == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	count = parse_order_subjects(state, order, kinds, subject);
	if (count < 0)
		code = CLI_USAGE;
	for (int i = 0; i < count; i++) {
		if (one(state, &subject[i], order) != CLI_DONE)
			code = CLI_FAILED;
		tell_of_alias(state, &subject[i]);
	}
	free(subject);
	ls_close(&state);
	return code;
}
