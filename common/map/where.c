/* where.c - see where.h */
#include "lockstep-config.h"

#include "base/key.h"
#include "map/where.h"

#include <endian.h>
#include <string.h>

enum { LOW_BITS = 40, HIGH_BITS = 24 };
#define LOW_MASK ((UINT64_C(1) << LOW_BITS) - 1)
#define HIGH_MASK ((UINT64_C(1) << HIGH_BITS) - 1)

static uint64_t where_hint(uint64_t user_key)
{
	return user_key & 0xffff;
}

static void be_put(uint8_t *octet, unsigned bytes, uint64_t value)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		octet[i - 1] = (uint8_t)value;
}

uint64_t ls_where_bits(const struct ls_addr *addr)
{
	uint32_t low;
	uint64_t high;

	if (ls_addr_is_ipv4(addr)) {
		memcpy(&low, addr->octet + 12, sizeof(low));
		return be32toh(low);
	}
	memcpy(&high, addr->octet, sizeof(high));
	return be64toh(high);
}

uint64_t ls_where_of(const struct ls_ref *place)
{
	return (ls_slot_get(place, LS_WORD_WHERE) & HIGH_MASK) << LOW_BITS |
	       ls_slot_get(place, LS_WORD_WHERE_TOO);
}

void ls_where_set(const struct ls_ref *place, uint64_t user_key,
		  const struct ls_prefix *net)
{
	uint64_t bits = ls_where_bits(&net->addr);

	ls_slot_set(place, LS_WORD_WHERE,
		    where_hint(user_key) << HIGH_BITS | bits >> LOW_BITS);
	ls_slot_set(place, LS_WORD_WHERE_TOO, bits & LOW_MASK);
}

unsigned ls_where_hint(const struct ls_ref *place)
{
	return (unsigned)(ls_slot_get(place, LS_WORD_WHERE) >> HIGH_BITS) &
	       0xffff;
}

bool ls_where_is_of(const struct ls_ref *place, uint64_t user_key)
{
	return ls_where_hint(place) == where_hint(user_key);
}

bool ls_where_read(const struct ls_ref *place, unsigned prefix4,
		   unsigned prefix6, struct ls_prefix *net_r)
{
	uint64_t bits = ls_where_of(place);
	struct ls_addr addr;

	memset(&addr, 0, sizeof(addr));
	if (bits >> 32 == 0) {
		addr.octet[10] = addr.octet[11] = 0xff;
		be_put(addr.octet + 12, 4, bits);
	} else {
		be_put(addr.octet, 8, bits);
	}
	*net_r = ls_prefix_of(&addr, prefix4, prefix6);
	return bits != 0;
}

bool ls_where_get(const struct ls_ref *place, const uint8_t hash_key[16],
		  uint64_t user_key, unsigned prefix4, unsigned prefix6,
		  struct ls_prefix *net_r)
{
	ls_where_read(place, prefix4, prefix6, net_r);
	return ls_key_pair(hash_key, LS_KIND_PLACE, user_key,
			   ls_key_net(hash_key, LS_KIND_NET, net_r)) ==
	       ls_ref_key(place);
}
