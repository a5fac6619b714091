/* policy.c - policy.cdb for the programs that read it; see policy.h */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "base/error.h"
#include "base/watch.h"
#include "policy/policy-file.h"
#include "policy/policy-record.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NET_KEY = 3 + 16 + 1, /* "net", address, bits */
	IPV4_BITS = 96,       /* of a prefix, before an IPv4's own */
};

bool ls_policy_file_find(const struct ls_policy_file *file, const void *key,
			 size_t len, const uint8_t **value_r,
			 uint32_t *value_len_r)
{
	struct cdb cdb = file->cdb; /* a search leaves its result there */

	if (cdb_find(&cdb, key, (unsigned)len) <= 0)
		return false;
	*value_len_r = cdb_datalen(&cdb);
	*value_r = cdb_getdata(&cdb);
	return *value_r != NULL;
}

static const char *last_component(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash == NULL ? name : slash + 1;
}

/* Map the file as it is: of a large one few pages are then read. */
static int map_file(struct ls_policy_file *file, int fd, const struct stat *st,
		    const char *name, struct ls_error *error_r)
{
	if (!S_ISREG(st->st_mode) || st->st_size < LS_CDB_TOC_SIZE ||
	    st->st_size > LS_POLICY_FILE_MAX)
		return ls_fail(error_r, LS_EFORMAT, "%s: not a compiled policy",
			       name);
	if (ls_cdb_map(&file->cdb, fd, name, (size_t)st->st_size, error_r) < 0)
		return LS_ESYS;
	file->watch = ls_watch_add((void *)(uintptr_t)file->cdb.cdb_mem,
				   file->cdb.cdb_fsize);
	return 0;
}

static int open_cdb(int dirfd, const char *name, bool peek,
		    struct ls_policy_file **file_r, struct ls_error *error_r)
{
	struct ls_policy_file *file;
	struct stat st;
	/* O_NONBLOCK: whatever stands there, do not wait for it. */
	int fd = openat(dirfd, last_component(name),
			O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int ret;

	*file_r = NULL;
	if (fd < 0 && errno == ENOENT)
		return ls_fail(error_r, LS_ENOENT, "%s: no such file", name);
	if (fd < 0)
		return ls_fail_sys(error_r, "open", name);
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		ret = ls_fail(error_r, LS_ESYS, "out of memory");
	else if (fstat(fd, &st) < 0)
		ret = ls_fail_sys(error_r, "stat", name);
	else if (peek)
		ret = map_file(file, fd, &st, name, error_r);
	else
		ret = ls_cdb_open(&file->cdb, fd, name, LS_POLICY_FILE_MAX,
				  error_r);
	close(fd);
	if (ret < 0) {
		free(file);
		return ret;
	}
	if (!peek)
		file->watch = -1;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->changed = st.st_ctim;
	ret = peek ? ls_policy_file_check_head(file, name, error_r)
		   : ls_policy_file_check(file, name, error_r);
	if (ret < 0)
		ls_policy_file_close(&file);
	*file_r = file;
	return ret;
}

int ls_policy_file_open(int dirfd, const char *name,
			struct ls_policy_file **file_r,
			struct ls_error *error_r)
{
	return open_cdb(dirfd, name, false, file_r, error_r);
}

int ls_policy_file_peek(int dirfd, const char *name,
			struct ls_policy_file **file_r,
			struct ls_error *error_r)
{
	return open_cdb(dirfd, name, true, file_r, error_r);
}

bool ls_policy_file_is_at(const struct ls_policy_file *file, int dirfd,
			  const char *name)
{
	struct stat st;

	return fstatat(dirfd, last_component(name), &st, 0) == 0 &&
	       st.st_dev == file->device && st.st_ino == file->inode &&
	       st.st_ctim.tv_sec == file->changed.tv_sec &&
	       st.st_ctim.tv_nsec == file->changed.tv_nsec;
}

void ls_policy_file_close(struct ls_policy_file **_file)
{
	struct ls_policy_file *file = *_file;

	*_file = NULL;
	if (file == NULL)
		return;
	ls_cdb_close(&file->cdb);
	ls_watch_remove(file->watch);
	free(file);
}

const struct ls_policy *ls_policy_file_policy(const struct ls_policy_file *file)
{
	return &file->policy;
}

uint64_t ls_policy_file_compiled_real_ms(const struct ls_policy_file *file)
{
	return file->compiled_real_ms;
}

/* Lay an override over the policy. */
static void lay_over(const struct ls_policy_file *file, const void *key,
		     size_t len, const struct ls_policy **policy,
		     struct ls_policy *own)
{
	const uint8_t *value;
	uint32_t value_len;

	if (!ls_policy_file_find(file, key, len, &value, &value_len))
		return;
	if (*policy != own) {
		*own = file->policy;
		*policy = own;
	}
	/* Checked when the file was opened, or of a file that was not: a field
	 * is laid over only if its value is one that it may have. */
	ls_record_get(value, value_len, ls_fields, own, NULL);
}

static void lay_over_net(const struct ls_policy_file *file,
			 const struct ls_addr *ip,
			 const struct ls_policy **policy, struct ls_policy *own)
{
	bool ipv4 = ls_addr_is_ipv4(ip);
	const struct ls_lengths *lengths = ipv4 ? &file->ipv4 : &file->ipv6;
	uint8_t key[NET_KEY] = { 'n', 'e', 't' };

	for (unsigned i = 0; i < lengths->count && *policy != own; i++) {
		unsigned bits = lengths->bits[i];
		struct ls_prefix net =
			ls_prefix_of(ip, ipv4 ? bits - IPV4_BITS : 0, bits);

		memcpy(key + 3, net.addr.octet, sizeof(net.addr.octet));
		key[sizeof(key) - 1] = net.bits;
		lay_over(file, key, sizeof(key), policy, own);
	}
}

static void lay_over_user(const struct ls_policy_file *file, const char *user,
			  size_t len, const struct ls_policy **policy,
			  struct ls_policy *own)
{
	char key[4 + LS_USER_MAX];

	memcpy(key, "user", 4);
	memcpy(key + 4, user, len);
	lay_over(file, key, 4 + len, policy, own);
}

static void lay_over_domain(const struct ls_policy_file *file,
			    const char *domain, size_t len,
			    const struct ls_policy **policy,
			    struct ls_policy *own)
{
	char key[6 + LS_USER_MAX];

	memcpy(key, "domain", 6);
	for (size_t i = 0; i < len; i++)
		key[6 + i] = domain[i] >= 'A' && domain[i] <= 'Z'
				     ? (char)(domain[i] - 'A' + 'a')
				     : domain[i];
	lay_over(file, key, 6 + len, policy, own);
}

const struct ls_policy *ls_policy_file_lookup(const struct ls_policy_file *file,
					      const char *user,
					      const struct ls_addr *ip,
					      struct ls_policy *own)
{
	const struct ls_policy *policy = &file->policy;
	size_t len;

	if (ip != NULL)
		lay_over_net(file, ip, &policy, own);
	if (user == NULL || (!file->users && !file->domains))
		return policy;
	len = strnlen(user, LS_USER_MAX + 1);
	if (len == 0 || len > LS_USER_MAX)
		return policy;
	if (file->domains) {
		const char *at = strrchr(user, '@');

		if (at != NULL && at[1] != '\0')
			lay_over_domain(file, at + 1, strlen(at + 1), &policy,
					own);
	}
	if (file->users)
		lay_over_user(file, user, len, &policy, own);
	return policy;
}

static void copy_webhook(const struct ls_webhook_fields *fields,
			 struct ls_webhook *webhook_r)
{
	memset(webhook_r, 0, sizeof(*webhook_r));
	memcpy(webhook_r->name, fields->name, sizeof(fields->name));
	memcpy(webhook_r->url, fields->url, sizeof(fields->url));
	memcpy(webhook_r->secret_file, fields->secret_file,
	       sizeof(fields->secret_file));
	memcpy(webhook_r->url_file, fields->url_file,
	       sizeof(fields->url_file));
	webhook_r->format = (uint32_t)fields->format;
	webhook_r->events = (uint32_t)fields->events;
	webhook_r->digest_ms = fields->digest_ms;
}

int ls_policy_file_webhook(const struct ls_policy_file *file, unsigned index,
			   struct ls_webhook *webhook_r)
{
	struct ls_webhook_fields fields = { .url = "" };
	uint8_t key[7 + 4] = "webhook";
	const uint8_t *value;
	uint32_t len;

	ls_put_le(key + 7, 4, index);
	if (index >= file->webhooks ||
	    !ls_policy_file_find(file, key, sizeof(key), &value, &len))
		return 0;
	if (ls_record_get(value, len, ls_webhook_table, &fields, NULL) < 0)
		return 0;
	copy_webhook(&fields, webhook_r);
	return 1;
}
