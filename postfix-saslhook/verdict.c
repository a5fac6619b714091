/* verdict.c - what Postfix is answered */
#include "lockstep-config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verdict.h"

bool policy_role_parse(const char *word, enum policy_role *role_r)
{
	static const struct {
		const char *word;
		enum policy_role role;
	} roles[] = {
		{ "auto", POLICY_ROLE_AUTO },
		{ "submission", POLICY_ROLE_SUBMISSION },
		{ "mx", POLICY_ROLE_MX },
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(word, roles[i].word) == 0) {
			*role_r = roles[i].role;
			return true;
		}
	}
	return false;
}

bool policy_context_unknown(const struct request *request)
{
	enum policy_role role;

	return request->policy_context[0] != '\0' &&
	       !policy_role_parse(request->policy_context, &role);
}

enum policy_role policy_role_of(const struct request *request,
				enum policy_role role)
{
	enum policy_role context;

	if (policy_role_parse(request->policy_context, &context) &&
	    context != POLICY_ROLE_AUTO)
		return context;
	if (role != POLICY_ROLE_AUTO)
		return role;
	if (request->server_port == 0 || request->server_port == 25)
		return POLICY_ROLE_MX;
	return POLICY_ROLE_SUBMISSION;
}

/* ---- the words -------------------------------------------------------- */

static const char *cause_of_connection(enum ls_reason reason)
{
	switch (reason) {
	case LS_REASON_FAILURES:
	case LS_REASON_FAILURES_SLOW:
	case LS_REASON_ACCOUNTS:
	case LS_REASON_ACCOUNTS_SLOW:
		return "Too many failed logins from your network";
	case LS_REASON_DENIED:
		return "Your network may not use this service";
	default:
		return "Your network is locked";
	}
}

/* Is it one message with more recipients than the limit, which time will not help? */
static bool is_too_large(const struct ls_decision *decision)
{
	return decision->retry_ms == 0 &&
	       (decision->reason == LS_REASON_RECIPIENTS ||
		decision->reason == LS_REASON_NEW_RECIPIENTS);
}

static const char *cause_of_message(const struct ls_decision *decision)
{
	bool too_large = is_too_large(decision);

	switch (decision->reason) {
	case LS_REASON_MESSAGES:
		return "Too many messages";
	case LS_REASON_RECIPIENTS:
		return too_large ? "Too many recipients for one message, send "
				   "it to fewer at a time"
				 : "Too many recipients";
	case LS_REASON_NEW_RECIPIENTS:
		return too_large ? "Too many recipients that you never wrote to "
				   "before for one message, send it to fewer at "
				   "a time"
				 : "Too many recipients that you never wrote to "
				   "before";
	case LS_REASON_SENDERS:
		return "Too many different sender addresses";
	case LS_REASON_CROWDED:
		return "The server counts too many senders just now";
	default:
		return "This account is locked, ask your administrator";
	}
}

static const struct {
	const char *name;
	uint64_t ms;
} units[] = { { "day", UINT64_C(86400000) },
	      { "hour", UINT64_C(3600000) },
	      { "minute", UINT64_C(60000) } };

/* ", try again in 5 minutes": rounded up, never a time at which it would still be
 * refused; in the largest unit of which there are two. */
static void until_text(uint64_t retry_ms, char *text, size_t size)
{
	enum { UNITS = sizeof(units) / sizeof(units[0]) };
	unsigned i = 0;

	if (retry_ms == 0) {
		snprintf(text, size, ", try again later");
		return;
	}
	while (i < UNITS - 1 && retry_ms < 2 * units[i].ms)
		i++;
	uint64_t count = (retry_ms - 1) / units[i].ms + 1;
	snprintf(text, size, ", try again in %" PRIu64 " %s%s", count,
		 units[i].name, count == 1 ? "" : "s");
}

/* ---- the answers ------------------------------------------------------ */

enum { TEXT_MAX = POLICY_ANSWER_MAX - sizeof("action=421 4.7.0 \n\n") };

/* Without `reveal` the words are the same for every reason, and tell an attacker
 * nothing. */
static int refuse_with(char *answer, const char *code, const char *cause,
		       bool retry, const struct ls_decision *decision)
{
	char text[TEXT_MAX], later[48] = "";

	if (retry)
		until_text(decision->retry_ms, later, sizeof(later));
	if (decision->reveal)
		snprintf(text, sizeof(text), "%s%s", cause, later);
	else
		snprintf(text, sizeof(text),
			 "Service not available, try again later");
	return snprintf(answer, POLICY_ANSWER_MAX, "action=%s %s\n\n", code,
			text);
}

static int refuse_message(char *answer, const struct ls_decision *decision)
{
	const char *cause = cause_of_message(decision);
	bool limited = decision->kind == LS_KIND_SENDING ||
		       decision->kind == LS_KIND_RELAY;

	if (limited && decision->reason == LS_REASON_SENDING)
		return refuse_with(answer, "554 5.7.1", cause, false, decision);
	if (limited)
		return refuse_with(answer, "450 4.7.1", cause,
				   !is_too_large(decision), decision);
	return refuse_with(answer, "421 4.7.1", cause, false, decision);
}

size_t policy_answer(enum request_stage stage,
		     const struct ls_decision *decision,
		     char answer_r[POLICY_ANSWER_MAX])
{
	enum ls_verdict verdict = decision != NULL ? decision->verdict
						   : LS_ADMIT;
	int length;

	if (verdict == LS_HOLD)
		length = snprintf(answer_r, POLICY_ANSWER_MAX,
				  "action=HOLD account frozen by Lockstep for "
				  "what it sends\n\n");
	else if (verdict != LS_DENY)
		length = snprintf(answer_r, POLICY_ANSWER_MAX,
				  "action=DUNNO\n\n");
	else if (stage == REQUEST_STAGE_CONNECT)
		length = refuse_with(answer_r, "421 4.7.0",
				     cause_of_connection(decision->reason),
				     decision->reason != LS_REASON_DENIED,
				     decision);
	else
		length = refuse_message(answer_r, decision);
	return (size_t)length;
}
