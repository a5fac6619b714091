/* snapshot.h - what of a guard survives a reboot: snapshot.cdb
 *
 * Locks and freezes with their strikes, probations, doubts, familiar places, the
 * stamps on addresses and nets, what an administrator trusts, the labels of what is
 * locked or trusted, and the names of accounts that lists of places show. Not the
 * meters, which drain in the time that a reboot takes or count too little after it;
 * no guess and no fingerprint, which must not reach a disk.
 *
 *   key                        value (numbers little-endian)
 *   "lockstep"                 u32 version, 16 B hash key, u64 saved, u64 count
 *   "s" u64 key, u8 kind       64 B: kept.h
 *   "l" u64 key, u8 kind       u8 bits, 16 B address, user name
 *   "n" u64 key, u8 kind       u64 wanted until, user name
 *
 * All times are CLOCK_REALTIME in ms. A reader skips records that it does not
 * know. saved is when it was written. count is the number of "s" records: fewer are a
 * torn file. The hash key is the guard's, so that the keys mean the same in the
 * next one: mode 0600. */
#ifndef LS_SNAPSHOT_H
#define LS_SNAPSHOT_H

#include "state/kept.h"

enum { LS_SNAPSHOT_VERSION = 1 };

/* Write the guard's snapshot into directory dirfd, in place of the last one, by
 * a temporary file, fsync and rename. Returns 0 or negative with the reason. */
int ls_snapshot_write(const struct ls_map *map, int dirfd, uint64_t now,
		      uint64_t real_ms, struct ls_error *error_r);

struct ls_snapshot;

/* Open a snapshot and look at every record. Returns 0 with *snapshot_r;
 * LS_ENOENT when there is none; negative with the reason when it is not one
 * that can be used. */
int ls_snapshot_open(int dirfd, struct ls_snapshot **snapshot_r,
		     struct ls_error *error_r);
void ls_snapshot_close(struct ls_snapshot **snapshot);
const uint8_t *ls_snapshot_hash_key(const struct ls_snapshot *snapshot);

/* Subjects that a guard had no room for, by what they are kept for. */
struct ls_lost {
	uint64_t of[LS_KEPT_FOR_COUNT];
};

/* Put what it holds, and has not passed, into a guard made with its hash key, what
 * is worst to lose first.
 *   now, real_ms   the same moment on the map's clock and CLOCK_REALTIME
 * Returns the number of subjects restored; *lost_r counts the others. */
uint64_t ls_snapshot_restore(const struct ls_snapshot *snapshot,
			     struct ls_map *map, uint64_t now,
			     uint64_t real_ms, struct ls_lost *lost_r);

/* "2 freezes and 37 locks". Returns false when nothing was lost. */
bool ls_lost_text(const struct ls_lost *lost, char *text, size_t size);

#endif
