/* fuzz_request.c - any bytes at all through the policy delegation parser
 *
 * The input is what a client of lockstep-policy sends. It is parsed whole, in
 * pieces of 7 and byte by byte, and each time the same must come out. Seeds:
 * tests/fuzz/seeds/request. */
#include "lockstep-config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_request: %s\n", what);
	abort();
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Checks a text of the request, and adds it to the hash. */
static uint64_t mix_text(uint64_t hash, const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	check(length < room, "a text has no end");
	check(memchr(text, '\n', length) == NULL, "a text has a newline");
	return mix(hash, text, length + 1);
}

#define MIX_TEXT(hash, text) mix_text(hash, text, sizeof(text))

static uint64_t mix_request(uint64_t hash, const struct request *request)
{
	char why[96];

	hash = mix(hash, &request->fault, sizeof(request->fault));
	hash = mix(hash, &request->stage, sizeof(request->stage));
	hash = mix(hash, &request->server_port, sizeof(request->server_port));
	hash = mix(hash, &request->recipient_count,
		   sizeof(request->recipient_count));
	hash = mix(hash, &request->size, sizeof(request->size));
	hash = MIX_TEXT(hash, request->client_address);
	hash = MIX_TEXT(hash, request->policy_context);
	hash = MIX_TEXT(hash, request->queue_id);
	hash = MIX_TEXT(hash, request->instance);
	hash = MIX_TEXT(hash, request->sasl_username);
	hash = MIX_TEXT(hash, request->sender);
	hash = MIX_TEXT(hash, request->recipient);
	request_explain(request, why, sizeof(why));
	for (const char *c = why; *c != '\0'; c++)
		check(*c >= ' ' && *c <= '~', "a log line is not printable");
	return MIX_TEXT(hash, why);
}

/* Returns a hash of all that came out. */
static uint64_t parse(const char *data, size_t size, size_t piece)
{
	static struct request request;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	request_init(&request);
	while (size > 0) {
		size_t part = size < piece ? size : piece;
		bool ready;
		size_t taken = request_feed(&request, data, part, &ready);

		check(taken > 0 && taken <= part, "bytes taken");
		check(ready || taken == part, "bytes left though not ready");
		data += taken;
		size -= taken;
		if (ready) {
			hash = mix_request(hash, &request);
			request_next(&request);
		}
	}
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	uint64_t whole;

	if (size == 0)
		return 0;
	whole = parse(bytes, size, size);
	check(parse(bytes, size, 7) == whole, "pieces of 7 differ");
	check(parse(bytes, size, 1) == whole, "single bytes differ");
	return 0;
}
