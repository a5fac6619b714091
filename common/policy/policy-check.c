/* policy-check.c - looking at all of a policy.cdb before any of it is used
 *
 * The file is not trusted. The work is linear in its size, also where it is
 * hostile. */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "base/error.h"
#include "policy/policy-file.h"
#include "policy/policy-record.h"

#include <cdb.h>
#include <inttypes.h>
#include <string.h>

enum {
	TABLES = 256, /* in a cdb, each with u32 place and u32 slots in the TOC
		       */
	NET_KEY = 3 + 16 + 1, /* "net", address, bits */
	IPV4_BITS = 96,       /* of a prefix, before an IPv4's own */
};

/* What the walk over a file has seen. */
struct walk {
	struct ls_policy_file *file;
	const char *name;
	unsigned records, webhooks;
	bool ipv4[129], ipv6[129]; /* lengths of networks */
};

static const uint8_t *file_bytes(const struct ls_policy_file *file,
				 uint32_t pos, uint32_t len)
{
	return cdb_get(&file->cdb, len, pos);
}

static bool key_is(const uint8_t *key, uint32_t len, const char *word)
{
	return len == strlen(word) && memcmp(key, word, len) == 0;
}

static bool key_begins(const uint8_t *key, uint32_t len, const char *word)
{
	return len > strlen(word) && memcmp(key, word, strlen(word)) == 0;
}

static int damaged(const char *name, const char *what, struct ls_error *error_r)
{
	return ls_fail(error_r, LS_EFORMAT, "%s: damaged: %s", name, what);
}

/* Check one override, or the whole policy. */
static int check_fields(const struct walk *walk, const char *what,
			const uint8_t *value, uint32_t len,
			struct ls_error *error_r)
{
	struct ls_policy scratch;
	struct ls_error reason;

	if (ls_record_get(value, len, ls_fields, &scratch, &reason) == 0)
		return 0;
	return ls_fail(error_r, LS_EFORMAT, "%s: damaged: %s: %s", walk->name,
		       what, reason.text);
}

static int check_webhook(struct walk *walk, const uint8_t *value, uint32_t len,
			 struct ls_error *error_r)
{
	struct ls_webhook_fields fields = { .url = "" };
	struct ls_error reason;

	if (++walk->webhooks > LS_WEBHOOKS_MAX)
		return damaged(walk->name, "too many webhooks", error_r);
	if (ls_record_get(value, len, ls_webhook_table, &fields, &reason) == 0)
		return 0;
	return ls_fail(error_r, LS_EFORMAT, "%s: damaged: webhook: %s",
		       walk->name, reason.text);
}

static int check_net(struct walk *walk, const uint8_t key[NET_KEY],
		     const uint8_t *value, uint32_t len,
		     struct ls_error *error_r)
{
	struct ls_addr addr;
	uint8_t bits = key[NET_KEY - 1];

	memcpy(addr.octet, key + 3, sizeof(addr.octet));
	if (bits > 128)
		return damaged(walk->name, "a network", error_r);
	if (ls_addr_is_ipv4(&addr) && bits >= IPV4_BITS)
		walk->ipv4[bits] = true;
	else
		walk->ipv6[bits] = true;
	return check_fields(walk, "a network", value, len, error_r);
}

static int check_policy_record(void *context,
			       const struct ls_cdb_record *record,
			       struct ls_error *error_r)
{
	struct walk *walk = context;
	const uint8_t *key = record->key, *value = record->value;
	uint32_t key_len = record->key_len, len = record->value_len;

	walk->records++;
	if (key_is(key, key_len, "policy"))
		return check_fields(walk, "policy", value, len, error_r);
	if (key_begins(key, key_len, "user")) {
		walk->file->users = true;
		return check_fields(walk, "an account", value, len, error_r);
	}
	if (key_begins(key, key_len, "domain")) {
		walk->file->domains = true;
		return check_fields(walk, "a domain", value, len, error_r);
	}
	if (key_begins(key, key_len, "net") && key_len == NET_KEY)
		return check_net(walk, key, value, len, error_r);
	if (key_begins(key, key_len, "webhook") && key_len == 7 + 4)
		return check_webhook(walk, value, len, error_r);
	return 0;
}

/* Does a slot of hash table `table` lead to a record that belongs there? */
static bool check_cdb_slot(const struct ls_policy_file *file, unsigned table,
			   const uint8_t slot[8], uint32_t end)
{
	uint32_t hash = cdb_unpack(slot), pos = cdb_unpack(slot + 4);
	const uint8_t *head, *key;
	uint32_t key_len;

	if (pos < LS_CDB_TOC_SIZE || pos > end - 8)
		return false;
	head = file_bytes(file, pos, 8);
	if (head == NULL)
		return false;
	key_len = cdb_unpack(head);
	if (key_len > LS_POLICY_KEY_MAX || key_len > end - 8 - pos)
		return false;
	key = file_bytes(file, pos + 8, key_len);
	return key != NULL && hash % TABLES == table &&
	       cdb_hash(key, key_len) == hash;
}

/* A table that is cut or overwritten would hide overrides without a word. */
static int check_cdb_tables(const struct walk *walk, uint32_t end,
			    struct ls_error *error_r)
{
	const uint8_t *toc = file_bytes(walk->file, 0, LS_CDB_TOC_SIZE);
	unsigned found = 0, all = 0;

	if (toc == NULL)
		return damaged(walk->name, "too short", error_r);
	for (unsigned i = 0; i < TABLES; i++) {
		uint32_t pos = cdb_unpack(toc + 8 * i);
		uint32_t slots = cdb_unpack(toc + 8 * i + 4);
		const uint8_t *slot;

		if (slots == 0)
			continue;
		/* Tables do not overlap: together they are in one file. */
		if (pos < end || slots > LS_POLICY_FILE_MAX / 8 - all)
			return damaged(walk->name, "a hash table", error_r);
		all += slots;
		slot = file_bytes(walk->file, pos, 8 * slots);
		if (slot == NULL)
			return damaged(walk->name, "a hash table is cut",
				       error_r);
		for (; slots > 0; slots--, slot += 8) {
			if (cdb_unpack(slot + 4) == 0)
				continue;
			if (!check_cdb_slot(walk->file, i, slot, end))
				return damaged(walk->name, "a hash table",
					       error_r);
			found++;
		}
	}
	if (found != walk->records)
		return damaged(walk->name, "records cannot be found", error_r);
	return 0;
}

static int check_head(struct walk *walk, struct ls_error *error_r)
{
	struct ls_policy_file *file = walk->file;
	const uint8_t *value;
	uint32_t len;
	uint64_t version;

	if (!ls_policy_file_find(file, "lockstep", 8, &value, &len) || len < 4)
		return ls_fail(error_r, LS_EFORMAT, "%s: not a compiled policy",
			       walk->name);
	version = ls_get_le(value, 4);
	if (version != LS_POLICY_VERSION)
		return ls_fail(error_r, LS_EVERSION,
			       "%s: compiled for version %" PRIu64
			       " of the format, not %d",
			       walk->name, version, LS_POLICY_VERSION);
	if (len < 4 + 8)
		return damaged(walk->name, "no time of compilation", error_r);
	file->compiled_real_ms = ls_get_le(value + 4, 8);
	return 0;
}

static void set_lengths(const bool occurs[129], struct ls_lengths *lengths_r)
{
	for (unsigned bits = 129; bits-- > 0;) {
		if (occurs[bits])
			lengths_r->bits[lengths_r->count++] = (uint8_t)bits;
	}
}

/* What holds where nothing is laid over it. */
static int read_policy(struct ls_policy_file *file, const char *name,
		       struct ls_error *error_r)
{
	const uint8_t *value;
	uint32_t len;

	if (!ls_policy_file_find(file, "policy", 6, &value, &len))
		return damaged(name, "no policy", error_r);
	ls_policy_presets(&file->policy);
	return ls_record_get(value, len, ls_fields, &file->policy, error_r);
}

int ls_policy_file_check(struct ls_policy_file *file, const char *name,
			 struct ls_error *error_r)
{
	struct walk walk = { .file = file, .name = name };
	uint32_t end;
	int ret;

	ret = check_head(&walk, error_r);
	if (ret == 0)
		ret = ls_cdb_walk(&file->cdb, name, LS_POLICY_KEY_MAX,
				  check_policy_record, &walk, &end, error_r);
	if (ret == 0)
		ret = check_cdb_tables(&walk, end, error_r);
	if (ret == 0)
		ret = read_policy(file, name, error_r);
	if (ret < 0)
		return ret;
	file->webhooks = walk.webhooks;
	set_lengths(walk.ipv4, &file->ipv4);
	set_lengths(walk.ipv6, &file->ipv6);
	return 0;
}

int ls_policy_file_check_head(struct ls_policy_file *file, const char *name,
			      struct ls_error *error_r)
{
	struct walk walk = { .file = file, .name = name };
	int ret = check_head(&walk, error_r);

	if (ret == 0)
		ret = read_policy(file, name, error_r);
	if (ret < 0)
		return ret;
	file->users = file->domains = true;
	for (unsigned bits = 0; bits <= 128; bits++)
		walk.ipv4[bits] = walk.ipv6[bits] = true;
	memset(walk.ipv4, 0, IPV4_BITS);
	set_lengths(walk.ipv4, &file->ipv4);
	set_lengths(walk.ipv6, &file->ipv6);
	return 0;
}
