/* dovelog-auth.c - lines of Dovecot's auth processes, with auth_verbose = yes
 *
 * Behind the name of the process:
 *
 *   1.2  (default): NAME(USER,IP): MESSAGE
 *   2.3  : Info: NAME(USER,IP,<SESSION>): MESSAGE
 *        (7): Info: conn unix:...: auth-worker<3>: NAME(USER,IP,<SESSION>): ...
 *   2.4  (USER,IP,sasl:plain)<SESSION>: Info: NAME: MESSAGE
 *        (USER,IP)<7><SESSION>: request [3]: Info: NAME: MESSAGE
 *
 * Syslog has no "Info: ". The name is the passdb's or the mechanism's; the
 * session is missing where Postfix asks. */
#include "lockstep-config.h"

#include "logs/dovelog-private.h"

/* ---- messages --------------------------------------------------------- */

struct message {
	struct dovelog_text begins;
	enum dovelog_what what;
	enum ls_outcome outcome;
	bool whole; /* nothing follows but a remark in parentheses or behind a
		     * dash; else anything may */
};

static const struct message messages[] = {
	{ LITERAL("Password mismatch"), DOVELOG_FAILED, LS_OUTCOME_WRONG, true },
	{ LITERAL("unknown user"), DOVELOG_FAILED, LS_OUTCOME_UNKNOWN, true },
	{ LITERAL("User unknown"), DOVELOG_FAILED, LS_OUTCOME_UNKNOWN, true },
	{ LITERAL("pam_authenticate() failed: "), DOVELOG_FAILED, LS_OUTCOME_WRONG,
	  false },
	{ LITERAL("pam_acct_mgmt() failed: "), DOVELOG_FAILED, LS_OUTCOME_DENIED,
	  false },
	{ LITERAL("Login failed"), DOVELOG_FAILED, LS_OUTCOME_WRONG, false },
	{ LITERAL("oauth2 failed: "), DOVELOG_FAILED, LS_OUTCOME_WRONG, false },
	{ LITERAL("No password returned"), DOVELOG_FAILED, LS_OUTCOME_WRONG,
	  false },
	{ LITERAL("allow_nets check failed: "), DOVELOG_FAILED, LS_OUTCOME_WRONG,
	  false },
	{ LITERAL("User found from deny passdb"), DOVELOG_FAILED,
	  LS_OUTCOME_DENIED, true },
	{ LITERAL("Password expired"), DOVELOG_FAILED, LS_OUTCOME_DENIED, false },
	{ LITERAL("account has expired"), DOVELOG_FAILED, LS_OUTCOME_DENIED,
	  false },
	{ LITERAL("refused: "), DOVELOG_FAILED, LS_OUTCOME_NONE, false },
	{ LITERAL("would be refused: "), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("Authentication failure due to policy server refusal"),
	  DOVELOG_FAILED, LS_OUTCOME_NONE, false },
	/* Before any passdb was asked: a guess at nothing. */
	{ LITERAL("Attempted login with password having illegal chars"),
	  DOVELOG_FAILED, LS_OUTCOME_ABANDONED, true },
	{ LITERAL("Attempted master login with no master passdbs"), DOVELOG_FAILED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("Username character disallowed"), DOVELOG_FAILED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("Empty username"), DOVELOG_FAILED, LS_OUTCOME_ABANDONED, true },
	{ LITERAL("Username or password missing"), DOVELOG_FAILED,
	  LS_OUTCOME_ABANDONED, true },
	{ LITERAL("Invalid username"), DOVELOG_FAILED, LS_OUTCOME_ABANDONED,
	  true },
	{ LITERAL("invalid input"), DOVELOG_FAILED, LS_OUTCOME_ABANDONED, true },
	{ LITERAL("Request timed out waiting for client"), DOVELOG_FAILED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("Falling back to expired data from cache"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE, true },
	{ LITERAL("Policy check action"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("login"), DOVELOG_OTHER, LS_OUTCOME_NONE, true },
	{ LITERAL("anonymous login"), DOVELOG_OTHER, LS_OUTCOME_NONE, true },
};

static const struct message *message_of(struct dovelog_text text)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		struct dovelog_text rest = text;

		if (!text_take(&rest, messages[i].begins))
			continue;
		if (!messages[i].whole || rest.len == 0 ||
		    text_begins(rest, TEXT(" (")) ||
		    text_begins(rest, TEXT(" - ")))
			return &messages[i];
	}
	return NULL;
}

/* ---- who was it about ------------------------------------------------- */

/* Dovecot logs 64 bytes of a name, and says "..." of a longer one. */
enum { NAME_LOGGED = 64 };

/* Take what stands behind the last comma. */
static bool take_last(struct dovelog_text *text, struct dovelog_text *item_r)
{
	const char *comma = memrchr(text->at, ',', text->len);

	if (comma == NULL)
		return false;
	*item_r = text_skip(*text, (size_t)(comma - text->at) + 1);
	text->len = (size_t)(comma - text->at);
	return true;
}

static void take_session(struct dovelog_text item,
			 struct dovelog_record *record)
{
	record->session = (struct dovelog_text){ item.at + 1, item.len - 2 };
}

/* "USER,IP" and, in any order, "<SESSION>", "sasl:MECH", "master". */
static bool parse_identity(struct dovelog_text text,
			   struct dovelog_record *record)
{
	struct dovelog_text item;

	while (take_last(&text, &item)) {
		if (text_addr(item, &record->ip)) {
			record->user = text;
			if (text_is(text, TEXT("?")))
				record->user.len = 0;
			return text.len <= NAME_LOGGED;
		}
		if (item.len > 2 && item.at[0] == '<' &&
		    item.at[item.len - 1] == '>')
			take_session(item, record);
		else if (text_begins(item, TEXT("sasl:")))
			record->mech = text_skip(item, 5);
		else if (!text_is(item, TEXT("master")))
			return false;
	}
	return false;
}

/* ---- 2.4 -------------------------------------------------------------- */

/* Behind ")": "<7><SESSION>: request [3]: Info: NAME: ". */
static bool take_rest_24(struct dovelog_text *text,
			 struct dovelog_record *record)
{
	size_t end;

	while (text->len > 0 && text->at[0] == '<') {
		end = text_find(*text, TEXT(">"));
		if (end == text->len)
			return false;
		take_session((struct dovelog_text){ text->at, end + 1 },
			     record);
		*text = text_skip(*text, end + 1);
	}
	if (!text_take(text, TEXT(": ")))
		return false;
	if (text_begins(*text, TEXT("request ["))) {
		end = text_find(*text, TEXT("]: "));
		if (end == text->len)
			return false;
		*text = text_skip(*text, end + 3);
	}
	return true;
}

/* One of the places where USER and what belongs to it may end. Returns whether
 * all that follows fits. */
static bool try_24(struct dovelog_text text, size_t end,
		   struct dovelog_record *record,
		   const struct message **message_r)
{
	struct dovelog_text rest = text_skip(text, end + 1);
	size_t colon;

	if (!parse_identity((struct dovelog_text){ text.at, end }, record) ||
	    !take_rest_24(&rest, record))
		return false;
	*message_r = NULL;
	if (!dovelog_take_level(&rest)) {
		record->what = DOVELOG_OTHER;
		return true;
	}
	colon = text_find(rest, TEXT(": "));
	if (colon < rest.len &&
	    memchr(rest.at, ' ', colon) == NULL) {
		record->by = (struct dovelog_text){ rest.at, colon };
		rest = text_skip(rest, colon + 2);
	}
	record->what = DOVELOG_UNKNOWN;
	*message_r = message_of(rest);
	return true;
}

/* ---- 2.3 -------------------------------------------------------------- */

static bool try_23(struct dovelog_text text, size_t end,
		   struct dovelog_record *record,
		   const struct message **message_r)
{
	struct dovelog_text rest = text_skip(text, end + 1);

	if (!parse_identity((struct dovelog_text){ text.at, end }, record) ||
	    !text_take(&rest, TEXT(": ")))
		return false;
	record->what = DOVELOG_UNKNOWN;
	*message_r = message_of(rest);
	return true;
}

/* ---- both ------------------------------------------------------------- */

typedef bool try_fn(struct dovelog_text text, size_t end,
		    struct dovelog_record *record,
		    const struct message **message_r);

/* `text` begins with USER. Try each ')' as the end of what is known of the
 * client; one alone may make sense. Returns false when none does. */
static bool parse_who(struct dovelog_text text, try_fn *try,
		      struct dovelog_record *record)
{
	struct dovelog_record found = *record;
	unsigned understood = 0, read = 0;

	for (size_t end = 0; end < text.len; end++) {
		struct dovelog_record one = *record;
		const struct message *message = NULL;

		if (text.at[end] != ')' || !try(text, end, &one, &message))
			continue;
		read++;
		if (message != NULL) {
			understood++;
			one.what = message->what;
			one.outcome = message->outcome;
			one.attempts = 1;
		}
		if (understood == 0 || (message != NULL && understood == 1))
			found = one;
	}
	if (understood > 1)
		dovelog_not_understood(&found);
	if (read > 0)
		*record = found;
	return read > 0;
}

static bool is_pid(struct dovelog_text text)
{
	unsigned pid;

	return text_take(&text, TEXT("(")) && text_take_number(&text, &pid) &&
	       text_begins(text, TEXT("): "));
}

/* "NAME(USER,IP,<SESSION>): MESSAGE", perhaps behind a worker's own words. Returns
 * false when it is none. */
static bool parse_23(struct dovelog_text text, struct dovelog_record *record)
{
	size_t name;

	if (text_begins(text, TEXT("conn unix:"))) {
		size_t end = text_find(text, TEXT(": auth-worker<"));

		if (end == text.len)
			return false;
		text = text_skip(text, end + 2);
		end = text_find(text, TEXT(">: "));
		if (end == text.len)
			return false;
		text = text_skip(text, end + 3);
	}
	name = text_find(text, TEXT("("));
	if (name == text.len || memchr(text.at, ' ', name) != NULL)
		return false;
	record->by = (struct dovelog_text){ text.at, name };
	return parse_who(text_skip(text, name + 1), try_23, record);
}

/* Take "default): ", the name of 1.2's auth process. */
static bool take_instance(struct dovelog_text *text)
{
	size_t end = text_find(*text, TEXT("): "));

	if (end == text->len || memchr(text->at, ',', end) != NULL)
		return false;
	*text = text_skip(*text, end + 3);
	return true;
}

/* Behind "(": 1.2's or 2.4's. What only 2.4 has, in a line that begins as 1.2's
 * does, makes two readings of it. */
static bool parse_12_or_24(struct dovelog_text text,
			   struct dovelog_record *record)
{
	if (!take_instance(&text))
		return parse_who(text, try_24, record);
	if (!dovelog_take_level(&text))
		return true;
	return !text_has(text, TEXT(",sasl:")) &&
	       !text_has(text, TEXT(": request [")) && parse_23(text, record);
}

void dovelog_auth(struct dovelog_text text, struct dovelog_record *record)
{
	bool read = false;

	if (is_pid(text))
		text = text_skip(text, text_find(text, TEXT(")")) + 1);
	if (text_take(&text, TEXT("(")))
		read = parse_12_or_24(text, record);
	else if (text_take(&text, TEXT(": ")))
		read = !dovelog_take_level(&text) || parse_23(text, record);
	if (!read && dovelog_has_auth_words(text))
		record->what = DOVELOG_UNKNOWN;
}
