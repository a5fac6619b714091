/* list-sessions.c - lockstep list sessions */
#include "lockstep-config.h"

#include "print/columns.h"
#include "print/json.h"
#include "verbs/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sessions {
	struct ls_session_info *session;
	size_t count, room;
};

static void gather_sessions(struct ls_state *state, const struct filter *filter,
			    struct sessions *sessions)
{
	struct ls_session_info info;
	uint64_t cursor = 0;

	while (ls_session_next(state, &cursor, &info) == 1) {
		struct ls_subject who = { .net = { .addr = info.ip,
						   .bits = 128 } };

		memcpy(who.user, info.user, sizeof(who.user));
		if (!filter_subject(filter, &who) ||
		    !filter_time(filter, info.began_ms))
			continue;
		sessions->session =
			list_grow(sessions->session, sessions->count,
				  &sessions->room, sizeof(*sessions->session));
		sessions->session[sessions->count++] = info;
	}
}

static int by_began(const void *a_session, const void *b_session)
{
	const struct ls_session_info *a = a_session, *b = b_session;
	int64_t later = (int64_t)(a->began_ms - b->began_ms);

	return (later > 0) - (later < 0);
}

static void print_sessions_json(const struct ls_session_info *session)
{
	json_t *object = json_object();
	char ip[LS_ADDR_TEXT];

	json_put_text(object, "user", session->user);
	ls_addr_format(&session->ip, ip);
	json_put(object, "address", json_string(ip));
	json_put_text(object, "service", session->service);
	json_put_time(object, "since", session->began_ms);
	json_put_number(object, "pid", (uint64_t)session->pid);
	json_put_text(object, "session", session->id);
	json_line(object);
}

static void print_session(const struct columns *columns,
			  const struct ls_session_info *session)
{
	char user[4 * sizeof(session->user)], ip[LS_ADDR_TEXT], pid[16];
	char service[4 * sizeof(session->service)], since[CLI_TIME_TEXT];
	char id[4 * sizeof(session->id)];
	const char *const cells[] = { user, ip, service, since, pid, id };

	cli_escape(session->user, user, sizeof(user));
	ls_addr_format(&session->ip, ip);
	cli_escape(session->service, service, sizeof(service));
	cli_minute_format(session->began_ms, since);
	snprintf(pid, sizeof(pid), "%" PRIu32, session->pid);
	cli_escape(session->id, id, sizeof(id));
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_sessions(const struct sessions *sessions)
{
	static const struct column column[] = {
		{ .title = "ACCOUNT", .width = 19, .grows = true },
		{ .title = "FROM", .width = 15 },
		{ .title = "BY", .width = 6 },
		{ .title = "SINCE", .width = 12 },
		{ .title = "PID", .width = 7, .right = true },
		{ .title = "SESSION", .width = 16 },
	};
	struct columns columns;

	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (size_t i = 0; i < sessions->count; i++)
		print_session(&columns, &sessions->session[i]);
}

int list_sessions(const struct listing *listing)
{
	struct sessions sessions = { NULL, 0, 0 };
	struct ls_error error;
	struct ls_state *state =
		cli_open(listing->cli, LS_SESSIONS_READ, &error);

	/* Where no mail was read yet there is no map. */
	if (state == NULL && error.code != LS_ENOENT) {
		cli_cannot_open(listing->cli, &error);
		return CLI_FAILED;
	}
	if (state != NULL)
		gather_sessions(state, &listing->filter, &sessions);
	ls_close(&state);
	if (sessions.count > 0)
		qsort(sessions.session, sessions.count,
		      sizeof(*sessions.session), by_began);
	for (size_t i = 0; listing->json && i < sessions.count; i++)
		print_sessions_json(&sessions.session[i]);
	if (!listing->json && sessions.count == 0)
		puts("no such session is live");
	else if (!listing->json)
		print_sessions(&sessions);
	free(sessions.session);
	return CLI_DONE;
}
