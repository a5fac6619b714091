/* test_cursor.c - what of the journals has been read is known after a restart, and
 * what was gathered and not posted counts as unread */
#include "lockstep-config.h"

#include "post_bed.h"

static const struct cursor saved = { .map = "boot/1", .next = { 50, 7 } };

static struct hook *ops(void)
{
	return hooks_find(&hooks, "ops");
}

static void save(void)
{
	struct ls_error error;

	if (cursor_save(outbox, &hooks, &saved, &error) != 0)
		fail_msg("%s", error.text);
}

static void restart(void)
{
	drop_all();
	attach_outbox();
	load_conf();
}

static int load(struct cursor *cursor_r)
{
	struct ls_error error;

	return cursor_load(outbox, &hooks, cursor_r, &error);
}

static void test_restart(void **state)
{
	/* What the webhook's digest holds, and what it has seen; where it then goes on. */
	static const struct {
		const char *row;
		uint64_t gathered, skip, want;
	} rows[] = {
		{ "nothing", 0, 0, 50 },
		{ "gathered from 41 on", 41, 0, 41 },
		{ "was further than the feed", 0, 60, 60 },
		{ "gathered and further", 41, 60, 41 },
	};
	struct event_clock clock = clock_now();
	struct cursor cursor;

	(void)state;
	check("none yet", load(&cursor), LS_ENOENT);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_record record = { .number = rows[i].gathered,
					    .event = LS_EVENT_LOCK };

		for (; rows[i].gathered > 0 && record.number < 50;
		     record.number++)
			digest_add(&ops()->digest, LS_JOURNAL_GUARD, &record,
				   NULL, &clock);
		ops()->skip[LS_JOURNAL_GUARD] = rows[i].skip;
		save();
		restart();
		check(rows[i].row, load(&cursor), 0);
		check_text(rows[i].row, cursor.map, saved.map);
		check(rows[i].row, cursor.next[LS_JOURNAL_GUARD], 50);
		check(rows[i].row, cursor.next[LS_JOURNAL_SESSIONS], 7);
		check(rows[i].row, ops()->skip[LS_JOURNAL_GUARD], rows[i].want);
		check(rows[i].row, ops()->skip[LS_JOURNAL_SESSIONS], 7);
	}
}

/* A receiver that was gone is so after a restart, unless the policy changed. */
static void test_gone(void **state)
{
	struct cursor cursor;

	(void)state;
	ops()->gone = true;
	save();
	restart();
	check("loaded", load(&cursor), 0);
	check("gone", ops()->gone, true);
	conf.events |= UINT32_C(1) << LS_EVENT_FREEZE;
	restart();
	check("loaded", load(&cursor), 0);
	check("another one", ops()->gone, false);
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"map\": 1}",
		"{\"map\": \"m\", \"guard\": -1}",
		"{\"map\": \"m\", \"guard\": \"1\"}",
		"{\"map\": \"m\", \"guard\": 1, \"webhooks\": {\"ops\": 1}}",
		"{\"map\": \"m\", \"webhooks\": {\"ops\": {\"guard\": -1}}}",
	};
	struct ls_error error;
	struct cursor cursor;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(outbox_store(outbox, "cursor", texts[i], false,
					      &error), 0);
		check(texts[i], load(&cursor), LS_EFORMAT);
		check(texts[i], ops()->skip[LS_JOURNAL_GUARD], 0);
	}
}

static const struct CMUnitTest tests[] = {
	POST_TEST(test_restart),
	POST_TEST(test_gone),
	POST_TEST(test_damaged),
};
POST_MAIN(tests)
