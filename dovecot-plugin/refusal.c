/* refusal.c - see refusal.h */
#include "lockstep-config.h"
#include "lib.h"
#include "refusal.h"

const char *refusal_text(enum ls_reason reason)
{
	switch (reason) {
	case LS_REASON_SENDING:
	case LS_REASON_ADMIN:
		return "This account is locked. Ask your administrator.";
	case LS_REASON_LOGINS:
		return "Too many logins. Try again later.";
	case LS_REASON_SESSIONS:
		return "Too many sessions. Close one, or try again later.";
	case LS_REASON_TLS:
		return "Turn on TLS to log in from here.";
	case LS_REASON_DENIED:
		return "Logins from your network are not accepted.";
	default:
		return "Too many failed logins. Try again later.";
	}
}

const char *refusal_log(const struct ls_decision *decision)
{
	bool whose = decision->kind != LS_KIND_NONE;

	return t_strdup_printf("%s (%s%s%s)", ls_reason_words(decision->reason),
			       ls_reason_name(decision->reason),
			       whose ? " of " : "",
			       whose ? ls_kind_name(decision->kind) : "");
}
