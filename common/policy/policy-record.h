/* policy-record.h - fields as the bytes of one record of policy.cdb
 *
 * Part of policy.h's implementation. A field of numbers is, in memory, one to
 * four uint64_t in a row; in a record they are the same, little-endian. A field
 * of text is an array that ends with a NUL; in a record it has none.
 *
 * The functions take the table and the struct that it describes, so that other
 * structs than struct ls_policy can be stored the same way. */
#ifndef LS_POLICY_RECORD_H
#define LS_POLICY_RECORD_H

#include "policy/policy.h"

enum {
	LS_FIELD_WORDS = 4,    /* most uint64_t in a field */
	LS_RECORD_SIZE = 4096, /* holds all fields of any struct stored */
	LS_RECORD_HEAD = 4,    /* id and length of a field */
};

/* policy.cdb: the largest that is read or written, and the longest key. */
enum {
	LS_POLICY_FILE_MAX = 64 << 20,
	LS_POLICY_KEY_MAX = 6 + LS_USER_MAX,
};

/* What is stored of a webhook: struct ls_webhook in fields. */
struct ls_webhook_fields {
	char name[64];
	char url[1024];
	char secret_file[256];
	uint64_t events;
	uint64_t digest_ms;
	uint64_t format;
	char url_file[256];
};
extern const struct ls_field ls_webhook_table[];

static inline bool ls_field_is_text(const struct ls_field *field)
{
	return field->type == LS_FIELD_PATH || field->type == LS_FIELD_TEXT ||
	       field->type == LS_FIELD_PREFIXES;
}

/* Is this a value that the field may have? Returns 0, or LS_EARG with the
 * reason. Looks at no more than field->size bytes of words, at len bytes of
 * text. */
int ls_field_check_words(const struct ls_field *field, const uint64_t *words,
			 struct ls_error *error_r);
int ls_field_check_text(const struct ls_field *field, const char *text,
			size_t len, struct ls_error *error_r);

/* Append a field of `object` to a record that now has `len` bytes. Returns the
 * new length; the record must have room (LS_RECORD_SIZE is enough). */
size_t ls_record_put(uint8_t *record, size_t len, const struct ls_field *field,
		     const void *object);

/* Lay the fields of a record over `object`, each only if its value is one that
 * the field may have. Unknown ids are skipped. Returns 0, or LS_EFORMAT with
 * the first reason; what stood before the malformed field is then laid over. */
int ls_record_get(const uint8_t *record, size_t len,
		  const struct ls_field *table, void *object,
		  struct ls_error *error_r);

static inline uint64_t ls_get_le(const uint8_t *bytes, unsigned count)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < count; i++)
		number |= (uint64_t)bytes[i] << (8 * i);
	return number;
}

static inline void ls_put_le(uint8_t *bytes, unsigned count, uint64_t number)
{
	for (unsigned i = 0; i < count; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
}

#endif
