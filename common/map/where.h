/* where.h - a place's network and account, in two words of its slot
 *
 * A place's key is a hash of both, from which neither can be read. To tell a
 * person's places, its slot keeps the first 64 bits of an address in the network
 * (of an IPv4 address all 32, in the lower half; no global IPv6 network begins
 * with 32 zero bits), the newest that a login came from, and 16 bits of the
 * account's key:
 *
 *    39             24 23                       0   39                       0
 *   +-----------------+--------------------------+ +-------------------------+
 *   | of the account  |   upper 24 of 64 bits    | |      lower 40 bits      |
 *   +-----------------+--------------------------+ +-------------------------+
 *    LS_WORD_WHERE                                  LS_WORD_WHERE_TOO
 *
 * That is a hint, and checked by hashing what it says: a place is the one of
 * this account in this network if that gives its key. */
#ifndef LS_WHERE_H
#define LS_WHERE_H

#include "map/slot.h"

/* Write both words. `net` has at most 64 bits of an IPv6, 32 of an IPv4: the address,
 * or its network where no more is known. */
void ls_where_set(const struct ls_ref *place, uint64_t user_key,
		  const struct ls_prefix *net);

/* Those 64 bits, of an address and of a place. */
uint64_t ls_where_bits(const struct ls_addr *addr);
uint64_t ls_where_of(const struct ls_ref *place);

/* Might the place be one of this account? A look at 16 bits. */
bool ls_where_is_of(const struct ls_ref *place, uint64_t user_key);

/* Those 16 bits. */
unsigned ls_where_hint(const struct ls_ref *place);

/* The place's network as its words say, whoever's place it is. Returns false
 * when they say nothing. */
bool ls_where_read(const struct ls_ref *place, unsigned prefix4,
		   unsigned prefix6, struct ls_prefix *net_r);

/* The place's network, if it is a place of this account: its key is hashed from
 * what is read. Lengths as the policy has them. */
bool ls_where_get(const struct ls_ref *place,
		  const uint8_t hash_key[16], uint64_t user_key,
		  unsigned prefix4, unsigned prefix6,
		  struct ls_prefix *net_r);

#endif
