/* lockstep-state.h - Lockstep's state as Dovecot's processes hold it
 *
 * Shared by the auth module and the mail plugin: the handle, opened as root and
 * kept when privileges drop; how its troubles get into Dovecot's log; and the
 * conversions from Dovecot's types.
 *
 * Whatever is wrong with the state, mail goes on: a state that could not be
 * opened stays so until Dovecot is reloaded (the process has lost the right to
 * open it by then), and says so in the log, at most once in STATE_REPORT_MS.
 * Mail processes say it for debugging only: they are many, and the auth process
 * and lockstepd say it already. */
#ifndef LOCKSTEP_STATE_H
#define LOCKSTEP_STATE_H

#include "lockstep.h"

struct event;
struct ip_addr;

enum {
	STATE_REPORT_MS = 10 * 60 * 1000,
	STATE_DAEMON_MS = 15 * 1000, /* lockstepd signs each second */
	STATE_CROWD_MS = 60 * 1000,
};

/* One for each process, static, all zero before state_open(). */
struct state {
	const char *without; /* what goes on without it, for the log */
	struct ls_state *ls; /* NULL when it could not be opened */
	struct ls_error error;
	unsigned int flags;
	bool opened;         /* was tried */
	unsigned int missed; /* times it was wanted and not there, unsaid yet */
	uint64_t report_ms;  /* no line before */
	uint64_t daemon_ms;  /* no look at lockstepd before */
	bool daemon_gone;    /* and that was said */
	uint64_t crowd_ms;   /* no line before on a table without room */
	struct ls_crowding crowding; /* as it was told last */
};

/* Open the policy and the maps; once for each process, later calls do nothing.
 *   flags    of ls_open()
 *   without  a clause: "logins pass unguarded"; not copied
 * Neither fails nor logs: state_report() or state_get() will say it. */
void state_open(struct state *state, unsigned int flags, const char *without);
void state_close(struct state *state);

/* For each use: the state, with a newer policy taken over, or NULL. Logs under
 * `event` what is wrong, and a new policy. */
struct ls_state *state_get(struct state *state, struct event *event);

/* Log that the state is not there, unless that was said a short while ago; or
 * once what is to be said of one that is. */
void state_report(struct state *state, struct event *event);

/* An event whose lines begin with "lockstep: "; the caller unrefs it. */
struct event *state_event_create(struct event *parent);

/* CLOCK_BOOTTIME in milliseconds, Lockstep's now_ms. */
uint64_t state_now_ms(void);

/* Returns false when there is no address: a client of a unix socket. */
bool state_addr(const struct ls_state *state, const struct ip_addr *ip,
		struct ls_addr *addr_r);

/* The name that Lockstep gives a service: Dovecot's, except that Dovecot 2.3
 * calls ManageSieve "sieve" in auth and "managesieve" in mail processes. */
const char *state_service(const char *service);

#endif
