/* logjson.c - see logjson.h */
#include "lockstep-config.h"

#include "logs/interned.h"
#include "logs/logheader.h"
#include "logs/logjson.h"

#include <stdlib.h>

/* A line in one piece: the tag, then the message. */
struct line {
	char *bytes;
	size_t tag_len, len;
	struct dovelog_when when;
};

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void append_bytes(struct line *line, const char *bytes, size_t len)
{
	line->bytes = names_resize(line->bytes, line->len + len + 1, 1);
	memcpy(line->bytes + line->len, bytes, len);
	line->len += len;
}

/* A string, or, where it is no UTF-8, its bytes as numbers. */
static bool append_message(struct line *line, const json_t *message)
{
	if (json_is_string(message)) {
		append_bytes(line, json_string_value(message),
			     json_string_length(message));
		return true;
	}
	for (size_t i = 0; i < json_array_size(message); i++) {
		json_int_t number =
			json_integer_value(json_array_get(message, i));
		char byte = (char)number;

		if (number < 0 || number > 255)
			return false;
		append_bytes(line, &byte, 1);
	}
	return json_is_array(message);
}

/* "1795573406123456", in microseconds since 1970 */
static bool read_microseconds(const char *text, struct dovelog_when *when)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	memset(when, 0, sizeof(*when));
	when->kind = DOVELOG_UNIX;
	when->seconds = (int64_t)(number / 1000000);
	when->ms = (int)(number / 1000 % 1000);
	when->zoned = true;
	return end != text && *end == '\0';
}

/* "2026-11-25T02:23:26.123456789Z" */
static bool read_time(const char *text, struct dovelog_when *when)
{
	char with_blank[48];
	size_t len = strlen(text);

	if (len + 1 >= sizeof(with_blank))
		return false;
	memcpy(with_blank, text, len);
	with_blank[len++] = ' ';
	return dovelog_when(with_blank, len, when) == len;
}

/* The tag is the program's own word, as in any syslog. */
static const char *journald_tag(const json_t *object)
{
	static const char *const tags[] = { "SYSLOG_IDENTIFIER",
					    "_SYSTEMD_UNIT", "_COMM" };
	const char *tag = NULL;

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags) && tag == NULL; i++)
		tag = string_of(object, tags[i]);
	return tag != NULL && tag[0] != '\0' ? tag : "?"; /* somebody's */
}

static bool read_journald(const json_t *object, struct line *line)
{
	const char *time = string_of(object, "__REALTIME_TIMESTAMP");
	const char *tag = journald_tag(object);

	if (time == NULL || !read_microseconds(time, &line->when))
		return false;
	line->tag_len = strlen(tag);
	append_bytes(line, tag, line->tag_len);
	return append_message(line, json_object_get(object, "MESSAGE"));
}

static bool read_docker(const json_t *object, struct line *line)
{
	const json_t *log = json_object_get(object, "log");
	const char *time = string_of(object, "time");

	if (!json_is_string(log) || time == NULL ||
	    !read_time(time, &line->when) || !append_message(line, log))
		return false;
	if (line->len > 0 && line->bytes[line->len - 1] == '\n')
		line->len--;
	return true;
}

/* journalctl says null of a message above 4096 bytes, without --all. Is that one of
 * the mail server's? */
static bool is_field_left_out(const json_t *object)
{
	const char *tag = journald_tag(object);

	return json_is_null(json_object_get(object, "MESSAGE")) &&
	       logheader_by((struct dovelog_text){ tag, strlen(tag) }) !=
		       LOGHEADER_OTHER;
}

char *logjson_parse(const json_t *object, struct dovelog_record *record_r)
{
	struct line line = { .bytes = NULL };

	append_bytes(&line, "", 0);
	if (is_field_left_out(object)) {
		memset(record_r, 0, sizeof(*record_r));
		dovelog_not_understood(record_r);
		return line.bytes;
	}
	if (!read_journald(object, &line)) {
		line.len = line.tag_len = 0;
		if (!read_docker(object, &line)) {
			free(line.bytes);
			return NULL;
		}
	}
	dovelog_parse_message(
		&line.when,
		(struct dovelog_text){ line.bytes, line.tag_len },
		(struct dovelog_text){ line.bytes + line.tag_len,
				       line.len - line.tag_len },
		record_r);
	return line.bytes;
}
