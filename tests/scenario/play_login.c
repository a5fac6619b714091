/* play_login.c - statements of logins: asked, verified by the passdb, settled
 */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

/* joe from 192.0.2.1 with sesame by imap using PLAIN: admit, familiar */
struct login {
	struct ls_attempt attempt;
	const char *password; /* what the client knows, seen or not */
	const char *then;     /* an outcome that no password has */
	unsigned want;        /* words from here on; 0: none */
	bool uncounted;       /* by `verified` and the like */
};

static bool is_seen(const char *mech)
{
	return strcmp(mech, "PLAIN") == 0 || strcmp(mech, "LOGIN") == 0;
}

/* A clause of two words. Returns false when there is none at i. */
static bool read_clause(const struct player *player, unsigned i,
			struct login *login)
{
	const struct {
		const char *word, **to;
	} clauses[] = {
		{ "with", &login->password },
		{ "by", &login->attempt.service },
		{ "using", &login->attempt.mech },
		{ "for", &login->attempt.target },
		{ "then", &login->then },
	};

	for (size_t c = 0; c < COUNT(clauses); c++)
		if (player_is(player, i, clauses[c].word)) {
			*clauses[c].to = player_word(player, i + 1);
			return true;
		}
	return false;
}

static struct login read_login(const struct player *player, unsigned i)
{
	struct login login = { .attempt = { .service = "imap",
					    .mech = "PLAIN",
					    .secured = true },
			       .password = "" };

	login.attempt.user = player_word(player, i);
	if (!player_is(player, i + 1, "from"))
		player_reject(player, "no \"from\" after", player->word[i]);
	login.attempt.ip = player_addr(player, i + 2);
	i += 3;
	while (i < player->words && !player_is(player, i, ":")) {
		if (player_is(player, i, "unsecured")) {
			login.attempt.secured = false;
			i++;
		} else if (player_is(player, i, "uncounted")) {
			login.uncounted = true;
			i++;
		} else if (read_clause(player, i, &login)) {
			i += 2;
		} else {
			player_reject(player, "no part of a login",
				      player->word[i]);
		}
	}
	if (i < player->words)
		login.want = i + 1;
	if (is_seen(login.attempt.mech))
		login.attempt.password = login.password;
	return login;
}

/* ---- the passdb ------------------------------------------------------- */

/* The account that a name means in the end. */
static struct player_account *final_of(struct player *player, const char *name)
{
	struct player_account *account = player_find_account(player, name);

	if (account == NULL || account->final[0] == '\0')
		return account;
	return player_find_account(player, account->final);
}

static enum ls_outcome outcome_named(const struct player *player,
				     const char *name)
{
	for (unsigned i = LS_OUTCOME_SUCCESS; i < LS_OUTCOME_COUNT; i++)
		if (strcmp(name, ls_outcome_name((enum ls_outcome)i)) == 0)
			return (enum ls_outcome)i;
	player_reject(player, "no outcome", name);
}

static enum ls_outcome verify(struct player *player, const struct login *login)
{
	const struct player_account *account =
		final_of(player, login->attempt.user);

	if (login->then != NULL)
		return outcome_named(player, login->then);
	return account != NULL &&
			       strcmp(account->password, login->password) == 0
		       ? LS_OUTCOME_SUCCESS
		       : LS_OUTCOME_WRONG;
}

static void settle(struct player *player, struct ls_ticket *ticket,
		   enum ls_outcome outcome)
{
	const struct player_account *account = final_of(player, ticket->user);

	if (outcome == LS_OUTCOME_SUCCESS && account != NULL)
		ls_ticket_final(ticket, account->name);
	ls_settle(player->world.state, ticket, outcome, player->world.now_ms);
}

/* ---- what is wanted --------------------------------------------------- */

static void describe(const struct ls_decision *decision,
		     enum ls_verdict verdict, char text_r[PLAYER_TEXT])
{
	int len = snprintf(text_r, PLAYER_TEXT, "%s", ls_verdict_name(verdict));

	if (verdict == LS_ADMIT)
		return;
	len += snprintf(text_r + len, PLAYER_TEXT - (size_t)len, " %s",
			ls_reason_name(decision->reason));
	if (decision->kind != LS_KIND_NONE)
		snprintf(text_r + len, PLAYER_TEXT - (size_t)len, " of %s",
			 ls_kind_name(decision->kind));
}

/* The words from *i to the next comma, which are skipped. */
static void take_part(const struct player *player, unsigned *i,
		      char text_r[PLAYER_TEXT])
{
	size_t len = 0;

	text_r[0] = '\0';
	for (; *i < player->words && !player_is(player, *i, ","); ++*i)
		len += (size_t)snprintf(text_r + len, PLAYER_TEXT - len, "%s%s",
					len > 0 ? " " : "", player->word[*i]);
	++*i;
}

/* Less may be wanted than is told: "deny failures" for "deny failures of ip".
 */
static bool begins(const char *got, const char *want)
{
	size_t len = strlen(want);

	return strncmp(got, want, len) == 0 &&
	       (got[len] == '\0' || got[len] == ' ');
}

static void want_part(const struct player *player,
		      const struct ls_decision *decision,
		      const struct ls_ticket *ticket, const char *part)
{
	char got[PLAYER_TEXT];
	uint64_t ms;

	if (strncmp(part, "for ", 4) == 0) {
		if (ls_duration_parse(part + 4, &ms) < 0)
			player_reject(player, "no duration", part + 4);
		player_want_time(player, "to wait", decision->retry_ms, ms);
	} else if (strncmp(part, "observed ", 9) == 0) {
		describe(decision, decision->wanted, got);
		if (!begins(got, part + 9))
			player_want(player, "observed", got, part + 9);
	} else if (strcmp(part, "unobserved") == 0) {
		player_want(player, "wanted", ls_verdict_name(decision->wanted),
			    ls_verdict_name(decision->verdict));
	} else if (strcmp(part, "revealed") == 0 ||
		   strcmp(part, "hidden") == 0) {
		player_want(player, "reason",
			    decision->reveal ? "revealed" : "hidden", part);
	} else if (ticket != NULL && (strcmp(part, "familiar") == 0 ||
				      strcmp(part, "stranger") == 0)) {
		player_want(player, "place",
			    ticket->familiar ? "familiar" : "stranger", part);
	} else if (ticket != NULL &&
		   (strcmp(part, "repeat") == 0 || strcmp(part, "new") == 0)) {
		player_want(player, "guess", ticket->repeat ? "repeat" : "new",
			    part);
	} else {
		player_reject(player, "cannot be wanted", part);
	}
}

void player_want_decision(const struct player *player, unsigned i,
			  const struct ls_decision *decision,
			  const struct ls_ticket *ticket)
{
	char part[PLAYER_TEXT], got[PLAYER_TEXT];

	if (i == 0)
		return;
	take_part(player, &i, part);
	describe(decision, decision->verdict, got);
	if (strcmp(part, "any") != 0 && !begins(got, part))
		player_want(player, "verdict", got, part);
	while (i < player->words) {
		take_part(player, &i, part);
		want_part(player, decision, ticket, part);
	}
}

/* ---- the statements --------------------------------------------------- */

static struct player_flight *find_flight(struct player *player,
					 const char *name)
{
	for (unsigned i = 0; i < PLAYER_TICKETS; i++)
		if (strcmp(player->flight[i].name, name) == 0)
			return &player->flight[i];
	player_reject(player, "no flight, or too many", name);
}

static void tally(struct player *player, enum ls_verdict verdict)
{
	player->admitted += verdict == LS_ADMIT;
	player->refused += verdict == LS_DENY;
	player->waiting += verdict == LS_WAIT;
}

/* `flight`: its name, if it is not to be settled at once. */
void player_login(struct player *player, unsigned at, const char *flight)
{
	struct login login = read_login(player, at);
	struct world *world = &player->world;
	struct ls_decision decision;
	struct ls_ticket ticket;

	ls_admit(world->state, &login.attempt, world->now_ms, &decision,
		 &ticket);
	if (!login.uncounted)
		tally(player, decision.verdict);
	if (ticket.open && flight != NULL) {
		struct player_flight *free = find_flight(player, "");

		snprintf(free->name, sizeof(free->name), "%s", flight);
		free->ticket = ticket;
		free->outcome = verify(player, &login);
	} else if (ticket.open) {
		settle(player, &ticket, verify(player, &login));
	}
	player_want_decision(player, login.want, &decision, &ticket);
}

/* begin A joe from 192.0.2.1 with sesame: admit */
static void play_begin(struct player *player)
{
	player_login(player, 2, player_word(player, 1));
}

static void land(struct player *player, struct player_flight *flight)
{
	enum ls_outcome outcome = flight->outcome;

	if (player->words > 2)
		outcome = outcome_named(player, player->word[2]);
	settle(player, &flight->ticket, outcome);
	flight->name[0] = '\0';
}

/* settle A; settle A internal; settle all abandoned */
static void play_settle(struct player *player)
{
	if (!player_is(player, 1, "all")) {
		land(player, find_flight(player, player_word(player, 1)));
		return;
	}
	for (unsigned i = 0; i < PLAYER_TICKETS; i++)
		if (player->flight[i].name[0] != '\0')
			land(player, &player->flight[i]);
}

static void play_count(struct player *player)
{
	player->admitted = player->refused = player->waiting = 0;
	player->held = 0;
}

/* verified 10; verified at most 75; refused 40; waiting 5: logins since
 * `count` */
static void play_verified(struct player *player)
{
	if (player_is(player, 1, "at") && player_is(player, 2, "most")) {
		if (player->admitted > player_number(player, 3))
			player_want_number(player, "verified", player->admitted,
					   player_number(player, 3));
		return;
	}
	player_want_number(player, "verified", player->admitted,
			   player_number(player, 1));
}

static void play_refused(struct player *player)
{
	player_want_number(player, "refused", player->refused,
			   player_number(player, 1));
}

static void play_waiting(struct player *player)
{
	player_want_number(player, "waiting", player->waiting,
			   player_number(player, 1));
}

const struct player_statement player_logins[] = {
	{ "begin", play_begin, false },
	{ "settle", play_settle, false },
	{ "count", play_count, true },
	{ "verified", play_verified, true },
	{ "refused", play_refused, true },
	{ "waiting", play_waiting, true },
	{ NULL, NULL, false },
};
