/* figures.h - the logins of a while, counted from the guard's journal */
#ifndef LOCKSTEP_FIGURES_H
#define LOCKSTEP_FIGURES_H

#include "lockstep.h"

enum { FIGURES_SERVICES = 12 };

/* Of one service. A connection that was turned away is refused. */
struct figures_of {
	char service[LS_SERVICE_MAX + 1];
	uint64_t logins, success, wrong, refused; /* logins: all of them */
};

struct figures {
	uint64_t locks, freezes, suspicious; /* begun; seen */
	unsigned services;          /* the last takes those beyond */
	struct figures_of of[FIGURES_SERVICES], all;
	/* Of the whole journal. */
	uint64_t written, kept; /* ever; to be read now */
	uint64_t damaged;       /* cut short by a killed writer */
	uint64_t oldest_ms;     /* of the oldest that is kept; as now_ms */
	bool short_of;          /* it does not reach back to since_ms */
};

/* Read it all; count what is from since_ms (as now_ms) on. */
void figures_gather(struct ls_state *state, uint64_t since_ms, uint64_t now_ms,
		    struct figures *figures_r);

/* Count one record. */
void figures_count(struct figures *figures, const struct ls_record *record);

#endif
