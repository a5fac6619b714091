#include "lockstep-config.h"

#include "shared/event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/escape.h"
#include "shared/log.h"

/* 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write */
#define TIME_LAST_MS UINT64_C(253402300799999)

uint64_t event_real_ms(const struct event_clock *clock, uint64_t at_ms)
{
	uint64_t past_ms;

	if (at_ms >= clock->now_ms) {
		uint64_t ahead_ms = at_ms - clock->now_ms;

		if (clock->real_ms > TIME_LAST_MS ||
		    ahead_ms > TIME_LAST_MS - clock->real_ms)
			return TIME_LAST_MS;
		return clock->real_ms + ahead_ms;
	}
	past_ms = clock->now_ms - at_ms;
	return clock->real_ms > past_ms ? clock->real_ms - past_ms : 0;
}

void event_time_format(uint64_t real_ms, char text_r[EVENT_TIME_TEXT])
{
	char day[sizeof("9999-12-31T23:59:59")];
	struct tm tm;
	time_t seconds;

	if (real_ms > TIME_LAST_MS)
		real_ms = TIME_LAST_MS;
	seconds = (time_t)(real_ms / 1000);
	memset(&tm, 0, sizeof(tm));
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text_r, EVENT_TIME_TEXT, "%s.%03uZ", day,
		 (unsigned)(real_ms % 1000));
}

json_t *event_text(const char *text, size_t size)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char buffer[3 * LS_SUBJECT_TEXT];
	size_t used = 0, step;
	uint32_t character;

	size = strnlen(text, size);
	for (size_t i = 0; i < size && used + 4 < sizeof(buffer); i += step) {
		step = escape_utf8(text + i, size - i, &character);
		if (step > 0) {
			memcpy(buffer + used, text + i, step);
			used += step;
		} else {
			memcpy(buffer + used, replacement, 3);
			used += 3;
			step = 1;
		}
	}
	return json_stringn(buffer, used);
}

void event_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		log_fatal("out of memory");
}

static void put_text(json_t *object, const char *key, const char *text,
		     size_t size)
{
	if (size > 0 && text[0] != '\0')
		event_put(object, key, event_text(text, size));
}

void event_put_time(json_t *object, const char *key, uint64_t real_ms)
{
	char text[EVENT_TIME_TEXT];

	event_time_format(real_ms, text);
	event_put(object, key, json_string(text));
}

/* A whole address is an "address", a shorter prefix a "network". */
static void put_net(json_t *data, const struct ls_prefix *net)
{
	char text[LS_PREFIX_TEXT];

	if (ls_prefix_is_none(net))
		return;
	ls_prefix_format(net, text);
	event_put(data, net->bits == 128 ? "address" : "network",
		  event_text(text, sizeof(text)));
}

static void put_event_who(json_t *data, const struct ls_subject *subject)
{
	put_net(data, &subject->net);
	put_text(data, "user", subject->user, sizeof(subject->user));
}

/* Orders and locks: the subject is what it was done to. */
static void put_event_lock(json_t *data, const struct ls_record *record,
			   const struct event_clock *clock)
{
	const struct ls_subject *subject = &record->subject;
	char text[LS_SUBJECT_TEXT], by[LS_BY_MAX + 1];

	ls_subject_format(subject, text);
	event_put(data, "kind", json_string(ls_kind_name(subject->kind)));
	put_text(data, "subject", text, sizeof(text));
	put_event_who(data, subject);
	if (record->reason != LS_REASON_NONE)
		event_put(data, "reason",
			  json_string(ls_reason_name(record->reason)));
	if (record->event == LS_EVENT_LOCK ||
	    record->event == LS_EVENT_FREEZE) {
		event_put(data, "strikes",
			  json_integer((json_int_t)record->strikes));
		event_put_time(data, "since",
			       event_real_ms(clock, record->at_ms));
	}
	if (record->event == LS_EVENT_LOCK ||
	    record->event == LS_EVENT_FREEZE ||
	    record->event == LS_EVENT_TRUST)
		event_put_time(data, "until",
			       event_real_ms(clock, record->until_ms));
	event_put(data, "origin", json_string(ls_origin_name(record->origin)));
	ls_record_by(record, by);
	put_text(data, "by", by, sizeof(by));
}

json_t *event_words(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (len > 0 &&
		    json_array_append_new(list, event_text(text, len)) != 0)
			log_fatal("out of memory");
		text += len;
		text += *text == ' ';
	}
	return list;
}

/* MESSAGE, ALARM. */
static void put_message(json_t *data, const struct ls_record *record)
{
	put_text(data, "queue_id", record->detail, sizeof(record->detail));
	if (record->more[0] != '\0')
		event_put(data, "domains", event_words(record->more));
}

/* SESSION_END. What a mail process wrote may be anything. */
static void put_session_end(json_t *data, const struct ls_record *record,
			    const struct event_clock *clock)
{
	uint64_t lived_ms = record->at_ms - record->until_ms;

	put_text(data, "service", record->service, sizeof(record->service));
	put_event_who(data, &record->subject);
	put_text(data, "how", record->mech, sizeof(record->mech));
	event_put_time(data, "since", event_real_ms(clock, record->until_ms));
	event_put(data, "duration_ms",
		  json_integer((int64_t)lived_ms > 0 ? (json_int_t)lived_ms
						     : 0));
	put_text(data, "session", record->detail, sizeof(record->detail));
}

/* An alarm that is about an address or network, and no account. */
static bool is_alarm_of_guesses(const struct ls_record *record)
{
	return record->event == LS_EVENT_ALARM &&
	       (record->subject.kind == LS_KIND_IP ||
		record->subject.kind == LS_KIND_NET);
}

/* LOGIN, CONNECT, SESSION, SUSPICIOUS: the subject is the client, its kind the limit. */
static void put_attempt(json_t *data, const struct ls_record *record,
			const struct event_clock *clock)
{
	put_text(data, "service", record->service, sizeof(record->service));
	put_text(data, "mech", record->mech, sizeof(record->mech));
	put_event_who(data, &record->subject);
	event_put(data, "verdict",
		  json_string(ls_verdict_name(record->verdict)));
	if (record->outcome != LS_OUTCOME_NONE)
		event_put(data, "outcome",
			  json_string(ls_outcome_name(record->outcome)));
	if (record->reason != LS_REASON_NONE)
		event_put(data, "reason",
			  json_string(ls_reason_name(record->reason)));
	if (record->subject.kind != LS_KIND_NONE)
		event_put(data, "kind",
			  json_string(ls_kind_name(record->subject.kind)));
	if (record->untold > 0)
		event_put(data, "unrecorded",
			  json_integer((json_int_t)record->untold));
	if (is_alarm_of_guesses(record))
		event_put_time(data, "until",
			       event_real_ms(clock, record->until_ms));
	else if (record->event == LS_EVENT_MESSAGE ||
		 record->event == LS_EVENT_ALARM)
		put_message(data, record);
	else
		put_text(data, "session", record->detail,
			 sizeof(record->detail));
	if (record->event == LS_EVENT_LOGIN)
		put_text(data, "failed_passdb", record->more,
			 sizeof(record->more));
}

const char *event_journal_name(enum ls_journal journal)
{
	return journal == LS_JOURNAL_SESSIONS ? "sessions" : "guard";
}

json_t *event_json(const char *host, enum ls_journal journal,
		   const struct ls_record *record, json_t *evidence,
		   const struct event_clock *clock)
{
	json_t *object = json_object(), *data = json_object();

	event_put(object, "type", json_string(ls_event_name(record->event)));
	event_put_time(object, "timestamp",
		       event_real_ms(clock, record->at_ms));
	event_put(object, "data", data);
	if (host != NULL)
		event_put(data, "host", event_text(host, strlen(host)));
	event_put(data, "journal", json_string(event_journal_name(journal)));
	event_put(data, "record", json_integer((json_int_t)record->number));
	if (ls_event_is_order(record->event))
		put_event_lock(data, record, clock);
	else if (record->event == LS_EVENT_SESSION_END)
		put_session_end(data, record, clock);
	else
		put_attempt(data, record, clock);
	if (evidence != NULL)
		event_put(data, "evidence", json_incref(evidence));
	if (record->event == LS_EVENT_SUSPICIOUS)
		event_put_time(data, "probation",
			       event_real_ms(clock, record->until_ms));
	/* a rule that only observes wanted something else than was done */
	if (record->verdict != record->wanted)
		event_put(data, "wanted",
			  json_string(ls_verdict_name(record->wanted)));
	return object;
}
