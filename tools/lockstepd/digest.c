#include "lockstep-config.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

/* What the counts, times and names around the events take at most. */
enum { ENVELOPE_MAX = 2000 };

static void note_span(struct webhook_span *span, uint64_t number)
{
	if (!span->any)
		span->first = number;
	span->any = true;
	span->last = number;
}

void digest_add(struct digest *digest, enum ls_journal journal,
		const struct ls_record *record, json_t *evidence,
		const struct event_clock *clock)
{
	uint64_t real_ms = event_real_ms(clock, record->at_ms);
	json_t *event;
	size_t size;

	if (digest->count++ == 0) {
		digest->first_ms = clock->now_ms;
		digest->from_ms = real_ms;
		digest->events = json_array();
	}
	if (real_ms < digest->from_ms)
		digest->from_ms = real_ms;
	if (real_ms > digest->to_ms)
		digest->to_ms = real_ms;
	if ((unsigned)record->event < LS_EVENT_COUNT)
		digest->types[record->event]++;
	if ((unsigned)record->reason < LS_REASON_COUNT)
		digest->reasons[record->reason]++;
	note_span(&digest->span[journal], record->number);
	/* once one did not fit, none is added: the list is a beginning */
	if (json_array_size(digest->events) + 1 < digest->count)
		return;
	event = event_json(NULL, journal, record, evidence, clock);
	size = json_dumpb(event, NULL, 0, JSON_COMPACT) + 1;
	if (digest->size + size > WEBHOOK_BODY_MAX - ENVELOPE_MAX) {
		json_decref(event);
		return;
	}
	if (json_array_append_new(digest->events, event) != 0)
		log_fatal("out of memory");
	digest->size += size;
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
	memset(digest, 0, sizeof(*digest));
}
