/* asked.c - see asked.h
 *
 * Memory order: each word stands for itself, so relaxed is enough. */
#include "lockstep-config.h"

#include "asked.h"

enum { UNIT_MS = 8000 };

static uint32_t when(uint64_t now)
{
	return (uint32_t)(now / UNIT_MS) & 0xffff;
}

static unsigned place_of(uint64_t key)
{
	return (unsigned)(key % LS_ASKED_WORDS);
}

/* Bits that place_of() does not use; never 0. */
static uint32_t tag_of(uint64_t key)
{
	return (uint32_t)(key >> 48) | 1;
}

void ls_asked_note(struct ls_asked *asked, uint64_t key, uint64_t now)
{
	atomic_store_explicit(&asked->word[place_of(key)],
			      tag_of(key) << 16 | when(now),
			      memory_order_relaxed);
}

bool ls_asked_lately(const struct ls_asked *asked, uint64_t key, uint64_t now)
{
	uint32_t word = atomic_load_explicit(&asked->word[place_of(key)],
					     memory_order_relaxed);
	uint32_t age = (when(now) - word) & 0xffff;

	return word >> 16 == tag_of(key) &&
	       age <= LS_ASKED_LATELY_MS / UNIT_MS + 1;
}
