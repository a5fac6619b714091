/* slot.c - see slot.h
 *
 * Memory order: the words of a slot do not announce one another, so relaxed
 * would do for each alone. Writes that protect a slot from eviction (a lock,
 * familiarity) must be ordered against the claimer's look at them; that order
 * is sequential consistency on both sides, and the argument is in table.h.
 * On x86-64 a compare-and-swap costs the same either way. */
#include "lockstep-config.h"

#include "map/slot.h"

uint64_t ls_ref_key(const struct ls_ref *ref)
{
	/* The tag has the low 44 bits above the kind; see table.h. */
	return ls_slot_get(ref, LS_WORD_KEY) << 32 |
	       (ref->owner >> 4 & UINT64_C(0xffffffff));
}

/* May this subject write over `bits`? Its own words, yes. Another's are only
 * left-overs if the slot is still ours after they were read: looked at in the
 * other order, they could be the live words of a successor. */
static bool writable(const struct ls_ref *ref, uint64_t bits)
{
	return bits >> LS_VALUE_BITS == ref->stamp || ls_ref_stands(ref);
}

bool ls_slot_set(const struct ls_ref *ref, unsigned word, uint64_t value)
{
	_Atomic uint64_t *at = &ref->slot->word[word].bits;
	uint64_t old = atomic_load(at);

	do {
		if (!writable(ref, old))
			return false;
	} while (!atomic_compare_exchange_weak(
		at, &old, ls_word_pack(ref->stamp, value)));
	return ls_ref_stands(ref);
}

bool ls_slot_raise(const struct ls_ref *ref, unsigned word, uint64_t value)
{
	_Atomic uint64_t *at = &ref->slot->word[word].bits;
	uint64_t old = atomic_load(at);

	do {
		if (!writable(ref, old))
			return false;
		if (ls_word_value(old, ref->stamp) >= value)
			break;
	} while (!atomic_compare_exchange_weak(
		at, &old, ls_word_pack(ref->stamp, value)));
	return ls_ref_stands(ref);
}

enum ls_taken ls_slot_charge(const struct ls_ref *ref, unsigned word,
			     uint64_t now, const struct ls_rate *rate,
			     bool force, uint64_t *charged_at_r)
{
	_Atomic uint64_t *at = &ref->slot->word[word].bits;
	uint64_t old = atomic_load(at), charged;

	do {
		uint64_t empty_at = ls_word_value(old, ref->stamp);

		if (!writable(ref, old))
			return LS_GONE;
		if (!force && !ls_meter_has_room(empty_at, now, rate))
			return LS_NO_ROOM;
		charged = ls_meter_charged(empty_at, now, rate);
	} while (!atomic_compare_exchange_weak(
		at, &old, ls_word_pack(ref->stamp, charged)));
	*charged_at_r = charged;
	/* A charge that went into a slot as it was evicted is made again in
	 * the subject's new one. */
	return ls_ref_stands(ref) ? LS_TAKEN : LS_GONE;
}

void ls_slot_refund(const struct ls_ref *ref, unsigned word, uint64_t now,
		    uint64_t charged_at, uint64_t emission_ms)
{
	_Atomic uint64_t *at = &ref->slot->word[word].bits;
	uint64_t old = atomic_load(at), refunded;

	do {
		if (old >> LS_VALUE_BITS != ref->stamp)
			return;
		refunded = ls_meter_refunded(ls_word_value(old, ref->stamp),
					     now, charged_at, emission_ms);
	} while (!atomic_compare_exchange_weak(
		at, &old, ls_word_pack(ref->stamp, refunded)));
}

enum ls_taken ls_slot_swap(const struct ls_ref *ref, unsigned word,
			   uint64_t old, uint64_t value)
{
	_Atomic uint64_t *at = &ref->slot->word[word].bits;
	uint64_t bits = atomic_load(at);

	do {
		if (!writable(ref, bits))
			return LS_GONE;
		if (ls_word_value(bits, ref->stamp) != old)
			return LS_NO_ROOM;
	} while (!atomic_compare_exchange_weak(
		at, &bits, ls_word_pack(ref->stamp, value)));
	return ls_ref_stands(ref) ? LS_TAKEN : LS_GONE;
}

/* The word of a fingerprint, and the value of it alone. */
static unsigned print_word(uint32_t print)
{
	return LS_WORD_PRINTS + (print >> LS_PRINT_BITS & 1);
}

static uint64_t print_value(uint32_t print)
{
	return print & ((1U << LS_PRINT_BITS) - 1);
}

/* Which half of a word's value holds it: 0, 1, or LS_PRINTS_A_WORD. */
static unsigned print_at(uint64_t value, uint64_t print)
{
	unsigned i = 0;

	while (i < LS_PRINTS_A_WORD &&
	       (value >> i * LS_PRINT_BITS & 0xffff) != print)
		i++;
	return i;
}

bool ls_slot_has_print(const struct ls_ref *ref, uint32_t print)
{
	return print_at(ls_slot_get(ref, print_word(print)),
			print_value(print)) < LS_PRINTS_A_WORD;
}

void ls_slot_add_print(const struct ls_ref *ref, uint32_t print)
{
	unsigned word = print_word(print);
	uint64_t value = ls_slot_get(ref, word);

	/* The newest stands first; two writers at once lose one print, which
	 * is then charged once more. */
	if (print_at(value, print_value(print)) == LS_PRINTS_A_WORD)
		ls_slot_set(ref, word,
			    value >> LS_PRINTS_BITS << LS_PRINTS_BITS |
				    (value & 0xffff) << LS_PRINT_BITS |
				    print_value(print));
}

void ls_slot_drop_print(const struct ls_ref *ref, uint32_t print)
{
	unsigned word = print_word(print);
	uint64_t value = ls_slot_get(ref, word);
	unsigned at = print_at(value, print_value(print));

	if (at < LS_PRINTS_A_WORD)
		ls_slot_set(ref, word,
			    value & ~(UINT64_C(0xffff) << at * LS_PRINT_BITS));
}

uint64_t ls_lock_pack(const struct ls_lock_word *lock)
{
	const uint64_t latest = (UINT64_C(1) << 30) - 1;
	uint64_t until = lock->until / 1000 + (lock->until % 1000 != 0);

	if (until > latest)
		until = latest;
	return until << 10 | (uint64_t)(lock->strikes & 15) << 6 |
	       (uint64_t)(lock->reason & 15U) << 2 | (lock->origin & 3U);
}

_Static_assert(LS_REASON_LOCKS < 16, "four bits of the lock word");
_Static_assert(LS_ORIGIN_COUNT <= 4, "two bits of the lock word");

/* The lock that follows `last` by this order. */
static struct ls_lock_word next_lock(const struct ls_lock_word *last,
				     uint64_t now,
				     const struct ls_lock_order *order)
{
	unsigned strikes = now < last->until + order->strike_fades_ms
				   ? last->strikes
				   : 0;
	uint64_t length = order->length.min_ms;
	struct ls_lock_word lock = {
		.strikes = strikes < LS_STRIKES_MAX ? strikes + 1 : strikes,
		.reason = order->reason,
		.origin = order->origin,
	};

	for (unsigned i = 0; i < strikes && length < order->length.max_ms; i++)
		length *= 2;
	if (length > order->length.max_ms)
		length = order->length.max_ms;
	/* Later than any map lives is for good. */
	lock.until = length < LS_VALUE_MAX ? now + length : LS_VALUE_MAX;
	if (lock.until < order->not_before)
		lock.until = order->not_before;
	return lock;
}

enum ls_taken ls_slot_lock(const struct ls_ref *ref, uint64_t now,
			   const struct ls_lock_order *order,
			   struct ls_lock_word *lock_r)
{
	_Atomic uint64_t *at = &ref->slot->word[order->word].bits;
	uint64_t old = atomic_load(at);

	do {
		struct ls_lock_word last =
			ls_lock_unpack(ls_word_value(old, ref->stamp));
		bool was_active = ls_lock_active(&last, now);

		if (!writable(ref, old))
			return LS_GONE;
		*lock_r = next_lock(&last, now, order);
		/* An administrator's order takes a rule's lock over, and lets it
		 * end no earlier. */
		if (was_active && (order->origin != LS_ORIGIN_ADMIN ||
				   (last.origin == LS_ORIGIN_ADMIN &&
				    last.until >= lock_r->until))) {
			*lock_r = last;
			return LS_NO_ROOM;
		}
		if (order->origin == LS_ORIGIN_ADMIN)
			lock_r->strikes = last.strikes; /* not for a fault */
		/* Prolonged, it is for what it was for: mail may be held. */
		if (was_active && order->word == LS_WORD_FREEZE)
			lock_r->reason = last.reason;
		if (was_active && last.until > lock_r->until)
			lock_r->until = last.until;
		/* Before the lock: whoever finds one may ask since when, and
		 * we may be killed in between. */
		if (!was_active || order->origin == LS_ORIGIN_ADMIN)
			ls_slot_set(ref, order->word + 1, now);
	} while (!atomic_compare_exchange_weak(
		at, &old, ls_word_pack(ref->stamp, ls_lock_pack(lock_r))));
	*lock_r = ls_lock_unpack(ls_lock_pack(lock_r));
	return ls_ref_stands(ref) ? LS_TAKEN : LS_GONE;
}
