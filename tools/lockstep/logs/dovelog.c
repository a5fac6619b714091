/* dovelog.c - see dovelog.h: whose message it is, and what to do with what is not
 * understood */
#include "lockstep-config.h"

#include "logs/logheader.h"

/* ---- pieces of text --------------------------------------------------- */

size_t text_find(struct dovelog_text text, struct dovelog_text what)
{
	const char *found = memmem(text.at, text.len, what.at, what.len);

	return found != NULL ? (size_t)(found - text.at) : text.len;
}

size_t text_find_last(struct dovelog_text text, struct dovelog_text what)
{
	struct dovelog_text rest = text;
	size_t last = text.len;

	for (;;) {
		size_t at = text_find(rest, what);

		if (at == rest.len)
			return last;
		last = (size_t)(rest.at - text.at) + at;
		rest = text_skip(rest, at + 1);
	}
}

size_t text_take_number(struct dovelog_text *text, unsigned *number_r)
{
	enum { MOST = 999999999 };
	unsigned long long number = 0;
	size_t digits = 0;

	while (digits < text->len && text->at[digits] >= '0' &&
	       text->at[digits] <= '9') {
		number = number * 10 + (unsigned)(text->at[digits++] - '0');
		if (number > MOST)
			number = MOST;
	}
	*number_r = (unsigned)number;
	*text = text_skip(*text, digits);
	return digits;
}

bool text_addr(struct dovelog_text text, struct ls_addr *addr_r)
{
	char copy[LS_ADDR_TEXT];

	if (text.len == 0 || text.len >= sizeof(copy) ||
	    memchr(text.at, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return ls_addr_parse(copy, addr_r) == 0;
}

bool dovelog_take_level(struct dovelog_text *text)
{
	static const struct dovelog_text others[] = {
		LITERAL("Debug: "), LITERAL("Warning: "), LITERAL("Error: "),
		LITERAL("Fatal: "), LITERAL("Panic: "),
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (text_begins(*text, others[i]))
			return false;
	text_take(text, TEXT("Info: "));
	return true;
}

/* ---- what may be a login ---------------------------------------------- */

bool dovelog_has_auth_words(struct dovelog_text text)
{
	static const struct dovelog_text words[] = {
		LITERAL("Password mismatch"),
		LITERAL(": unknown user"),
		LITERAL("pam_authenticate() failed"),
		LITERAL("authentication failure; "),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_has(text, words[i]))
			return true;
	return false;
}

bool dovelog_is_somebody(struct dovelog_text text)
{
	static const struct dovelog_text user = LITERAL("user=<");
	size_t at = text_find(text, user);

	return text_begins(text, TEXT("Login: ")) ||
	       text_begins(text, TEXT("Logged in: ")) ||
	       (at < text.len &&
		!text_begins(text_skip(text, at + user.len), TEXT(">")));
}

void dovelog_not_understood(struct dovelog_record *record)
{
	record->what = DOVELOG_UNKNOWN;
	record->outcome = LS_OUTCOME_NONE;
	record->attempts = 0;
}

/* PAM's own words on what Dovecot asked it, whatever its tag. */
static bool is_pam(struct dovelog_text text)
{
	return text_has(text, TEXT("(dovecot:auth): authentication failure")) ||
	       text_has(text, TEXT("dovecot:auth): check pass; user unknown"));
}

/* Postfix's of a client, "HOST[IP]:PORT: SASL PLAIN authentication", not of a server
 * that Postfix logs in to. */
static bool is_sasl(struct dovelog_text text)
{
	size_t at = text_find(text, TEXT(": SASL "));

	if (at == text.len || !text_has(text, TEXT(" authentication ")))
		return false;
	while (at > 0 && text.at[at - 1] != ':' && text.at[at - 1] != ']' &&
	       text.at[at - 1] != ' ')
		at--;
	if (at > 0 && text.at[at - 1] == ':')
		at--;
	return at > 0 && text.at[at - 1] == ']';
}

/* What a login process says, as in "imap-login: MESSAGE" or "imap-login(7):
 * MESSAGE", wherever it stands. */
static bool behind_login(struct dovelog_text text,
			 struct dovelog_text *message_r)
{
	static const struct dovelog_text login = LITERAL("-login");
	size_t at = text_find(text, login);

	for (; at < text.len; at = text_find(text, login)) {
		text = text_skip(text, at + login.len);
		if (!text_begins(text, TEXT(": ")) &&
		    !text_begins(text, TEXT("(")))
			continue;
		*message_r = text_skip(text, text_find(text, TEXT(": ")));
		return text_take(message_r, TEXT(": "));
	}
	return false;
}

bool dovelog_looks_like_login(const char *line, size_t len)
{
	const struct dovelog_text text = { line, len };
	struct dovelog_text message;

	if (behind_login(text, &message)) {
		text_take(&message, TEXT("Info: "));
		if (text_has(message, TEXT("user=<")) ||
		    text_begins(message, TEXT("Login: ")) ||
		    text_begins(message, TEXT("Logged in: ")) ||
		    text_has(message, TEXT("(auth failed")))
			return true;
	}
	if ((text_has(text, TEXT("auth: ")) || text_has(text, TEXT("auth(")) ||
	     text_has(text, TEXT("auth-worker("))) &&
	    dovelog_has_auth_words(text))
		return true;
	return is_pam(text) || is_sasl(text) ||
	       (text_has(text, TEXT(": client=")) &&
		text_has(text, TEXT(", sasl_username=")));
}

/* ---- messages --------------------------------------------------------- */

/* Of messages that are all the same rsyslog writes the first, and then
 * "message repeated 30 times: [ MESSAGE]", with 800 bytes of it at most. Takes
 * what stands around MESSAGE. Returns whether it is all there. */
static bool take_repeated(struct dovelog_text *text, unsigned *repeated_r)
{
	enum { KEPT = 800 };
	struct dovelog_text rest = *text;
	unsigned number;
	bool whole;

	if (!text_take(&rest, TEXT("message repeated ")) ||
	    text_take_number(&rest, &number) == 0 || number == 0 ||
	    !text_take(&rest, TEXT(" times: [")))
		return true;
	whole = rest.len > 0 && rest.at[rest.len - 1] == ']' &&
		rest.len - 1 < KEPT;
	if (whole)
		rest.len--;
	text_take(&rest, TEXT(" "));
	*text = rest;
	*repeated_r = number;
	return whole;
}

/* Returns false for a process whose messages are not known here. */
static bool parse_dovecot(struct dovelog_text text,
			  struct dovelog_record *record)
{
	static const size_t suffix = sizeof("-login") - 1;
	size_t name;

	switch (dovelog_writer(text, &name)) {
	case DOVELOG_AUTH:
		dovelog_auth(text_skip(text, name), record);
		return true;
	case DOVELOG_LOGIN_PROCESS:
		record->service = (struct dovelog_text){ text.at,
							 name - suffix };
		if (text_is(record->service, TEXT("managesieve")))
			record->service = TEXT("sieve");
		dovelog_login(text_skip(text, name), record);
		return true;
	default:
		return false;
	}
}

/* What logheader_take() left of a line. */
static void parse_rest(const struct logheader *header,
		       struct dovelog_record *record)
{
	struct dovelog_text text = header->text;
	bool whole = !header->part, known = false;

	record->when = header->when;
	if (header->by != LOGHEADER_UNSAID &&
	    !take_repeated(&text, &record->repeated))
		whole = false;
	if (header->timed && !header->version) {
		if (header->by == LOGHEADER_POSTFIX) {
			dovelog_postfix(text, record);
			known = true;
		} else if (header->by != LOGHEADER_OTHER) {
			known = parse_dovecot(text, record);
		}
	}
	if (known ? !whole && record->what != DOVELOG_OTHER
		  : dovelog_looks_like_login(text.at, text.len))
		dovelog_not_understood(record); /* of half an address another may be left */
}

static void begin_event(struct dovelog_record *record)
{
	memset(record, 0, sizeof(*record));
	record->secured = true;
	record->repeated = 1;
}

void dovelog_parse(const char *line, size_t len,
		   struct dovelog_record *record_r)
{
	struct logheader header = { .text = { line, len } };

	begin_event(record_r);
	if (len > 0 && line[len - 1] == '\r')
		header.text.len--;
	logheader_take(&header);
	parse_rest(&header, record_r);
}

void dovelog_parse_message(const struct dovelog_when *when,
			   struct dovelog_text tag, struct dovelog_text message,
			   struct dovelog_record *record_r)
{
	struct logheader header = { .text = message,
				    .when = *when,
				    .timed = true,
				    .zoned = when->zoned,
				    .fresh = tag.len == 0 };

	if (tag.len > 0)
		header.by = logheader_by(tag);
	begin_event(record_r);
	logheader_take(&header);
	parse_rest(&header, record_r);
}
