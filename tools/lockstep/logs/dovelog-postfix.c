/* dovelog-postfix.c - what Postfix's smtpd logs of clients that authenticate
 *
 *   warning: HOST[IP]: SASL PLAIN authentication failed: REASON, sasl_username=USER
 *   QUEUEID: client=HOST[IP], sasl_method=PLAIN, sasl_username=USER, ...
 *
 * with ":PORT" behind the address where smtpd_client_port_logging is on. Releases
 * before 3.7 have no user name in the first. A host's name, which its owner chooses,
 * has neither brackets nor blanks: Postfix calls it unknown else. */
#include "lockstep-config.h"

#include "logs/dovelog-private.h"

/* "HOST[IP]", or "HOST[IP]:PORT", whose port is "unknown" where a proxy told none. */
static bool take_client(struct dovelog_text *text, struct dovelog_record *record)
{
	size_t bracket = text_find(*text, TEXT("["));
	struct dovelog_text ip, rest;
	unsigned port;

	if (bracket == text->len || memchr(text->at, ' ', bracket) != NULL)
		return false;
	ip = text_skip(*text, bracket + 1);
	ip.len = text_find(ip, TEXT("]"));
	if (bracket + 1 + ip.len == text->len || !text_addr(ip, &record->ip))
		return false;
	*text = text_skip(*text, bracket + 1 + ip.len + 1);
	rest = *text;
	if (text_take(&rest, TEXT(":")) &&
	    (text_take_number(&rest, &port) > 0 ||
	     text_take(&rest, TEXT("unknown"))))
		*text = rest;
	return true;
}

/* Behind "SASL PLAIN authentication failed: ". The user is the end of the line. */
static enum ls_outcome outcome_of_reason(struct dovelog_text reason)
{
	if (text_has(reason, TEXT("Connection lost to authentication server")) ||
	    text_has(reason, TEXT("Can't connect to authentication server")) ||
	    text_has(reason, TEXT("emporary authentication failure")))
		return LS_OUTCOME_INTERNAL;
	if (text_has(reason, TEXT("Invalid authentication mechanism")))
		return LS_OUTCOME_ABANDONED;
	return LS_OUTCOME_WRONG;
}

static bool parse_failure(struct dovelog_text text,
			  struct dovelog_record *record)
{
	static const struct dovelog_text name = LITERAL(", sasl_username=");
	struct dovelog_text reason;
	size_t at;

	if (!take_client(&text, record) || !text_take(&text, TEXT(": SASL ")))
		return false;
	at = text_find(text, TEXT(" authentication "));
	record->mech = (struct dovelog_text){ text.at, at };
	text = text_skip(text, at);
	if (text_take(&text, TEXT(" authentication aborted"))) {
		record->outcome = LS_OUTCOME_ABANDONED;
	} else if (text_take(&text, TEXT(" authentication failed"))) {
		at = text_find(text, name);
		reason = (struct dovelog_text){ text.at, at };
		record->outcome = outcome_of_reason(reason);
		if (at < text.len)
			record->user = text_skip(text, at + name.len);
		/* Postfix's own word for none. */
		if (text_is(record->user, TEXT("(unavailable)")))
			record->user.len = 0;
	} else {
		return false;
	}
	record->what = DOVELOG_SASL_FAILED;
	record->attempts = 1;
	return true;
}

/* `text` is "USER", and what Postfix knows besides. What follows the first of
 * these may be the client's own words. */
static struct dovelog_text user_of_line(struct dovelog_text text)
{
	static const struct dovelog_text ends_at[] = {
		LITERAL(", sasl_sender="),
		LITERAL(", orig_queue_id="),
		LITERAL(", orig_client="),
	};

	for (size_t i = 0; i < sizeof(ends_at) / sizeof(*ends_at); i++)
		text.len = text_find(text, ends_at[i]);
	return text;
}

/* Behind "QUEUEID: client=". */
static bool parse_mail(struct dovelog_text text, struct dovelog_record *record)
{
	static const struct dovelog_text name = LITERAL(", sasl_username=");
	size_t at;

	if (!take_client(&text, record) ||
	    !text_take(&text, TEXT(", sasl_method=")))
		return false;
	at = text_find(text, name);
	if (at == text.len)
		return false;
	record->mech = (struct dovelog_text){ text.at, at };
	record->user = user_of_line(text_skip(text, at + name.len));
	if (record->user.len == 0)
		return false;
	record->what = DOVELOG_SASL_LOGIN;
	record->outcome = LS_OUTCOME_SUCCESS;
	record->attempts = 1;
	return true;
}

void dovelog_postfix(struct dovelog_text text, struct dovelog_record *record)
{
	static const struct dovelog_text client = LITERAL(": client=");
	struct dovelog_text rest = text;
	bool understood;
	size_t at;

	record->service = TEXT("smtp");
	at = text_find(text, client);
	if (text_take(&rest, TEXT("warning: ")))
		/* The Cyrus library's words on what smtpd tells next. */
		understood = text_begins(rest, TEXT("SASL authentication ")) ||
			     parse_failure(rest, record);
	else
		understood = at < text.len && memchr(text.at, ' ', at) == NULL &&
			     parse_mail(text_skip(text, at + client.len),
					record);
	if (!understood && dovelog_looks_like_login(text.at, text.len))
		record->what = DOVELOG_UNKNOWN;
}
