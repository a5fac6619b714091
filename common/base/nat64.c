/* nat64.c - see nat64.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "base/nat64.h"

#include <stdio.h>
#include <string.h>

enum { U_OCTET = 8, IPV4_AT = 12, IPV4_OCTETS = 4, LOOPBACK = 127 };

static const struct ls_prefix well_known = {
	.addr = { .octet = { 0x00, 0x64, 0xff, 0x9b } },
	.bits = 96,
};

static bool is_length(unsigned bits)
{
	return bits == 96 || (bits >= 32 && bits <= 64 && bits % 8 == 0);
}

/* Lengths are whole octets here. */
static bool is_inside(const struct ls_prefix *translator,
		      const struct ls_prefix *prefix)
{
	return prefix->bits >= translator->bits &&
	       memcmp(prefix->addr.octet, translator->addr.octet,
		      translator->bits / 8) == 0;
}

/* Returns false when the prefix holds nothing of an IPv4 address. */
static bool unwrap(const struct ls_prefix *translator, struct ls_prefix *prefix)
{
	struct ls_prefix inside = { .addr = { .octet = { [10] = 0xff, 0xff } },
				    .bits = 8 * IPV4_AT };
	unsigned from = translator->bits / 8;

	if (!is_inside(translator, prefix) ||
	    prefix->addr.octet[U_OCTET] != 0)
		return false;
	for (unsigned i = 0; i < IPV4_OCTETS; i++, from++) {
		unsigned known;

		if (from == U_OCTET)
			from++;
		known = prefix->bits > 8 * from ? prefix->bits - 8 * from : 0;
		inside.addr.octet[IPV4_AT + i] = prefix->addr.octet[from];
		inside.bits = (uint8_t)(inside.bits + (known < 8 ? known : 8));
	}
	/* No translator hands on a loopback address, which would be trusted. */
	if (inside.bits == 8 * IPV4_AT ||
	    inside.addr.octet[IPV4_AT] == LOOPBACK)
		return false;
	*prefix = inside;
	return true;
}

void ls_nat64_unwrap(const struct ls_nat64 *nat64, struct ls_prefix *prefix)
{
	if (unwrap(&well_known, prefix) || nat64 == NULL)
		return;
	for (unsigned i = 0; i < nat64->count; i++)
		if (unwrap(&nat64->prefix[i], prefix))
			return;
}

bool ls_nat64_is_whole(const struct ls_nat64 *nat64,
		       const struct ls_prefix *prefix)
{
	bool whole = prefix->bits == well_known.bits &&
		     is_inside(&well_known, prefix);

	for (unsigned i = 0; i < nat64->count; i++)
		whole |= prefix->bits == nat64->prefix[i].bits &&
			 is_inside(&nat64->prefix[i], prefix);
	return whole;
}

/* One prefix of the text, which ends there. */
static int take_prefix(struct ls_nat64 *nat64, const char *text,
		       struct ls_error *error_r)
{
	struct ls_prefix prefix;

	if (ls_prefix_parse(text, &prefix) < 0)
		return ls_fail(error_r, LS_EARG,
			       "\"%s\" is not a network like 2001:db8:64::/96",
			       text);
	if (is_inside(&well_known, &prefix))
		return 0;
	if (ls_addr_is_ipv4(&prefix.addr) || !is_length(prefix.bits))
		return ls_fail(error_r, LS_EARG,
			       "%s: a prefix of NAT64 is of IPv6, and has 32, "
			       "40, 48, 56, 64 or 96 bits",
			       text);
	if (prefix.bits == 96 && prefix.addr.octet[U_OCTET] != 0)
		return ls_fail(error_r, LS_EARG,
			       "%s: bits 64 to 71 of a prefix of NAT64 are zero",
			       text);
	if (nat64->count == LS_NAT64_MAX)
		return ls_fail(error_r, LS_EARG, "more than %d prefixes",
			       LS_NAT64_MAX);
	nat64->prefix[nat64->count++] = prefix;
	return 0;
}

int ls_nat64_parse(const char *text, struct ls_nat64 *nat64_r,
		   struct ls_error *error_r)
{
	int ret = 0;

	nat64_r->count = 0;
	text += strspn(text, " \t,");
	while (*text != '\0' && ret == 0) {
		char one[LS_PREFIX_TEXT];
		size_t len = strcspn(text, " \t,");

		snprintf(one, sizeof(one), "%.*s",
			 (int)(len < sizeof(one) ? len : sizeof(one)), text);
		ret = take_prefix(nat64_r, one, error_r);
		text += len;
		text += strspn(text, " \t,");
	}
	return ret;
}
