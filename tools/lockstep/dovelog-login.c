/* dovelog-login.c - lines of Dovecot's login processes, and of Postfix
 *
 * A login process writes one line for each client that logs in or leaves, by
 * default
 *
 *   MESSAGE: user=<USER>, method=M, rip=IP, lip=IP, mpid=7, TLS, session=<S>
 *
 * where what is empty is left out, but for the user. The message of a client
 * that leaves tells how many attempts it made, and why the last one failed. */
#include "lockstep-config.h"

#include "dovelog-private.h"

/* ---- the elements ----------------------------------------------------- */

static bool is_word(struct dovelog_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] == ',' ||
		    text.at[i] == '>' || text.at[i] == '=')
			return false;
	return text.len > 0;
}

/* `text` is "USER>" or "USER>, method=M": what stands between "user=<" and the
 * comma before the address. */
static bool parse_user(struct dovelog_text text, struct dovelog_record *record)
{
	static const struct dovelog_text method = LITERAL(">, method=");
	size_t at = text_find_last(text, method);

	if (at < text.len) {
		struct dovelog_text mech = text_skip(text, at + method.len);

		if (is_word(mech)) {
			record->mech = mech;
			record->user = (struct dovelog_text){ text.at, at };
			return true;
		}
	}
	at = text_find_last(text, TEXT(">"));
	record->user = (struct dovelog_text){ text.at, at };
	return at < text.len;
}

/* What stands behind the address. */
static void parse_tail(struct dovelog_text text, struct dovelog_record *record)
{
	size_t session = text_find_last(text, TEXT(", session=<"));

	if (session < text.len) {
		struct dovelog_text id = text_skip(text, session + 11);

		id.len = text_find(id, TEXT(">"));
		record->session = id;
		text.len = session;
	}
	/* Only where the line has all else that it has by default does a word
	 * that is missing say something. */
	record->secured = text_has(text, TEXT(", TLS")) ||
			  text_has(text, TEXT(", secured")) ||
			  !text_has(text, TEXT(", lip=")) ||
			  record->session.len == 0;
}

/* `text` begins behind "user=<". The user's name is no place to look for the
 * address: nothing that the client chooses stands behind the name, so the last
 * one is it. Where an administrator has put the address first, it is in
 * `before`. */
static bool parse_elements(struct dovelog_text before, struct dovelog_text text,
			   struct dovelog_record *record)
{
	static const struct dovelog_text rip = LITERAL("rip=");
	static const struct dovelog_text comma_rip = LITERAL(", rip=");
	size_t at = text_find(before, rip);
	struct dovelog_text ip;

	if (at < before.len) {
		ip = text_skip(before, at + rip.len);
		ip.len = text_find(ip, TEXT(","));
		record->user = (struct dovelog_text){
			text.at, text_find_last(text, TEXT(">"))
		};
		return text_addr(ip, &record->ip);
	}
	at = text_find_last(text, comma_rip);
	if (at == text.len ||
	    !parse_user((struct dovelog_text){ text.at, at }, record))
		return false;
	text = text_skip(text, at + comma_rip.len);
	ip = (struct dovelog_text){ text.at, text_find(text, TEXT(",")) };
	parse_tail(text_skip(text, ip.len), record);
	return text_addr(ip, &record->ip);
}

/* ---- the message of a client that leaves ------------------------------ */

struct end {
	struct dovelog_text says;
	enum dovelog_what what;
	enum ls_outcome outcome;
};

/* Looked for in this order. */
static const struct end ends[] = {
	{ LITERAL("(no auth attempts"), DOVELOG_OTHER, LS_OUTCOME_NONE },
	/* The password was right. */
	{ LITERAL("successful auths"), DOVELOG_LOGIN, LS_OUTCOME_SUCCESS },
	{ LITERAL("(disconnected while finishing login"), DOVELOG_LOGIN,
	  LS_OUTCOME_SUCCESS },
	{ LITERAL("(auth failed"), DOVELOG_ENDED, LS_OUTCOME_WRONG },
	/* Gone before it was answered. Dovecot keeps who fails waiting, and
	 * those who guess do not like to wait. */
	{ LITERAL("(disconnected while authenticating"), DOVELOG_ENDED,
	  LS_OUTCOME_WRONG },
	{ LITERAL("(authorization failed"), DOVELOG_ENDED, LS_OUTCOME_DENIED },
	{ LITERAL("(user disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED },
	{ LITERAL("(password expired"), DOVELOG_ENDED, LS_OUTCOME_DENIED },
	{ LITERAL("(login disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED },
	{ LITERAL("(anonymous logins disabled"), DOVELOG_ENDED,
	  LS_OUTCOME_DENIED },
	{ LITERAL("temporary failure"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL },
	{ LITERAL("(auth process communication failure"), DOVELOG_ENDED,
	  LS_OUTCOME_INTERNAL },
	{ LITERAL("(proxy dest "), DOVELOG_ENDED, LS_OUTCOME_INTERNAL },
	{ LITERAL("(connection limit reached"), DOVELOG_ENDED,
	  LS_OUTCOME_INTERNAL },
	{ LITERAL("(auth referral"), DOVELOG_OTHER, LS_OUTCOME_NONE },
	{ LITERAL("(client didn't finish SASL auth"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED },
	{ LITERAL("(aborted authentication"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED },
	{ LITERAL("(auth aborted by client"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED },
	{ LITERAL("(sent invalid base64"), DOVELOG_ENDED, LS_OUTCOME_ABANDONED },
	{ LITERAL("(tried to use unsupported auth"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE },
	{ LITERAL("(tried to use disallowed"), DOVELOG_OTHER, LS_OUTCOME_NONE },
	{ LITERAL("(disconnected before auth was ready"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE },
	{ LITERAL("(disconnected during TLS handshake"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE },
	{ LITERAL("(cert required"), DOVELOG_OTHER, LS_OUTCOME_NONE },
	{ LITERAL("(client sent an"), DOVELOG_OTHER, LS_OUTCOME_NONE },
	{ LITERAL("(client didn't send a cert"), DOVELOG_OTHER, LS_OUTCOME_NONE },
};

/* "..., 3 attempts in" or "..., 1/3 successful auths": how many failed. */
static unsigned failures_of(struct dovelog_text message,
			    enum ls_outcome outcome)
{
	size_t at = text_find_last(message, TEXT(", "));
	struct dovelog_text text;
	unsigned count, all;

	if (at == message.len)
		return 1;
	text = text_skip(message, at + 2);
	if (text_take_number(&text, &count) == 0)
		return 1;
	if (text_take(&text, TEXT("/")) && text_take_number(&text, &all) > 0)
		return all > count ? all - count + 1 : 1;
	if (!text_begins(text, TEXT(" attempts")) ||
	    outcome == LS_OUTCOME_SUCCESS || count == 0)
		return 1;
	return count;
}

/* The messages of clients that leave, of Dovecot 2.4, 2.3 and 2.2. */
static bool is_end(struct dovelog_text message)
{
	return text_begins(message, TEXT("Login aborted")) ||
	       text_begins(message, TEXT("Disconnected")) ||
	       text_begins(message, TEXT("Aborted login"));
}

static void parse_end(struct dovelog_text message,
		      struct dovelog_record *record)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (!text_has(message, ends[i].says))
			continue;
		record->what = ends[i].what;
		record->outcome = ends[i].outcome;
		if (record->what == DOVELOG_OTHER)
			return;
		record->attempts = failures_of(message, record->outcome);
		if (record->what == DOVELOG_LOGIN && record->user.len == 0)
			record->what = DOVELOG_OTHER;
		/* Those before the last were not abandoned. */
		if (record->outcome == LS_OUTCOME_ABANDONED &&
		    record->attempts > 1) {
			record->outcome = LS_OUTCOME_WRONG;
			record->attempts--;
		}
		return;
	}
	record->what = record->user.len == 0 ? DOVELOG_OTHER : DOVELOG_UNKNOWN;
}

/* ---- all of a line ---------------------------------------------------- */

static bool is_login(struct dovelog_text message)
{
	return text_is(message, TEXT("Login")) ||
	       text_is(message, TEXT("Logged in")) ||
	       text_has(message, TEXT("Started proxying to "));
}

/* Said of an attempt while the client stays. */
static bool is_between(struct dovelog_text message)
{
	return text_begins(message, TEXT("Authenticate ")) ||
	       text_begins(message, TEXT("Login failed")) ||
	       text_begins(message, TEXT("Maximum number of connections"));
}

static bool take_level(struct dovelog_text *text)
{
	const char *colon = memchr(text->at, ':', text->len);
	const struct dovelog_text level = {
		text->at, colon != NULL ? (size_t)(colon - text->at) : 0
	};

	if (text_is(level, TEXT("Info"))) {
		*text = text_skip(*text, sizeof("Info: ") - 1);
		return true;
	}
	return !text_is(level, TEXT("Error")) &&
	       !text_is(level, TEXT("Warning")) &&
	       !text_is(level, TEXT("Debug")) &&
	       !text_is(level, TEXT("Fatal")) && !text_is(level, TEXT("Panic"));
}

void dovelog_login(struct dovelog_text text, struct dovelog_record *record)
{
	static const struct dovelog_text user = LITERAL("user=<");
	struct dovelog_text message, before;
	size_t at, end;

	if (text.len < 8 || !text_take(&text, TEXT(": ")) ||
	    !take_level(&text))
		return;
	at = text_find(text, user);
	before = (struct dovelog_text){ text.at, at };
	end = text_find(before, TEXT(": rip="));
	message = (struct dovelog_text){ text.at, end };
	if (end == at && end >= 2)
		message.len -= 2; /* ": " */
	if (!is_login(message) && !is_end(message)) {
		/* Also where a login is told of in a form of the
		 * administrator's. */
		if ((at < text.len && !is_between(message)) ||
		    text_begins(text, TEXT("Login: ")) ||
		    text_begins(text, TEXT("Logged in: ")))
			record->what = DOVELOG_UNKNOWN;
		return;
	}
	record->what = DOVELOG_UNKNOWN;
	if (at == text.len ||
	    !parse_elements(before, text_skip(text, at + user.len), record))
		return;
	if (!is_login(message)) {
		parse_end(message, record);
		return;
	}
	record->what = record->user.len > 0 ? DOVELOG_LOGIN : DOVELOG_UNKNOWN;
	record->outcome = LS_OUTCOME_SUCCESS;
	record->attempts = 1;
}

/* ---- Postfix ---------------------------------------------------------- */

/* "HOST[IP]": of the host name an attacker may be the author. */
static bool parse_client(struct dovelog_text text,
			 struct dovelog_record *record)
{
	const char *bracket = memrchr(text.at, '[', text.len);

	return bracket != NULL &&
	       text_addr(text_skip(text, (size_t)(bracket - text.at) + 1),
			 &record->ip);
}

/* "warning: HOST[IP]: SASL PLAIN authentication failed: REASON,
 * sasl_username=USER". */
static void parse_sasl_failure(struct dovelog_text text,
			       struct dovelog_record *record)
{
	static const struct dovelog_text name = LITERAL(", sasl_username=");
	static const struct dovelog_text sasl = LITERAL("]: SASL ");
	size_t at = text_find(text, sasl);

	if (at == text.len ||
	    !parse_client((struct dovelog_text){ text.at, at }, record))
		return;
	text = text_skip(text, at + sasl.len);
	at = text_find(text, TEXT(" "));
	record->mech = (struct dovelog_text){ text.at, at };
	text = text_skip(text, at);
	record->outcome = LS_OUTCOME_WRONG;
	if (text_begins(text, TEXT(" authentication aborted")))
		record->outcome = LS_OUTCOME_ABANDONED;
	else if (!text_begins(text, TEXT(" authentication failed")))
		return;
	if (text_has(text, TEXT("Connection lost to authentication server")) ||
	    text_has(text, TEXT("Temporary authentication failure")))
		record->outcome = LS_OUTCOME_INTERNAL;
	if (text_has(text, TEXT("Invalid authentication mechanism")))
		record->outcome = LS_OUTCOME_ABANDONED;
	at = text_find(text, name);
	if (at < text.len)
		record->user = text_skip(text, at + name.len);
	record->what = DOVELOG_SASL_FAILED;
	record->attempts = 1;
}

/* `text` is "USER", and what Postfix knows besides. What follows the first of
 * these may be the client's own words. */
static struct dovelog_text sasl_user(struct dovelog_text text)
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

/* "QUEUEID: client=HOST[IP], sasl_method=PLAIN, sasl_username=USER". */
static void parse_sasl_login(struct dovelog_text text,
			     struct dovelog_record *record)
{
	static const struct dovelog_text client = LITERAL(": client=");
	static const struct dovelog_text method = LITERAL("], sasl_method=");
	static const struct dovelog_text name = LITERAL(", sasl_username=");
	size_t at = text_find(text, client);

	if (at == text.len || memchr(text.at, ' ', at) != NULL)
		return;
	text = text_skip(text, at + client.len);
	at = text_find(text, method);
	if (at == text.len ||
	    !parse_client((struct dovelog_text){ text.at, at }, record))
		return;
	text = text_skip(text, at + method.len);
	at = text_find(text, name);
	if (at == text.len)
		return;
	record->mech = (struct dovelog_text){ text.at, at };
	record->user = sasl_user(text_skip(text, at + name.len));
	record->what = DOVELOG_SASL_LOGIN;
	record->outcome = LS_OUTCOME_SUCCESS;
	record->attempts = 1;
}

void dovelog_postfix(struct dovelog_text text, struct dovelog_record *record)
{
	record->service = TEXT("smtp");
	if (text_take(&text, TEXT("warning: ")))
		parse_sasl_failure(text, record);
	else
		parse_sasl_login(text, record);
}
