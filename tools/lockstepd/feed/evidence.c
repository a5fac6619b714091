#include "lockstep-config.h"

#include "feed/evidence.h"

#include <string.h>

#include "orders.h"
#include "shared/log.h"

/* An address that the account logged in or sent from. */
struct source {
	struct ls_prefix net;
	char service[LS_SERVICE_MAX + 1];
	uint64_t since_ms, last_ms;
};

struct gathering {
	const struct ls_record *freeze;
	const struct event_clock *clock;
	uint64_t refused; /* messages */
	json_t *domains, *networks;
	unsigned sources;
	struct source source[EVIDENCE_MAX];
};

/* ---- from the journal --------------------------------------------------- */

static bool has_text(const json_t *list, const char *text)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
		if (strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

static void note_domains(struct gathering *gathering, const char *domains)
{
	json_t *words = event_words(domains), *word;
	size_t i;

	json_array_foreach(words, i, word) {
		if (json_array_size(gathering->domains) == EVIDENCE_MAX ||
		    has_text(gathering->domains, json_string_value(word)))
			continue;
		if (json_array_append(gathering->domains, word) != 0)
			log_fatal("out of memory");
	}
	json_decref(words);
}

/* The newest addresses: the longest unused makes room. */
static void note_source(struct gathering *gathering,
			const struct ls_record *record)
{
	struct source *source = NULL, *oldest = &gathering->source[0];

	if (ls_prefix_is_none(&record->subject.net))
		return;
	for (unsigned i = 0; i < gathering->sources; i++) {
		struct source *at = &gathering->source[i];

		if (ls_addr_equal(&at->net.addr, &record->subject.net.addr) &&
		    strcmp(at->service, record->service) == 0)
			source = at;
		if ((int64_t)(at->last_ms - oldest->last_ms) < 0)
			oldest = at;
	}
	if (source == NULL) {
		source = gathering->sources < EVIDENCE_MAX
				 ? &gathering->source[gathering->sources++]
				 : oldest;
		source->net = record->subject.net;
		memcpy(source->service, record->service,
		       sizeof(source->service));
		source->since_ms = record->at_ms;
	}
	source->last_ms = record->at_ms;
}

static void note_evidence(struct gathering *gathering,
			  const struct ls_record *record)
{
	if (strcmp(record->subject.user, gathering->freeze->subject.user) != 0)
		return;
	if (record->event == LS_EVENT_MESSAGE) {
		gathering->refused += record->verdict == LS_DENY;
		note_domains(gathering, record->more);
		note_source(gathering, record);
	} else if (record->event == LS_EVENT_LOGIN &&
		   record->outcome == LS_OUTCOME_SUCCESS) {
		note_source(gathering, record);
	}
}

static void read_evidence(struct ls_state *state, struct gathering *gathering)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;

	while (cursor.next < gathering->freeze->number &&
	       ls_journal_next(state, LS_JOURNAL_GUARD, &cursor,
			       gathering->clock->now_ms, &record) == 1)
		note_evidence(gathering, &record);
}

/* ---- from its places ---------------------------------------------------- */

static void note_used_place(void *context, const struct ls_place *place)
{
	struct gathering *gathering = context;
	char text[LS_PREFIX_TEXT];
	json_t *object;

	if (!place->placed ||
	    json_array_size(gathering->networks) == EVIDENCE_MAX)
		return;
	object = json_object();
	ls_prefix_format(&place->net, text);
	event_put(object, "network", event_text(text, sizeof(text)));
	if (place->first_seen_ms != 0)
		event_put_time(object, "since",
			       event_real_ms(gathering->clock,
					     place->first_seen_ms));
	if (json_array_append_new(gathering->networks, object) != 0)
		log_fatal("out of memory");
}

/* ---- all of it ---------------------------------------------------------- */

static json_t *sources_of(const struct gathering *gathering)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < gathering->sources; i++) {
		const struct source *source = &gathering->source[i];
		json_t *object = json_object();
		char text[LS_PREFIX_TEXT];

		ls_prefix_format(&source->net, text);
		event_put(object, "address", event_text(text, sizeof(text)));
		event_put(object, "service",
			  event_text(source->service,
				     sizeof(source->service)));
		event_put_time(object, "since",
			       event_real_ms(gathering->clock,
					     source->since_ms));
		event_put_time(object, "last",
			       event_real_ms(gathering->clock,
					     source->last_ms));
		if (json_array_append_new(list, object) != 0)
			log_fatal("out of memory");
	}
	return list;
}

static void put_evidence_number(json_t *object, const char *key,
				uint64_t number)
{
	if (number == LS_NOT_COUNTED)
		return;
	event_put(object, key, json_integer((json_int_t)number));
}

json_t *evidence_of(struct ls_state *state, const struct ls_record *record,
		    const struct event_clock *clock)
{
	const struct ls_places_of of = { .user = record->subject.user };
	struct gathering gathering = { .freeze = record, .clock = clock };
	struct ls_evidence evidence;
	json_t *object;

	if (!ls_evidence_of(record, &evidence))
		return NULL;
	gathering.domains = json_array();
	gathering.networks = json_array();
	note_domains(&gathering, evidence.domains);
	read_evidence(state, &gathering);
	ls_places(state, &of, clock->now_ms, note_used_place, &gathering);
	object = json_object();
	put_evidence_number(object, "messages", evidence.messages);
	put_evidence_number(object, "recipients", evidence.recipients);
	put_evidence_number(object, "refused", gathering.refused);
	if (evidence.queue_id[0] != '\0')
		event_put(object, "queue_id",
			  event_text(evidence.queue_id,
				     sizeof(evidence.queue_id)));
	event_put(object, "domains", gathering.domains);
	event_put(object, "addresses", sources_of(&gathering));
	event_put(object, "networks", gathering.networks);
	return object;
}
