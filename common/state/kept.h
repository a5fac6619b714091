/* kept.h - what a snapshot keeps of one slot, and its bytes there
 *
 *   bytes   IP, NET         PLACE             USER
 *    0..7   lock word (slot.h)
 *    8      lock until, real time in ms as all times here, 0: none
 *   16      lock since
 *   24      stamped until   familiar until    probation until
 *   32      trusted until   first seen        suspicious since
 *   40      -               where             freeze word
 *   48      -               where             freeze until
 *   56..63  -               addresses         freeze since
 *
 * Numbers are little-endian. */
#ifndef LS_KEPT_H
#define LS_KEPT_H

#include "map/map.h"

enum { LS_KEPT_SIZE = 64 };

struct ls_kept {
	enum ls_kind kind;
	uint64_t key;
	struct ls_lock_word lock, freeze;
	/* Times of the map's clock; named as a PLACE has them. */
	uint64_t since, familiar, seen, freeze_since;
	uint64_t where[2];
	unsigned home; /* home.h */
};

/* What is to be kept of a slot now. Returns false when nothing is. A damaged
 * lock word is none: it must not have the whole file refused. */
bool ls_kept_of(const struct ls_ref *ref, enum ls_kind kind, uint64_t now,
		struct ls_kept *kept_r);

/* A time of the map's clock as CLOCK_REALTIME in ms, and back; 0 stays 0. What
 * comes back is 0 too where it lies before the map's clock, and no later than any
 * guard has held.
 *   now, real_ms   the same moment on both clocks */
uint64_t ls_kept_to_real(uint64_t at, uint64_t now, uint64_t real_ms);
uint64_t ls_kept_from_real(uint64_t at, uint64_t now, uint64_t real_ms);

/* To bytes.
 *   now, real_ms   the same moment on the map's clock and CLOCK_REALTIME */
void ls_kept_put(const struct ls_kept *kept, uint64_t now, uint64_t real_ms,
		 uint8_t value[LS_KEPT_SIZE]);
/* And back, as long as it was made for at most, whatever the clock says. Returns false for bytes that no snapshot of ours has. */
bool ls_kept_get(const uint8_t *value, size_t len, enum ls_kind kind,
		 uint64_t key, uint64_t now, uint64_t real_ms,
		 struct ls_kept *kept_r);

/* What it is kept for above all, the worst to lose first. */
enum ls_kept_for {
	LS_KEPT_FREEZE,
	LS_KEPT_TRUST,
	LS_KEPT_PROBATION,
	LS_KEPT_ORDER, /* an administrator's lock */
	LS_KEPT_LOCK,  /* any other */
	LS_KEPT_PLACE,
	LS_KEPT_DOUBT,
	LS_KEPT_MARK, /* strikes, a stamp */
	LS_KEPT_FOR_COUNT,
	LS_KEPT_PASSED = LS_KEPT_FOR_COUNT /* for nothing any more */
};
enum ls_kept_for ls_kept_for(const struct ls_kept *kept, uint64_t now);

/* Put it into a new map, where nothing gives way to it but a mark: so what is
 * worst to lose goes first. Returns false when there is no room. */
bool ls_kept_restore(const struct ls_kept *kept, const struct ls_map *map,
		     uint64_t now);

/* Is its subject locked, frozen or trusted, and until when? */
uint64_t ls_kept_locked_until(const struct ls_kept *kept);

#endif
