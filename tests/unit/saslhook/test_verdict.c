/* test_verdict.c - what Postfix is answered, word for word */
#include "lockstep-config.h"

#include "harness.h"
#include "verdict.h"

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct {
	const char *row;
	enum request_stage stage;
	struct ls_decision decision;
	const char *answer; /* behind "action=" */
} rows[] = {
	{ "admitted", REQUEST_STAGE_RCPT, { .verdict = LS_ADMIT }, "DUNNO" },
	{ "only observed",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_ADMIT,
	    .wanted = LS_HOLD,
	    .reason = LS_REASON_SENDING,
	    .kind = LS_KIND_SENDING,
	    .reveal = true },
	  "DUNNO" },
	{ "waiting is nothing for Postfix",
	  REQUEST_STAGE_CONNECT,
	  { .verdict = LS_WAIT, .wanted = LS_WAIT },
	  "DUNNO" },
	/* Connections. */
	{ "a locked address",
	  REQUEST_STAGE_CONNECT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_FAILURES,
	    .kind = LS_KIND_IP,
	    .retry_ms = 10 * MINUTE },
	  "421 4.7.0 Service not available, try again later" },
	{ "told why",
	  REQUEST_STAGE_CONNECT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_FAILURES,
	    .kind = LS_KIND_IP,
	    .retry_ms = 10 * MINUTE,
	    .reveal = true },
	  "421 4.7.0 Too many failed logins from your network, try again in 10 "
	  "minutes" },
	{ "told why, when nobody knows",
	  REQUEST_STAGE_CONNECT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_ADMIN,
	    .kind = LS_KIND_NET,
	    .reveal = true },
	  "421 4.7.0 Your network is locked, try again later" },
	{ "denied for good",
	  REQUEST_STAGE_CONNECT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_DENIED,
	    .kind = LS_KIND_IP,
	    .reveal = true },
	  "421 4.7.0 Your network may not use this service" },
	/* Messages. */
	{ "messages",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_MESSAGES,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = 1,
	    .reveal = true },
	  "450 4.7.1 Too many messages, try again in 1 minute" },
	{ "rounded up",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_MESSAGES,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = MINUTE + 1,
	    .reveal = true },
	  "450 4.7.1 Too many messages, try again in 2 minutes" },
	{ "hours",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_RECIPIENTS,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = 2 * HOUR,
	    .reveal = true },
	  "450 4.7.1 Too many recipients, try again in 2 hours" },
	{ "days",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_SENDERS,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = 2 * DAY + 1,
	    .reveal = true },
	  "450 4.7.1 Too many different sender addresses, try again in 3 days" },
	{ "without a slot",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_CROWDED,
	    .kind = LS_KIND_RELAY,
	    .retry_ms = 30 * 60000,
	    .reveal = true },
	  "450 4.7.1 The server counts too many senders just now, try again in "
	  "30 minutes" },
	{ "one message with too many",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_RECIPIENTS,
	    .kind = LS_KIND_SENDING,
	    .reveal = true },
	  "450 4.7.1 Too many recipients for one message, send it to fewer at a "
	  "time" },
	{ "the longest",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_NEW_RECIPIENTS,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = UINT64_MAX,
	    .reveal = true },
	  "450 4.7.1 Too many recipients that you never wrote to before, try "
	  "again in 213503982335 days" },
	{ "an address that relays",
	  REQUEST_STAGE_RCPT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_MESSAGES,
	    .kind = LS_KIND_RELAY,
	    .retry_ms = 5 * MINUTE,
	    .reveal = true },
	  "450 4.7.1 Too many messages, try again in 5 minutes" },
	{ "held",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_HOLD,
	    .reason = LS_REASON_SENDING,
	    .kind = LS_KIND_SENDING,
	    .reveal = true },
	  "HOLD account frozen by Lockstep for what it sends" },
	{ "or refused",
	  REQUEST_STAGE_END_OF_MESSAGE,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_SENDING,
	    .kind = LS_KIND_SENDING,
	    .retry_ms = DAY,
	    .reveal = true },
	  "554 5.7.1 This account is locked, ask your administrator" },
	{ "frozen",
	  REQUEST_STAGE_RCPT,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_SENDING,
	    .kind = LS_KIND_USER,
	    .retry_ms = DAY,
	    .reveal = true },
	  "421 4.7.1 This account is locked, ask your administrator" },
	{ "frozen, to a stranger",
	  REQUEST_STAGE_DATA,
	  { .verdict = LS_DENY,
	    .reason = LS_REASON_ADMIN,
	    .kind = LS_KIND_USER,
	    .retry_ms = DAY },
	  "421 4.7.1 Service not available, try again later" },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char answer[POLICY_ANSWER_MAX], want[POLICY_ANSWER_MAX];
		size_t length = policy_answer(rows[i].stage, &rows[i].decision,
					      answer);

		snprintf(want, sizeof(want), "action=%s\n\n", rows[i].answer);
		check_text(rows[i].row, answer, want);
		check(rows[i].row, length, strlen(want));
	}
}

/* Without a decision; and whatever one says, an answer is one line. */
static void test_any(void **state)
{
	char answer[POLICY_ANSWER_MAX];
	uint64_t seed = 1;

	(void)state;
	policy_answer(REQUEST_STAGE_RCPT, NULL, answer);
	check_text("none", answer, "action=DUNNO\n\n");
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t dice = harness_random(&seed);
		const struct ls_decision decision = {
			.verdict = (enum ls_verdict)(dice & 7),
			.reason = (enum ls_reason)(dice >> 3 & 31),
			.kind = (enum ls_kind)(dice >> 8 & 15),
			.reveal = dice >> 12 & 1,
			.retry_ms = harness_random(&seed) >> (dice >> 16 & 63),
		};
		size_t length = policy_answer(
			(enum request_stage)(dice >> 24 & 7), &decision,
			answer);

		check("length", strlen(answer), length);
		check("one line", strchr(answer, '\n') - answer, length - 2);
		check("ends", answer[length - 1], '\n');
		check("begins", strncmp(answer, "action=", 7), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
