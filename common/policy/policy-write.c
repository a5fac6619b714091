/* policy-write.c - making policy.cdb, whole or not at all
 *
 * The file is made under another name beside the old one, put on the disk, and
 * renamed over it: whoever opens the policy, at any time and after any crash,
 * finds the old one or the new one. */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "base/error.h"
#include "policy/policy-file.h"
#include "policy/policy-record.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ls_policy_writer {
	struct cdb_make make;
	int fd;
	unsigned webhooks;
	struct ls_error error; /* the first; code 0: none yet */
	char path[PATH_MAX];
	char temp[PATH_MAX];
};

int ls_policy_writer_init(const char *path, struct ls_policy_writer **writer_r,
			  struct ls_error *error_r)
{
	struct ls_policy_writer *writer;
	struct stat st;
	int ret;

	*writer_r = NULL;
	/* It would be replaced: a device, for all of the host. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return ls_fail(error_r, LS_EARG, "%s: not a regular file",
			       path);
	if (strlen(path) + sizeof(".XXXXXX") > PATH_MAX)
		return ls_fail(error_r, LS_EARG,
			       "the path of the policy is "
			       "too long");
	writer = calloc(1, sizeof(*writer));
	if (writer == NULL)
		return ls_fail_sys(error_r, "write", path);
	strcpy(writer->path, path);
	snprintf(writer->temp, sizeof(writer->temp), "%s.XXXXXX", path);
	/* 0600 until it is whole */
	writer->fd = mkostemp(writer->temp, O_CLOEXEC);
	if (writer->fd < 0) {
		ret = errno == EACCES
			      ? ls_fail(error_r, LS_EACCES,
					"%s: permission denied: only the owner "
					"of its directory, root, puts a policy "
					"in force",
					path)
			      : ls_fail_sys(error_r, "create", writer->temp);
		free(writer);
		return ret;
	}
	if (cdb_make_start(&writer->make, writer->fd) < 0)
		ls_fail_sys(&writer->error, "write", writer->temp);
	*writer_r = writer;
	return 0;
}

static void put_record(struct ls_policy_writer *writer, const void *key,
		       size_t key_len, const uint8_t *value, size_t len)
{
	int ret;

	if (writer->error.code < 0)
		return;
	/* Readers take the first of two records with one key; so none may be
	 * there twice. */
	ret = cdb_make_put(&writer->make, key, (unsigned)key_len, value,
			   (unsigned)len, CDB_PUT_INSERT);
	if (ret < 0)
		ls_fail_sys(&writer->error, "write", writer->temp);
	else if (ret > 0)
		ls_fail(&writer->error, LS_EARG, "%s: a record given twice",
			writer->path);
}

static size_t put_policy_fields(uint8_t record[LS_RECORD_SIZE],
				const struct ls_policy *policy,
				const struct ls_field *const *fields)
{
	size_t len = 0;

	if (fields != NULL) {
		for (; *fields != NULL; fields++)
			len = ls_record_put(record, len, *fields, policy);
		return len;
	}
	for (const struct ls_field *field = ls_fields; field->name; field++)
		len = ls_record_put(record, len, field, policy);
	return len;
}

void ls_policy_writer_policy(struct ls_policy_writer *writer,
			     const struct ls_policy *policy)
{
	uint8_t record[LS_RECORD_SIZE];

	put_record(writer, "policy", 6, record,
		   put_policy_fields(record, policy, NULL));
}

static void put_named(struct ls_policy_writer *writer, const char *kind,
		      const char *name, const struct ls_policy *policy,
		      const struct ls_field *const *fields)
{
	uint8_t record[LS_RECORD_SIZE];
	char key[LS_POLICY_KEY_MAX + 1];
	int len = snprintf(key, sizeof(key), "%s%s", kind, name);

	if (strlen(name) > LS_USER_MAX || name[0] == '\0') {
		if (writer->error.code == 0)
			ls_fail(&writer->error, LS_EARG,
				"%s \"%.80s\": empty, or longer than %d", kind,
				name, LS_USER_MAX);
		return;
	}
	put_record(writer, key, (size_t)len, record,
		   put_policy_fields(record, policy, fields));
}

void ls_policy_writer_user(struct ls_policy_writer *writer, const char *name,
			   const struct ls_policy *policy,
			   const struct ls_field *const *fields)
{
	put_named(writer, "user", name, policy, fields);
}

void ls_policy_writer_domain(struct ls_policy_writer *writer, const char *name,
			     const struct ls_policy *policy,
			     const struct ls_field *const *fields)
{
	char lower[LS_USER_MAX + 2];
	size_t i;

	/* One longer than allowed stays so. */
	for (i = 0; i < sizeof(lower) - 1 && name[i] != '\0'; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z'
				   ? (char)(name[i] - 'A' + 'a')
				   : name[i];
	lower[i] = '\0';
	put_named(writer, "domain", lower, policy, fields);
}

void ls_policy_writer_net(struct ls_policy_writer *writer,
			  const struct ls_prefix *net,
			  const struct ls_policy *policy,
			  const struct ls_field *const *fields)
{
	uint8_t record[LS_RECORD_SIZE];
	uint8_t key[3 + sizeof(net->addr.octet) + 1] = { 'n', 'e', 't' };
	/* Only an address of which nothing is beyond the length is found. */
	struct ls_prefix prefix = *net;

	if (prefix.bits < 128) {
		unsigned whole = prefix.bits / 8;

		prefix.addr.octet[whole] &=
			(uint8_t)(0xff00U >> (prefix.bits % 8));
		memset(prefix.addr.octet + whole + 1, 0,
		       sizeof(prefix.addr.octet) - whole - 1);
	}
	memcpy(key + 3, prefix.addr.octet, sizeof(prefix.addr.octet));
	key[sizeof(key) - 1] = prefix.bits;
	put_record(writer, key, sizeof(key), record,
		   put_policy_fields(record, policy, fields));
}

/* Text that is not there is not written: to programs that know no webhook
 * without a secret, an empty path would be damage, and one that is missing only
 * turns the webhook off. So the version of the format stays as it is. */
static bool is_field_default(const struct ls_field *field,
			     const struct ls_webhook_fields *fields)
{
	return ls_field_is_text(field) &&
	       *((const char *)fields + field->offset) == '\0';
}

void ls_policy_writer_webhook(struct ls_policy_writer *writer,
			      const struct ls_webhook *webhook)
{
	struct ls_webhook_fields fields = { .events = webhook->events,
					    .digest_ms = webhook->digest_ms,
					    .format = webhook->format };
	uint8_t record[LS_RECORD_SIZE];
	uint8_t key[7 + 4] = "webhook";
	size_t len = 0;

	memcpy(fields.name, webhook->name, sizeof(fields.name));
	memcpy(fields.url, webhook->url, sizeof(fields.url));
	memcpy(fields.secret_file, webhook->secret_file,
	       sizeof(fields.secret_file));
	memcpy(fields.url_file, webhook->url_file, sizeof(fields.url_file));
	ls_put_le(key + 7, 4, writer->webhooks++);
	for (const struct ls_field *field = ls_webhook_table; field->name;
	     field++) {
		if (!is_field_default(field, &fields))
			len = ls_record_put(record, len, field, &fields);
	}
	put_record(writer, key, sizeof(key), record, len);
}

static int copy_record(void *context, const struct ls_cdb_record *record,
		       struct ls_error *error_r)
{
	struct ls_policy_writer *writer = context;
	bool own = (record->key_len == 6 &&
		    memcmp(record->key, "policy", 6) == 0) ||
		   (record->key_len == 8 &&
		    memcmp(record->key, "lockstep", 8) == 0);

	(void)error_r; /* the writer's sticks */
	if (!own)
		put_record(writer, record->key, record->key_len, record->value,
			   record->value_len);
	return 0;
}

void ls_policy_writer_rest(struct ls_policy_writer *writer,
			   const struct ls_policy_file *file)
{
	struct ls_error error;

	if (ls_cdb_walk(&file->cdb, writer->path, LS_POLICY_KEY_MAX,
			copy_record, writer, NULL, &error) < 0 &&
	    writer->error.code == 0)
		writer->error = error;
}

/* Rename, and put the new name on the disk. Where that last step fails the new
 * file is in place, and may be gone after a crash: that is an error too. */
static int rename_over(struct ls_policy_writer *writer,
		       struct ls_error *error_r)
{
	char copy[PATH_MAX];
	int fd, ret = 0;

	strcpy(copy, writer->path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ls_fail_sys(error_r, "open the directory of",
				   writer->path);
	if (rename(writer->temp, writer->path) < 0) {
		ret = ls_fail_sys(error_r, "rename to", writer->path);
	} else {
		writer->temp[0] = '\0';
		if (fsync(fd) < 0)
			ret = ls_fail_sys(
				error_r, "in place, but fsync the directory of",
				writer->path);
	}
	close(fd);
	return ret;
}

/* The file is complete: put it in place. */
static int publish(struct ls_policy_writer *writer, struct ls_error *error_r)
{
	struct stat st;

	if (fstat(writer->fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", writer->temp);
	if (st.st_size > LS_POLICY_FILE_MAX)
		return ls_fail(error_r, LS_EFULL,
			       "%s: %lld bytes of overrides; %d are read",
			       writer->path, (long long)st.st_size,
			       LS_POLICY_FILE_MAX);
	if (fchmod(writer->fd, 0644) < 0)
		return ls_fail_sys(error_r, "chmod", writer->temp);
	if (fsync(writer->fd) < 0)
		return ls_fail_sys(error_r, "fsync", writer->temp);
	return rename_over(writer, error_r);
}

static void writer_free(struct ls_policy_writer **_writer)
{
	struct ls_policy_writer *writer = *_writer;

	*_writer = NULL;
	close(writer->fd);
	if (writer->temp[0] != '\0')
		unlink(writer->temp);
	free(writer);
}

int ls_policy_writer_commit(struct ls_policy_writer **_writer, uint64_t real_ms,
			    struct ls_error *error_r)
{
	struct ls_policy_writer *writer = *_writer;
	uint8_t head[4 + 8];
	int ret;

	ls_put_le(head, 4, LS_POLICY_VERSION);
	ls_put_le(head + 4, 8, real_ms);
	put_record(writer, "lockstep", 8, head, sizeof(head));
	/* Frees its memory even when it fails. */
	if (cdb_make_finish(&writer->make) < 0 && writer->error.code == 0)
		ls_fail_sys(&writer->error, "write", writer->temp);
	ret = writer->error.code;
	if (ret < 0)
		ls_fail(error_r, ret, "%s", writer->error.text);
	else
		ret = publish(writer, error_r);
	writer_free(_writer);
	return ret;
}

void ls_policy_writer_abort(struct ls_policy_writer **_writer)
{
	struct ls_policy_writer *writer = *_writer;

	if (writer == NULL)
		return;
	cdb_make_finish(&writer->make); /* the only call that frees it */
	writer_free(_writer);
}
