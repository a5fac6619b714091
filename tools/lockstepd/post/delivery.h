/* delivery.h - posting messages, by libcurl's multi interface
 *
 * Never blocks: a receiver that hangs, or a name server that does, costs its
 * own messages their turn and nothing else. Each webhook has one transfer under
 * way at a time, of at most 20 s. Redirects are not followed; only https and
 * http are spoken; certificates are verified. */
#ifndef LOCKSTEPD_DELIVERY_H
#define LOCKSTEPD_DELIVERY_H

#include "outbox/outbox.h"
#include "post/hook.h"
#include "shared/event.h"

struct delivery;

/* curl_global_init() has been called. */
struct delivery *delivery_init(struct outbox *outbox);
/* No transfer is under way. */
void delivery_deinit(struct delivery **delivery);

/* Sleeps until a transfer can go on, `fd` can be read, or timeout_ms passed. */
void delivery_wait(struct delivery *delivery, int fd, int timeout_ms);

/* Moves the transfers on, and takes note of those that ended. */
void delivery_advance(struct delivery *delivery, struct hooks *hooks,
		      const struct event_clock *clock);

/* Starts what is due. */
void delivery_start(struct delivery *delivery, struct hooks *hooks,
		    const struct event_clock *clock);

/* Breaks a transfer off, if one is under way; its message stays. */
void delivery_cancel(struct delivery *delivery, struct hook *hook);

unsigned delivery_active(const struct delivery *delivery);

#endif
