/* list-locks.c - lockstep list locks, and lockstep list trusted */
#include "lockstep-config.h"

#include "print/subject.h"
#include "orders.h"
#include "print/columns.h"
#include "print/json.h"
#include "verbs/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct locks {
	struct ls_lock *lock;
	size_t count, room;
};

static void gather_rows(struct ls_state *state, const struct filter *filter,
			struct locks *locks)
{
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		if (!filter_subject(filter, &lock.subject) ||
		    !filter_time(filter, lock.since_ms))
			continue;
		locks->lock = list_grow(locks->lock, locks->count, &locks->room,
					sizeof(*locks->lock));
		locks->lock[locks->count++] = lock;
	}
}

static int by_since(const void *a_lock, const void *b_lock)
{
	const struct ls_lock *a = a_lock, *b = b_lock;
	int64_t later = (int64_t)(a->since_ms - b->since_ms);

	return (later > 0) - (later < 0);
}

static void lock_name(const struct ls_subject *subject, bool named,
		      char text_r[SUBJECT_TEXT])
{
	if (named)
		subject_text(subject, text_r);
	else
		snprintf(text_r, SUBJECT_TEXT, "(a forgotten %s)",
			 ls_kind_name(subject->kind));
}

static void print_lock(const struct columns *columns,
		       const struct ls_lock *lock)
{
	char text[SUBJECT_TEXT], since[CLI_TIME_TEXT], until[CLI_TIME_TEXT];
	char strikes[16];
	const char *const cells[] = {
		text,
		lock->freeze ? "frozen" : ls_reason_name(lock->reason),
		since,
		until,
		strikes,
		ls_origin_name(lock->origin),
	};

	lock_name(&lock->subject, lock->named, text);
	cli_minute_format(lock->since_ms, since);
	cli_minute_format(lock->until_ms, until);
	snprintf(strikes, sizeof(strikes), "%u", lock->strikes);
	columns_row(columns, lock->freeze ? COLOUR_BAD : COLOUR_NONE, cells);
	if (lock->untold > 0)
		printf("  %" PRIu32 " refusal%s since its last one in the "
		       "journal\n",
		       lock->untold, ls_plural_s(lock->untold));
}

static void print_locks(const struct locks *locks)
{
	static const struct column column[] = {
		{ .title = "LOCKED", .width = 28, .grows = true },
		{ .title = "WHY", .width = 13 },
		{ .title = "SINCE", .width = 12 },
		{ .title = "UNTIL", .width = 12 },
		{ .title = "NO.", .width = 3, .right = true },
		{ .title = "BY", .width = 5 },
	};
	struct columns columns;

	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (size_t i = 0; i < locks->count; i++)
		print_lock(&columns, &locks->lock[i]);
}

int list_locks(const struct listing *listing)
{
	struct ls_state *state = cli_open_to_read(listing->cli);
	struct locks locks = { NULL, 0, 0 };

	if (state == NULL)
		return CLI_FAILED;
	gather_rows(state, &listing->filter, &locks);
	ls_close(&state);
	if (locks.count > 0)
		qsort(locks.lock, locks.count, sizeof(*locks.lock), by_since);
	for (size_t i = 0; listing->json && i < locks.count; i++)
		json_print_lock(&locks.lock[i]);
	if (!listing->json && locks.count == 0)
		puts("nothing is locked");
	else if (!listing->json)
		print_locks(&locks);
	free(locks.lock);
	return CLI_DONE;
}

/* ---- trusted ------------------------------------------------------------ */

static void print_locks_json(const struct ls_trusted *trusted)
{
	json_t *object = json_object();

	if (trusted->named)
		json_put_subject(object, &trusted->subject);
	else
		json_put(object, "kind",
			 json_string(ls_kind_name(trusted->subject.kind)));
	json_put_time(object, "until", trusted->until_ms);
	json_line(object);
}

static void print_trusted(const struct columns *columns,
			  const struct ls_trusted *trusted)
{
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	const char *const cells[] = { text, until };

	lock_name(&trusted->subject, trusted->named, text);
	cli_minute_format(trusted->until_ms, until);
	columns_row(columns, COLOUR_NONE, cells);
}

int list_trusted(const struct listing *listing)
{
	static const struct column column[] = {
		{ .title = "TRUSTED", .width = 56, .grows = true },
		{ .title = "UNTIL", .width = 12 },
	};
	struct ls_state *state = cli_open_to_read(listing->cli);
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_trusted trusted;
	struct columns columns;
	unsigned count = 0;

	if (state == NULL)
		return CLI_FAILED;
	columns_init(&columns, column, 2);
	while (ls_trusted_next(state, &cursor, now_ms, &trusted) == 1) {
		if (!filter_subject(&listing->filter, &trusted.subject))
			continue;
		if (listing->json) {
			print_locks_json(&trusted);
			continue;
		}
		if (count++ == 0) {
			if (listing->all)
				putchar('\n');
			columns_head(&columns);
		}
		print_trusted(&columns, &trusted);
	}
	ls_close(&state);
	if (count == 0 && !listing->json && !listing->all)
		puts("nothing is trusted for a while");
	return CLI_DONE;
}
