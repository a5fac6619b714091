/* instance.c - see instance.h */
#include "lockstep-config.h"

#include "map/instance.h"

enum {
	HASH_BIT = 27,
	TIME_BIT = 7,
	ANSWER_BIT = 5,
	TIME_MASK = (1 << (HASH_BIT - TIME_BIT)) - 1,
	REASON_MASK = (1 << ANSWER_BIT) - 1,
};
_Static_assert(LS_REASON_COUNT <= REASON_MASK + 1, "five bits");

enum answer { NONE_YET, ADMITTED, DENIED, HELD };

/* How far ahead of one process's clock another's can be, in s, and more. */
enum { LEAD_MAX = 60 };

/* Seconds since a word was taken. One from the future, by a clock that is a
 * little ahead, is new.
 *
 * The time in a word goes round in 2^20 s, 12 days and 3 hours: a word that is older
 * looks younger by that, and in the last minute before it seems to be new. It still
 * goes before those that were taken since, unless it is that close to a whole number
 * of rounds: then, for a minute, where all of a bucket was taken at one time and
 * nothing since, it may keep its place and a new one not. */
static unsigned instance_age(uint64_t word, uint64_t now)
{
	unsigned age = ((unsigned)(now / 1000) -
			(unsigned)(word >> TIME_BIT & TIME_MASK)) &
		       TIME_MASK;

	return age > TIME_MASK - LEAD_MAX ? 0 : age;
}

static enum ls_instance_state read_instance_answer(uint64_t word,
						   enum ls_verdict *verdict_r,
						   enum ls_reason *reason_r)
{
	static const enum ls_verdict verdicts[] = { LS_ADMIT, LS_ADMIT, LS_DENY,
						    LS_HOLD };
	unsigned answer = word >> ANSWER_BIT & 3, reason = word & REASON_MASK;

	*verdict_r = verdicts[answer];
	*reason_r = reason < LS_REASON_COUNT ? reason : LS_REASON_NONE;
	return answer == NONE_YET ? LS_INSTANCE_ASKED : LS_INSTANCE_DECIDED;
}

/* More tries than any number of honest processes would need. */
enum { ASK_TRIES = 64 };

enum ls_instance_state ls_instance_ask(struct ls_instances *instances,
				       uint64_t key, uint64_t now,
				       struct ls_instance *instance_r,
				       enum ls_verdict *verdict_r,
				       enum ls_reason *reason_r)
{
	_Atomic uint64_t *bucket = instances->word[key % LS_INSTANCE_BUCKETS];
	uint64_t hash = key >> HASH_BIT;
	uint64_t mine = hash << HASH_BIT | (now / 1000 & TIME_MASK) << TIME_BIT;

	if (hash == 0) /* of a word that is nobody's */
		mine |= UINT64_C(1) << HASH_BIT;
	for (unsigned tries = 0; tries < ASK_TRIES; tries++) {
		uint64_t oldest = 0;
		unsigned way = LS_INSTANCE_WAYS;

		for (unsigned i = 0; i < LS_INSTANCE_WAYS; i++) {
			uint64_t word = atomic_load(&bucket[i]);

			if (word >> HASH_BIT == mine >> HASH_BIT)
				return read_instance_answer(word, verdict_r,
							    reason_r);
			if (way == LS_INSTANCE_WAYS ||
			    (oldest != 0 &&
			     (word == 0 ||
			      instance_age(word, now) >
				      instance_age(oldest, now)))) {
				oldest = word;
				way = i;
			}
		}
		instance_r->place = &bucket[way];
		instance_r->word = mine;
		if (atomic_compare_exchange_strong(&bucket[way], &oldest, mine))
			return LS_INSTANCE_FIRST;
	}
	*verdict_r = LS_ADMIT; /* a hostile writer's doing */
	*reason_r = LS_REASON_NONE;
	return LS_INSTANCE_ASKED;
}

void ls_instance_tell(const struct ls_instance *instance,
		      enum ls_verdict verdict, enum ls_reason reason)
{
	static const enum answer answers[LS_VERDICT_COUNT] = {
		[LS_ADMIT] = ADMITTED,
		[LS_DENY] = DENIED,
		[LS_HOLD] = HELD,
	};
	uint64_t mine = instance->word;

	atomic_compare_exchange_strong(
		instance->place, &mine,
		mine | (uint64_t)answers[verdict] << ANSWER_BIT |
			(reason & REASON_MASK));
}
