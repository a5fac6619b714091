/* test_logread.c - files of logs into attempts */
#include "lockstep-config.h"

#include "cli.h"
#include "harness.h"
#include "logread.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOGIN                                                                  \
	" imap-login: Info: Login: user=<joe>, method=PLAIN, rip=192.0.2.9, "  \
	"lip=192.0.2.1, TLS, session=<x>\n"

/* ---- what the reader has of cli.h ------------------------------------- */

static char complaint[512];

void cli_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, sizeof(complaint), format, args);
	va_end(args);
}

uint64_t cli_real_ms(void)
{
	return (uint64_t)time(NULL) * 1000;
}

/* ---- a file ----------------------------------------------------------- */

static int64_t utc(const char *text)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (int64_t)timegm(&tm);
}

/* Read a file of these bytes; written_s 0: just written. */
static int read_bytes(struct logread *logread, const char *bytes, size_t len,
		      int64_t written_s)
{
	char path[] = "/tmp/lockstep-logread.XXXXXX";
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)written_s },
	};
	char *files[] = { path };
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	if (written_s > 0)
		assert_int_equal(futimens(fd, times), 0);
	close(fd);
	complaint[0] = '\0';
	ret = logread_files(logread, files, 1, NULL, NULL);
	assert_int_equal(unlink(path), 0);
	return ret;
}

/* ---- years ------------------------------------------------------------ */

/* A log of more than a year ends before it was last written. */
static void test_years(void **state)
{
	static const char log[] =
		"May  1 12:00:00" LOGIN
		"Nov  1 12:00:00" LOGIN
		"Jan  1 12:00:00" LOGIN
		"2025-12-01 12:00:00" LOGIN
		"{\"type\":\"login\",\"timestamp\":\"2026-01-02T12:00:00.000Z\",\"data\":{\"address\":\"192.0.2.19\",\"user\":\"joe\",\"verdict\":\"admit\",\"outcome\":\"success\"}}\n";
	static const char *const want[] = {
		"2024-05-01 12:00:00", "2024-11-01 12:00:00",
		"2025-01-01 12:00:00", "2025-12-01 12:00:00",
		"2026-01-02 12:00:00",
	};
	struct logread logread;

	(void)state;
	check("read", read_bytes(&logread, log, strlen(log),
				 utc("2025-12-02 00:00:00")), 0);
	check("attempts", logread.attempts.count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		check(want[i], logread.attempts.list[i].at_ms,
		      utc(want[i]) * 1000);
	logread_free(&logread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_years),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
