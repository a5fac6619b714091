/* json.h - locks and journal records as lines of JSON
 *
 * One object a line. A record has the form that lockstepd posts:
 * {"type", "timestamp", "data": {...}}. Times are UTC (RFC 3339). Bytes of a
 * name that are not UTF-8 become U+FFFD. Running out of memory ends the
 * program. */
#ifndef LOCKSTEP_JSON_H
#define LOCKSTEP_JSON_H

#include "lockstep.h"

void json_print_lock(const struct ls_lock *lock);
void json_print_record(enum ls_journal journal, const struct ls_record *record);

#endif
