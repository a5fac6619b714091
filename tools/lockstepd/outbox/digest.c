#include "lockstep-config.h"

#include "outbox/digest.h"

#include <stdlib.h>
#include <string.h>

#include "chat/prose.h"
#include "chat/tell.h"
#include "shared/log.h"

enum {
	/* What the counts, times and names around the events take at most, in
	 * JSON and in words. */
	ENVELOPE_MAX = 2000,
	WORDS_MAX = 700,
};

static void note_span(struct webhook_span *span, uint64_t number)
{
	if (!span->any)
		span->first = number;
	span->any = true;
	span->last = number;
}

/* ---- accounts that were frozen ------------------------------------------- */

static bool is_named(const struct digest *digest, const char *name)
{
	for (size_t i = 0; i < json_array_size(digest->frozen); i++) {
		if (strcmp(json_string_value(json_array_get(digest->frozen, i)),
			   name) == 0)
			return true;
	}
	return false;
}

/* What a name takes in a chat message: each service has marks of its own that it
 * must not be taken for. */
static size_t size_in(enum ls_format format, const char *name)
{
	struct prose prose;

	prose_start(&prose, format, PROSE_MAX);
	prose_name(&prose, name);
	return prose.used + strlen(", ");
}

bool digest_has_room(const struct digest *digest,
		     const struct ls_record *record)
{
	json_t *name;
	bool room = true;

	if (record->event != LS_EVENT_FREEZE ||
	    json_array_size(digest->frozen) == 0)
		return true;
	name = event_text(record->subject.user, sizeof(record->subject.user));
	for (enum ls_format i = LS_FORMAT_SLACK;
	     i < LS_FORMAT_COUNT && !is_named(digest, json_string_value(name));
	     i++)
		room = room && digest->frozen_size[i] +
					size_in(i, json_string_value(name)) <=
				prose_limit(i) - WORDS_MAX;
	json_decref(name);
	return room;
}

static void name_frozen(struct digest *digest, const struct ls_record *record)
{
	json_t *name = event_text(record->subject.user,
				  sizeof(record->subject.user));

	if (record->event != LS_EVENT_FREEZE ||
	    is_named(digest, json_string_value(name))) {
		json_decref(name);
		return;
	}
	for (enum ls_format i = LS_FORMAT_SLACK; i < LS_FORMAT_COUNT; i++)
		digest->frozen_size[i] += size_in(i, json_string_value(name));
	digest->size += json_dumpb(name, NULL, 0, JSON_ENCODE_ANY) + 1;
	if (json_array_append_new(digest->frozen, name) != 0)
		log_fatal("out of memory");
}

/* ---- events -------------------------------------------------------------- */

static size_t digest_size(const json_t *event)
{
	return json_dumpb(event, NULL, 0, JSON_COMPACT) + 1;
}

static unsigned gravity_at(const struct digest *digest, size_t index)
{
	return tell_gravity(tell_event(json_array_get(digest->events, index)));
}

static void leave_out(struct digest *digest, unsigned gravity)
{
	if (digest->cut == 0 || gravity < digest->cut - 1)
		digest->cut = gravity + 1;
}

static bool is_too_much(const struct digest *digest)
{
	return digest->size > WEBHOOK_BODY_MAX - ENVELOPE_MAX;
}

/* The least grave go first, and of those alike the last: what is left is a
 * beginning. */
static void trim_digest(struct digest *digest)
{
	while (is_too_much(digest) && json_array_size(digest->events) > 0) {
		size_t last = json_array_size(digest->events) - 1;

		leave_out(digest, gravity_at(digest, last));
		digest->size -=
			digest_size(json_array_get(digest->events, last));
		json_array_remove(digest->events, last);
	}
}

static void list_event(struct digest *digest, json_t *event, unsigned gravity)
{
	size_t at = json_array_size(digest->events);

	while (at > 0 && gravity_at(digest, at - 1) > gravity)
		at--;
	digest->size += digest_size(event);
	if (json_array_insert_new(digest->events, at, event) != 0)
		log_fatal("out of memory");
}

void digest_add(struct digest *digest, enum ls_journal journal,
		const struct ls_record *record, json_t *evidence,
		const struct event_clock *clock)
{
	uint64_t real_ms = event_real_ms(clock, record->at_ms);
	unsigned gravity = tell_gravity(record->event);
	/* Those that have no record were like this one. */
	uint64_t count = UINT64_C(1) + record->untold;

	if (digest->count == 0) {
		digest->first_ms = clock->now_ms;
		digest->from_ms = real_ms;
		digest->events = json_array();
		digest->frozen = json_array();
	}
	digest->count += count;
	if (real_ms < digest->from_ms)
		digest->from_ms = real_ms;
	if (real_ms > digest->to_ms)
		digest->to_ms = real_ms;
	if ((unsigned)record->event < LS_EVENT_COUNT)
		digest->types[record->event] += count;
	if ((unsigned)record->reason < LS_REASON_COUNT)
		digest->reasons[record->reason] += count;
	note_span(&digest->span[journal], record->number);
	name_frozen(digest, record);
	/* once one was left out, none is added that is not graver */
	if (digest->cut == 0 || gravity < digest->cut - 1)
		list_event(digest,
			   event_json(NULL, journal, record, evidence, clock),
			   gravity);
	trim_digest(digest);
}

static json_t *count_types(const struct digest *digest)
{
	json_t *counts = json_object();

	for (int i = LS_EVENT_NONE + 1; i < LS_EVENT_COUNT; i++) {
		if (digest->types[i] > 0)
			event_put(counts, ls_event_name((enum ls_event)i),
				  json_integer((json_int_t)digest->types[i]));
	}
	return counts;
}

static json_t *count_reasons(const struct digest *digest)
{
	json_t *counts = json_object();

	for (int i = LS_REASON_NONE + 1; i < LS_REASON_COUNT; i++) {
		if (digest->reasons[i] > 0)
			event_put(counts, ls_reason_name((enum ls_reason)i),
				  json_integer((json_int_t)digest->reasons[i]));
	}
	return counts;
}

char *digest_body(const struct digest *digest, const char *host,
		  const struct event_clock *clock)
{
	json_t *message = json_object(), *data = json_object();
	size_t listed = json_array_size(digest->events);
	char *body;

	event_put(message, "type", json_string("digest"));
	event_put_time(message, "timestamp", clock->real_ms);
	event_put(message, "data", data);
	event_put(data, "host", event_text(host, strlen(host)));
	event_put_time(data, "from", digest->from_ms);
	event_put_time(data, "to", digest->to_ms);
	event_put(data, "count", json_integer((json_int_t)digest->count));
	event_put(data, "types", count_types(digest));
	event_put(data, "reasons", count_reasons(digest));
	if (json_array_size(digest->frozen) > 0)
		event_put(data, "frozen", json_incref(digest->frozen));
	event_put(data, "omitted",
		  json_integer((json_int_t)(digest->count - listed)));
	event_put(data, "events", json_incref(digest->events));
	body = webhook_body(message);
	json_decref(message);
	return body;
}

void digest_clear(struct digest *digest)
{
	json_decref(digest->events);
	json_decref(digest->frozen);
	memset(digest, 0, sizeof(*digest));
}
