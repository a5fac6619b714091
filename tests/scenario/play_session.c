/* play_session.c - statements of mail sessions: opened, looked at, closed */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

static struct player_session *find_session(struct player *player,
					   const char *name)
{
	for (unsigned i = 0; i < PLAYER_SESSIONS; i++)
		if (strcmp(player->session[i].name, name) == 0)
			return &player->session[i];
	player_reject(player, "no session, or too many", name);
}

static struct ls_session_start start_of(const struct player_session *session)
{
	return (struct ls_session_start){ .service = session->service,
					  .user = session->user,
					  .ip = &session->ip,
					  .id = session->name };
}

/* open S joe from 192.0.2.1 by pop3 restored: deny sessions */
static void play_open(struct player *player)
{
	struct player_session *session = find_session(player, "");
	struct ls_session_start start;
	struct ls_decision decision;
	unsigned i = 5;
	bool restored;

	snprintf(session->user, PLAYER_WORD, "%s", player_word(player, 2));
	if (!player_is(player, 3, "from"))
		player_reject(player, "no \"from\" after", session->user);
	session->ip = player_addr(player, 4);
	snprintf(session->service, PLAYER_WORD, "imap");
	if (player_is(player, i, "by")) {
		snprintf(session->service, PLAYER_WORD, "%s",
			 player_word(player, i + 1));
		i += 2;
	}
	restored = player_is(player, i, "restored");
	i += restored;
	start = start_of(session);
	start.id = player_word(player, 1);
	start.restored = restored;
	player_want_number(player, "ls_session_open()",
			   (uint64_t)ls_session_open(player->world.state,
						     &start,
						     player->world.now_ms,
						     &session->session,
						     &decision),
			   0);
	if (session->session.open)
		snprintf(session->name, PLAYER_WORD, "%s", start.id);
	player_want_decision(player, player_is(player, i, ":") ? i + 1 : 0,
			     &decision, NULL);
}

/* close S */
static void play_close(struct player *player)
{
	struct player_session *session =
		find_session(player, player_word(player, 1));
	const struct ls_session_start start = start_of(session);

	ls_session_close(player->world.state, &start, &session->session,
			 LS_END_CLOSED, player->world.now_ms);
	session->name[0] = '\0';
}

/* revoked S admin; revoked S no */
static void play_revoked(struct player *player)
{
	struct player_session *session =
		find_session(player, player_word(player, 1));
	struct ls_decision decision;
	bool revoked = ls_session_is_revoked(
		player->world.state, &session->session, session->user,
		&session->ip, player->world.now_ms, &decision);

	player_want(player, "revoked",
		    revoked ? ls_reason_name(decision.reason) : "no",
		    player_word(player, 2));
}

/* live joe 2 */
static void play_live(struct player *player)
{
	player_want_number(player, "live",
			   ls_sessions_live(player->world.state,
					    player_word(player, 1)),
			   player_number(player, 2));
}

const struct player_statement player_sessions[] = {
	{ "open", play_open, false },
	{ "close", play_close, false },
	{ "revoked", play_revoked, false },
	{ "live", play_live, false },
	{ NULL, NULL, false },
};
