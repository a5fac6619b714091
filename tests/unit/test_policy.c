/* test_policy.c - policy.cdb: written whole or not at all, read with suspicion */
#include "lockstep-config.h"

#include "policy.h"

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

#include <cdb.h>
#include <cmocka.h>

static char dir[64];
static char path[128];
static int dirfd_;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/lockstep-policy.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/policy.cdb", dir);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

/* Fails when the test leaves more than its policy behind: a temporary file. */
static int remove_dir(void **state)
{
	(void)state;
	close(dirfd_);
	unlink(path);
	return rmdir(dir);
}

static const struct ls_field *field_of(const char *section, const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) == 0 &&
		    (section == NULL ? field->section == NULL
				     : field->section != NULL &&
					       strcmp(field->section,
						      section) == 0))
			return field;
	}
	fail_msg("no field %s", name);
	return NULL;
}

static void set(struct ls_policy *policy, const char *section, const char *name,
		const char *text)
{
	assert_int_equal(ls_field_parse(field_of(section, name), text, policy,
					NULL),
			 0);
}

static struct ls_policy_writer *begin(void)
{
	struct ls_policy_writer *writer;
	struct ls_error error;

	if (ls_policy_writer_init(path, &writer, &error) < 0)
		fail_msg("%s", error.text);
	return writer;
}

static void commit(struct ls_policy_writer *writer)
{
	struct ls_error error;

	if (ls_policy_writer_commit(&writer, 1234567890123, &error) < 0)
		fail_msg("%s", error.text);
	assert_null(writer);
}

static struct ls_policy_file *open_policy(void)
{
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };

	if (ls_policy_file_open(dirfd_, path, &file, &error) < 0)
		fail_msg("%s", error.text);
	return file;
}

static void refuse(int code, const char *text)
{
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };
	char want[256];

	assert_int_equal(ls_policy_file_open(dirfd_, path, &file, &error),
			 code);
	assert_null(file);
	assert_int_equal(error.code, code);
	snprintf(want, sizeof(want), "%s: %s", path, text);
	assert_string_equal(error.text, want);
}

static void write_presets(void)
{
	struct ls_policy_writer *writer = begin();
	struct ls_policy policy;

	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	commit(writer);
}

/* The network that `text` names overrides ip failures. */
static void write_net(struct ls_policy_writer *writer, const char *text,
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

static void test_round_trip(void **state)
{
	struct ls_policy_writer *writer = begin();
	struct ls_policy policy;
	struct ls_policy_file *file;
	struct stat st;

	(void)state;
	ls_policy_presets(&policy);
	set(&policy, NULL, "mode", "observe");
	set(&policy, NULL, "state-dir", "/run/elsewhere");
	set(&policy, NULL, "group", "");
	set(&policy, "ip", "failures", "3/1m, 0");
	set(&policy, "sending", "on-freeze", "reject");
	ls_policy_writer_policy(writer, &policy);
	commit(writer);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	file = open_policy();
	assert_memory_equal(ls_policy_file_policy(file), &policy,
			    sizeof(policy));
	assert_int_equal(ls_policy_file_compiled_real_ms(file), 1234567890123);
	ls_policy_file_close(&file);
	assert_null(file);
}

static void test_no_overrides(void **state)
{
	struct ls_policy_file *file;
	struct ls_policy own;
	struct ls_webhook webhook;
	struct ls_addr ip;

	(void)state;
	write_presets();
	file = open_policy();
	ls_addr_parse("192.0.2.1", &ip);
	assert_ptr_equal(ls_policy_file_lookup(file, "joe@example.com", &ip,
					       &own),
			 ls_policy_file_policy(file));
	assert_ptr_equal(ls_policy_file_lookup(file, NULL, NULL, &own),
			 ls_policy_file_policy(file));
	assert_int_equal(ls_policy_file_webhook(file, 0, &webhook), 0);
	ls_policy_file_close(&file);
}

static void check_failures(const struct ls_policy_file *file, const char *ip,
			   uint64_t want)
{
	struct ls_policy own;
	struct ls_addr addr;

	assert_int_equal(ls_addr_parse(ip, &addr), 0);
	assert_int_equal(ls_policy_file_lookup(file, NULL, &addr, &own)
				 ->ip.failures[LS_FAST]
				 .units,
			 want);
}

static void test_nets(void **state)
{
	struct ls_policy_writer *writer = begin();
	struct ls_policy_file *file;
	struct ls_policy policy;

	(void)state;
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	write_net(writer, "192.0.0.0/8", "1/1m, 0");
	write_net(writer, "192.0.2.0/24", "2/1m, 0");
	write_net(writer, "192.0.2.128/25", "3/1m, 0");
	write_net(writer, "192.0.2.200", "4/1m, 0");
	write_net(writer, "::/0", "5/1m, 0");
	write_net(writer, "2001:db8::/32", "6/1m, 0");
	write_net(writer, "2001:db8::1/128", "7/1m, 0");
	/* Bits beyond the length do not make it unfindable. */
	write_net(writer, "203.0.113.77/24", "8/1m, 0");
	write_net(writer, "2001:db8:1:ffff::/47", "9/1m, 0");
	commit(writer);
	file = open_policy();
	check_failures(file, "10.0.0.1", 10);
	check_failures(file, "192.1.2.3", 1);
	check_failures(file, "192.0.2.127", 2);
	check_failures(file, "192.0.2.128", 3);
	check_failures(file, "192.0.2.200", 4);
	check_failures(file, "::ffff:192.0.2.200", 4);
	check_failures(file, "::1", 5);
	check_failures(file, "2001:db8:7::1", 6);
	check_failures(file, "2001:db8::1", 7);
	check_failures(file, "203.0.113.1", 8);
	check_failures(file, "2001:db8:0:1::", 9);
	check_failures(file, "2001:db8:2::", 6);
	ls_policy_file_close(&file);
}

static void check_user(const struct ls_policy_file *file, const char *user,
		       uint64_t want)
{
	struct ls_policy own;

	assert_int_equal(ls_policy_file_lookup(file, user, NULL, &own)
				 ->user.failures[LS_FAST]
				 .units,
			 want);
}

static void test_users(void **state)
{
	const struct ls_field *fields[] = { field_of("user", "failures"),
					    NULL };
	struct ls_policy_writer *writer = begin();
	struct ls_policy_file *file;
	struct ls_policy policy;
	char longest[LS_USER_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[LS_USER_MAX + 1] = '\0';
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	set(&policy, "user", "failures", "1/1m, 0");
	ls_policy_writer_user(writer, "joe@example.com", &policy, fields);
	ls_policy_writer_user(writer, longest + 1, &policy, fields);
	set(&policy, "user", "failures", "2/1m, 0");
	ls_policy_writer_domain(writer, "Example.COM", &policy, fields);
	commit(writer);
	file = open_policy();
	check_user(file, "joe@example.com", 1);
	check_user(file, "joe@EXAMPLE.com", 2);
	check_user(file, "ann@example.com", 2);
	check_user(file, "a@b@example.com", 2);
	check_user(file, "example.com@other.org", 20);
	check_user(file, "example.com", 20);
	check_user(file, "@", 20);
	check_user(file, "joe@", 20);
	check_user(file, "", 20);
	check_user(file, longest + 1, 1);
	check_user(file, longest, 20);
	ls_policy_file_close(&file);
}

/* Network, then domain, then account, each on top of the others. */
static void test_layers(void **state)
{
	const struct ls_field *failures[] = { field_of("user", "failures"),
					      field_of("place", "failures"),
					      NULL };
	const struct ls_field *lock[] = { field_of("user", "lock"), NULL };
	struct ls_policy_writer *writer = begin();
	struct ls_policy_file *file;
	struct ls_policy policy, own;
	const struct ls_policy *got;
	struct ls_addr ip;

	(void)state;
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	set(&policy, "user", "failures", "1/1m, 0");
	set(&policy, "user", "lock", "1m..1m");
	set(&policy, "place", "failures", "2/1m, 0");
	ls_policy_writer_domain(writer, "example.com", &policy, failures);
	ls_policy_writer_user(writer, "joe@example.com", &policy, lock);
	write_net(writer, "192.0.2.0/24", "3/1m, 0");
	commit(writer);
	file = open_policy();
	ls_addr_parse("192.0.2.9", &ip);
	got = ls_policy_file_lookup(file, "joe@example.com", &ip, &own);
	assert_ptr_equal(got, &own);
	assert_int_equal(got->user.failures[LS_FAST].units, 1);
	assert_int_equal(got->place.failures[LS_FAST].units, 2);
	assert_int_equal(got->ip.failures[LS_FAST].units, 3);
	assert_int_equal(got->user.lock.max_ms, 60000);
	assert_int_equal(got->net.lock.max_ms, 43200000); /* untouched */
	ls_policy_file_close(&file);
}

static void test_webhooks(void **state)
{
	struct ls_policy_writer *writer = begin();
	struct ls_webhook want[2], got;
	struct ls_policy_file *file;
	struct ls_policy policy;

	(void)state;
	memset(want, 0, sizeof(want));
	for (unsigned i = 0; i < 2; i++) {
		snprintf(want[i].name, sizeof(want[i].name), "hook %u", i);
		memset(want[i].url, 'u', sizeof(want[i].url) - 1);
		strcpy(want[i].secret_file, "/etc/lockstep/webhook.secret");
		want[i].events = 1U << (LS_EVENT_LOCK + i);
		want[i].digest_ms = 300000 * i;
	}
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	ls_policy_writer_webhook(writer, &want[0]);
	ls_policy_writer_webhook(writer, &want[1]);
	commit(writer);
	file = open_policy();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ls_policy_file_webhook(file, i, &got), 1);
		assert_memory_equal(&got, &want[i], sizeof(got));
	}
	assert_int_equal(ls_policy_file_webhook(file, 2, &got), 0);
	ls_policy_file_close(&file);
}

static size_t read_file(uint8_t **bytes_r)
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

static void write_file(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* Whatever goes wrong, the old file stays, byte for byte, and nothing else. */
static void test_old_stays(void **state)
{
	struct ls_policy_writer *writer;
	struct ls_policy policy;
	struct ls_error error;
	uint8_t *before, *after;
	char name[LS_USER_MAX + 2];
	size_t len;

	(void)state;
	write_presets();
	len = read_file(&before);
	ls_policy_presets(&policy);

	writer = begin();
	ls_policy_writer_policy(writer, &policy);
	ls_policy_writer_abort(&writer);
	assert_null(writer);
	ls_policy_writer_abort(&writer);

	writer = begin();
	ls_policy_writer_policy(writer, &policy);
	ls_policy_writer_user(writer, "joe", &policy, NULL);
	ls_policy_writer_user(writer, "joe", &policy, NULL);
	assert_int_equal(ls_policy_writer_commit(&writer, 1, &error), LS_EARG);
	assert_non_null(strstr(error.text, "a record given twice"));
	assert_null(writer);

	memset(name, 'n', sizeof(name) - 1);
	name[LS_USER_MAX + 1] = '\0';
	writer = begin();
	ls_policy_writer_user(writer, name, &policy, NULL);
	ls_policy_writer_domain(writer, "", &policy, NULL);
	assert_int_equal(ls_policy_writer_commit(&writer, 1, &error), LS_EARG);
	assert_non_null(strstr(error.text, "user \"nnnn"));

	assert_int_equal(read_file(&after), len);
	assert_memory_equal(before, after, len);
	free(before);
	free(after);
}

static void test_no_directory(void **state)
{
	struct ls_policy_writer *writer;
	struct ls_error error;

	(void)state;
	assert_int_equal(ls_policy_writer_init("/nonexistent/dir/policy.cdb",
					       &writer, &error),
			 LS_ESYS);
	assert_null(writer);
	assert_non_null(strstr(error.text, "/nonexistent/dir/policy.cdb"));
}

static void test_not_a_policy(void **state)
{
	uint8_t bytes[8192];

	(void)state;
	refuse(LS_ENOENT, "no such file");
	write_file((const uint8_t *)"", 0);
	refuse(LS_EFORMAT, "not a compiled policy (0 bytes)");
	memset(bytes, 'g', sizeof(bytes));
	write_file(bytes, sizeof(bytes));
	refuse(LS_EFORMAT, "not a compiled policy");
	memset(bytes, 0, sizeof(bytes));
	write_file(bytes, sizeof(bytes));
	refuse(LS_EFORMAT, "not a compiled policy");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(LS_EFORMAT, "not a file"); /* and does not wait for a writer */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refuse(LS_EFORMAT, "not a file");
	rmdir(path);
}

/* A cdb with one record besides a good policy. */
static void write_record(const char *key, size_t key_len, const void *value,
			 size_t len, uint8_t version)
{
	struct cdb_make make;
	uint8_t head[12] = { version };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(cdb_make_start(&make, fd), 0);
	cdb_make_add(&make, "lockstep", 8, head, sizeof(head));
	cdb_make_add(&make, key, (unsigned)key_len, value, (unsigned)len);
	assert_int_equal(cdb_make_finish(&make), 0);
	close(fd);
}

#define RECORD(key, value)                                                     \
	write_record(key, sizeof(key) - 1, value, sizeof(value) - 1,           \
		     LS_POLICY_VERSION)

static void test_damaged_records(void **state)
{
	char big[300] = { 0 };

	(void)state;
	write_record("policy", 6, "", 0, LS_POLICY_VERSION + 1);
	refuse(LS_EVERSION, "compiled for version 2 of the format, not 1");
	RECORD("user", "");
	refuse(LS_EFORMAT, "damaged: no policy");
	RECORD("policy", "\1\0\10");
	refuse(LS_EFORMAT, "damaged: policy: a field is cut");
	RECORD("policy", "\1\0\10\0\1\0\0\0\0\0\0");
	refuse(LS_EFORMAT, "damaged: policy: a field is cut");
	RECORD("policy", "\1\0\7\0\1\0\0\0\0\0\0");
	refuse(LS_EFORMAT, "damaged: policy: mode: 7 bytes, not 8");
	RECORD("policy", "\1\0\10\0\2\0\0\0\0\0\0\0");
	refuse(LS_EFORMAT,
	       "damaged: policy: mode: 2 is not within 0 and 1");
	RECORD("userjoe", "\2\0\3\0a/b");
	refuse(LS_EFORMAT, "damaged: an account: state-dir: "
			   "\"a/b\" does not begin with /");
	RECORD("domainx", "\2\0\3\0/\0b");
	refuse(LS_EFORMAT,
	       "damaged: a domain: state-dir: has a control character");
	RECORD("net\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x81", "");
	refuse(LS_EFORMAT, "damaged: a network");
	RECORD("webhook\0\0\0\0", "\3\0\1\0x");
	refuse(LS_EFORMAT, "damaged: webhook: secret-file: "
			   "\"x\" does not begin with /");
	memcpy(big, "user", 4);
	write_record(big, 4 + LS_USER_MAX + 3, "", 0, LS_POLICY_VERSION);
	refuse(LS_EFORMAT, "damaged: a record is cut");
}

/* What a newer compiler may add is skipped, and what an older one lacked has
 * its default. */
static void test_other_versions_fields(void **state)
{
	struct ls_policy_file *file;
	struct ls_policy presets;

	(void)state;
	RECORD("policy", "\377\377\5\0xxxxx\1\0\10\0\1\0\0\0\0\0\0\0");
	file = open_policy();
	ls_policy_presets(&presets);
	presets.mode = LS_MODE_OBSERVE;
	assert_memory_equal(ls_policy_file_policy(file), &presets,
			    sizeof(presets));
	ls_policy_file_close(&file);
}

/* A policy with every kind of record. */
static size_t write_rich(uint8_t **bytes_r)
{
	const struct ls_field *fields[] = { field_of("user", "failures"),
					    NULL };
	struct ls_webhook webhook = { .name = "ops",
				      .url = "https://hooks.example.com/",
				      .secret_file = "/etc/secret" };
	struct ls_policy_writer *writer = begin();
	struct ls_policy policy;

	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	ls_policy_writer_user(writer, "joe@example.com", &policy, fields);
	ls_policy_writer_domain(writer, "example.com", &policy, fields);
	write_net(writer, "192.0.2.0/24", "1/1m, 0");
	ls_policy_writer_webhook(writer, &webhook);
	commit(writer);
	return read_file(bytes_r);
}

/* Opens, or says why not: no wild access in either case. */
static bool try_all(void)
{
	struct ls_policy_file *file;
	struct ls_policy own;
	struct ls_webhook webhook;
	struct ls_addr ip;
	struct ls_error error = { 0, "" };

	if (ls_policy_file_open(dirfd_, path, &file, &error) < 0) {
		assert_null(file);
		assert_true(error.text[0] != '\0');
		return false;
	}
	ls_addr_parse("192.0.2.1", &ip);
	ls_policy_file_lookup(file, "joe@example.com", &ip, &own);
	ls_policy_file_webhook(file, 0, &webhook);
	ls_policy_file_close(&file);
	return true;
}

static void test_cut_anywhere(void **state)
{
	uint8_t *bytes;
	size_t len = write_rich(&bytes);

	(void)state;
	assert_true(try_all());
	for (size_t cut = 0; cut < len; cut++) {
		write_file(bytes, cut);
		assert_false(try_all());
	}
	free(bytes);
}

static void test_flipped_anywhere(void **state)
{
	uint8_t *bytes;
	size_t len = write_rich(&bytes);
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };

	(void)state;
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < sizeof(flips); j++) {
			bytes[i] ^= flips[j];
			write_file(bytes, len);
			try_all();
			bytes[i] ^= flips[j];
		}
	}
	free(bytes);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_no_overrides),
		TEST(test_nets),
		TEST(test_users),
		TEST(test_layers),
		TEST(test_webhooks),
		TEST(test_old_stays),
		TEST(test_no_directory),
		TEST(test_not_a_policy),
		TEST(test_damaged_records),
		TEST(test_other_versions_fields),
		TEST(test_cut_anywhere),
		TEST(test_flipped_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
