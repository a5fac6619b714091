/* tell-parts.c - parts of a line; see tell-private.h */
#include "lockstep-config.h"

#include "chat/tell-private.h"

#include <inttypes.h>

enum { LISTED = 3 };

enum ls_reason reason_of(const json_t *data)
{
	int reason = LS_REASON_NONE + 1;

	while (reason < LS_REASON_COUNT &&
	       !is_text(data, "reason", ls_reason_name((enum ls_reason)reason)))
		reason++;
	return reason < LS_REASON_COUNT ? (enum ls_reason)reason
					: LS_REASON_NONE;
}

void tell_time(const struct telling *telling, const char *time)
{
	if (strlen(time) < 16 || time[10] != 'T')
		prose_say(telling->prose, "?");
	else if (strncmp(time, telling->timestamp, 10) == 0)
		prose_say(telling->prose, "%.5s UTC", time + 11);
	else
		prose_say(telling->prose, "%.10s %.5s UTC", time, time + 11);
}

void tell_until(const struct telling *telling)
{
	prose_say(telling->prose, " until ");
	tell_time(telling, text_of(telling->data, "until"));
}

void tell_by(const struct telling *telling)
{
	const char *by = text_of(telling->data, "by");

	if (*by != '\0') {
		prose_say(telling->prose, " by ");
		prose_name(telling->prose, by);
	} else if (is_text(telling->data, "origin", "admin")) {
		prose_say(telling->prose, " by an administrator");
	}
}

static bool is_limit(enum ls_reason reason)
{
	return reason != LS_REASON_NONE && reason != LS_REASON_DENIED &&
	       reason != LS_REASON_TLS && reason != LS_REASON_SENDING &&
	       reason != LS_REASON_ADMIN && reason != LS_REASON_CROWDED &&
	       reason != LS_REASON_SPRAY;
}

/* Whose limit it was, of an attempt. */
static const char *whose(const json_t *data)
{
	static const struct {
		enum ls_kind kind;
		const char *words;
	} table[] = {
		{ LS_KIND_IP, " (limit of the address)" },
		{ LS_KIND_NET, " (limit of the network)" },
		{ LS_KIND_USER, " (limit of the account)" },
		{ LS_KIND_PLACE, " (limit of the account from this network)" },
		{ LS_KIND_GUESS, " (limit of this password)" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (is_text(data, "kind", ls_kind_name(table[i].kind)))
			return table[i].words;
	}
	return "";
}

void tell_reason(const struct telling *telling)
{
	enum ls_reason reason = reason_of(telling->data);

	if (reason != LS_REASON_NONE)
		prose_say(telling->prose, ": %s", ls_reason_words(reason));
}

void tell_subject(const struct telling *telling)
{
	static const struct {
		enum ls_kind kind;
		const char *words;
	} table[] = {
		{ LS_KIND_IP, "address " },
		{ LS_KIND_NET, "network " },
		{ LS_KIND_USER, "user " },
		{ LS_KIND_PLACE, "user " },
	};

	if (is_text(telling->data, "kind", ls_kind_name(LS_KIND_GUESS))) {
		prose_say(telling->prose, "a wrong password");
		return;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (is_text(telling->data, "kind", ls_kind_name(table[i].kind)))
			prose_say(telling->prose, "%s", table[i].words);
	}
	prose_name(telling->prose, text_of(telling->data, "subject"));
}

static const char *net_of_event(const json_t *data)
{
	const char *address = text_of(data, "address");

	return *address != '\0' ? address : text_of(data, "network");
}

void tell_client(const struct telling *telling)
{
	const char *net = net_of_event(telling->data);
	const char *service = text_of(telling->data, "service");

	if (*net != '\0') {
		prose_say(telling->prose, " from ");
		prose_name(telling->prose, net);
	}
	if (*service != '\0') {
		prose_say(telling->prose, " (");
		prose_name(telling->prose, service);
		prose_say(telling->prose, ")");
	}
}

void tell_user(const struct telling *telling)
{
	const char *user = text_of(telling->data, "user");

	prose_say(telling->prose, *user != '\0' ? "user " : "somebody");
	if (*user != '\0')
		prose_name(telling->prose, user);
}

void tell_why(const struct telling *telling)
{
	const char *wanted = text_of(telling->data, "wanted");
	json_int_t more = number_of(telling->data, "unrecorded");

	tell_reason(telling);
	if (is_limit(reason_of(telling->data)))
		prose_say(telling->prose, "%s", whose(telling->data));
	if (*wanted != '\0')
		prose_say(telling->prose, "; observed only: it would be %s",
			  strcmp(wanted, "hold") == 0    ? "held"
			  : strcmp(wanted, "admit") == 0 ? "let in"
							 : "refused");
	if (more > 0)
		prose_say(telling->prose, ", and %" PRId64 " more",
			  (int64_t)more);
}

void tell_list(struct prose *prose, const json_t *list, const char *key)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < count && i < LISTED; i++) {
		const json_t *one = json_array_get(list, i);
		const char *text = key != NULL ? text_of(one, key)
					       : json_string_value(one);

		prose_say(prose, "%s", i == 0 ? "" : ", ");
		prose_name(prose, text != NULL ? text : "");
	}
	if (count > LISTED)
		prose_say(prose, " and %zu more", count - LISTED);
}

void tell_length(struct prose *prose, uint64_t ms)
{
	static const struct {
		uint64_t ms, until_ms;
		const char *word;
	} table[] = {
		{ 1000, 120 * 1000, "second" },
		{ 60 * 1000, 2 * 3600 * 1000, "minute" },
		{ 3600 * 1000, 48 * UINT64_C(3600000), "hour" },
		{ 24 * 3600 * 1000, UINT64_MAX, "day" },
	};
	size_t i = 0;
	uint64_t count;

	while (ms > table[i].until_ms)
		i++;
	count = ms / table[i].ms + (ms % table[i].ms > 0);
	if (count == 0)
		count = 1;
	prose_say(prose, "%" PRIu64 " %s%s", count, table[i].word,
		  count == 1 ? "" : "s");
}
