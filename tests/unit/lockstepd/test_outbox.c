/* test_outbox.c - messages outlive the process, whatever is in the directory,
 * and neither their number nor their age is without end */
#include "lockstep-config.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "outbox/outbox.h"

#define ID(digit) "msg_" digit digit digit digit digit digit digit digit
#define FOUR(digit) digit digit digit digit
#define ID_A ID(FOUR("a"))
#define ID_B ID(FOUR("b"))
#define ID_C ID(FOUR("c"))
enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const struct event_clock start = {
	.now_ms = 5000,
	.real_ms = UINT64_C(1795313645123),
};

static char directory[64], policy[96], path[96];

static int make_directory(void **context)
{
	(void)context;
	snprintf(directory, sizeof(directory), "/tmp/test_outbox.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(policy, sizeof(policy), "%s/policy.cdb", directory);
	snprintf(path, sizeof(path), "%s/outbox", directory);
	return 0;
}

/* Calls `visit` (NULL: none) with the path of each file; returns how many. */
static unsigned each_file(void (*visit)(const char *file))
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;
	char file[400];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (visit != NULL)
			visit(file);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static void unlink_file(const char *file)
{
	unlink(file);
}

static int remove_directory(void **context)
{
	(void)context;
	each_file(unlink_file);
	rmdir(path);
	return rmdir(directory);
}

static struct event_clock later(uint64_t ms)
{
	return (struct event_clock){ .now_ms = start.now_ms + ms,
				     .real_ms = start.real_ms + ms };
}

static struct outbox *attach(const struct event_clock *clock)
{
	struct outbox *outbox = outbox_new(policy);
	struct ls_error error;

	if (outbox_attach(outbox, clock, &error) != 1)
		fail_msg("%s", error.text);
	assert_int_equal(outbox_attach(outbox, clock, &error), 0);
	return outbox;
}

static void put(struct outbox *outbox, const char *hook, const char *id,
		const char *body, const struct event_clock *clock)
{
	outbox_put(outbox, hook, id, strdup(body), clock);
}

static void write_file(const char *name, const char *text)
{
	char file[400];
	FILE *out;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	out = fopen(file, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void check_mode(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_restart(void **context)
{
	struct event_clock after = later(60000);
	struct outbox *outbox = attach(&start);
	struct message *message;
	struct stat st;

	(void)context;
	put(outbox, "ops", ID_A, "{\"a\":\"\xc3\xa4\\n\"}", &start);
	put(outbox, "ops", ID_A, "the same id is the same message", &start);
	put(outbox, "other", ID_B, "{}", &start);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(each_file(check_mode), 2);
	outbox_free(&outbox);
	assert_null(outbox);

	outbox = attach(&after);
	assert_int_equal(outbox_count(outbox, NULL), 2);
	assert_int_equal(outbox_count(outbox, "ops"), 1);
	message = outbox_pick(outbox, "ops", after.now_ms);
	assert_non_null(message);
	assert_string_equal(message->id, ID_A);
	assert_string_equal(message->body, "{\"a\":\"\xc3\xa4\\n\"}");
	assert_int_equal(message->length, strlen(message->body));
	assert_int_equal(message->created_real_ms, start.real_ms);
	assert_int_equal(message->born_ms, start.now_ms);
	assert_int_equal(message->attempts, 0);
	outbox_remove(outbox, message);
	assert_null(outbox_pick(outbox, "ops", after.now_ms));
	assert_int_equal(each_file(NULL), 1);
	outbox_free(&outbox);
}

static void test_order(void **context)
{
	struct event_clock second = later(1000), third = later(2000);
	struct outbox *outbox = attach(&start);
	struct message *a, *b;

	(void)context;
	put(outbox, "ops", ID_A, "{}", &start);
	put(outbox, "ops", ID_B, "{}", &second);
	assert_null(outbox_pick(outbox, "ops", start.now_ms - 1));
	a = outbox_pick(outbox, "ops", third.now_ms);
	assert_string_equal(a->id, ID_A);
	a->busy = true;
	b = outbox_pick(outbox, "ops", third.now_ms);
	assert_string_equal(b->id, ID_B);
	a->busy = false;
	a->next_ms = third.now_ms + 10;
	b->next_ms = third.now_ms + 10;
	b->refused = true;
	assert_null(outbox_pick(outbox, "ops", third.now_ms));
	outbox_wake(outbox, "other", true, third.now_ms);
	assert_null(outbox_pick(outbox, "ops", third.now_ms));
	outbox_wake(outbox, "ops", false, third.now_ms);
	assert_ptr_equal(outbox_pick(outbox, "ops", third.now_ms), a);
	outbox_remove(outbox, a);
	assert_null(outbox_pick(outbox, "ops", third.now_ms));
	outbox_wake(outbox, "ops", true, third.now_ms);
	assert_ptr_equal(outbox_pick(outbox, "ops", third.now_ms), b);
	outbox_free(&outbox);
}

static void test_age(void **context)
{
	struct event_clock almost = later(3 * (uint64_t)DAY_MS);
	struct event_clock over = later(3 * (uint64_t)DAY_MS + 1);
	struct event_clock rebooted = {
		.now_ms = 10, .real_ms = over.real_ms
	};
	struct outbox *outbox = attach(&start);

	(void)context;
	put(outbox, "ops", ID_A, "{}", &start);
	outbox_upkeep(outbox, almost.now_ms);
	assert_int_equal(outbox_count(outbox, NULL), 1);
	put(outbox, "ops", ID_B, "{}", &almost);
	outbox_pick(outbox, "ops", almost.now_ms)->busy = true;
	outbox_upkeep(outbox, over.now_ms);
	assert_int_equal(outbox_count(outbox, NULL), 2);
	outbox_free(&outbox);

	/* the clock that counts from the start of the machine began anew */
	outbox = attach(&rebooted);
	assert_int_equal(outbox_count(outbox, NULL), 1);
	assert_int_equal(outbox_take_dropped(outbox), 1);
	assert_int_equal(outbox_take_dropped(outbox), 0);
	assert_string_equal(outbox_pick(outbox, "ops", 10)->id, ID_B);
	outbox_free(&outbox);
	assert_int_equal(each_file(NULL), 1);
}

static void test_full(void **context)
{
	struct outbox *outbox = attach(&start);
	struct message *first;
	char id[WEBHOOK_ID_TEXT];

	(void)context;
	for (unsigned i = 0; i < OUTBOX_MESSAGES_MAX + 5; i++) {
		struct event_clock clock = later(i);

		snprintf(id, sizeof(id), "msg_%032x", i);
		put(outbox, "ops", id, "{}", &clock);
		if (i == 0)
			outbox_pick(outbox, "ops", clock.now_ms)->busy = true;
	}
	assert_int_equal(outbox_count(outbox, NULL), OUTBOX_MESSAGES_MAX);
	assert_int_equal(each_file(NULL), OUTBOX_MESSAGES_MAX);
	assert_int_equal(outbox_take_dropped(outbox), 5);
	/* the one being posted stayed, the next oldest went */
	first = outbox_pick(outbox, "ops", start.now_ms + 2000);
	snprintf(id, sizeof(id), "msg_%032x", 6);
	assert_string_equal(first->id, id);
	assert_int_equal(outbox_failing(outbox, "ops"), 0);
	first->attempts = OUTBOX_TRIES;
	assert_int_equal(outbox_failing(outbox, "ops"), 1);
	assert_int_equal(outbox_failing(outbox, "other"), 0);
	outbox_free(&outbox);
	outbox = attach(&start);
	assert_int_equal(outbox_count(outbox, NULL), OUTBOX_MESSAGES_MAX);
	outbox_free(&outbox);
}

/* Of a flood of locks none pushes out what is graver, be it older or younger, in
 * a digest or alone; not across a restart either. */
static void test_full_of_locks(void **context)
{
	static const char *const graver[] = {
		"{\"type\":\"freeze\"}",
		"{\"type\":\"digest\",\"data\":{\"types\":{\"lock\":900,"
		"\"freeze\":1}}}",
		"{\"type\":\"suspicious\"}",
		"{\"type\":\"alarm\"}",
	};
	enum { GRAVER = sizeof(graver) / sizeof(graver[0]) };
	struct outbox *outbox = attach(&start);
	struct event_clock clock;
	char id[WEBHOOK_ID_TEXT];

	(void)context;
	for (unsigned i = 0; i < 2 * OUTBOX_MESSAGES_MAX; i++) {
		clock = later(i);
		snprintf(id, sizeof(id), "msg_%032x", i);
		put(outbox, "ops", id,
		    i % 500 == 250 ? graver[i / 500] : "{\"type\":\"lock\"}",
		    &clock);
	}
	assert_int_equal(outbox_take_dropped(outbox), OUTBOX_MESSAGES_MAX);
	outbox_free(&outbox);
	outbox = attach(&clock);
	assert_int_equal(outbox_count(outbox, NULL), OUTBOX_MESSAGES_MAX);
	for (unsigned i = 0; i < GRAVER; i++) {
		struct message *message =
			outbox_pick(outbox, "ops", clock.now_ms);

		assert_string_equal(message->body, graver[i]);
		outbox_remove(outbox, message);
	}
	/* All are graver than the one that comes: it goes itself. */
	for (unsigned i = 0; i < OUTBOX_MESSAGES_MAX + GRAVER; i++) {
		snprintf(id, sizeof(id), "msg_%032x", 5000 + i);
		put(outbox, "ops", id, graver[0], &clock);
	}
	outbox_take_dropped(outbox);
	put(outbox, "ops", ID_A, "{\"type\":\"lock\"}", &clock);
	assert_int_equal(outbox_take_dropped(outbox), 1);
	assert_int_equal(outbox_count(outbox, NULL), OUTBOX_MESSAGES_MAX);
	assert_int_equal(each_file(NULL), OUTBOX_MESSAGES_MAX);
	assert_string_equal(outbox_pick(outbox, "ops", clock.now_ms)->body,
			    graver[0]);
	outbox_free(&outbox);
}

/* Files that are none of ours stay; ours that are damaged go; nothing of it
 * keeps a good one from being loaded. */
static void test_garbage(void **context)
{
	static const struct {
		const char *id, *text;
	} bad[] = {
		{ ID(FOUR("0")), "" },
		{ ID(FOUR("1")), "{" },
		{ ID(FOUR("2")), "[]" },
		{ ID(FOUR("3")), "{\"webhook\":\"ops\",\"created_ms\":1}" },
		{ ID(FOUR("4")), "{\"webhook\":1,\"created_ms\":1,"
		  "\"body\":\"{}\"}" },
		{ ID(FOUR("5")), "{\"webhook\":\"ops\",\"created_ms\":-1,"
		  "\"body\":\"{}\"}" },
		{ ID(FOUR("6")), "{\"webhook\":\"ops\",\"created_ms\":1,"
		  "\"body\":\"\xff\"}" },
		{ ID(FOUR("7")), "{\"webhook\":\"" ID_A ID_A "\","
		  "\"created_ms\":1,\"body\":\"{}\"}" },
	};
	char huge[2 * WEBHOOK_BODY_MAX];
	struct outbox *outbox;

	(void)context;
	assert_int_equal(mkdir(path, 0755), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		write_file(bad[i].id, bad[i].text);
	snprintf(huge, sizeof(huge), "{\"webhook\":\"ops\",\"created_ms\":1,"
		 "\"body\":\"%0*d\"}", WEBHOOK_BODY_MAX + 1, 0);
	write_file(ID(FOUR("8")), huge);
	write_file(".new", "half a mess");
	write_file("notes", "an administrator's");
	write_file("msg_short", "{}");
	write_file(ID_C, "{\"webhook\":\"ops\",\"created_ms\":1795313640000,"
		   "\"body\":\"{}\"}");
	outbox = attach(&start);
	assert_int_equal(outbox_count(outbox, NULL), 1);
	assert_string_equal(outbox_pick(outbox, "ops", start.now_ms)->id,
			    ID_C);
	assert_int_equal(each_file(NULL), 3);
	outbox_free(&outbox);
}

static void test_lock(void **context)
{
	struct outbox *outbox = attach(&start), *second = outbox_new(policy);
	struct ls_error error;

	(void)context;
	assert_int_equal(outbox_attach(second, &start, &error), LS_EACCES);
	assert_non_null(strstr(error.text, "another lockstepd"));
	outbox_free(&outbox);
	assert_int_equal(outbox_attach(second, &start, &error), 1);
	outbox_free(&second);
}

/* Without its directory the outbox keeps messages in memory, and stores them as
 * soon as it can. */
static void test_no_directory(void **context)
{
	struct outbox *outbox = outbox_new(policy);
	struct ls_error error;
	char *text;

	(void)context;
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(outbox_attach(outbox, &start, &error), LS_ESYS);
	assert_non_null(strstr(error.text, path));
	put(outbox, "ops", ID_A, "{}", &start);
	assert_non_null(outbox_pick(outbox, "ops", start.now_ms));
	assert_int_equal(outbox_store(outbox, "cursor", "{}", false, &error),
			 LS_ENOENT);
	assert_int_equal(outbox_fetch(outbox, "cursor", &text, &error),
			 LS_ENOENT);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(outbox_attach(outbox, &start, &error), 1);
	assert_int_equal(each_file(NULL), 1);

	/* and when it is taken away while at work */
	each_file(unlink_file);
	assert_int_equal(rmdir(path), 0);
	put(outbox, "ops", ID_B, "{}", &start);
	assert_int_equal(outbox_count(outbox, "ops"), 2);
	assert_int_equal(outbox_attach(outbox, &start, &error), 1);
	assert_int_equal(each_file(NULL), 2);
	outbox_free(&outbox);
}

static void test_small_files(void **context)
{
	struct outbox *outbox = attach(&start);
	struct ls_error error;
	char *text;

	(void)context;
	assert_int_equal(outbox_fetch(outbox, "cursor", &text, &error),
			 LS_ENOENT);
	assert_int_equal(outbox_store(outbox, "cursor", "one", true, &error),
			 0);
	assert_int_equal(outbox_store(outbox, "cursor", "2", false, &error), 0);
	assert_int_equal(outbox_fetch(outbox, "cursor", &text, &error), 0);
	assert_string_equal(text, "2");
	free(text);
	assert_int_equal(each_file(NULL), 1);
	outbox_free(&outbox);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_restart),      TEST(test_order), TEST(test_age),
		TEST(test_full),         TEST(test_full_of_locks),
		TEST(test_garbage),      TEST(test_lock),
		TEST(test_no_directory), TEST(test_small_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
