/* cursor.h - where the reading of the journals stands, across restarts
 *
 * The file `cursor` in the outbox, rewritten as a whole after what was read
 * went into the outbox:
 *
 *   {"map": TEXT, "guard": NUMBER, "sessions": NUMBER,
 *    "webhooks": {NAME: {"guard": NUMBER, "sessions": NUMBER,
 *                        "gone": FINGERPRINT}, ...}}
 *
 * The numbers are of the records to read next. A webhook has its own where it
 * stands elsewhere: a digest that is still gathered begins further back. "gone"
 * is there when its receiver answered 410 to this configuration. */
#ifndef LOCKSTEPD_CURSOR_H
#define LOCKSTEPD_CURSOR_H

#include "outbox/outbox.h"
#include "post/hook.h"

enum { CURSOR_MAP_TEXT = 80 };

struct cursor {
	char map[CURSOR_MAP_TEXT]; /* which map the numbers are of */
	uint64_t next[EVENT_JOURNALS];
};

/* Reads the file: sets each webhook's `skip` and `gone`, and gives the cursor.
 * Returns 0, LS_ENOENT when there is none, LS_ESYS, or LS_EFORMAT when it makes
 * no sense; the webhooks are then as before. */
int cursor_load(struct outbox *outbox, struct hooks *hooks,
		struct cursor *cursor_r, struct ls_error *error_r);

/* Returns 0, LS_ENOENT when the outbox is not attached, or LS_ESYS. */
int cursor_save(struct outbox *outbox, const struct hooks *hooks,
		const struct cursor *cursor, struct ls_error *error_r);

#endif
