/* event.h - a journal record as JSON
 *
 * {"type": "lock", "timestamp": "2026-11-22T02:14:05.123Z", "data": {...}}
 *
 * Times in a record are milliseconds since the machine started; here, at the
 * edge, they become real time. User names come from strangers: what is not
 * UTF-8 in them becomes U+FFFD. Running out of memory ends the program. */
#ifndef LOCKSTEPD_EVENT_H
#define LOCKSTEPD_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "lockstep.h"

enum { EVENT_JOURNALS = 2 }; /* LS_JOURNAL_GUARD, LS_JOURNAL_SESSIONS */

/* The same moment on both clocks. */
struct event_clock {
	uint64_t now_ms;  /* CLOCK_BOOTTIME */
	uint64_t real_ms; /* CLOCK_REALTIME */
};

/* The real time of a moment of the record's clock. */
uint64_t event_real_ms(const struct event_clock *clock, uint64_t at_ms);

enum { EVENT_TIME_TEXT = 25 };
/* RFC 3339 in UTC with milliseconds; later than year 9999 is its last. */
void event_time_format(uint64_t real_ms, char text_r[EVENT_TIME_TEXT]);

/* A string of at most size bytes, ending at a NUL if there is one. */
json_t *event_text(const char *text, size_t size);

/* json_object_set_new() that ends the program when memory is out. */
void event_put(json_t *object, const char *key, json_t *value);
void event_put_time(json_t *object, const char *key, uint64_t real_ms);

/* "guard" or "sessions". */
const char *event_journal_name(enum ls_journal journal);

/* A list of the words of a text, which blanks part. */
json_t *event_words(const char *text);

/* The record as a new object.
 *   host      this machine's name for the data, or NULL: without it
 *   evidence  what else is known of it (evidence.h), or NULL; not taken over */
json_t *event_json(const char *host, enum ls_journal journal,
		   const struct ls_record *record, json_t *evidence,
		   const struct event_clock *clock);

#endif
