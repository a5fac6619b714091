/* test_dovelog_repeated.c - rsyslog has one line for messages that are all the
 * same */
#include "lockstep-config.h"

#include "harness.h"
#include "logs/dovelog.h"

#define AT "Nov 25 03:21:24 "

static void test_repeated(void **state)
{
	static const struct {
		const char *line;
		enum dovelog_what what;
		unsigned repeated, attempts;
		const char *user;
	} rows[] = {
		{ AT "mx postfix/smtpd[77]: message repeated 30 times: [ warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6]",
		  DOVELOG_SASL_FAILED, 30, 1, "" },
		{ AT "mx postfix/smtpd[77]: message repeated 2 times: [warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: x, sasl_username=joe]",
		  DOVELOG_SASL_FAILED, 2, 1, "joe" },
		{ "<22>1 2026-11-25T02:21:24Z mx dovecot 7 - - message repeated 3 times: [ auth: sql(joe,192.0.2.9): unknown user]",
		  DOVELOG_FAILED, 3, 1, "joe" },
		{ AT "mx dovecot: message repeated 30 times: [ auth: passwd-file(joe,192.0.2.9): Password mismatch]",
		  DOVELOG_FAILED, 30, 1, "joe" },
		{ AT "mx dovecot: message repeated 5 times: [ imap-login: Disconnected (auth failed, 2 attempts in 5 secs): user=<joe>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1]",
		  DOVELOG_ENDED, 5, 2, "joe" },
		{ AT "mx dovecot: auth: passwd-file(joe,192.0.2.9): Password mismatch",
		  DOVELOG_FAILED, 1, 1, "joe" },
		{ AT "mx dovecot: message repeated 2 times: [ auth: sql(joe,192.0.2.9): Something new]",
		  DOVELOG_UNKNOWN, 2, 0, "joe" },
		/* Not all of the message. */
		{ AT "mx dovecot: message repeated 2 times: [ imap-login: Login: user=<joe>, method=PLAIN, rip=192.0.2.9",
		  DOVELOG_UNKNOWN, 2, 0, "joe" },
		{ AT "mx postfix/smtpd[7]: message repeated 2 times: [ connect from unknown[192.0.2.9]]",
		  DOVELOG_OTHER, 2, 0, "" },
		{ AT "mx dovecot: message repeated 0 times: [ auth: sql(joe,192.0.2.9): unknown user]",
		  DOVELOG_UNKNOWN, 1, 0, "" },
		{ AT "mx dovecot: message repeated 2 times", DOVELOG_OTHER, 1,
		  0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *line = rows[i].line;
		struct dovelog_record record;
		char user[64];

		dovelog_parse(line, strlen(line), &record);
		check(line, record.what, rows[i].what);
		check(line, record.repeated, rows[i].repeated);
		check(line, record.attempts, rows[i].attempts);
		snprintf(user, sizeof(user), "%.*s", (int)record.user.len,
			 record.user.at != NULL ? record.user.at : "");
		check_text(line, user, rows[i].user);
	}
}

/* rsyslog keeps 800 bytes of a message: what has as many may be cut. */
static void test_repeated_and_cut(void **state)
{
	static const char begin[] = "mx dovecot: message repeated 2 times: [";
	static const char message[] = " imap-login: Login: user=<%0*d>, "
				      "method=PLAIN, rip=192.0.2.9";

	(void)state;
	for (int size = 799; size <= 800; size++) {
		struct dovelog_record record;
		char line[1024] = AT, inside[900];
		int rest = snprintf(inside, sizeof(inside), message, 1, 1) - 1;

		snprintf(inside, sizeof(inside), message, size - rest, 1);
		check("inside", strlen(inside), size);
		strcat(strcat(strcat(line, begin), inside), "]");
		dovelog_parse(line, strlen(line), &record);
		check(size == 799 ? "799" : "800", record.what,
		      size == 799 ? DOVELOG_LOGIN : DOVELOG_UNKNOWN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_repeated_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
