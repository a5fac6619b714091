/* filter.c - see filter.h */
#include "lockstep-config.h"

#include "args/filter.h"
#include "print/subject.h"
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* The words of one option: names by number, from 1 on. */
struct words {
	const char *option;
	const char *(*name)(int number); /* NULL: not for people */
	int count;
	const char *other; /* one that is no number, or NULL */
};

static const char *event_name(int number)
{
	return ls_event_name((enum ls_event)number);
}

/* Of those that are locked, or have limits of their own. */
static const char *kind_name(int number)
{
	return number == LS_KIND_PAIR || number == LS_KIND_ALIAS ||
			       number == LS_KIND_ONCE ||
			       number == LS_KIND_SEAT ||
			       number == LS_KIND_SPRAY
		       ? NULL
		       : ls_kind_name((enum ls_kind)number);
}

static const char *outcome_name(int number)
{
	return ls_outcome_name((enum ls_outcome)number);
}

/* Returns the number of a word; 0: it is none, and that was told. */
static int number_argument(const struct words *words, const char *word)
{
	char known[512] = "";
	size_t used = 0;

	for (int number = 1; number < words->count; number++) {
		const char *name = words->name(number);

		if (name != NULL && strcmp(name, word) == 0)
			return number;
		if (name != NULL && used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, "%s%s",
						 used > 0 ? ", " : "", name);
	}
	cli_complain("--%s %s: one of %s%s%s", words->option, word, known,
		     words->other != NULL ? ", " : "",
		     words->other != NULL ? words->other : "");
	return 0;
}

static bool take_from(struct filter *filter, const char *text)
{
	char meant[LS_PREFIX_TEXT];
	int ret = ls_prefix_parse(text, &filter->net);

	if (ret == LS_EARG) {
		cli_complain("%s: neither an address nor a network", text);
	} else if (ret < 0) {
		ls_prefix_format(&filter->net, meant);
		cli_complain("%s: bits are set beyond the prefix; do you mean "
			     "%s?",
			     text, meant);
	}
	filter->placed = true;
	return ret == 0;
}

static bool take_since(struct filter *filter, const char *text)
{
	uint64_t ms, now_ms = cli_now_ms();

	if (ls_duration_parse(text, &ms) < 0) {
		cli_complain("--since %s: not a duration like 90s, 10m, 12h or "
			     "30d",
			     text);
		return false;
	}
	filter->since_ms = now_ms - ms; /* may lie before the boot */
	return true;
}

static bool take_outcome(struct filter *filter, const char *word)
{
	static const struct words outcomes = { "outcome", outcome_name,
					       LS_OUTCOME_COUNT, "refused" };

	filter->refused = strcmp(word, outcomes.other) == 0;
	filter->outcome =
		filter->refused
			? LS_OUTCOME_NONE
			: (enum ls_outcome)number_argument(&outcomes, word);
	return filter->refused || filter->outcome != LS_OUTCOME_NONE;
}

/* Whatever may be in a journal, short of nothing at all. */
static bool take_user(struct filter *filter, const char *text)
{
	static char plain[SUBJECT_PLAIN_TEXT];

	if (text[0] == '\0') {
		cli_complain("--user: an empty name");
		return false;
	}
	subject_unescape(text, plain);
	filter->user = plain;
	return true;
}

bool filter_take(struct filter *filter, int option, const char *argument)
{
	static const struct words kinds = { "kind", kind_name, LS_KIND_COUNT,
					    NULL };
	static const struct words types = { "type", event_name, LS_EVENT_COUNT,
					    NULL };

	switch (option) {
	case FILTER_USER:
		return take_user(filter, argument);
	case FILTER_FROM:
		return take_from(filter, argument);
	case FILTER_KIND:
		filter->kind = (enum ls_kind)number_argument(&kinds, argument);
		return filter->kind != LS_KIND_NONE;
	case FILTER_SINCE:
		return take_since(filter, argument);
	case FILTER_TYPE:
		filter->type = (enum ls_event)number_argument(&types, argument);
		return filter->type != LS_EVENT_NONE;
	case FILTER_SERVICE:
		filter->service = argument;
		return true;
	case FILTER_OUTCOME:
		return take_outcome(filter, argument);
	default:
		return false;
	}
}

/* USER from ADDRESS, in one word? Returns 1, 0 if it is none, or -1, having
 * complained. */
static int take_place_filter(struct filter *filter, const char *text)
{
	static char user[LS_USER_MAX + 1];
	char plain[SUBJECT_PLAIN_TEXT], net[SUBJECT_PLAIN_TEXT];
	const char *from;
	size_t length = 0;

	subject_unescape(text, plain);
	from = subject_place(plain, &length);
	if (from == NULL || length == 0)
		return 0;
	if (filter->user != NULL || filter->placed) {
		cli_complain("%s: there is %s already", text,
			     filter->placed ? "an address" : "an account");
		return -1;
	}
	from = strcpy(net, from);
	plain[length] = '\0';
	ls_user_copy(user, plain);
	filter->user = user;
	return take_from(filter, from) ? 1 : -1;
}

static bool take_subject(struct filter *filter, const char *text)
{
	static struct ls_subject account;
	struct ls_prefix prefix;
	bool placed = ls_prefix_parse(text, &prefix) != LS_EARG;
	int place = take_place_filter(filter, text);

	if (place != 0)
		return place > 0;
	if (placed ? filter->placed : filter->user != NULL) {
		cli_complain("%s: there is %s already", text,
			     placed ? "an address" : "an account");
		return false;
	}
	if (placed)
		return take_from(filter, text);
	if (subject_parse_user(text, &account) < 0)
		return false;
	filter->user = account.user;
	return true;
}

bool filter_take_subjects(struct filter *filter, int count, char **words)
{
	for (int i = 0; i < count; i++) {
		bool joins = strcmp(words[i], "from") == 0 && i + 1 < count &&
			     filter->user != NULL && !filter->placed;

		if (joins ? !take_from(filter, words[++i])
			  : !take_subject(filter, words[i]))
			return false;
	}
	return true;
}

int filter_take_who(struct filter *filter, const struct verb *verb, int count,
		    char **words)
{
	if (count < 1 || count > 3 ||
	    (count == 3 && strcmp(words[1], "from") != 0))
		return cli_misused(verb);
	if (!filter_take_subjects(filter, count, words))
		return CLI_USAGE;
	return CLI_DONE;
}

/* Without the guard, which tells how Dovecot does, as it is typed. */
static void fold_user(struct filter *filter, const struct cli *cli)
{
	static char user[LS_USER_MAX + 1];
	struct ls_error ignored;
	struct ls_state *state;

	ls_user_copy(user, filter->user);
	filter->user = user;
	if (!subject_has_capitals(user))
		return;
	state = cli_open(cli, LS_GUARD_READ, &ignored);
	if (state != NULL)
		subject_fold(state, user);
	ls_close(&state);
}

static void unwrap_net(struct filter *filter, const struct cli *cli)
{
	struct ls_policy_file *policy;
	struct ls_nat64 nat64;
	struct ls_error ignored;

	if (!filter->placed || ls_addr_is_ipv4(&filter->net.addr) ||
	    cli_open_policy(cli->policy, &policy, &ignored) < 0)
		return;
	if (ls_nat64_parse(ls_policy_file_policy(policy)->nat64, &nat64,
			   &ignored) == 0)
		ls_nat64_unwrap(&nat64, &filter->net);
	ls_policy_file_close(&policy);
}

void filter_follow(struct filter *filter, const struct cli *cli)
{
	if (filter->user != NULL)
		fold_user(filter, cli);
	unwrap_net(filter, cli);
}

/* Does the one lie in the other? */
static bool filter_overlaps(const struct ls_prefix *a,
			    const struct ls_prefix *b)
{
	return a->bits <= b->bits ? ls_prefix_covers(a, &b->addr)
				  : ls_prefix_covers(b, &a->addr);
}

bool filter_subject(const struct filter *filter,
		    const struct ls_subject *subject)
{
	if (filter->user != NULL && strcmp(filter->user, subject->user) != 0)
		return false;
	if (filter->placed && (ls_prefix_is_none(&subject->net) ||
			       !filter_overlaps(&filter->net, &subject->net)))
		return false;
	return filter->kind == LS_KIND_NONE || filter->kind == subject->kind;
}

bool filter_time(const struct filter *filter, uint64_t at_ms)
{
	return filter->since_ms == 0 ||
	       (int64_t)(at_ms - filter->since_ms) >= 0;
}

bool filter_record(const struct filter *filter, const struct ls_record *record)
{
	bool refused = record->verdict == LS_DENY &&
		       !ls_event_is_order(record->event);

	if (!filter_subject(filter, &record->subject) ||
	    !filter_time(filter, record->at_ms))
		return false;
	if (filter->type != LS_EVENT_NONE && filter->type != record->event)
		return false;
	if (filter->service != NULL &&
	    strcmp(filter->service, record->service) != 0)
		return false;
	if (filter->refused)
		return refused;
	return filter->outcome == LS_OUTCOME_NONE ||
	       (filter->outcome == record->outcome && !refused);
}
