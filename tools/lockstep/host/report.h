/* report.h - what lockstep status found, before it is printed */
#ifndef LOCKSTEP_REPORT_H
#define LOCKSTEP_REPORT_H

#include "explain.h"
#include "host/maps.h"
#include "host/figures.h"

#include <stdbool.h>

enum { REPORT_PROBLEMS = 24 };

struct report {
	uint64_t now_ms;
	const char *policy; /* path */
	bool compiled;      /* there is one: the next three tell of it */
	bool observing, conf_differs;
	uint64_t compiled_real_ms;
	char state_dir[256];
	bool guard; /* it is open: the next four tell of it */
	struct ls_status status;
	struct maps_difference difference[MAPS_DIFFERENCES];
	unsigned differences;
	struct figures hour;
	uint64_t pending; /* refusals that no record tells of yet */
	struct ls_contacts_status contacts;
	bool sessions; /* the map is there */
	uint64_t sessions_seen; /* events in their journal */
	struct ls_sessions_status live;
	/* What is wrong: printed after the rest, all together. */
	unsigned problems;
	char problem[REPORT_PROBLEMS][1024];
};

__attribute__((format(printf, 2, 3))) void
report_problem(struct report *report, const char *format, ...);

/* Is it wired? A login, a login by Postfix, a connection that Postfix asked about
 * was seen; lockstepd gives signs of life. */
bool report_daemon_is_alive(const struct report *report);

void report_print(const struct report *report);
void report_print_json(const struct report *report);

#endif
