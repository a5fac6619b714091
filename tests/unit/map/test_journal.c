/* test_journal.c - the ring: order, wrap, loss, and what killed writers leave
 */
#include "lockstep-config.h"

#include "harness.h"
#include "map/journal.h"

#include <stdlib.h>

static const uint64_t start = UINT64_C(34560000000); /* 400 days */

enum { RECORDS = 8 };

static struct ls_record_place place[RECORDS];
static _Atomic uint64_t head;
static const struct ls_ring ring = { place, RECORDS, &head };

static int setup(void **state)
{
	(void)state;
	memset(place, 0, sizeof(place));
	atomic_store(&head, 0);
	return 0;
}

static struct ls_record record_of(unsigned number)
{
	struct ls_record record;

	memset(&record, 0, sizeof(record));
	record.event = LS_EVENT_LOGIN;
	record.outcome = LS_OUTCOME_WRONG;
	record.at_ms = start + number;
	record.untold = 7 * number;
	snprintf(record.subject.user, sizeof(record.subject.user),
		 "user%u@example.com", number);
	return record;
}

static void append(unsigned number)
{
	struct ls_record record = record_of(number);

	ls_ring_append(&ring, &record);
}

/* The next record is that of this number. */
static void check_next(const char *row, struct ls_cursor *cursor,
		       uint64_t number)
{
	struct ls_record record, want = record_of((unsigned)number);

	memset(&record, 0xee, sizeof(record));
	check(row, ls_ring_next(&ring, cursor, start, &record), 1);
	check(row, record.number, number);
	check(row, record.at_ms, want.at_ms);
	check(row, record.untold, want.untold);
	check_text(row, record.subject.user, want.subject.user);
	check(row, cursor->next, number + 1);
}

static void check_none(const char *row, struct ls_cursor *cursor, uint64_t now)
{
	struct ls_record record;

	check(row, ls_ring_next(&ring, cursor, now, &record), 0);
}

static void test_order(void **state)
{
	struct ls_cursor cursor = { 0 }, late = { 0 };

	(void)state;
	check_none("empty", &cursor, start);
	for (unsigned i = 0; i < 5; i++) {
		append(i);
		check_next("one by one", &cursor, i);
		check_none("no more", &cursor, start + 99999);
	}
	for (unsigned i = 0; i < 5; i++)
		check_next("all of them", &late, i);
	check("lost", cursor.lost + late.lost, 0);
}

static void fill_text(char *to, size_t len, char with)
{
	memset(to, with, len);
	to[len] = '\0';
}

static void test_every_field(void **state)
{
	static const unsigned lengths[] = { 0, 1, 7, 8, 9, 15, 16, 253, 254 };
	/* Of what follows the name, words of three letters; as many of them as fit
	 * where both are longer than the place. */
	static const unsigned mores[] = { 0, 1, 8, 126, 127 };

	(void)state;
	for (size_t j = 0; j < COUNT(lengths) * COUNT(mores); j++) {
		size_t i = j / COUNT(mores);
		unsigned more = mores[j % COUNT(mores)];
		struct ls_cursor cursor = { 0 };
		struct ls_record got, want;

		setup(NULL);
		memset(place, 0xaa, sizeof(place)); /* what others left */
		atomic_store(&place[0].word[0], 0);
		memset(&want, 0, sizeof(want));
		want.at_ms = start;
		want.event = LS_EVENT_COUNT - 1;
		want.outcome = LS_OUTCOME_COUNT - 1;
		want.verdict = LS_DENY;
		want.wanted = LS_WAIT;
		want.reason = LS_REASON_COUNT - 1;
		want.origin = LS_ORIGIN_COUNT - 1;
		want.strikes = 15;
		want.until_ms = UINT64_MAX;
		want.subject.kind = LS_KIND_COUNT - 1;
		want.subject.net.bits = 128;
		memset(want.subject.net.addr.octet, 0x5a, 16);
		fill_text(want.subject.user, lengths[i], 'u');
		fill_text(want.service, LS_SERVICE_MAX, 's');
		fill_text(want.mech, LS_MECH_MAX, 'm');
		fill_text(want.detail, LS_DETAIL_MAX, 'd');
		fill_text(want.more, more, 'M');
		for (unsigned k = 3; k < more; k += 4)
			want.more[k] = ' ';
		ls_ring_append(&ring, &want);
		memset(&got, 0xee, sizeof(got));
		check("there", ls_ring_next(&ring, &cursor, start, &got), 1);
		check("at", got.at_ms, want.at_ms);
		check("event", got.event, want.event);
		check("outcome", got.outcome, want.outcome);
		check("verdict", got.verdict, want.verdict);
		check("wanted", got.wanted, want.wanted);
		check("reason", got.reason, want.reason);
		check("origin", got.origin, want.origin);
		check("strikes", got.strikes, want.strikes);
		check("until", got.until_ms, want.until_ms);
		check("kind", got.subject.kind, want.subject.kind);
		check("bits", got.subject.net.bits, 128);
		check("addr",
		      memcmp(&got.subject.net.addr, &want.subject.net.addr, 16),
		      0);
		check_text("user", got.subject.user, want.subject.user);
		check_text("service", got.service, want.service);
		check_text("mech", got.mech, want.mech);
		check_text("detail", got.detail, want.detail);
		if (lengths[i] + more > 256)
			want.more[lengths[i] == 253 ? 3 : 0] = '\0';
		check_text("more", got.more, want.more);
	}
}

static void test_wrap(void **state)
{
	struct ls_cursor cursor = { 0 }, follower = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3 * RECORDS + 3; i++) {
		append(i);
		check_next("follower", &follower, i);
	}
	check("follower", follower.lost, 0);
	/* One who comes late learns how many it missed, to the record. */
	for (unsigned i = 2 * RECORDS + 3; i < 3 * RECORDS + 3; i++)
		check_next("late", &cursor, i);
	check("late", cursor.lost, 2 * RECORDS + 3);
	check_none("late", &cursor, start);
}

static void test_lost_is_exact(void **state)
{
	struct ls_cursor cursor = { 0 };
	uint64_t seed = 5, read = 0, number = 0;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		struct ls_record record;

		for (uint64_t i = harness_random(&seed) % 20; i > 0; i--)
			append((unsigned)number++);
		for (uint64_t i = harness_random(&seed) % 10; i > 0; i--)
			if (ls_ring_next(&ring, &cursor, start, &record) == 1) {
				check("order", record.number,
				      read + cursor.lost);
				read++;
			}
	}
	while (cursor.next < number) {
		check_next("rest", &cursor, read + cursor.lost);
		read++;
	}
	check("all", read + cursor.lost, number);
	check_within("some", cursor.lost, 1, number - 1);
}

/* A writer took a number and was killed: a hole. */
static void test_hole(void **state)
{
	struct ls_cursor cursor = { 0 };

	(void)state;
	append(0);
	atomic_fetch_add(&head, 1); /* number 1 */
	check_next("before", &cursor, 0);
	/* Perhaps it is only slow: wait, as long as nothing follows. */
	check_none("wait", &cursor, start);
	check_none("wait", &cursor, start + 100000);
	append(2);
	check_none("a second", &cursor, start + 200000);
	check_none("a second", &cursor, start + 200999);
	check("not yet", cursor.lost, 0);
	{
		struct ls_record record;

		check("after it",
		      ls_ring_next(&ring, &cursor, start + 201000, &record), 1);
		check("number", record.number, 2);
	}
	check("lost", cursor.lost, 1);
	check("stuck", cursor.stuck_ms, 0);
	check_none("the end", &cursor, start + 201000);
}

/* The slow writer comes after all: nothing is lost. */
static void test_slow_writer(void **state)
{
	struct ls_cursor cursor = { 0 };

	(void)state;
	atomic_fetch_add(&head, 1); /* number 0 */
	append(1);
	check_none("wait", &cursor, start);
	atomic_store(&head, 0);
	append(0);
	atomic_store(&head, 2);
	check_next("it came", &cursor, 0);
	check_next("next", &cursor, 1);
	check("lost", cursor.lost, 0);
	check("stuck", cursor.stuck_ms, 0);
}

/* Many writers killed at once cost a second together, not one each: else a
 * reader would lag behind by the number of them. */
static void test_many_holes(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;

	(void)state;
	atomic_fetch_add(&head, RECORDS - 2);
	append(RECORDS - 2);
	append(RECORDS - 1);
	check_none("wait", &cursor, start);
	check("after a second",
	      ls_ring_next(&ring, &cursor, start + 1000, &record), 1);
	check("number", record.number, RECORDS - 2);
	check("lost", cursor.lost, RECORDS - 2);
}

/* Whatever word of a record is damaged: it is lost, and never delivered. */
static void test_torn(void **state)
{
	static char user[LS_USER_MAX + 1];
	struct ls_record torn = record_of(1);

	(void)state;
	fill_text(user, LS_USER_MAX, 'x');
	strcpy(torn.subject.user, user);
	for (unsigned word = 1; word < LS_RECORD_WORDS; word++)
		for (unsigned bit = 0; bit < 64; bit += 7) {
			struct ls_cursor cursor = { 0 };
			char row[32];

			snprintf(row, sizeof(row), "word %u bit %u", word, bit);
			setup(NULL);
			append(0);
			ls_ring_append(&ring, &torn);
			append(2);
			atomic_fetch_xor(&place[1].word[word], UINT64_C(1)
								       << bit);
			check_next(row, &cursor, 0);
			check_next(row, &cursor, 2);
			check(row, cursor.lost, 1);
		}
}

/* A writer that slept while the ring went round writes into a newer record. */
static void test_mixed(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record_place old;

	(void)state;
	append(0);
	memcpy(&old, &place[0], sizeof(old));
	for (unsigned i = 1; i < RECORDS + 2; i++)
		append(i);
	for (unsigned word = 4; word < 20; word++)
		atomic_store(&place[0].word[word],
			     atomic_load(&old.word[word]));
	for (unsigned i = 2; i < RECORDS; i++)
		check_next("before", &cursor, i);
	check("gone by then", cursor.lost, 2);
	check_next("after", &cursor, RECORDS + 1);
	check("lost", cursor.lost, 3);
	/* And when it writes the old number last: the same. */
	cursor = (struct ls_cursor){ .next = RECORDS };
	atomic_store(&place[0].word[0], 1);
	check_none("wait", &cursor, start);
	{
		struct ls_record record;

		check("after",
		      ls_ring_next(&ring, &cursor, start + 1000, &record), 1);
		check("number", record.number, RECORDS + 1);
	}
	check("lost", cursor.lost, 1);
}

static void test_hostile_head(void **state)
{
	static const uint64_t heads[] = {
		0, 1, 3, 1000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct ls_cursor cursor = { 0 };
		struct ls_record record;
		uint64_t now = start;
		int ret = 1;

		setup(NULL);
		for (unsigned j = 0; j < 5; j++)
			append(j);
		for (unsigned j = 0; j < 5; j++)
			check_next("before", &cursor, j);
		atomic_store(&head, heads[i]);
		/* It ends, soon, and the reader is at the head again. */
		for (unsigned j = 0; j < 4 * RECORDS; j++, now += 1000)
			ret = ls_ring_next(&ring, &cursor, now, &record);
		check("none", ret, 0);
		check_within("caught up", heads[i] - cursor.next, 0, 1);
	}
}

/* Enums from the map are in their ranges, or the record is none of ours. */
static void test_enums(void **state)
{
	(void)state;
	for (unsigned field = 0; field < 7; field++) {
		struct ls_cursor cursor = { 0 };
		struct ls_record record = record_of(0);

		setup(NULL);
		if (field == 0)
			record.event = (enum ls_event)LS_EVENT_COUNT;
		else if (field == 1)
			record.outcome = (enum ls_outcome)LS_OUTCOME_COUNT;
		else if (field == 2)
			record.verdict = (enum ls_verdict)LS_VERDICT_COUNT;
		else if (field == 3)
			record.wanted = (enum ls_verdict)LS_VERDICT_COUNT;
		else if (field == 4)
			record.reason = (enum ls_reason)LS_REASON_COUNT;
		else if (field == 5)
			record.origin = (enum ls_origin)LS_ORIGIN_COUNT;
		else
			record.subject.kind = (enum ls_kind)LS_KIND_COUNT;
		ls_ring_append(&ring, &record);
		append(1);
		check_next("out of range", &cursor, 1);
		check("lost", cursor.lost, 1);
	}
}

/* Random bytes, under any head: an answer, and strings that end. */
static void test_random(void **state)
{
	uint64_t seed = 17;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		struct ls_cursor cursor = { .next = harness_random(&seed) %
						    40 };
		struct ls_record record;

		for (unsigned i = 0; i < RECORDS; i++)
			append(i);
		atomic_store(&head, harness_random(&seed) % 40);
		for (unsigned i = 0; i < 3; i++) {
			uint64_t dice = harness_random(&seed);

			atomic_store(
				&place[dice % RECORDS]
					 .word[dice / 64 % LS_RECORD_WORDS],
				harness_random(&seed));
		}
		for (unsigned i = 0; i < 2 * RECORDS; i++)
			if (ls_ring_next(&ring, &cursor, start + i * 1000,
					 &record) == 1) {
				check_within("user",
					     strlen(record.subject.user), 0,
					     LS_USER_MAX);
				check_within("bits", record.subject.net.bits, 0,
					     128);
			}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_order),      TEST(test_every_field),
		TEST(test_wrap),       TEST(test_lost_is_exact),
		TEST(test_hole),       TEST(test_slow_writer),
		TEST(test_many_holes), TEST(test_torn),
		TEST(test_mixed),      TEST(test_hostile_head),
		TEST(test_enums),      TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
