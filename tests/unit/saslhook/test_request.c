/* test_request.c - the policy delegation parser: what it reads, what it makes
 * of garbage, and that it does not matter how the bytes arrive */
#include "lockstep-config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "request.h"

/* What Postfix 3.7 sends, at the stages that matter. */
#define AT_CONNECT                                                             \
	"request=smtpd_access_policy\n"                                        \
	"protocol_state=CONNECT\n"                                             \
	"protocol_name=SMTP\n"                                                 \
	"client_address=192.0.2.7\n"                                           \
	"client_name=unknown\n"                                                \
	"client_port=50402\n"                                                  \
	"reverse_client_name=unknown\n"                                        \
	"server_address=198.51.100.1\n"                                        \
	"server_port=587\n"                                                    \
	"helo_name=\n"                                                         \
	"sender=\n"                                                            \
	"recipient=\n"                                                         \
	"recipient_count=0\n"                                                  \
	"queue_id=\n"                                                          \
	"instance=1fa2.6720.0.0\n"                                             \
	"size=0\n"                                                             \
	"policy_context=submission\n"                                          \
	"\n"
#define AT_END                                                                 \
	"size=1234567890123\n"                                                 \
	"sender=joe=x@example.com\n"                                           \
	"protocol_state=END-OF-MESSAGE\n"                                      \
	"recipient_count=3\n"                                                  \
	"request=smtpd_access_policy\n"                                        \
	"sasl_username=joe\n"                                                  \
	"sasl_sender=someone@example.net\n"                                    \
	"queue_id=4XY\n"                                                       \
	"instance=1fa2.6720.1.0\n"                                             \
	"client_address=2001:db8::1\n"                                         \
	"\n"
#define SHORT "request=smtpd_access_policy\nprotocol_state=RCPT\n\n"

/* Feed `size` bytes in pieces of at most `piece`; describe each request that
 * was ready in a line of `text`. */
static void parse(const char *data, size_t size, size_t piece, char *text,
		  size_t text_size)
{
	static struct request request;
	size_t length = 0;

	text[0] = '\0';
	request_init(&request);
	while (size > 0) {
		size_t part = size < piece ? size : piece;
		bool ready;
		size_t taken = request_feed(&request, data, part, &ready);

		assert_true(ready ? taken <= part : taken == part);
		assert_true(taken > 0);
		data += taken;
		size -= taken;
		if (!ready)
			continue;
		char why[96];
		request_explain(&request, why, sizeof(why));
		if (request.fault != REQUEST_FAULT_NONE)
			length += (size_t)snprintf(text + length,
						   text_size - length,
						   "fault: %s\n", why);
		else
			length += (size_t)snprintf(
				text + length, text_size - length,
				"%d %s port %u (%s) %s %s %s <%s> <%s> %" PRIu64
				" %" PRIu64 "\n",
				(int)request.stage, request.client_address,
				request.server_port, request.policy_context,
				request.queue_id, request.instance,
				request.sasl_username, request.sender,
				request.recipient, request.recipient_count,
				request.size);
		assert_true(length < text_size);
		request_next(&request);
	}
}

struct example {
	const char *name;
	const char *data;
	size_t size; /* 0: strlen(data) */
	const char *want;
};

static const struct example examples[] = {
	{ "CONNECT", AT_CONNECT, 0,
	  "1 192.0.2.7 port 587 (submission)  1fa2.6720.0.0  <> <> 0 0\n" },
	{ "any order, unknown ones, = in a value", AT_END, 0,
	  "5 2001:db8::1 port 0 () 4XY 1fa2.6720.1.0 joe <joe=x@example.com> "
	  "<> 3 1234567890123\n" },
	{ "pipelined, nothing left over", AT_END SHORT, 0,
	  "5 2001:db8::1 port 0 () 4XY 1fa2.6720.1.0 joe <joe=x@example.com> "
	  "<> 3 1234567890123\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "stages that are nothing to us",
	  "request=smtpd_access_policy\nprotocol_state=EHLO\n\n"
	  "request=smtpd_access_policy\nprotocol_state=connect\n\n"
	  "request=smtpd_access_policy\n\n", 0,
	  "0  port 0 ()    <> <> 0 0\n"
	  "0  port 0 ()    <> <> 0 0\n"
	  "0  port 0 ()    <> <> 0 0\n" },
	{ "the other stages",
	  "request=smtpd_access_policy\nprotocol_state=XCLIENT\n\n"
	  "request=smtpd_access_policy\nprotocol_state=MAIL\n\n"
	  "request=smtpd_access_policy\nprotocol_state=DATA\n\n", 0,
	  "1  port 0 ()    <> <> 0 0\n"
	  "2  port 0 ()    <> <> 0 0\n"
	  "4  port 0 ()    <> <> 0 0\n" },
	{ "a port that is none",
	  "request=smtpd_access_policy\nserver_port=unknown\n\n"
	  "request=smtpd_access_policy\nserver_port=65536\n\n"
	  "request=smtpd_access_policy\nserver_port=65535\n\n", 0,
	  "0  port 0 ()    <> <> 0 0\n"
	  "0  port 0 ()    <> <> 0 0\n"
	  "0  port 65535 ()    <> <> 0 0\n" },
	{ "carriage returns",
	  "request=smtpd_access_policy\r\nsender=a\rb\r\r\n\r\n", 0,
	  "0  port 0 ()    <a\rb\r> <> 0 0\n" },
	{ "names that only begin like ours",
	  "request=smtpd_access_policy\nsiz=1\nsizes=2\n"
	  "recipient_countdown=4\n=5\n\n", 0,
	  "0  port 0 ()    <> <> 0 0\n" },
	{ "largest number",
	  "request=smtpd_access_policy\nsize=18446744073709551615\n\n", 0,
	  "0  port 0 ()    <> <> 0 18446744073709551615\n" },
	{ "not finished", AT_CONNECT "request=smtpd_access_policy\n", 0,
	  "1 192.0.2.7 port 587 (submission)  1fa2.6720.0.0  <> <> 0 0\n" },

	{ "nothing at all", "\n" SHORT, 0,
	  "fault: request=\"\" is not smtpd_access_policy\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "another request", "request=junk\x1b\"\nsize=1\n\n" SHORT, 0,
	  "fault: request=\"junk??\" is not smtpd_access_policy\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "a line without =", "request=smtpd_access_policy\nGET / HTTP/1.0\n"
	  "sender=a@b\n\n" SHORT, 0,
	  "fault: line \"GET / HTTP/1.0\" has no \"=\"\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "a NUL in a value",
	  "request=smtpd_access_policy\nsender=a\0b\n\n" SHORT,
	  sizeof("request=smtpd_access_policy\nsender=a\0b\n\n" SHORT) - 1,
	  "fault: a NUL byte in line \"sender\"\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "a NUL in a name", "size\0s=1\nrequest=smtpd_access_policy\n\n",
	  sizeof("size\0s=1\nrequest=smtpd_access_policy\n\n") - 1,
	  "fault: a NUL byte in line \"size\"\n" },
	{ "given twice",
	  "request=smtpd_access_policy\nclient_address=192.0.2.1\n"
	  "client_address=192.0.2.2\n\n" SHORT, 0,
	  "fault: attribute client_address is given twice\n"
	  "3  port 0 ()    <> <> 0 0\n" },
	{ "given twice, empty first",
	  "request=smtpd_access_policy\nsender=\nsender=x\n\n", 0,
	  "fault: attribute sender is given twice\n" },
	{ "no number", "request=smtpd_access_policy\nrecipient_count=-1\n\n"
	  "request=smtpd_access_policy\nsize=18446744073709551616\n\n", 0,
	  "fault: attribute recipient_count is no number\n"
	  "fault: attribute size is no number\n" },
	{ "the first fault counts",
	  "request=smtpd_access_policy\nsize=x\nnonsense\n\n", 0,
	  "fault: line \"nonsense\" has no \"=\"\n" },
};

static void test_examples(void **state)
{
	char got[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *example = &examples[i];
		size_t size = example->size;

		if (size == 0)
			size = strlen(example->data);
		for (size_t piece = 1; piece <= size; piece++) {
			parse(example->data, size, piece, got, sizeof(got));
			if (strcmp(got, example->want) != 0)
				print_error("%s, in pieces of %zu:\n",
					    example->name, piece);
			assert_string_equal(got, example->want);
		}
	}
}

/* Build `request=...\n<name>=<length times fill>\n\n` and a good request. */
static char *long_request(const char *name, size_t length, char fill,
			  size_t *size_r)
{
	size_t size = length + strlen(name) + 128;
	char *data = malloc(size);

	assert_non_null(data);
	int used = snprintf(data, size, "request=smtpd_access_policy\n%s=",
			    name);
	memset(data + used, fill, length);
	used += (int)length;
	used += snprintf(data + used, size - (size_t)used, "\n\n" SHORT);
	*size_r = (size_t)used;
	return data;
}

static void test_lengths(void **state)
{
	static const char good[] = "3  port 0 ()    <> <> 0 0\n";
	static const struct {
		const char *name;
		size_t length;
		const char *want; /* of the first request; NULL: no fault */
	} rows[] = {
		{ "policy_context", 63, NULL },
		{ "policy_context", 64,
		  "fault: attribute policy_context is too long\n" },
		{ "sender", 2559, NULL },
		{ "sender", 2560, "fault: attribute sender is too long\n" },
		/* Newlines do not count; the other line has 27 bytes. */
		{ "ccert_subject", 65536 - 27 - 14, NULL },
		{ "ccert_subject", 65536 - 27 - 13,
		  "fault: longer than 65536 bytes, in line "
		  "\"ccert_subject\"\n" },
		{ "ccert_subject", 70000, "fault: longer than 65536 bytes, "
					  "in line \"ccert_subject\"\n" },
		{ "sender", 10000000, "fault: longer than 65536 bytes, "
				      "in line \"sender\"\n" },
	};
	static const size_t pieces[] = { 1, 7, 4096, 16384, SIZE_MAX };
	char got[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size;
		char *data = long_request(rows[i].name, rows[i].length, 'x',
					  &size);

		for (size_t j = 0; j < sizeof(pieces) / sizeof(*pieces); j++) {
			parse(data, size, pieces[j], got, sizeof(got));
			size_t first = (size_t)(strchr(got, '\n') - got) + 1;
			assert_string_equal(got + first, good);
			if (rows[i].want == NULL)
				assert_int_not_equal(strncmp(got, "fault", 5),
						     0);
			else
				assert_memory_equal(got, rows[i].want, first);
		}
		free(data);
	}
}

/* Too much is answered before it ends, once, and what follows is understood. */
static void test_too_much(void **state)
{
	static struct request request;
	static const char line[] = "no_attribute_of_ours=123456789\n";
	size_t answers = 0;
	bool ready;

	(void)state;
	request_init(&request);
	for (int i = 0; i < 10000; i++) {
		size_t done = 0;

		while (done < sizeof(line) - 1) {
			done += request_feed(&request, line + done,
					     sizeof(line) - 1 - done, &ready);
			if (ready) {
				assert_int_equal(request.fault,
						 REQUEST_FAULT_TOO_MUCH);
				request_next(&request);
				answers++;
			}
		}
	}
	assert_int_equal(answers, 1);
	assert_int_equal(request_feed(&request, "\n", 1, &ready), 1);
	assert_false(ready);
	assert_int_equal(request_feed(&request, SHORT, strlen(SHORT), &ready),
			 strlen(SHORT));
	assert_true(ready);
	assert_int_equal(request.fault, REQUEST_FAULT_NONE);
	assert_int_equal(request.stage, REQUEST_STAGE_RCPT);
}

static void test_printable(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *want;
	} rows[] = {
		{ "joe@example.com", 32, "joe@example.com" },
		{ "a\nb\r\x7f\x80\xff\"c\"", 32, "a?b?????c?" },
		{ "cut here", 4, "cut" },
		{ "gone", 1, "" },
	};
	char got[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request_printable(rows[i].text, got, rows[i].size);
		assert_string_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
