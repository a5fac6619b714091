/* test_webhook.c - what a message says, how it is signed, and that no input
 * makes it too large or no JSON */
#include "lockstep-config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "outbox/digest.h"
#include "webhook/secret.h"
#include "webhook/webhook.h"
#include "shared/event.h"

/* 2026-11-22T02:14:05.123Z, 100 s after the machine started */
static const struct event_clock moment = {
	.now_ms = 100000,
	.real_ms = UINT64_C(1795313645123),
};

static struct secret secret_of(const char *text)
{
	struct ls_error error;
	struct secret secret;

	assert_int_equal(secret_parse(text, strlen(text), &secret, &error), 0);
	return secret;
}

/* The vector of the Standard Webhooks reference libraries: github.com/
 * standard-webhooks/standard-webhooks, libraries/javascript/src/
 * webhook.test.ts, "sign function works". */
#define VECTOR_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define VECTOR_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define VECTOR_BODY "{\"test\": 2432232314}"
#define VECTOR_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
enum { VECTOR_TIMESTAMP = 1614265330 };

static void test_sign_vector(void **context)
{
	struct secret secret = secret_of(VECTOR_SECRET);
	char got[WEBHOOK_SIGNATURE_TEXT];

	(void)context;
	webhook_sign(&secret, VECTOR_ID, VECTOR_TIMESTAMP, VECTOR_BODY,
		     strlen(VECTOR_BODY), got);
	assert_string_equal(got, VECTOR_SIGNATURE);
}

/* The limits of a secret's length; got by Python's hmac and hashlib. */
static void test_sign_lengths(void **context)
{
	struct secret secret = { .keys = 1 };
	char got[WEBHOOK_SIGNATURE_TEXT];

	(void)context;
	secret.key[0].length = SECRET_OCTETS_MAX;
	for (int i = 0; i < SECRET_OCTETS_MAX; i++)
		secret.key[0].octet[i] = (uint8_t)i;
	webhook_sign(&secret, "msg_1", 1, "", 0, got);
	assert_string_equal(got, "v1,"
			    "y3OiG7jrnHwBDvR01rTzi24DTnufeoV4Sm78kdPIVGU=");
}

static void test_sign_rotation(void **context)
{
	struct secret secret = secret_of(
		"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" VECTOR_SECRET "\n"
		VECTOR_SECRET "\n" VECTOR_SECRET "\n");
	char got[WEBHOOK_SIGNATURE_TEXT];

	(void)context;
	webhook_sign(&secret, VECTOR_ID, VECTOR_TIMESTAMP, VECTOR_BODY,
		     strlen(VECTOR_BODY), got);
	assert_int_equal(strlen(got), sizeof(got) - 1);
	assert_memory_equal(got, "v1,", 3);
	assert_memory_not_equal(got, VECTOR_SIGNATURE, 47);
	assert_string_equal(got + 47, " " VECTOR_SIGNATURE " " VECTOR_SIGNATURE
			    " " VECTOR_SIGNATURE);
	secret_wipe(&secret);
	assert_int_equal(secret.keys, 0);
	assert_true(sodium_is_zero(secret.key[1].octet, SECRET_OCTETS_MAX));
}

static void test_id(void **context)
{
	const struct webhook_span one[EVENT_JOURNALS] = {
		{ .first = 7, .last = 7, .any = true },
	};
	const struct webhook_span other[EVENT_JOURNALS] = {
		{ .any = false }, { .first = 7, .last = 7, .any = true },
	};
	const struct webhook_span longer[EVENT_JOURNALS] = {
		{ .first = 7, .last = 8, .any = true },
	};
	char ids[6][WEBHOOK_ID_TEXT], again[WEBHOOK_ID_TEXT];

	(void)context;
	webhook_id("map", "ops", one, ids[0]);
	webhook_id("map", "ops", other, ids[1]);
	webhook_id("map", "ops", longer, ids[2]);
	webhook_id("map2", "ops", one, ids[3]);
	webhook_id("map", "ops2", one, ids[4]);
	webhook_id("mapo", "ps", one, ids[5]);
	webhook_id("map", "ops", one, again);
	assert_string_equal(again, ids[0]);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(strlen(ids[i]), 36);
		assert_int_equal(strspn(ids[i], "msg_0123456789abcdef"), 36);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

static void test_time(void **context)
{
	static const struct {
		uint64_t at_ms;
		const char *want;
	} cases[] = {
		{ 100000, "2026-11-22T02:14:05.123Z" },
		{ 99999, "2026-11-22T02:14:05.122Z" },
		{ 0, "2026-11-22T02:12:25.123Z" },
		{ 100000 + 86400000, "2026-11-23T02:14:05.123Z" },
		{ UINT64_MAX, "9999-12-31T23:59:59.999Z" },
		{ UINT64_MAX / 2, "9999-12-31T23:59:59.999Z" },
	};
	static const struct event_clock wrong = { .now_ms = 5, .real_ms = 3 };
	char got[EVENT_TIME_TEXT];

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		event_time_format(event_real_ms(&moment, cases[i].at_ms), got);
		assert_string_equal(got, cases[i].want);
	}
	assert_int_equal(event_real_ms(&wrong, 0), 0);
	event_time_format(0, got);
	assert_string_equal(got, "1970-01-01T00:00:00.000Z");
}

static struct ls_record lock_of(enum ls_kind kind, const char *net,
				const char *user)
{
	struct ls_record record = {
		.number = 41,
		.at_ms = 99000,
		.event = LS_EVENT_LOCK,
		.reason = LS_REASON_FAILURES,
		.strikes = 2,
		.until_ms = 1299000,
		.subject.kind = kind,
	};

	if (net != NULL)
		assert_int_equal(ls_prefix_parse(net, &record.subject.net), 0);
	if (user != NULL)
		snprintf(record.subject.user, sizeof(record.subject.user), "%s",
			 user);
	return record;
}

static void check_event(const struct ls_record *record, const char *want)
{
	json_t *event = event_json("mx1", LS_JOURNAL_GUARD, record, NULL,
				   &moment);
	char *got = webhook_body(event);

	assert_string_equal(got, want);
	free(got);
	json_decref(event);
}

#define HEAD(type)                                                             \
	"{\"type\":\"" type "\",\"timestamp\":\"2026-11-22T02:14:04.123Z\","   \
	"\"data\":{\"host\":\"mx1\",\"journal\":\"guard\",\"record\":41,"
#define LOCK_TAIL                                                              \
	"\"reason\":\"failures\",\"strikes\":2,"                               \
	"\"since\":\"2026-11-22T02:14:04.123Z\","                              \
	"\"until\":\"2026-11-22T02:34:04.123Z\",\"origin\":\"rule\"}}"

static void test_locks(void **context)
{
	struct ls_record record;

	(void)context;
	record = lock_of(LS_KIND_IP, "192.0.2.1", NULL);
	check_event(&record, HEAD("lock")
		    "\"kind\":\"ip\",\"subject\":\"192.0.2.1\","
		    "\"address\":\"192.0.2.1\"," LOCK_TAIL);
	record = lock_of(LS_KIND_IP, "2001:db8::/64", NULL);
	check_event(&record, HEAD("lock")
		    "\"kind\":\"ip\",\"subject\":\"2001:db8::/64\","
		    "\"network\":\"2001:db8::/64\"," LOCK_TAIL);
	record = lock_of(LS_KIND_USER, NULL, "joe@example.com");
	check_event(&record, HEAD("lock")
		    "\"kind\":\"user\",\"subject\":\"joe@example.com\","
		    "\"user\":\"joe@example.com\"," LOCK_TAIL);
	record = lock_of(LS_KIND_PLACE, "192.0.2.0/24", "joe");
	check_event(&record, HEAD("lock")
		    "\"kind\":\"place\",\"subject\":\"joe from 192.0.2.0/24\","
		    "\"network\":\"192.0.2.0/24\",\"user\":\"joe\"," LOCK_TAIL);
}

static void test_other_events(void **context)
{
	struct ls_record record;

	(void)context;
	record = lock_of(LS_KIND_NET, "192.0.2.0/24", NULL);
	record.event = LS_EVENT_UNLOCK;
	record.reason = LS_REASON_NONE;
	record.origin = LS_ORIGIN_ADMIN;
	snprintf(record.detail, sizeof(record.detail), "root");
	check_event(&record, HEAD("unlock")
		    "\"kind\":\"net\",\"subject\":\"192.0.2.0/24\","
		    "\"network\":\"192.0.2.0/24\",\"origin\":\"admin\","
		    "\"by\":\"root\"}}");

	record = lock_of(LS_KIND_IP, "192.0.2.1", NULL);
	record.event = LS_EVENT_TRUST;
	record.reason = LS_REASON_NONE;
	record.origin = LS_ORIGIN_ADMIN;
	check_event(&record, HEAD("trust")
		    "\"kind\":\"ip\",\"subject\":\"192.0.2.1\","
		    "\"address\":\"192.0.2.1\","
		    "\"until\":\"2026-11-22T02:34:04.123Z\","
		    "\"origin\":\"admin\"}}");

	record = lock_of(LS_KIND_IP, "192.0.2.1", "joe");
	record.event = LS_EVENT_LOGIN;
	record.verdict = LS_ADMIT;
	record.wanted = LS_DENY;
	record.outcome = LS_OUTCOME_WRONG;
	snprintf(record.service, sizeof(record.service), "imap");
	snprintf(record.mech, sizeof(record.mech), "PLAIN");
	check_event(&record, HEAD("login")
		    "\"service\":\"imap\",\"mech\":\"PLAIN\","
		    "\"address\":\"192.0.2.1\",\"user\":\"joe\","
		    "\"verdict\":\"admit\",\"outcome\":\"wrong\","
		    "\"reason\":\"failures\",\"kind\":\"ip\","
		    "\"wanted\":\"deny\"}}");
	record.untold = 4711;
	check_event(&record, HEAD("login")
		    "\"service\":\"imap\",\"mech\":\"PLAIN\","
		    "\"address\":\"192.0.2.1\",\"user\":\"joe\","
		    "\"verdict\":\"admit\",\"outcome\":\"wrong\","
		    "\"reason\":\"failures\",\"kind\":\"ip\","
		    "\"unrecorded\":4711,\"wanted\":\"deny\"}}");
}

static void test_messages(void **context)
{
	struct ls_record record = lock_of(LS_KIND_SENDING, "192.0.2.1", "joe");

	(void)context;
	record.event = LS_EVENT_MESSAGE;
	record.verdict = record.wanted = LS_HOLD;
	record.reason = LS_REASON_SENDING;
	strcpy(record.service, "smtp");
	strcpy(record.detail, "4Xyz");
	strcpy(record.more, "a.example b.example");
	check_event(&record, HEAD("message")
		    "\"service\":\"smtp\",\"address\":\"192.0.2.1\","
		    "\"user\":\"joe\",\"verdict\":\"hold\","
		    "\"reason\":\"sending\",\"kind\":\"sending\","
		    "\"queue_id\":\"4Xyz\","
		    "\"domains\":[\"a.example\",\"b.example\"]}}");
	record.event = LS_EVENT_ALARM;
	record.verdict = record.wanted = LS_DENY;
	record.reason = LS_REASON_NEW_RECIPIENTS;
	record.more[0] = '\0';
	check_event(&record, HEAD("alarm")
		    "\"service\":\"smtp\",\"address\":\"192.0.2.1\","
		    "\"user\":\"joe\",\"verdict\":\"deny\","
		    "\"reason\":\"new-recipients\",\"kind\":\"sending\","
		    "\"queue_id\":\"4Xyz\"}}");
	/* of guesses at accounts that are familiar there */
	record.subject.kind = LS_KIND_NET;
	record.subject.user[0] = '\0';
	record.detail[0] = '\0';
	record.verdict = record.wanted = LS_ADMIT;
	record.outcome = LS_OUTCOME_WRONG;
	record.reason = LS_REASON_ACCOUNTS;
	record.until_ms = record.at_ms + 600000;
	check_event(&record, HEAD("alarm")
		    "\"service\":\"smtp\",\"address\":\"192.0.2.1\","
		    "\"verdict\":\"admit\",\"outcome\":\"wrong\","
		    "\"reason\":\"accounts\",\"kind\":\"net\","
		    "\"until\":\"2026-11-22T02:24:04.123Z\"}}");
}

/* Names that strangers made up, and texts that fill their fields. */
static void test_hostile_text(void **context)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "j\xc3\xb6rg", "j\xc3\xb6rg" },
		{ "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82\x41", "\xef\xbf\xbd\xef\xbf\xbd\x41" },
		{ "\x01\"\\\n", "\x01\"\\\n" },
	};
	struct ls_record record;
	json_t *event;
	char *body;

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *got = event_text(cases[i].text,
					 strlen(cases[i].text));

		assert_string_equal(json_string_value(got), cases[i].want);
		json_decref(got);
	}
	for (int byte = 1; byte < 256; byte++) {
		memset(&record, byte, sizeof(record));
		record.event = LS_EVENT_LOCK;
		record.subject.net.bits = 128;
		record.subject.kind = LS_KIND_USER;
		record.subject.user[LS_USER_MAX] = '\0';
		event = event_json("mx1", LS_JOURNAL_GUARD, &record, NULL,
				   &moment);
		body = webhook_body(event);
		assert_true(strlen(body) < WEBHOOK_BODY_MAX);
		free(body);
		json_decref(event);
	}
}

static json_t *digest_message(const struct digest *digest)
{
	char *body = digest_body(digest, "mx1", &moment);
	json_t *message;

	assert_true(strlen(body) <= WEBHOOK_BODY_MAX);
	message = json_loads(body, 0, NULL);
	assert_non_null(message);
	free(body);
	return message;
}

static json_int_t number_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void test_digest(void **context)
{
	struct ls_record record = lock_of(LS_KIND_IP, "192.0.2.1", NULL);
	struct digest digest = { 0 };
	json_t *message, *data;

	(void)context;
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	record.number = 44;
	record.at_ms = 90000;
	record.event = LS_EVENT_UNLOCK;
	record.reason = LS_REASON_ADMIN;
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	assert_int_equal(digest.first_ms, moment.now_ms);
	assert_int_equal(digest.span[LS_JOURNAL_GUARD].first, 41);
	assert_int_equal(digest.span[LS_JOURNAL_GUARD].last, 44);
	assert_false(digest.span[LS_JOURNAL_SESSIONS].any);

	message = digest_message(&digest);
	data = json_object_get(message, "data");
	assert_string_equal(json_string_value(json_object_get(message, "type")),
			    "digest");
	assert_string_equal(json_string_value(json_object_get(data, "from")),
			    "2026-11-22T02:13:55.123Z");
	assert_string_equal(json_string_value(json_object_get(data, "to")),
			    "2026-11-22T02:14:04.123Z");
	assert_int_equal(number_at(data, "count"), 2);
	assert_int_equal(number_at(data, "omitted"), 0);
	assert_int_equal(number_at(json_object_get(data, "types"), "lock"), 1);
	assert_int_equal(number_at(json_object_get(data, "types"), "unlock"),
			 1);
	assert_int_equal(number_at(json_object_get(data, "reasons"), "admin"),
			 1);
	assert_int_equal(json_array_size(json_object_get(data, "events")), 2);
	json_decref(message);
	digest_clear(&digest);
	assert_int_equal(digest.count, 0);
}

/* However many events, and however long: the body stays within its limit, and
 * the ones that are left out are counted. */
static void test_digest_bounded(void **context)
{
	static const int fills[] = { 'a', 0x01, 0xff };

	(void)context;
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		struct ls_record record = lock_of(LS_KIND_PLACE,
						  "2001:db8::/48", NULL);
		struct digest digest = { 0 };
		json_t *message, *data;
		json_int_t listed;

		memset(record.subject.user, fills[i], LS_USER_MAX);
		for (int count = 0; count < 5000; count++) {
			record.reason = (enum ls_reason)
				(count % LS_REASON_COUNT);
			record.event = (enum ls_event)(count % LS_EVENT_COUNT);
			digest_add(&digest, LS_JOURNAL_SESSIONS, &record, NULL,
				   &moment);
		}
		message = digest_message(&digest);
		data = json_object_get(message, "data");
		listed = (json_int_t)json_array_size(
			json_object_get(data, "events"));
		assert_true(listed > 3);
		assert_int_equal(number_at(data, "count"), 5000);
		assert_int_equal(number_at(data, "omitted"), 5000 - listed);
		json_decref(message);
		digest_clear(&digest);
	}
}

/* What has no record of its own counts like what has. */
static void test_digest_counts_untold(void **context)
{
	struct ls_record record = lock_of(LS_KIND_IP, "192.0.2.1", "joe");
	struct digest digest = { 0 };
	json_t *message, *data;

	(void)context;
	record.event = LS_EVENT_LOGIN;
	record.untold = 99;
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	record.untold = 0;
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	message = digest_message(&digest);
	data = json_object_get(message, "data");
	assert_int_equal(number_at(data, "count"), 101);
	assert_int_equal(number_at(json_object_get(data, "types"), "login"),
			 101);
	assert_int_equal(number_at(data, "omitted"), 99);
	json_decref(message);
	digest_clear(&digest);
}

/* The list is a beginning of what there was, the gravest first, however late it
 * came; and programs find the frozen accounts in one place. */
static void test_digest_order(void **context)
{
	static const enum ls_event want[] = { LS_EVENT_FREEZE, LS_EVENT_FREEZE,
					      LS_EVENT_SUSPICIOUS,
					      LS_EVENT_LOCK, LS_EVENT_LOCK };
	struct ls_record record = lock_of(LS_KIND_USER, NULL, "joe");
	struct digest digest = { 0 };
	json_t *message, *data, *events;
	json_int_t listed;

	(void)context;
	for (unsigned i = 0; i < 1000; i++) {
		record.number = i;
		record.event = i == 997	  ? LS_EVENT_SUSPICIOUS
			       : i >= 998 ? LS_EVENT_FREEZE
			       : i % 2	  ? LS_EVENT_LOCK
					  : LS_EVENT_UNLOCK;
		digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	}
	message = digest_message(&digest);
	data = json_object_get(message, "data");
	events = json_object_get(data, "events");
	listed = (json_int_t)json_array_size(events);
	assert_in_range(listed, 40, 200);
	assert_int_equal(number_at(data, "omitted"), 1000 - listed);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_string_equal(json_string_value(json_object_get(
					    json_array_get(events, i), "type")),
				    ls_event_name(want[i]));
	for (json_int_t i = 3; i < listed; i++)
		assert_int_equal(
			number_at(json_object_get(json_array_get(events,
								 (size_t)i),
						  "data"),
				  "record"),
			2 * (i - 3) + 1);
	assert_int_equal(json_array_size(json_object_get(data, "frozen")), 1);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(data, "frozen"), 0)),
			    "joe");
	json_decref(message);
	digest_clear(&digest);
}

/* What would still fit behind one that was left out would hide that one. */
static void test_digest_has_no_holes(void **context)
{
	struct ls_record record = lock_of(LS_KIND_USER, NULL, NULL);
	struct digest digest = { 0 };
	size_t listed;

	(void)context;
	memset(record.subject.user, 'a', LS_USER_MAX);
	do
		digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	while (json_array_size(digest.events) == digest.count);
	listed = json_array_size(digest.events);
	record = lock_of(LS_KIND_USER, NULL, "b");
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	assert_int_equal(json_array_size(digest.events), listed);
	record.event = LS_EVENT_UNLOCK;
	digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	assert_int_equal(json_array_size(digest.events), listed);
	digest_clear(&digest);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_vector),
		cmocka_unit_test(test_sign_lengths),
		cmocka_unit_test(test_sign_rotation),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_other_events),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_digest_bounded),
		cmocka_unit_test(test_digest_order),
		cmocka_unit_test(test_digest_has_no_holes),
		cmocka_unit_test(test_digest_counts_untold),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
