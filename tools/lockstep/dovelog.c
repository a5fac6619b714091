/* dovelog.c - see dovelog.h: the time, who writes, and whose line it is */
#include "lockstep-config.h"

#include "dovelog-private.h"

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

/* ---- the time --------------------------------------------------------- */

/* Exactly so many digits. */
static bool take_digits(struct dovelog_text *text, size_t digits, int *number_r)
{
	int number = 0;

	if (text->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		number = number * 10 + (text->at[i] - '0');
	}
	*number_r = number;
	*text = text_skip(*text, digits);
	return true;
}

/* "02:23:26", perhaps with a fraction. */
static bool take_clock(struct dovelog_text *text, struct dovelog_when *when)
{
	unsigned scale = 100;

	if (!take_digits(text, 2, &when->hour) || !text_take(text, TEXT(":")) ||
	    !take_digits(text, 2, &when->minute) ||
	    !text_take(text, TEXT(":")) || !take_digits(text, 2, &when->second))
		return false;
	if (text->len > 1 && (text->at[0] == '.' || text->at[0] == ',') &&
	    text->at[1] >= '0' && text->at[1] <= '9') {
		*text = text_skip(*text, 1);
		for (; text->len > 0 && text->at[0] >= '0' &&
		       text->at[0] <= '9';
		     *text = text_skip(*text, 1), scale /= 10)
			when->ms += (text->at[0] - '0') * (int)scale;
	}
	return true;
}

/* "Z", "+01:00", "-0730", or nothing. */
static bool take_zone(struct dovelog_text *text, struct dovelog_when *when)
{
	int hours, minutes, sign;

	if (text_take(text, TEXT("Z"))) {
		when->zoned = true;
		return true;
	}
	if (text->len == 0 || (text->at[0] != '+' && text->at[0] != '-'))
		return true;
	sign = text->at[0] == '-' ? -1 : 1;
	*text = text_skip(*text, 1);
	if (!take_digits(text, 2, &hours))
		return false;
	text_take(text, TEXT(":"));
	if (!take_digits(text, 2, &minutes))
		return false;
	when->zoned = true;
	when->offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_month(struct dovelog_text *text, struct dovelog_when *when)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (text_take(text, (struct dovelog_text){ names + 3 * i, 3 })) {
			when->month = i + 1;
			return text_take(text, TEXT(" "));
		}
	return false;
}

/* "2026 ", or nothing. */
static void take_year(struct dovelog_text *text, struct dovelog_when *when)
{
	struct dovelog_text rest = *text;
	int year;

	if (!take_digits(&rest, 4, &year) || !text_take(&rest, TEXT(" ")))
		return;
	when->year = year;
	*text = rest;
}

/* "Nov 25 " or "Nov  5 ", perhaps with a year. */
static bool take_short_date(struct dovelog_text *text,
			    struct dovelog_when *when)
{
	if (!take_month(text, when) ||
	    !take_digits(text, text_take(text, TEXT(" ")) ? 1 : 2,
			 &when->day) ||
	    !text_take(text, TEXT(" ")))
		return false;
	take_year(text, when);
	return true;
}

/* "2026-11-25T" or with a blank. */
static bool take_long_date(struct dovelog_text *text, struct dovelog_when *when)
{
	return take_digits(text, 4, &when->year) &&
	       text_take(text, TEXT("-")) &&
	       take_digits(text, 2, &when->month) &&
	       text_take(text, TEXT("-")) && take_digits(text, 2, &when->day) &&
	       (text_take(text, TEXT("T")) || text_take(text, TEXT(" ")));
}

size_t dovelog_when(const char *line, size_t len, struct dovelog_when *when_r)
{
	struct dovelog_text text = { line, len };
	bool found;

	memset(when_r, 0, sizeof(*when_r));
	if (len > 0 && line[0] >= '0' && line[0] <= '9')
		found = take_long_date(&text, when_r) &&
			take_clock(&text, when_r) && take_zone(&text, when_r);
	else
		found = take_short_date(&text, when_r) &&
			take_clock(&text, when_r);
	if (!found || !text_take(&text, TEXT(" ")) || when_r->month < 1 ||
	    when_r->month > 12 || when_r->day < 1 || when_r->day > 31 ||
	    when_r->hour > 23 || when_r->minute > 59 || when_r->second > 60 ||
	    (when_r->year != 0 && when_r->year < 1970))
		return 0;
	return len - text.len;
}

/* ---- who writes ------------------------------------------------------- */

/* A name as processes have it: letters, digits, - and _. */
static size_t name_length(struct dovelog_text text)
{
	size_t len = 0;

	while (len < text.len &&
	       ((text.at[len] >= 'a' && text.at[len] <= 'z') ||
		(text.at[len] >= 'A' && text.at[len] <= 'Z') ||
		(text.at[len] >= '0' && text.at[len] <= '9') ||
		text.at[len] == '-' || text.at[len] == '_'))
		len++;
	return len;
}

enum writer { NOBODY, AUTH, LOGIN };

/* Is this the beginning of an auth or a login process's message? */
static enum writer writer_of(struct dovelog_text text, size_t *name_r)
{
	static const struct dovelog_text login = LITERAL("-login");
	size_t len = name_length(text);
	const struct dovelog_text name = { text.at, len };

	*name_r = len;
	if (len == text.len || (text.at[len] != ':' && text.at[len] != '('))
		return NOBODY;
	if (text_is(name, TEXT("auth")) || text_is(name, TEXT("auth-worker")))
		return AUTH;
	if (len > login.len &&
	    memcmp(name.at + len - login.len, login.at, login.len) == 0)
		return LOGIN;
	return NOBODY;
}

/* Take "word: " with no blank in the word. */
static bool take_tag(struct dovelog_text *text, struct dovelog_text *tag_r)
{
	const char *blank = memchr(text->at, ' ', text->len);
	size_t len = blank != NULL ? (size_t)(blank - text->at) : 0;

	if (len < 2 || text->at[len - 1] != ':')
		return false;
	*tag_r = (struct dovelog_text){ text->at, len - 1 };
	*text = text_skip(*text, len + 1);
	return true;
}

/* What syslog puts before a message: "mx dovecot[7]: ". */
static bool take_syslog(struct dovelog_text *text, struct dovelog_text *tag_r)
{
	const char *blank;

	if (take_tag(text, tag_r))
		return true;
	blank = memchr(text->at, ' ', text->len);
	if (blank == NULL)
		return false;
	*text = text_skip(*text, (size_t)(blank - text->at) + 1);
	return take_tag(text, tag_r);
}

/* "<22>", which syslog has on the wire, and "1 ", the version of RFC 5424.
 * Returns whether the header is one of those. */
static bool take_priority(struct dovelog_text *text)
{
	struct dovelog_text rest = *text;
	unsigned priority;

	if (text_take(&rest, TEXT("<")) &&
	    text_take_number(&rest, &priority) > 0 &&
	    text_take(&rest, TEXT(">")))
		*text = rest;
	return text_take(text, TEXT("1 "));
}

static bool take_word(struct dovelog_text *text, struct dovelog_text *word_r)
{
	const char *blank = memchr(text->at, ' ', text->len);

	if (blank == NULL || blank == text->at)
		return false;
	*word_r = (struct dovelog_text){ text->at,
					 (size_t)(blank - text->at) };
	*text = text_skip(*text, word_r->len + 1);
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

/* RFC 5424, after the time: "mx dovecot 7 - - ". */
static bool take_header(struct dovelog_text *text, struct dovelog_text *tag_r)
{
	struct dovelog_text ignored;

	if (!take_word(text, &ignored) || !take_word(text, tag_r) ||
	    !take_word(text, &ignored) || !take_word(text, &ignored) ||
	    !take_structured_data(text) || !text_take(text, TEXT(" ")))
		return false;
	text_take(text, TEXT("\xef\xbb\xbf")); /* "this is UTF-8" */
	/* rsyslog has a blank of what came by /dev/log in front of it. */
	text_take(text, TEXT(" "));
	return true;
}

/* What stands before a message, by either RFC. Files may have the header of
 * RFC 5424 without its version; a time always has a zone there. */
static bool take_origin(struct dovelog_text *text, bool header, bool zoned,
			struct dovelog_text *tag_r)
{
	struct dovelog_text rest = *text;

	if (header || !take_syslog(&rest, tag_r)) {
		rest = *text;
		if ((!header && !zoned) || !take_header(&rest, tag_r))
			return false;
	}
	*text = rest;
	return true;
}

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

enum program { ANY_OTHER, DOVECOT, POSTFIX };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whose tag is it? Any program's message may begin as these two's do: many log
 * what strangers send them. The tag is chosen on this machine.
 *
 *   dovecot[7]  dovecot.service  dovecot:auth  dovecot-2
 *   postfix/smtpd[7]  postfix/submission/smtpd  postfix-out/smtpd
 *   postfix@-.service                           journalctl -o with-unit */
static enum program program_of(struct dovelog_text tag)
{
	static const struct dovelog_text smtpd = LITERAL("/smtpd");
	static const struct dovelog_text unit = LITERAL(".service");

	tag.len = text_find(tag, TEXT("["));
	if (text_take(&tag, TEXT("dovecot")))
		return tag.len > 0 && is_letter(tag.at[0]) ? ANY_OTHER
							   : DOVECOT;
	if (!text_take(&tag, TEXT("postfix")) || tag.len == 0 ||
	    is_letter(tag.at[0]))
		return ANY_OTHER;
	return text_ends(tag, smtpd) ||
			       (tag.at[0] == '@' && text_ends(tag, unit))
		       ? POSTFIX
		       : ANY_OTHER;
}

static void parse_message(struct dovelog_text text,
			  struct dovelog_record *record)
{
	static const size_t suffix = sizeof("-login") - 1;
	size_t name;

	switch (writer_of(text, &name)) {
	case AUTH:
		dovelog_auth(text_skip(text, name), record);
		return;
	case LOGIN:
		record->service = (struct dovelog_text){ text.at,
							 name - suffix };
		if (text_is(record->service, TEXT("managesieve")))
			record->service = TEXT("sieve");
		dovelog_login(text_skip(text, name), record);
		return;
	default:
		return;
	}
}

/* Is it a login's, as far as a look at it tells? */
static bool looks_like_login(struct dovelog_text text)
{
	return (text_has(text, TEXT("-login: ")) &&
		text_has(text, TEXT("user=<"))) ||
	       (text_has(text, TEXT("auth")) &&
		text_has(text, TEXT("Password mismatch"))) ||
	       text_has(text, TEXT(": SASL "));
}

void dovelog_parse(const char *line, size_t len,
		   struct dovelog_record *record_r)
{
	struct dovelog_text text = { line, len }, tag;
	size_t name, time_len;
	bool header, whole;

	memset(record_r, 0, sizeof(*record_r));
	record_r->secured = true;
	record_r->repeated = 1;
	if (len > 0 && line[len - 1] == '\r')
		text.len--;
	header = take_priority(&text);
	time_len = dovelog_when(text.at, text.len, &record_r->when);
	if (time_len == 0) {
		if (looks_like_login(text))
			record_r->what = DOVELOG_UNKNOWN;
		return;
	}
	text = text_skip(text, time_len);
	if (!header && writer_of(text, &name) != NOBODY) {
		parse_message(text, record_r);
		return;
	}
	if (!take_origin(&text, header, record_r->when.zoned, &tag))
		return;
	whole = take_repeated(&text, &record_r->repeated);
	switch (program_of(tag)) {
	case DOVECOT:
		parse_message(text, record_r);
		break;
	case POSTFIX:
		dovelog_postfix(text, record_r);
		break;
	case ANY_OTHER:
		if (looks_like_login(text))
			record_r->what = DOVELOG_UNKNOWN;
		return;
	}
	if (!whole && record_r->what != DOVELOG_OTHER) {
		/* Of half an address another may be left. */
		record_r->what = DOVELOG_UNKNOWN;
		record_r->outcome = LS_OUTCOME_NONE;
		record_r->attempts = 0;
	}
}
