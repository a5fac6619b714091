/* filter.c - see filter.h */
#include "lockstep-config.h"

#include "cli.h"
#include "filter.h"

#include <string.h>

/* The number of a word, by the function that names them; 0: it is none. */
#define NUMBER_OF(name_of, type, count, word) \
	({ \
		unsigned number_ = 1; \
		while (number_ < (count) && \
		       strcmp(name_of((type)number_), word) != 0) \
			number_++; \
		number_ < (count) ? number_ : 0; \
	})

static bool unknown(const char *option, const char *word, const char *known)
{
	cli_complain("--%s %s: one of %s", option, word, known);
	return false;
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
	filter->refused = strcmp(word, "refused") == 0;
	filter->outcome = NUMBER_OF(ls_outcome_name, enum ls_outcome,
				    LS_OUTCOME_COUNT, word);
	return filter->refused || filter->outcome != LS_OUTCOME_NONE ||
	       unknown("outcome", word,
		       "success, wrong, denied, internal, abandoned, refused");
}

bool filter_take(struct filter *filter, int option, const char *argument)
{
	switch (option) {
	case FILTER_USER:
		filter->user = argument;
		return true;
	case FILTER_FROM:
		return take_from(filter, argument);
	case FILTER_KIND:
		filter->kind = NUMBER_OF(ls_kind_name, enum ls_kind,
					 LS_KIND_PAIR, argument);
		return filter->kind != LS_KIND_NONE ||
		       unknown("kind", argument, "ip, net, user, place, guess");
	case FILTER_SINCE:
		return take_since(filter, argument);
	case FILTER_TYPE:
		filter->type = NUMBER_OF(ls_event_name, enum ls_event,
					 LS_EVENT_COUNT, argument);
		return filter->type != LS_EVENT_NONE ||
		       unknown("type", argument,
			       "login, connect, session, lock, unlock, "
			       "suspicious, freeze, release, trust, distrust, "
			       "forget, message, alarm");
	case FILTER_SERVICE:
		filter->service = argument;
		return true;
	case FILTER_OUTCOME:
		return take_outcome(filter, argument);
	default:
		return false;
	}
}

bool filter_take_subject(struct filter *filter, const char *text)
{
	struct ls_prefix prefix;

	if (ls_prefix_parse(text, &prefix) != LS_EARG)
		return take_from(filter, text);
	if (text[0] == '\0' || strlen(text) > LS_USER_MAX) {
		cli_complain("a name has 1 to %d bytes, not %zu", LS_USER_MAX,
			     strlen(text));
		return false;
	}
	filter->user = text;
	return true;
}

/* Does the one lie in the other? */
static bool overlap(const struct ls_prefix *a, const struct ls_prefix *b)
{
	return a->bits <= b->bits ? ls_prefix_covers(a, &b->addr)
				  : ls_prefix_covers(b, &a->addr);
}

static bool is_somewhere(const struct ls_prefix *net)
{
	static const struct ls_addr nowhere;

	return net->bits > 0 || !ls_addr_equal(&net->addr, &nowhere);
}

bool filter_subject(const struct filter *filter,
		    const struct ls_subject *subject)
{
	if (filter->user != NULL && strcmp(filter->user, subject->user) != 0)
		return false;
	if (filter->placed && (!is_somewhere(&subject->net) ||
			       !overlap(&filter->net, &subject->net)))
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
