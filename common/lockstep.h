/* lockstep.h - the one header of the Lockstep library
 *
 * Lockstep decides, for every door of a mail server, whether an attempt may go
 * on. Programs at those doors (Dovecot's auth process, Dovecot's mail
 * processes, Postfix's policy service, lockstepd, the command line) open one
 * `struct ls_state` and ask it.
 *
 * Conventions, for every function here:
 *  - a function that can fail returns 0 or a negative LS_E* code; where it
 *    takes a `struct ls_error *`, that also says what failed, in words for a
 *    log line, with the file, field or key in it;
 *  - nothing here logs, prints, or reads a clock. `now_ms` is CLOCK_BOOTTIME in
 *    milliseconds; `real_ms` is CLOCK_REALTIME in milliseconds, wanted only
 *    where a time must outlive a reboot. A time that the library gives back
 *    may lie before the boot, after a snapshot was restored: it is then
 *    negative, as an int64_t; its distance to now_ms is right all the same;
 *  - nothing on the way of a login or a message locks, waits or allocates;
 *  - what is read from a mapped or stored file is checked before use, so a
 *    hostile writer can cause wrong answers and no wild access;
 *  - a `struct ls_state` belongs to one thread. Any number of processes may
 *    work on the same maps at once, and be killed at any instruction. */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

/* ---- errors ---------------------------------------------------------- */

enum {
	LS_EARG = -1,     /* an argument makes no sense */
	LS_ESYS = -2,     /* a system call failed */
	LS_EFORMAT = -3,  /* not one of our files, or damaged */
	LS_EVERSION = -4, /* our file, of another version */
	LS_EFULL = -5,    /* no room, and nothing cheaper to evict */
	LS_ENOENT = -6,   /* no such thing */
	LS_EACCES = -7,   /* this state was opened without that right */
};

enum { LS_PATH_SIZE = 256 }; /* a path in a policy, with its NUL */

struct ls_error {
	int code;       /* LS_E* */
	char text[256]; /* one line, no newline */
};

/* ---- addresses (address.c) ------------------------------------------- */

/* An IPv6 address, or an IPv4 address mapped into ::ffff:0:0/96. One that a NAT64
 * made of an IPv4 address is to be unwrapped, by whoever takes it in. */
struct ls_addr {
	uint8_t octet[16];
};

/* The first `bits` of an address; the others are zero. IPv4 10.0.0.0/8 has
 * 104 bits. */
struct ls_prefix {
	struct ls_addr addr;
	uint8_t bits; /* 0..128 */
};

enum { LS_ADDR_TEXT = 46, LS_PREFIX_TEXT = 50 }; /* buffer sizes, NUL included */

/* "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" and "64:ff9b::192.0.2.1" (the
 * same as the IPv4). Returns 0 or LS_EARG. */
int ls_addr_parse(const char *text, struct ls_addr *addr_r);
/* Make an address that a NAT64 made the IPv4 one inside: of 64:ff9b::/96, and of the
 * policy's own prefixes (ls_nat64_of(); NULL: none). */
struct ls_nat64;
void ls_addr_unwrap(const struct ls_nat64 *nat64, struct ls_addr *addr);
bool ls_addr_is_ipv4(const struct ls_addr *addr);
bool ls_addr_is_loopback(const struct ls_addr *addr); /* 127.0.0.0/8, ::1 */
void ls_addr_format(const struct ls_addr *addr, char text_r[LS_ADDR_TEXT]);
bool ls_addr_equal(const struct ls_addr *a, const struct ls_addr *b);

/* "192.0.2.0/24", "2001:db8::/32", or an address, which is a whole one.
 * Returns 0, LS_EARG for no prefix at all, LS_EFORMAT when bits beyond the
 * length are set (prefix_r then has them cleared: what was meant). */
int ls_prefix_parse(const char *text, struct ls_prefix *prefix_r);
/* The first bits of addr: `bits4` (0..32) of an IPv4, `bits6` (0..128) else. */
struct ls_prefix ls_prefix_of(const struct ls_addr *addr, unsigned bits4,
			      unsigned bits6);
/* An address alone is written without a length. */
void ls_prefix_format(const struct ls_prefix *prefix,
		      char text_r[LS_PREFIX_TEXT]);
/* ::/0, which stands for "no address is known" wherever it is not written in a
 * policy: nothing is metered by it. */
bool ls_prefix_is_none(const struct ls_prefix *prefix);
bool ls_prefix_covers(const struct ls_prefix *prefix,
		      const struct ls_addr *addr);

/* ---- words: kinds, reasons, verdicts, outcomes, events (words.h) ------ */

enum { LS_USER_MAX = 254 }; /* bytes of a user name, without the NUL */

/* A subject in the form people read. */
struct ls_subject {
	enum ls_kind kind;
	struct ls_prefix net;       /* IP, NET, PLACE */
	char user[LS_USER_MAX + 1]; /* USER, PLACE */
};

enum { LS_SUBJECT_TEXT = LS_USER_MAX + LS_PREFIX_TEXT + 8 };
/* "192.0.2.1", "192.0.2.0/24", "joe@example.com",
 * "joe@example.com from 192.0.2.0/24", "a wrong password" (a GUESS). */
void ls_subject_format(const struct ls_subject *subject,
		       char text_r[LS_SUBJECT_TEXT]);

/* ---- the state ------------------------------------------------------- */

/* The policy in force and the maps that a program works on. */
struct ls_state;

enum {
	LS_GUARD_READ = 1,  /* map the guard to look at */
	LS_GUARD_WRITE = 2, /* map the guard to decide with */
	LS_SESSIONS_READ = 4,
	LS_SESSIONS_WRITE = 8,
	LS_CREATE = 16, /* a map that is missing: make it, from the snapshot; as
			 * root also the state directory */
	LS_CONTACTS = 64, /* map whom each account wrote to before, for the
			   * process that decides messages */
	LS_BRIEF = 128, /* a process of one session: of the policy it checks only
			 * what it asks for; damage counts as not written */
	LS_SIBLINGS = 512, /* a process of Dovecot: of live sessions it believes only
			    * those of its parent's other children */
	LS_SPACE = 256, /* as root, in a process that will lose its rights: let its
			 * limit of address space rise for maps that it opens
			 * later, see space.h */
	LS_LOGINS = 32, /* with LS_GUARD_WRITE: the process that decides logins.
			 * It remembers those in flight, and which passwords
			 * were wrong, by a secret that it makes if need be */
};

struct ls_open_args {
	const char *policy_path; /* policy.cdb; NULL: $LOCKSTEP_POLICY, else
				  * the path built in */
	unsigned flags;
	uint64_t now_ms, real_ms;
	int root_fd; /* 0; or "/" as it was before a chroot: paths begin there */
	const struct ls_state *before; /* NULL; or what this one takes the place
					* of: its secret goes along */
};

/* Where ls_open() looks for the policy, from ls_open_args.policy_path. */
const char *ls_policy_path(const char *path);

/* Open the policy and the maps it names. Keeps descriptors of their
 * directories, so that a later refresh works without the right to walk there.
 * Returns 0 with *state_r, which the caller gives to ls_close(); error_r->text
 * is then empty or a warning to log (to whom the guard can be opened for
 * writing, it is worth having without the sessions). Or negative with *error_r, and *state_r
 * NULL: the caller lets mail go on, and says so. */
int ls_open(const struct ls_open_args *args, struct ls_state **state_r,
	    struct ls_error *error_r);
void ls_close(struct ls_state **state);

/* The prefixes of NAT64 that the policy in force names. Lives as long as the state,
 * and follows the policy. NULL, or of no state, stands for none. */
const struct ls_nat64 *ls_nat64_of(const struct ls_state *state);

/* Take over a newer policy if one was compiled. Cheap enough for every attempt:
 * one load when nothing changed, and once a second a look at the maps' names. Returns 1 when a new policy is in force, 0
 * when nothing changed, negative when the new one is not usable: the old one
 * stays, and the error comes once for each bad file. Also negative, once, when
 * a map this state works on was replaced (`lockstep init`) or removed. Else
 * error_r->text is empty or, once, a warning: a new file of contacts that cannot be
 * used. */
int ls_refresh(struct ls_state *state, uint64_t now_ms,
	       struct ls_error *error_r);

/* What lies between the clocks: a time as now_ms, and this, is CLOCK_REALTIME in
 * ms (clocks.c). One answer for every program and every call, so that a lock has
 * one end in all that is told of it, until the real clock is set by more than a
 * second: then it follows, in whole seconds.
 * Without a guard it is what was sampled.
 *   now_ms, real_ms   the same moment on both clocks, as near as may be */
uint64_t ls_clocks_apart(const struct ls_state *state, uint64_t now_ms,
			 uint64_t real_ms);
/* The same of what was answered last (0: nothing was) and of a new sample. */
uint64_t ls_clocks_settled(uint64_t kept_ms, uint64_t fresh_ms);
/* Write down for the others that the clock was set, if it was. ls_open() does,
 * where it opens the guard for writing. */
void ls_clocks_keep(struct ls_state *state, uint64_t now_ms, uint64_t real_ms);

/* Is the sessions map open? The guard can be without it. */
bool ls_has_sessions(const struct ls_state *state);
/* Has ls_refresh() told that a map was replaced, removed or truncated? */
bool ls_is_to_be_opened_anew(const struct ls_state *state);

/* Make both maps anew, with room for so many subjects (0: as the policy says),
 * and retire those in use: the programs on them notice at their next
 * ls_refresh(). Locks and familiar places go along, by way of the snapshot.
 *   args   flags are not looked at
 *   force  also when not all of them have room: what has none is lost
 * Returns as ls_open(), or LS_EFULL for want of room, having changed nothing;
 * error_r->text may hold a warning. */
int ls_init(const struct ls_open_args *args, uint64_t subjects, bool force,
	    struct ls_error *error_r);

/* ---- deciding a login (admit.c) -------------------------------------- */

/* What is known before the password is verified. Strings live until the call
 * returns. */
struct ls_attempt {
	const char *service;  /* "imap", "smtp", ... */
	const char *mech;     /* "PLAIN", ... */
	const char *user;     /* normalized; of any length */
	struct ls_addr ip;    /* the client's, once proxies are seen through */
	bool nowhere;         /* no address is known, and ip not looked at: there is
			       * no place, and only the account's limits, those
			       * of the password, and orders hold */
	bool secured;         /* TLS, or a client on this machine */
	const char *password; /* NULL where the server never sees it */
	const char *target;   /* the account that a master user, who is `user`,
			       * logs in to; NULL: no master user. Only its
			       * freeze counts */
	uint64_t waited_ms;   /* since it was asked about first */
};

struct ls_decision {
	enum ls_verdict verdict; /* what to do */
	enum ls_verdict wanted;  /* what the rules say: differs when a rule
				  * only observes */
	enum ls_reason reason;
	enum ls_kind kind;       /* of the subject that has no room or is locked */
	uint64_t key; /* of LS_WAIT: that subject, for ls_ticket_holds() */
	uint64_t retry_ms;       /* to wait until there may be; 0: unknown */
	bool reveal;             /* the policy lets the client know */
};

enum { LS_TICKET_CHARGES = 12, LS_SERVICE_MAX = 11, LS_MECH_MAX = 19 };
enum { LS_PASSDB_MAX = 47 }; /* bytes of a passdb's name; more is cut off */

/* What an admitted attempt took: the caller keeps it, untouched, from ls_admit()
 * to ls_settle(). Holds nothing that must be freed. */
struct ls_ticket {
	bool open; /* admitted and not settled yet */
	bool familiar;
	bool repeat;  /* of a wrong password that was charged for before */
	bool aliased; /* `user` is another name of the account */
	bool master;  /* it logs in to another account, the attempt's `target` */
	bool unsure;  /* see ls_ticket_unsure() */
	bool nowhere; /* ip is not known */
	bool local; /* counts among the names of its local part */
	uint8_t marks; /* see ls_ticket_mark() */
	/* Of a familiar place: */
	bool at_home; /* the account has logged in from this address */
	bool estranged; /* from an address that the account never logged in from,
			 * and that is over its count: a stranger's */
	bool part;    /* of the place's limit holds */
	bool rushing; /* counted among those of its address in flight, */
	bool spraying; /* and of this password from there */
	uint8_t charges;
	uint8_t flying_failures; /* remembered among those in flight, for the */
	uint8_t flying_accounts; /* kinds whose bit 1 << kind is set */
	uint16_t due; /* meters that a failure fills: LS_DUE() */
	struct ls_charge {
		uint64_t charged_at;  /* the meter after the charge */
		uint64_t emission_ms; /* what was charged */
		uint8_t kind, word;
	} charge[LS_TICKET_CHARGES];
	uint64_t key[LS_KIND_COUNT];  /* of the attempt's subjects, by kind */
	uint32_t slot[LS_KIND_COUNT]; /* where they stood */
	uint32_t print; /* of the password at this place; 0: none */
	struct ls_addr ip;
	bool secured;
	enum ls_verdict wanted; /* what the rules said, and why, when a rule */
	enum ls_reason reason;  /* only observes */
	enum ls_kind kind;
	char user[LS_USER_MAX + 1];
	char final[LS_USER_MAX + 1]; /* "": the same */
	char service[LS_SERVICE_MAX + 1];
	char mech[LS_MECH_MAX + 1];
	char failed[LS_PASSDB_MAX + 1]; /* see ls_ticket_failed(); "": none */
};

/* Ask before the password is verified, and charge. LS_ADMIT opens the ticket;
 * with LS_DENY the refusal is journalled, or counted (told.h), and the ticket stays closed; LS_WAIT
 * leaves no trace: attempts in flight have taken the room, and it is worth to
 * ask again when one of them has settled. Never fails: when the map cannot
 * answer, the attempt is admitted and counted. */
void ls_admit(struct ls_state *state, const struct ls_attempt *attempt,
	      uint64_t now_ms, struct ls_decision *decision_r,
	      struct ls_ticket *ticket_r);

/* Before the ticket of a success is settled: what the account is called in the
 * end, where the name that was typed is an alias of it. */
void ls_ticket_final(struct ls_ticket *ticket, const char *user);

/* Before the ticket of a failure is settled: the password may have been right all
 * the same. The failure counts, but nothing that is made of the password is kept. */
void ls_ticket_unsure(struct ls_ticket *ticket);

/* Before a ticket is settled: what is known of the session that will follow.
 *   mark  LS_MARK_PROXIED or LS_MARK_FOREIGN (records.h) */
void ls_ticket_mark(struct ls_ticket *ticket, unsigned mark);

/* The subjects in which an admitted attempt holds room that it may give back when it
 * is settled: an attempt that waits for one of them by ls_decision.key is worth to be
 * asked about again after that. Returns their number. */
unsigned ls_ticket_holds(const struct ls_ticket *ticket,
			 uint64_t key_r[LS_KIND_COUNT]);

/* Before the ticket is settled: that passdb failed, whatever another one said. The
 * journal tells; of several the first. */
void ls_ticket_failed(struct ls_ticket *ticket, const char *passdb);

/* Tell how an admitted attempt ended: refunds or locks, and journals. A ticket
 * that is not open is left alone. */
void ls_settle(struct ls_state *state, struct ls_ticket *ticket,
	       enum ls_outcome outcome, uint64_t now_ms);

/* A ticket was settled as wrong because the client never ended the exchange, and now
 * it has, and was right: a success, for which nothing is given back and no lock ends.
 * Once for each ticket. */
void ls_settle_late(struct ls_state *state, struct ls_ticket *ticket,
		    uint64_t now_ms);

/* Note, for ls_status(), that a passdb failed.
 *   passdb  as people know it: "passwd-file /etc/dovecot/users" */
void ls_passdb_failed(struct ls_state *state, const char *passdb,
		      uint64_t now_ms);
/* And that it answers again. Returns whether some passdb fails: while none does, the
 * answers that follow need not be told. */
bool ls_passdb_answered(struct ls_state *state, const char *passdb,
			uint64_t now_ms);

/* Note that an attempt was asked about only after a password was verified:
 * Lockstep does not stand first, and guards nothing. */
void ls_misplaced(struct ls_state *state, uint64_t now_ms);

/* Decide a connection before its user is known: LS_DENY for a denied network,
 * and for a locked address that carries no familiar stamp. Charges nothing; of
 * refusals of one address or network the journal has some, and counts (told.h). */
void ls_connect(struct ls_state *state, const char *service,
		const struct ls_addr *ip, uint64_t now_ms,
		struct ls_decision *decision_r);

/* ---- names (account.c, fold.c) ---------------------------------------------- */

/* What Dovecot makes of the names that are typed, as its auth process tells when it
 * starts, and whether its settings let one account have many names. */
enum {
	LS_NAMES_TOLD = 1,     /* else it is not known, and taken for the default */
	LS_NAMES_AS_TYPED = 2, /* it does not make them lower case */
	LS_NAMES_LOCAL = 4,    /* it drops the domain */
	LS_NAMES_PASSDB = 8,   /* it does not, but a passdb does; */
	LS_NAMES_USERDB = 16,  /* or a userdb */
};
void ls_names_tell(struct ls_state *state, unsigned how);

/* Copy a name (NULL: none) as accounts are known by it: one longer than LS_USER_MAX is
 * its beginning and a hash of the whole, so that two of one beginning are two. */
void ls_user_copy(char user_r[LS_USER_MAX + 1], const char *user);

enum { LS_TYPED_MAX = 2560 };

/* The account that Dovecot would make of a name that it did not see: one of Postfix's
 * alone (XCLIENT LOGIN), or of an administrator. In lower case (ASCII's letters: as
 * Dovecot's %L), unless Dovecot leaves them as typed; one that is longer than
 * LS_USER_MAX as ls_user_copy() has it. A name that is an account's already as it is
 * written stays so: a passdb gave it. One longer than LS_TYPED_MAX is not folded.
 *   whole  drop the domain too, where Dovecot does */
void ls_name_fold(const struct ls_state *state, const char *typed, bool whole,
		  char user_r[LS_USER_MAX + 1]);

/* ---- locks ----------------------------------------------------------- */

struct ls_lock {
	struct ls_subject subject;
	bool named; /* false: the readable form was evicted; kind and key stand */
	bool freeze; /* holds for familiar places too */
	uint64_t key; /* 0 of a GUESS, which has no readable form */
	enum ls_reason reason;
	enum ls_origin origin;
	unsigned strikes;
	uint64_t since_ms, until_ms; /* as now_ms */
	uint32_t untold; /* IP, NET: refusals that the journal has no record of, since
			  * the last that it has (told.h) */
};

/* Lock a subject (IP, NET, USER or PLACE) for length_ms, by an administrator.
 * A lock that already ends later stays. `by` goes to the journal.
 * Returns 0, LS_EARG, LS_EACCES or LS_EFULL. */
int ls_lock(struct ls_state *state, const struct ls_subject *subject,
	    uint64_t length_ms, const char *by, uint64_t now_ms);

/* End a subject's lock and forget its meters and strikes, an account's of what it
 * sent too; familiar places stay so, and an account stays on probation and frozen.
 * Returns 1, 0 when there was nothing of all that, LS_EARG, LS_EACCES. */
int ls_unlock(struct ls_state *state, const struct ls_subject *subject,
	      const char *by, uint64_t now_ms);

/* Refuse an account everywhere, familiar places too. A freeze that already ends
 * later stays. `by` goes to the journal. One by an administrator (LS_ORIGIN_ADMIN)
 * makes the account suspicious since a week before, if it was not for longer.
 * Returns 0, LS_EACCES or LS_EFULL. */
int ls_freeze(struct ls_state *state, const char *user, uint64_t length_ms,
	      enum ls_reason reason, enum ls_origin origin, const char *by,
	      uint64_t now_ms);

/* Is the account frozen? Fills *decision_r as ls_admit() would, with what the
 * policy lets be revealed to `ip` (may be NULL). */
bool ls_frozen(struct ls_state *state, const char *user,
	       const struct ls_addr *ip, uint64_t now_ms,
	       struct ls_decision *decision_r);

/* What ls_release() did. */
struct ls_release {
	bool frozen, probation, suspicious; /* it was */
	enum ls_reason reason; /* of the freeze */
	uint64_t since_ms; /* suspicious since, as now_ms */
	unsigned forgotten; /* places */
	bool sent; /* its meters of what it sent were not empty */
};

/* Give an account back to its owner, once the password is changed: ends its freeze
 * and probation, empties the meters of what it sent, and forgets the places that
 * were first seen since it became suspicious, unless `keep_places`: `forgot` (may be
 * NULL) gets the network of each. Returns 0 or LS_EACCES. Looks at every slot. */
typedef void ls_forgot_fn(void *context, const struct ls_prefix *net);
int ls_release(struct ls_state *state, const char *user, bool keep_places,
	       const char *by, uint64_t now_ms, ls_forgot_fn *forgot,
	       void *context, struct ls_release *release_r);

/* Visit the active locks. Start with *cursor = 0; returns 1 with the next one,
 * 0 at the end. Blocks nobody; a lock placed meanwhile may be missed. */
int ls_lock_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		 struct ls_lock *lock_r);

/* The subjects that an address, prefix or account names under this policy:
 * "192.0.2.1" is an IP, "192.0.2.0/24" a NET, "joe@example.com" a USER.
 * Returns 0, or negative with the reason (a prefix of a length that nothing is
 * metered by, a name too long). */
int ls_subject_parse(const struct ls_state *state, const char *text,
		     struct ls_subject *subject_r, struct ls_error *error_r);

/* The place that an account has where that is: an address stands for its network. */
struct ls_subject ls_subject_place(const struct ls_state *state,
				   const char *user,
				   const struct ls_prefix *where);

/* When another process began, as now_ms, or a little earlier; 0: that cannot be
 * told. */
uint64_t ls_process_began_ms(int pid);

/* ---- what was before (learn.c) --------------------------------------- */

/* Logins of an account from an address that succeeded before Lockstep stood
 * at the door. */
struct ls_past {
	const char *user; /* 1 to LS_USER_MAX bytes, normalized */
	struct ls_addr ip;
	uint64_t first_real_ms, last_real_ms;
};

enum ls_learnt {
	LS_LEARNT = 0,          /* the place was not familiar, and is now */
	LS_LEARNT_KNOWN = 1,    /* it was familiar; perhaps for longer now */
	LS_LEARNT_OLD = 2,      /* no longer familiar after so long */
	LS_LEARNT_DOUBTFUL = 3, /* the account is on probation: left alone */
};

/* Make their place familiar as if the last of them had just been settled at its
 * time. With `dry` only tell what would be; that needs no more than to look, and
 * without a guard leaves out what only a guard knows.
 * Returns a LS_LEARNT*, or LS_EARG (a name too long, a time to come),
 * LS_EACCES, LS_EFULL. */
int ls_learn(struct ls_state *state, const struct ls_past *past,
	     uint64_t now_ms, uint64_t real_ms, bool dry);

/* ---- what lockstepd and the command line need besides ---------------- */

/* What lockstepd knows and no journal tells. */
struct ls_daemon_news {
	uint64_t lost;    /* records that were gone before it read them */
	uint64_t dropped; /* webhooks' messages that it gave up */
	uint64_t waiting; /* messages not delivered by now */
	uint64_t stuck;   /* of these, the undeliverable so far */
};

/* Where the table has no room: since creation, so many */
struct ls_crowding {
	uint64_t locks;    /* of rules that ended early, for others to have a slot */
	uint64_t slotless; /* logins and messages that found no slot */
	uint64_t refused;  /* of these, as those without a slot had had their share */
	uint64_t last_ms;  /* the last time, as now_ms; 0: never */
};
void ls_crowding(const struct ls_state *state, struct ls_crowding *crowding_r);

/* A passdb that fails, at least now and then. It does no more after LS_FAILING_MS
 * without a failure, or when it answers LS_MENDED_MS after the last one: of a file
 * that is missing Dovecot makes an error only once in a second. */
enum { LS_FAILING = 3, LS_FAILING_MS = 600000, LS_MENDED_MS = 10000 };
struct ls_failing {
	char passdb[LS_PASSDB_MAX + 1]; /* "": none */
	bool fails;                     /* or did */
	uint64_t since_ms, last_ms, times;
};

struct ls_status {
	uint64_t subjects;        /* room in the table */
	uint64_t used;            /* slots in use */
	uint64_t locks, familiar; /* active locks and freezes; familiar places */
	uint64_t evicted, full;   /* since creation */
	struct ls_crowding crowding;
	uint64_t created_ms;      /* as now_ms */
	uint64_t auth_seen_ms;    /* last attempt decided; 0: never */
	uint64_t smtp_seen_ms;    /* the last of them through Postfix */
	uint64_t connect_seen_ms; /* last connection decided; 0: never */
	uint64_t message_seen_ms; /* last message decided; 0: never */
	uint64_t misplaced_seen_ms; /* last ls_misplaced(); 0: never */
	uint64_t unverified, unverified_seen_ms; /* logins that nobody verified;
						  * the last one; 0: never */
	struct ls_failing failing[LS_FAILING];
	uint64_t daemon_seen_ms;  /* last sign of lockstepd; 0: never */
	uint64_t dropped_ms;      /* when it last gave messages up; 0: never */
	struct ls_daemon_news daemon; /* since creation, and by then */
	/* An address that more than half of the familiar places of the last seven
	 * days are at; shared 0: there is none. */
	struct ls_prefix shared_at;
	uint64_t shared, recent; /* places: at that address, and all */
	uint64_t admitted, denied, policy_compiled_real_ms;
	uint64_t untold; /* attempts that the journal only has a count of (told.h) */
	bool observe;
	unsigned names; /* LS_NAMES_* */
	bool retired; /* the map was replaced */
};
void ls_status(struct ls_state *state, uint64_t now_ms,
	       struct ls_status *status_r);

/* Check what must always hold of the open maps, while others use them: one slot
 * a subject, words within bounds, slots in their buckets, labels that fit,
 * journal records whole. Calls `finding` with a line for each thing that is
 * off. Returns their number. */
typedef void ls_finding_fn(void *context, const char *finding);
uint64_t ls_verify(struct ls_state *state, uint64_t now_ms,
		   ls_finding_fn *finding, void *context);

/* lockstepd's sign of life, `news` since the last one; when that was, 0: never. */
void ls_daemon_seen(struct ls_state *state, uint64_t now_ms,
		    const struct ls_daemon_news *news);
uint64_t ls_daemon_seen_ms(const struct ls_state *state);
/* Does the policy in force refuse nobody? */
bool ls_is_observing(const struct ls_state *state);
/* Was the guard truncated while in use? Then what is lost of it reads as 0. */
bool ls_is_truncated(const struct ls_state *state);

/* Write locks and familiar places to snapshot.cdb beside the policy, by a
 * temporary file, fsync and rename. Returns 0 or negative with the reason. */
int ls_snapshot_save(struct ls_state *state, uint64_t now_ms, uint64_t real_ms,
		     struct ls_error *error_r);

/* Tell running processes that a new policy.cdb is in place. */
void ls_policy_announce(struct ls_state *state);

/* Where events are posted. The secret stays in its file, as does a URL that is
 * one: the policy is readable to all. */
struct ls_webhook {
	char name[64];
	char url[1024];        /* "": it is in url_file */
	char url_file[256];    /* "": it is in url */
	char secret_file[256]; /* holds whsec_..., or a token; "": none */
	uint32_t format;       /* LS_FORMAT_*; of a newer compiler, any number */
	uint32_t events;       /* bit 1 << LS_EVENT_* for each wanted */
	uint64_t digest_ms;    /* gather for so long; 0: post each at once */
};

/* Returns 1 with webhook `index` of the policy, 0 when there are fewer. */
int ls_webhook_get(struct ls_state *state, unsigned index,
		   struct ls_webhook *webhook_r);

#include "messages.h"
#include "note.h"
#include "records.h"
#include "sessions.h"

#endif
