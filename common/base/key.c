/* key.c - see key.h */
#include "lockstep-config.h"

#include "base/key.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

_Static_assert(LS_HASH_KEY_SIZE == crypto_shorthash_KEYBYTES, "SipHash-2-4");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "SipHash-2-4");

static uint64_t hash_bytes(const uint8_t *hash_key, const uint8_t *bytes,
			   size_t len)
{
	uint64_t key;

	crypto_shorthash((unsigned char *)&key, bytes, len, hash_key);
	return key;
}

uint64_t ls_key_net(const uint8_t hash_key[LS_HASH_KEY_SIZE], enum ls_kind kind,
		    const struct ls_prefix *net)
{
	enum { IPV4_AT = 12 }; /* of the mapped address */
	uint8_t bytes[2 + sizeof(net->addr.octet)];
	size_t from = 0, len = (net->bits + 7U) / 8;

	/* Fewer bytes are fewer rounds. An IPv4's four cannot be taken for an
	 * IPv6 prefix: that has four bytes at 32 bits or fewer. */
	if (net->bits >= 8 * IPV4_AT && ls_addr_is_ipv4(&net->addr)) {
		from = IPV4_AT;
		len = sizeof(net->addr.octet) - IPV4_AT;
	}
	bytes[0] = (uint8_t)kind;
	bytes[1] = net->bits;
	memcpy(bytes + 2, net->addr.octet + from, len);
	return hash_bytes(hash_key, bytes, 2 + len);
}

uint64_t ls_key_user(const uint8_t hash_key[LS_HASH_KEY_SIZE], const char *user)
{
	uint8_t bytes[1 + LS_USER_MAX];
	size_t len = strnlen(user, LS_USER_MAX + 1);
	char copy[LS_USER_MAX + 1];

	if (len > LS_USER_MAX) {
		ls_user_copy(copy, user);
		user = copy;
		len = LS_USER_MAX;
	}
	bytes[0] = LS_KIND_USER;
	memcpy(bytes + 1, user, len);
	return hash_bytes(hash_key, bytes, 1 + len);
}

static uint64_t eight_bytes(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

/* Eight bytes that are different for each text of this length, up to eight. */
static uint64_t few_bytes(const char *text, size_t len)
{
	uint32_t first, last;

	if (len >= sizeof(first)) {
		memcpy(&first, text, sizeof(first));
		memcpy(&last, text + len - sizeof(last), sizeof(last));
		return first | (uint64_t)last << 32;
	}
	if (len == 0)
		return 0;
	return (uint8_t)text[0] | (uint64_t)(uint8_t)text[len / 2] << 8 |
	       (uint64_t)(uint8_t)text[len - 1] << 32;
}

uint64_t ls_key_local(const uint8_t hash_key[LS_HASH_KEY_SIZE],
		      const char *user)
{
	size_t len = (size_t)(strchrnul(user, '@') - user), left = len;
	const uint64_t small = UINT64_C(0x2020202020202020); /* bits of letters */
	uint64_t add, key, text;

	memcpy(&add, hash_key, sizeof(add));
	memcpy(&key, hash_key + sizeof(add), sizeof(key));
	do {
		text = left >= sizeof(text) ? eight_bytes(user)
		       : len > left	    ? eight_bytes(user + left - 8)
					    : few_bytes(user, left);
		key = (key ^ (text | small)) + add;
		key = (key >> 32) * (uint32_t)key;
		user += sizeof(text);
		left -= left < sizeof(text) ? left : sizeof(text);
	} while (left > 0);
	/* No bytes of a text undo its length. And a product's low bits are no dice. */
	key += len;
	key = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 32;
}

uint64_t ls_key_text(const uint8_t hash_key[LS_HASH_KEY_SIZE], char what,
		     const char *text)
{
	uint8_t bytes[512];
	size_t len = 0;

	/* No kind of subject is a letter. */
	bytes[len++] = (uint8_t)what;
	while (len < sizeof(bytes) && *text != '\0')
		bytes[len++] = (uint8_t)tolower((unsigned char)*text++);
	return hash_bytes(hash_key, bytes, len);
}

uint64_t ls_key_pair(const uint8_t hash_key[LS_HASH_KEY_SIZE],
		     enum ls_kind kind, uint64_t first, uint64_t second)
{
	uint8_t bytes[1 + 2 * sizeof(uint64_t)];

	memcpy(bytes, &first, sizeof(first));
	memcpy(bytes + sizeof(first), &second, sizeof(second));
	bytes[sizeof(bytes) - 1] = (uint8_t)kind;
	return hash_bytes(hash_key, bytes, sizeof(bytes));
}

uint64_t ls_key_subject(const uint8_t hash_key[LS_HASH_KEY_SIZE],
			const struct ls_subject *subject)
{
	switch (subject->kind) {
	case LS_KIND_USER:
		return ls_key_user(hash_key, subject->user);
	case LS_KIND_PLACE:
		return ls_key_pair(hash_key, LS_KIND_PLACE,
				   ls_key_user(hash_key, subject->user),
				   ls_key_net(hash_key, LS_KIND_NET,
					      &subject->net));
	default:
		return ls_key_net(hash_key, subject->kind, &subject->net);
	}
}
