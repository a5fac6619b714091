/* chat.h - a message as a chat service takes it
 *
 * Slack, Discord, Microsoft Teams and ntfy want a line for people and not an event
 * for programs (tell.h), each in a form of its own. Made when it is posted, of the
 * message in the outbox. */
#ifndef LOCKSTEPD_CHAT_H
#define LOCKSTEPD_CHAT_H

#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"

struct chat_post {
	char *body; /* the caller frees it */
	size_t length;
	const char *type;     /* Content-Type */
	char title[128];      /* of ntfy, headers; else "" and NULL */
	const char *priority, *tags;
};

/* Makes the post of a message's text, for any format but JSON. Text that is no
 * message makes one that says so.
 *   real_ms  now */
void chat_post(enum ls_format format, const char *message, uint64_t real_ms,
	       struct chat_post *post_r);

#endif
