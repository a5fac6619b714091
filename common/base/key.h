/* key.h - subjects as keyed 64-bit hashes
 *
 * SipHash-2-4 (libsodium's crypto_shorthash) under a random key that each map
 * has of its own, so that nobody outside can choose names or addresses that
 * meet in one bucket. */
#ifndef LS_KEY_H
#define LS_KEY_H

#include "lockstep.h"

enum { LS_HASH_KEY_SIZE = 16 };

/* IP and NET: the prefix, and of an address no byte beyond it. */
uint64_t ls_key_net(const uint8_t hash_key[LS_HASH_KEY_SIZE], enum ls_kind kind,
		    const struct ls_prefix *net);
uint64_t ls_key_user(const uint8_t hash_key[LS_HASH_KEY_SIZE],
		     const char *user);
/* Of what stands before the first @, whatever its case. Nobody is told which names meet,
 * and little depends on it: so it is no SipHash, but a product of halves to which the
 * hash key is added, many times as fast. Two names of somebody who does not know the
 * hash key meet by chance.
 * Source: the function NH of Black, Halevi, Krawczyk, Krovetz, Rogaway, UMAC, 1999. */
uint64_t ls_key_local(const uint8_t hash_key[LS_HASH_KEY_SIZE],
		      const char *user);
/* A key and a number into one: a PLACE is (user, net). */
uint64_t ls_key_pair(const uint8_t hash_key[LS_HASH_KEY_SIZE],
		     enum ls_kind kind, uint64_t first, uint64_t second);
/* Two keyed hashes into one, which is kept nowhere but in a map's slots: a PAIR, a
 * SPRAY. Nobody outside knows either of the two, so nobody can choose two pairs that
 * meet; two meet as seldom as any two numbers of 64 bits. */
static inline uint64_t ls_key_mix(enum ls_kind kind, uint64_t first,
				  uint64_t second)
{
	uint64_t mixed = first * UINT64_C(0x9e3779b97f4a7c15) ^
			 (second + (uint64_t)kind);

	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return mixed ^ mixed >> 32;
}
/* Of a text that is no account's name: an envelope address, a transaction. Case
 * does not count, nor what comes after 511 bytes.
 *   what   sets those apart that mean different things */
uint64_t ls_key_text(const uint8_t hash_key[LS_HASH_KEY_SIZE], char what,
		     const char *text);
/* IP, NET, USER or PLACE. */
uint64_t ls_key_subject(const uint8_t hash_key[LS_HASH_KEY_SIZE],
			const struct ls_subject *subject);

#endif
