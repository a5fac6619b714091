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

static const char *cause(enum ls_reason reason)
{
	switch (reason) {
	case LS_REASON_FAILURES:
	case LS_REASON_FAILURES_SLOW:
	case LS_REASON_ACCOUNTS:
	case LS_REASON_ACCOUNTS_SLOW:
		return "Too many failed logins from your network";
	default:
		return "Your network is locked";
	}
}

/* The words after "421 4.7.0 ". Without `reveal` they are the same for every
 * reason and tell an attacker nothing. */
static void refusal(const struct ls_decision *decision, char *text, size_t size)
{
	if (!decision->reveal) {
		snprintf(text, size, "Service not available, try again later");
		return;
	}
	if (decision->reason == LS_REASON_DENIED) {
		snprintf(text, size, "Your network may not use this service");
		return;
	}
	if (decision->retry_ms == 0) {
		snprintf(text, size, "%s, try again later",
			 cause(decision->reason));
		return;
	}
	/* Rounded up: never a time at which it is still locked. */
	uint64_t minutes = (decision->retry_ms - 1) / 60000 + 1;
	snprintf(text, size, "%s, try again in %" PRIu64 " minute%s",
		 cause(decision->reason), minutes, minutes == 1 ? "" : "s");
}

size_t policy_answer(const struct ls_decision *decision,
		     char answer_r[POLICY_ANSWER_MAX])
{
	char text[POLICY_ANSWER_MAX - sizeof("action=421 4.7.0 \n\n")];
	int length;

	if (decision == NULL || decision->verdict != LS_DENY) {
		length = snprintf(answer_r, POLICY_ANSWER_MAX,
				  "action=DUNNO\n\n");
	} else {
		refusal(decision, text, sizeof(text));
		length = snprintf(answer_r, POLICY_ANSWER_MAX,
				  "action=421 4.7.0 %s\n\n", text);
	}
	return (size_t)length;
}
