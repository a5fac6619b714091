/* test_hook.c - what a new policy, and a new secret or URL, change at a webhook, and
 * what stays */
#include "lockstep-config.h"

#include "post_bed.h"

static struct hook *ops(void)
{
	return hooks_find(&hooks, "ops");
}

/* The next post is signed by the new one, whether the policy names another file or
 * the same one holds another secret. */
static void test_only_the_secret_changes(void **state)
{
	struct hook *hook = ops();

	(void)state;
	put(ID_A);
	check("posted", deliver("200 OK"), true);
	check("by the old", is_signed(SECRET_OLD), true);
	write_secret("other", SECRET_NEW);
	load_conf();
	put(ID_A);
	check("posted", deliver("200 OK"), true);
	check("by that of the other file", is_signed(SECRET_NEW), true);
	write_secret("other", SECRET_OLD);
	hooks_read_files(&hooks, delivery);
	put(ID_B);
	check("posted", deliver("200 OK"), true);
	check("by what the file holds now", is_signed(SECRET_OLD), true);
	assert_ptr_equal(ops(), hook);
}

/* Does a policy that changes this give a receiver that was gone another chance? */
static void test_what_makes_it_another(void **state)
{
	static const struct {
		const char *row;
		struct ls_webhook change;
	} rows[] = {
		{ "url", { .url = "http://127.0.0.1:1/" } },
		{ "secret_file", { .secret_file = "/nonexistent" } },
		{ "format", { .format = LS_FORMAT_SLACK } },
		{ "events", { .events = 1U << LS_EVENT_FREEZE } },
		{ "digest_ms", { .digest_ms = WORLD_MINUTE } },
	};
	const struct ls_webhook before = conf;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct ls_webhook *change = &rows[i].change;
		char was[HOOK_FINGERPRINT_TEXT], is[HOOK_FINGERPRINT_TEXT];

		conf = before;
		load_conf();
		ops()->gone = true;
		hook_fingerprint(ops(), was);
		load_conf();
		hook_fingerprint(ops(), is);
		check("the same policy again", ops()->gone, true);
		check_text(rows[i].row, is, was);
		if (change->url[0] != '\0')
			memcpy(conf.url, change->url, sizeof(conf.url));
		if (change->secret_file[0] != '\0')
			memcpy(conf.secret_file, change->secret_file,
			       sizeof(conf.secret_file));
		conf.format = change->format ? change->format : conf.format;
		conf.events = change->events ? change->events : conf.events;
		conf.digest_ms = change->digest_ms;
		load_conf();
		hook_fingerprint(ops(), is);
		check(rows[i].row, ops()->gone, false);
		check(rows[i].row, strcmp(is, was) != 0, true);
	}
}

/* What it has gathered is not lost by that, but with the webhook. */
static void test_what_stays(void **state)
{
	const struct ls_record record = { .number = 1, .event = LS_EVENT_LOCK };
	struct event_clock clock = clock_now();
	struct hook *hook = ops();

	(void)state;
	digest_add(&hook->digest, LS_JOURNAL_GUARD, &record, NULL, &clock);
	conf.digest_ms = WORLD_HOUR;
	load_conf();
	assert_ptr_equal(ops(), hook);
	check("gathered", hook->digest.count, 1);
	strcpy(conf.name, "other");
	load_conf();
	assert_null(ops());
	check("gathered by the other", hooks.first->digest.count, 0);
}

static void test_secret_is_missing(void **state)
{
	(void)state;
	put(ID_A);
	assert_int_equal(unlink(conf.secret_file), 0);
	hooks_read_files(&hooks, delivery);
	check("off", deliver("200 OK"), false);
	write_secret("secret", SECRET_NEW);
	hooks_read_files(&hooks, delivery);
	check("on", deliver("200 OK"), true);
	check("signed", is_signed(SECRET_NEW), true);
}

static const struct CMUnitTest tests[] = {
	POST_TEST(test_only_the_secret_changes),
	POST_TEST(test_what_makes_it_another),
	POST_TEST(test_what_stays),
	POST_TEST(test_secret_is_missing),
};
POST_MAIN(tests)
