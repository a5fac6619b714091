/* record.h - one event as a line */
#ifndef LOCKSTEP_RECORD_H
#define LOCKSTEP_RECORD_H

#include "lockstep.h"

/* "2026-11-22 02:14:05 login   imap joe@example.com 192.0.2.1 wrong (PLAIN)" */
void record_print(const struct ls_record *record);

/* Where an attempt came from: "192.0.2.1"; "no address" where none was told. */
void record_from(const struct ls_record *record, char text_r[LS_PREFIX_TEXT]);

#endif
