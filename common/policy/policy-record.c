/* policy-record.c - see policy-record.h */
#include "lockstep-config.h"

#include "policy/policy-record.h"

#include "base/error.h"
#include "base/nat64.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERIOD_MAX_MS (366 * UINT64_C(86400000))

_Static_assert(sizeof(struct ls_limit) == 16 && sizeof(struct ls_range) == 16,
	       "fields are uint64_t in a row");
_Static_assert(LS_FIELD_COUNT *(LS_RECORD_HEAD + 8 * LS_FIELD_WORDS) +
			       sizeof(((struct ls_policy *)NULL)->state_dir) +
			       sizeof(((struct ls_policy *)NULL)->group) +
			       sizeof(((struct ls_policy *)NULL)->readers) +
			       sizeof(((struct ls_policy *)NULL)->nat64) <=
		       LS_RECORD_SIZE,
	       "a whole policy fits in a record");

_Static_assert(sizeof(struct ls_webhook_fields) + 16 * LS_RECORD_HEAD <=
		       LS_RECORD_SIZE,
	       "a whole webhook fits in a record");

#define IN_WEBHOOK(member)                                                     \
	offsetof(struct ls_webhook_fields, member),                            \
		sizeof(((struct ls_webhook_fields *)NULL)->member)

const struct ls_field ls_webhook_table[] = {
	{ .id = 1, .name = "name", .type = LS_FIELD_TEXT, 0, IN_WEBHOOK(name) },
	{ .id = 2, .name = "url", .type = LS_FIELD_TEXT, 0, IN_WEBHOOK(url) },
	{ .id = 3,
	  .name = "secret-file",
	  .type = LS_FIELD_PATH,
	  0,
	  IN_WEBHOOK(secret_file) },
	{ .id = 4,
	  .name = "events",
	  .type = LS_FIELD_NUMBER,
	  0,
	  IN_WEBHOOK(events),
	  0,
	  UINT32_MAX },
	{ .id = 5,
	  .name = "digest",
	  .type = LS_FIELD_NUMBER,
	  0,
	  IN_WEBHOOK(digest_ms),
	  0,
	  UINT32_MAX },
	/* Any number: one that a newer compiler knows is no damage. */
	{ .id = 6,
	  .name = "format",
	  .type = LS_FIELD_NUMBER,
	  0,
	  IN_WEBHOOK(format),
	  0,
	  UINT32_MAX },
	{ .id = 7,
	  .name = "url-file",
	  .type = LS_FIELD_PATH,
	  0,
	  IN_WEBHOOK(url_file) },
	{ .name = NULL },
};

static int check_number(const struct ls_field *field, uint64_t number,
			struct ls_error *error_r)
{
	if (number >= field->min && number <= field->max)
		return 0;
	return ls_fail(error_r, LS_EARG,
		       "%" PRIu64 " is not within %" PRIu64 " and %" PRIu64,
		       number, field->min, field->max);
}

static int check_duration(const struct ls_field *field, uint64_t ms,
			  struct ls_error *error_r)
{
	char text[LS_DURATION_TEXT], min[LS_DURATION_TEXT];
	char max[LS_DURATION_TEXT];

	if (ms >= field->min && ms <= field->max)
		return 0;
	ls_duration_format(ms, text);
	ls_duration_format(field->min, min);
	ls_duration_format(field->max, max);
	return ls_fail(error_r, LS_EARG, "%s is not within %s and %s", text,
		       min, max);
}

static int check_limit(const struct ls_field *field, uint64_t units,
		       uint64_t period_ms, struct ls_error *error_r)
{
	char period[LS_DURATION_TEXT];

	if (units == 0 && period_ms == 0)
		return 0;
	if (units < field->min || units > field->max)
		return check_number(field, units, error_r);
	if (period_ms > 0 && period_ms <= PERIOD_MAX_MS && units <= period_ms)
		return 0; /* at every lookup: no text is made for that */
	ls_duration_format(period_ms, period);
	if (period_ms == 0 || period_ms > PERIOD_MAX_MS)
		return ls_fail(error_r, LS_EARG,
			       "a period of %s is not within 1ms and 366d",
			       period);
	return ls_fail(error_r, LS_EARG,
		       "%" PRIu64 "/%s is more than one a millisecond", units,
		       period);
}

int ls_field_check_words(const struct ls_field *field, const uint64_t *words,
			 struct ls_error *error_r)
{
	int ret = 0;

	switch (field->type) {
	case LS_FIELD_CHOICE:
	case LS_FIELD_NUMBER:
	case LS_FIELD_FLAG:
		return check_number(field, words[0], error_r);
	case LS_FIELD_DURATION:
		return check_duration(field, words[0], error_r);
	case LS_FIELD_LIMIT:
	case LS_FIELD_LIMITS:
		for (size_t i = 0; i < field->size / 8 && ret == 0; i += 2)
			ret = check_limit(field, words[i], words[i + 1],
					  error_r);
		return ret;
	case LS_FIELD_RANGE:
		for (size_t i = 0; i < 2 && ret == 0; i++)
			ret = check_duration(field, words[i], error_r);
		if (ret == 0 && words[0] > words[1])
			ret = ls_fail(error_r, LS_EARG,
				      "the first is longer than the longest");
		return ret;
	case LS_FIELD_PATH:
	case LS_FIELD_TEXT:
	case LS_FIELD_PREFIXES:
		break;
	}
	return ls_fail(error_r, LS_EARG, "not a number");
}

/* The text may have no NUL behind it. */
static int check_prefixes(const char *text, size_t len,
			  struct ls_error *error_r)
{
	char copy[LS_PATH_SIZE];
	struct ls_nat64 ignored;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	return ls_nat64_parse(copy, &ignored, error_r);
}

int ls_field_check_text(const struct ls_field *field, const char *text,
			size_t len, struct ls_error *error_r)
{
	if (len >= field->size)
		return ls_fail(error_r, LS_EARG, "longer than %zu characters",
			       field->size - 1);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
			return ls_fail(error_r, LS_EARG,
				       "has a control character");
	}
	if (field->type == LS_FIELD_PATH && (len == 0 || text[0] != '/'))
		return ls_fail(error_r, LS_EARG,
			       "\"%.*s\" does not begin with /", (int)len,
			       text);
	if (field->type == LS_FIELD_PREFIXES)
		return check_prefixes(text, len, error_r);
	return 0;
}

size_t ls_record_put(uint8_t *record, size_t len, const struct ls_field *field,
		     const void *object)
{
	const char *place = (const char *)object + field->offset;
	uint8_t *value = record + len + LS_RECORD_HEAD;
	size_t size;

	if (ls_field_is_text(field)) {
		size = strnlen(place, field->size - 1);
		memcpy(value, place, size);
	} else {
		uint64_t word;

		for (size = 0; size < field->size; size += sizeof(word)) {
			memcpy(&word, place + size, sizeof(word));
			ls_put_le(value + size, sizeof(word), word);
		}
	}
	ls_put_le(record + len, 2, field->id);
	ls_put_le(record + len + 2, 2, size);
	return len + LS_RECORD_HEAD + size;
}

static const struct ls_field *find_field(const struct ls_field *table,
					 uint64_t id)
{
	for (; table->name != NULL; table++) {
		if (table->id == id)
			return table;
	}
	return NULL;
}

static int get_field(const struct ls_field *field, const uint8_t *value,
		     size_t size, void *object, struct ls_error *error_r)
{
	char *place = (char *)object + field->offset;
	uint64_t words[LS_FIELD_WORDS] = { 0 };
	int ret;

	if (ls_field_is_text(field)) {
		ret = ls_field_check_text(field, (const char *)value, size,
					  error_r);
		if (ret == 0) {
			memset(place, 0, field->size);
			memcpy(place, value, size);
		}
		return ret;
	}
	if (size != field->size)
		return ls_fail(error_r, LS_EARG, "%zu bytes, not %zu", size,
			       field->size);
	for (size_t i = 0; i < size / 8; i++)
		words[i] = ls_get_le(value + 8 * i, 8);
	ret = ls_field_check_words(field, words, error_r);
	if (ret == 0)
		memcpy(place, words, size);
	return ret;
}

int ls_record_get(const uint8_t *record, size_t len,
		  const struct ls_field *table, void *object,
		  struct ls_error *error_r)
{
	while (len > 0) {
		struct ls_error reason = { 0, "" };
		const struct ls_field *field;
		size_t size;

		if (len < LS_RECORD_HEAD)
			return ls_fail(error_r, LS_EFORMAT, "a field is cut");
		field = find_field(table, ls_get_le(record, 2));
		size = ls_get_le(record + 2, 2);
		record += LS_RECORD_HEAD;
		len -= LS_RECORD_HEAD;
		if (size > len)
			return ls_fail(error_r, LS_EFORMAT, "a field is cut");
		if (field != NULL &&
		    get_field(field, record, size, object, &reason) < 0)
			return ls_fail(error_r, LS_EFORMAT, "%s%s%s: %s",
				       field->section ? field->section : "",
				       field->section ? " " : "", field->name,
				       reason.text);
		record += size;
		len -= size;
	}
	return 0;
}
