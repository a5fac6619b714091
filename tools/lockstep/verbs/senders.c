/* senders.c - see senders.h */
#include "lockstep-config.h"

#include "verbs/list.h"
#include "verbs/senders.h"

#include <stdlib.h>
#include <string.h>

void senders_gather(struct senders *senders, struct ls_state *state,
		    uint64_t now_ms)
{
	struct ls_sender sender;
	uint64_t cursor = 0;

	senders->count = 0;
	while (ls_sender_next(state, &cursor, now_ms, &sender) == 1) {
		senders->row = list_grow(senders->row, senders->count,
					 &senders->room, sizeof(*senders->row));
		senders->row[senders->count++] = sender;
	}
}

static int more(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_messages(const void *a_row, const void *b_row)
{
	const struct ls_sender *a = a_row, *b = b_row;
	int order = more(a->tried_messages, b->tried_messages);

	return order != 0 ? order : more(a->messages, b->messages);
}

static int by_recipients(const void *a_row, const void *b_row)
{
	const struct ls_sender *a = a_row, *b = b_row;
	int order = more(a->tried_recipients, b->tried_recipients);

	return order != 0 ? order : more(a->recipients, b->recipients);
}

static int by_full(const void *a_row, const void *b_row)
{
	const struct ls_sender *a = a_row, *b = b_row;
	int order = more(a->percent, b->percent);

	return order != 0 ? order : by_messages(a_row, b_row);
}

void senders_sort(struct senders *senders, enum senders_by by)
{
	static int (*const orders[])(const void *, const void *) = {
		by_messages, by_recipients, by_full
	};

	if (senders->count > 0)
		qsort(senders->row, senders->count, sizeof(*senders->row),
		      orders[by]);
}

void senders_free(struct senders *senders)
{
	free(senders->row);
	memset(senders, 0, sizeof(*senders));
}
