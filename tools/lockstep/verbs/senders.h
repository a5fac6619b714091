/* senders.h - who sends, from the meters of what they send */
#ifndef LOCKSTEP_SENDERS_H
#define LOCKSTEP_SENDERS_H

#include "explain.h"

enum senders_by { SENDERS_BY_MESSAGES, SENDERS_BY_RECIPIENTS, SENDERS_BY_FULL };

/* All zero is an empty one. Grows as it needs to, and ends the program when there
 * is no memory. */
struct senders {
	size_t count, room;
	struct ls_sender *row;
};

/* Everybody whose meters are not empty, in place of those before. */
void senders_gather(struct senders *senders, struct ls_state *state,
		    uint64_t now_ms);
/* The most first. */
void senders_sort(struct senders *senders, enum senders_by by);
void senders_free(struct senders *senders);

#endif
