/* table.c - see table.h */
#include "lockstep-config.h"

#include "map/table.h"

enum {
	SEQ_BITS = 16,                 /* of a tag, and what follows an
					* intent's key and kind */
	INTENT_SEQ_BITS = 10,
	INTENT_PARITY_BIT = 10,
	INTENT_WORTH_BIT = 11,
	INTENT_SLOT_BIT = 13,
	CLAIM_TRIES = 256,
};
#define KEY_LOW_BITS 44
#define SEQ_MASK ((UINT64_C(1) << SEQ_BITS) - 1)
#define INTENT_SEQ_MASK ((UINT64_C(1) << INTENT_SEQ_BITS) - 1)

/* The tag without its sequence number: who owns the slot. */
static uint64_t owner_of(uint64_t key, enum ls_kind kind)
{
	return (key & ((UINT64_C(1) << KEY_LOW_BITS) - 1)) << 4 | (kind & 15U);
}

/* 24 bits in which keys of one bucket differ: from the middle of the key, as
 * the bucket is chosen by its upper bits. */
static uint32_t stamp_of_owner(uint64_t owner)
{
	return (uint32_t)(owner >> 16) & 0xffffff;
}

static enum ls_kind kind_of_tag(uint64_t tag)
{
	return (enum ls_kind)(tag >> SEQ_BITS & 15);
}

static struct ls_slot *record_at(const struct ls_table *table, uint64_t index)
{
	return (struct ls_slot *)(void *)(table->record +
					  index * table->record_size);
}

static void make_ref(const struct ls_table *table, uint64_t b, unsigned way,
		     uint64_t owner, struct ls_ref *ref_r)
{
	uint64_t index = b * LS_WAYS + way;

	ref_r->slot = record_at(table, index);
	ref_r->tag = &table->bucket[b].tag[way];
	ref_r->owner = owner;
	ref_r->stamp = stamp_of_owner(owner);
	ref_r->index = (uint32_t)index;
}

static bool find_in_bucket(const struct ls_table *table, uint64_t b,
			   uint64_t owner, struct ls_ref *ref_r)
{
	for (unsigned way = 0; way < LS_WAYS; way++) {
		uint64_t tag = atomic_load_explicit(
			&table->bucket[b].tag[way], memory_order_acquire);

		if (tag >> SEQ_BITS == owner) {
			make_ref(table, b, way, owner, ref_r);
			return true;
		}
	}
	return false;
}

int ls_table_find(const struct ls_table *table, uint64_t key,
		  enum ls_kind kind, struct ls_ref *ref_r)
{
	return find_in_bucket(table, ls_table_bucket(table, key),
			      owner_of(key, kind), ref_r)
		       ? 0
		       : LS_ENOENT;
}

int ls_table_find_at(const struct ls_table *table, uint64_t key,
		     enum ls_kind kind, uint32_t index, struct ls_ref *ref_r)
{
	uint64_t b = ls_table_bucket(table, key);

	if (index / LS_WAYS == b) {
		make_ref(table, b, index % LS_WAYS, owner_of(key, kind), ref_r);
		if (ls_ref_stands(ref_r))
			return 0;
	}
	return ls_table_find(table, key, kind, ref_r);
}

static struct ls_worth_of worth_at(const struct ls_table *table, uint64_t b,
				   unsigned way, uint64_t tag, uint64_t now)
{
	if (kind_of_tag(tag) == LS_KIND_NONE)
		return (struct ls_worth_of){ .worth = LS_WORTH_EMPTY };
	return table->worth(record_at(table, b * LS_WAYS + way),
			    kind_of_tag(tag), stamp_of_owner(tag >> SEQ_BITS),
			    now);
}

/* ---- the victim -------------------------------------------------------- */

/* What step 3 saw of a slot. */
struct seen {
	struct ls_worth_of is;
	enum ls_kind kind;
	unsigned parity; /* of its tag */
};

/* What step 3 chose. */
struct victim {
	unsigned way;    /* LS_WAYS: all are worth too much */
	unsigned parity; /* of its tag */
	enum ls_worth worth;
};

/* How many slots of a bucket are worth so much, of one kind or (NONE) of all. */
static unsigned count_worth(const struct seen seen[LS_WAYS],
			    enum ls_worth worth, enum ls_kind kind)
{
	unsigned count = 0;

	for (unsigned way = 0; way < LS_WAYS; way++)
		count += seen[way].is.worth == worth &&
			 (kind == LS_KIND_NONE || seen[way].kind == kind);
	return count;
}

/* How crowded a kind is: what has most goes first, so that no kind of subject, however
 * cheap to make up, crowds out the others. What guards an account, or counts what it
 * sends, goes last, and a few for no other kind: nothing else stands between many
 * addresses and a password. */
static bool guards_account(enum ls_kind kind)
{
	return kind == LS_KIND_USER || kind == LS_KIND_ONCE;
}

static unsigned crowd_of_bucket(const struct seen seen[LS_WAYS],
				enum ls_worth worth, enum ls_kind kind,
				enum ls_kind claimer)
{
	unsigned count = count_worth(seen, worth, kind);

	if (!guards_account(kind))
		return count + 1;
	return claimer == kind && count >= LS_ACCOUNTS_IN_BUCKET
		       ? LS_WAYS + 2
		       : 1;
}

/* Does it go before the other? */
static bool goes_before(const struct ls_worth_of *worth,
			const struct ls_worth_of *other)
{
	return worth->recent != other->recent ? other->recent
					      : worth->until < other->until;
}

/* Of the slots that are worth so much, of the kind that is most crowded, the first to
 * go. */
static unsigned find_first(const struct seen seen[LS_WAYS],
			   enum ls_worth worth, enum ls_kind claimer)
{
	unsigned best = LS_WAYS, most = 0;

	for (unsigned way = 0; way < LS_WAYS; way++) {
		unsigned crowd;

		if (seen[way].is.worth != worth)
			continue;
		crowd = worth == LS_WORTH_STRANGER || worth == LS_WORTH_LOCK
				? crowd_of_bucket(seen, worth, seen[way].kind,
						  claimer)
				: 1;
		if (crowd > most ||
		    (crowd == most &&
		     goes_before(&seen[way].is, &seen[best].is))) {
			most = crowd;
			best = way;
		}
	}
	return best;
}

/* How many locks of rules a bucket keeps while others want a slot: half of what the
 * familiar places and the orders leave. */
static unsigned locks_kept(const struct seen seen[LS_WAYS])
{
	unsigned kept = count_worth(seen, LS_WORTH_FAMILIAR, LS_KIND_NONE) +
			count_worth(seen, LS_WORTH_KEPT, LS_KIND_NONE);

	return (LS_WAYS - kept) / 2;
}

/* What goes first: nobody's, idle, of little worth; locks that are too many; what is
 * charged; and by force any lock of a rule, and then a familiar place. */
static struct victim cheapest(const struct ls_table *table, uint64_t b,
			      enum ls_kind claimer, bool force, uint64_t now)
{
	static const enum ls_worth order[] = {
		LS_WORTH_EMPTY, LS_WORTH_IDLE,	   LS_WORTH_LITTLE,
		LS_WORTH_LOCK,	LS_WORTH_STRANGER, LS_WORTH_LOCK,
		LS_WORTH_FAMILIAR
	};
	enum { TOO_MANY = 3, BY_FORCE = 5, ALL = 7 };
	struct victim victim = { .way = LS_WAYS };
	struct seen seen[LS_WAYS];
	unsigned worths = 0;

	for (unsigned way = 0; way < LS_WAYS; way++) {
		uint64_t tag = atomic_load(&table->bucket[b].tag[way]);

		seen[way].is = worth_at(table, b, way, tag, now);
		seen[way].kind = kind_of_tag(tag);
		seen[way].parity = tag & 1;
		worths |= 1U << seen[way].is.worth;
		if (seen[way].is.worth == LS_WORTH_EMPTY)
			return (struct victim){ .way = way,
						.parity = tag & 1,
						.worth = LS_WORTH_EMPTY };
	}
	for (unsigned i = 0; i < (force ? ALL : BY_FORCE); i++) {
		if (!(worths >> order[i] & 1) ||
		    (i == TOO_MANY &&
		     count_worth(seen, LS_WORTH_LOCK, LS_KIND_NONE) <=
			     locks_kept(seen)))
			continue;
		victim.way = find_first(seen, order[i], claimer);
		victim.parity = seen[victim.way].parity;
		victim.worth = order[i];
		break;
	}
	return victim;
}

/* What may go when this was chosen: in an intent, two bits. */
static unsigned pack_worth(enum ls_worth chosen)
{
	return chosen <= LS_WORTH_STRANGER ? 0 : chosen - LS_WORTH_STRANGER;
}

static enum ls_worth most_evicted(uint64_t intent)
{
	return LS_WORTH_STRANGER + (intent >> INTENT_WORTH_BIT & 3);
}
_Static_assert(LS_WORTH_FAMILIAR - LS_WORTH_STRANGER < 3, "KEPT never goes");

/* ---- the protocol ------------------------------------------------------ */

static uint64_t intent_none_after(uint64_t intent)
{
	return (intent + 1) & INTENT_SEQ_MASK;
}

static void note_crowd(const struct ls_table *table, uint64_t now)
{
	if (table->crowded_at != NULL)
		atomic_store_explicit(table->crowded_at, now,
				      memory_order_relaxed);
}

static void count_claim(const struct ls_table *table, enum ls_worth victim,
			uint64_t now)
{
	atomic_fetch_add(&table->counters->claimed, 1);
	if (victim != LS_WORTH_EMPTY)
		atomic_fetch_add(&table->counters->evicted[victim], 1);
	if (victim >= LS_WORTH_LOCK)
		note_crowd(table, now);
}

/* Step 5, by the claimer or any helper. */
static void end_intent(const struct ls_table *table, uint64_t b,
		       uint64_t intent, uint64_t now)
{
	struct ls_bucket *bucket = &table->bucket[b];
	unsigned way = intent >> INTENT_SLOT_BIT & 7;
	uint64_t owner = intent >> SEQ_BITS;

	if (way < LS_WAYS) { /* else a hostile writer's: just clear it */
		uint64_t tag = atomic_load(&bucket->tag[way]);
		uint64_t seq = (tag + 1) & SEQ_MASK;
		struct ls_worth_of worth;

		/* Still this intent after the tag was read: so the tag is as
		 * this intent left it or found it, not a later one's. Its
		 * parity tells which. */
		if (atomic_load(&bucket->intent) != intent)
			return;
		if ((tag & 1) == (intent >> INTENT_PARITY_BIT & 1)) {
			worth = worth_at(table, b, way, tag, now);
			if (worth.worth > most_evicted(intent) ||
			    worth.worth >= LS_WORTH_KEPT) {
				atomic_compare_exchange_strong(
					&bucket->tag[way], &tag,
					(tag & ~SEQ_MASK) | seq);
			} else if (atomic_compare_exchange_strong(
					   &bucket->tag[way], &tag,
					   owner << SEQ_BITS | seq)) {
				count_claim(table, worth.worth, now);
			}
		}
	}
	atomic_compare_exchange_strong(&bucket->intent, &intent,
				       intent_none_after(intent));
}

/* The tag has only the lower half. Labels need no other: they hold what their
 * key is made of. */
static void keep_key(const struct ls_table *table, const struct ls_ref *ref,
		     uint64_t key)
{
	if (table->record_size == sizeof(struct ls_slot))
		ls_slot_set(ref, LS_WORD_KEY, key >> 32);
}

int ls_table_claim(const struct ls_table *table, uint64_t key,
		   enum ls_kind kind, uint64_t now, bool force,
		   struct ls_ref *ref_r)
{
	uint64_t b = ls_table_bucket(table, key), owner = owner_of(key, kind);
	struct ls_bucket *bucket = &table->bucket[b];

	if (find_in_bucket(table, b, owner, ref_r))
		return 0;
	for (unsigned tries = 0; tries < CLAIM_TRIES; tries++) {
		uint64_t intent = atomic_load(&bucket->intent), mine;
		struct victim victim;

		if (kind_of_tag(intent) != LS_KIND_NONE) {
			end_intent(table, b, intent, now);
			continue;
		}
		if (find_in_bucket(table, b, owner, ref_r)) {
			keep_key(table, ref_r, key);
			return 0;
		}
		victim = cheapest(table, b, kind, force, now);
		if (victim.way == LS_WAYS) {
			/* A claim that ended meanwhile may have been for this
			 * subject. */
			if (atomic_load(&bucket->intent) == intent)
				break;
			continue;
		}
		mine = owner << SEQ_BITS |
		       (uint64_t)victim.way << INTENT_SLOT_BIT |
		       (uint64_t)pack_worth(victim.worth) << INTENT_WORTH_BIT |
		       (uint64_t)victim.parity << INTENT_PARITY_BIT |
		       (intent & INTENT_SEQ_MASK);
		if (atomic_compare_exchange_strong(&bucket->intent, &intent,
						   mine))
			end_intent(table, b, mine, now);
	}
	atomic_fetch_add(&table->counters->full, 1);
	note_crowd(table, now);
	return LS_EFULL;
}

bool ls_table_has_room(const struct ls_table *table, uint64_t key,
		       enum ls_kind kind, uint64_t now)
{
	struct ls_ref ignored;

	return ls_table_find(table, key, kind, &ignored) == 0 ||
	       cheapest(table, ls_table_bucket(table, key), kind, false, now)
			       .way != LS_WAYS;
}

bool ls_table_protect(const struct ls_table *table, const struct ls_ref *ref,
		      uint64_t now)
{
	uint64_t b = ref->index / LS_WAYS;
	unsigned way = ref->index % LS_WAYS;
	uint64_t intent = atomic_load(&table->bucket[b].intent);

	if (kind_of_tag(intent) != LS_KIND_NONE &&
	    (intent >> INTENT_SLOT_BIT & 7) == way)
		end_intent(table, b, intent, now);
	return ls_ref_stands(ref);
}

int ls_table_next(const struct ls_table *table, uint64_t *cursor,
		  enum ls_kind *kind_r, struct ls_ref *ref_r)
{
	for (; *cursor < table->buckets * LS_WAYS; ++*cursor) {
		uint64_t b = *cursor / LS_WAYS;
		unsigned way = (unsigned)(*cursor % LS_WAYS);
		uint64_t tag = atomic_load(&table->bucket[b].tag[way]);

		if (kind_of_tag(tag) == LS_KIND_NONE)
			continue;
		*kind_r = kind_of_tag(tag);
		make_ref(table, b, way, tag >> SEQ_BITS, ref_r);
		++*cursor;
		return 1;
	}
	return 0;
}

static uint64_t value_of_intent(const struct ls_slot *slot, unsigned word,
				uint32_t stamp)
{
	return ls_word_value(atomic_load(&slot->word[word].bits), stamp);
}

/* Until what an account sends has drained, and what the journal has of its refusals.
 * Only who has logged in has such a slot: no flood of strangers makes one, and none
 * may wash it away. */
static uint64_t drained_at(const struct ls_slot *slot, uint32_t stamp)
{
	uint64_t until = value_of_intent(slot, LS_WORD_TOLD, stamp);

	for (unsigned i = LS_WORD_MESSAGES; i <= LS_WORD_NEW_RECIPIENTS; i++) {
		uint64_t at = value_of_intent(slot, i, stamp);

		if (at > until)
			until = at;
	}
	return until;
}

/* Until when a slot is worth as much as a familiar place: one, an account that
 * is on probation or was in doubt, an alias: all have that time in one word. Or
 * what an account sends. */
static uint64_t valued_until(const struct ls_slot *slot, enum ls_kind kind,
			     uint32_t stamp)
{
	uint64_t until = value_of_intent(slot, LS_WORD_FAMILIAR, stamp), doubt;

	if (kind == LS_KIND_SENDING)
		return drained_at(slot, stamp);
	if (kind != LS_KIND_USER)
		return kind == LS_KIND_PLACE || kind == LS_KIND_ALIAS ? until
								      : 0;
	doubt = value_of_intent(slot, LS_WORD_SUSPICIOUS, stamp);
	if (doubt > 0 && doubt + LS_DOUBT_KEEP_MS > until)
		until = doubt + LS_DOUBT_KEEP_MS;
	return until;
}

static struct ls_worth_of worth_until(enum ls_worth worth, uint64_t until)
{
	return (struct ls_worth_of){ .worth = worth, .until = until };
}

struct ls_worth_of ls_slot_worth(const struct ls_slot *slot, enum ls_kind kind,
				 uint32_t stamp, uint64_t now)
{
	struct ls_worth_of worth = { .worth = LS_WORTH_IDLE };
	struct ls_lock_word lock =
		ls_lock_unpack(value_of_intent(slot, LS_WORD_LOCK, stamp));
	struct ls_lock_word freeze =
		ls_lock_unpack(value_of_intent(slot, LS_WORD_FREEZE, stamp));
	uint64_t valued = valued_until(slot, kind, stamp);
	uint64_t trusted = value_of_intent(slot, LS_WORD_TRUSTED, stamp);

	if (kind == LS_KIND_SEAT &&
	    value_of_intent(slot, LS_WORD_SITTER, stamp) != 0)
		return worth_until(LS_WORTH_KEPT, LS_VALUE_MAX);
	if (kind == LS_KIND_USER && ls_lock_active(&freeze, now))
		return worth_until(LS_WORTH_KEPT, freeze.until);
	if (ls_lock_active(&lock, now) &&
	    (lock.origin == LS_ORIGIN_ADMIN || valued > now))
		return worth_until(LS_WORTH_KEPT, lock.until);
	if ((kind == LS_KIND_IP || kind == LS_KIND_NET) && trusted > now)
		return worth_until(LS_WORTH_KEPT, trusted);
	if (valued > now)
		return worth_until(LS_WORTH_FAMILIAR, valued);
	/* A name that no passdb knows guards nothing. */
	if (kind == LS_KIND_USER &&
	    value_of_intent(slot, LS_WORD_UNKNOWN, stamp) > now)
		return worth_until(
			LS_WORTH_LITTLE,
			value_of_intent(slot, LS_WORD_UNKNOWN, stamp));
	if (ls_lock_active(&lock, now))
		return worth_until(LS_WORTH_LOCK, lock.until);
	for (unsigned i = LS_WORD_TIMES_FIRST; i <= LS_WORD_TIMES_LAST; i++) {
		uint64_t until = value_of_intent(slot, i, stamp);

		if (until > worth.until)
			worth.until = until;
	}
	if (worth.until > now) {
		worth.worth =
			kind == LS_KIND_PAIR ||
					(kind == LS_KIND_ONCE &&
					 value_of_intent(slot, LS_WORD_FEW,
							 stamp) == 0)
				? LS_WORTH_LITTLE
				: LS_WORTH_STRANGER;
		worth.recent =
			kind == LS_KIND_ONCE ||
			value_of_intent(slot, LS_WORD_FAILURES, stamp) > now;
	} else if (lock.strikes > 0 && lock.until + LS_STRIKE_KEEP_MS > now) {
		/* Lost, the next lock is shorter; a charge lost is a guess more. */
		worth.worth = LS_WORTH_LITTLE;
		worth.until = lock.until + LS_STRIKE_KEEP_MS;
	}
	return worth;
}
