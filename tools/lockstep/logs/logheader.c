/* logheader.c - see logheader.h */
#include "lockstep-config.h"

#include "logs/logheader.h"

/* ---- words ------------------------------------------------------------ */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits, and some of the characters in `others`. */
static size_t name_length(struct dovelog_text text, const char *others)
{
	size_t len = 0;

	while (len < text.len && text.at[len] != '\0' &&
	       (is_letter(text.at[len]) ||
		(text.at[len] >= '0' && text.at[len] <= '9') ||
		strchr(others, text.at[len]) != NULL))
		len++;
	return len;
}

static bool take_header_word(struct dovelog_text *text,
			     struct dovelog_text *word_r)
{
	const char *blank = memchr(text->at, ' ', text->len);

	if (blank == NULL || blank == text->at)
		return false;
	*word_r = (struct dovelog_text){ text->at,
					 (size_t)(blank - text->at) };
	*text = text_skip(*text, word_r->len + 1);
	return true;
}

/* "mx ": a machine's name or address. */
static bool take_host(struct dovelog_text *text, struct dovelog_text *host_r)
{
	size_t len = name_length(*text, ".-_:@/%");

	if (len == 0 || len == text->len || text->at[len] != ' ' ||
	    text->at[len - 1] == ':')
		return false;
	return take_header_word(text, host_r);
}

/* ---- who writes ------------------------------------------------------- */

/* Take "-2" or "_1", the number of an instance. */
static void take_number(struct dovelog_text *name)
{
	struct dovelog_text rest = *name;
	unsigned number;

	if ((text_take(&rest, TEXT("-")) || text_take(&rest, TEXT("_"))) &&
	    text_take_number(&rest, &number) > 0)
		*name = rest;
}

enum logheader_by logheader_by(struct dovelog_text tag)
{
	static const struct dovelog_text smtpd = LITERAL("/smtpd");
	static const struct dovelog_text unit = LITERAL(".service");

	tag.len = text_find(tag, TEXT("["));
	if (text_take(&tag, TEXT("dovecot"))) {
		take_number(&tag);
		return tag.len == 0 || tag.at[0] == ':' || text_is(tag, unit)
			       ? LOGHEADER_DOVECOT
			       : LOGHEADER_OTHER;
	}
	if (!text_take(&tag, TEXT("postfix")) || tag.len == 0 ||
	    is_letter(tag.at[0]))
		return LOGHEADER_OTHER;
	return text_ends(tag, smtpd) ||
			       (tag.at[0] == '@' && text_ends(tag, unit))
		       ? LOGHEADER_POSTFIX
		       : LOGHEADER_OTHER;
}

enum dovelog_writer dovelog_writer(struct dovelog_text text, size_t *name_r)
{
	static const struct dovelog_text login = LITERAL("-login");
	const struct dovelog_text name = { text.at, name_length(text, "-_") };

	*name_r = name.len;
	if (name.len == text.len ||
	    (text.at[name.len] != ':' && text.at[name.len] != '('))
		return DOVELOG_NOBODY;
	if (text_is(name, TEXT("auth")) || text_is(name, TEXT("auth-worker")))
		return DOVELOG_AUTH;
	return name.len > login.len && text_ends(name, login)
		       ? DOVELOG_LOGIN_PROCESS
		       : DOVELOG_NOBODY;
}

/* ---- before a time ---------------------------------------------------- */

/* "<22>", as on syslog's wire, perhaps with "1 ", the version of RFC 5424. */
static bool take_priority(struct logheader *header)
{
	struct dovelog_text rest = header->text;
	unsigned priority;

	if (text_take(&rest, TEXT("<"))) {
		if (text_take_number(&rest, &priority) == 0 ||
		    !text_take(&rest, TEXT(">")))
			return false;
		header->version = text_take(&rest, TEXT("1 "));
	} else if (text_take(&rest, TEXT("1 "))) {
		header->version = true;
	} else {
		return false;
	}
	header->text = rest;
	return true;
}

/* "dovecot-1  | ", docker compose's. The name is an administrator's word, as a tag
 * is: what other containers log is not believed. */
static bool take_container(struct logheader *header)
{
	struct dovelog_text rest = header->text, name;

	name = (struct dovelog_text){ rest.at, name_length(rest, "-_.") };
	rest = text_skip(rest, name.len);
	if (name.len == 0 || !text_take(&rest, TEXT(" ")))
		return false;
	while (text_take(&rest, TEXT(" ")))
		;
	if (!text_take(&rest, TEXT("| ")))
		return false;
	header->text = rest;
	if (text_take(&name, TEXT("dovecot")) ||
	    text_take(&name, TEXT("postfix")))
		take_number(&name);
	if (name.len > 0)
		header->by = LOGHEADER_OTHER;
	return true;
}

/* Of two times the one that tells its zone is the better; of two such, the one
 * that was written first; else the one of this machine, written last. How long a
 * machine was up tells least. */
static bool take_time(struct logheader *header)
{
	struct dovelog_when when;
	size_t len = dovelog_when(header->text.at, header->text.len, &when);

	if (len == 0)
		return false;
	if (!header->timed || when.zoned ||
	    header->when.kind == DOVELOG_BOOT)
		header->when = when;
	header->timed = header->fresh = true;
	header->zoned = when.zoned;
	header->text = text_skip(header->text, len);
	return true;
}

/* ---- behind a time ---------------------------------------------------- */

/* "stdout F ", Kubernetes'. "P" is a part of a line. */
static bool take_stream(struct logheader *header)
{
	struct dovelog_text rest = header->text;

	if (!header->fresh ||
	    (!text_take(&rest, TEXT("stdout ")) &&
	     !text_take(&rest, TEXT("stderr "))))
		return false;
	if (text_take(&rest, TEXT("P ")))
		header->part = true;
	else if (!text_take(&rest, TEXT("F ")))
		return false;
	header->text = rest;
	header->fresh = false;
	return true;
}

/* One of syslog's words, or of its numbers. */
static bool is_syslog_word(struct dovelog_text word, const char *words)
{
	size_t len = 0;

	for (; *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (text_is(word, (struct dovelog_text){ words, len }))
			return true;
	}
	return word.len >= 1 && word.len <= 2 && word.at[0] >= '0' &&
	       word.at[0] <= '9' && word.at[word.len - 1] >= '0' &&
	       word.at[word.len - 1] <= '9';
}

/* "mail.info " or "<mail.info> " or "<2.6> ": BusyBox's and FreeBSD's. */
static void take_facility(struct dovelog_text *text)
{
	static const char facilities[] =
		"mail daemon user auth authpriv security syslog console local0 "
		"local1 local2 local3 local4 local5 local6 local7";
	static const char levels[] = "info notice warn warning err error crit "
				     "alert emerg panic debug";
	struct dovelog_text rest = *text, facility, level;
	bool brackets = text_take(&rest, TEXT("<"));

	facility = (struct dovelog_text){ rest.at, name_length(rest, "") };
	rest = text_skip(rest, facility.len);
	if (!text_take(&rest, TEXT(".")))
		return;
	level = (struct dovelog_text){ rest.at, name_length(rest, "") };
	rest = text_skip(rest, level.len);
	if (!is_syslog_word(facility, facilities) || !is_syslog_word(level, levels) ||
	    (brackets && !text_take(&rest, TEXT(">"))))
		return;
	text_take(&rest, TEXT(":"));
	if (text_take(&rest, TEXT(" ")))
		*text = rest;
}

/* "dovecot[7]: ", or metalog's "[dovecot] ". */
static bool take_tag(struct dovelog_text *text, struct dovelog_text *tag_r)
{
	struct dovelog_text rest = *text;

	if (!take_header_word(&rest, tag_r))
		return false;
	if (tag_r->len > 2 && tag_r->at[0] == '[' &&
	    tag_r->at[tag_r->len - 1] == ']')
		*tag_r = (struct dovelog_text){ tag_r->at + 1, tag_r->len - 2 };
	else if (tag_r->len > 1 && tag_r->at[tag_r->len - 1] == ':')
		tag_r->len--;
	else
		return false;
	*text = rest;
	return true;
}

static bool is_same_host(struct dovelog_text one, struct dovelog_text other)
{
	struct dovelog_text rest = one;

	return text_take(&rest, other) &&
	       (rest.len == 0 || rest.at[0] == '.');
}

/* "mx dovecot[7]: ", "dovecot: ", "mx mail.info dovecot: ", "<mail.info> mx
 * dovecot[7]: ". A machine's name may stand there twice, but no other word may: it
 * could be the message of a program that has no tag. */
static bool take_syslog(struct logheader *header)
{
	struct dovelog_text rest = header->text, tag, host, again;

	if (!header->fresh || header->version)
		return false;
	take_facility(&rest);
	if (!take_tag(&rest, &tag)) {
		if (!take_host(&rest, &host))
			return false;
		take_facility(&rest);
		if (!take_tag(&rest, &tag) &&
		    (!take_host(&rest, &again) ||
		     (!is_same_host(host, again) &&
		      !is_same_host(again, host)) ||
		     !take_tag(&rest, &tag)))
			return false;
	}
	header->text = rest;
	header->by = logheader_by(tag);
	header->fresh = false;
	return true;
}

/* "-", or elements in brackets, with quoted values in them: [a b="c"][d]. */
static bool take_structured_data(struct dovelog_text *text)
{
	bool quoted = false;
	size_t i;

	if (text_take(text, TEXT("-")))
		return true;
	if (text->len == 0 || text->at[0] != '[')
		return false;
	for (i = 1; i < text->len; i++) {
		char c = text->at[i];

		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ']' && !quoted &&
			 (i + 1 == text->len || text->at[i + 1] != '['))
			break;
	}
	if (i >= text->len)
		return false;
	*text = text_skip(*text, i + 1);
	return true;
}

/* RFC 5424: "mx dovecot 7 - - ". Files may have it without its version; the time has
 * a zone there. */
static bool take_rfc5424(struct logheader *header)
{
	struct dovelog_text rest = header->text, tag, ignored;

	if (!header->fresh || (!header->version && !header->zoned) ||
	    !take_header_word(&rest, &ignored) ||
	    !take_header_word(&rest, &tag) ||
	    !take_header_word(&rest, &ignored) ||
	    !take_header_word(&rest, &ignored) ||
	    !take_structured_data(&rest) || !text_take(&rest, TEXT(" ")))
		return false;
	text_take(&rest, TEXT("\xef\xbb\xbf")); /* "this is UTF-8" */
	/* rsyslog has a blank of what came by /dev/log in front of it. */
	text_take(&rest, TEXT(" "));
	header->text = rest;
	/* rsyslog has only what stands before the '/', of all that Postfix logs; no
	 * message of another process than smtpd begins as its do. */
	header->by = text_is(tag, TEXT("postfix")) ? LOGHEADER_POSTFIX
						   : logheader_by(tag);
	header->fresh = header->version = false;
	return true;
}

/* "relay " or "mail.info: ", of a machine or a program that put its own time in
 * front of a line. */
static bool take_relay(struct logheader *header)
{
	struct dovelog_text rest = header->text, host;
	struct dovelog_when when;

	if (!header->fresh)
		return false;
	take_facility(&rest);
	if (rest.at == header->text.at && !take_host(&rest, &host))
		return false;
	if (dovelog_when(rest.at, rest.len, &when) == 0)
		return false;
	header->text = rest;
	header->fresh = false;
	return true;
}

/* ---- all of them ------------------------------------------------------ */

/* Tried in this order. */
static bool (*const shapes[])(struct logheader *header) = {
	take_time,     take_priority, take_container, take_stream,
	take_syslog, take_rfc5424, take_relay,
};

static bool take_shape(struct logheader *header)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i](header))
			return true;
	return false;
}

void logheader_take(struct logheader *header)
{
	enum { MOST = 12 }; /* a line has no more */
	size_t name;

	for (int i = 0; i < MOST; i++) {
		if (header->by == LOGHEADER_OTHER ||
		    header->by == LOGHEADER_POSTFIX)
			return;
		if (header->timed && !header->version &&
		    dovelog_writer(header->text, &name) != DOVELOG_NOBODY)
			return;
		if (!take_shape(header))
			return;
	}
}
