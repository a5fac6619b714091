/* table.h - find, claim and evict slots, without locks
 *
 * A set-associative table: a key belongs to one bucket and may stand in any of
 * its seven slots. The eight words of a bucket fill one cache line:
 *
 *   +--------+--------+--------+-- ... --+--------+
 *   | intent | tag 0  | tag 1  |         | tag 6  |   64 bytes
 *   +--------+--------+--------+-- ... --+--------+
 *
 *    63                       20 19  16 15           0
 *   +---------------------------+------+--------------+
 *   | low 44 bits of the key    | kind |   sequence   |   tag; kind 0: empty
 *   +---------------------------+------+--------------+
 *
 *    63                       20 19  16 15  13 12 11 10  9      0
 *   +---------------------------+------+------+-----+---+---------+
 *   | low 44 bits of the key    | kind | slot |  w  | p |sequence |   intent;
 *   +---------------------------+------+------+-----+---+---------+   kind 0: none
 *
 *    w: what the victim was chosen as: 0 at most a stranger, 1 a lock of a rule, 2 a
 *    familiar place; p: parity of its tag's sequence
 *
 * Slots and, in a second table of the same make, the labels that tell a locked
 * subject's name stand in arrays of their own, so that a search reads one line.
 *
 * CLAIMING. Two processes that claim one subject at once must end with one
 * slot, and each may be killed between any two instructions. So a claimer
 * first publishes what it is about to do:
 *
 *   1. read the intent; if there is one, help it to its end and start again
 *   2. search the tags; if the subject is there, done
 *   3. choose the cheapest slot as victim
 *   4. compare-and-swap the intent from what was read in 1 to (subject, victim,
 *      what it was chosen as, parity of its sequence number)
 *   5. end it: if the victim's tag still has that parity, compare-and-swap it
 *      to the subject, or, if the victim is worth more than it was chosen as, to
 *      itself, in both cases with the next sequence number; then the intent to
 *      none, with its next number
 *
 * Step 4 succeeds only if no claim in this bucket has ended since step 1, for
 * each changes the intent's sequence number: so what step 2 did not find is
 * still not there. Step 5 may be done by anyone, any number of times: the one
 * compare-and-swap that decides changes the parity, so that every other sees
 * that it was decided, whichever way. A claimer killed after 4 leaves an intent
 * that the next claimer ends. Tags change in step 5 only.
 *
 * PROTECTING. Whoever makes a slot worth keeping (a lock, a familiar place)
 * writes its word, then looks at the intent; a claimer publishes its intent,
 * then looks at the words. Both in sequentially consistent order, so at least
 * one sees the other: the writer ends the intent (step 5, which now spares the
 * slot) or finds that its slot is gone and writes again in a new one; the
 * claimer spares the slot. So no freeze, administrator's lock or trust is ever
 * evicted; no familiar place while anything cheaper stands in its bucket; and a
 * lock of a rule only when it was chosen as one, which is counted.
 *
 * WHO GOES. What is nobody's or idle, then what is of little worth, then what is
 * charged; each time the one whose last time passes first. A flood could fill the
 * table with any of it, so no kind of subject may crowd out the others: of what is
 * charged, and of locks, the kind goes that has most of the bucket. But what guards an
 * account goes last, and a few of them only for one more: nothing else stands between
 * many addresses and its password; and among accounts those that nobody guesses at
 * just now go first.
 *
 * Locks that rules set on strangers stay until they end, but no more of them in a
 * bucket than half of what familiar places and orders leave: beyond that the one that
 * ends first, of the kind that has most, goes even before what is charged. Else whoever
 * can bring locks about could leave no slot for the meters of others. By force, which
 * is for familiar places and orders, any lock of a rule may go.
 *
 * WHAT RACES CAN DO. A charge made while its slot is evicted is found out by
 * its maker (the tag is read again after the charge) and made again; one made
 * just before is lost with the slot, which was the cheapest of seven, and the
 * eviction is counted. One is lost unseen when its slot is evicted, won back by
 * the same subject and overwritten, all between the charge and that look. No
 * charge reaches another subject (word.h). A lock written into a slot that was
 * just lost is written again in the new one; should the subject ever come back
 * to the old slot, the left-over lock holds until it ends. But a writer that
 * lost its slot after its last look at the tag, to the very subject whose
 * left-over it is about to write over, does so: what that subject took for its
 * own, be it a lock, is then lost unseen. Two lost races in one slot make it,
 * the second of them within two instructions. A process stopped in
 * step 5 while exactly k * 1024 other claims end in its bucket can take an
 * intent for the one it knew; it then still needs the victim's tag unchanged,
 * or the same number of 65,536 changes.
 *
 * tests/model/claim.pml is this protocol in Promela, checked for every
 * interleaving of three processes with a crash allowed anywhere. */
#ifndef LS_TABLE_H
#define LS_TABLE_H

#include "lockstep.h"
#include "map/slot.h"

#include <stdatomic.h>

enum { LS_WAYS = 7 };

/* Accounts with charged meters that a bucket keeps whatever else wants a slot. */
enum { LS_ACCOUNTS_IN_BUCKET = 3 };

struct ls_bucket {
	_Atomic uint64_t intent;
	_Atomic uint64_t tag[LS_WAYS];
};
_Static_assert(sizeof(struct ls_bucket) == 64, "one cache line");

/* What a slot is worth: the cheapest goes first. Within one worth, the one
 * whose last time passes first. */
enum ls_worth {
	LS_WORTH_EMPTY,    /* nobody's */
	LS_WORTH_IDLE,     /* every time in it has passed */
	LS_WORTH_LITTLE,   /* pairs, accepted messages, and refused ones where
			    * nothing limits their number: lost, they are
			    * counted again; fading strikes; a name that no
			    * passdb knows */
	LS_WORTH_STRANGER, /* charged meters, what an account is to be counted
			    * for once */
	LS_WORTH_LOCK,	   /* an active lock of a rule, on strangers */
	LS_WORTH_FAMILIAR, /* a familiar place, an alias, a doubt, what an
			    * account sends */
	LS_WORTH_KEPT,	   /* never goes: a freeze, an administrator's lock or
			    * trust, a lock on one of the former, a seat that
			    * somebody sits on */
	LS_WORTH_COUNT
};

/* What the table must know of the records it keeps. */
struct ls_worth_of {
	enum ls_worth worth;
	bool recent;    /* guessed at, or guessing, as its fast limit counts: of one
			 * worth the others go before it */
	uint64_t until; /* when it will be worth less */
};
typedef struct ls_worth_of ls_worth_fn(const struct ls_slot *record,
				       enum ls_kind kind, uint32_t stamp,
				       uint64_t now);

/* Counters in the map's header. */
struct ls_table_counters {
	_Atomic uint64_t claimed;
	_Atomic uint64_t evicted[LS_WORTH_KEPT]; /* by worth */
	_Atomic uint64_t full; /* claims that found nothing cheap enough */
};

/* A table in a map: private memory, checked once, never read from the map
 * again. */
struct ls_table {
	struct ls_bucket *bucket;
	uint8_t *record; /* LS_WAYS * buckets of them */
	uint64_t buckets; /* 1 .. 2^32 - 1 */
	size_t record_size; /* a struct ls_slot first, or its beginning */
	ls_worth_fn *worth;
	struct ls_table_counters *counters;
	_Atomic uint64_t *crowd;      /* a word for each bucket: crowd.h; or NULL */
	_Atomic uint64_t *crowded_at; /* when something that counts last had to go,
				       * or found no room; or NULL */
};

/* The bucket that a key belongs to. */
static inline uint64_t ls_table_bucket(const struct ls_table *table,
				       uint64_t key)
{
	return ((key >> 32) * table->buckets) >> 32;
}

/* Have the processor fetch what a search for this key reads, or a found slot,
 * while other work is done: in a big table each is a cache miss. */
static inline void ls_table_prefetch(const struct ls_table *table,
				     uint64_t key)
{
	__builtin_prefetch(&table->bucket[ls_table_bucket(table, key)]);
}

static inline void ls_ref_prefetch(const struct ls_ref *ref)
{
	__builtin_prefetch(&ref->slot->word[0], 1);
	__builtin_prefetch(&ref->slot->word[LS_SLOT_WORDS - 1], 1);
}

/* Find a subject. Returns 0 and fills ref_r, or LS_ENOENT. */
int ls_table_find(const struct ls_table *table, uint64_t key,
		  enum ls_kind kind, struct ls_ref *ref_r);

/* Find a subject that stood at `index` (ls_ref.index) when it was found last:
 * one look if it still does. Returns as ls_table_find. */
int ls_table_find_at(const struct ls_table *table, uint64_t key,
		     enum ls_kind kind, uint32_t index, struct ls_ref *ref_r);

/* Find it, or claim a slot for it.
 *   force   may evict a rule's lock, or else a familiar place: for subjects worth as
 *           much
 * Returns 0, or LS_EFULL when nothing cheap enough stands in its bucket (or,
 * against a hostile writer, when the bucket never comes to rest). */
int ls_table_claim(const struct ls_table *table, uint64_t key,
		   enum ls_kind kind, uint64_t now, bool force,
		   struct ls_ref *ref_r);

/* Would a claim that is not forced find a slot now? Reads only. */
bool ls_table_has_room(const struct ls_table *table, uint64_t key,
		       enum ls_kind kind, uint64_t now);

/* After a write that protects ref's slot: end an intent that aims at it.
 * Returns false when the slot is gone: claim anew, write again. */
bool ls_table_protect(const struct ls_table *table, const struct ls_ref *ref,
		      uint64_t now);

/* Visit the slots in use from *cursor (0 at first) on. Returns 1 with one, and
 * its kind; 0 at the end. */
int ls_table_next(const struct ls_table *table, uint64_t *cursor,
		  enum ls_kind *kind_r, struct ls_ref *ref_r);

/* What a slot of the guard or the sessions map is worth. */
ls_worth_fn ls_slot_worth;

#endif
