/* list-familiar.c - lockstep list familiar: places that strangers' locks spare */
#include "lockstep-config.h"

#include "orders.h"
#include "print/columns.h"
#include "print/json.h"
#include "verbs/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct found {
	const struct listing *listing;
	struct ls_place *place;
	size_t count, room;
};

static void note_familiar(void *context, const struct ls_place *place)
{
	struct found *found = context;

	if (!filter_time(&found->listing->filter, place->first_seen_ms))
		return;
	found->place = list_grow(found->place, found->count, &found->room,
				 sizeof(*found->place));
	found->place[found->count++] = *place;
}

/* By account, those without a name last; then by network. */
static int by_account(const void *a_place, const void *b_place)
{
	const struct ls_place *a = a_place, *b = b_place;
	int order = (a->user[0] == '\0') - (b->user[0] == '\0');

	if (order == 0)
		order = strcmp(a->user, b->user);
	return order != 0 ? order
			  : memcmp(a->net.addr.octet, b->net.addr.octet, 16);
}

static void print_familiar_json(const struct ls_place *place)
{
	json_t *object = json_object();
	char net[LS_PREFIX_TEXT];

	json_put_text(object, "user", place->user);
	if (place->placed) {
		ls_prefix_format(&place->net, net);
		json_put(object, "network", json_string(net));
	}
	if (place->first_seen_ms != 0)
		json_put_time(object, "first_seen", place->first_seen_ms);
	json_put_time(object, "until", place->until_ms);
	json_line(object);
}

static void print_place(const struct columns *columns,
			const struct ls_place *place)
{
	char user[4 * sizeof(place->user)], net[LS_PREFIX_TEXT] = "?";
	char since[CLI_TIME_TEXT] = "?", until[CLI_TIME_TEXT];
	const char *const cells[] = { user, net, since, until };

	cli_escape(place->user[0] != '\0' ? place->user : "?", user,
		   sizeof(user));
	if (place->placed)
		ls_prefix_format(&place->net, net);
	if (place->first_seen_ms != 0)
		cli_minute_format(place->first_seen_ms, since);
	cli_minute_format(place->until_ms, until);
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_all(const struct found *found)
{
	static const struct column column[] = {
		{ .title = "ACCOUNT", .width = 32, .grows = true },
		{ .title = "NETWORK", .width = 20 },
		{ .title = "FIRST SEEN", .width = 12 },
		{ .title = "UNTIL", .width = 12 },
	};
	struct columns columns;

	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (size_t i = 0; i < found->count; i++)
		print_place(&columns, &found->place[i]);
}

int list_familiar(const struct listing *listing)
{
	const struct filter *filter = &listing->filter;
	const struct ls_places_of of = {
		.user = filter->user,
		.net = filter->placed ? &filter->net : NULL,
	};
	struct ls_state *state = cli_open_to_read(listing->cli);
	struct found found = { .listing = listing };
	int ret;

	if (state == NULL)
		return CLI_FAILED;
	ret = ls_places(state, &of, cli_now_ms(), note_familiar, &found);
	ls_close(&state);
	if (ret < 0) {
		cli_complain("%s", cli_refusal(ret));
		return CLI_FAILED;
	}
	if (found.count > 0)
		qsort(found.place, found.count, sizeof(*found.place),
		      by_account);
	for (size_t i = 0; listing->json && i < found.count; i++)
		print_familiar_json(&found.place[i]);
	if (!listing->json && found.count == 0)
		puts("no such place is familiar");
	else if (!listing->json)
		print_all(&found);
	free(found.place);
	return CLI_DONE;
}
