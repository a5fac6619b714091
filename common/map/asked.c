/* asked.c - see asked.h
 *
 * Memory order: each word stands for itself, so relaxed is enough. */
#include "lockstep-config.h"

#include "map/asked.h"

enum { UNIT_MS = 8000, WAYS = 4, SETS = LS_ASKED_WORDS / WAYS };

static uint32_t asked_time(uint64_t now)
{
	return (uint32_t)(now / UNIT_MS) & 0xffff;
}

/* Bits that do not choose the set; never 0. */
static uint32_t tag_of(uint64_t key)
{
	return (uint32_t)(key >> 48) | 1;
}

static bool is_recently_asked(uint32_t word, uint64_t now)
{
	return word != 0 && ((asked_time(now) - word) & 0xffff) <=
				    LS_ASKED_LATELY_MS / UNIT_MS + 1;
}

/* Where the address's own word is, or else the one to take for it.
 *   word_r  what is in it
 * Returns its index. */
static unsigned find_word(const struct ls_asked *asked, uint64_t key,
			  uint64_t now, uint32_t *word_r)
{
	unsigned set = (unsigned)(key % SETS) * WAYS, found = set;
	uint32_t oldest = 0;

	for (unsigned at = set; at < set + WAYS; at++) {
		uint32_t word = atomic_load_explicit(&asked->word[at],
						     memory_order_relaxed);
		uint32_t age = is_recently_asked(word, now)
				       ? (asked_time(now) - word) & 0xffff
				       : UINT32_MAX;
		bool own = word >> 16 == tag_of(key);

		if (at > set && !own && age <= oldest)
			continue;
		oldest = age;
		found = at;
		*word_r = word;
		if (own)
			break;
	}
	return found;
}

void ls_asked_note(struct ls_asked *asked, uint64_t key, uint64_t now)
{
	uint32_t word;
	unsigned at = find_word(asked, key, now, &word);

	atomic_store_explicit(&asked->word[at],
			      tag_of(key) << 16 | asked_time(now),
			      memory_order_relaxed);
}

bool ls_asked_lately(const struct ls_asked *asked, uint64_t key, uint64_t now)
{
	uint32_t word;

	find_word(asked, key, now, &word);
	return is_recently_asked(word, now);
}
