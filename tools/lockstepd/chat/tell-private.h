/* tell-private.h - parts of a line; part of tell.h's implementation */
#ifndef LOCKSTEPD_TELL_PRIVATE_H
#define LOCKSTEPD_TELL_PRIVATE_H

#include <jansson.h>
#include <string.h>

#include "chat/prose.h"

/* One event as it is being told. */
struct telling {
	struct prose *prose;
	const json_t *data;
	const char *timestamp;
	enum ls_event event;
};

/* A member that is a string; "" where it is not there. */
static inline const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static inline bool is_text(const json_t *object, const char *key, const char *text)
{
	return strcmp(text_of(object, key), text) == 0;
}

static inline json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* LS_REASON_NONE: it has none that is known. */
enum ls_reason reason_of(const json_t *data);

/* All of an event but the host (tell-event.c). */
void tell_what(const struct telling *telling);

/* "14:05 UTC", or with the day where that is not the event's. */
void tell_time(const struct telling *telling, const char *time);
/* " until 14:05 UTC" */
void tell_until(const struct telling *telling);
/* " by root: ticket 4711" */
void tell_by(const struct telling *telling);
/* ": too many wrong passwords" */
void tell_reason(const struct telling *telling);
/* What something was done to: "address 192.0.2.1", "user joe". */
void tell_subject(const struct telling *telling);
/* " from 192.0.2.1 (imap)" */
void tell_client(const struct telling *telling);
void tell_user(const struct telling *telling);
/* The reason of an attempt's end, and what a rule that only observes would have
 * done. */
void tell_why(const struct telling *telling);
/* "a.example, b.example and 3 more", of strings, or of what each has as `key`. */
void tell_list(struct prose *prose, const json_t *list, const char *key);
/* "90 seconds", "3 minutes": rounded up, in the unit that is read at a glance. */
void tell_length(struct prose *prose, uint64_t ms);

#endif
