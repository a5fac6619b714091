/* fuzz_policy.c - any bytes at all as a policy.cdb
 *
 * The input is read twice: as the file itself, and, because few random files
 * have hash tables that fit, as records (u16 length of key, u16 length of
 * value, both) of a well-formed file. Where the reader takes the file, every
 * value that comes out of it must be one that an administrator could have
 * written. Seeds: tests/fuzz/seeds/policy. */
#include "lockstep-config.h"

#include "policy/policy.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cdb.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_policy: %s\n", what);
	abort();
}

/* Each field, written out and read again, is itself. */
static void check_policy(const struct ls_policy *policy)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		struct ls_policy again = *policy;
		char text[LS_FIELD_TEXT_SIZE];

		ls_field_format(field, policy, text);
		check(ls_field_parse(field, text, &again, NULL) == 0,
		      "a value that cannot be written");
		check(memcmp((const char *)&again + field->offset,
			     (const char *)policy + field->offset,
			     field->size) == 0,
		      "a value that is another when written");
	}
}

static void check_lookups(const struct ls_policy_file *file)
{
	static const char *const users[] = {
		NULL, "", "a", "joe@example.com", "ann@EXAMPLE.com", "@"
	};
	static const char *const ips[] = { "192.0.2.1", "127.0.0.1", "::1",
					   "2001:db8::1", "::" };

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		for (size_t j = 0; j < sizeof(ips) / sizeof(ips[0]); j++) {
			struct ls_policy own;
			struct ls_addr ip;

			check(ls_addr_parse(ips[j], &ip) == 0, "no address");
			check_policy(ls_policy_file_lookup(file, users[i], &ip,
							   &own));
		}
	}
}

#define ENDS(array) (strnlen(array, sizeof(array)) < sizeof(array))

static void check_webhooks(const struct ls_policy_file *file)
{
	struct ls_webhook webhook;
	unsigned count = 0;

	while (ls_policy_file_webhook(file, count, &webhook) == 1) {
		check(ENDS(webhook.name) && ENDS(webhook.url) &&
			      ENDS(webhook.secret_file),
		      "a webhook has no end");
		check(++count < 1000, "webhooks have no end");
	}
}

typedef int open_fn(int dirfd, const char *name, struct ls_policy_file **file_r,
		    struct ls_error *error_r);

/* Open the file that fd has, by its name under /proc. */
static void read_policy(int fd, open_fn *open_file)
{
	static int fds = -1;
	struct ls_policy_file *file;
	struct ls_error error = { 0, "" };
	char name[16];

	if (fds < 0)
		fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fds >= 0, "no /proc");
	snprintf(name, sizeof(name), "%d", fd);
	if (open_file(fds, name, &file, &error) < 0) {
		check(file == NULL, "failed, with a file");
		check(error.code < 0 && error.text[0] != '\0',
		      "failed, without a reason");
		return;
	}
	check_policy(ls_policy_file_policy(file));
	check_lookups(file);
	check_webhooks(file);
	ls_policy_file_close(&file);
}

static void put_records(struct cdb_make *make, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		size_t key = data[0] | (size_t)data[1] << 8;
		size_t value = data[2] | (size_t)data[3] << 8;

		data += 4;
		size -= 4;
		if (key > size)
			key = size;
		if (value > size - key)
			value = size - key;
		cdb_make_add(make, data, (unsigned)key, data + key,
			     (unsigned)value);
		data += key + value;
		size -= key + value;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[12] = { LS_POLICY_VERSION };
	struct cdb_make make;
	int fd = memfd_create("policy", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no memory");
	read_policy(fd, ls_policy_file_open);
	read_policy(fd, ls_policy_file_peek);
	check(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
		      cdb_make_start(&make, fd) == 0,
	      "no memory");
	cdb_make_add(&make, "lockstep", 8, head, sizeof(head));
	put_records(&make, data, size);
	check(cdb_make_finish(&make) == 0, "no memory");
	read_policy(fd, ls_policy_file_open);
	read_policy(fd, ls_policy_file_peek);
	close(fd);
	return 0;
}
