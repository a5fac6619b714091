/* digest.h - many events as one message
 *
 * Gathers the events of one webhook until they are due, and then makes one
 * message of type "digest" of them: counts of all, and the events themselves
 * as far as 20,000 bytes hold them; "omitted" says how many they do not.
 * Memory is bounded by that, however many events come. */
#ifndef LOCKSTEPD_DIGEST_H
#define LOCKSTEPD_DIGEST_H

#include "event.h"
#include "webhook.h"

/* All zero: empty. Filled ones are given to digest_clear(). */
struct digest {
	uint64_t count;
	uint64_t first_ms;         /* when the first event was added */
	uint64_t from_ms, to_ms;   /* of the events, in real time */
	uint64_t types[LS_EVENT_COUNT];
	uint64_t reasons[LS_REASON_COUNT];
	struct webhook_span span[EVENT_JOURNALS];
	json_t *events;            /* array */
	size_t size;               /* of the events as text */
};

/* Adds an event; evidence as in event.h. */
void digest_add(struct digest *digest, enum ls_journal journal,
		const struct ls_record *record, json_t *evidence,
		const struct event_clock *clock);

/* The body of the message, which the caller frees. The digest stays. */
char *digest_body(const struct digest *digest, const char *host,
		  const struct event_clock *clock);

void digest_clear(struct digest *digest);

#endif
