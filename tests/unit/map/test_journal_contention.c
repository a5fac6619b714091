/* test_journal_contention.c - many writers and a reader at once, in a small
 * ring
 *
 * Threads count, and the main thread checks once they have ended. */
#include "lockstep-config.h"

#include "harness.h"
#include "map/journal.h"

#include <pthread.h>

enum { ROUNDS = HARNESS_TSAN ? 2000 : 40000 };
enum { WRITERS = 7, RECORDS = 1024 };

static const uint64_t now = UINT64_C(34560000000); /* 400 days */

static struct ls_record_place place[RECORDS];
static _Atomic uint64_t head;
static const struct ls_ring ring = { place, RECORDS, &head };
static pthread_barrier_t barrier;
static _Atomic unsigned writing;
static uint64_t mixed_up, lost, delivered;

static void fill_record(struct ls_record *record, unsigned writer,
			unsigned number)
{
	memset(record, 0, sizeof(*record));
	record->event = LS_EVENT_LOGIN;
	record->until_ms = (uint64_t)writer << 32 | number;
	record->at_ms = record->until_ms * UINT64_C(0x9e3779b97f4a7c15);
	snprintf(record->detail, sizeof(record->detail), "%u-%u", writer,
		 number);
	/* Of any length, as the number says. */
	memset(record->subject.user, 'a' + (int)writer, number % 250);
}

static void take_record(const struct ls_record *got, unsigned next[WRITERS + 1])
{
	unsigned writer = (unsigned)(got->until_ms >> 32) % (WRITERS + 1);
	unsigned number = (unsigned)got->until_ms;
	struct ls_record want;

	fill_record(&want, writer, number);
	if (got->at_ms != want.at_ms || strcmp(got->detail, want.detail) != 0 ||
	    strcmp(got->subject.user, want.subject.user) != 0 ||
	    number < next[writer])
		mixed_up++;
	next[writer] = number + 1;
}

static void *read_all(void *context)
{
	struct ls_cursor cursor = { 0 };
	unsigned next[WRITERS + 1] = { 0 };
	struct ls_record got;
	uint64_t at = now, last = 0;

	(void)context;
	pthread_barrier_wait(&barrier);
	/* The clock stands while they write. */
	while (last == 0 || cursor.next < last) {
		if (last == 0 && atomic_load(&writing) == 0) {
			/* Behind it, nothing is waited for. */
			fill_record(&got, 0, 0);
			ls_ring_append(&ring, &got);
			last = atomic_load(&head);
		}
		/* A writer that slept while the ring went round has spoilt a
		 * newer record: that takes a second. */
		if (last != 0)
			at += 1000;
		if (ls_ring_next(&ring, &cursor, at, &got) != 1)
			continue;
		take_record(&got, next);
		delivered++;
	}
	lost = cursor.lost;
	return NULL;
}

static void *write_all(void *context)
{
	unsigned writer = *(unsigned *)context;

	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ls_record record;

		fill_record(&record, writer, i);
		ls_ring_append(&ring, &record);
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* Each record is read whole, or counted as lost. */
static void test_nothing_uncounted(void **state)
{
	pthread_t thread[WRITERS + 1];
	unsigned number[WRITERS];

	(void)state;
	atomic_store(&writing, WRITERS);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, WRITERS + 1), 0);
	assert_int_equal(pthread_create(&thread[WRITERS], NULL, read_all, NULL),
			 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		number[i] = i + 1;
		assert_int_equal(
			pthread_create(&thread[i], NULL, write_all, &number[i]),
			0);
	}
	for (unsigned i = 0; i <= WRITERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	pthread_barrier_destroy(&barrier);
	check("mixed", mixed_up, 0);
	check("read or counted as lost", delivered + lost,
	      WRITERS * ROUNDS + 1);
	check_within("read", delivered, 1, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
