/* test_contacts.c - the file of whom each account wrote to: its words, how it is
 * made and opened */
#include "lockstep-config.h"

#include "contacts_bed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is remembered -------------------------------------------------- */

static void test_knows(void **state)
{
	uint64_t room;

	(void)state;
	make(1024);
	check("nobody", knows(JOE, "a@x"), false);
	check("since", since(JOE), 0);
	add(JOE, "a@x", today);
	check("a", knows(JOE, "a@x"), true);
	check("A", knows(JOE, "A@X"), true);
	check("b", knows(JOE, "b@x"), false);
	check("another's", knows(ANN, "a@x"), false);
	check("since", since(JOE), today);
	add(JOE, "a@x", today + 3);
	add(JOE, "b@x", today + 3);
	check("since still", since(JOE), today);
	check("two", count_of(JOE), 2);
	check("three words", ls_contacts_used(&contacts, &room), 3);
	check("room", room, 1024);
}

static void test_fourteen_days(void **state)
{
	(void)state;
	make(1024);
	check("unknown", learnt(JOE, today), false);
	add(JOE, "a@x", today);
	check("the same day", learnt(JOE, today), false);
	check("13 days", learnt(JOE, today + 13), false);
	check("14 days", learnt(JOE, today + 14), true);
	check("a year", learnt(JOE, today + 365), true);
	check("ten years", learnt(JOE, today + 3653), true);
	/* A clock that was set back: it is learning. */
	check("yesterday", learnt(JOE, today - 1), false);
	check("ages ago", learnt(JOE, today - 5000), false);
	/* One that was ahead, and is right again: not until then. */
	add(ANN, "a@x", today + 3650);
	check("ahead", since(ANN), today + 3650);
	add(ANN, "b@x", today);
	check("right", since(ANN), today);
	check("14 days", learnt(ANN, today + 14), true);
}

/* By a clock that was not set yet: as if it had begun when it was. */
static void test_day_nought(void **state)
{
	(void)state;
	make(1024);
	add(JOE, "a@x", 0);
	add(JOE, "a@x", today);
	check("since", since(JOE), today);
	check("learnt", learnt(JOE, today + 14), true);
}

/* A file of many accounts holds nearly as many words as it has room for, before any
 * of them learns anew. */
static void test_fills_up(void **state)
{
	enum { ROOM = 65536, WORDS = ROOM * 80 / 100, ACCOUNTS = 500 };
	uint64_t room, used;
	unsigned known = 0;
	char user[40], name[40];

	(void)state;
	make_for_many(ROOM);
	for (unsigned i = 0; i < WORDS - ACCOUNTS; i++) {
		snprintf(user, sizeof(user), "u%u", i % ACCOUNTS);
		snprintf(name, sizeof(name), "p%u@example.net", i);
		add(user, name, today + i / 1000);
	}
	check("lost", atomic_load(&contacts.header->lost), 0);
	used = ls_contacts_used(&contacts, &room);
	check("room", room, ROOM);
	check("used", used, WORDS);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		known += learnt(user, today + 60);
	}
	check("known accounts", known, ACCOUNTS);
}

/* Ten thousand names, none forgotten, none taken for another. */
static void test_many(void **state)
{
	unsigned known = 0, strange = 0;

	(void)state;
	make_for_many(100000);
	for (unsigned i = 0; i < 10000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "p%u@example.net", i);
		add(i % 2 ? JOE : ANN, name, today);
	}
	for (unsigned i = 0; i < 10000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "p%u@example.net", i);
		known += knows(i % 2 ? JOE : ANN, name);
		strange += knows(i % 2 ? ANN : JOE, name);
	}
	check("known", known, 10000);
	check("strange", strange, 0);
	check("joe's", count_of(JOE), 5000);
	check("lost", contacts.header->lost, 0);
}

/* A full file gives up the oldest. Whose recent contact was lost learns anew; who
 * lost only what is older than a year does not notice. */
static void test_eviction(void **state)
{
	enum { CONTACTS = LS_CONTACT_WAYS - 1 };
	char name[40];

	(void)state;
	make_for_many(LS_CONTACT_WAYS); /* one bucket */
	for (unsigned i = 0; i < CONTACTS; i++) {
		snprintf(name, sizeof(name), "p%u@x", i);
		add(JOE, name, today + i);
	}
	check("all", count_of(JOE), CONTACTS);
	check("learnt", learnt(JOE, today + 500), true);
	/* The last word is the account's own. The first contact goes, unused for
	 * 500 days. */
	ls_contacts_add(&contacts, ls_contacts_account(&contacts, JOE),
			ls_contacts_key(&contacts, JOE, "new@x"), today + 500);
	check("the oldest", knows(JOE, "p0@x"), false);
	check("the next", knows(JOE, "p1@x"), true);
	check("the new one", knows(JOE, "new@x"), true);
	check("no harm", learnt(JOE, today + 500), true);
	check("idle", contacts.header->idle, 1);
	check("lost", contacts.header->lost, 0);
	/* Written to again, they are recent: one goes, and it learns anew. */
	for (unsigned i = 1; i < CONTACTS; i++) {
		snprintf(name, sizeof(name), "p%u@x", i);
		add(JOE, name, today + 501 + i);
	}
	add(JOE, "more@x", today + 600);
	check("lost", contacts.header->lost, 1);
	check("new@x", knows(JOE, "new@x"), false);
	check("anew", since(JOE), today + 600);
	check("learning", learnt(JOE, today + 613), false);
	check("learnt", learnt(JOE, today + 614), true);
}

/* Another account's flood can take an account's contacts, and then that account
 * is known to learn; its own word stays as long as there are contacts to give. */
static void test_flood(void **state)
{
	char name[40];

	(void)state;
	make_for_many(64);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "p%u@x", i);
		add(JOE, name, today);
	}
	check("learnt", learnt(JOE, today + 30), true);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f%u@x", i);
		add("thief@example.com", name, today + 30);
	}
	check("gone", count_of(JOE), 0);
	check("learning", learnt(JOE, today + 30), false);
	check("known of", since(JOE), today + 30);
	check("the thief too", learnt("thief@example.com", today + 30), false);
}

/* ---- making and opening --------------------------------------------------- */

static void test_outlives(void **state)
{
	struct ls_error error = { 0, "" };
	struct stat before, after;

	(void)state;
	make(1000);
	add(JOE, "a@x", today);
	check("size", contacts.size, 4096 + 63 * 128);
	stat(path, &before);
	check("as large", before.st_size, contacts.size);
	check("really there", (uint64_t)before.st_blocks * 512 >= contacts.size,
	      true);
	check("mode", before.st_mode & 07777, 0600);
	ls_contacts_close(&contacts);
	ls_contacts_close(&contacts); /* closed is closed */
	/* Another size is none of its business once it is there. */
	make(5000);
	stat(path, &after);
	check("the same file", after.st_ino, before.st_ino);
	check("a", knows(JOE, "a@x"), true);
	check("is at", ls_contacts_are_at(&contacts, world.dirfd), true);
	unlink(path);
	check("is gone", ls_contacts_are_at(&contacts, world.dirfd), false);
	ls_contacts_close(&contacts);
	check("none",
	      ls_contacts_open(world.dirfd, path, true, &contacts, &error),
	      LS_ENOENT);
	make(1000);
	check("another key", knows(JOE, "a@x"), false);
	check("nothing left over",
	      faccessat(world.dirfd, ".contacts.new", F_OK, 0), -1);
}

static void test_read_only(void **state)
{
	struct ls_contacts reader;
	struct ls_error error;

	(void)state;
	make(1000);
	add(JOE, "a@x", today);
	check("opens",
	      ls_contacts_open(world.dirfd, path, false, &reader, &error), 0);
	check("count",
	      ls_contacts_count(&reader, ls_contacts_account(&reader, JOE)),
	      1);
	ls_contacts_close(&reader);
	check("too many",
	      ls_contacts_create(world.dirfd, path, UINT64_MAX / 2, "", "",
				 &error),
	      0); /* it is there already */
	unlink(path);
	check("too many",
	      ls_contacts_create(world.dirfd, path, UINT64_MAX / 2, "", "",
				 &error),
	      LS_EARG);
}

/* Forty at once: one file, whole whenever it has its name. */
static void test_made_once(void **state)
{
	enum { MAKERS = 40 };
	pid_t child[MAKERS];
	unsigned whole = 0;
	int status;

	(void)state;
	for (unsigned i = 0; i < MAKERS; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			struct ls_error error = { 0, "" };
			int ret = ls_contacts_create(world.dirfd, path, 50000,
						     "", "", &error);

			if (ret == 0)
				ret = ls_contacts_open(world.dirfd, path, true,
						       &contacts, &error);
			/* Another may be at it. */
			_exit(ret == 0 || ret == LS_ENOENT ? 0 : 1);
		}
	}
	for (unsigned i = 0; i < MAKERS; i++) {
		waitpid(child[i], &status, 0);
		whole += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	check("all well", whole, MAKERS);
	make(50000);
	check("nothing left over",
	      faccessat(world.dirfd, ".contacts.new", F_OK, 0), -1);
}

/* What a maker left that was killed half-way is in nobody's way. */
static void test_killed_maker(void **state)
{
	int fd = openat(world.dirfd, ".contacts.new", O_RDWR | O_CREAT, 0600);

	(void)state;
	check("left over", write(fd, "half", 4), 4);
	close(fd);
	make(1000);
	add(JOE, "a@x", today);
	check("a", knows(JOE, "a@x"), true);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_knows),
		TEST(test_fourteen_days),
		TEST(test_day_nought),
		TEST(test_fills_up),
		TEST(test_many),
		TEST(test_eviction),
		TEST(test_flood),
		TEST(test_outlives),
		TEST(test_read_only),
		TEST(test_made_once),
		TEST(test_killed_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
