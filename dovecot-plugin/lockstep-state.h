/* lockstep-state.h - Lockstep's state as Dovecot's processes hold it
 *
 * Shared by the auth module and the mail plugin: the handle, opened as root and
 * kept when privileges drop; how its troubles get into Dovecot's log; and the
 * conversions from Dovecot's types.
 *
 * Whatever is wrong with the state, mail goes on, and that is said at once: in the log,
 * again at most once in STATE_REPORT_MS, and in a note (note.h) that `lockstep status`
 * reads.
 *
 * The auth process opens a state that was missing or damaged as soon as there is one,
 * and takes over maps that were made anew, also when it is root no more: its user may
 * open them (`auth-user` in lockstep.conf). Attempts that are in flight then are
 * settled where they were admitted: what was open before stays so for that long.
 *
 * A mail process ends soon and its successor opens the maps as root: it says what it
 * goes without, one process a minute for all, and takes no more clients. */
#ifndef LOCKSTEP_STATE_H
#define LOCKSTEP_STATE_H

#include "lockstep.h"

struct event;
struct ip_addr;

enum {
	STATE_REPORT_MS = 10 * 60 * 1000,
	STATE_DAEMON_MS = 15 * 1000, /* lockstepd signs each second */
	STATE_CROWD_MS = 60 * 1000,
	STATE_TRY_MS = 1000,    /* between two tries to open */
	STATE_LACKING_MS = 10 * 1000, /* the same, where only sessions are missing */
	STATE_FOLLOW_MS = 2000, /* so often when nobody logs in */
	STATE_MAIL_MS = 60 * 1000, /* between what two mail processes say */
};

/* What was open before, and attempts on it that are not settled. */
struct state_former {
	struct state_former *next;
	struct ls_state *ls;
	unsigned int held;
};

/* One for each process, static, all zero before state_open(). */
struct state {
	const char *name;    /* of the service, for its note */
	const char *without; /* what goes on without it, for the log */
	char *policy;        /* path */
	struct ls_state *ls; /* NULL when it could not be opened */
	unsigned int held;   /* attempts on it that are not settled */
	struct state_former *former;
	struct ls_error error;
	struct ls_note_writer note;
	unsigned int flags;
	unsigned int names;  /* with LS_NAMES_TOLD, once they are known */
	int root_fd;         /* of "/", from before a chroot */
	bool opened;         /* was tried */
	bool stale;          /* what is open is to be replaced */
	uint64_t lacking_ms; /* the sessions are not open: no try before */
	bool quiet;          /* another process of this kind said it */
	unsigned int missed; /* times it was wanted and not there, unsaid yet */
	uint64_t report_ms;  /* no line before */
	uint64_t try_ms;     /* no try before */
	uint64_t daemon_ms;  /* no look at lockstepd before */
	bool daemon_gone;    /* and that was said */
	uint64_t crowd_ms;   /* no line before on a table without room */
	struct ls_crowding crowding; /* as it was told last */
	struct timeout *to_follow;
	struct event *event; /* for that */
};

/* Open the policy and the maps; once for each process, later calls do nothing.
 *   name     of the service
 *   flags    of ls_open()
 *   without  a clause: "logins pass unguarded"; not copied
 * Neither fails nor logs: state_report() or state_get() will say it. */
void state_open(struct state *state, const char *name, unsigned int flags,
		const char *without);
void state_close(struct state *state);

/* Look after it from now on, in the event loop, when nobody logs in too. Logs under
 * `event`, which lives as long as the state. */
void state_follow(struct state *state, struct event *event);

/* How names are spelt, LS_NAMES_*: told to the guard that is open, and to each that is
 * taken over from now on. */
void state_set_names(struct state *state, unsigned int names);

/* For each use: the state, with a newer policy or newer maps taken over, or NULL. Logs
 * under `event` what is wrong, and what is new. */
struct ls_state *state_get(struct state *state, struct event *event);

/* An attempt was admitted: it is settled on the state that is returned, which stays
 * open until state_release(). */
struct ls_state *state_hold(struct state *state);
void state_release(struct state *state, struct ls_state *ls);

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
