/* nat64.h - the IPv4 address inside an IPv6 one that a NAT64 made
 *
 * A translator writes a client's IPv4 address behind a prefix of 32, 40, 48, 56, 64
 * or 96 bits. Octet 8, the u octet, is zero and is skipped; what is behind the
 * address has no meaning.
 *
 *   octet   0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
 *      /32  prefix----  IPv4------  u  suffix-------------
 *      /40  prefix-------  IPv4---  u  v4 suffix----------
 *      /48  prefix----------  v4--  u  v4--  suffix-------
 *      /56  prefix-------------  v4 u  IPv4---  suffix----
 *      /64  prefix----------------  u  IPv4------  suffix-
 *      /96  prefix----------------  u  prefix--  IPv4-----
 *
 * Source: RFC 6052, section 2.2. */
#ifndef LS_NAT64_H
#define LS_NAT64_H

#include "lockstep.h"

enum { LS_NAT64_MAX = 8 }; /* prefixes in a policy */

/* The prefixes of a policy. 64:ff9b::/96 is never among them: it always holds. */
struct ls_nat64 {
	unsigned count;
	struct ls_prefix prefix[LS_NAT64_MAX];
};

/* "2001:db8:64::/96, 2001:db8:1::/48", or "". Returns 0, or LS_EARG with the
 * reason. */
int ls_nat64_parse(const char *text, struct ls_nat64 *nat64_r,
		   struct ls_error *error_r);

/* If the address, or all of the prefix, was made by one of the translators: make it
 * the IPv4 one, else leave it alone. nat64 may be NULL: 64:ff9b::/96 alone. */
void ls_nat64_unwrap(const struct ls_nat64 *nat64, struct ls_prefix *prefix);

/* Is it a whole prefix of a translator, which means all of IPv4? */
bool ls_nat64_is_whole(const struct ls_nat64 *nat64,
		       const struct ls_prefix *prefix);

#endif
