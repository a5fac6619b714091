/* guard.h - the lockout state as lockstep-policy works on it
 *
 * Opened at the start, followed when the policy changes, opened again when it
 * broke: a filter lives as long as its smtpd, and heals by itself. What is
 * wrong is logged once, not for each request; that it works again, too. The
 * maps are never created here: an empty guard locks nobody, and a program that
 * runs as an ordinary user would give the file to the wrong owner. */
#ifndef LOCKSTEP_POLICY_GUARD_H
#define LOCKSTEP_POLICY_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "lockstep.h"

enum { GUARD_RETRY_MS = 3000 }; /* between two tries to open */

struct guard {
	const char *policy_path; /* NULL: as ls_open() finds it */
	struct ls_state *state;  /* NULL: not open */
	bool stale;              /* open, but a refresh failed since */
	uint64_t tried_ms;       /* last try to open */
	char complaint[256];     /* the last error that was logged */
};

/* Open. `policy_path` must outlive the guard. A failure is logged, and left to
 * guard_state() to mend. */
void guard_init(struct guard *guard, const char *policy_path, uint64_t now_ms);

/* The state to decide with now, or NULL when there is none: then let mail go
 * on. It stands until the next call. */
struct ls_state *guard_state(struct guard *guard, uint64_t now_ms);

void guard_deinit(struct guard *guard);

/* CLOCK_BOOTTIME and CLOCK_REALTIME in milliseconds. */
uint64_t guard_now_ms(void);
uint64_t guard_real_ms(void);

#endif
