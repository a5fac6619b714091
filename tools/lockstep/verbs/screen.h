/* screen.h - what lockstep top shows, and how it is drawn */
#ifndef LOCKSTEP_SCREEN_H
#define LOCKSTEP_SCREEN_H

#include "host/figures.h"
#include "verbs/senders.h"
#include "verbs/tally.h"

enum { SCREEN_LOCKS = 256, SCREEN_LOCKS_HELD = 2 * SCREEN_LOCKS };

struct screen {
	uint64_t now_ms, window_ms;
	enum tally_by by;
	const char *trouble; /* why nothing is to be seen; NULL: it is */
	bool observing;
	uint64_t sessions;             /* live */
	struct figures figures;        /* of the window */
	struct tally attackers;        /* by address */
	struct tally accounts;         /* that they try */
	enum senders_by senders_by;
	struct senders senders;        /* in their order */
	unsigned locks;                /* in force */
	/* the newest first, SCREEN_LOCKS at most; the rest is room to sort in */
	struct ls_lock lock[SCREEN_LOCKS_HELD];
};

/* Draw it all on curses' standard screen, 80x24 or whatever it is. */
void screen_draw(const struct screen *screen);

#endif
