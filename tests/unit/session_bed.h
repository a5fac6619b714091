/* session_bed.h - mail sessions begun and ended in a test's world */
#ifndef LS_SESSION_BED_H
#define LS_SESSION_BED_H

#include "harness.h"
#include "world.h"

#define HOME "192.0.2.1"
#define JOE "joe@example.test"
#define ANN "ann@example.test"
#define BOTH (LS_GUARD_WRITE | LS_SESSIONS_WRITE | LS_CREATE)
/* A mail process. */
#define MAIL (LS_GUARD_READ | LS_SESSIONS_WRITE)

static struct world world;
static struct ls_addr home;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	home = world_addr(HOME);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct ls_session_start start_of(const char *user)
{
	return (struct ls_session_start){
		.service = "imap", .user = user, .ip = &home, .id = "id-1"
	};
}

static struct ls_decision begin(struct ls_state *state, const char *user,
				struct ls_session *session_r)
{
	const struct ls_session_start start = start_of(user);
	struct ls_decision decision;

	check("open",
	      ls_session_open(state, &start, world.now_ms, session_r,
			      &decision),
	      0);
	return decision;
}

static void end(struct ls_state *state, const char *user,
		struct ls_session *session)
{
	const struct ls_session_start start = start_of(user);

	ls_session_close(state, &start, session, LS_END_CLOSED, world.now_ms);
}

/* The last record of the sessions journal. */
static struct ls_record last_record(void)
{
	uint64_t head = ls_journal_head(world.state, LS_JOURNAL_SESSIONS);
	struct ls_cursor cursor = { .next = head - 1 };
	struct ls_record record;

	check("last",
	      ls_journal_next(world.state, LS_JOURNAL_SESSIONS, &cursor,
			      world.now_ms, &record),
	      1);
	return record;
}

#endif
