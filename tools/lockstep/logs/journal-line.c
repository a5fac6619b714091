/* journal-line.c - see journal-line.h */
#include "lockstep-config.h"

#include "logs/journal-line.h"
#include "logs/logclock.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static uint32_t number_of_name(struct attempts *attempts, const json_t *data,
			       const char *key)
{
	const char *text = text_of(data, key);

	return names_add(&attempts->names, text,
			 strnlen(text, LS_USER_MAX));
}

/* Refused for guesses that came before? Then it was one more, most likely. */
static bool is_for_guesses(const char *reason)
{
	for (int i = LS_REASON_FAILURES; i <= LS_REASON_REPEATS; i++)
		if (strcmp(reason, ls_reason_name((enum ls_reason)i)) == 0)
			return true;
	for (int i = LS_REASON_SPRAY; i <= LS_REASON_ANY_DOMAIN_SLOW; i++)
		if (strcmp(reason, ls_reason_name((enum ls_reason)i)) == 0)
			return true;
	return false;
}

/* "success" as the journal says it; a refused one has no outcome. */
static bool outcome_of_name(const json_t *data, enum ls_outcome *outcome_r)
{
	const char *text = text_of(data, "outcome");

	*outcome_r = LS_OUTCOME_NONE;
	if (strcmp(text_of(data, "verdict"), "deny") == 0) {
		/* By an order or the policy: its password says nothing. */
		if (!is_for_guesses(text_of(data, "reason")))
			*outcome_r = LS_OUTCOME_INTERNAL;
		return true;
	}
	for (int i = LS_OUTCOME_SUCCESS; i < LS_OUTCOME_COUNT; i++)
		if (strcmp(text, ls_outcome_name((enum ls_outcome)i)) == 0) {
			*outcome_r = (enum ls_outcome)i;
			return true;
		}
	return false;
}

/* The attempt, and those like it that have no line. */
static uint16_t count_in_json(const json_t *data)
{
	enum { MOST = 10000 };
	json_int_t more =
		json_integer_value(json_object_get(data, "unrecorded"));

	return more <= 0 ? 1 : more < MOST ? (uint16_t)(more + 1) : MOST;
}

/* "2026-11-25T02:23:26.123Z" */
static uint64_t time_in_json(const char *text)
{
	struct dovelog_when when;
	struct logclock clock;
	char with_blank[48];
	size_t len = strlen(text);

	if (len + 1 >= sizeof(with_blank))
		return 0;
	memcpy(with_blank, text, len);
	with_blank[len++] = ' ';
	if (dovelog_when(with_blank, len, &when) != len || !when.zoned)
		return 0;
	logclock_init(&clock, 0);
	return logclock_ms(&clock, &when);
}

int journal_line(struct attempts *attempts, const json_t *object)
{
	const json_t *data = json_object_get(object, "data");
	const char *type = text_of(object, "type");
	uint64_t at_ms = time_in_json(text_of(object, "timestamp"));
	struct attempt *attempt;
	enum ls_outcome outcome;
	struct ls_addr ip;
	uint32_t user;

	if (data == NULL || type[0] == '\0')
		return -1;
	if (strcmp(type, ls_event_name(LS_EVENT_LOGIN)) != 0)
		return 0;
	user = number_of_name(attempts, data, "user");
	if (at_ms == 0 || user == 0 || !outcome_of_name(data, &outcome))
		return -1;
	/* None was told: there is no place to learn, or to play it from. */
	if (json_object_get(data, "address") == NULL)
		return 0;
	if (ls_addr_parse(text_of(data, "address"), &ip) < 0)
		return -1;
	attempt = attempts_append(attempts, at_ms);
	attempt->ip = ip;
	attempt->user = user;
	attempt->service = number_of_name(attempts, data, "service");
	attempt->mech = number_of_name(attempts, data, "mech");
	attempt->outcome = (uint8_t)outcome;
	attempt->count = count_in_json(data);
	attempt->repeat = strcmp(text_of(data, "reason"),
				 ls_reason_name(LS_REASON_REPEATS)) == 0;
	/* What was refused for it had none. */
	attempt->secured = strcmp(text_of(data, "reason"),
				  ls_reason_name(LS_REASON_TLS)) != 0;
	return 1;
}
