/* bench-journal.c - what appending to a journal takes */
#include "lockstep-config.h"

#include "cli.h"
#include "map/journal.h"
#include "verbs/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ROUNDS = 7, RECORDS = 65536, TIMES = 100000 };
enum { RING_SIZE = RECORDS * sizeof(struct ls_record_place) };

static void append_records(void *context, unsigned who, unsigned times)
{
	struct ls_record record = { .event = LS_EVENT_SESSION,
				    .at_ms = 86400000,
				    .service = "imap",
				    .detail = "AbCdEfGh/1234567" };

	snprintf(record.subject.user, sizeof(record.subject.user),
		 "user%u@example.com", who);
	for (unsigned i = 0; i < times; i++)
		ls_ring_append(context, &record);
}

void bench_journal(void)
{
	/* Shared with the second process, as a map is. */
	uint8_t *base = mmap(NULL, RING_SIZE + sizeof(uint64_t),
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ls_ring ring = {
		.place = (struct ls_record_place *)(void *)base,
		.records = RECORDS,
		.head = (_Atomic uint64_t *)(void *)(base + RING_SIZE),
	};
	double one[ROUNDS], two[ROUNDS];

	if (base == MAP_FAILED) {
		cli_complain("bench: out of memory");
		return;
	}
	append_records(&ring, 0, RECORDS); /* every page of it is there */
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t began = bench_ns();

		append_records(&ring, 0, TIMES);
		one[r] = (double)(bench_ns() - began) / (double)TIMES;
		two[r] = bench_two(&ring, TIMES, append_records);
	}
	munmap(base, RING_SIZE + sizeof(uint64_t));
	bench_report("journal_append_ns", "ns", bench_median(one, ROUNDS),
		     "floor_cache_miss_ns", "journal append");
	bench_report("journal_two_writers_per_s", "/s",
		     1e9 / bench_median(two, ROUNDS), NULL,
		     "journal appends of two processes");
}
