/* test_policy.c - policy.cdb: written whole or not at all, read back, looked up
 */
#include "lockstep-config.h"

#include "policy_bed.h"

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
	assert_ptr_equal(
		ls_policy_file_lookup(file, "joe@example.com", &ip, &own),
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
	set(&policy, "user", "failures", "3/1m, 0");
	ls_policy_writer_domain(writer, "az.example", &policy, fields);
	commit(writer);
	file = open_policy();
	check_user(file, "joe@example.com", 1);
	check_user(file, "joe@EXAMPLE.com", 2);
	check_user(file, "ann@example.com", 2);
	check_user(file, "a@b@example.com", 2);
	check_user(file, "ann@AZ.EXAMPLE", 3);
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

/* The third has its URL in a file and no secret; its format is one that is yet to
 * come. */
static void test_webhooks(void **state)
{
	struct ls_policy_writer *writer = begin();
	struct ls_webhook want[3], got;
	struct ls_policy_file *file;
	struct ls_policy policy;

	(void)state;
	memset(want, 0, sizeof(want));
	for (unsigned i = 0; i < 2; i++) {
		snprintf(want[i].name, sizeof(want[i].name), "hook %u", i);
		memset(want[i].url, 'u', sizeof(want[i].url) - 1);
		strcpy(want[i].secret_file, "/etc/lockstep/webhook.secret");
		want[i].format = LS_FORMAT_NTFY * i;
		want[i].events = 1U << (LS_EVENT_LOCK + i);
		want[i].digest_ms = 300000 * i;
	}
	strcpy(want[2].name, "chat");
	memset(want[2].url_file, '/', sizeof(want[2].url_file) - 1);
	want[2].format = LS_FORMAT_COUNT;
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	for (unsigned i = 0; i < 3; i++)
		ls_policy_writer_webhook(writer, &want[i]);
	commit(writer);
	file = open_policy();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ls_policy_file_webhook(file, i, &got), 1);
		assert_memory_equal(&got, &want[i], sizeof(got));
	}
	assert_int_equal(ls_policy_file_webhook(file, 3, &got), 0);
	ls_policy_file_close(&file);
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

/* Known again, and not taken for the one that replaced it, also where that got
 * the number of its inode. */
static void test_is_at(void **state)
{
	struct ls_policy_file *file;

	(void)state;
	write_presets();
	file = open_policy();
	assert_true(ls_policy_file_is_at(file, bed_fd, path));
	for (unsigned i = 0; i < 20; i++) {
		write_presets();
		assert_false(ls_policy_file_is_at(file, bed_fd, path));
		if (i % 2 == 0)
			unlink(path);
	}
	unlink(path);
	assert_false(ls_policy_file_is_at(file, bed_fd, path));
	ls_policy_file_close(&file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_no_overrides),
		TEST(test_nets),       TEST(test_users),
		TEST(test_layers),     TEST(test_webhooks),
		TEST(test_old_stays),  TEST(test_no_directory),
		TEST(test_is_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
