/* test_dovelog.c - lines of Dovecot 2.3.19 and 2.4.1, of Postfix and syslog
 *
 * The lines are real ones, of private servers and example addresses; those with
 * a name made to deceive are real as well, or as the server would write them. */
#include "lockstep-config.h"

#include "harness.h"
#include "logs/dovelog.h"

struct row {
	const char *line;
	enum dovelog_what what;
	enum ls_outcome outcome;
	unsigned attempts;
	const char *user, *ip, *session, *service, *by;
};

#define LOGIN DOVELOG_LOGIN, LS_OUTCOME_SUCCESS, 1
#define WRONG(n) DOVELOG_ENDED, LS_OUTCOME_WRONG, n
#define FAILED DOVELOG_FAILED, LS_OUTCOME_WRONG, 1
#define UNKNOWN DOVELOG_FAILED, LS_OUTCOME_UNKNOWN, 1
#define MAIL DOVELOG_SASL_LOGIN, LS_OUTCOME_SUCCESS, 1
#define OTHER DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", "", "", "", ""
#define NOT_READ DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "", "", "", "", ""
#define U1 "user1@example.test"
#define AT "Nov 25 03:21:24 "

static const struct row dovecot_23[] = {
	{ AT "imap-login: Info: Login: user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=18645, secured, session=<w7ZiUhFhkJbAAAIJ>",
	  LOGIN, U1, "192.0.2.9", "w7ZiUhFhkJbAAAIJ", "imap", "" },
	{ AT "imap-login: Info: Login: user=<" U1 ">, method=SCRAM-SHA-256, rip=2001:db8:1:2::9, lip=127.0.0.1, mpid=24315, secured, session=<gRwHVBFh1p0gAQ24AAEAAgAAAAAAAAAJ>",
	  LOGIN, U1, "2001:db8:1:2::9", "gRwHVBFh1p0gAQ24AAEAAgAAAAAAAAAJ",
	  "imap", "" },
	{ AT "managesieve-login: Info: Login: user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=21227, TLS, session=<W8ghUxFhtKvAAAIJ>",
	  LOGIN, U1, "192.0.2.9", "W8ghUxFhtKvAAAIJ", "sieve", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 1 secs): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS: Connection closed, session=<NfB5UhFhwJbAAAIJ>",
	  WRONG(1), U1, "192.0.2.9", "NfB5UhFhwJbAAAIJ", "imap", "" },
	{ AT "imap-login: Info: Disconnected: Aborted login by logging out (auth failed, 3 attempts in 6 secs): user=<nobody@example.test>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<NfO7VBFhwrh/AAAB>",
	  WRONG(3), "nobody@example.test", "127.0.0.1", "NfO7VBFhwrh/AAAB",
	  "imap", "" },
	{ AT "pop3-login: Info: Disconnected: Connection closed: read(size=994) failed: Connection reset by peer (auth failed, 1 attempts in 2 secs): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, secured, session=<rGg7VBFhrLh/AAAB>",
	  WRONG(1), U1, "192.0.2.9", "rGg7VBFhrLh/AAAB", "pop3", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (disconnected while authenticating, waited 2 secs): user=<>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(1), "", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (user disabled): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, secured, session=<ER7MXhFhKIfAAAIJ>",
	  DOVELOG_ENDED, LS_OUTCOME_DENIED, 1, U1, "192.0.2.9",
	  "ER7MXhFhKIfAAAIJ", "imap", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed: read(size=1004) failed: Connection reset by peer (client didn't finish SASL auth, waited 0 secs): user=<>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<5Rc5VRFhLrF/AAAB>",
	  DOVELOG_ENDED, LS_OUTCOME_ABANDONED, 1, "", "127.0.0.1",
	  "5Rc5VRFhLrF/AAAB", "imap", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (auth service reported temporary failure): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  DOVELOG_ENDED, LS_OUTCOME_INTERNAL, 1, U1, "192.0.2.9", "x", "imap",
	  "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (internal failure, 1 successful auths): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  DOVELOG_ENDED, LS_OUTCOME_INTERNAL, 1, U1, "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: proxy(" U1 ",10.0.0.1:143): Started proxying to <10.0.0.1> (0.005 secs): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  LOGIN, U1, "192.0.2.9", "x", "imap", "" },
	/* 2.2 */
	{ AT "imap-login: Info: Aborted login (auth failed, 1 attempts in 2 secs): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(1), "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Disconnected (auth failed, 2 attempts in 5 secs): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(2), "joe", "192.0.2.9", "x", "imap", "" },
	/* auth_verbose */
	{ AT "auth: Info: passwd-file(" U1 ",192.0.2.9,<qspiUhFhlpbAAAIJ>): Password mismatch",
	  FAILED, U1, "192.0.2.9", "qspiUhFhlpbAAAIJ", "", "passwd-file" },
	{ AT "auth: Info: passwd-file(nobody@example.test,192.0.2.9): unknown user",
	  UNKNOWN, "nobody@example.test", "192.0.2.9", "", "",
	  "passwd-file" },
	{ AT "auth: Info: scram-sha-256(" U1 ",2001:db8:1:2::9,<MNEIVBFh2p0gAQ24AAEAAgAAAAAAAAAJ>): Password mismatch",
	  FAILED, U1, "2001:db8:1:2::9",
	  "MNEIVBFh2p0gAQ24AAEAAgAAAAAAAAAJ", "", "scram-sha-256" },
	{ AT "auth-worker(16545): Info: conn unix:auth-worker (pid=16222,uid=103): auth-worker<10>: pam(" U1 ",192.0.2.9,<A3ybXhFhJofAAAIJ>): pam_authenticate() failed: Authentication failure (Password mismatch?)",
	  FAILED, U1, "192.0.2.9", "A3ybXhFhJofAAAIJ", "", "pam" },
	{ AT "auth-worker(7): Info: sql(joe,192.0.2.9): unknown user (given password: sesame)",
	  UNKNOWN, "joe", "192.0.2.9", "", "", "sql" },
	{ AT "auth: Info: ldap(joe,192.0.2.9,<x>): Password mismatch (for LDAP bind) (SHA1 of given password: 5baa61) - trying the next passdb",
	  FAILED, "joe", "192.0.2.9", "x", "", "ldap" },
	{ AT "auth: Info: lockstep(" U1 ",192.0.2.9,<ER7MXhFhKIfAAAIJ>): refused: failures of ip",
	  DOVELOG_FAILED, LS_OUTCOME_NONE, 1, U1, "192.0.2.9",
	  "ER7MXhFhKIfAAAIJ", "", "lockstep" },
	{ AT "auth: Info: plain(?,127.0.0.1,<64JoVRFhBpZ/AAAB>): Empty username",
	  DOVELOG_FAILED, LS_OUTCOME_ABANDONED, 1, "", "127.0.0.1",
	  "64JoVRFhBpZ/AAAB", "", "plain" },
	{ AT "auth: Info: plain(?,192.0.2.9,<s8y2UhFhsIfAAAIJ>): Username character disallowed by auth_username_chars: 0x3e (username: we>ird, rip=9.9.9.9,<x>): \xc3\xa9)",
	  DOVELOG_FAILED, LS_OUTCOME_ABANDONED, 1, "", "192.0.2.9",
	  "s8y2UhFhsIfAAAIJ", "", "plain" },
	{ AT "auth: Info: passwd-file(boss,192.0.2.9,master,<x>): Password mismatch",
	  FAILED, "boss", "192.0.2.9", "x", "", "passwd-file" },
};

static const struct row dovecot_24[] = {
	{ AT "imap-login: Info: Logged in: user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=6943, secured, session=<aaGKVxFhcs5/AAAB>",
	  LOGIN, U1, "192.0.2.9", "aaGKVxFhcs5/AAAB", "imap", "" },
	{ AT "submission-login: Info: Logged in: user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=7690, secured, session=<OeygWBFh1IV/AAAB>",
	  LOGIN, U1, "192.0.2.9", "OeygWBFh1IV/AAAB", "submission", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): user=<" U1 ">, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, secured, session=<yPKKVxFhfM5/AAAB>",
	  WRONG(1), U1, "192.0.2.9", "yPKKVxFhfM5/AAAB", "imap", "" },
	{ AT "imap-login: Info: Login aborted: Logged out (auth failed, 3 attempts in 9 secs) (auth_failed): user=<nobody@example.test>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<rojVWRFhKrV/AAAB>",
	  WRONG(3), "nobody@example.test", "127.0.0.1", "rojVWRFhKrV/AAAB",
	  "imap", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed: read(size=1001) failed: Connection reset by peer (auth aborted by client, 1 attempts in 1 secs) (auth_aborted_by_client): user=<>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<GG5dWhFhHsJ/AAAB>",
	  DOVELOG_ENDED, LS_OUTCOME_ABANDONED, 1, "", "127.0.0.1",
	  "GG5dWhFhHsJ/AAAB", "imap", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed (auth aborted by client, 3 attempts in 9 secs) (auth_aborted_by_client): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(2), "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed (internal failure, 1/3 successful auths in 9 secs) (internal_failure): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  DOVELOG_ENDED, LS_OUTCOME_INTERNAL, 3, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "auth(" U1 ",192.0.2.9,sasl:plain)<yPKKVxFhfM5/AAAB>: Info: passwd-file: Password mismatch",
	  FAILED, U1, "192.0.2.9", "yPKKVxFhfM5/AAAB", "", "passwd-file" },
	{ AT "auth(nobody@example.test,192.0.2.9,sasl:plain): Info: passwd-file: unknown user",
	  UNKNOWN, "nobody@example.test", "192.0.2.9", "", "",
	  "passwd-file" },
	{ AT "auth-worker(" U1 ",192.0.2.9)<6945><yPKKVxFhfM5/AAAB>: request [1]: Info: pam: pam_authenticate() failed: Authentication failure (Password mismatch?)",
	  FAILED, U1, "192.0.2.9", "yPKKVxFhfM5/AAAB", "", "pam" },
	{ AT "auth(" U1 ",2001:db8:1:2::9,sasl:cram-md5)<tpclWRFh1sR/AAAB>: Info: cram-md5: Password mismatch",
	  FAILED, U1, "2001:db8:1:2::9", "tpclWRFh1sR/AAAB", "",
	  "cram-md5" },
	{ AT "auth(?,192.0.2.9,sasl:plain)<JU0jWBFhbt1/AAAB>: Info: plain: Username character disallowed by auth_username_chars: 0x3e (username: we>ird, rip=9.9.9.9,<x>): \xc3\xa9)",
	  DOVELOG_FAILED, LS_OUTCOME_ABANDONED, 1, "", "192.0.2.9",
	  "JU0jWBFhbt1/AAAB", "", "plain" },
};

static const struct row syslog[] = {
	{ "<22>1 2026-11-25T03:21:24.123456+01:00 mx dovecot 123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "1 2026-11-25T03:21:24.123456+01:00 mx dovecot - - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "<22>1 2026-11-25T02:21:24Z mx dovecot 123 M1 [a@1 b=\"c ] d\" e=\"\\\"]\"][f] " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "<22>1 2026-11-25T02:21:24Z mx dovecot 123 - - \xef\xbb\xbf" "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "2026-11-25T03:21:24.123456+01:00 mx dovecot 123 - -  " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "2026-11-25T03:21:24.123456+01:00 mx dovecot 123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "2026-11-25T02:21:24Z mx dovecot - - [a b=\"c\"] \xef\xbb\xbf" "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "<22>1 2026-11-25T02:21:24Z mx postfix/submission/smtpd 7 - - warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: x, sasl_username=joe",
	  DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG, 1, "joe", "192.0.2.9", "",
	  "smtp", "" },
	{ "<22>1 2026-11-25T02:21:24Z mx postfix 7 - -  4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ "<22>Nov 25 03:21:24 mx dovecot: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "<190>2026-11-25T02:21:24Z mx dovecot[9]: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "Nov 25 2026 03:21:24 mx dovecot: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "Nov  5 2026 03:21:24 mx dovecot[9]: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ "Nov  5 03:21:24 mail dovecot: imap-login: Login: user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=1, TLS, session=<x>",
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	{ "2026-11-25T03:21:24.123456+01:00 mail dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(1), "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "mx dovecot[123]: auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ AT "mx dovecot[123]: auth(joe,192.0.2.9,sasl:plain)<x>: passwd-file: Password mismatch",
	  FAILED, "joe", "192.0.2.9", "x", "", "passwd-file" },
	{ AT "mx dovecot: auth-worker(12): conn unix:auth-worker (pid=3,uid=97): auth-worker<4>: sql(joe,192.0.2.9): unknown user",
	  UNKNOWN, "joe", "192.0.2.9", "", "", "sql" },
	{ "2026-11-25 03:21:24 imap-login: Info: Logged in: user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>\r",
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "mx postfix/submission/smtpd[15566]: warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=" U1,
	  DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG, 1, U1, "192.0.2.9", "",
	  "smtp", "" },
	{ AT "mx postfix/smtpd[1]: warning: unknown[2001:db8::7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
	  DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG, 1, "", "2001:db8::7", "",
	  "smtp", "" },
	{ AT "mx postfix/smtpd[1]: warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: Connection lost to authentication server, sasl_username=joe",
	  DOVELOG_SASL_FAILED, LS_OUTCOME_INTERNAL, 1, "joe", "192.0.2.9",
	  "", "smtp", "" },
	{ AT "mx postfix/submission/smtpd[9]: 4XyZ1: client=home.example[192.0.2.9], sasl_method=PLAIN, sasl_username=joe",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe, sasl_sender=ann@example.test",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe, sasl_sender=joe, orig_queue_id=4Xy, orig_client=a[192.0.2.8]",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe, orig_queue_id=4Xy, orig_client=a[192.0.2.8]",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe, orig_client=a[192.0.2.8]",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
};

/* Names made to be taken for the rest of the line. */
static const struct row deceiving[] = {
	{ AT "pop3-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 1 secs): user=<we>ird, rip=9.9.9.9,<x>): \xc3\xa9>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, secured, session=<s8y2UhFhsIfAAAIJ>",
	  WRONG(1), "we>ird, rip=9.9.9.9,<x>): \xc3\xa9", "192.0.2.9",
	  "s8y2UhFhsIfAAAIJ", "pop3", "" },
	{ AT "imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 1 secs): user=<a>, method=PLAIN, rip=9.9.9.9, lip=1.1.1.1, TLS, session=<y>, rip=8.8.8.8>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	  WRONG(1),
	  "a>, method=PLAIN, rip=9.9.9.9, lip=1.1.1.1, TLS, session=<y>, rip=8.8.8.8",
	  "192.0.2.9", "x", "imap", "" },
	{ AT "auth: Info: sql(a,9.9.9.9,<y>): Password mismatch,192.0.2.9,<x>): Password mismatch",
	  FAILED, "a,9.9.9.9,<y>): Password mismatch", "192.0.2.9", "x", "",
	  "sql" },
	{ AT "auth(a,9.9.9.9,sasl:plain)<y>: Info: sql: unknown user,192.0.2.9,sasl:plain)<x>: Info: sql: Password mismatch",
	  FAILED, "a,9.9.9.9,sasl:plain)<y>: Info: sql: unknown user",
	  "192.0.2.9", "x", "", "sql" },
	/* Two readings. */
	{ AT "auth: Info: sql(a,9.9.9.9): unknown user (,192.0.2.9): Password mismatch",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, "", "", "sql" },
	{ AT "auth: Info: sql(joe,192.0.2.9): Password mismatch (given password: ,9.9.9.9): unknown user)",
	  FAILED, "joe", "192.0.2.9", "", "", "sql" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe, sasl_sender=a, sasl_sender=b, orig_client=c",
	  MAIL, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[1]: warning: evil[192.0.2.9]: SASL PLAIN authentication failed: x, sasl_username=a, sasl_username=b",
	  DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG, 1, "a, sasl_username=b",
	  "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd[1]: warning: evil[192.0.2.9]:7: SASL PLAIN authentication failed: x, sasl_username=Temporary authentication failure",
	  DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG, 1,
	  "Temporary authentication failure", "192.0.2.9", "", "smtp", "" },
	/* No host is called so. */
	{ AT "mx postfix/smtpd[1]: warning: [9.9.9.9]: evil[192.0.2.9]: SASL PLAIN authentication failed: x, sasl_username=a",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "", NULL, "", "smtp", "" },
	{ AT "mx postfix/smtpd[9]: 4XyZ1: client=a b[9.9.9.9], sasl_method=PLAIN, sasl_username=joe",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "", NULL, "", "smtp", "" },
	/* A name that a proxy has in front of its message. */
	{ AT "imap-login: Info: proxy(Started proxying to ,10.0.0.1:143): Login failed: no: user=<Started proxying to >, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", NULL, "", "imap", "" },
	{ AT "imap-login: Info: proxy(boss,h): Started proxying to x: user=<boss>, method=PLAIN, rip=9.9.9.9, session=<q>,10.0.0.1:143): Disconnected: Connection closed (proxy dest auth failed): user=<boss,h): Started proxying to x: user=<boss>, method=PLAIN, rip=9.9.9.9, session=<q>>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, "x", "imap", "" },
	{ AT "imap-login: Info: proxy(boss,h): Started proxying to x: user=<boss,10.0.0.1:143): Disconnected: Connection closed (proxy dest auth failed): user=<boss,h): Started proxying to x: user=<boss>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, "x", "imap", "" },
	/* What a backend says may hold what was typed. */
	{ AT "imap-login: Info: Login aborted: Connection closed (proxy dest authentication failure to h, 1/1 successful auths in 1 secs, last failure: no: user=<boss>, rip=9.9.9.9, session=<y>) (proxy_dest_auth_failed): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  WRONG(1), "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed (proxy dest authentication failure to h, 2/2 successful auths in 1 secs, last failure: 9 attempts, 9 attempts) (proxy_dest_auth_failed): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  WRONG(2), "joe", "192.0.2.9", "x", "imap", "" },
	/* An element of the administrator's with the client's words in it. */
	{ AT "imap-login: Info: Login: user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, sni=x, rip=9.9.9.9, session=<x>",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "imap", "" },
	/* 1.2's, or 2.4's with a name like it. */
	{ AT "auth(default): pam(boss,9.9.9.9): pam_authenticate() failed: x,192.0.2.9,sasl:plain)<x>: Info: pam: Password mismatch",
	  NOT_READ },
};

/* login_log_format_elements of an administrator's. */
#define FAIL_MESSAGE AT "imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 1 secs): "
#define BEHIND ">, method=PLAIN, mpid=7, TLS, session=<x>"

static const struct row elements[] = {
	{ AT "imap-login: Info: Login: rip=192.0.2.9, lip=127.0.0.1, user=<joe" BEHIND,
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Login: rip=192.0.2.9, user=<joe>, method=PLAIN",
	  LOGIN, "joe", "192.0.2.9", "", "imap", "" },
	{ AT "imap-login: Info: Login: lip=127.0.0.1, real_rip=192.0.2.1, rip=192.0.2.9, user=<joe>",
	  LOGIN, "joe", "192.0.2.9", "", "imap", "" },
	{ AT "imap-login: Info: Login: session=<x>, rip=192.0.2.9, user=<joe>, method=PLAIN",
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Login: user=<joe>, session=<x>, rip=192.0.2.9, lip=127.0.0.1",
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	{ AT "imap-login: Info: Login: user=<joe>, session=<x>, method=PLAIN, rip=192.0.2.9",
	  LOGIN, "joe", "192.0.2.9", "x", "imap", "" },
	/* Names made to be taken for the rest. */
	{ FAIL_MESSAGE "rip=192.0.2.9, user=<a>, method=PLAIN, session=<y" BEHIND,
	  WRONG(1), "a>, method=PLAIN, session=<y", "192.0.2.9", "x", "imap", "" },
	{ FAIL_MESSAGE "rip=192.0.2.9, user=<a> b, user=<c>d" BEHIND,
	  WRONG(1), "a> b, user=<c>d", "192.0.2.9", "x", "imap", "" },
	{ FAIL_MESSAGE "session=<x>, rip=192.0.2.9, user=<a>, session=<y>, method=PLAIN",
	  WRONG(1), "a>, session=<y", "192.0.2.9", "x", "imap", "" },
	{ FAIL_MESSAGE "user=<a>, session=<y>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  WRONG(1), "a>, session=<y", "192.0.2.9", "x", "imap", "" },
	{ FAIL_MESSAGE "user=<a>, session=<y>, method=PLAIN, session=<x>, rip=192.0.2.9, lip=127.0.0.1",
	  WRONG(1), "a>, session=<y", "192.0.2.9", "x", "imap", "" },
	/* Two addresses. */
	{ FAIL_MESSAGE "sni=a, rip=9.9.9.9, rip=192.0.2.9, user=<joe" BEHIND,
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "imap", "" },
};

#define CLIENT ": user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>"
#define PROXY_OTHER DOVELOG_OTHER, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "imap", ""
#define PROXY_NOT_READ DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "imap", ""

/* A proxied session ends; how it began was told before. */
static const struct row proxied_ends[] = {
	{ AT "imap-login: Info: proxy(joe,10.0.0.1:143): Disconnected by client (12s idle, in=44, out=2122)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe,10.0.0.1:143): Disconnected by server: Connection reset by peer (0s idle, in=44, out=2122+7)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe,10.0.0.1:143): Disconnected by server (0s idle, in=4, out=2) - disconnecting client in 1500ms" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe,10.0.0.1:143): Disconnected by proxy: Kicked by admin (3s idle, in=4, out=2)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe,1.2.3.4): Disconnected by client (12s idle)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe,1.2.3.4): Connection closed (12s idle, in=44, out=2122)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe): disconnecting 192.0.2.9 (Disconnected by client)" CLIENT,
	  PROXY_OTHER },
	{ AT "imap-login: Info: proxy(joe): disconnecting 192.0.2.9 (Disconnected by client)",
	  PROXY_OTHER },
	/* Nobody's proxy says so, or a name does. */
	{ AT "imap-login: Info: Disconnected by client (12s idle, in=44, out=2122)" CLIENT,
	  PROXY_NOT_READ },
	{ AT "imap-login: Info: proxy(x): Disconnected by ,10.0.0.1:143): Something: user=<x): Disconnected by >, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  PROXY_NOT_READ },
	/* An attempt's end is one still. */
	{ AT "imap-login: Info: proxy(joe,10.0.0.1:143): Disconnected by client (proxy dest auth failed)" CLIENT,
	  WRONG(1), "joe", "192.0.2.9", "x", "imap", "" },
};

static const struct row others[] = {
	{ "", OTHER },
	{ "\n", OTHER },
	{ "Nov 25 03:21:24", OTHER },
	{ "2026-11-25T02:21:24Z mx dovecot 123 - -", OTHER },
	{ "2026-11-25T02:21:24Z mx dovecot 123 - [", OTHER },
	{ "<22>1 ", OTHER },
	{ "<22>1 2026-11-25T02:21:24Z ", OTHER },
	{ "1 ", OTHER },
	{ "1795573284.123 mx sshd[1]: Failed password for root", OTHER },
	{ "auth: Info: sql(joe,192.0.2.9): Password expired", OTHER },
	{ "imap-login: Info: Login", OTHER },
	{ AT "master: Info: Dovecot v2.4.1-4 (7d8c0e5759) starting up for imap",
	  OTHER },
	{ AT "imap(" U1 ")<18645><w7ZiUhFhkJbAAAIJ>: Info: Disconnected: Connection closed (No commands sent) in=0 out=409",
	  OTHER },
	{ AT "imap-login: Info: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=127.0.0.1, lip=127.0.0.1, secured, session=<JFmkURFhmsB/AAAB>",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", NULL, NULL, "imap", "" },
	{ AT "imap-login: Info: Login aborted: Connection closed (disconnected during TLS handshake) (tls_handshake_not_finished): user=<>, rip=192.0.2.9, lip=127.0.0.1, TLS handshaking: SSL_accept() failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42, session=<E73VVxFhCuB/AAAB>",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", NULL, NULL, "imap", "" },
	{ AT "imap-login: Info: Authenticate PLAIN failed: Invalid base64 in response: user=<>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<1CJWVRFhAJZ/AAAB>",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", "", "", "imap", "" },
	{ AT "imap-login: Warning: Auth process not responding, delayed sending initial response: user=<>, rip=192.0.2.9",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", "", "", "imap", "" },
	{ AT "auth: Error: sql(joe,192.0.2.9): Password query failed", OTHER },
	{ AT "auth(joe,192.0.2.9,sasl:plain)<x>: Error: sql: Password query failed",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "", "" },
	{ AT "mx sshd[1]: Failed password for root from 192.0.2.9 port 22",
	  OTHER },
	{ AT "mx postfix/smtpd[1]: connect from unknown[192.0.2.9]",
	  DOVELOG_OTHER, LS_OUTCOME_NONE, 0, "", "", "", "smtp", "" },
	{ AT "lockstep: imap-login: Info: Login", OTHER },
};

/* Of an auth or login process, and new to us. */
static const struct row unknown[] = {
	{ AT "auth: Info: sql(joe,192.0.2.9,<x>): Something new happened",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "joe", "192.0.2.9", "x", "",
	  "sql" },
	{ AT "auth(joe,192.0.2.9,sasl:plain)<x>: Info: sql: Something new",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "joe", "192.0.2.9", "x", "",
	  "sql" },
	{ AT "imap-login: Info: Welcome: user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, session=<x>",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "", "", "", "imap", "" },
	{ AT "imap-login(7): x user=<joe>", DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0,
	  "", "", "", "imap", "" },
	{ AT "mx dovecot[7]: imap-login(7): Login: user=<joe>, rip=192.0.2.9",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, "", "", "", "imap", "" },
	{ "25/Nov/2026 03:21:24 imap-login(7): x user=<joe>", NOT_READ },
	{ "25/Nov/2026 03:21:24 mx-login imap-login: Login: user=<joe>", NOT_READ },
	{ AT "imap-login: Info: Login: joe from 192.0.2.9", DOVELOG_UNKNOWN,
	  LS_OUTCOME_NONE, 0, "", "", "", "imap", "" },
	/* A time of no form that is known. */
	{ "Nov 99 03:21:24 imap-login: Info: Login: user=<a>, rip=1.2.3.4",
	  NOT_READ },
	{ "<22>2 2026-11-25T02:21:24Z mx dovecot 123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<22 2026-11-25T02:21:24Z mx dovecot: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<>Nov 25 03:21:24 mx dovecot: " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx dovecot 123 - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx dovecot 123 - [a b=\"c] " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx dovecot 123 - [a b=\"c\\" "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx  123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "2026-11-25 02:21:24 mx dovecot 123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ AT "mx dovecot 123 - - " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "2026-11-25T02:21:24Z mx dovecot 123 - [a b=\"c] " "auth: passwd-file(joe,192.0.2.9,<x>): Password mismatch",
	  NOT_READ },
	{ "25/Nov/2026 03:21:24 mx postfix/smtpd[1]: warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: x",
	  NOT_READ },
	{ AT "imap-login: Info: Login: user=<joe>, addr=192.0.2.9",
	  DOVELOG_UNKNOWN, LS_OUTCOME_NONE, 0, NULL, NULL, NULL, "imap",
	  "" },
};

/* The same line under many tags: whose it is decides the program's own name. */
#define JOE_LOGS_IN "imap-login: Login: user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=1, TLS, session=<x>"
#define JOE_FAILS "warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: x, sasl_username=joe"
#define JOE_SENDS "4XyZ1: client=unknown[192.0.2.9], sasl_method=PLAIN, sasl_username=joe"

static const struct row tags[] = {
	{ AT "mx dovecot: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot[7]: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot:auth: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot.service[7]: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot-2[7]: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot_1: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ AT "mx dovecot-2:auth[7]: " JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ "dovecot_1  | " AT JOE_LOGS_IN, LOGIN, "joe", "192.0.2.9", "x",
	  "imap", "" },
	{ "postfix-1  | " AT "mx postfix/smtpd[7]: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/smtpd: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix/submission/smtpd[7]: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix-out/smtpd[7]: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix-out/submissions/smtpd: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix@-.service[7]: " JOE_FAILS, DOVELOG_SASL_FAILED, LS_OUTCOME_WRONG,
	  1, "joe", "192.0.2.9", "", "smtp", "" },
	{ AT "mx postfix-out/smtpd[7]: " JOE_SENDS, MAIL, "joe", "192.0.2.9", "",
	  "smtp", "" },
};

/* Other programs log what strangers tell them. */
static const struct row foreign[] = {
	{ AT "mx webmail[7]: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx CRON[7]: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecots: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecotx[1]: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot-exporter: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot_exporter[7]: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot-exporter-1: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot_x: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot-1x: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot-: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot2: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot/x: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx dovecot.services: " JOE_LOGS_IN, NOT_READ },
	{ "dovecot-exporter-1  | " AT JOE_LOGS_IN, NOT_READ },
	{ "dovecot_x  | " AT JOE_LOGS_IN, NOT_READ },
	{ "postfix-exporter-1  | " AT "mx postfix/smtpd[7]: " JOE_FAILS, NOT_READ },
	{ AT "mx mydovecot: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx imap-login: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx auth: " JOE_LOGS_IN, NOT_READ },
	{ AT "mx postfix/smtpd[7]: " JOE_LOGS_IN, DOVELOG_UNKNOWN,
	  LS_OUTCOME_NONE, 0, "", "", "", "smtp", "" },
	{ AT "mx postfix/policyd-spf[7]: " JOE_FAILS, NOT_READ },
	{ AT "mx postfix-policyd[7]: " JOE_FAILS, NOT_READ },
	{ AT "mx postfixadmin: " JOE_FAILS, NOT_READ },
	{ AT "mx postfixadmin/smtpd: " JOE_FAILS, NOT_READ },
	{ AT "mx postgrey/smtpd: " JOE_FAILS, NOT_READ },
	{ AT "mx dovecot[7]: " JOE_FAILS, NOT_READ },
	{ AT "mx postfix/qmgr[7]: " JOE_SENDS, NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx webmail 7 - - " JOE_LOGS_IN, NOT_READ },
	{ "<22>1 2026-11-25T02:21:24Z mx postfix-policyd 7 - - " JOE_FAILS, NOT_READ },
	{ AT "mx postfix[7]: " JOE_FAILS, NOT_READ },
	{ AT "mx webmail[7]: message repeated 9 times: [ " JOE_LOGS_IN "]", NOT_READ },
	{ AT "mx: dovecot: " JOE_LOGS_IN, NOT_READ },
};

static void check_piece(const struct row *row, const char *what,
			struct dovelog_text got, const char *want)
{
	char text[512], where[160];

	if (want == NULL)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)got.len,
		 got.at != NULL ? got.at : "");
	snprintf(where, sizeof(where), "%s of %.140s", what, row->line);
	check_text(where, text, want);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct dovelog_record record;
		char ip[LS_ADDR_TEXT];

		dovelog_parse(row->line, strlen(row->line), &record);
		check(row->line, record.what, row->what);
		check(row->line, record.outcome, row->outcome);
		check(row->line, record.attempts, row->attempts);
		check_piece(row, "user", record.user, row->user);
		check_piece(row, "session", record.session, row->session);
		check_piece(row, "service", record.service, row->service);
		check_piece(row, "by", record.by, row->by);
		ls_addr_format(&record.ip, ip);
		if (row->ip != NULL && row->ip[0] != '\0')
			check_text(row->line, ip, row->ip);
	}
}

#define CHECK_ROWS(name)                                                       \
	static void test_##name(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		check_rows(name, COUNT(name));                                 \
	}
CHECK_ROWS(dovecot_23)
CHECK_ROWS(dovecot_24)
CHECK_ROWS(syslog)
CHECK_ROWS(deceiving)
CHECK_ROWS(elements)
CHECK_ROWS(proxied_ends)
CHECK_ROWS(others)
CHECK_ROWS(unknown)
CHECK_ROWS(tags)
CHECK_ROWS(foreign)

/* With no word for it in a line of the default form, a client had no TLS. */
static void test_secured(void **state)
{
	static const struct {
		const char *line;
		bool secured;
	} rows[] = {
		{ AT "imap-login: Info: Login: user=<a>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS, session=<x>",
		  true },
		{ AT "imap-login: Info: Login: user=<a>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<x>",
		  false },
		{ AT "imap-login: Info: Login: user=<a, TLS>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<x>",
		  false },
		{ AT "imap-login: Info: Login: user=<a>, method=PLAIN, rip=192.0.2.9, mpid=1",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dovelog_record record;

		dovelog_parse(rows[i].line, strlen(rows[i].line), &record);
		check(rows[i].line, record.secured, rows[i].secured);
	}
}

/* Whatever stands before it. */
static void test_times(void **state)
{
	static const struct {
		const char *line;
		int year, hour, ms, offset_s;
		bool zoned;
	} rows[] = {
		{ "<22>1 2026-11-25T03:21:24.123456+01:00 mx dovecot 7 - - auth: x",
		  2026, 3, 123, 3600, true },
		{ "1 2026-11-25T03:21:24Z mx dovecot 7 - - auth: x", 2026, 3,
		  0, 0, true },
		{ "<22>Nov 25 03:21:24 mx dovecot: auth: x", 0, 3, 0, 0,
		  false },
		{ "Nov 25 2026 03:21:24.5 mx dovecot: auth: x", 2026, 3, 500,
		  0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *line = rows[i].line;
		struct dovelog_record record;

		dovelog_parse(line, strlen(line), &record);
		check(line, record.when.year, rows[i].year);
		check(line, record.when.month, 11);
		check(line, record.when.day, 25);
		check(line, record.when.hour, rows[i].hour);
		check(line, record.when.ms, rows[i].ms);
		check(line, record.when.offset_s, rows[i].offset_s);
		check(line, record.when.zoned, rows[i].zoned);
	}
}

/* What a client sent is no login, and neither is a token that was refused. */
static void test_no_success(void **state)
{
	static const char *const lines[] = {
		AT "imap-login: Info: ID sent: name=x (connection_limit): user=<boss>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
		AT "imap-login: Info: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (new_code): user=<a (connection_limit): user=<boss>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
		AT "imap-login: Info: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (new_code): rip=192.0.2.9, user=<a (connection_limit): user=<boss>, rip=192.0.2.7, >, method=PLAIN, TLS, session=<x>",
		AT "imap-login: Info: Disconnected: Connection closed (disconnected while finishing login, waited 0 secs): user=<boss>, method=OAUTHBEARER, rip=192.0.2.9, lip=127.0.0.1, TLS, session=<x>",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct dovelog_record record;

		dovelog_parse(lines[i], strlen(lines[i]), &record);
		check(lines[i], record.outcome == LS_OUTCOME_SUCCESS, false);
		check(lines[i], record.what == DOVELOG_LOGIN, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_success),
		cmocka_unit_test(test_dovecot_23),
		cmocka_unit_test(test_dovecot_24),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_deceiving),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_proxied_ends),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_secured),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
