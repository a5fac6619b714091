/* field-text.c - fields and durations as an administrator writes them */
#include "lockstep-config.h"

#include "base/error.h"
#include "policy/policy-record.h"
#include "policy/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* In falling order: text is written with the largest that goes in evenly. */
static const struct {
	const char *name;
	uint64_t ms;
	bool written; /* weeks are understood only */
} units[] = {
	{ "w", UINT64_C(604800000), false }, { "d", UINT64_C(86400000), true },
	{ "h", UINT64_C(3600000), true },    { "m", UINT64_C(60000), true },
	{ "s", UINT64_C(1000), true },       { "ms", UINT64_C(1), true },
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* A piece of the text, without the blanks around it. */
struct span {
	const char *start;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span span_of(const char *start, const char *end)
{
	while (start < end && is_blank(*start))
		start++;
	while (start < end && is_blank(end[-1]))
		end--;
	return (struct span){ start, (size_t)(end - start) };
}

/* Two halves around the first `mark`; false when it is not there. */
static bool span_split(const struct span *span, const char *mark,
		       struct span *left_r, struct span *right_r)
{
	const char *end = span->start + span->len;
	size_t len = strlen(mark);

	for (const char *p = span->start; p + len <= end; p++) {
		if (memcmp(p, mark, len) == 0) {
			*left_r = span_of(span->start, p);
			*right_r = span_of(p + len, end);
			return true;
		}
	}
	return false;
}

static bool span_is(const struct span *span, const char *text)
{
	return span->len == strlen(text) &&
	       memcmp(span->start, text, span->len) == 0;
}

/* Digits from the start on. Returns how many, 0 also for a number too large. */
static size_t span_digits(const struct span *span, uint64_t *number_r)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < span->len; i++) {
		unsigned digit = (unsigned)(unsigned char)span->start[i] - '0';

		if (digit > 9)
			break;
		if (number > (UINT64_MAX - digit) / 10)
			return 0;
		number = number * 10 + digit;
	}
	*number_r = number;
	return i;
}

static bool span_number(const struct span *span, uint64_t *number_r)
{
	return span->len > 0 && span_digits(span, number_r) == span->len;
}

static bool span_duration(const struct span *span, uint64_t *ms_r)
{
	uint64_t number;
	size_t digits = span_digits(span, &number);
	struct span unit = { span->start + digits, span->len - digits };

	if (digits == 0)
		return false;
	for (size_t i = 0; i < UNITS; i++) {
		if (!span_is(&unit, units[i].name))
			continue;
		if (number > UINT64_MAX / units[i].ms)
			return false;
		*ms_r = number * units[i].ms;
		return true;
	}
	return false;
}

int ls_duration_parse(const char *text, uint64_t *ms_r)
{
	struct span span = span_of(text, text + strlen(text));

	return span_duration(&span, ms_r) ? 0 : LS_EARG;
}

/* "600/5m" or "0", to words[0] and words[1]. */
static bool span_limit(const struct span *span, uint64_t words[2])
{
	struct span number, period;

	if (span_is(span, "0")) {
		words[0] = words[1] = 0;
		return true;
	}
	return span_split(span, "/", &number, &period) &&
	       span_number(&number, &words[0]) && words[0] > 0 &&
	       span_duration(&period, &words[1]);
}

static int parse_choice(const struct ls_field *field, const char *text,
			uint64_t *word_r, struct ls_error *error_r)
{
	char all[128] = "";

	for (size_t i = 0; field->choices[i] != NULL; i++) {
		size_t len = strlen(all);

		if (strcmp(field->choices[i], text) == 0) {
			*word_r = i;
			return 0;
		}
		snprintf(all + len, sizeof(all) - len, "%s%s",
			 i == 0 ? "" : ", ", field->choices[i]);
	}
	return ls_fail(error_r, LS_EARG, "\"%s\" is none of: %s", text, all);
}

static int parse_duration(const struct span *span, uint64_t *word_r,
			  struct ls_error *error_r)
{
	uint64_t number;
	int len = span->len < 60 ? (int)span->len : 60;

	if (span_duration(span, word_r))
		return 0;
	if (span_number(span, &number))
		return ls_fail(
			error_r, LS_EARG,
			"\"%.*s\" has no unit: write %.*ss, %.*sm, %.*sh "
			"or %.*sd",
			len, span->start, len, span->start, len, span->start,
			len, span->start, len, span->start);
	return ls_fail(error_r, LS_EARG,
		       "\"%.*s\" is not a duration like 90s, 10m, 12h or 30d",
		       len, span->start);
}

static int parse_limits(const struct ls_field *field, const char *text,
			const struct span *span, uint64_t words[4],
			struct ls_error *error_r)
{
	struct span fast, slow;

	if (field->type == LS_FIELD_LIMIT) {
		if (span_limit(span, words))
			return 0;
		return ls_fail(error_r, LS_EARG,
			       "\"%s\" is not a limit like %s (0 is none)",
			       text, field->preset);
	}
	if (span_is(span, "0")) {
		memset(words, 0, 4 * sizeof(words[0]));
		return 0;
	}
	if (span_split(span, ",", &fast, &slow)) {
		if (span_limit(&fast, words) && span_limit(&slow, words + 2))
			return 0;
	} else if (span_limit(span, words)) {
		/* What a lone "10/10m" means for the slow limit (the default?
		 * none?) is not for us to guess. */
		return ls_fail(error_r, LS_EARG,
			       "\"%s\" is one limit; two are wanted, fast and "
			       "slow, like \"%s\" (0 is none)",
			       text, field->preset);
	}
	return ls_fail(error_r, LS_EARG,
		       "\"%s\" is not two limits, fast and slow, like \"%s\" "
		       "(0 is none)",
		       text, field->preset);
}

static int parse_range(const struct ls_field *field, const struct span *span,
		       uint64_t words[2], struct ls_error *error_r)
{
	struct span first, longest;
	int ret;

	if (!span_split(span, "..", &first, &longest))
		return ls_fail(error_r, LS_EARG,
			       "\"%.*s\" is not a range, first and longest, "
			       "like %s",
			       span->len < 60 ? (int)span->len : 60,
			       span->start, field->preset);
	ret = parse_duration(&first, &words[0], error_r);
	return ret < 0 ? ret : parse_duration(&longest, &words[1], error_r);
}

static int parse_words(const struct ls_field *field, const char *text,
		       uint64_t words[LS_FIELD_WORDS], struct ls_error *error_r)
{
	struct span span = span_of(text, text + strlen(text));

	switch (field->type) {
	case LS_FIELD_CHOICE:
		return parse_choice(field, text, &words[0], error_r);
	case LS_FIELD_NUMBER:
	case LS_FIELD_FLAG:
		if (span_number(&span, &words[0]))
			return 0;
		return ls_fail(error_r, LS_EARG, "\"%s\" is not a whole number",
			       text);
	case LS_FIELD_DURATION:
		return parse_duration(&span, &words[0], error_r);
	case LS_FIELD_LIMIT:
	case LS_FIELD_LIMITS:
		return parse_limits(field, text, &span, words, error_r);
	case LS_FIELD_RANGE:
		return parse_range(field, &span, words, error_r);
	case LS_FIELD_PATH:
	case LS_FIELD_TEXT:
	case LS_FIELD_PREFIXES:
		break;
	}
	return ls_fail(error_r, LS_EARG, "not a number");
}

int ls_field_parse(const struct ls_field *field, const char *text,
		   struct ls_policy *policy, struct ls_error *error_r)
{
	uint64_t words[LS_FIELD_WORDS] = { 0 };
	char *place = (char *)policy + field->offset;
	int ret;

	if (ls_field_is_text(field)) {
		size_t len = strlen(text);

		ret = ls_field_check_text(field, text, len, error_r);
		if (ret < 0)
			return ret;
		memset(place, 0, field->size);
		memcpy(place, text, len);
		return 0;
	}
	ret = parse_words(field, text, words, error_r);
	if (ret == 0)
		ret = ls_field_check_words(field, words, error_r);
	if (ret == 0)
		memcpy(place, words, field->size);
	return ret;
}

/* Append to a text that has room for it. */
static void put_duration(char *text, size_t size, uint64_t ms)
{
	size_t len = strlen(text), i = 0;

	while (i + 1 < UNITS &&
	       (!units[i].written || ms < units[i].ms || ms % units[i].ms != 0))
		i++;
	if (ms == 0)
		i = UNITS - 2; /* 0s, not 0ms */
	snprintf(text + len, size - len, "%" PRIu64 "%s", ms / units[i].ms,
		 units[i].name);
}

static void put_limit(char *text, size_t size, const uint64_t words[2])
{
	size_t len = strlen(text);

	if (words[0] == 0) {
		snprintf(text + len, size - len, "0");
		return;
	}
	snprintf(text + len, size - len, "%" PRIu64 "/", words[0]);
	put_duration(text, size, words[1]);
}

void ls_duration_format(uint64_t ms, char text_r[LS_DURATION_TEXT])
{
	text_r[0] = '\0';
	put_duration(text_r, LS_DURATION_TEXT, ms);
}

void ls_field_format(const struct ls_field *field,
		     const struct ls_policy *policy,
		     char text_r[LS_FIELD_TEXT_SIZE])
{
	const char *place = (const char *)policy + field->offset;
	uint64_t words[LS_FIELD_WORDS] = { 0 };

	text_r[0] = '\0';
	if (ls_field_is_text(field)) {
		snprintf(text_r, LS_FIELD_TEXT_SIZE, "%s", place);
		return;
	}
	memcpy(words, place, field->size);
	switch (field->type) {
	case LS_FIELD_CHOICE:
		snprintf(text_r, LS_FIELD_TEXT_SIZE, "%s",
			 words[0] <= field->max ? field->choices[words[0]]
						: "?");
		break;
	case LS_FIELD_DURATION:
		put_duration(text_r, LS_FIELD_TEXT_SIZE, words[0]);
		break;
	case LS_FIELD_LIMITS:
	case LS_FIELD_LIMIT:
		put_limit(text_r, LS_FIELD_TEXT_SIZE, words);
		if (field->type == LS_FIELD_LIMITS) {
			strcat(text_r, ", ");
			put_limit(text_r, LS_FIELD_TEXT_SIZE, words + 2);
		}
		break;
	case LS_FIELD_RANGE:
		put_duration(text_r, LS_FIELD_TEXT_SIZE, words[0]);
		strcat(text_r, "..");
		put_duration(text_r, LS_FIELD_TEXT_SIZE, words[1]);
		break;
	default:
		snprintf(text_r, LS_FIELD_TEXT_SIZE, "%" PRIu64, words[0]);
	}
}
