/* home.c - see home.h */
#include "lockstep-config.h"

#include "map/home.h"
#include "map/where.h"

enum { IP_BITS4 = 32, IP_BITS6 = 64 };

/* No global IPv6 network begins with so many zero bits (where.h). */
static bool is_ipv4_bits(uint64_t bits)
{
	return bits >> 32 == 0;
}

/* Eight bits, or 16, of what where.h keeps of an address; never 0. As many bits of its
 * end are turned and moved, which keeps addresses apart that differ in no other. How
 * far depends on the others and on the place, by the map's key: so nobody can choose
 * an address that passes for another one. */
static unsigned print_of(const struct ls_ref *place, const uint8_t *hash_key,
			 uint64_t bits)
{
	unsigned width = is_ipv4_bits(bits) ? 8 : 16;
	unsigned mask = (1U << width) - 1, print;
	uint64_t by = ls_key_pair(hash_key, LS_KIND_PLACE, place->owner,
				  bits >> width);

	print = (unsigned)(bits * (by | 1) + (by >> 16)) & mask;
	return print != 0 ? print : mask;
}

static unsigned byte_of(const struct ls_ref *place, unsigned which)
{
	return (unsigned)(ls_slot_get(place, LS_WORD_PRINTS + which) >>
			  LS_PRINTS_BITS);
}

/* A fingerprint that is written at the same time may be lost, or this byte. */
static void set_byte(const struct ls_ref *place, unsigned which, unsigned byte)
{
	const uint64_t prints = (UINT64_C(1) << LS_PRINTS_BITS) - 1;
	unsigned word = LS_WORD_PRINTS + which;

	ls_slot_set(place, word,
		    (uint64_t)byte << LS_PRINTS_BITS |
			    (ls_slot_get(place, word) & prints));
}

enum ls_home ls_home_of(const struct ls_ref *place,
			const uint8_t hash_key[LS_HASH_KEY_SIZE],
			const struct ls_addr *ip)
{
	uint64_t bits = ls_where_bits(ip);
	unsigned bytes = ls_home_bytes(place), print;
	bool own;

	if (bytes == 0)
		return LS_HOME_BLANK;
	if (ls_where_of(place) == bits)
		return LS_HOME_OWN;
	print = print_of(place, hash_key, bits);
	own = is_ipv4_bits(bits)
		      ? print == (bytes & 0xff) || print == bytes >> 8
		      : print == bytes;
	return own ? LS_HOME_OWN : LS_HOME_OTHER;
}

/* What is known besides the newest, once there is another. */
static unsigned push(const struct ls_ref *place, const uint8_t *hash_key)
{
	unsigned bytes = ls_home_bytes(place);
	unsigned newest = print_of(place, hash_key, ls_where_of(place));

	if (!is_ipv4_bits(ls_where_of(place)))
		return newest;
	return newest == (bytes & 0xff) ? bytes
					: newest | (bytes & 0xff) << 8;
}

void ls_home_add(const struct ls_ref *place,
		 const uint8_t hash_key[LS_HASH_KEY_SIZE], uint64_t user_key,
		 const struct ls_addr *ip)
{
	const struct ls_prefix whole = ls_prefix_of(ip, IP_BITS4, IP_BITS6);

	switch (ls_home_of(place, hash_key, ip)) {
	case LS_HOME_OWN:
		return;
	case LS_HOME_BLANK:
		ls_home_restore(place, print_of(place, hash_key,
						ls_where_bits(ip)));
		break;
	case LS_HOME_OTHER:
		ls_home_restore(place, push(place, hash_key));
	}
	ls_where_set(place, user_key, &whole);
}

void ls_home_forget(const struct ls_ref *place)
{
	set_byte(place, 0, 0);
	set_byte(place, 1, 0);
}

bool ls_home_newest(const struct ls_ref *place, struct ls_prefix *ip_r)
{
	return ls_home_bytes(place) != 0 &&
	       ls_where_read(place, IP_BITS4, IP_BITS6, ip_r);
}

unsigned ls_home_bytes(const struct ls_ref *place)
{
	return byte_of(place, 0) | byte_of(place, 1) << 8;
}

void ls_home_restore(const struct ls_ref *place, unsigned bytes)
{
	set_byte(place, 0, bytes & 0xff);
	set_byte(place, 1, bytes >> 8 & 0xff);
}
