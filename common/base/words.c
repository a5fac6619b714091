/* words.c - see words.h */
#include "lockstep-config.h"

#include "words.h"

#include <stddef.h>

#define NAME_OF(names, number)                                                 \
	word_of_number(names, sizeof(names) / sizeof((names)[0]),              \
		       (unsigned)(number))

static const char *word_of_number(const char *const *names, size_t count,
				  unsigned number)
{
	return number < count && names[number] != NULL ? names[number] : "?";
}

const char *ls_kind_name(enum ls_kind kind)
{
	static const char *const names[LS_KIND_COUNT] = {
		"none", "ip", "net", "user", "place", "guess", "pair", "alias",
		"sending", "once", "relay", "seat", "local", "spray",
	};

	return NAME_OF(names, kind);
}

const char *ls_reason_name(enum ls_reason reason)
{
	static const char *const names[LS_REASON_COUNT] = {
		"none",          "failures", "failures-slow", "accounts",
		"accounts-slow", "repeats",  "logins",        "sessions",
		"denied",        "tls",      "sending",       "admin",
		"places",        "messages", "recipients",    "new-recipients",
		"senders",       "crowded",  "spray",
		"any-domain",    "any-domain-slow",
	};

	return NAME_OF(names, reason);
}

const char *ls_reason_words(enum ls_reason reason)
{
	static const char *const words[LS_REASON_COUNT] = {
		[LS_REASON_NONE] = "a rule",
		[LS_REASON_FAILURES] = "too many wrong passwords",
		[LS_REASON_FAILURES_SLOW] = "too many wrong passwords over a long time",
		[LS_REASON_ACCOUNTS] = "failed logins to too many accounts",
		[LS_REASON_ACCOUNTS_SLOW] =
			"failed logins to too many accounts over a long time",
		[LS_REASON_REPEATS] = "the same wrong password over and over",
		[LS_REASON_LOGINS] = "too many logins",
		[LS_REASON_SESSIONS] = "too many sessions at once",
		[LS_REASON_DENIED] = "the policy denies the network",
		[LS_REASON_TLS] = "it came without TLS",
		[LS_REASON_SENDING] = "it sent too much",
		[LS_REASON_ADMIN] = "an administrator said so",
		[LS_REASON_PLACES] = "logins from too many new networks",
		[LS_REASON_MESSAGES] = "too many messages",
		[LS_REASON_RECIPIENTS] = "too many recipients",
		[LS_REASON_NEW_RECIPIENTS] =
			"too many recipients it never wrote to before",
		[LS_REASON_SENDERS] = "too many sender addresses that are not its own",
		[LS_REASON_CROWDED] = "the table of subjects had no room to count it",
		[LS_REASON_SPRAY] =
			"a password that failed from there at another account",
		[LS_REASON_ANY_DOMAIN] =
			"too many wrong passwords for this name in any domain",
		[LS_REASON_ANY_DOMAIN_SLOW] =
			"too many wrong passwords in any domain over a long time",
	};

	return NAME_OF(words, reason);
}

const char *ls_origin_name(enum ls_origin origin)
{
	static const char *const names[LS_ORIGIN_COUNT] = {
		"rule", "admin", "peer",
	};

	return NAME_OF(names, origin);
}

const char *ls_verdict_name(enum ls_verdict verdict)
{
	static const char *const names[LS_VERDICT_COUNT] = {
		"admit", "deny", "wait", "hold",
	};

	return NAME_OF(names, verdict);
}

const char *ls_outcome_name(enum ls_outcome outcome)
{
	static const char *const names[LS_OUTCOME_COUNT] = {
		"none",     "success",   "wrong",        "denied",
		"internal", "abandoned", "unknown-user", "unverified",
	};

	return NAME_OF(names, outcome);
}

const char *ls_event_name(enum ls_event event)
{
	static const char *const names[LS_EVENT_COUNT] = {
		"none",    "login",      "lock",   "unlock", "connect",
		"session", "suspicious", "freeze", "release", "trust",
		"distrust", "forget", "message", "alarm", "session-end",
	};

	return NAME_OF(names, event);
}

const char *ls_format_name(enum ls_format format)
{
	static const char *const names[LS_FORMAT_COUNT] = {
		"json", "slack", "discord", "teams", "ntfy",
	};

	return NAME_OF(names, format);
}

bool ls_outcome_is_wrong(enum ls_outcome outcome)
{
	return outcome == LS_OUTCOME_WRONG || outcome == LS_OUTCOME_UNKNOWN;
}

bool ls_event_is_order(enum ls_event event)
{
	return event == LS_EVENT_LOCK || event == LS_EVENT_UNLOCK ||
	       (event >= LS_EVENT_FREEZE && event <= LS_EVENT_FORGET);
}
