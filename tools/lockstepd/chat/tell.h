/* tell.h - an event in one line of English, for somebody on call
 *
 * "mx1: user joe@example.com is frozen until 14:05 UTC: it tried to send 601
 * messages to 1441 recipients; used from 203.0.113.77"
 *
 * Told of the message as it is in the outbox (event.h, digest.h), so that what
 * waits there comes out right however the webhook is configured by then. Times
 * are in UTC. */
#ifndef LOCKSTEPD_TELL_H
#define LOCKSTEPD_TELL_H

#include <jansson.h>

#include "chat/prose.h"

/* Of a digest: a line with the counts, one with the names of all accounts that
 * were frozen, one for each of the first events, and how many more there are.
 *   now_ms  real time: what is told late says when it was */
void tell_message(struct prose *prose, const json_t *message, uint64_t now_ms);

/* The event that a message is of, LS_EVENT_NONE for a digest; of that, the one
 * which matters most. */
enum ls_event tell_event(const json_t *message);
enum ls_event tell_gravest(const json_t *message);
/* How much an event matters to who is on call: 0 is what matters most. */
unsigned tell_gravity(enum ls_event event);

/* The name of the host it happened on; "?": not known. */
const char *tell_host(const json_t *message);

#endif
