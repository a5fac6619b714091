/* test_logread.c - files of logs into attempts */
#include "lockstep-config.h"

#include "cli.h"
#include "harness.h"
#include "logs/logread.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

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

/* A line of a clock that stood months behind moves nothing but itself. */
static void test_stray_line(void **state)
{
	static const char log[] = "Nov 20 12:00:00" LOGIN
				  "Nov 21 12:00:00" LOGIN
				  "Apr 10 12:00:00" LOGIN
				  "Nov 22 12:00:00" LOGIN;
	struct logread logread;
	unsigned right = 0;

	(void)state;
	check("read", read_bytes(&logread, log, strlen(log),
				 utc("2025-11-23 00:00:00")), 0);
	check("attempts", logread.attempts.count, 4);
	for (size_t i = 0; i < logread.attempts.count; i++) {
		uint64_t at_ms = logread.attempts.list[i].at_ms;

		right += at_ms >= (uint64_t)utc("2025-11-20 12:00:00") * 1000 &&
			 at_ms <= (uint64_t)utc("2025-11-22 12:00:00") * 1000;
	}
	check("right", right, 3);
	logread_free(&logread);
}

/* ---- compression ------------------------------------------------------ */

static size_t pack(char packed[512], const char *bytes, size_t len)
{
	z_stream stream = { .next_in = (unsigned char *)(uintptr_t)bytes,
			    .avail_in = (unsigned)len,
			    .next_out = (unsigned char *)packed,
			    .avail_out = 512 };

	assert_int_equal(deflateInit2(&stream, Z_DEFAULT_COMPRESSION,
				      Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&stream), Z_OK);
	return 512 - stream.avail_out;
}

/* What cannot be read is no log without attempts. */
static void test_compressed(void **state)
{
	static const struct {
		const char *name, *bytes, *complaint, *packed_complaint;
	} rows[] = {
		{ "xz", "\xfd" "7zXZ",
		  ": compressed by xz: use \"xz -dc /tmp/lockstep-",
		  ": compressed by gzip, and by xz before: use \"gzip -dc /tmp/" },
		{ "bzip2", "BZh91AY&SY", " | lockstep ... -\"",
		  " | bzip2 -dc | lockstep ... -\"" },
		{ "zstd", "\x28\xb5\x2f\xfd", "by zstd: use \"zstd -dc ",
		  " | zstd -dc | lockstep ... -\"" },
		{ "gzip", "\x1f\x8b\x08", NULL,
		  " | gzip -dc | lockstep ... -\"" },
	};
	struct logread logread;
	char packed[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = rows[i].name, *bytes = rows[i].bytes;
		size_t len = pack(packed, bytes, strlen(bytes));

		if (rows[i].complaint != NULL) {
			check(name,
			      read_bytes(&logread, bytes, strlen(bytes), 0),
			      -1);
			check_holds(name, complaint, rows[i].complaint);
			logread_free(&logread);
		}
		check(name, read_bytes(&logread, packed, len, 0), -1);
		check_holds(name, complaint, rows[i].packed_complaint);
		logread_free(&logread);
	}
}

static void test_not_compressed(void **state)
{
	static const char *const rows[] = {
		"", "B", "BZ\n", "\xfd" "7\n", "\n\xfd" "7zXZ",
		"Nov  1 12:00:00" LOGIN,
	};
	struct logread logread;
	char packed[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = pack(packed, rows[i], strlen(rows[i]));

		check(rows[i],
		      read_bytes(&logread, rows[i], strlen(rows[i]), 0), 0);
		logread_free(&logread);
		check(rows[i], read_bytes(&logread, packed, len, 0), 0);
		check("attempts", logread.attempts.count, i == 5);
		check_text(rows[i], complaint, "");
		logread_free(&logread);
	}
}

/* A file of the journal itself has whole lines of logins in it, of some. */
static void test_journal_file(void **state)
{
	static const char bytes[] = "LPKSHHRH\0\0\n"
				    "Nov  1 12:00:00" LOGIN;
	struct logread logread;

	(void)state;
	check("read", read_bytes(&logread, bytes, sizeof(bytes) - 1, 0), -1);
	check_holds("said", complaint, "use \"journalctl --file /tmp/lockstep-");
	logread_free(&logread);
}

/* Longer than any line of a login is: not read, but not passed over either. */
static void test_too_long(void **state)
{
	static char log[70000];
	struct logread logread;

	(void)state;
	for (size_t size = LOGREAD_LINE + 1; size < sizeof(log) - 200;
	     size += 50000) {
		memset(log, 'x', size);
		memcpy(log, "Nov  1 12:00:00" LOGIN, sizeof("Nov  1 12:00:00" LOGIN) - 2);
		strcpy(log + size, "\nNov  1 12:00:00" LOGIN);
		check("read", read_bytes(&logread, log, strlen(log), 0), 0);
		check("lines", logread.lines, 2);
		check("attempts", logread.attempts.count, 1);
		check("unknown", logread.unknown, 1);
		check("shown", strlen(logread.shown[0]), LOGREAD_LINE);
		logread_free(&logread);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_years),
		cmocka_unit_test(test_stray_line),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_not_compressed),
		cmocka_unit_test(test_journal_file),
		cmocka_unit_test(test_too_long),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
