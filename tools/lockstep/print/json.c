/* json.c - see json.h */
#include "lockstep-config.h"

#include "cli.h"
#include "print/json.h"
#include "shared/event.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
}

void json_put_number(json_t *object, const char *key, uint64_t number)
{
	json_put(object, key, json_integer((json_int_t)number));
}

json_t *json_text(const char *text)
{
	char *whole = malloc(3 * strlen(text) + 1);
	size_t used = 0;
	json_t *value;

	if (whole == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	while (*text != '\0') {
		size_t len = cli_utf8_length(text);

		memcpy(whole + used, len > 0 ? text : "\xef\xbf\xbd",
		       len > 0 ? len : 3);
		used += len > 0 ? len : 3;
		text += len > 0 ? len : 1;
	}
	whole[used] = '\0';
	value = json_string(whole);
	free(whole);
	return value;
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_put(object, key, json_text(text));
}

void json_put_real_time(json_t *object, const char *key, uint64_t real_ms)
{
	time_t seconds = (time_t)(real_ms / 1000);
	char day[32] = "", text[40];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", day,
		 (unsigned)(real_ms % 1000));
	json_put(object, key, json_string(text));
}

void json_put_time(json_t *object, const char *key, uint64_t at_ms)
{
	json_put_real_time(object, key, cli_real_of(at_ms));
}

static void put_json_who(json_t *object, const struct ls_subject *subject)
{
	char text[LS_PREFIX_TEXT];

	if (!ls_prefix_is_none(&subject->net)) {
		ls_prefix_format(&subject->net, text);
		json_put(object,
			 subject->net.bits == 128 ? "address" : "network",
			 json_string(text));
	}
	json_put_text(object, "user", subject->user);
}

void json_put_subject(json_t *object, const struct ls_subject *subject)
{
	char text[LS_SUBJECT_TEXT];

	ls_subject_format(subject, text);
	json_put(object, "kind", json_string(ls_kind_name(subject->kind)));
	json_put_text(object, "subject", text);
	put_json_who(object, subject);
}

void json_line(json_t *object)
{
	char *line =
		object == NULL
			? NULL
			: json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (line == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	puts(line);
	free(line);
	json_decref(object);
}

void json_put_lock(json_t *object, const struct ls_lock *lock)
{

	if (lock->named)
		json_put_subject(object, &lock->subject);
	else
		json_put(object, "kind",
			 json_string(ls_kind_name(lock->subject.kind)));
	json_put(object, "reason", json_string(ls_reason_name(lock->reason)));
	if (lock->freeze)
		json_put(object, "freeze", json_true());
	json_put_number(object, "strikes", lock->strikes);
	json_put_time(object, "since", lock->since_ms);
	json_put_time(object, "until", lock->until_ms);
	if (lock->untold > 0)
		json_put_number(object, "unrecorded", lock->untold);
	json_put(object, "origin", json_string(ls_origin_name(lock->origin)));
}

void json_print_lock(const struct ls_lock *lock)
{
	json_t *object = json_object();

	json_put_lock(object, lock);
	json_line(object);
}

/* What an account sent that was frozen for it, as far as the record has it. */
static json_t *evidence_json(const struct ls_record *record)
{
	struct ls_evidence evidence;
	json_t *object;

	if (!ls_evidence_of(record, &evidence))
		return NULL;
	object = json_object();
	if (evidence.messages != LS_NOT_COUNTED)
		json_put_number(object, "messages", evidence.messages);
	if (evidence.recipients != LS_NOT_COUNTED)
		json_put_number(object, "recipients", evidence.recipients);
	json_put_text(object, "queue_id", evidence.queue_id);
	if (evidence.domains[0] != '\0')
		json_put(object, "domains", event_words(evidence.domains));
	return object;
}

json_t *json_of_record(enum ls_journal journal, const struct ls_record *record)
{
	struct event_clock clock = { .now_ms = cli_now_ms() };
	json_t *evidence = evidence_json(record), *object;

	clock.real_ms = cli_real_of(clock.now_ms);
	object = event_json(NULL, journal, record, evidence, &clock);
	json_decref(evidence);
	return object;
}

void json_print_record(enum ls_journal journal, const struct ls_record *record)
{
	json_line(json_of_record(journal, record));
}
