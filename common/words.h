/* words.h - what is metered, why it is refused, how it ended; part of lockstep.h
 *
 * The numbers are stored in maps, snapshots and policies: never renumber. */
#ifndef LS_WORDS_H
#define LS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* What is metered and locked. */
enum ls_kind {
	LS_KIND_NONE = 0,
	LS_KIND_IP = 1,    /* IPv4 /32, IPv6 /64 */
	LS_KIND_NET = 2,   /* /24, /48, or as the policy says */
	LS_KIND_USER = 3,  /* an account, for strangers */
	LS_KIND_PLACE = 4, /* an account seen from a net */
	LS_KIND_GUESS = 5, /* a wrong password */
	LS_KIND_PAIR = 6,  /* (subject, other): counted once */
	LS_KIND_ALIAS = 7, /* a typed name that means another account */
	LS_KIND_SENDING = 8, /* what an account sends */
	LS_KIND_ONCE = 9,    /* a sender or a refused message of an account:
			      * counted once */
	LS_KIND_RELAY = 10,  /* what an address sends without a login */
	LS_KIND_SEAT = 11, /* one of an account's live sessions; in sessions */
	LS_KIND_LOCAL = 12, /* what stands before the @ of names that never
			     * succeeded: not in the table (local.h) */
	LS_KIND_SPRAY = 13, /* a wrong password from an address */
	LS_KIND_COUNT
};

/* Why a subject is locked or an attempt refused. */
enum ls_reason {
	LS_REASON_NONE = 0,
	LS_REASON_FAILURES = 1,      /* wrong guesses, fast limit */
	LS_REASON_FAILURES_SLOW = 2, /* wrong guesses, slow limit */
	LS_REASON_ACCOUNTS = 3,      /* distinct accounts, fast limit */
	LS_REASON_ACCOUNTS_SLOW = 4, /* distinct accounts, slow limit */
	LS_REASON_REPEATS = 5,       /* one wrong password, over and over */
	LS_REASON_LOGINS = 6,        /* too many logins */
	LS_REASON_SESSIONS = 7,      /* too many live sessions */
	LS_REASON_DENIED = 8,        /* a network the policy denies */
	LS_REASON_TLS = 9,           /* TLS demanded */
	LS_REASON_SENDING = 10,      /* what the account sends */
	LS_REASON_ADMIN = 11,        /* an administrator said so */
	LS_REASON_PLACES = 12,       /* logins from too many new networks */
	LS_REASON_LOCKS = 12, /* the last that a lock has; the rest refuse
			       * messages */
	LS_REASON_MESSAGES = 13,       /* too many messages */
	LS_REASON_RECIPIENTS = 14,     /* too many recipients */
	LS_REASON_NEW_RECIPIENTS = 15, /* too many never written to before */
	LS_REASON_SENDERS = 16,        /* too many envelope senders */
	LS_REASON_CROWDED = 17, /* without a slot, and those have no room */
	LS_REASON_SPRAY = 18, /* a password that failed at other accounts */
	LS_REASON_ANY_DOMAIN = 19, /* wrong guesses at names of one local part, */
	LS_REASON_ANY_DOMAIN_SLOW = 20, /* by the slow limit */
	LS_REASON_COUNT
};

enum ls_origin { /* who locked. */
	LS_ORIGIN_RULE = 0,
	LS_ORIGIN_ADMIN = 1,
	LS_ORIGIN_PEER = 2,
	LS_ORIGIN_COUNT
};

enum ls_verdict {
	LS_ADMIT = 0,
	LS_DENY = 1,
	LS_WAIT = 2, /* ask again when another attempt has settled */
	LS_HOLD = 3, /* a message: take it, and keep it in the hold queue */
	LS_VERDICT_COUNT
};

enum ls_outcome { /* of a password check. */
	LS_OUTCOME_NONE = 0,      /* refused before it */
	LS_OUTCOME_SUCCESS = 1,
	LS_OUTCOME_WRONG = 2,     /* wrong password, or one that is not told from
				   * an unknown user */
	LS_OUTCOME_DENIED = 3,    /* right or not: disabled, expired */
	LS_OUTCOME_INTERNAL = 4,  /* the backend failed */
	LS_OUTCOME_ABANDONED = 5, /* gone before it sent any proof */
	LS_OUTCOME_UNKNOWN = 6,   /* wrong: no passdb knows the user */
	LS_OUTCOME_UNVERIFIED = 7, /* yes without a look at the password: a
				    * backend verifies, which tells nobody here */
	LS_OUTCOME_COUNT
};

enum ls_event {
	LS_EVENT_NONE = 0,
	LS_EVENT_LOGIN = 1, /* an attempt was refused, or settled */
	LS_EVENT_LOCK = 2,
	LS_EVENT_UNLOCK = 3,
	LS_EVENT_CONNECT = 4, /* a connection was refused before AUTH */
	LS_EVENT_SESSION = 5, /* a mail session began, or was refused */
	LS_EVENT_SUSPICIOUS = 6, /* a success that may be a thief's */
	LS_EVENT_FREEZE = 7,
	LS_EVENT_RELEASE = 8,
	LS_EVENT_TRUST = 9,     /* exempt, until */
	LS_EVENT_DISTRUST = 10, /* no more */
	LS_EVENT_FORGET = 11,   /* familiar places of it */
	LS_EVENT_MESSAGE = 12,  /* a message was refused or held */
	LS_EVENT_ALARM = 13,    /* an account writes to too many new people, or an
				 * address fails at too many that are familiar */
	LS_EVENT_SESSION_END = 14, /* it ended */
	LS_EVENT_COUNT
};

enum ls_format { /* of what a webhook posts. */
	LS_FORMAT_JSON = 0,
	LS_FORMAT_SLACK = 1,
	LS_FORMAT_DISCORD = 2,
	LS_FORMAT_TEAMS = 3,
	LS_FORMAT_NTFY = 4,
	LS_FORMAT_COUNT
};

/* The word for a value, as the command line, the journal and the webhook write
 * it ("place", "failures"); "?" for a number that is none. */
const char *ls_kind_name(enum ls_kind kind);
const char *ls_reason_name(enum ls_reason reason);
/* The same for people: "too many wrong passwords". */
const char *ls_reason_words(enum ls_reason reason);
const char *ls_origin_name(enum ls_origin origin);
const char *ls_verdict_name(enum ls_verdict verdict);
const char *ls_outcome_name(enum ls_outcome outcome);
const char *ls_event_name(enum ls_event event);
const char *ls_format_name(enum ls_format format);
/* What the noun behind a number ends with: "%u lock%s". */
static inline const char *ls_plural_s(uint64_t count)
{
	return count == 1 ? "" : "s";
}
/* Was it a wrong guess, of a password or of a name? */
bool ls_outcome_is_wrong(enum ls_outcome outcome);
/* Is it about a subject that something was done to: locked, unlocked, frozen,
 * released, trusted? Else it is about an attempt. */
bool ls_event_is_order(enum ls_event event);

#endif
