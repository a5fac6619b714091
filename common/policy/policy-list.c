/* policy-list.c - all overrides of a policy.cdb; see policy.h */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "policy/policy-file.h"
#include "policy/policy-record.h"

#include <string.h>

struct listing {
	const struct ls_policy_file *file;
	ls_override_fn *visit;
	void *context;
	struct ls_override override; /* the one that is looked at */
};

/* Returns false for a key that begins otherwise. */
static bool take_name(const struct ls_cdb_record *record, const char *word,
		      struct ls_override *override)
{
	uint32_t skip = (uint32_t)strlen(word);

	if (record->key_len <= skip || memcmp(record->key, word, skip) != 0 ||
	    record->key_len - skip > LS_USER_MAX)
		return false;
	memset(override->name, 0, sizeof(override->name));
	memcpy(override->name, record->key + skip, record->key_len - skip);
	return true;
}

static bool take_key(const struct ls_cdb_record *record,
		     struct ls_override *override)
{
	if (take_name(record, "user", override)) {
		override->kind = LS_OVERRIDE_USER;
		return true;
	}
	if (take_name(record, "domain", override)) {
		override->kind = LS_OVERRIDE_DOMAIN;
		return true;
	}
	if (record->key_len != 3 + sizeof(override->net.addr.octet) + 1 ||
	    memcmp(record->key, "net", 3) != 0)
		return false;
	override->kind = LS_OVERRIDE_NET;
	override->name[0] = '\0';
	memcpy(override->net.addr.octet, record->key + 3,
	       sizeof(override->net.addr.octet));
	override->net.bits = record->key[record->key_len - 1];
	return true;
}

/* Which fields a record has, one that ls_record_get() has accepted. */
static void mark_fields(const uint8_t *record, size_t len,
			bool set_r[LS_FIELD_COUNT])
{
	memset(set_r, 0, LS_FIELD_COUNT * sizeof(*set_r));
	while (len >= LS_RECORD_HEAD) {
		uint64_t id = ls_get_le(record, 2);
		size_t size = LS_RECORD_HEAD + ls_get_le(record + 2, 2);

		for (size_t i = 0; i < LS_FIELD_COUNT; i++)
			set_r[i] |= ls_fields[i].id == id;
		if (size > len)
			return;
		record += size;
		len -= size;
	}
}

static int visit_record(void *context, const struct ls_cdb_record *record,
			struct ls_error *error_r)
{
	struct listing *listing = context;
	struct ls_override *override = &listing->override;
	int ret;

	if (!take_key(record, override))
		return 0;
	override->policy = listing->file->policy;
	ret = ls_record_get(record->value, record->value_len, ls_fields,
			    &override->policy, error_r);
	if (ret < 0)
		return ret;
	mark_fields(record->value, record->value_len, override->set);
	listing->visit(listing->context, override);
	return 0;
}

int ls_policy_file_overrides(const struct ls_policy_file *file,
			     ls_override_fn *visit, void *context,
			     struct ls_error *error_r)
{
	struct listing listing = { .file = file,
				   .visit = visit,
				   .context = context };

	return ls_cdb_walk(&file->cdb, "policy", LS_POLICY_KEY_MAX,
			   visit_record, &listing, NULL, error_r);
}
