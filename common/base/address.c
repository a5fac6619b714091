/* address.c - addresses, prefixes, and subjects as text; see lockstep.h */
#include "lockstep-config.h"

#include "base/nat64.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t ipv4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 };

enum { IPV4_BITS = 8 * (int)sizeof(ipv4_mapped) }; /* before an IPv4's own */

static int parse_as_written(const char *text, struct ls_addr *addr_r)
{
	memset(addr_r, 0, sizeof(*addr_r));
	if (inet_pton(AF_INET6, text, addr_r->octet) == 1)
		return 0;
	memcpy(addr_r->octet, ipv4_mapped, sizeof(ipv4_mapped));
	if (inet_pton(AF_INET, text, addr_r->octet + sizeof(ipv4_mapped)) == 1)
		return 0;
	memset(addr_r, 0, sizeof(*addr_r));
	return LS_EARG;
}

int ls_addr_parse(const char *text, struct ls_addr *addr_r)
{
	int ret = parse_as_written(text, addr_r);

	ls_addr_unwrap(NULL, addr_r);
	return ret;
}

void ls_addr_unwrap(const struct ls_nat64 *nat64, struct ls_addr *addr)
{
	struct ls_prefix prefix = { .addr = *addr, .bits = 128 };

	ls_nat64_unwrap(nat64, &prefix);
	*addr = prefix.addr;
}

bool ls_addr_is_ipv4(const struct ls_addr *addr)
{
	return memcmp(addr->octet, ipv4_mapped, sizeof(ipv4_mapped)) == 0;
}

bool ls_addr_is_loopback(const struct ls_addr *addr)
{
	static const struct ls_addr one = { .octet[15] = 1 };

	return ls_addr_is_ipv4(addr) ? addr->octet[12] == 127
				     : ls_addr_equal(addr, &one);
}

void ls_addr_format(const struct ls_addr *addr, char text_r[LS_ADDR_TEXT])
{
	/* Neither call fails: the family is known and the buffer fits. */
	if (ls_addr_is_ipv4(addr))
		inet_ntop(AF_INET, addr->octet + sizeof(ipv4_mapped), text_r,
			  LS_ADDR_TEXT);
	else
		inet_ntop(AF_INET6, addr->octet, text_r, LS_ADDR_TEXT);
}

bool ls_addr_equal(const struct ls_addr *a, const struct ls_addr *b)
{
	return memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

/* Clear what lies beyond the first `bits`. Returns whether anything did. By
 * halves: prefixes are made several times for a login. */
static bool mask(struct ls_addr *addr, unsigned bits)
{
	uint64_t half[2], kept[2];

	memcpy(half, addr->octet, sizeof(half));
	for (unsigned i = 0; i < 2; i++) {
		unsigned keep = bits > 64 * i ? bits - 64 * i : 0;

		kept[i] = half[i];
		if (keep < 64)
			kept[i] &= keep == 0 ? 0 : htobe64(~UINT64_C(0)
							   << (64 - keep));
	}
	memcpy(addr->octet, kept, sizeof(kept));
	return kept[0] != half[0] || kept[1] != half[1];
}

int ls_prefix_parse(const char *text, struct ls_prefix *prefix_r)
{
	char addr[LS_ADDR_TEXT];
	size_t len = strcspn(text, "/");
	unsigned long bits, longest;

	memset(prefix_r, 0, sizeof(*prefix_r));
	if (len >= sizeof(addr))
		return LS_EARG;
	memcpy(addr, text, len);
	addr[len] = '\0';
	/* Before it is unwrapped: that is up to how long the prefix is. */
	if (parse_as_written(addr, &prefix_r->addr) < 0)
		return LS_EARG;
	/* "::ffff:192.0.2.0/120" counts as IPv6 does: all 128. */
	longest = strchr(addr, ':') == NULL ? 32 : 128;
	bits = longest;
	if (text[len] == '/') {
		const char *digits = text + len + 1;

		if (strlen(digits) > 3 ||
		    strspn(digits, "0123456789") != strlen(digits) ||
		    *digits == '\0')
			return LS_EARG;
		bits = strtoul(digits, NULL, 10);
	}
	if (bits > longest)
		return LS_EARG;
	prefix_r->bits = (uint8_t)(bits + 128 - longest);
	ls_nat64_unwrap(NULL, prefix_r);
	return mask(&prefix_r->addr, prefix_r->bits) ? LS_EFORMAT : 0;
}

struct ls_prefix ls_prefix_of(const struct ls_addr *addr, unsigned bits4,
			      unsigned bits6)
{
	struct ls_prefix prefix = { .addr = *addr };
	unsigned bits = ls_addr_is_ipv4(addr) ? IPV4_BITS + bits4 : bits6;

	prefix.bits = (uint8_t)(bits < 128 ? bits : 128);
	mask(&prefix.addr, prefix.bits);
	return prefix;
}

void ls_prefix_format(const struct ls_prefix *prefix,
		      char text_r[LS_PREFIX_TEXT])
{
	unsigned bits = prefix->bits;
	size_t len;

	ls_addr_format(&prefix->addr, text_r);
	if (bits >= 128)
		return;
	if (ls_addr_is_ipv4(&prefix->addr) && bits >= IPV4_BITS)
		bits -= IPV4_BITS;
	len = strlen(text_r);
	snprintf(text_r + len, LS_PREFIX_TEXT - len, "/%u", bits);
}

bool ls_prefix_is_none(const struct ls_prefix *prefix)
{
	static const struct ls_addr zero;

	return prefix->bits == 0 && ls_addr_equal(&prefix->addr, &zero);
}

bool ls_prefix_covers(const struct ls_prefix *prefix,
		      const struct ls_addr *addr)
{
	struct ls_addr masked = *addr;

	/* A shorter one is of IPv6, which ::ffff:0:0/96 is no part of. */
	if (ls_addr_is_ipv4(addr) && prefix->bits < IPV4_BITS)
		return false;
	mask(&masked, prefix->bits);
	return ls_addr_equal(&masked, &prefix->addr);
}

void ls_subject_format(const struct ls_subject *subject,
		       char text_r[LS_SUBJECT_TEXT])
{
	char net[LS_PREFIX_TEXT];

	ls_prefix_format(&subject->net, net);
	switch (subject->kind) {
	case LS_KIND_IP:
	case LS_KIND_NET:
		snprintf(text_r, LS_SUBJECT_TEXT, "%s", net);
		break;
	case LS_KIND_PLACE:
		snprintf(text_r, LS_SUBJECT_TEXT, "%s from %s", subject->user,
			 net);
		break;
	case LS_KIND_GUESS:
		snprintf(text_r, LS_SUBJECT_TEXT, "a wrong password");
		break;
	default:
		snprintf(text_r, LS_SUBJECT_TEXT, "%s", subject->user);
	}
}
