/* logjson.h - lines of logs that are JSON objects around a message
 *
 *   {"__REALTIME_TIMESTAMP":"1795573406123456","SYSLOG_IDENTIFIER":"dovecot",
 *    "MESSAGE":"imap-login: ..."}                     journalctl -o json
 *   {"__REALTIME_TIMESTAMP":"1795573406123456","SYSLOG_IDENTIFIER":"dovecot",
 *    "MESSAGE":null}             left out by journalctl: told of, not understood
 *   {"log":"HEADER MESSAGE\n","time":"2026-11-25T02:23:26Z"}     Docker's files
 *
 * Pure. */
#ifndef LOCKSTEP_LOGJSON_H
#define LOCKSTEP_LOGJSON_H

#include "logs/dovelog.h"

#include <jansson.h>

/* Read an object as dovelog_parse() reads a line. Returns the bytes that *record_r
 * points into, to be freed; NULL: the object is no such line. Running out of memory
 * ends the program. */
char *logjson_parse(const json_t *object, struct dovelog_record *record_r);

#endif
