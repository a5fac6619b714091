/* tally.c - see tally.h: a hash table with linear probing */
#include "lockstep-config.h"

#include "verbs/list.h"
#include "verbs/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: names come from strangers, but who makes them meet in one bucket only
 * slows down a screen. */
static size_t hash_name(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

/* Where the name is, or belongs. */
static size_t bucket_of(const struct tally *tally, const char *name)
{
	size_t at = hash_name(name) & (tally->buckets - 1);

	while (tally->bucket[at] != 0 &&
	       strcmp(tally->row[tally->bucket[at] - 1].name, name) != 0)
		at = (at + 1) & (tally->buckets - 1);
	return at;
}

/* Twice the room, once it is half full. */
static void grow_tally(struct tally *tally)
{
	if (2 * (tally->count + 1) <= tally->buckets)
		return;
	tally->buckets = tally->buckets == 0 ? 256 : 2 * tally->buckets;
	free(tally->bucket);
	tally->bucket = calloc(tally->buckets, sizeof(*tally->bucket));
	if (tally->bucket == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	for (size_t i = 0; i < tally->count; i++)
		tally->bucket[bucket_of(tally, tally->row[i].name)] =
			(uint32_t)(i + 1);
}

void tally_count(struct tally *tally, const char *name,
		 const struct ls_record *record)
{
	struct tally_row *row;
	size_t at;

	grow_tally(tally);
	at = bucket_of(tally, name);
	if (tally->bucket[at] == 0) {
		tally->row = list_grow(tally->row, tally->count, &tally->room,
				       sizeof(*tally->row));
		row = &tally->row[tally->count++];
		memset(row, 0, sizeof(*row));
		snprintf(row->name, sizeof(row->name), "%s", name);
		tally->bucket[at] = (uint32_t)tally->count;
	}
	row = &tally->row[tally->bucket[at] - 1];
	row->last_ms = record->at_ms;
	if (record->verdict == LS_DENY)
		row->refused += UINT64_C(1) + record->untold;
	else if (record->outcome == LS_OUTCOME_SUCCESS)
		row->success += UINT64_C(1) + record->untold;
	else if (ls_outcome_is_wrong(record->outcome))
		row->wrong += UINT64_C(1) + record->untold;
}

static int is_more(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int is_later_row(const struct tally_row *a, const struct tally_row *b)
{
	int64_t ahead = (int64_t)(a->last_ms - b->last_ms);

	return (ahead < 0) - (ahead > 0);
}

static int by_wrong(const void *a_row, const void *b_row)
{
	const struct tally_row *a = a_row, *b = b_row;
	int order = is_more(a->wrong, b->wrong);

	return order != 0 ? order : is_more(a->refused, b->refused);
}

static int by_refused(const void *a_row, const void *b_row)
{
	const struct tally_row *a = a_row, *b = b_row;
	int order = is_more(a->refused, b->refused);

	return order != 0 ? order : is_more(a->wrong, b->wrong);
}

static int by_last(const void *a_row, const void *b_row)
{
	return is_later_row(a_row, b_row);
}

void tally_sort(struct tally *tally, enum tally_by by)
{
	static int (*const orders[])(const void *, const void *) = {
		by_wrong, by_refused, by_last
	};

	if (tally->count > 0)
		qsort(tally->row, tally->count, sizeof(*tally->row),
		      orders[by]);
}

void tally_clear(struct tally *tally)
{
	tally->count = 0;
	if (tally->buckets > 0)
		memset(tally->bucket, 0,
		       tally->buckets * sizeof(*tally->bucket));
}

void tally_free(struct tally *tally)
{
	free(tally->row);
	free(tally->bucket);
	memset(tally, 0, sizeof(*tally));
}
