/* play_admin.c - statements of an administrator, of the clocks, of connections
 * and restarts */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

#include <unistd.h>

static const char by[] = "tester";

/* lock ip 192.0.2.1 for 10m */
static void play_lock(struct player *player)
{
	struct world *world = &player->world;
	struct ls_subject subject;
	uint64_t key;
	unsigned i = 1 + player_subject(player, 1, &subject, &key);

	if (!player_is(player, i, "for"))
		player_reject(player, "for how long", player->word[i - 1]);
	player_want_number(player, "ls_lock",
			   (uint64_t)ls_lock(world->state, &subject,
					     player_duration(player, i + 1), by,
					     world->now_ms),
			   0);
}

/* fill 20000: locks on so many addresses; not all of them find room */
static void play_fill(struct player *player)
{
	struct world *world = &player->world;
	unsigned count = player_number(player, 1);

	for (unsigned i = 0; i < count; i++) {
		struct ls_subject subject =
			world_subject(LS_KIND_IP, NULL, "10.0.0.0");

		subject.net.addr.octet[14] = (uint8_t)(i >> 8);
		subject.net.addr.octet[15] = (uint8_t)i;
		ls_lock(world->state, &subject, WORLD_DAY, by, world->now_ms);
	}
}

/* unlock ip 192.0.2.1 */
static void play_unlock(struct player *player)
{
	struct world *world = &player->world;
	struct ls_subject subject;
	uint64_t key;

	player_subject(player, 1, &subject, &key);
	ls_unlock(world->state, &subject, by, world->now_ms);
}

/* freeze joe for 1d */
static void play_freeze(struct player *player)
{
	struct world *world = &player->world;

	if (!player_is(player, 2, "for"))
		player_reject(player, "for how long", player_word(player, 1));
	player_want_number(player, "ls_freeze",
			   (uint64_t)ls_freeze(world->state, player->word[1],
					       player_duration(player, 3),
					       LS_REASON_SENDING,
					       LS_ORIGIN_RULE, NULL,
					       world->now_ms),
			   0);
}

/* The networks, each followed by a space. */
static void note_forgotten(void *context, const struct ls_prefix *net)
{
	char text[LS_PREFIX_TEXT], *list = context;
	size_t len = strlen(list);

	ls_prefix_format(net, text);
	snprintf(list + len, PLAYER_TEXT - len, "%s ", text);
}

/* release joe: forgot nothing
 * release joe: forgot 192.0.2.0/24, 203.0.113.0/24 */
static void play_release(struct player *player)
{
	struct world *world = &player->world;
	char list[PLAYER_TEXT] = "";
	struct ls_release release;
	unsigned wanted = 0;

	ls_release(world->state, player_word(player, 1), false, by,
		   world->now_ms, note_forgotten, list, &release);
	if (player->words == 2)
		return;
	for (unsigned i = 4; i < player->words; i++) {
		char word[PLAYER_WORD + 2];

		if (player_is(player, i, ",") ||
		    player_is(player, i, "nothing"))
			continue;
		snprintf(word, sizeof(word), "%s ", player->word[i]);
		if (strstr(list, word) == NULL)
			player_want(player, "forgot", list, word);
		wanted++;
	}
	player_want_number(player, "forgotten", release.forgotten, wanted);
}

/* connect from 192.0.2.1: deny failures of ip */
static void play_connect(struct player *player)
{
	struct ls_addr addr = player_addr(player, 2);
	struct world *world = &player->world;
	struct ls_decision decision;
	char got[PLAYER_TEXT], wanted[PLAYER_TEXT];

	ls_connect(world->state, "submission", &addr, world->now_ms, &decision);
	if (decision.verdict == LS_ADMIT)
		snprintf(got, sizeof(got), "admit");
	else
		snprintf(got, sizeof(got), "deny %s of %s",
			 ls_reason_name(decision.reason),
			 ls_kind_name(decision.kind));
	player_rest(player, 4, wanted);
	player_want(player, "connection", got, wanted);
}

/* pass 10m */
static void play_pass(struct player *player)
{
	world_pass(&player->world, player_duration(player, 1));
}

/* clock boot ahead 1h; clock real back 1d: one alone */
static void play_clock(struct player *player)
{
	uint64_t *clock = player_is(player, 1, "boot") ? &player->world.now_ms
						       : &player->world.real_ms;
	uint64_t ms = player_duration(player, 3);

	*clock = player_is(player, 2, "back") ? *clock - ms : *clock + ms;
}

static void reopen(struct player *player)
{
	struct world *world = &player->world;
	struct ls_error error;

	ls_close(&world->state);
	if (world_join(world, PLAYER_FLAGS,
		       &world->state, &error) < 0)
		player_reject(player, "ls_open", error.text);
	player_want(player, "warning", error.text, "");
	/* What the old process had in flight is gone with it. */
	memset(player->flight, 0, sizeof(player->flight));
}

/* save: as lockstepd does every minute */
static void play_save(struct player *player)
{
	struct world *world = &player->world;
	struct ls_error error;

	if (ls_snapshot_save(world->state, world->now_ms, world->real_ms,
			     &error) < 0)
		player_reject(player, "ls_snapshot_save", error.text);
}

/* reboot after 1h: what is on tmpfs is gone, CLOCK_BOOTTIME begins anew
 * restart: the process that decides logins alone, killed and started */
static void play_reboot(struct player *player)
{
	struct world *world = &player->world;

	if (player->words > 1)
		world->real_ms += player_duration(player, 2);
	unlinkat(world->state_dirfd, "guard", 0);
	unlinkat(world->state_dirfd, "sessions", 0);
	unlinkat(world->state_dirfd, "secret", 0);
	world->now_ms = 30 * WORLD_SECOND;
	reopen(player);
	memset(&player->seen, 0, sizeof(player->seen));
}

const struct player_statement player_admin[] = {
	{ "lock", play_lock, false },       { "fill", play_fill, false },
	{ "unlock", play_unlock, false },   { "freeze", play_freeze, false },
	{ "release", play_release, false }, { "connect", play_connect, false },
	{ "pass", play_pass, false },       { "clock", play_clock, false },
	{ "save", play_save, false },       { "reboot", play_reboot, false },
	{ "restart", reopen, false },       { NULL, NULL, false },
};
