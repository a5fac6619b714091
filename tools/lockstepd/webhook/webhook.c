#include "lockstep-config.h"

#include "webhook/webhook.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "shared/log.h"

_Static_assert(sodium_base64_ENCODED_LEN(crypto_auth_hmacsha256_BYTES,
					 sodium_base64_VARIANT_ORIGINAL) == 45,
	       "a signature is 44 characters of base64 and a NUL");

void webhook_id(const char *map, const char *hook,
		const struct webhook_span span[EVENT_JOURNALS],
		char id_r[WEBHOOK_ID_TEXT])
{
	crypto_generichash_state state;
	uint8_t hash[16];
	char text[64];

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	/* with the NULs, so that the parts cannot run into each other */
	crypto_generichash_update(&state, (const uint8_t *)map,
				  strlen(map) + 1);
	crypto_generichash_update(&state, (const uint8_t *)hook,
				  strlen(hook) + 1);
	for (int i = 0; i < EVENT_JOURNALS; i++) {
		int length;

		if (!span[i].any)
			continue;
		length = snprintf(text, sizeof(text),
				  "%d:%" PRIu64 "-%" PRIu64 ";", i,
				  span[i].first, span[i].last);
		crypto_generichash_update(&state, (const uint8_t *)text,
					  (unsigned long long)length);
	}
	crypto_generichash_final(&state, hash, sizeof(hash));
	memcpy(id_r, "msg_", 4);
	sodium_bin2hex(id_r + 4, WEBHOOK_ID_TEXT - 4, hash, sizeof(hash));
}

char *webhook_body(const json_t *message)
{
	char *body = json_dumps(message, JSON_COMPACT);

	if (body == NULL)
		log_fatal("out of memory");
	return body;
}

static void sign_body(const struct secret_key *key, const char *prefix,
		      const char *body, size_t length, char text_r[45])
{
	crypto_auth_hmacsha256_state state;
	uint8_t mac[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256_init(&state, key->octet, key->length);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)prefix,
				      strlen(prefix));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)body, length);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2base64(text_r, 45, mac, sizeof(mac),
			  sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(&state, sizeof(state));
}

void webhook_sign(const struct secret *secret, const char *id,
		  int64_t timestamp, const char *body, size_t length,
		  char text_r[WEBHOOK_SIGNATURE_TEXT])
{
	char prefix[128], *out = text_r;

	snprintf(prefix, sizeof(prefix), "%s.%" PRId64 ".", id, timestamp);
	*out = '\0';
	for (unsigned i = 0; i < secret->keys; i++) {
		if (i > 0)
			*out++ = ' ';
		memcpy(out, "v1,", 3);
		sign_body(&secret->key[i], prefix, body, length, out + 3);
		out += 3 + 44;
	}
}
