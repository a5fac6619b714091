/* test_contacts_damage.c - a file of contacts that is damaged, cut short or hostile */
#include "lockstep-config.h"

#include "contacts_bed.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- damage --------------------------------------------------------------- */

static void patch(off_t at, const void *bytes, size_t len)
{
	int fd = openat(world.dirfd, "contacts", O_WRONLY);

	check("patched", pwrite(fd, bytes, len, at), len);
	close(fd);
}

static void test_refused(void **state)
{
	static const struct {
		const char *row;
		off_t at;
		const char *bytes;
		size_t len;
		int ret;
	} rows[] = {
		{ "magic", 0, "x", 1, LS_EFORMAT },
		{ "version", 8, "\7", 1, LS_EVERSION },
		{ "size", 16, "\1", 1, LS_EFORMAT },
		{ "no buckets", 24, "\0\0\0\0\0\0\0\0", 8, LS_EFORMAT },
		{ "many buckets", 24, "\377\377\377\377\377\377\377\377", 8,
		  LS_EFORMAT },
		{ "key", 32, "key", 3, LS_EFORMAT },
		{ "check", 48, "check", 5, LS_EFORMAT },
	};
	struct ls_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unlink(path);
		make(1000);
		ls_contacts_close(&contacts);
		patch(rows[i].at, rows[i].bytes, rows[i].len);
		check(rows[i].row,
		      ls_contacts_open(world.dirfd, path, true, &contacts,
				       &error),
		      rows[i].ret);
		check_holds(rows[i].row, error.text, path);
	}
}

/* Whole in all else, it has less than the two lines of one bucket. */
static void test_few_lines(void **state)
{
	static const struct {
		uint64_t lines;
		int ret;
	} rows[] = { { 0, LS_EFORMAT }, { 1, LS_EFORMAT }, { 2, 0 } };
	struct ls_contacts_header header;
	struct ls_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unlink(path);
		make(1000);
		header = *contacts.header;
		ls_contacts_close(&contacts);
		header.lines = rows[i].lines;
		header.size = LS_CONTACTS_HEADER_SIZE +
			      header.lines * LS_CONTACT_LINE * sizeof(uint64_t);
		crypto_shorthash((unsigned char *)&header.check,
				 (const unsigned char *)&header,
				 offsetof(struct ls_contacts_header, check),
				 header.hash_key);
		patch(0, &header, sizeof(header));
		check("cut", truncate(path, (off_t)header.size), 0);
		check("lines",
		      ls_contacts_open(world.dirfd, path, true, &contacts,
				       &error),
		      rows[i].ret);
	}
}

static void test_lengths(void **state)
{
	struct ls_error error;
	off_t size;

	(void)state;
	make(100);
	size = (off_t)contacts.size;
	ls_contacts_close(&contacts);
	for (off_t length = 0; length < size; length += 61) {
		check("cut", truncate(path, length), 0);
		check("refused",
		      ls_contacts_open(world.dirfd, path, true, &contacts,
				       &error),
		      LS_EFORMAT);
		check_holds("why", error.text, "truncated");
		unlink(path);
		make(100);
		ls_contacts_close(&contacts);
	}
	check("longer", truncate(path, size + 1), 0);
	check("refused",
	      ls_contacts_open(world.dirfd, path, true, &contacts, &error),
	      LS_EFORMAT);
}

/* Cut short while it is in use: no crash, and it is known. */
static void test_cut_under_us(void **state)
{
	char name[40];

	(void)state;
	make(100000);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "p%u@x", i);
		add(JOE, name, today);
	}
	check("whole", ls_contacts_broken(&contacts), false);
	check("cut", truncate(path, 8192), 0);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "p%u@x", i);
		add(JOE, name, today + 1);
		knows(JOE, name);
	}
	check("broken", ls_contacts_broken(&contacts), true);
	count_of(JOE);
}

/* A hostile writer's words: whatever they are, no more than wrong answers. */
static void test_hostile(void **state)
{
	uint64_t seed = 3, room, used;
	char name[40];

	(void)state;
	make(256);
	for (unsigned round = 0; round < 300; round++) {
		for (uint64_t b = 0; b < contacts.buckets; b++)
			for (unsigned i = 0; i < LS_CONTACT_WAYS; i++) {
				uint64_t word = harness_random(&seed);

				if (round % 3 == 1) /* all own words */
					word |= UINT64_C(1) << 16;
				if (round % 3 == 2) /* of days to come */
					word |= 0xffff;
				contacts.bucket[b][i] = word;
			}
		memset(contacts.header, (int)round, 48); /* is not read again */
		for (unsigned i = 0; i < 50; i++) {
			snprintf(name, sizeof(name), "p%u@x", i);
			add(JOE, name, today);
			knows(JOE, name);
		}
		check("there", knows(JOE, name), true);
		check_within("count", count_of(JOE), 0, 256);
		used = ls_contacts_used(&contacts, &room);
		check_within("used", used, 0, room);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_few_lines),
		TEST(test_lengths),
		TEST(test_cut_under_us),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
