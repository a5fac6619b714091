/* test_policy_damage.c - policy.cdb is not trusted: whatever it holds, it is
 * refused with a reason, or what comes out of it is within bounds */
#include "lockstep-config.h"

#include "policy_bed.h"

#include <cdb.h>

static void test_not_a_policy(void **state)
{
	uint8_t bytes[8192];

	(void)state;
	refuse(LS_ENOENT, "no such file");
	write_file((const uint8_t *)"", 0);
	refuse(LS_EFORMAT, "not a compiled database (0 bytes)");
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
	refuse(LS_EFORMAT, "damaged: policy: mode: 2 is not within 0 and 1");
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

typedef int open_fn(int dirfd, const char *name, struct ls_policy_file **file_r,
		    struct ls_error *error_r);

/* Opens, or says why not: no wild access in either case. */
static bool try(open_fn *open_file)
{
	struct ls_policy_file *file;
	struct ls_policy own;
	struct ls_webhook webhook;
	struct ls_addr ip;
	struct ls_error error = { 0, "" };

	if (open_file(bed_fd, path, &file, &error) < 0) {
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

/* What is peeked into may open for all its damage. */
static bool try_all(void)
{
	bool peeked = try(ls_policy_file_peek), opened = try(ls_policy_file_open);

	assert_true(peeked || !opened);
	return opened;
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

/* A record that no slot leads to would be an override without effect: no
 * lookup could tell it from none. */
static void test_lost_slots(void **state)
{
	uint8_t *bytes, none[8] = { 0 }, slot[8];
	size_t len = write_rich(&bytes), lost = 0;

	(void)state;
	/* the first table begins where the table of contents says */
	for (size_t at = cdb_unpack(bytes); at < len; at += sizeof(slot)) {
		memcpy(slot, bytes + at, sizeof(slot));
		if (memcmp(slot, none, sizeof(slot)) == 0)
			continue;
		memset(bytes + at, 0, sizeof(slot));
		write_file(bytes, len);
		assert_false(try_all());
		memcpy(bytes + at, slot, sizeof(slot));
		lost++;
	}
	assert_int_equal(lost, 6); /* records */
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

/* By cp, rsync --inplace or a restore, under the eyes of the auth process:
 * what was opened is a copy. */
static void test_cut_in_use(void **state)
{
	struct ls_policy_file *file;
	struct ls_webhook webhook;
	struct ls_policy own;
	struct ls_addr ip;
	uint8_t *bytes;

	(void)state;
	write_rich(&bytes);
	free(bytes);
	file = open_policy();
	assert_int_equal(truncate(path, 0), 0);
	ls_addr_parse("192.0.2.1", &ip);
	assert_ptr_equal(ls_policy_file_lookup(file, "joe@example.com", &ip,
					       &own),
			 &own);
	assert_int_equal(own.ip.failures[LS_FAST].units, 1);
	assert_int_equal(ls_policy_file_webhook(file, 0, &webhook), 1);
	ls_policy_file_close(&file);
}

/* By a mail process, which reads of it what it asks for. */
static void test_peek(void **state)
{
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };
	struct ls_policy own, all;
	struct ls_addr ip, other;
	uint8_t *bytes;

	(void)state;
	write_rich(&bytes);
	free(bytes);
	file = open_policy();
	all = *ls_policy_file_policy(file);
	ls_policy_file_close(&file);
	assert_int_equal(ls_policy_file_peek(bed_fd, path, &file, &error), 0);
	assert_int_equal(ls_policy_file_compiled_real_ms(file), 1234567890123);
	assert_memory_equal(ls_policy_file_policy(file), &all, sizeof(all));
	ls_addr_parse("192.0.2.1", &ip);
	ls_addr_parse("2001:db8::1", &other);
	assert_ptr_equal(ls_policy_file_lookup(file, "ann@elsewhere", &ip,
					       &own),
			 &own);
	assert_int_equal(own.ip.failures[LS_FAST].units, 1);
	assert_ptr_equal(ls_policy_file_lookup(file, "joe@example.com", &other,
					       &own),
			 &own);
	assert_ptr_equal(ls_policy_file_lookup(file, "ann@elsewhere", &other,
					       &own),
			 ls_policy_file_policy(file));
	/* Cut under its eyes, it has no overrides, and the policy is read. */
	assert_int_equal(truncate(path, 0), 0);
	assert_ptr_equal(ls_policy_file_lookup(file, "joe@example.com", &ip,
					       &own),
			 ls_policy_file_policy(file));
	assert_memory_equal(ls_policy_file_policy(file), &all, sizeof(all));
	ls_policy_file_close(&file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_not_a_policy),          TEST(test_damaged_records),
		TEST(test_other_versions_fields), TEST(test_cut_anywhere),
		TEST(test_lost_slots),
		TEST(test_flipped_anywhere),      TEST(test_cut_in_use),
		TEST(test_peek),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
