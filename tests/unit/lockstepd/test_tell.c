/* test_tell.c - every event has words, and the right ones */
#include "lockstep-config.h"

#include "chat_bed.h"

static void check_record(const struct ls_record *record, const char *want)
{
	json_t *message = event_json("mx1", LS_JOURNAL_GUARD, record, NULL,
				     &moment);

	check_post(LS_FORMAT_NTFY, message, want);
	json_decref(message);
}

static void check_json(enum ls_format format, const char *json,
		       const char *want)
{
	json_t *message = json_loads(json, 0, NULL);

	assert_non_null(message);
	check_post(format, message, want);
	json_decref(message);
}

static void test_locks(void **state)
{
	struct ls_record record;

	(void)state;
	record = record_of(LS_EVENT_LOCK, LS_KIND_IP, "192.0.2.1", NULL);
	record.reason = LS_REASON_FAILURES;
	record.strikes = 1;
	check_record(&record, "mx1: address 192.0.2.1 is locked until 02:34 "
			      "UTC: too many wrong passwords");
	record.strikes = 2;
	record.until_ms = 86400000;
	check_record(&record, "mx1: address 192.0.2.1 is locked until "
			      "2026-11-23 02:12 UTC, for the 2nd time lately: "
			      "too many wrong passwords");
	record = record_of(LS_EVENT_LOCK, LS_KIND_USER, NULL, "joe");
	record.reason = LS_REASON_FAILURES_SLOW;
	record.strikes = 11;
	check_record(&record, "mx1: user joe is locked for strangers until "
			      "02:34 UTC, for the 11th time lately: too many "
			      "wrong passwords over a long time");
	record = record_of(LS_EVENT_LOCK, LS_KIND_PLACE, "192.0.2.0/24", "joe");
	record.reason = LS_REASON_REPEATS;
	check_record(&record, "mx1: user joe from 192.0.2.0/24 is locked until "
			      "02:34 UTC: the same wrong password over and "
			      "over");
	record = record_of(LS_EVENT_LOCK, LS_KIND_GUESS, NULL, NULL);
	record.reason = LS_REASON_ACCOUNTS;
	check_record(&record, "mx1: a wrong password is locked until 02:34 UTC: "
			      "failed logins to too many accounts");
	record = record_of(LS_EVENT_LOCK, LS_KIND_NET, "192.0.2.0/24", NULL);
	record.origin = LS_ORIGIN_ADMIN;
	record.reason = LS_REASON_ADMIN;
	strcpy(record.detail, "root");
	strcpy(record.more, "ticket 4711");
	check_record(&record, "mx1: network 192.0.2.0/24 is locked until 02:34 "
			      "UTC by root: ticket 4711");
	record.event = LS_EVENT_UNLOCK;
	check_record(&record, "mx1: network 192.0.2.0/24 is unlocked by root: "
			      "ticket 4711");
	record.event = LS_EVENT_TRUST;
	record.detail[0] = record.more[0] = '\0';
	check_record(&record, "mx1: network 192.0.2.0/24 is trusted until 02:34 "
			      "UTC by an administrator");
	record.event = LS_EVENT_DISTRUST;
	check_record(&record, "mx1: network 192.0.2.0/24 is trusted no more by "
			      "an administrator");
	record = record_of(LS_EVENT_FORGET, LS_KIND_USER, NULL, "joe");
	record.origin = LS_ORIGIN_ADMIN;
	check_record(&record, "mx1: familiar places of user joe are forgotten "
			      "by an administrator");
	record.event = LS_EVENT_RELEASE;
	check_record(&record, "mx1: user joe is released by an administrator");
}

#define FREEZE_OF(evidence)                                                    \
	"{\"type\":\"freeze\",\"timestamp\":\"2026-11-22T02:14:04.123Z\","     \
	"\"data\":{\"host\":\"mx1\",\"kind\":\"user\",\"reason\":\"sending\"," \
	"\"subject\":\"joe@example.com\",\"origin\":\"rule\","                 \
	"\"until\":\"2026-11-22T14:05:00.000Z\",\"evidence\":{" evidence "}}}"
#define FREEZE                                                                 \
	FREEZE_OF("\"messages\":600,\"recipients\":1437,\"queue_id\":\"4Xyz\"," \
		  "\"addresses\":[{\"address\":\"203.0.113.77\"},"             \
		  "{\"address\":\"2001:db8::1\"},{\"address\":\"192.0.2.1\"}," \
		  "{\"address\":\"192.0.2.2\"},{\"address\":\"192.0.2.3\"}],"  \
		  "\"networks\":[{\"network\":\"198.51.100.0/24\"}]")

static void test_freeze(void **state)
{
	struct ls_record record =
		record_of(LS_EVENT_FREEZE, LS_KIND_USER, NULL, "joe");

	(void)state;
	check_json(LS_FORMAT_TEAMS, FREEZE,
		   "mx1: user joe@example.com is frozen until 14:05 UTC: it "
		   "tried to send 600 messages to 1437 recipients; used from "
		   "203.0.113.77, 2001:db8::1, 192.0.2.1 and 2 more, usually "
		   "from 198.51.100.0/24; queue id of its last message: "
		   "4Xyz");
	check_json(LS_FORMAT_SLACK, FREEZE,
		   "`mx1`: user `joe@example.com` is frozen until 14:05 UTC: "
		   "it tried to send 600 messages to 1437 recipients; used "
		   "from `203.0.113.77`, `2001:db8::1`, `192.0.2.1` and 2 "
		   "more, usually from `198.51.100.0/24`; queue id of "
		   "its last message: `4Xyz`");
	check_json(LS_FORMAT_DISCORD, FREEZE,
		   "mx1: user joe\\@example.com is frozen until 14:05 UTC: it "
		   "tried to send 600 messages to 1437 recipients; used from "
		   "203.0.113.77, 2001\\:db8\\:\\:1, 192.0.2.1 and 2 more, "
		   "usually from 198.51.100.0\\/24; queue id of its last "
		   "message: 4Xyz");
	/* Of what the policy has no limit, there is no count. */
	check_json(LS_FORMAT_TEAMS, FREEZE_OF("\"messages\":600"),
		   "mx1: user joe@example.com is frozen until 14:05 UTC: it "
		   "tried to send 600 messages");
	check_json(LS_FORMAT_TEAMS, FREEZE_OF("\"recipients\":7"),
		   "mx1: user joe@example.com is frozen until 14:05 UTC: it "
		   "tried to send to 7 recipients");
	record.origin = LS_ORIGIN_ADMIN;
	record.reason = LS_REASON_ADMIN;
	strcpy(record.detail, "root");
	check_record(&record, "mx1: user joe is frozen until 02:34 UTC by root");
}

static void test_attempts(void **state)
{
	struct ls_record record =
		record_of(LS_EVENT_LOGIN, LS_KIND_IP, "192.0.2.1", "joe");

	(void)state;
	strcpy(record.service, "imap");
	record.verdict = record.wanted = LS_DENY;
	record.reason = LS_REASON_FAILURES;
	check_record(&record, "mx1: user joe from 192.0.2.1 (imap) was refused "
			      "a login: too many wrong passwords (limit of the "
			      "address)");
	record.reason = LS_REASON_ADMIN; /* which is no limit */
	check_record(&record, "mx1: user joe from 192.0.2.1 (imap) was refused "
			      "a login: an administrator said so");
	record.reason = LS_REASON_DENIED;
	record.subject.user[0] = '\0';
	check_record(&record, "mx1: somebody from 192.0.2.1 (imap) was refused "
			      "a login: the policy denies the network");
	strcpy(record.subject.user, "joe");
	record.reason = LS_REASON_FAILURES;
	record.verdict = LS_ADMIT;
	record.outcome = LS_OUTCOME_WRONG;
	check_record(&record, "mx1: user joe from 192.0.2.1 (imap) failed to "
			      "log in with a wrong name or password: too many "
			      "wrong passwords (limit of the address); observed only: "
			      "it would be refused");
	record.wanted = LS_ADMIT;
	record.reason = LS_REASON_NONE;
	record.outcome = LS_OUTCOME_SUCCESS;
	check_record(&record, "mx1: user joe from 192.0.2.1 (imap) logged in");
	record.event = LS_EVENT_SUSPICIOUS;
	record.reason = LS_REASON_FAILURES;
	check_record(&record, "mx1: user joe logged in from 192.0.2.1 (imap), "
			      "and that may be a thief: somebody was guessing "
			      "its password; on probation until 02:34 UTC");
	record.event = LS_EVENT_SESSION_END;
	record.at_ms = 99000;
	record.until_ms = 39000;
	strcpy(record.mech, "closed");
	check_record(&record, "mx1: a session of user joe from 192.0.2.1 (imap) "
			      "ended after 60 seconds: closed");
	record.event = LS_EVENT_CONNECT;
	record.verdict = record.wanted = LS_DENY;
	record.subject.user[0] = '\0';
	record.reason = LS_REASON_DENIED;
	record.subject.kind = LS_KIND_NONE;
	check_record(&record, "mx1: a connection from 192.0.2.1 (imap) was "
			      "refused: the policy denies the network");
}

static void test_mail(void **state)
{
	struct ls_record record = record_of(LS_EVENT_MESSAGE, LS_KIND_SENDING,
					    "192.0.2.1", "joe");

	(void)state;
	strcpy(record.service, "smtp");
	strcpy(record.more, "a.example b.example");
	record.verdict = record.wanted = LS_HOLD;
	record.reason = LS_REASON_SENDING;
	check_record(&record, "mx1: a message of user joe from 192.0.2.1 (smtp) "
			      "to a.example, b.example is held: it sent too "
			      "much");
	record.event = LS_EVENT_ALARM;
	record.verdict = record.wanted = LS_DENY;
	record.reason = LS_REASON_NEW_RECIPIENTS;
	check_record(&record, "mx1: user joe writes to many people it never "
			      "wrote to before from 192.0.2.1 (smtp) to "
			      "a.example, b.example; the message is refused: "
			      "too many recipients it never wrote to before");
}

static void test_guesses(void **state)
{
	struct ls_record record =
		record_of(LS_EVENT_ALARM, LS_KIND_IP, "192.0.2.1", NULL);

	(void)state;
	strcpy(record.service, "imap");
	record.outcome = LS_OUTCOME_WRONG;
	record.verdict = record.wanted = LS_ADMIT;
	record.reason = LS_REASON_ACCOUNTS;
	record.until_ms = record.at_ms + 600000;
	check_record(&record,
		     "mx1: passwords of many accounts are guessed at from "
		     "192.0.2.1 (imap), where people log in: failed logins to "
		     "too many accounts until 02:24 UTC");
}

/* No event, reason or outcome comes out without words, for anybody. */
static void test_all_have_words(void **state)
{
	(void)state;
	for (int event = LS_EVENT_NONE; event <= LS_EVENT_COUNT; event++) {
		for (int i = 0; i < LS_REASON_COUNT * LS_OUTCOME_COUNT; i++) {
			struct ls_record record = record_of(
				(enum ls_event)event, LS_KIND_USER,
				"192.0.2.1", "joe");
			char text[PROSE_MAX + 1];
			struct chat_post post;
			json_t *message;

			record.reason =
				(enum ls_reason)(i % LS_REASON_COUNT);
			record.outcome =
				(enum ls_outcome)(i / LS_REASON_COUNT);
			message = event_json("mx1", LS_JOURNAL_GUARD, &record,
					     NULL, &moment);
			post = post_of(LS_FORMAT_NTFY, message);
			text_in(LS_FORMAT_NTFY, &post, text);
			assert_null(strstr(text, "(null)"));
			assert_true(strlen(text) > strlen("mx1: ") + 10);
			if (event == LS_EVENT_NONE || event == LS_EVENT_COUNT)
				check_holds("none", text, "has no words for");
			else
				assert_null(strstr(text, "no words"));
			free(post.body);
			json_decref(message);
		}
	}
}

/* An address that relays has no account; and what Teams would make a date of. */
static void test_odd_names(void **state)
{
	struct ls_record record =
		record_of(LS_EVENT_MESSAGE, LS_KIND_RELAY, "192.0.2.1", NULL);
	json_t *message;

	(void)state;
	record.verdict = record.wanted = LS_DENY;
	record.reason = LS_REASON_MESSAGES;
	check_record(&record, "mx1: a message from 192.0.2.1 is refused: too "
			      "many messages");
	record = record_of(LS_EVENT_UNLOCK, LS_KIND_USER, NULL,
			   "{{DATE(2017-02-14T06:08:39Z,SHORT)}}");
	message = event_json("mx1", LS_JOURNAL_GUARD, &record, NULL, &moment);
	check_post(LS_FORMAT_TEAMS, message,
		   "mx1: user \\x7b\\x7bDATE(2017-02-14T06:08:39Z,SHORT)}} is "
		   "unlocked");
	json_decref(message);
}

static void test_late(void **state)
{
	struct ls_record record =
		record_of(LS_EVENT_UNLOCK, LS_KIND_USER, NULL, "joe");
	json_t *message = event_json("mx1", LS_JOURNAL_GUARD, &record, NULL,
				     &moment);
	char *body = webhook_body(message);
	struct chat_post post;

	(void)state;
	chat_post(LS_FORMAT_NTFY, body, moment.real_ms + 3600000, &post);
	check_text("late", post.body, "mx1: user joe is unlocked (told late: it "
				      "was at 2026-11-22 02:14 UTC)");
	free(post.body);
	/* what an outbox cannot hold, but a damaged disk can */
	for (size_t i = 0; i < COUNT(formats); i++) {
		chat_post(formats[i], "{\"type\": [", 0, &post);
		check_holds("damaged", post.body, "no words for");
		free(post.body);
	}
	free(body);
	json_decref(message);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_all_have_words),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
