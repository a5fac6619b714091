/* word.h - a shared 64-bit word that knows whose it is
 *
 *    63            40 39                                    0
 *   +----------------+---------------------------------------+
 *   |     stamp      |                 value                 |
 *   +----------------+---------------------------------------+
 *
 * A slot of the table changes hands by one compare-and-swap on its tag (see
 * table.h); nobody cleans its words. Instead each word carries 24 bits of the
 * key of the subject that wrote it, and to every other subject it reads as 0.
 * So there is no half-cleaned slot for a killed process to leave behind, and no
 * moment at which a subject could inherit what its predecessor did.
 *
 * What can go wrong: two subjects that follow each other in one slot share a
 * stamp once in 2^24, and then the second starts with what the first left: at worst
 * with a rule's lock that had to go.
 *
 * Values are mostly times: ms since the map's creation, 40 bits, 34 years. */
#ifndef LS_WORD_H
#define LS_WORD_H

#include <stdatomic.h>
#include <stdint.h>

struct ls_word {
	_Atomic uint64_t bits;
};
_Static_assert(sizeof(struct ls_word) == 8, "part of the map format");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared between processes");

enum { LS_VALUE_BITS = 40 };
#define LS_VALUE_MAX ((UINT64_C(1) << LS_VALUE_BITS) - 1)

static inline uint64_t ls_word_pack(uint32_t stamp, uint64_t value)
{
	return (uint64_t)stamp << LS_VALUE_BITS |
	       (value < LS_VALUE_MAX ? value : LS_VALUE_MAX);
}

/* The value for the owner of `stamp`: 0 when another wrote it. */
static inline uint64_t ls_word_value(uint64_t bits, uint32_t stamp)
{
	return bits >> LS_VALUE_BITS == stamp ? bits & LS_VALUE_MAX : 0;
}

#endif
