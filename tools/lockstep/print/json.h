/* json.h - locks, journal records and the rest as lines of JSON
 *
 * One object a line. A record has the form that lockstepd posts:
 * {"type", "timestamp", "data": {...}}. Times are UTC (RFC 3339). Bytes of a
 * name that are not UTF-8 become U+FFFD. Running out of memory ends the
 * program. */
#ifndef LOCKSTEP_JSON_H
#define LOCKSTEP_JSON_H

#include "lockstep.h"

#include <jansson.h>

void json_print_lock(const struct ls_lock *lock);
void json_print_record(enum ls_journal journal, const struct ls_record *record);

/* The parts of an object. A value is taken over; a text that is empty is left
 * out. at_ms is a time as now_ms, real_ms one since 1970. */
void json_put(json_t *object, const char *key, json_t *value);
json_t *json_text(const char *text);
void json_put_number(json_t *object, const char *key, uint64_t number);
void json_put_text(json_t *object, const char *key, const char *text);
void json_put_time(json_t *object, const char *key, uint64_t at_ms);
void json_put_real_time(json_t *object, const char *key, uint64_t real_ms);
/* "kind", "subject", and of these "address" or "network" and "user". */
void json_put_subject(json_t *object, const struct ls_subject *subject);
void json_put_lock(json_t *object, const struct ls_lock *lock);
/* As lockstepd posts it, by the same code. */
json_t *json_of_record(enum ls_journal journal, const struct ls_record *record);

/* Print the object on a line, and free it. */
void json_line(json_t *object);

#endif
