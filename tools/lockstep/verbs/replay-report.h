/* replay-report.h - what `lockstep replay` found, for people and as JSON
 *
 * The table fits 80 columns. JSON is one object a line, the summary last. */
#ifndef LOCKSTEP_REPLAY_REPORT_H
#define LOCKSTEP_REPLAY_REPORT_H

#include "logs/logread.h"
#include "logs/simulate.h"

/* `most`: locks and places to show; the others are counted. */
void replay_report_print(const struct logread *logread,
		  const struct simulation *simulation, size_t most);

/* What is told of a replay that began, whatever became of it. */
struct replay_told {
	const struct logread *logread;
	const struct simulation *simulation; /* NULL: there was none */
	bool learnt; /* from logs of before: */
	uint64_t learn_unknown; /* of their lines, not understood */
	bool complete; /* all that was asked for was done */
};
void replay_report_print_json(const struct replay_told *told);

/* The subject as text; of failures without a name that, and from where. */
void replay_report_subject(const struct ls_subject *subject,
			   char text_r[LS_SUBJECT_TEXT]);

/* Lines not understood, the first of them whole, on standard error. */
void replay_report_unknown(const struct logread *logread);

/* The places where somebody would have been hit wrongly, those with most right
 * passwords refused first. Returns their number; *hits_r is to be freed. */
size_t replay_report_hits(const struct simulation *simulation,
		   const struct place ***hits_r);

#endif
