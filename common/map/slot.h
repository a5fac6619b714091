/* slot.h - what the table keeps about one subject
 *
 * Thirteen words, 104 bytes; a word means the same for every kind of this table:
 *
 *   word   IP          NET         USER        PLACE       GUESS     ALIAS PAIR
 *      0   lock        lock        lock        lock        lock      -     -
 *      1   since       since       since       since       since     -     -
 *      2   familiar    familiar    probation   familiar    -         until fast
 *      3   failures    failures    failures    failures    -         -     slow
 *      4   f. slow     f. slow     f. slow     f. slow     -         -     charged
 *      5   accounts    accounts    places      resets      accounts  -     charged
 *      6   a. slow     a. slow     aliases     repeats     -         -     pardons
 *      7   logins      -           logins      first seen  -         -     pardons
 *      8   trusted     trusted     freeze      prints      -         of    -
 *      9   over        over        fr. since   prints      -         of    -
 *     10   alarmed     alarmed     suspicious  where       -         -     -
 *     11   key         key         key         key         key       key   key
 *     12   told        told        unknown     where       -         -     -
 *
 * A SPRAY, a wrong password from an address, has word 2, until when it is
 * remembered, and word 8: a part of the key of the account that it failed at, 0 when
 * it failed at several.
 *
 * What an account or an address sends has other words:
 *
 *   word    2        3         4           5        6          7
 *   SENDING alarmed  messages  recipients  senders  attempted  attempted rcpts
 *   RELAY   -        messages  recipients  -        -          -
 *   ONCE    until    messages  recipients  -        -          -
 *
 *   word    8               9   10  11   12
 *   SENDING new recipients  of  of  key  told
 *   RELAY   -               -   -   key  told
 *   ONCE    few             -   -   key  -
 *
 * alarmed    until when no other alarm is told of its new recipients
 * messages, recipients   of ONCE, in one slot of each account: meters of messages that
 *            were accepted and came again (tried.h)
 * attempted  meters of what was tried, accepted or not
 * of         of SENDING: the two halves of the account's key
 * told       of IP and NET: what of its refusals the journal was told (told.h);
 *            of SENDING and RELAY a meter of refusals in the journal
 *
 * since      when the lock of word 0 began
 * familiar   until when the place is familiar, the address stamped
 * trusted    until when an administrator exempts it
 * probation  until when no new place of the account becomes familiar
 * suspicious since when the account's successes are in doubt
 * resets     a meter of how often a success emptied the fast one
 * aliases    a meter of new names of the account
 * unknown    until when no passdb knows the name: as long as its meters are charged
 * prints     fingerprints of wrong passwords, two in each word, and a part of an
 *            address: home.h
 * where      an address of the place and a part of its account's key: where.h
 * over       until when the distinct accounts that failed are too many
 * alarmed    until when that is not told again
 * of         the two halves of the key of the account that an alias means
 * fast, slow until when a pair is counted by that meter; charged: what the meter was
 *            then, for the refund; pardons: meters of how often it was taken out again
 *
 * In the sessions map accounts and addresses have word 7 alone, and a SEAT has
 * word 8: who sits on it (live.h), 0: nobody.
 * key        the upper half of the subject's key, to find its bucket from the
 *            slot; the tag has the lower half
 *
 * The lock word's value:
 *
 *    39                  10 9     6 5      2 1    0
 *   +----------------------+-------+--------+------+
 *   |  until, s            |strikes| reason |origin|
 *   +----------------------+-------+--------+------+
 *
 * until is in seconds of the map's clock, rounded up. A lock that has ended
 * leaves its word: it says how many strikes there were, and since when they
 * fade. */
#ifndef LS_SLOT_H
#define LS_SLOT_H

#include "base/meter.h"
#include "lockstep.h"
#include "map/word.h"

enum ls_slot_word {
	LS_WORD_LOCK = 0,
	LS_WORD_SINCE = 1,
	LS_WORD_FAMILIAR = 2,
	LS_WORD_PROBATION = 2,
	LS_WORD_UNTIL = 2,
	LS_WORD_FAILURES = 3,
	LS_WORD_FAILURES_SLOW = 4,
	LS_WORD_ACCOUNTS = 5,
	LS_WORD_ACCOUNTS_SLOW = 6,
	LS_WORD_PLACES = 5,
	LS_WORD_RESETS = 5,
	LS_WORD_ALIASES = 6,
	LS_WORD_REPEATS = 6,
	LS_WORD_FIRST_SEEN = 7,
	LS_WORD_LOGINS = 7,
	LS_WORD_TRUSTED = 8,
	LS_WORD_OVER = 9,
	LS_WORD_OVER_ALARMED = 10,
	LS_WORD_CHARGED = 4, /* of PAIR, and the next */
	LS_WORD_PARDONS = 6, /* the same */
	LS_WORD_FREEZE = 8,
	LS_WORD_FREEZE_SINCE = 9,
	LS_WORD_PRINTS = 8,
	LS_WORD_OF = 8,
	LS_WORD_SITTER = 8,
	LS_WORD_SUSPICIOUS = 10,
	LS_WORD_WHERE = 10,
	LS_WORD_ALARMED = 2, /* of SENDING, as the next */
	LS_WORD_MESSAGES = 3,
	LS_WORD_RECIPIENTS = 4,
	LS_WORD_SENDERS = 5,
	LS_WORD_TRIED_MESSAGES = 6,
	LS_WORD_TRIED_RECIPIENTS = 7,
	LS_WORD_NEW_RECIPIENTS = 8,
	LS_WORD_FEW = 8,
	LS_WORD_SENDER = 9, /* and the next: whose it is */
	LS_WORD_TOLD = 12,
	LS_WORD_UNKNOWN = 12, /* of USER */
	LS_WORD_KEY = 11,
	LS_WORD_WHERE_TOO = 12,
	LS_SLOT_WORDS = 13,
	LS_WORD_CROWD = 13 /* no word of a slot: the bucket's (crowd.h) */
};

/* Words that hold a time after which they mean nothing: a slot in which all of
 * them have passed is idle. */
enum { LS_WORD_TIMES_FIRST = 2, LS_WORD_TIMES_LAST = 7 };

/* Words from the first on that a decision looks at. */
enum { LS_VIEW_WORDS = 9 };

/* No time in a slot lies further ahead than the longest period, twice: once in
 * a meter's capacity, once in the lock that waits for it. */
#define LS_AHEAD_MAX_MS (UINT64_C(2) * 366 * 24 * 3600 * 1000)

/* How long a slot with strikes is worth more than one without. */
#define LS_STRIKE_KEEP_MS (UINT64_C(7) * 24 * 3600 * 1000)

/* How long an account's slot is worth more for what it says of a doubt: until
 * then a release may still want to know since when. */
#define LS_DOUBT_KEEP_MS (UINT64_C(30) * 24 * 3600 * 1000)

struct ls_slot {
	struct ls_word word[LS_SLOT_WORDS];
};
_Static_assert(sizeof(struct ls_slot) == 104, "part of the map format");

/* A subject's slot, as found. Good until the tag changes: the functions below
 * look before they write over what another subject may have left. */
struct ls_ref {
	struct ls_slot *slot;
	const _Atomic uint64_t *tag;
	uint64_t owner; /* the tag without its sequence number */
	uint32_t stamp;
	uint32_t index; /* of the slot in the table */
};

enum ls_taken { LS_TAKEN, LS_NO_ROOM, LS_GONE /* the slot was evicted */ };

static inline bool ls_ref_stands(const struct ls_ref *ref)
{
	return atomic_load(ref->tag) >> 16 == ref->owner;
}

/* The subject's whole key, put together from the tag and word 11: what finds
 * its label. Its upper half is 0 when the claimer was killed too early. */
uint64_t ls_ref_key(const struct ls_ref *ref);

/* The value of one word, 0 where the subject never wrote. */
static inline uint64_t ls_slot_get(const struct ls_ref *ref, unsigned word)
{
	return ls_word_value(atomic_load(&ref->slot->word[word].bits),
			     ref->stamp);
}

/* Set one word, whatever is there. Returns false when the slot was evicted. */
bool ls_slot_set(const struct ls_ref *ref, unsigned word, uint64_t value);
/* Raise one word to at least value. Returns as ls_slot_set. */
bool ls_slot_raise(const struct ls_ref *ref, unsigned word, uint64_t value);

/* Take one unit if there is room; `force`: room or not. *charged_at_r is the
 * meter after it, for the refund. Exact for any number of processes: the check
 * and the charge are one compare-and-swap. */
enum ls_taken ls_slot_charge(const struct ls_ref *ref, unsigned word,
			     uint64_t now, const struct ls_rate *rate,
			     bool force, uint64_t *charged_at_r);
/* Give one unit back. A slot evicted meanwhile needs none. */
void ls_slot_refund(const struct ls_ref *ref, unsigned word, uint64_t now,
		    uint64_t charged_at, uint64_t emission_ms);

/* Set one word to `value`, if it is `old` to this subject. Returns LS_TAKEN,
 * LS_NO_ROOM when it is another, LS_GONE. */
enum ls_taken ls_slot_swap(const struct ls_ref *ref, unsigned word,
			   uint64_t old, uint64_t value);

/* Fingerprints of wrong passwords, the newest few of a place. A fingerprint has
 * LS_PRINT_BITS that are not all zero, and one bit more that chooses its word. */
enum { LS_PRINT_BITS = 16, LS_PRINTS_A_WORD = 2 };
enum { LS_PRINTS_BITS = LS_PRINTS_A_WORD * LS_PRINT_BITS }; /* of a word */
bool ls_slot_has_print(const struct ls_ref *ref, uint32_t print);
void ls_slot_add_print(const struct ls_ref *ref, uint32_t print);
void ls_slot_drop_print(const struct ls_ref *ref, uint32_t print);

/* A lock word, unpacked. */
struct ls_lock_word {
	uint64_t until; /* ms of the map's clock */
	unsigned strikes;
	enum ls_reason reason;
	enum ls_origin origin;
};
enum { LS_STRIKES_MAX = 15 };

static inline struct ls_lock_word ls_lock_unpack(uint64_t value)
{
	return (struct ls_lock_word){
		.until = (value >> 10) * 1000,
		.strikes = value >> 6 & 15,
		.reason = value >> 2 & 15,
		.origin = value & 3,
	};
}

uint64_t ls_lock_pack(const struct ls_lock_word *lock);

static inline bool ls_lock_active(const struct ls_lock_word *lock, uint64_t now)
{
	return lock->until > now;
}

/* How a lock is to fall. */
struct ls_lock_order {
	enum ls_slot_word word; /* LS_WORD_LOCK or LS_WORD_FREEZE; the word
				 * behind it says since when */
	struct ls_range length; /* of the first and the longest */
	uint64_t strike_fades_ms;
	uint64_t not_before; /* ends no earlier, whatever the length */
	enum ls_reason reason;
	enum ls_origin origin;
	const char *more; /* for the journal, or NULL */
};

/* Lock a subject that is not locked: one of any number of processes that try at
 * once succeeds, and the strike is counted once. *lock_r is the lock in force.
 * Returns LS_TAKEN, LS_NO_ROOM when it was locked already (an administrator's
 * order then still extends it), or LS_GONE. */
enum ls_taken ls_slot_lock(const struct ls_ref *ref, uint64_t now,
			   const struct ls_lock_order *order,
			   struct ls_lock_word *lock_r);

#endif
