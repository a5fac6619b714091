/* test_logtable.c - each kind of message behind each shape of header
 *
 * Messages as Dovecot 1.2 to 2.4.5 and Postfix 3.7 and 3.11 write them, by their
 * sources where no server of that release was at hand; headers as the programs that
 * logheader.h names write them (tests/logs has what those made of real lines). */
#include "lockstep-config.h"

#include "cli.h"
#include "harness.h"
#include "logs/logclock.h"
#include "logs/logread.h"

#include <stdlib.h>
#include <time.h>

/* What the reader has of cli.h. */
void cli_complain(const char *format, ...)
{
	(void)format;
}

uint64_t cli_real_ms(void)
{
	return 0;
}

/* ---- messages --------------------------------------------------------- */

#define U1 "user1@example.test"
#define IP4 "192.0.2.44"
#define IP6 "2001:db8:1:2::9"

struct kind {
	const char *message;
	enum ls_outcome outcome; /* NONE: it tells of no attempt */
	unsigned count;
	const char *user, *ip, *service;
};

#define NO_ATTEMPT LS_OUTCOME_NONE, 0, "", "", ""
#define CLIENT4 "user=<" U1 ">, method=PLAIN, rip=" IP4 ", lip=192.0.2.1, TLS, session=<w7ZiUhFhkJbAAAIJ>"
#define CLIENT6 "user=<" U1 ">, method=PLAIN, rip=" IP6 ", lip=2001:db8::1, TLS, session=<w7ZiUhFhkJbAAAIJ>"
#define RIGHT(service) LS_OUTCOME_SUCCESS, 1, U1, IP4, service
#define WRONG(service) LS_OUTCOME_WRONG, 1, U1, IP4, service

static const struct kind dovecot[] = {
	/* 2.3.19 */
	{ "imap-login: Login: user=<" U1 ">, method=PLAIN, rip=" IP4 ", lip=192.0.2.1, mpid=18645, TLS, session=<w7ZiUhFhkJbAAAIJ>",
	  RIGHT("imap") },
	{ "managesieve-login: Login: " CLIENT6, LS_OUTCOME_SUCCESS, 1, U1, IP6,
	  "sieve" },
	{ "imap-login: proxy(" U1 ",10.0.0.1:143): Started proxying to <10.0.0.1> (<backend>) (0.005 secs): " CLIENT4,
	  RIGHT("imap") },
	{ "imap-login: proxy(" U1 ",10.0.0.1:143): Disconnected: Connection closed (proxy dest auth failed): " CLIENT4,
	  WRONG("imap") },
	{ "imap-login: proxy(" U1 ",10.0.0.1:143): Login failed: [AUTHENTICATIONFAILED] Authentication failed.: " CLIENT4,
	  NO_ATTEMPT }, /* told of when the client leaves */
	{ "pop3-login: Disconnected: Connection closed (auth failed, 3 attempts in 6 secs): " CLIENT4,
	  LS_OUTCOME_WRONG, 3, U1, IP4, "pop3" },
	{ "imap-login: Disconnected: Connection closed (auth service reported temporary failure): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 1, U1, IP4, "imap" },
	{ "imap-login: Disconnected: Connection closed (user disabled): " CLIENT4,
	  LS_OUTCOME_DENIED, 1, U1, IP4, "imap" },
	{ "imap-login: Disconnected: Connection closed (internal failure, 1 successful auths): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 1, U1, IP4, "imap" },
	{ "imap-login: Disconnected: Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10): " CLIENT4,
	  RIGHT("imap") },
	{ "submission-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=" IP4 ", lip=192.0.2.1, session=<x>",
	  NO_ATTEMPT },
	{ "auth: passwd-file(" U1 "," IP4 ",<w7ZiUhFhkJbAAAIJ>): Password mismatch",
	  WRONG("") },
	{ "auth: passwd-file(nobody," IP4 "): unknown user",
	  LS_OUTCOME_UNKNOWN, 1, "nobody", IP4, "" },
	{ "auth-worker(7): conn unix:auth-worker (pid=3,uid=97): auth-worker<10>: pam(" U1 "," IP4 ",<x>): pam_authenticate() failed: Authentication failure (Password mismatch?)",
	  WRONG("") },
	/* before 2.3.16 */
	{ "submission-login: Client has quit the connection (auth failed, 2 attempts in 5 secs): " CLIENT4,
	  LS_OUTCOME_WRONG, 2, U1, IP4, "submission" },
	{ "imap-login: Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10): " CLIENT4,
	  RIGHT("imap") },
	{ "imap-login: Internal login failure (pid=7 id=1): " CLIENT4,
	  RIGHT("imap") },
	{ "imap-login: Disconnected (proxy dest auth failed): " CLIENT4,
	  WRONG("imap") },
	{ "imap-login: Killed by admin (auth failed, 1 attempts in 2 secs): " CLIENT4,
	  WRONG("imap") },
	/* 2.2 and before */
	{ "imap-login: proxy(" U1 "): started proxying to 10.0.0.1:143: " CLIENT4,
	  RIGHT("imap") },
	{ "imap-login: Aborted login (auth failed, 1 attempts in 2 secs): " CLIENT4,
	  WRONG("imap") },
	{ "imap-login: Disconnected (auth failed, 2 attempts): user=<" U1 ">, method=PLAIN, rip=" IP4 ", lip=192.0.2.1",
	  LS_OUTCOME_WRONG, 2, U1, IP4, "imap" },
	{ "imap-login: Disconnected (no auth attempts): rip=" IP4 ", lip=192.0.2.1",
	  NO_ATTEMPT },
	{ "auth(default): pam(" U1 "," IP4 "): pam_authenticate() failed: Authentication failure (password mismatch?)",
	  WRONG("") },
	/* 2.4.5 */
	{ "imap-login: Logged in: user=<" U1 ">, method=PLAIN, rip=" IP4 ", lip=192.0.2.1, mpid=7, TLS, session=<w7ZiUhFhkJbAAAIJ>",
	  RIGHT("imap") },
	{ "imap-login: proxy(" U1 ",10.0.0.1:143): Started proxying to remote host (0.005 secs): " CLIENT4,
	  RIGHT("imap") },
	{ "submission-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): " CLIENT6,
	  LS_OUTCOME_WRONG, 1, U1, IP6, "submission" },
	/* after 2.4.5 */
	{ "imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (invalid_credentials): " CLIENT4,
	  WRONG("imap") },
	{ "imap-login: Login aborted: Connection closed (proxy dest authentication failure, 1/1 successful auths in 3 secs) (proxy_dest_auth_failed): " CLIENT4,
	  WRONG("imap") },
	{ "imap-login: Login aborted: Connection closed (proxy dest authentication failure to 10.0.0.1:143, 3/3 successful auths in 3 secs, last failure: [AUTHENTICATIONFAILED] no (really)) (proxy_dest_auth_failed): " CLIENT4,
	  LS_OUTCOME_WRONG, 3, U1, IP4, "imap" },
	{ "imap-login: Login aborted: Connection closed (proxy dest temporary authentication failure, 1/1 successful auths in 3 secs) (proxy_dest_auth_temp_failed): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 1, U1, IP4, "imap" },
	{ "imap-login: Login aborted: Connection closed (proxy dest connection failed to 10.0.0.1:143, 1/1 successful auths in 3 secs) (proxy_dest_connect_failed): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 1, U1, IP4, "imap" },
	{ "imap-login: Login aborted: Connection closed (internal failure, 1/3 successful auths in 9 secs) (internal_failure): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 3, U1, IP4, "imap" },
	{ "imap-login: Login aborted: Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10) (connection limit reached, 1/1 successful auths in 0 secs) (connection_limit): " CLIENT4,
	  RIGHT("imap") },
	{ "imap-login: Login aborted: Connection closed (auth service reported temporary failure, 1 attempts in 2 secs) (temp_fail): " CLIENT4,
	  LS_OUTCOME_INTERNAL, 1, U1, IP4, "imap" },
	{ "imap-login: Login aborted: Connection closed (no auth attempts in 0 secs) (no_auth_attempts): user=<>, rip=" IP4 ", lip=192.0.2.1, session=<x>",
	  NO_ATTEMPT },
	{ "auth(" U1 "," IP4 ",sasl:plain)<w7ZiUhFhkJbAAAIJ>: passwd-file: Password mismatch",
	  WRONG("") },
	{ "auth-worker(" U1 "," IP4 ")<6945><x>: request [1]: pam: pam_authenticate() failed: Authentication failure (Password mismatch?)",
	  WRONG("") },
};

static const struct kind postfix[] = {
	/* 3.7 */
	{ "warning: unknown[" IP4 "]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=" U1,
	  WRONG("smtp") },
	{ "warning: unknown[" IP4 "]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
	  LS_OUTCOME_WRONG, 1, "", IP4, "smtp" },
	{ "warning: mx.example.test[" IP6 "]: SASL PLAIN authentication failed: Connection lost to authentication server, sasl_username=" U1,
	  LS_OUTCOME_INTERNAL, 1, U1, IP6, "smtp" },
	{ "4XyZ1kabcz9: client=unknown[" IP4 "], sasl_method=PLAIN, sasl_username=" U1,
	  RIGHT("smtp") },
	{ "connect from unknown[" IP4 "]", NO_ATTEMPT },
	{ "4XyZ1kabcz9: client=unknown[" IP4 "]", NO_ATTEMPT },
	/* smtpd_client_port_logging = yes */
	{ "warning: unknown[" IP4 "]:55729: SASL LOGIN authentication failed: (reason unavailable), sasl_username=" U1,
	  WRONG("smtp") },
	{ "warning: unknown[" IP6 "]:55729: SASL LOGIN authentication aborted",
	  LS_OUTCOME_ABANDONED, 1, "", IP6, "smtp" },
	{ "4XyZ1kabcz9: client=unknown[" IP4 "]:55729, sasl_method=PLAIN, sasl_username=" U1,
	  RIGHT("smtp") },
	{ "4XyZ1kabcz9: client=unknown[" IP4 "]:55729, sasl_method=PLAIN, sasl_username=" U1 ", sasl_sender=a, orig_client=b[192.0.2.8]:25",
	  RIGHT("smtp") },
	{ "4XyZ1kabcz9: client=unknown[" IP4 "]:unknown, sasl_method=PLAIN, sasl_username=" U1,
	  RIGHT("smtp") },
	{ "disconnect from unknown[" IP4 "]:55729 ehlo=1 auth=0/1 quit=1 commands=2/3",
	  NO_ATTEMPT },
	/* 3.11 */
	{ "warning: unknown[" IP4 "]:55729: SASL PLAIN authentication failed: (reason unavailable), sasl_username=(unavailable)",
	  LS_OUTCOME_WRONG, 1, "", IP4, "smtp" },
	{ "NOQUEUE: client=unknown[" IP4 "]:55729, sasl_method=PLAIN, sasl_username=" U1,
	  RIGHT("smtp") },
};

/* ---- headers ---------------------------------------------------------- */

#define BEGINS_S 1795573284 /* 2026-11-25 02:21:24 UTC */
#define DOCKER "2026-11-25T02:21:24.123456789Z "
#define AT "Nov 25 02:21:24 "

/* %T is the tag, %M the message. Where there is no tag Postfix's messages stand
 * behind a header more. */
static const char *const shapes[] = {
	AT "%M",
	"Nov 25 2026 02:21:24 %M",
	"2026-11-25 02:21:24 %M",
	AT "mx %T[7]: %M",
	AT "%T: %M",
	AT "mx.example.test %T: %M",
	AT "192.0.2.7 %T[7]: %M",
	AT "mx mx %T[7]: %M",
	AT "mx.example.test mx %T[7]: %M",
	"<22>" AT "mx %T[7]: %M",
	"<22>1 2026-11-25T02:21:24.5Z mx %T 7 - - %M",
	"2026-11-25T03:21:24.123456+01:00 mx %T[7]: %M",
	"2026-11-25T03:21:24.123456+01:00 mx %T 7 - - %M",
	"2026 Nov 25 02:21:24 mx %T[7]: %M",
	"Nov 25 02:21:24.123456 mx %T[7]: %M",
	/* BusyBox, FreeBSD's -v and -vv, metalog */
	AT "mx mail.info %T: %M",
	AT "mail.info %T: %M",
	AT "<mail.info> mx %T[7]: %M",
	AT "<2.6> mx %T[7]: %M",
	AT "[%T] %M",
	/* containers */
	DOCKER "%M",
	DOCKER AT "%M",
	DOCKER AT "mx %T[7]: %M",
	"dovecot-1  | " AT "%M",
	"dovecot-1  | " AT "mx %T[7]: %M",
	"postfix | " AT "mx %T[7]: %M",
	"dovecot_1  | " DOCKER AT "%M",
	DOCKER "stdout F " AT "%M",
	DOCKER "stderr F " AT "mx %T[7]: %M",
	"2026-11-25T03:21:24.1+01:00 stderr F %M",
	/* a header within a header */
	AT "relay " AT "mx %T[7]: %M",
	"2026-11-25T02:21:24Z relay Nov 25 04:21:24 mx %T[7]: %M",
	"Nov 25 05:00:00 relay 2026-11-25T03:21:24+01:00 mx %T[7]: %M",
	AT "mx dovecot[7]: Nov 25 03:00:00 %M",
	/* journalctl -o short-full, with-unit, short-unix, short-monotonic, ... */
	"Wed 2026-11-25 02:21:24 UTC mx %T[7]: %M",
	"Wed 2026-11-25 02:21:24.123456 UTC mx %T[7]: %M",
	"Wed 2026-11-25 05:21:24 +03 mx %T[7]: %M",
	"1795573284.123456 mx %T[7]: %M",
	"[ 1284.123456] mx %T[7]: %M",
	"[ 1284.123456 <    0.001000 >] mx %T[7]: %M",
	"[ 1284.123456 <                >] mx %T[7]: %M",
	"2026-11-25T03:21:24+0100 mx %T[7]: %M",
	"{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"%T\",\"_PID\":\"7\",\"MESSAGE\":\"%M\"}",
	"\x1e{\"SYSLOG_IDENTIFIER\":\"%T\",\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"MESSAGE\":\"%M\"}",
	"data: {\"SYSLOG_IDENTIFIER\":\"%T\",\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"MESSAGE\":\"%M\"}",
	"{\"log\":\"" AT "%M\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-25T02:21:24.123456789Z\"}",
	"{\"log\":\"" AT "mx %T[7]: %M\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-25T02:21:24.123456789Z\"}",
	/* multilog, svlogd */
	"@400000006b0646490754d4c0 %M",
	"@400000006b0646490754d4c0 mx %T[7]: %M",
	"2026-11-25_02:21:24.12345 %M",
	"2026-11-25_02:21:24.12345 mail.info: " AT "%T: %M",
};

/* Days of one digit, however they are padded. */
static const char *const padded[] = {
	"Nov  5 02:21:24 mx %T[7]: %M",
	"Nov 5 02:21:24 mx %T[7]: %M",
	"Nov 05 02:21:24 mx %T[7]: %M",
	"Nov 5 2026 02:21:24 mx %T[7]: %M",
};

/* Where a time, a tag or the end is not what is known: shown, and not read. */
static const char *const strange[] = {
	"%M",
	"25/Nov/2026:02:21:24 mx %T[7]: %M",
	"Nov 99 02:21:24 mx %T[7]: %M",
	AT "mx webmail[7]: %M",
	AT "mx webmail[7]: " AT "mx %T[7]: %M",
	AT "mx login %T[7]: %M",
	AT "mx app.auth %T[7]: %M",
	"webmail-1  | " AT "mx %T[7]: %M",
	"dovecotx  | " AT "mx %T[7]: %M",
	DOCKER "stdout P " AT "mx %T[7]: %M",
	"<22>2 2026-11-25T02:21:24Z mx %T 7 - - %M",
	"<22>1 2026-11-25T02:21:24Z %M",
	"{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"webmail\",\"MESSAGE\":\"%M\"}",
	"{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"MESSAGE\":\"%M\"}",
	"{\"__REALTIME_TIMESTAMP\":\"18446744073709551615\",\"SYSLOG_IDENTIFIER\":\"%T\",\"MESSAGE\":\"%M\"}",
	"{\"__REALTIME_TIMESTAMP\":\"now\",\"SYSLOG_IDENTIFIER\":\"%T\",\"MESSAGE\":\"%M\"}",
	"{\"message\":\"%M\",\"@timestamp\":\"2026-11-25T02:21:24Z\"}",
	"    MESSAGE=%M",
	"	\"MESSAGE\" : \"%M\",",
	"{\"MESSAGE\" : \"%M", /* cut */
	"[ 999999.123456] mx %T[7]: %M", /* of another boot */
};

enum { LINE = 2048 };

static void fill(const char *shape, const char *tag, const char *message,
		 char line[LINE])
{
	size_t used = 0;

	for (; *shape != '\0'; shape++) {
		const char *piece = shape[0] != '%' ? NULL
				    : shape[1] == 'T' ? tag
						      : message;

		if (piece == NULL) {
			line[used++] = *shape;
			continue;
		}
		shape++;
		assert_true(used + strlen(piece) + 1 < LINE);
		strcpy(line + used, piece);
		used += strlen(piece);
	}
	line[used] = '\0';
}

static void make_line(const char *shape, bool is_postfix,
		      const struct kind *kind, char line[LINE])
{
	char behind[LINE];

	if (is_postfix && strstr(shape, "%T") == NULL) {
		snprintf(behind, sizeof(behind), AT "mx postfix/smtpd[7]: %s",
			 kind->message);
		fill(shape, "", behind, line);
	} else {
		fill(shape, is_postfix ? "postfix/submission/smtpd" : "dovecot",
		     kind->message, line);
	}
}

static void read_line(struct logread *logread, const char *line)
{
	struct logclock clock;

	memset(logread, 0, sizeof(*logread));
	logclock_init(&clock, BEGINS_S + 3600);
	clock.boot_s = BEGINS_S - 1284;
	logread_line(logread, &clock, line, strlen(line));
}

static void check_attempt(const char *line, const struct logread *logread,
			  const struct kind *kind, int64_t at_s)
{
	const struct attempt *got = &logread->attempts.list[0];
	const struct names *names = &logread->attempts.names;
	char ip[LS_ADDR_TEXT];

	check(line, logread->attempts.count, 1);
	check(line, got->outcome, kind->outcome);
	check(line, got->count, kind->count);
	check_text(line, names_get(names, got->user), kind->user);
	ls_addr_format(&got->ip, ip);
	check_text(line, ip, kind->ip);
	check_text(line, names_get(names, got->service), kind->service);
	check(line, got->at_ms / 1000, at_s);
}

static void check_cell(const char *shape, bool is_postfix,
		       const struct kind *kind, int64_t at_s)
{
	struct logread logread;
	char line[LINE];

	make_line(shape, is_postfix, kind, line);
	read_line(&logread, line);
	check(line, logread.unknown, 0);
	if (kind->outcome == LS_OUTCOME_NONE)
		check(line, logread.attempts.count, 0);
	else
		check_attempt(line, &logread, kind, at_s);
	logread_free(&logread);
}

static void check_shape(const char *shape, int64_t at_s)
{
	for (size_t i = 0; i < COUNT(dovecot); i++)
		check_cell(shape, false, &dovecot[i], at_s);
	for (size_t i = 0; i < COUNT(postfix); i++)
		check_cell(shape, true, &postfix[i], at_s);
}

static void test_every_cell(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++)
		check_shape(shapes[i], BEGINS_S);
}

static void test_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(padded); i++)
		check_shape(padded[i], BEGINS_S - 20 * 86400);
}

static void check_strange(const char *shape, bool is_postfix,
			  const struct kind *kind)
{
	struct logread logread;
	char line[LINE];

	if (kind->outcome == LS_OUTCOME_NONE)
		return;
	make_line(shape, is_postfix, kind, line);
	read_line(&logread, line);
	check(line, logread.attempts.count, 0);
	check(line, logread.unknown, 1);
	check_text("shown", logread.shown[0], line);
	logread_free(&logread);
}

static void test_strange(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(strange); i++) {
		bool tagged = strstr(strange[i], "%T") != NULL;

		for (size_t n = 0; n < COUNT(dovecot); n++)
			check_strange(strange[i], false, &dovecot[n]);
		for (size_t n = 0; n < COUNT(postfix) && tagged; n++)
			check_strange(strange[i], true, &postfix[n]);
	}
}

/* PAM tells of what Dovecot tells of: shown, since not every Dovecot does. */
static void test_pam(void **state)
{
	static const char *const lines[] = {
		AT "mx auth[7]: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=joe rhost=192.0.2.44",
		AT "mx dovecot-auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=joe rhost=192.0.2.44",
		AT "mx auth-worker[7]: pam_sss(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=joe rhost=192.0.2.44 user=joe",
		AT "mx auth[7]: pam_unix(dovecot:auth): check pass; user unknown",
		/* half a message: 1.2's, without a reason */
		AT "mx dovecot: auth(default): pam(user@example.com,1.2.3.4): pam_authenticate() failed",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct logread logread;

		read_line(&logread, lines[i]);
		check(lines[i], logread.attempts.count, 0);
		check(lines[i], logread.unknown, 1);
		logread_free(&logread);
	}
}

/* Other programs' lines that a login's words are in are no logins. */
static void test_others(void **state)
{
	static const char *const lines[] = {
		AT "mx sshd[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.44",
		AT "mx postfix/smtp[7]: 4Xy: to=<joe@example.test>, status=bounced (host mx said: 550 unknown user)",
		AT "mx postfix/smtpd[7]: warning: SASL authentication failure: Password verification failed",
		AT "mx postfix/smtp[7]: warning: SASL authentication failure: No worthy mechs found",
		AT "mx postfix/smtp[7]: 4Xy: SASL authentication failed; server mx.example.test[192.0.2.1] said: 535",
		AT "mx dovecot: imap(joe)<7><x>: Logged out in=1 out=2",
		"-- Boot 0123456789abcdef0123456789abcdef --",
		"{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":\"Accepted password\"}",
		"", "\x1e", "data: ", "{", "{}", "{\"MESSAGE\":7}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct logread logread;

		read_line(&logread, lines[i]);
		check(lines[i], logread.attempts.count, 0);
		check(lines[i], logread.unknown, 0);
		logread_free(&logread);
	}
}

/* journalctl has a message that is no UTF-8 as numbers. */
static void test_bytes(void **state)
{
	static const char message[] = "imap-login: Login: user=<j\xf6rg>, method=PLAIN, rip=" IP4 ", lip=192.0.2.1, TLS, session=<x>";
	static const struct kind want = { NULL, LS_OUTCOME_SUCCESS, 1,
					  "j\xf6rg", IP4, "imap" };
	char line[LINE] = "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\","
			  "\"SYSLOG_IDENTIFIER\":\"dovecot\",\"MESSAGE\":[";
	size_t used = strlen(line);
	struct logread logread;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(message); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used,
					 "%s%u", i > 0 ? "," : "",
					 (unsigned char)message[i]);
	snprintf(line + used, sizeof(line) - used, "]}");
	read_line(&logread, line);
	check_attempt(line, &logread, &want, BEGINS_S);
	logread_free(&logread);
}

/* journalctl says null of a message that is long. */
static void test_left_out(void **state)
{
	static const struct {
		const char *line;
		unsigned unknown;
	} rows[] = {
		{ "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"dovecot\",\"MESSAGE\":null}",
		  1 },
		{ "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"_SYSTEMD_UNIT\":\"dovecot.service\",\"MESSAGE\":null}",
		  1 },
		{ "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"postfix/smtpd\",\"MESSAGE\":null}",
		  1 },
		{ "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":null}",
		  0 },
		{ "{\"__REALTIME_TIMESTAMP\":\"1795573284123456\",\"MESSAGE\":null}",
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct logread logread;

		read_line(&logread, rows[i].line);
		check(rows[i].line, logread.attempts.count, 0);
		check(rows[i].line, logread.unknown, rows[i].unknown);
		logread_free(&logread);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_pam),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_left_out),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
