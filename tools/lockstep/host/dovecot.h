/* dovecot.h - do Dovecot's processes work on the maps that are there?
 *
 * The auth process says of itself what it has open, and a mail process that goes
 * without its map does (note.h). Mail processes that run since before the maps were
 * made are looked for in /proc. */
#ifndef LOCKSTEP_DOVECOT_H
#define LOCKSTEP_DOVECOT_H

#include "cli.h"
#include "host/report.h"

/* Report what is wrong with that. Nothing where the maps cannot be opened, which is
 * told already. */
void dovecot_check(const struct cli *cli, struct report *report);

#endif
