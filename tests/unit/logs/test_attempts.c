/* test_attempts.c - one attempt that shows in several lines is one */
#include "lockstep-config.h"

#include "harness.h"
#include "logs/attempts.h"
#include "logs/journal-line.h"
#include "logs/logclock.h"

#include <stdlib.h>
#include <time.h>

/* Lines of a row follow each other; each "s" is one of its seconds. */
struct row {
	const char *name;
	const char *lines[8];
	const char *want; /* "time user outcome count," for each attempt */
};

#define TAIL(user, session)                                                    \
	": user=<" user                                                        \
	">, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS, session=<" session \
	">"
#define MISMATCH23(time, passdb, user, session)                                \
	"Nov 25 03:21:" time " auth: Info: " passdb "(" user                   \
	",192.0.2.9,<" session ">): Password mismatch"
#define NO_SESSION(time, passdb, user)                                         \
	"Nov 25 03:21:" time " auth: Info: " passdb "(" user                   \
	",192.0.2.9): Password mismatch"
#define ENDED(time, count, user, session)                                      \
	"Nov 25 03:21:" time                                                   \
	" imap-login: Info: Disconnected: Connection closed (auth failed, "    \
	count " attempts in 2 secs)" TAIL(user, session)
#define LOGIN(time, user, session)                                             \
	"Nov 25 03:21:" time " imap-login: Info: Login" TAIL(user, session)
#define SASL(time, user)                                                       \
	"Nov 25 03:21:" time                                                   \
	" mx postfix/smtpd[1]: warning: unknown[192.0.2.9]: SASL PLAIN "       \
	"authentication failed: (reason unavailable)" user
#define AGAIN(time, tag, count, message)                                       \
	"Nov 25 03:21:" time " mx " tag ": message repeated " count            \
	" times: [ " message "]"
#define SASL_AGAIN(time, count, why)                                           \
	AGAIN(time, "postfix/smtpd[1]", count,                                 \
	      "warning: unknown[192.0.2.9]: SASL PLAIN authentication failed: " why)

static const struct row rows[] = {
	{ "login process alone", { ENDED("02", "1", "joe", "a") },
	  "02 joe wrong 1," },
	{ "three at once", { ENDED("02", "3", "joe", "a") },
	  "02 joe wrong 3," },
	{ "both", { MISMATCH23("00", "sql", "joe", "a"),
		    ENDED("02", "1", "joe", "a") },
	  "00 joe wrong 1," },
	{ "all of three were told of",
	  { MISMATCH23("00", "sql", "ann", "a"),
	    MISMATCH23("02", "sql", "bob", "a"),
	    MISMATCH23("04", "sql", "joe", "a"),
	    ENDED("06", "3", "joe", "a") },
	  "00 ann wrong 1,02 bob wrong 1,04 joe wrong 1," },
	{ "two of three were told of",
	  { MISMATCH23("00", "sql", "ann", "a"),
	    MISMATCH23("02", "sql", "bob", "a"),
	    ENDED("06", "3", "joe", "a") },
	  "00 ann wrong 1,02 bob wrong 1,06 joe wrong 1," },
	{ "two passdbs, one attempt",
	  { MISMATCH23("00", "passwd-file", "joe", "a"),
	    MISMATCH23("02", "pam", "joe", "a"),
	    ENDED("03", "1", "joe", "a") },
	  "00 joe wrong 1," },
	{ "two passdbs, two attempts",
	  { MISMATCH23("00", "passwd-file", "joe", "a"),
	    MISMATCH23("02", "pam", "joe", "a"),
	    MISMATCH23("05", "passwd-file", "joe", "a"),
	    MISMATCH23("07", "pam", "joe", "a"),
	    ENDED("09", "2", "joe", "a") },
	  "00 joe wrong 1,05 joe wrong 1," },
	{ "the second passdb knows it",
	  { MISMATCH23("00", "passwd-file", "joe", "a"),
	    LOGIN("01", "joe", "a") },
	  "01 joe success 1," },
	{ "mistyped, then right",
	  { MISMATCH23("00", "sql", "joe", "a"), LOGIN("07", "joe", "a") },
	  "00 joe wrong 1,07 joe success 1," },
	{ "sessions apart",
	  { MISMATCH23("00", "sql", "joe", "a"), LOGIN("00", "joe", "b"),
	    ENDED("02", "1", "joe", "a") },
	  "00 joe wrong 1,00 joe success 1," },
	{ "the line of the attempt comes late",
	  { ENDED("02", "1", "joe", "a"), MISMATCH23("04", "pam", "joe", "a") },
	  "02 joe wrong 1," },
	{ "Postfix too", { NO_SESSION("00", "sql", "joe"),
			   SASL("02", ", sasl_username=joe") },
	  "00 joe wrong 1," },
	{ "Postfix alone", { SASL("02", ", sasl_username=joe") },
	  "02 joe wrong 1," },
	{ "Postfix alone, no name", { SASL("02", "") }, "02  wrong 1," },
	{ "Postfix, two and two",
	  { NO_SESSION("00", "sql", "joe"), NO_SESSION("01", "sql", "ann"),
	    SASL("02", ""), SASL("03", "") },
	  "00 joe wrong 1,01 ann wrong 1," },
	{ "Postfix, one password each",
	  { NO_SESSION("00", "sql", "joe"), SASL("02", ""),
	    NO_SESSION("03", "pam", "joe"), SASL("05", "") },
	  "00 joe wrong 1,03 joe wrong 1," },
	{ "Postfix, again and again", { SASL("02", ""), SASL_AGAIN("09", "2", "x") },
	  "02  wrong 1,09  wrong 1,09  wrong 1," },
	{ "both, again and again",
	  { NO_SESSION("00", "sql", "joe"), SASL("02", ""),
	    AGAIN("08", "dovecot", "2",
		  "auth: sql(joe,192.0.2.9): Password mismatch"),
	    SASL_AGAIN("09", "3", "x") },
	  "00 joe wrong 1,08 joe wrong 1,08 joe wrong 1,09  wrong 1," },
	{ "no guesses, again and again",
	  { SASL_AGAIN("09", "2", "Connection lost to authentication server") },
	  "09  internal 1,09  internal 1," },
	{ "refused by Lockstep",
	  { "Nov 25 03:21:00 auth: Info: lockstep(joe,192.0.2.9,<a>): refused: failures of ip",
	    "Nov 25 03:21:02 imap-login: Info: Disconnected: Connection closed (user disabled)" TAIL(
		    "joe", "a") },
	  "00 joe none 1," },
	{ "refused, in words, as a wrong password",
	  { "Nov 25 03:21:00 auth: Info: lockstep(joe,192.0.2.9,<a>): refused: an administrator said so (admin of user)",
	    ENDED("02", "1", "joe", "a") },
	  "00 joe none 1," },
	{ "a guess at nothing",
	  { "Nov 25 03:21:00 auth: Info: plain(?,192.0.2.9,<a>): Empty username",
	    ENDED("02", "1", "", "a") },
	  "00  abandoned 1," },
	{ "by time", { LOGIN("07", "joe", "a"), LOGIN("05", "ann", "b"),
		       LOGIN("06", "bob", "c"), LOGIN("05", "eve", "d") },
	  "05 ann success 1,05 eve success 1,06 bob success 1,07 joe success 1," },
};

static void add_line(struct attempts *attempts, struct logclock *clock,
		     const char *line)
{
	struct dovelog_record record;

	dovelog_parse(line, strlen(line), &record);
	check(line, record.what > DOVELOG_UNKNOWN, true);
	attempts_add(attempts, &record, logclock_ms(clock, &record.when));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct attempts attempts;
		struct logclock clock;
		char got[512] = "";

		memset(&attempts, 0, sizeof(attempts));
		logclock_init(&clock, 1800000000);
		for (size_t n = 0; rows[i].lines[n] != NULL; n++)
			add_line(&attempts, &clock, rows[i].lines[n]);
		attempts_merge(&attempts);
		for (size_t n = 0; n < attempts.count; n++) {
			const struct attempt *attempt = &attempts.list[n];
			size_t len = strlen(got);

			snprintf(got + len, sizeof(got) - len, "%02u %s %s %u,",
				 (unsigned)(attempt->at_ms / 1000 % 60),
				 names_get(&attempts.names, attempt->user),
				 ls_outcome_name(
					 (enum ls_outcome)attempt->outcome),
				 attempt->count);
		}
		check_text(rows[i].name, got, rows[i].want);
		attempts_free(&attempts);
	}
}

/* A line makes no more than 10000 attempts. */
static void test_repeated_most(void **state)
{
	struct attempts attempts = { 0 };
	struct logclock clock;

	(void)state;
	logclock_init(&clock, 1800000000);
	add_line(&attempts, &clock, SASL_AGAIN("09", "999999999", "x"));
	check("attempts", attempts.count, 10000);
	attempts_free(&attempts);
}

static void test_journal_lines(void **state)
{
	static const struct {
		const char *line;
		int want;
		enum ls_outcome outcome;
		bool repeat;
		unsigned count; /* 0: 1 */
	} lines[] = {
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"deny\",\"reason\":\"failures\",\"kind\":\"ip\",\"unrecorded\":99}}",
		  1, LS_OUTCOME_NONE, false, 100 },
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"deny\",\"reason\":\"failures\",\"kind\":\"ip\",\"unrecorded\":99999999}}",
		  1, LS_OUTCOME_NONE, false, 10000 },
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"journal\":\"guard\",\"record\":15,\"service\":\"imap\",\"mech\":\"PLAIN\",\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"admit\",\"outcome\":\"success\"}}",
		  1, LS_OUTCOME_SUCCESS, false, 0 },
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"deny\",\"reason\":\"failures\",\"kind\":\"ip\"}}",
		  1, LS_OUTCOME_NONE, false, 0 },
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"admit\",\"outcome\":\"wrong\",\"reason\":\"repeats\",\"kind\":\"place\"}}",
		  1, LS_OUTCOME_WRONG, true, 0 },
		{ "{\"type\":\"lock\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{}}",
		  0, LS_OUTCOME_NONE, false, 0 },
		{ "{\"type\":\"login\",\"timestamp\":\"yesterday\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"admit\",\"outcome\":\"success\"}}",
		  -1, LS_OUTCOME_NONE, false, 0 },
		{ "{\"type\":\"login\",\"timestamp\":\"2026-11-25T03:25:00.726Z\",\"data\":{\"user\":\"joe\",\"verdict\":\"admit\",\"outcome\":\"success\"}}",
		  0, LS_OUTCOME_NONE, false, 0 },
		{ "{\"type\":\"login\"", -1, LS_OUTCOME_NONE, false, 0 },
		{ "{}", -1, LS_OUTCOME_NONE, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		json_t *object = json_loads(lines[i].line, 0, NULL);
		struct attempts attempts;

		memset(&attempts, 0, sizeof(attempts));
		check(lines[i].line, journal_line(&attempts, object),
		      lines[i].want);
		json_decref(object);
		check(lines[i].line, attempts.count, lines[i].want == 1);
		if (attempts.count == 1) {
			check(lines[i].line, attempts.list[0].outcome,
			      lines[i].outcome);
			check(lines[i].line, attempts.list[0].repeat,
			      lines[i].repeat);
			check(lines[i].line, attempts.list[0].count,
			      lines[i].count > 0 ? lines[i].count : 1);
			check(lines[i].line, attempts.list[0].at_ms,
			      UINT64_C(1795577100726));
		}
		attempts_free(&attempts);
	}
}

static void test_names(void **state)
{
	struct names names = { 0 };
	char text[16];

	(void)state;
	check("none", names_add(&names, "", 0), 0);
	for (uint32_t i = 1; i < 5000; i++) {
		snprintf(text, sizeof(text), "name%u", i);
		check(text, names_add(&names, text, strlen(text)), i);
	}
	for (uint32_t i = 1; i < 5000; i++) {
		snprintf(text, sizeof(text), "name%u", i);
		check(text, names_add(&names, text, strlen(text)), i);
		check_text("get", names_get(&names, i), text);
	}
	check_text("no such", names_get(&names, 5000), "");
	names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_repeated_most),
		cmocka_unit_test(test_journal_lines),
		cmocka_unit_test(test_names),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
