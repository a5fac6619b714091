/* digest.h - many events as one message
 *
 * Gathers the events of one webhook until they are due, and then makes one
 * message of type "digest" of them: counts of all, and the events themselves,
 * the gravest first (tell.h) and those alike in the order of time, as far as
 * 20,000 bytes hold them; "omitted" says how many they do not. So no flood of
 * locks hides a freeze. Memory is bounded by that, however many events come.
 *
 * Every account that was frozen is named, in any format: a digest that has no
 * room for one more name is full before the time. */
#ifndef LOCKSTEPD_DIGEST_H
#define LOCKSTEPD_DIGEST_H

#include "webhook/webhook.h"
#include "shared/event.h"

/* All zero: empty. Filled ones are given to digest_clear(). */
struct digest {
	uint64_t count;
	uint64_t first_ms;         /* when the first event was added */
	uint64_t from_ms, to_ms;   /* of the events, in real time */
	uint64_t types[LS_EVENT_COUNT];
	uint64_t reasons[LS_REASON_COUNT];
	struct webhook_span span[EVENT_JOURNALS];
	json_t *events;            /* array */
	unsigned cut; /* gravity of the gravest that is left out, and one */
	json_t *frozen;            /* array of names, each once */
	size_t frozen_size[LS_FORMAT_COUNT]; /* of the names, as told */
	size_t size;               /* of events and names as text */
};

/* Can this event be added, and all be said that must be? Else the digest is to
 * be posted first. */
bool digest_has_room(const struct digest *digest,
		     const struct ls_record *record);

/* Adds an event; evidence as in event.h. */
void digest_add(struct digest *digest, enum ls_journal journal,
		const struct ls_record *record, json_t *evidence,
		const struct event_clock *clock);

/* The body of the message, which the caller frees. The digest stays. */
char *digest_body(const struct digest *digest, const char *host,
		  const struct event_clock *clock);

void digest_clear(struct digest *digest);

#endif
