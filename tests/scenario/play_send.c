/* play_send.c - statements of messages: sent through Postfix, gathered, charged */
#include "lockstep-config.h"

#include "explain.h"
#include "harness.h"
#include "player.h"

#include <ctype.h>

/* send joe to a@x b@x as list@x size 5000 from 192.0.2.1 asked 3: admit */
struct sending {
	struct ls_message message;
	unsigned to, end; /* words of the recipients */
	unsigned asked;
	unsigned want; /* words from here on; 0: none */
};

static bool is_number(const char *word)
{
	for (; *word != '\0'; word++)
		if (!isdigit((unsigned char)*word))
			return false;
	return true;
}

/* A clause of two words. Returns false when there is none at i. */
static bool read_clause(const struct player *player, unsigned i,
			struct sending *sending)
{
	if (player_is(player, i, "as"))
		sending->message.sender = player_word(player, i + 1);
	else if (player_is(player, i, "size"))
		sending->message.size = player_number(player, i + 1);
	else if (player_is(player, i, "from"))
		sending->message.ip = player_addr(player, i + 1);
	else if (player_is(player, i, "asked"))
		sending->asked = player_number(player, i + 1);
	else
		return false;
	return true;
}

static struct sending read_sending(const struct player *player)
{
	const char *user = player_word(player, 1);
	struct sending sending = {
		.message = { .user = strcmp(user, "nobody") == 0 ? "" : user,
			     .sender = user,
			     .queue_id = "4Xyz",
			     .ip = world_addr("192.0.2.9"),
			     .size = 1000 },
		.asked = 1,
	};
	unsigned i = 3;

	if (!player_is(player, 2, "to"))
		player_reject(player, "no \"to\" after", user);
	sending.to = i;
	while (i < player->words && !player_is(player, i, ":")) {
		if (read_clause(player, i, &sending)) {
			i += 2;
			continue;
		}
		if (i != sending.to && i != sending.end)
			player_reject(player, "no part of a message",
				      player->word[i]);
		sending.end = ++i;
	}
	if (sending.end == 0)
		player_reject(player, "to whom", user);
	if (i < player->words)
		sending.want = i + 1;
	return sending;
}

static void gather(struct player *player, struct sending *sending,
		   const char *recipient)
{
	ls_gather(player->world.state, &player->gathered,
		  sending->message.instance, sending->message.user, recipient);
	sending->message.recipients++;
}

/* "a@x b@x", or "300 p": p-1@x to p-300@x. */
static void gather_all(struct player *player, struct sending *sending)
{
	const char *first = player->word[sending->to];

	if (sending->end == sending->to + 2 && is_number(first)) {
		unsigned count = player_number(player, sending->to);

		for (unsigned i = 1; i <= count; i++) {
			char name[PLAYER_WORD + 16];

			snprintf(name, sizeof(name), "%s-%u@x",
				 player->word[sending->to + 1], i);
			gather(player, sending, name);
		}
		return;
	}
	for (unsigned i = sending->to; i < sending->end; i++)
		gather(player, sending, player->word[i]);
}

static void play_send(struct player *player)
{
	struct sending sending = read_sending(player);
	struct world *world = &player->world;
	struct ls_decision decision, again;
	char instance[32];

	snprintf(instance, sizeof(instance), "%x.1", ++player->messages);
	sending.message.instance = instance;
	sending.message.gathered = &player->gathered;
	gather_all(player, &sending);
	ls_send(world->state, &sending.message, world->now_ms, world->real_ms,
		&decision);
	for (unsigned i = 1; i < sending.asked; i++) {
		ls_send(world->state, &sending.message, world->now_ms,
			world->real_ms, &again);
		player_want(player, "asked again",
			    ls_verdict_name(again.verdict),
			    ls_verdict_name(decision.verdict));
		player_want(player, "asked again", ls_reason_name(again.reason),
			    ls_reason_name(decision.reason));
	}
	player->admitted += decision.verdict == LS_ADMIT;
	player->refused += decision.verdict == LS_DENY;
	player->held += decision.verdict == LS_HOLD;
	player_want_decision(player, sending.want, &decision, NULL);
}

/* accepted 10, held 1: messages since `count` */
static void play_accepted(struct player *player)
{
	player_want_number(player, "accepted", player->admitted,
			   player_number(player, 1));
}

static void play_held(struct player *player)
{
	player_want_number(player, "held", player->held,
			   player_number(player, 1));
}

/* sent joe messages 10, sent joe attempted recipients 30 */
static void play_sent(struct player *player)
{
	const struct world *world = &player->world;
	bool attempted = player_is(player, 2, "attempted");
	const char *meter = player_word(player, attempted ? 3 : 2);
	struct ls_sending sending;

	ls_explain_sending(world->state, player_word(player, 1), world->now_ms,
			   world->real_ms, &sending);
	for (unsigned i = 0; i < sending.levels; i++) {
		const struct ls_level *level = &sending.level[i];

		if (level->attempted != attempted ||
		    strcmp(ls_reason_name(level->reason), meter) != 0)
			continue;
		player_want_number(player, meter, level->units,
				   player_number(player, attempted ? 4 : 3));
		return;
	}
	player_reject(player, "no such meter", meter);
}

const struct player_statement player_messages[] = {
	{ "send", play_send, false },
	{ "accepted", play_accepted, true },
	{ "held", play_held, true },
	{ "sent", play_sent, false },
	{ NULL, NULL, false },
};
