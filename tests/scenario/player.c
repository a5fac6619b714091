/* player.c - see player.h: the words of a line, loops, and which function plays
 * which statement */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

#include <stdlib.h>

/* ---- what went wrong -------------------------------------------------- */

static void say_where(const struct player *player)
{
	print_error("%s:%u: ", player->scenario->path, player->line->number);
	for (unsigned i = 0; i < player->loops; i++)
		print_error("%%%c = %u: ", "ij"[i], player -> loop[i].counter);
}

void player_reject(const struct player *player, const char *why,
		   const char *what)
{
	say_where(player);
	print_error("%s: \"%s\"\n", why, what);
	fail();
	abort(); /* not reached */
}

void player_want(const struct player *player, const char *what, const char *got,
		 const char *want)
{
	if (strcmp(got, want) == 0)
		return;
	say_where(player);
	print_error("%s: got %s, want %s\n", what, got, want);
	fail();
}

void player_want_number(const struct player *player, const char *what,
			uint64_t got, uint64_t want)
{
	char texts[2][32];

	snprintf(texts[0], sizeof(texts[0]), "%llu", (unsigned long long)got);
	snprintf(texts[1], sizeof(texts[1]), "%llu", (unsigned long long)want);
	player_want(player, what, texts[0], texts[1]);
}

void player_want_time(const struct player *player, const char *what,
		      uint64_t got_ms, uint64_t want_ms)
{
	char got[LS_DURATION_TEXT], want[LS_DURATION_TEXT];

	ls_duration_format(got_ms, got);
	ls_duration_format(want_ms, want);
	if (got_ms < want_ms || got_ms > want_ms + 999)
		player_want(player, what, got, want);
}

/* ---- words ------------------------------------------------------------ */

const char *player_word(const struct player *player, unsigned i)
{
	if (i >= player->words)
		player_reject(player, "a word is missing after",
			      player->word[player->words - 1]);
	return player->word[i];
}

bool player_is(const struct player *player, unsigned i, const char *word)
{
	return i < player->words && strcmp(player->word[i], word) == 0;
}

uint64_t player_duration(const struct player *player, unsigned i)
{
	uint64_t ms = 0;

	if (ls_duration_parse(player_word(player, i), &ms) < 0)
		player_reject(player, "no duration", player->word[i]);
	return ms;
}

unsigned player_number(const struct player *player, unsigned i)
{
	char *end;
	unsigned long number = strtoul(player_word(player, i), &end, 10);

	if (*end != '\0' || end == player->word[i])
		player_reject(player, "no number", player->word[i]);
	return (unsigned)number;
}

struct ls_addr player_addr(const struct player *player, unsigned i)
{
	struct ls_addr addr;

	if (ls_addr_parse(player_word(player, i), &addr) < 0)
		player_reject(player, "no address", player->word[i]);
	return addr;
}

void player_rest(const struct player *player, unsigned i,
		 char text_r[PLAYER_TEXT])
{
	size_t len = 0;

	text_r[0] = '\0';
	for (; i < player->words && len < PLAYER_TEXT; i++)
		len += (size_t)snprintf(text_r + len, PLAYER_TEXT - len, "%s%s",
					len > 0 ? " " : "", player->word[i]);
}

/* %i and %j are the counters of the outer and the inner loop; %h, %l and %x the
 * outer one's upper and lower byte, and all of it in hexadecimal: for
 * addresses. */
static void expand(const struct player *player, const char *word,
		   char room[PLAYER_WORD])
{
	unsigned i = player->loop[0].counter;
	size_t len = 0;

	for (; *word != '\0' && len + 12 < PLAYER_WORD; word++) {
		if (*word != '%') {
			room[len++] = *word;
			continue;
		}
		switch (*++word) {
		case 'i':
			len += (size_t)sprintf(room + len, "%u", i);
			break;
		case 'j':
			len += (size_t)sprintf(room + len, "%u",
					       player->loop[1].counter);
			break;
		case 'h':
			len += (size_t)sprintf(room + len, "%u", i / 256);
			break;
		case 'l':
			len += (size_t)sprintf(room + len, "%u", i % 256);
			break;
		case 'x':
			len += (size_t)sprintf(room + len, "%x", i);
			break;
		default:
			player_reject(player, "no such counter", word);
		}
	}
	if (*word != '\0')
		player_reject(player, "too long", word);
	room[len] = '\0';
}

static void take_words(struct player *player)
{
	const struct scenario_line *line = player->line;

	player->words = line->words;
	for (unsigned i = 0; i < line->words; i++) {
		player->word[i] = line->word[i];
		if (strchr(line->word[i], '%') == NULL)
			continue;
		expand(player, line->word[i], player->room[i]);
		player->word[i] = player->room[i];
	}
}

/* ---- subjects --------------------------------------------------------- */

static struct ls_prefix prefix_of(const struct player *player, unsigned i,
				  enum ls_kind kind)
{
	const struct ls_policy *policy = &player->world.policy;
	struct ls_prefix prefix;

	if (ls_prefix_parse(player_word(player, i), &prefix) < 0)
		player_reject(player, "no prefix", player->word[i]);
	return kind == LS_KIND_IP ? ls_prefix_of(&prefix.addr, 32, 64)
				  : ls_prefix_of(&prefix.addr,
						 (unsigned)policy->net.prefix4,
						 (unsigned)policy->net.prefix6);
}

static enum ls_kind kind_of(const struct player *player, unsigned i)
{
	const char *word = player_word(player, i);

	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_GUESS; kind++)
		if (strcmp(word, ls_kind_name((enum ls_kind)kind)) == 0)
			return (enum ls_kind)kind;
	player_reject(player, "no kind of subject", word);
}

unsigned player_subject(const struct player *player, unsigned i,
			struct ls_subject *subject_r, uint64_t *key_r)
{
	const struct ls_state *state = player->world.state;
	enum ls_kind kind = kind_of(player, i);

	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	if (kind == LS_KIND_GUESS) {
		*key_r = ls_secret_guess(&state->secret,
					 player_word(player, i + 1));
		return 2;
	}
	if (kind == LS_KIND_IP || kind == LS_KIND_NET)
		subject_r->net = prefix_of(player, i + 1, kind);
	else
		snprintf(subject_r->user, sizeof(subject_r->user), "%s",
			 player_word(player, i + 1));
	if (kind == LS_KIND_PLACE) {
		if (!player_is(player, i + 2, "from"))
			player_reject(player, "no \"from\" after",
				      player->word[i + 1]);
		subject_r->net = prefix_of(player, i + 3, kind);
	}
	*key_r = ls_key_subject(state->guard.hash_key, subject_r);
	return kind == LS_KIND_PLACE ? 4 : 2;
}

struct player_account *player_find_account(struct player *player,
					   const char *name)
{
	for (unsigned i = 0; i < player->accounts; i++)
		if (strcmp(player->account[i].name, name) == 0)
			return &player->account[i];
	return NULL;
}

/* ---- lines ------------------------------------------------------------ */

/* A policy that was changed is compiled, and taken over as a running process
 * does it. */
static void be_ready(struct player *player)
{
	struct world *world = &player->world;
	struct ls_error error;

	if (!player->opened) {
		world_open(world, PLAYER_FLAGS);
	} else if (player->stale) {
		world_compile(world);
		ls_policy_announce(world->state);
		player_want_number(player, "the new policy",
				   (uint64_t)ls_refresh(world->state,
							world->now_ms, &error),
				   1);
	}
	player->opened = true;
	player->stale = false;
}

static const struct player_statement *find(const char *name)
{
	static const struct player_statement *const tables[] = {
		player_setup, player_logins, player_sessions, player_messages,
		player_admin, player_looks
	};

	for (unsigned i = 0; i < COUNT(tables); i++)
		for (const struct player_statement *s = tables[i]; s->name; s++)
			if (strcmp(s->name, name) == 0)
				return s;
	return NULL;
}

static void play_line(struct player *player)
{
	const struct player_statement *statement = find(player->word[0]);

	if (statement == NULL && !player_is(player, 1, "from"))
		player_reject(player, "no such statement", player->word[0]);
	if (statement == NULL || !statement->early)
		be_ready(player);
	if (statement != NULL)
		statement->play(player);
	else
		player_login(player, 0, NULL);
}

/* Which line is next, after `repeat` or `end`. */
static unsigned turn(struct player *player, unsigned i)
{
	if (strcmp(player->word[0], "repeat") == 0) {
		player->loop[player->loops].line = i;
		player->loop[player->loops].times = player_number(player, 1);
		player->loop[player->loops].counter = 1;
		player->loops++;
		return i + 1;
	}
	if (player->loop[player->loops - 1].counter++ <
	    player->loop[player->loops - 1].times)
		return player->line->partner + 1;
	player->loops--;
	return i + 1;
}

void player_play(struct player *player, const struct scenario *scenario)
{
	unsigned i = 0;

	player->scenario = scenario;
	world_init(&player->world);
	world_set(&player->world, NULL, "journal-size", "8192");
	world_set(&player->world, NULL, "contacts", "16384");
	while (i < scenario->lines) {
		player->line = &scenario->line[i];
		take_words(player);
		if (strcmp(player->word[0], "repeat") == 0 ||
		    strcmp(player->word[0], "end") == 0) {
			i = turn(player, i);
		} else {
			play_line(player);
			i++;
		}
	}
	player->over = true;
}
