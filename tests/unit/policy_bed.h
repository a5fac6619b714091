/* policy_bed.h - a directory with a policy.cdb, for the tests of both sides */
#ifndef TEST_POLICY_BED_H
#define TEST_POLICY_BED_H

#include "policy/policy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char path[128];
static int bed_fd;

static inline int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/lockstep-policy.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/policy.cdb", dir);
	bed_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return bed_fd < 0 ? -1 : 0;
}

/* Fails when the test leaves more than its policy behind: a temporary file. */
static inline int remove_dir(void **state)
{
	(void)state;
	close(bed_fd);
	unlink(path);
	return rmdir(dir);
}

static inline const struct ls_field *field_of(const char *section,
					      const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) == 0 &&
		    (section == NULL
			     ? field->section == NULL
			     : field->section != NULL &&
				       strcmp(field->section, section) == 0))
			return field;
	}
	fail_msg("no field %s", name);
	return NULL;
}

static inline void set(struct ls_policy *policy, const char *section,
		       const char *name, const char *text)
{
	assert_int_equal(
		ls_field_parse(field_of(section, name), text, policy, NULL), 0);
}

static inline struct ls_policy_writer *begin(void)
{
	struct ls_policy_writer *writer;
	struct ls_error error;

	if (ls_policy_writer_init(path, &writer, &error) < 0)
		fail_msg("%s", error.text);
	return writer;
}

static inline void commit(struct ls_policy_writer *writer)
{
	struct ls_error error;

	if (ls_policy_writer_commit(&writer, 1234567890123, &error) < 0)
		fail_msg("%s", error.text);
	assert_null(writer);
}

static inline struct ls_policy_file *open_policy(void)
{
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };

	if (ls_policy_file_open(bed_fd, path, &file, &error) < 0)
		fail_msg("%s", error.text);
	return file;
}

static inline void refuse(int code, const char *text)
{
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };
	char want[256];

	assert_int_equal(ls_policy_file_open(bed_fd, path, &file, &error),
			 code);
	assert_null(file);
	assert_int_equal(error.code, code);
	snprintf(want, sizeof(want), "%s: %s", path, text);
	assert_string_equal(error.text, want);
}

static inline void write_presets(void)
{
	struct ls_policy_writer *writer = begin();
	struct ls_policy policy;

	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	commit(writer);
}

/* The network that `text` names overrides ip failures. */
static inline void write_net(struct ls_policy_writer *writer, const char *text,
			     const char *failures)
{
	const struct ls_field *fields[] = { field_of("ip", "failures"), NULL };
	struct ls_policy policy;
	struct ls_prefix net;

	ls_policy_presets(&policy);
	set(&policy, "ip", "failures", failures);
	assert_int_not_equal(ls_prefix_parse(text, &net), LS_EARG);
	ls_policy_writer_net(writer, &net, &policy, fields);
}

static inline size_t read_file(uint8_t **bytes_r)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*bytes_r = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, *bytes_r, (size_t)st.st_size), st.st_size);
	close(fd);
	return (size_t)st.st_size;
}

static inline void write_file(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

#endif
