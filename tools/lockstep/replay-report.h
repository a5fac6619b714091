/* replay-report.h - what `lockstep replay` found, for people and as JSON
 *
 * The table fits 80 columns. JSON is one object a line, the summary last. */
#ifndef LOCKSTEP_REPLAY_REPORT_H
#define LOCKSTEP_REPLAY_REPORT_H

#include "logread.h"
#include "simulate.h"

/* `most`: locks and places to show; the others are counted. */
void replay_report_print(const struct logread *logread,
		  const struct simulation *simulation, size_t most);
void replay_report_print_json(const struct logread *logread,
		       const struct simulation *simulation);

/* Lines not understood, the first of them whole, on standard error. */
void replay_report_unknown(const struct logread *logread);

/* The places where somebody would have been hit wrongly, those with most right
 * passwords refused first. Returns their number; *hits_r is to be freed. */
size_t replay_report_hits(const struct simulation *simulation,
		   const struct place ***hits_r);

#endif
