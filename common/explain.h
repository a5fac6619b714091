/* explain.h - what the state holds against, and for, a login that might come now
 *
 * For whoever answers the question "why can't he log in?". It reads the slots
 * that ls_admit() would, asks the same judge, and charges nothing: what it says
 * of the verdict is what the next login gets, if no other comes before it (but for
 * a subject whose slot was evicted, and that wins the same one back: it may find
 * in it what it had forgotten). What
 * is being verified just then only the process that decides logins knows: asked
 * by another, it never says LS_WAIT. */
#ifndef LS_EXPLAIN_H
#define LS_EXPLAIN_H

#include "lockstep.h"

/* Who would log in. What is not known is left out; one of user and ip is. */
struct ls_question {
	const char *user;         /* NULL: an account that nothing is known of */
	const struct ls_addr *ip; /* NULL: an address that nothing is known of */
	bool anywhere; /* ip stands for its network: an address in it that
			* nothing is known of, or that the account has logged
			* in from */
	/* NULL: one that was never tried before. Counts only where the state
	 * was opened with the secret (LS_LOGINS). */
	const char *password;
	const char *service; /* NULL: "imap". Some have sessions, which an account
			      * may have too many of */
};

/* How full a meter is. */
struct ls_level {
	enum ls_kind kind;     /* of the subject whose meter it is */
	enum ls_reason reason; /* which meter: of a lock when it is full */
	uint64_t units;        /* in it, a part of one counted as one */
	uint64_t limit, period_ms;
	uint64_t empty_in_ms; /* 0: it is empty */
	uint64_t room_in_ms;  /* until one more fits; 0: does now */
	bool attempted; /* of what an account sends: accepted or not */
	bool asked;    /* a login from here needs room in it */
	bool observed; /* its rule only observes */
};

/* One subject of the login. */
struct ls_known {
	struct ls_subject subject; /* kind NONE: the login has none such */
	bool found;                /* anything is remembered of it */
	bool locked, frozen;
	struct ls_lock lock, freeze; /* strikes also of a lock that has ended */
	uint64_t familiar_until_ms;  /* PLACE: familiar; IP, NET: somebody
				      * familiar is there; 0: no */
	uint64_t first_seen_ms;      /* PLACE; 0: no success yet */
	uint64_t trusted_until_ms;   /* IP, NET: by an administrator; 0: no */
	uint64_t over_until_ms;      /* IP, NET: too many accounts failed there;
				      * 0: no */
	uint32_t untold; /* IP, NET: refusals that the journal has no record of,
			  * since the last that it has (told.h) */
};

enum { LS_LEVELS_MAX = 28 };

struct ls_explanation {
	struct ls_decision decision; /* what the login gets, over TLS */
	struct ls_decision connect;  /* a connection from there, before its
				      * user is known */
	bool wants_tls; /* without TLS it is refused, whatever else is */
	bool observing; /* the policy refuses nobody */
	bool known_user, known_ip; /* what the question named */
	bool familiar;
	bool near; /* the place is, but the account never logged in from the
		    * address: it may fill a quarter of the place's meters */
	bool estranged; /* and is a stranger's there now */
	bool part; /* a familiar place has a quarter of its limit there now */
	bool crowded; /* the table has no slot for what it would be counted by: it
		       * shares a strict meter with others (crowd.h) */
	bool denied;            /* by the policy: the network */
	bool trusted_by_policy; /* the network */
	bool aliased;           /* user stands for the account `final` */
	char final[LS_USER_MAX + 1]; /* "": its name is not known */
	/* By kind: IP, NET, USER, PLACE; of an alias USER is the account. */
	struct ls_known of[LS_KIND_PLACE + 1];
	struct ls_known typed; /* of an alias, the typed name */
	uint64_t probation_until_ms; /* 0: it is not */
	uint64_t suspicious_since_ms;
	bool sessions_known; /* the sessions map is open */
	uint64_t sessions_limit; /* live at once; 0: none. How many there are,
				  * ls_sessions_live() counts */
	/* Sessions that began lately, of the account and from the address, as a
	 * meter of their logins would have them; its limit 0: not told. */
	struct ls_level begun_by, begun_from;
	unsigned levels;
	struct ls_level level[LS_LEVELS_MAX];
};

/* Answer the question. Times are as now_ms. Returns 0, LS_EARG when neither user
 * nor ip is named, LS_EACCES when the guard is not open. */
int ls_explain(struct ls_state *state, const struct ls_question *question,
	       uint64_t now_ms, struct ls_explanation *explanation_r);

/* ---- what an account sends (senders.c) -------------------------------- */

enum { LS_SENDING_LEVELS = 6 };

struct ls_sending {
	bool found; /* its meters are not all empty, or were not long ago */
	bool probation; /* its limits are divided */
	unsigned levels; /* `kind` of each is LS_KIND_SENDING */
	struct ls_level level[LS_SENDING_LEVELS];
	bool contacts; /* that file is open: the next three tell of it */
	uint64_t since_real_ms; /* contacts are remembered; 0: not yet */
	bool learnt;            /* for long enough that new ones count */
	uint64_t known;         /* contacts */
};

/* Tell it. Looks at all contacts. Times are as now_ms and real_ms. Returns 0, or
 * LS_EACCES when the guard is not open. */
int ls_explain_sending(struct ls_state *state, const char *user,
		       uint64_t now_ms, uint64_t real_ms,
		       struct ls_sending *sending_r);

enum { LS_RELAY_LEVELS = 2 };

/* What an address sends without a login. */
struct ls_relaying {
	bool exempt;     /* it is trusted: the limits do not hold for it */
	unsigned levels; /* `kind` of each is LS_KIND_RELAY; 0: no limits */
	struct ls_level level[LS_RELAY_LEVELS];
};

/* Tell it. Times are as now_ms. Returns 0, or LS_EACCES when the guard is not
 * open. */
int ls_explain_relaying(struct ls_state *state, const struct ls_addr *ip,
			uint64_t now_ms, struct ls_relaying *relaying_r);

/* Who sends. */
struct ls_sender {
	char user[LS_USER_MAX + 1]; /* "": the name is not known any more */
	/* Units in its meters, under the limits that hold for it. */
	uint64_t messages, recipients, new_recipients;
	uint64_t tried_messages, tried_recipients;
	unsigned percent; /* of the fullest of its limits */
	bool frozen;
};

/* Visit the accounts whose meters are not empty. Start with *cursor = 0; returns 1
 * with the next one, 0 at the end. Looks at every slot. */
int ls_sender_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		   struct ls_sender *sender_r);

/* The file of contacts. */
struct ls_contacts_status {
	bool open;
	bool given; /* it belongs to the policy's groups, or is not there */
	uint64_t room, used; /* words; each account takes one too */
	uint64_t idle; /* given up for others after more than a year */
	uint64_t lost; /* before that: each time an account learns anew */
	uint64_t lost_real_ms; /* the day of the last of these; 0: none */
};
/* Looks at all of it. */
void ls_contacts_status(struct ls_state *state,
			struct ls_contacts_status *status_r);

#endif
