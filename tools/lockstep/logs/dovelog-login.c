/* dovelog-login.c - lines of Dovecot's login processes
 *
 * A login process writes one line for each client that logs in or leaves, by
 * default
 *
 *   MESSAGE: user=<USER>, method=M, rip=IP, lip=IP, mpid=7, TLS, session=<S>
 *
 * where what is empty is left out, but for the user. The message of a client
 * that leaves tells how many attempts it made, and why the last one failed:
 *
 *   1.2: Disconnected (auth failed, 2 attempts)
 *   2.2: Aborted login (auth failed, 2 attempts in 5 secs)
 *   2.3: Client has quit the connection (auth failed, 2 attempts in 5 secs)
 *        Disconnected: Connection closed (auth failed, 2 attempts in 5 secs)
 *   2.4: Login aborted: Connection closed (auth failed, 2 attempts in 5 secs) (auth_failed)
 *
 * A proxy's has "proxy(USER,HOST:PORT): " in front. 2.4 may have a backend's own
 * words in the message, which may be the client's. Source: client_disconnect() and
 * client_get_extra_disconnect_reason() of src/login-common. */
#include "lockstep-config.h"

#include "logs/dovelog-private.h"

/* ---- the elements ----------------------------------------------------- */

static bool is_word(struct dovelog_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] == ',' ||
		    text.at[i] == '>' || text.at[i] == '=')
			return false;
	return text.len > 0;
}

/* In `text`, "USER>" and what else the client did not choose, the end of USER. The
 * last '>' is a session's, unless the session is known to stand elsewhere. */
static size_t end_of_user(struct dovelog_text text, bool session_elsewhere)
{
	const size_t last = text_find_last(text, TEXT(">"));
	struct dovelog_text before = { text.at, last };
	const size_t session = text_find_last(before, TEXT(", session=<"));
	size_t end;

	if (session_elsewhere || session == last ||
	    text_has(text_skip(before, session), TEXT(">")))
		return last;
	before.len = session;
	end = text_find_last(before, TEXT(">"));
	return end < session ? end : last;
}

static bool parse_session(struct dovelog_text text,
			  struct dovelog_record *record)
{
	static const struct dovelog_text session = LITERAL("session=<");
	size_t at = text_find_last(text, session);

	if (at == text.len)
		return false;
	text = text_skip(text, at + session.len);
	record->session = (struct dovelog_text){ text.at,
						 text_find(text, TEXT(">")) };
	return true;
}

/* Take USER and all else of "USER>, method=M, ...", but for the address. Returns
 * whether there is a USER. */
static bool parse_user(struct dovelog_text *text, bool session_elsewhere,
		       struct dovelog_record *record)
{
	size_t end = end_of_user(*text, session_elsewhere);
	struct dovelog_text mech;

	if (end == text->len)
		return false;
	record->user = (struct dovelog_text){ text->at, end };
	*text = mech = text_skip(*text, end + 1);
	if (!session_elsewhere)
		parse_session(*text, record);
	if (text_take(&mech, TEXT(", method="))) {
		mech.len = text_find(mech, TEXT(","));
		if (is_word(mech))
			record->mech = mech;
	}
	/* An element of the administrator's, with the client's own words, could
	 * have an address in it. */
	return !text_has(*text, TEXT(", rip="));
}

/* Is a word for TLS in the elements of the server's, those behind USER or those
 * behind the address? Only where the line has all else that it has by default does
 * a word that is missing say something. */
static bool says_secured(struct dovelog_text behind_user,
			 struct dovelog_text behind_ip,
			 const struct dovelog_record *record)
{
	static const struct dovelog_text words[] = { LITERAL(", TLS"),
						     LITERAL(", secured") };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_has(behind_user, words[i]) ||
		    text_has(behind_ip, words[i]))
			return true;
	return !text_has(behind_ip, TEXT(", lip=")) || record->session.len == 0;
}

/* Take the address from the front. */
static bool take_address(struct dovelog_text *text,
			 struct dovelog_record *record)
{
	const struct dovelog_text ip = { text->at, text_find(*text, TEXT(",")) };

	*text = text_skip(*text, ip.len);
	return text_addr(ip, &record->ip);
}

/* `text` begins behind "user=<". The user's name is no place to look for the
 * address: nothing that the client chooses stands behind the name, so the last
 * one is it. Where an administrator has put the address first, it is in
 * `before`. */
static bool parse_elements(struct dovelog_text before, struct dovelog_text text,
			   struct dovelog_record *record)
{
	static const struct dovelog_text rip = LITERAL(" rip=");
	static const struct dovelog_text comma_rip = LITERAL(", rip=");
	size_t at = text_find(before, rip);
	struct dovelog_text ip;

	if (at < before.len) {
		ip = text_skip(before, at + rip.len);
		return parse_user(&text, parse_session(before, record),
				  record) &&
		       take_address(&ip, record) && !text_has(ip, rip);
	}
	at = text_find_last(text, comma_rip);
	if (at == text.len)
		return false;
	ip = text_skip(text, at + comma_rip.len);
	text.len = at;
	if (!take_address(&ip, record) ||
	    !parse_user(&text,
			parse_session(before, record) ||
				parse_session(ip, record),
			record))
		return false;
	record->secured = says_secured(text, ip, record);
	return true;
}

/* ---- the message of a client that leaves ------------------------------ */

struct end {
	struct dovelog_text says;
	enum dovelog_what what;
	enum ls_outcome outcome;
	bool each; /* all attempts ended so */
};

/* The last word of 2.4, in parentheses. */
static const struct end codes[] = {
	{ LITERAL("auth_failed"), DOVELOG_ENDED, LS_OUTCOME_WRONG, false },
	{ LITERAL("invalid_credentials"), DOVELOG_ENDED, LS_OUTCOME_WRONG,
	  false },
	{ LITERAL("authorization_failed"), DOVELOG_ENDED, LS_OUTCOME_DENIED,
	  false },
	{ LITERAL("user_disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("password_expired"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("login_disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("anonymous_auth_disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED,
	  false },
	{ LITERAL("temp_fail"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL, false },
	{ LITERAL("auth_process_comm_fail"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL,
	  false },
	/* One attempt was right: not always the last, nor its account's. */
	{ LITERAL("internal_failure"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL,
	  false },
	/* Of an account that logged in: the client is sent away at once. */
	{ LITERAL("connection_limit"), DOVELOG_LOGIN, LS_OUTCOME_SUCCESS,
	  false },
	{ LITERAL("auth_aborted_by_client"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("auth_waiting_client"), DOVELOG_ENDED, LS_OUTCOME_ABANDONED,
	  false },
	{ LITERAL("invalid_base64"), DOVELOG_ENDED, LS_OUTCOME_ABANDONED,
	  false },
	/* What a proxy's backends said. The proxy itself knows no password and
	 * calls each attempt successful. */
	{ LITERAL("proxy_dest_auth_failed"), DOVELOG_ENDED, LS_OUTCOME_WRONG,
	  true },
	{ LITERAL("proxy_dest_"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL, false },
	{ LITERAL("auth_nologin_referral"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("invalid_mech"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("cleartext_auth_disabled"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("no_auth_attempts"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("tls_handshake_not_finished"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("auth_process_not_ready"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("process_full"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("shutting_down"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("client_ssl_"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
};

/* The beginning of what releases before 2.4 have in parentheses. */
static const struct end remarks[] = {
	{ LITERAL("auth failed"), DOVELOG_ENDED, LS_OUTCOME_WRONG, false },
	/* Gone before it was answered. Dovecot keeps who fails waiting, and
	 * those who guess do not like to wait. */
	{ LITERAL("disconnected while authenticating"), DOVELOG_ENDED,
	  LS_OUTCOME_WRONG, false },
	/* Right, or an OAuth token that was refused: 2.3 ends both so. */
	{ LITERAL("disconnected while finishing login"), DOVELOG_ENDED,
	  LS_OUTCOME_INTERNAL, false },
	{ LITERAL("internal failure"), DOVELOG_ENDED, LS_OUTCOME_INTERNAL,
	  false },
	{ LITERAL("authorization failed"), DOVELOG_ENDED, LS_OUTCOME_DENIED,
	  false },
	{ LITERAL("user disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("password expired"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("login disabled"), DOVELOG_ENDED, LS_OUTCOME_DENIED, false },
	{ LITERAL("anonymous logins disabled"), DOVELOG_ENDED,
	  LS_OUTCOME_DENIED, false },
	{ LITERAL("auth service reported temporary failure"), DOVELOG_ENDED,
	  LS_OUTCOME_INTERNAL, false },
	{ LITERAL("auth process communication failure"), DOVELOG_ENDED,
	  LS_OUTCOME_INTERNAL, false },
	{ LITERAL("proxy dest auth failed"), DOVELOG_ENDED, LS_OUTCOME_WRONG,
	  true },
	{ LITERAL("proxy dest authentication failure"), DOVELOG_ENDED,
	  LS_OUTCOME_WRONG, true },
	{ LITERAL("proxy dest "), DOVELOG_ENDED, LS_OUTCOME_INTERNAL, false },
	{ LITERAL("auth referral"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("client didn't finish SASL auth"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("aborted authentication"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("auth aborted by client"), DOVELOG_ENDED,
	  LS_OUTCOME_ABANDONED, false },
	{ LITERAL("sent invalid base64"), DOVELOG_ENDED, LS_OUTCOME_ABANDONED,
	  false },
	{ LITERAL("no auth attempts"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("tried to use unsupported auth"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE, false },
	{ LITERAL("tried to use disallowed"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("tried to use disabled"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
	{ LITERAL("disconnected before auth was ready"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE, false },
	{ LITERAL("disconnected during TLS handshake"), DOVELOG_OTHER,
	  LS_OUTCOME_NONE, false },
	{ LITERAL("cert required"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("client sent an"), DOVELOG_OTHER, LS_OUTCOME_NONE, false },
	{ LITERAL("client didn't send a cert"), DOVELOG_OTHER, LS_OUTCOME_NONE,
	  false },
};

/* Take "(...)" off the end. Returns false where there is none. */
static bool take_remark(struct dovelog_text *message,
			struct dovelog_text *remark_r)
{
	size_t at = text_find_last(*message, TEXT(" ("));

	if (at == message->len || message->at[message->len - 1] != ')')
		return false;
	*remark_r = (struct dovelog_text){ message->at + at + 2,
					   message->len - at - 3 };
	message->len = at;
	return true;
}

static const struct end *find_end(const struct end *ends, size_t count,
				  struct dovelog_text says)
{
	for (size_t i = 0; i < count; i++)
		if (text_begins(says, ends[i].says))
			return &ends[i];
	return NULL;
}

/* Is the text one word of small letters and '_'? */
static bool is_code(struct dovelog_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < 'a' || text.at[i] > 'z') && text.at[i] != '_')
			return false;
	return text.len > 0;
}

/* How a client's attempts ended, by the message; NULL: that is no such one. */
static const struct end *end_of(struct dovelog_text message)
{
	struct dovelog_text remark;

	if (!take_remark(&message, &remark))
		return NULL;
	if (is_code(remark))
		return find_end(codes, sizeof(codes) / sizeof(*codes), remark);
	return find_end(remarks, sizeof(remarks) / sizeof(*remarks), remark);
}

/* "3 attempts in" or "1/3 successful auths in": how many of them, the last one
 * included, ended as the message says or failed before. */
static unsigned attempts_of(struct dovelog_text message, const struct end *end)
{
	struct dovelog_text number;
	unsigned count, all;

	while (message.len > 0) {
		size_t at = text_find(message, TEXT(", "));

		if (at == message.len)
			break;
		number = message = text_skip(message, at + 2);
		if (text_take_number(&number, &count) == 0)
			continue;
		if (text_take(&number, TEXT("/"))) {
			if (text_take_number(&number, &all) == 0 ||
			    !text_begins(number, TEXT(" successful auths")))
				continue;
			if (end->each)
				return all > 0 ? all : 1;
			return all > count ? all - count + 1 : 1;
		}
		if (text_begins(number, TEXT(" successful auths")))
			return end->each && count > 0 ? count : 1;
		if (text_begins(number, TEXT(" attempts")))
			return count > 0 ? count : 1;
	}
	return 1;
}

static void parse_end(struct dovelog_text message, const struct end *end,
		      struct dovelog_record *record)
{
	record->what = end->what;
	record->outcome = end->outcome;
	if (record->what == DOVELOG_OTHER)
		return;
	record->attempts = attempts_of(message, end);
	if (record->what == DOVELOG_LOGIN && record->user.len == 0) {
		record->what = DOVELOG_OTHER;
		record->outcome = LS_OUTCOME_NONE;
		record->attempts = 0;
	}
	/* Those before the last were not abandoned. */
	if (record->outcome == LS_OUTCOME_ABANDONED && record->attempts > 1) {
		record->outcome = LS_OUTCOME_WRONG;
		record->attempts--;
	}
}

/* ---- all of a line ---------------------------------------------------- */

/* The client logged in, whatever came of it: the user is the one who did, and a
 * client that is told of trouble is sent away at once. */
static bool is_login(struct dovelog_text message)
{
	if (text_is(message, TEXT("Login")) ||
	    text_is(message, TEXT("Logged in")))
		return true;
	if (!text_take(&message, TEXT("Disconnected: ")))
		text_take(&message, TEXT("Login aborted: "));
	return text_begins(message,
			   TEXT("Maximum number of connections from user+IP "
				"exceeded (mail_max_userip_connections=")) ||
	       text_begins(message, TEXT("Internal login failure (pid="));
}

/* A proxy's, of a client that its backend let in. */
static bool says_proxied(struct dovelog_text message)
{
	return text_begins(message, TEXT("Started proxying to ")) ||
	       text_begins(message, TEXT("started proxying to "));
}

/* A proxy's, of a session that its backend had: "(12s idle, in=1, out=2)". What
 * became of the attempt it has told before, or tells when the client leaves. */
static bool is_proxy_over(struct dovelog_text message)
{
	return text_begins(message, TEXT("Disconnected by ")) ||
	       text_begins(message, TEXT("disconnecting ")) ||
	       text_has(message, TEXT("s idle, in=")) ||
	       text_ends(message, TEXT("s idle)"));
}

/* Said of an attempt while the client stays, or of one that had none. */
static bool is_between(struct dovelog_text message)
{
	/* In "ID sent" and "Pre-login" are words of the client. */
	return text_begins(message, TEXT("Authenticate ")) ||
	       text_begins(message, TEXT("ID sent: ")) ||
	       text_begins(message, TEXT("Pre-login ")) ||
	       text_begins(message, TEXT("Login failed"));
}

/* "proxy(USER,HOST:PORT): ", or of 2.2 "proxy(USER): ". The name in it is typed:
 * it may hold anything. Sets what stands in the parentheses. */
static bool take_proxy(struct dovelog_text *text, struct dovelog_text *inside_r)
{
	struct dovelog_text rest = *text;
	size_t end;

	if (!text_take(&rest, TEXT("proxy(")))
		return false;
	end = text_find(rest, TEXT("): "));
	if (end == rest.len)
		return false;
	*inside_r = (struct dovelog_text){ rest.at, end };
	*text = text_skip(rest, end + 3);
	return true;
}

/* Is the name in front the one behind? Where a name has "): " in it, the one
 * behind is the longer: it has the whole of the name, and more. */
static bool is_proxy_of(struct dovelog_text inside, struct dovelog_text user)
{
	return text_take(&inside, user) &&
	       (inside.len == 0 || inside.at[0] == ',');
}

/* Does one of the elements begin here that may be the first? */
static bool is_element(struct dovelog_text text)
{
	static const struct dovelog_text elements[] = {
		LITERAL("user=<"), LITERAL("rip="), LITERAL("lip="),
		LITERAL("method="), LITERAL("session=<"),
	};

	if (!text_take(&text, TEXT(": ")))
		return false;
	for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++)
		if (text_begins(text, elements[i]))
			return true;
	return false;
}

/* Where MESSAGE ends and the elements begin; text.len: nowhere. Only behind a
 * message that is known as one is the first element the right one: a backend's
 * words may have another. */
static size_t end_of_message(struct dovelog_text text, const struct end **end_r)
{
	size_t first = text.len;

	*end_r = NULL;
	for (size_t at = 0; at < text.len; at++) {
		const struct dovelog_text rest = text_skip(text, at);

		if (!is_element(rest))
			continue;
		if (first == text.len)
			first = at;
		*end_r = end_of((struct dovelog_text){ text.at, at });
		if (*end_r != NULL)
			return at;
	}
	return first;
}

/*   rest   the elements
 *   login  the client logged in; else it ended as `end` says */
static void parse_client(struct dovelog_text message, struct dovelog_text rest,
			 bool login, const struct end *end,
			 struct dovelog_record *record)
{
	static const struct dovelog_text user = LITERAL("user=<");
	size_t at = text_find(rest, user);
	struct dovelog_text before = { rest.at, at };

	record->what = DOVELOG_UNKNOWN;
	if (at == rest.len) {
		/* No name: nothing was tried, in the words of old releases. */
		if (!login && end->what == DOVELOG_OTHER)
			record->what = DOVELOG_OTHER;
		return;
	}
	if (!parse_elements(before, text_skip(rest, at + user.len), record))
		return;
	if (!login) {
		parse_end(message, end, record);
	} else if (record->user.len > 0) {
		record->what = DOVELOG_LOGIN;
		record->outcome = LS_OUTCOME_SUCCESS;
		record->attempts = end != NULL ? attempts_of(message, end) : 1;
	}
}

void dovelog_login(struct dovelog_text text, struct dovelog_record *record)
{
	static const struct end over = { LITERAL(""), DOVELOG_OTHER,
					 LS_OUTCOME_NONE, false };
	struct dovelog_text message, inside = TEXT("");
	const struct end *end;
	bool proxy, login;
	size_t at;

	if (!text_take(&text, TEXT(": "))) {
		if (dovelog_is_somebody(text))
			record->what = DOVELOG_UNKNOWN;
		return;
	}
	if (!dovelog_take_level(&text))
		return;
	proxy = take_proxy(&text, &inside);
	at = end_of_message(text, &end);
	message = (struct dovelog_text){ text.at, at };
	login = proxy ? end == NULL && says_proxied(message)
		      : is_login(message);
	if (is_between(message))
		return;
	/* The end of a login is no word within a name that was typed. */
	if (end != NULL && end->what == DOVELOG_LOGIN &&
	    text_has(message, TEXT(" user=<")))
		end = NULL;
	if (proxy && !login && end == NULL && is_proxy_over(message))
		end = &over;
	if (login || end != NULL)
		parse_client(message, text_skip(text, at), login, end, record);
	else if (dovelog_is_somebody(text))
		record->what = DOVELOG_UNKNOWN;
	if (proxy && (record->user.len > 0 || record->what > DOVELOG_UNKNOWN) &&
	    !is_proxy_of(inside, record->user))
		dovelog_not_understood(record);
}
