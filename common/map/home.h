/* home.h - the addresses at which a place's logins succeeded
 *
 * A place is an account seen from a network; its own addresses are those in that
 * network from which the account logged in. The newest few are remembered in the
 * place's slot, so they cost no memory and go when the place goes: the newest whole, in
 * the words that say where the place is (where.h), and of IPv4 two before it as eight
 * bits each, of IPv6 one as 16 bits:
 *
 *    39       32 31            16 15             0
 *   +-----------+----------------+----------------+
 *   |  address  |  fingerprint   |  fingerprint   |   LS_WORD_PRINTS, and the next
 *   +-----------+----------------+----------------+
 *
 * Both bytes are 0 until an address was recorded. A place that became familiar
 * before that (an older Lockstep, its snapshot) has none on record, and then each
 * address of its network passes for its own, until its next success. The bits are
 * keyed by the map's hash key and the place's own. They tell all addresses of an IPv4
 * /24 apart, and all /64s of an IPv6 /48, but two, which pass for each other. Of a
 * wider network one address in 255, or one /64 in 65,535, passes for another, and which
 * one differs from place to place, so that nobody can choose it. A new address beyond
 * those takes the oldest's place. */
#ifndef LS_HOME_H
#define LS_HOME_H

#include "base/key.h"
#include "map/slot.h"

/* Is the address one of the place's own? */
enum ls_home {
	LS_HOME_OWN,   /* it is on record */
	LS_HOME_BLANK, /* none is: it passes for one */
	LS_HOME_OTHER,
};
enum ls_home ls_home_of(const struct ls_ref *place,
			const uint8_t hash_key[LS_HASH_KEY_SIZE],
			const struct ls_addr *ip);

/* A login from there succeeded. Writes nothing for an address on record. */
void ls_home_add(const struct ls_ref *place,
		 const uint8_t hash_key[LS_HASH_KEY_SIZE], uint64_t user_key,
		 const struct ls_addr *ip);

/* Have none on record. */
void ls_home_forget(const struct ls_ref *place);

/* The newest address on record: IPv4 /32, IPv6 /64. Returns false where none is. */
bool ls_home_newest(const struct ls_ref *place, struct ls_prefix *ip_r);

/* The two bytes, for a snapshot, and back. */
unsigned ls_home_bytes(const struct ls_ref *place);
void ls_home_restore(const struct ls_ref *place, unsigned bytes);

#endif
