/* test_secret.c - which secret files are read, and what is said of the others:
 * the file, the mode, the line, and never a part of a secret */
#include "lockstep-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "webhook/secret.h"

/* 24, 32, 64 bytes; 23 and 65 */
#define SECRET_24 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECRET_32 "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define A32 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
#define SECRET_64 "whsec_" A32 A32 "QUFBQUFBQUFBQUFBQUFBQQ=="
#define TOO_SHORT "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
#define TOO_LONG "whsec_" A32 A32 "QUFBQUFBQUFBQUFBQUFBQUE="
#define MUCH_TOO_LONG "whsec_" A32 A32 A32 A32 A32 A32 A32

struct text_case {
	const char *text;
	unsigned keys;      /* 0: refused */
	const char *want;   /* then what is said */
};

static const struct text_case text_cases[] = {
	{ SECRET_24, 1, NULL },
	{ SECRET_24 "\n", 1, NULL },
	{ SECRET_32 "\r\n", 1, NULL },
	{ SECRET_64 " \t\n\n", 1, NULL },
	{ "# new\n" SECRET_32 "\n\n# old\n" SECRET_24 "\n", 2, NULL },
	{ SECRET_24 "\n" SECRET_24 "\n" SECRET_24 "\n" SECRET_24, 4, NULL },
	{ "", 0, "holds no secret" },
	{ "\n\n# nothing\n", 0, "holds no secret" },
	{ "hunter2", 0, "line 1 does not begin with whsec_" },
	{ " " SECRET_24, 0, "line 1 does not begin with whsec_" },
	{ SECRET_24 "\nMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0,
	  "line 2 does not begin with whsec_" },
	{ "whsk_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", 0,
	  "line 1 is an ed25519 key; only whsec_ secrets are supported" },
	{ "whsec_", 0, "line 1 is shorter than 24 bytes" },
	{ "whsec_hunter2!", 0, "line 1 is not base64 after whsec_" },
	{ SECRET_24 " " SECRET_24, 0, "line 1 is not base64 after whsec_" },
	{ "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", 0,
	  "line 1 is not base64 after whsec_" },
	{ TOO_SHORT, 0, "line 1 is shorter than 24 bytes" },
	{ TOO_LONG, 0, "line 1 is longer than 64 bytes" },
	{ MUCH_TOO_LONG, 0, "line 1 is not base64 after whsec_" },
	{ SECRET_24 "\n" SECRET_24 "\n" SECRET_24 "\n" SECRET_24 "\n"
	  SECRET_24 "\n", 0, "line 5 is one secret too many; 4 are the most" },
};

static void test_parse(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]);
	     i++) {
		const struct text_case *want = &text_cases[i];
		struct ls_error error = { .code = 0 };
		struct secret secret;
		int ret = secret_parse(want->text, strlen(want->text), &secret,
				       &error);

		assert_int_equal(secret.keys, want->keys);
		if (want->keys > 0) {
			assert_int_equal(ret, 0);
			continue;
		}
		assert_int_equal(ret, LS_EFORMAT);
		assert_string_equal(error.text, want->want);
		assert_true(sodium_is_zero((const unsigned char *)&secret,
					   sizeof(secret)));
	}
}

static void test_octets(void **context)
{
	struct ls_error error;
	struct secret secret;

	(void)context;
	assert_int_equal(secret_parse(SECRET_32, strlen(SECRET_32), &secret,
				      &error), 0);
	assert_int_equal(secret.key[0].length, 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(secret.key[0].octet[i], i + 1);
	assert_int_equal(secret_parse(SECRET_64, strlen(SECRET_64), &secret,
				      &error), 0);
	assert_int_equal(secret.key[0].length, 64);
	/* a NUL is no end of the text, and no white space */
	assert_int_equal(secret_parse("whsec_\0\n", 8, &secret, &error),
			 LS_EFORMAT);
}

struct place {
	char directory[64], path[96];
};

static int make_place(void **context)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->directory, sizeof(place->directory),
		 "/tmp/test_secret.XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/secret",
		 place->directory);
	*context = place;
	return 0;
}

static int remove_place(void **context)
{
	struct place *place = *context;

	unlink(place->path);
	rmdir(place->directory);
	free(place);
	return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void check_read(const struct place *place, int want, const char *text)
{
	struct ls_error error = { .text = "" };
	char wanted[256] = "";
	struct secret secret;

	assert_int_equal(secret_read(place->path, &secret, &error), want);
	if (want == 0) {
		assert_int_equal(secret.keys, 1);
		return;
	}
	snprintf(wanted, sizeof(wanted), "%s: %s", place->path, text);
	assert_string_equal(error.text, wanted);
	assert_int_equal(secret.keys, 0);
}

static void test_read(void **context)
{
	const struct place *place = *context;
	char big[SECRET_FILE_MAX + 2];

	check_read(place, LS_ESYS, "No such file or directory");
	write_file(place->path, SECRET_24 "\n", 0600);
	check_read(place, 0, NULL);
	write_file(place->path, SECRET_24 "\n", 0400);
	check_read(place, 0, NULL);
	write_file(place->path, SECRET_24 "\n", 0640);
	check_read(place, LS_EACCES,
		   "mode 0640 is open to others; it must be 0600");
	write_file(place->path, SECRET_24 "\n", 0602);
	check_read(place, LS_EACCES,
		   "mode 0602 is open to others; it must be 0600");
	write_file(place->path, "hunter2\n", 0600);
	check_read(place, LS_EFORMAT, "line 1 does not begin with whsec_");
	write_file(place->path, "", 0600);
	check_read(place, LS_EFORMAT, "holds no secret");

	memset(big, '#', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	write_file(place->path, big, 0600);
	check_read(place, LS_EFORMAT, "is larger than 4096 bytes");
	big[SECRET_FILE_MAX] = '\0';
	write_file(place->path, big, 0600);
	check_read(place, LS_EFORMAT, "holds no secret");
}

/* A URL or a token: one line, and what is wrong with another text without a word
 * of it. */
static void test_parse_line(void **context)
{
	static const struct {
		const char *text, *line, *wrong;
	} cases[] = {
		{ "https://x/y", "https://x/y", NULL },
		{ "# why\n\n  tk_0 \r\n\n", "tk_0", NULL },
		{ "123456789012345", "123456789012345", NULL },
		{ "1234567890123456", "", "holds a line that is too long" },
		{ "", "", "is empty" },
		{ "# https://x/\n", "", "is empty" },
		{ "tk_0\ntk_1\n", "", "holds more than one line" },
		{ "tk 0\n", "", "holds a blank, or what is not ASCII" },
		{ "tk_\xc3\xb6\n", "", "holds a blank, or what is not ASCII" },
		{ "tk_\x01", "", "holds a blank, or what is not ASCII" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ls_error error = { .text = "" };
		char line[16] = "#";
		int want = cases[i].wrong == NULL ? 0 : LS_EFORMAT;

		assert_int_equal(secret_parse_line(cases[i].text,
						   strlen(cases[i].text), line,
						   sizeof(line), &error),
				 want);
		assert_string_equal(line, cases[i].line);
		if (want < 0)
			assert_string_equal(error.text, cases[i].wrong);
	}
}

static void test_read_line(void **context)
{
	const struct place *place = *context;
	struct ls_error error = { .text = "" };
	char line[64], want[256];

	write_file(place->path, "https://x/y\n", 0600);
	assert_int_equal(secret_read_line(place->path, line, sizeof(line),
					  &error), 0);
	assert_string_equal(line, "https://x/y");
	write_file(place->path, "https://x/y\n", 0604);
	assert_int_equal(secret_read_line(place->path, line, sizeof(line),
					  &error), LS_EACCES);
	assert_string_equal(line, "");
	write_file(place->path, "", 0600);
	assert_int_equal(secret_read_line(place->path, line, sizeof(line),
					  &error), LS_EFORMAT);
	snprintf(want, sizeof(want), "%s: is empty", place->path);
	assert_string_equal(error.text, want);
}

/* A FIFO would hang whoever opens it for reading. */
static void test_no_file(void **context)
{
	const struct place *place = *context;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	check_read(place, LS_EACCES, "is not a regular file");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkdir(place->path, 0700), 0);
	check_read(place, LS_EACCES, "is not a regular file");
	assert_int_equal(rmdir(place->path), 0);
}

static void test_owner(void **context)
{
	const struct place *place = *context;

	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	write_file(place->path, SECRET_24 "\n", 0600);
	assert_int_equal(chown(place->path, 65534, (gid_t)-1), 0);
	check_read(place, LS_EACCES, "belongs to uid 65534; it must belong to "
		   "root or uid 0");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_octets),
		cmocka_unit_test_setup_teardown(test_read, make_place,
						remove_place),
		cmocka_unit_test(test_parse_line),
		cmocka_unit_test_setup_teardown(test_read_line, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(test_no_file, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(test_owner, make_place,
						remove_place),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
