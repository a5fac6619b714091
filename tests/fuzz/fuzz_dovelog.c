/* fuzz_dovelog.c - any bytes at all through the parsers of logs and journals
 *
 * The input is a log. What a record points at must lie within its line; then
 * all of them are merged, which must neither lose the order nor make attempts
 * up. Seeds: tests/fuzz/seeds/dovelog. */
#include "lockstep-config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logs/attempts.h"
#include "logs/journal-line.h"
#include "logs/logclock.h"
#include "logs/logjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_dovelog: %s\n", what);
	abort();
}

static void check_piece(struct dovelog_text piece, const char *line, size_t len)
{
	static const char *const constants[] = { "smtp", "sieve" };

	if (piece.len == 0)
		return;
	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
		if (piece.len == strlen(constants[i]) &&
		    memcmp(piece.at, constants[i], piece.len) == 0)
			return;
	check(piece.at >= line && piece.len <= len &&
		      piece.at <= line + len - piece.len,
	      "a piece lies outside its line");
}

static void check_record(const struct dovelog_record *record, const char *line,
			 size_t len)
{
	check_piece(record->user, line, len);
	check_piece(record->session, line, len);
	check_piece(record->mech, line, len);
	check_piece(record->service, line, len);
	check_piece(record->by, line, len);
	if (record->what <= DOVELOG_UNKNOWN)
		return;
	check(record->attempts >= 1, "an attempt that was none");
	check(record->outcome < LS_OUTCOME_COUNT, "outcome");
	check(record->when.kind != DOVELOG_DATE ||
		      (record->when.month >= 1 && record->when.month <= 12),
	      "month");
	if (record->outcome == LS_OUTCOME_SUCCESS)
		check(record->user.len > 0, "nobody logged in");
}

/* Returns how many attempts the line tells of. */
static uint64_t take_record(struct attempts *attempts, struct logclock *clock,
			    const struct dovelog_record *record)
{
	size_t before = attempts->count;
	uint64_t at_ms;

	if (record->what <= DOVELOG_UNKNOWN)
		return 0;
	at_ms = logclock_ms(clock, &record->when);
	if (at_ms == 0)
		return 0;
	attempts_add(attempts, record, at_ms);
	return (attempts->count - before) *
	       attempts->list[attempts->count - 1].count;
}

static uint64_t take_json(struct attempts *attempts, struct logclock *clock,
			  const char *line, size_t len)
{
	json_t *object = json_loadb(line, len, 0, NULL);
	struct dovelog_record record;
	char *bytes = logjson_parse(object, &record);
	uint64_t told;

	if (bytes != NULL)
		told = take_record(attempts, clock, &record);
	else
		told = journal_line(attempts, object) == 1;
	free(bytes);
	json_decref(object);
	return told;
}

static uint64_t take_line(struct attempts *attempts, struct logclock *clock,
			  const char *line, size_t len)
{
	struct dovelog_record record;

	if (len > 0 && line[0] == '{')
		return take_json(attempts, clock, line, len);
	dovelog_parse(line, len, &record);
	check_record(&record, line, len);
	return take_record(attempts, clock, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attempts attempts = { 0 };
	struct logclock clock;
	uint64_t told = 0, merged = 0;

	logclock_init(&clock, 1800000000);
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end != NULL ? (size_t)(end - data) : size;
		/* A copy: reading beyond the line is found out. */
		char *line = malloc(len > 0 ? len : 1);

		check(line != NULL, "out of memory");
		memcpy(line, data, len);
		told += take_line(&attempts, &clock, line, len);
		free(line);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	attempts_merge(&attempts);
	for (size_t i = 0; i < attempts.count; i++) {
		merged += attempts.list[i].count;
		check(attempts.list[i].count > 0, "an attempt that is none");
		check(i == 0 || attempts.list[i - 1].at_ms <=
					attempts.list[i].at_ms,
		      "out of order");
	}
	check(merged <= told, "more attempts than were told of");
	attempts_free(&attempts);
	return 0;
}
