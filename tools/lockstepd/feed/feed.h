/* feed.h - from the journals into the outbox
 *
 * Reads both journals, by a cursor that outlives the process, and makes
 * messages of the events that a webhook wants: one each, or one digest of many.
 * What happened while no lockstepd ran is told by the next one, as far as the
 * journal still holds it. Records lost are counted and logged. */
#ifndef LOCKSTEPD_FEED_H
#define LOCKSTEPD_FEED_H

#include "feed/cursor.h"
#include "outbox/outbox.h"
#include "post/hook.h"

struct feed {
	struct hooks *hooks;
	struct outbox *outbox;
	char host[256];
	struct ls_cursor cursor[EVENT_JOURNALS];
	char map[CURSOR_MAP_TEXT]; /* "": none was read yet */
	uint64_t lost_seen[EVENT_JOURNALS];
	uint64_t lost_news; /* of both, since it was taken note of */
	struct log_count lost[EVENT_JOURNALS];
	bool put;   /* something went into the outbox since the last save */
	bool moved; /* something was read since then */
	uint64_t saved_ms;
	struct log_place save_log;
};

void feed_init(struct feed *feed, struct hooks *hooks, struct outbox *outbox);

/* A state was opened: goes on where the last reading of this map ended, of this
 * process or of one before; a map that was not read before is read from its
 * oldest record. Where there is no trace of earlier reading at all, from now
 * on. The webhooks are loaded. */
void feed_start(struct feed *feed, struct ls_state *state,
		const struct event_clock *clock);

/* Records that were gone before they were read, since this was last asked. */
uint64_t feed_take_lost(struct feed *feed);

/* Reads what is new. Returns true when there is more than was read. */
bool feed_read(struct feed *feed, struct ls_state *state,
	       const struct event_clock *clock);

/* Puts the digests that are due, or all of them, into the outbox. */
void feed_flush(struct feed *feed, bool all, const struct event_clock *clock);

/* Saves the cursor if that is needed now: always after something was put into
 * the outbox, else every few seconds; `now` does not wait for that. */
void feed_save(struct feed *feed, bool now, const struct event_clock *clock);

#endif
