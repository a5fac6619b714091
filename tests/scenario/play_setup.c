/* play_setup.c - statements of the policy, as an administrator writes it, and
 * of the passdb */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

static void set(struct player *player, const char *section, unsigned i)
{
	char text[PLAYER_TEXT];

	player_word(player, i + 1);
	player_rest(player, i + 1, text);
	world_set(&player->world, section, player->word[i], text);
	player->stale = true;
}

/* set mode observe */
static void play_set(struct player *player)
{
	set(player, NULL, 1);
}

/* limit ip failures 3/10m, 0 */
static void play_limit(struct player *player)
{
	set(player, player_word(player, 1), 2);
}

/* no limits: for a scenario that is about one of them */
static void play_no(struct player *player)
{
	static const char *const fields[][2] = {
		{ "ip", "failures" },    { "ip", "accounts" },
		{ "net", "failures" },   { "net", "accounts" },
		{ "user", "failures" },  { "user", "places" },
		{ "place", "failures" }, { "place", "repeats" },
		{ "guess", "accounts" },  { "ip", "logins" },
		{ "user", "logins" },    { "user", "sessions" },
		{ "sending", "messages" }, { "sending", "recipients" },
		{ "sending", "senders" },  { "sending", "new-recipients" },
	};

	if (!player_is(player, 1, "limits"))
		player_reject(player, "no what", player_word(player, 1));
	for (size_t i = 0; i < COUNT(fields); i++)
		world_set(&player->world, fields[i][0], fields[i][1], "0");
	player->stale = true;
}

/* The words of a file live as long as the world; those with a counter in them
 * do not. A record holds all that a name overrides: here, one field. */
static void override(struct player *player, enum world_override_of of,
		     const char *name, const char *section, const char *field,
		     char *text)
{
	struct world *world = &player->world;

	for (unsigned i = 0; i < world->overrides; i++)
		if (world->override[i].of == of &&
		    strcmp(world->override[i].name, name) == 0)
			player_reject(player, "overridden twice", name);
	if (strchr(name, '%') != NULL)
		player_reject(player, "a counter", name);
	world_override(world, of, name, section, field, text);
	player->stale = true;
}

/* for net 192.0.2.0/24 limit ip failures 3/10m, 0
 * for user joe set reveal never */
static void play_for(struct player *player)
{
	static const char *const whose[] = { [WORLD_OF_NET] = "net",
					     [WORLD_OF_USER] = "user",
					     [WORLD_OF_DOMAIN] = "domain" };
	char *const *word = player->line->word;
	bool limit = player_is(player, 3, "limit");
	unsigned value = limit ? 6 : 5;
	static char texts[WORLD_OVERRIDES][PLAYER_TEXT];
	char *text;

	player_word(player, value);
	if (player->world.overrides == WORLD_OVERRIDES)
		player_reject(player, "too many", "for");
	text = texts[player->world.overrides];
	player_rest(player, value, text);
	for (unsigned of = 0; of < COUNT(whose); of++)
		if (player_is(player, 1, whose[of])) {
			override(player, (enum world_override_of)of, word[2],
				 limit ? word[4] : NULL,
				 limit ? word[5] : word[4], text);
			return;
		}
	player_reject(player, "for whom", word[1]);
}

/* trusted 192.0.2.0/24, denied 203.0.113.0/24 */
static void play_flag(struct player *player)
{
	static char on[] = "1";

	player_word(player, 1);
	override(player, WORLD_OF_NET, player->line->word[1], NULL,
		 player->line->word[0], on);
}

static struct player_account *account_of(struct player *player,
					 const char *name)
{
	struct player_account *account = player_find_account(player, name);

	if (account != NULL)
		return account;
	if (player->accounts == PLAYER_ACCOUNTS)
		player_reject(player, "too many accounts", name);
	account = &player->account[player->accounts++];
	snprintf(account->name, sizeof(account->name), "%s", name);
	return account;
}

/* account joe password sesame: new, or changed */
static void play_account(struct player *player)
{
	struct player_account *account =
		account_of(player, player_word(player, 1));

	if (!player_is(player, 2, "password"))
		player_reject(player, "no \"password\" after", player->word[1]);
	account->final[0] = '\0';
	snprintf(account->password, sizeof(account->password), "%s",
		 player_word(player, 3));
}

/* alias j.doe is joe: from now on its password is joe's */
static void play_alias(struct player *player)
{
	struct player_account *account =
		account_of(player, player_word(player, 1));

	if (!player_is(player, 2, "is"))
		player_reject(player, "no \"is\" after", player->word[1]);
	snprintf(account->final, sizeof(account->final), "%s",
		 player_word(player, 3));
}

const struct player_statement player_setup[] = {
	{ "set", play_set, true },
	{ "limit", play_limit, true },
	{ "no", play_no, true },
	{ "for", play_for, true },
	{ "trusted", play_flag, true },
	{ "denied", play_flag, true },
	{ "account", play_account, true },
	{ "alias", play_alias, true },
	{ NULL, NULL, false },
};
