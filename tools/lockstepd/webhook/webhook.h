/* webhook.h - a message as the Standard Webhooks specification 1.0.0 has it
 *
 * A message is an id, a JSON body of at most 20,000 bytes, and, for each
 * attempt to post it, a timestamp and the signatures of "id.timestamp.body":
 * HMAC-SHA256 with each secret, written "v1,base64", space-separated. The id
 * stays the same however often the message is posted.
 *
 * The id is made of where its events stand in the journal: when a killed
 * daemon reads the same events again, the message comes out with the same id,
 * and a receiver knows it. */
#ifndef LOCKSTEPD_WEBHOOK_H
#define LOCKSTEPD_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"
#include "webhook/secret.h"
#include "shared/event.h"

enum {
	WEBHOOK_BODY_MAX = 20000,
	WEBHOOK_ID_TEXT = 4 + 32 + 1, /* "msg_", 128 bits in hex, NUL */
	/* "v1," and 44 characters of base64 each, with a space or the NUL */
	WEBHOOK_SIGNATURE_TEXT = SECRET_KEYS_MAX * (3 + 44 + 1),
};

/* The first and last number of a message's records in one journal. */
struct webhook_span {
	uint64_t first, last;
	bool any;
};

/* The id of the message to `hook` with these records of the map `map`. */
void webhook_id(const char *map, const char *hook,
		const struct webhook_span span[EVENT_JOURNALS],
		char id_r[WEBHOOK_ID_TEXT]);

/* The JSON text of a message; the caller frees it. */
char *webhook_body(const json_t *message);

/* The value of the header webhook-signature.
 *   timestamp  of this attempt, in seconds of real time */
void webhook_sign(const struct secret *secret, const char *id,
		  int64_t timestamp, const char *body, size_t length,
		  char text_r[WEBHOOK_SIGNATURE_TEXT]);

#endif
