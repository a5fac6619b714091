/* home.c - see home.h */
#include "lockstep-config.h"

#include "home.h"
#include "where.h"

enum { IP_BITS4 = 32, IP_BITS6 = 64 };

/* Eight bits of what where.h keeps of an address; never 0. The bits of its network
 * are the same for all addresses of a place. */
static unsigned fold(uint64_t bits)
{
	bits ^= bits >> 32;
	bits ^= bits >> 16;
	bits ^= bits >> 8;
	return (bits & 0xff) != 0 ? bits & 0xff : 0xff;
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

enum ls_home ls_home_of(const struct ls_ref *place, const struct ls_addr *ip)
{
	uint64_t bits = ls_where_bits(ip);
	unsigned newer = byte_of(place, 0), byte;

	if (newer == 0)
		return LS_HOME_BLANK;
	if (ls_where_of(place) == bits)
		return LS_HOME_OWN;
	byte = fold(bits);
	return newer == byte || byte_of(place, 1) == byte ? LS_HOME_OWN
							  : LS_HOME_OTHER;
}

void ls_home_add(const struct ls_ref *place, uint64_t user_key,
		 const struct ls_addr *ip)
{
	const struct ls_prefix whole = ls_prefix_of(ip, IP_BITS4, IP_BITS6);
	unsigned newer, newest;

	switch (ls_home_of(place, ip)) {
	case LS_HOME_OWN:
		return;
	case LS_HOME_BLANK:
		set_byte(place, 0, fold(ls_where_bits(ip)));
		break;
	case LS_HOME_OTHER:
		newer = byte_of(place, 0);
		newest = fold(ls_where_of(place));
		if (newest != newer) {
			set_byte(place, 1, newer);
			set_byte(place, 0, newest);
		}
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
	return byte_of(place, 0) != 0 &&
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
