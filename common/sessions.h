/* sessions.h - mail sessions while they live; part of lockstep.h
 *
 * For Dovecot's mail processes, which begin and end them; lockstepd, which sweeps up
 * after those that were killed; and the command line, which tells of them. */
#ifndef LS_SESSIONS_H
#define LS_SESSIONS_H

#include "lockstep.h"

/* Who begins a mail session. Strings live until the call returns. */
struct ls_session_start {
	const char *service; /* "imap", "pop3", "sieve", "submission" */
	const char *user;    /* the account's final name */
	const struct ls_addr *ip;
	const char *id; /* its name in the server's log, or NULL */
	bool restored;  /* it was hibernated and wakes: no limit holds for it */
};

/* A session of this process: the caller keeps it, untouched, from
 * ls_session_open() to ls_session_close(). Holds nothing that must be freed. */
struct ls_session {
	bool open;
	uint32_t place;
	uint64_t bits; /* of its place; 0: it has none */
	uint64_t began; /* the map's clock */
	uint64_t begun_ms, orders, looked_ms;
};

enum ls_session_end { /* how it ended. */
	LS_END_CLOSED = 0,     /* by its client, or its server */
	LS_END_REVOKED = 1,    /* for a freeze, or an administrator's lock */
	LS_END_HIBERNATED = 2, /* it has no process now, and may wake */
	LS_END_DIED = 3,       /* its process is gone */
	LS_END_COUNT
};

/* A mail session wants to begin (LS_SESSIONS_WRITE; with LS_GUARD_READ freezes
 * count). LS_ADMIT opens it: it is one of the account's live sessions until it is
 * closed or its process ends, and however many begin at once, no more are live
 * than the policy allows. LS_DENY for LS_REASON_SESSIONS, or as ls_frozen(), or when
 * it wakes for an administrator's lock: nothing is held. Journals either. Without a
 * place for it in the map it is admitted, and counted as such.
 * Returns 0, or LS_EACCES: then only the guard was asked, and nothing is held or
 * journalled; ls_session_is_revoked() is true to *session_r all the same. */
int ls_session_open(struct ls_state *state,
		    const struct ls_session_start *start, uint64_t now_ms,
		    struct ls_session *session_r,
		    struct ls_decision *decision_r);

/* The same `start` again: for the journal. One that is not open is left alone. */
void ls_session_close(struct ls_state *state,
		      const struct ls_session_start *start,
		      struct ls_session *session, enum ls_session_end how,
		      uint64_t now_ms);

/* May an order have fallen that a live session must end for? One load; true also
 * once a minute: who gave one may have been killed over it. */
bool ls_session_is_to_be_looked_at(const struct ls_state *state,
				   const struct ls_session *session,
				   uint64_t now_ms);

/* Must it end: is its account frozen, or was it locked by an administrator while the
 * session lived? False at once when it is not to be looked at. *decision_r says
 * why. */
bool ls_session_is_revoked(struct ls_state *state, struct ls_session *session,
			   const char *user, const struct ls_addr *ip,
			   uint64_t now_ms, struct ls_decision *decision_r);

/* Give back what sessions hold whose process was killed, and journal their ends
 * (LS_SESSIONS_WRITE). Cheap enough for each second: one whose number another process
 * has by now is found once a minute. Returns their number. */
unsigned ls_sessions_sweep(struct ls_state *state, uint64_t now_ms);

/* A live session. */
struct ls_session_info {
	uint64_t began_ms; /* as now_ms */
	uint32_t pid;
	struct ls_addr ip;
	char service[LS_SERVICE_MAX + 1];
	char id[32];
	char user[LS_USER_MAX + 1];
};

/* Visit the live sessions. Start with *cursor = 0; returns 1 with the next one,
 * 0 at the end, LS_EACCES. Mail processes write what is told here. */
int ls_session_next(struct ls_state *state, uint64_t *cursor,
		    struct ls_session_info *info_r);
/* How many an account has; NULL: all. */
uint64_t ls_sessions_live(struct ls_state *state, const char *user);

struct ls_sessions_status {
	uint64_t room; /* for live sessions */
	uint64_t live;
	uint64_t full; /* sessions that found no place in it, so far; no more
			* than `room` is told */
	uint64_t events; /* in its journal */
	uint64_t created_ms; /* as now_ms */
};
/* All zero without the map. Mail users may write it: nothing here is more than what
 * it has room for. */
void ls_sessions_status(struct ls_state *state,
			struct ls_sessions_status *status_r);

#endif
