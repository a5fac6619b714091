/* play_looks.c - statements that look: at locks, meters, places, the journal */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

#include <stdlib.h>

/* ---- slots ------------------------------------------------------------ */

static uint64_t word_at(const struct player *player,
			const struct ls_subject *subject, uint64_t key,
			unsigned word)
{
	struct ls_ref ref;

	return ls_table_find(&player->world.state->guard.subjects, key,
			     subject->kind, &ref) == 0
		       ? ls_slot_get(&ref, word)
		       : 0;
}

/* Told in a listing, as `lockstep list` prints it, with its name? */
static bool is_listed(const struct player *player,
		      const struct ls_subject *subject)
{
	const struct world *world = &player->world;
	char want[LS_SUBJECT_TEXT], got[LS_SUBJECT_TEXT];
	struct ls_lock lock;
	uint64_t cursor = 0;

	ls_subject_format(subject, want);
	while (ls_lock_next(world->state, &cursor, world->now_ms, &lock)) {
		ls_subject_format(&lock.subject, got);
		if (lock.named && !lock.freeze &&
		    lock.subject.kind == subject->kind &&
		    strcmp(got, want) == 0)
			return true;
	}
	return false;
}

/* ", for 10m, strikes 2, failures": what is wanted of a lock, from i on. */
static void want_lock(const struct player *player, unsigned i,
		      const struct ls_lock_word *lock)
{
	for (; i < player->words; i++) {
		if (player_is(player, i, ","))
			continue;
		if (player_is(player, i, "for")) {
			player_want_time(player, "locked for",
					 lock->until -
						 world_now(&player->world),
					 player_duration(player, ++i));
		} else if (player_is(player, i, "strikes")) {
			player_want_number(player, "strikes", lock->strikes,
					   player_number(player, ++i));
		} else {
			player_want(player, "reason",
				    ls_reason_name(lock->reason),
				    player->word[i]);
		}
	}
}

static void look_at_lock(const struct player *player, unsigned i, bool wanted)
{
	struct ls_subject subject;
	struct ls_lock_word lock;
	uint64_t key;
	bool locked;

	i += player_subject(player, i, &subject, &key);
	lock = ls_lock_unpack(word_at(player, &subject, key, LS_WORD_LOCK));
	locked = ls_lock_active(&lock, world_now(&player->world));
	player_want(player, ls_kind_name(subject.kind),
		    locked ? "locked" : "not locked",
		    wanted ? "locked" : "not locked");
	player_want(player, "in the listing",
		    is_listed(player, &subject) ? "locked" : "not locked",
		    wanted ? "locked" : "not locked");
	if (wanted)
		want_lock(player, i, &lock);
}

/* locked ip 192.0.2.1, for 10m, strikes 1, failures */
static void play_locked(struct player *player)
{
	look_at_lock(player, 1, true);
}

/* familiar joe from 192.0.2.0/24 */
static bool is_familiar(const struct player *player, unsigned i)
{
	const char *net = player_word(player, i + 2);

	if (!player_is(player, i + 1, "from"))
		player_reject(player, "no \"from\" before", net);
	return world_word(&player->world, LS_KIND_PLACE, player->word[i], net,
			  LS_WORD_FAMILIAR) > world_now(&player->world);
}

static void want_true(const struct player *player, const char *what, bool got,
		      bool wanted)
{
	player_want(player, what, got ? "yes" : "no", wanted ? "yes" : "no");
}

static void play_familiar(struct player *player)
{
	want_true(player, "familiar", is_familiar(player, 1), true);
}

static bool is_stamped(const struct player *player, unsigned i)
{
	struct ls_subject subject;
	uint64_t key;

	player_subject(player, i, &subject, &key);
	return word_at(player, &subject, key, LS_WORD_FAMILIAR) >
	       world_now(&player->world);
}

/* stamped ip 192.0.2.1 */
static void play_stamped(struct player *player)
{
	want_true(player, "stamped", is_stamped(player, 1), true);
}

static uint64_t probation_of(const struct player *player, unsigned i)
{
	uint64_t until =
		world_word(&player->world, LS_KIND_USER, player_word(player, i),
			   NULL, LS_WORD_PROBATION);
	uint64_t now = world_now(&player->world);

	return until > now ? until - now : 0;
}

/* probation joe for 7d */
static void play_probation(struct player *player)
{
	uint64_t left = probation_of(player, 1);

	want_true(player, "on probation", left > 0, true);
	if (player_is(player, 2, "for"))
		player_want_time(player, "on probation for", left,
				 player_duration(player, 3));
}

static bool is_frozen(const struct player *player, unsigned i)
{
	struct ls_decision decision;

	return ls_frozen(player->world.state, player_word(player, i), NULL,
			 player->world.now_ms, &decision);
}

/* frozen joe */
static void play_frozen(struct player *player)
{
	want_true(player, "frozen", is_frozen(player, 1), true);
}

/* not locked ip 192.0.2.1, and of all the above */
static void play_not(struct player *player)
{
	if (player_is(player, 1, "locked"))
		look_at_lock(player, 2, false);
	else if (player_is(player, 1, "familiar"))
		want_true(player, "familiar", is_familiar(player, 2), false);
	else if (player_is(player, 1, "stamped"))
		want_true(player, "stamped", is_stamped(player, 2), false);
	else if (player_is(player, 1, "probation"))
		want_true(player, "on probation", probation_of(player, 2) > 0,
			  false);
	else if (player_is(player, 1, "frozen"))
		want_true(player, "frozen", is_frozen(player, 2), false);
	else
		player_reject(player, "not what", player_word(player, 1));
}

/* ---- meters ----------------------------------------------------------- */

static const struct ls_limit *limit_of(const struct ls_policy *policy,
				       enum ls_kind kind, const char *meter,
				       unsigned *word_r)
{
	const struct {
		enum ls_kind kind;
		const char *meter;
		unsigned word;
		const struct ls_limit *limit;
	} meters[] = {
#define SPEEDS(kind, of, name, WORD)                                           \
	{ LS_KIND_##kind, name, LS_WORD_##WORD, &policy->of[LS_FAST] },        \
		{ LS_KIND_##kind, name "-slow", LS_WORD_##WORD##_SLOW,         \
		  &policy->of[LS_SLOW] }
		SPEEDS(IP, ip.failures, "failures", FAILURES),
		SPEEDS(NET, net.failures, "failures", FAILURES),
		SPEEDS(USER, user.failures, "failures", FAILURES),
		SPEEDS(PLACE, place.failures, "failures", FAILURES),
		SPEEDS(IP, ip.accounts, "accounts", ACCOUNTS),
		SPEEDS(NET, net.accounts, "accounts", ACCOUNTS),
		{ LS_KIND_GUESS, "accounts", LS_WORD_ACCOUNTS,
		  &policy->guess.accounts },
		{ LS_KIND_USER, "places", LS_WORD_PLACES,
		  &policy->user.places },
		{ LS_KIND_PLACE, "repeats", LS_WORD_REPEATS,
		  &policy->place.repeats },
		{ LS_KIND_USER, "logins", LS_WORD_LOGINS,
		  &policy->user.logins },
		{ LS_KIND_IP, "logins", LS_WORD_LOGINS, &policy->ip.logins },
	};

	for (size_t i = 0; i < COUNT(meters); i++)
		if (meters[i].kind == kind &&
		    strcmp(meters[i].meter, meter) == 0) {
			*word_r = meters[i].word;
			return meters[i].limit;
		}
	return NULL;
}

/* meter ip 192.0.2.1 failures 3: units in it, by the whole policy's limit */
static void play_meter(struct player *player)
{
	const struct world *world = &player->world;
	const struct ls_limit *limit;
	struct ls_subject subject;
	struct ls_rate rate;
	unsigned i, word = 0;
	uint64_t key;

	i = 1 + player_subject(player, 1, &subject, &key);
	limit = limit_of(&world->policy, subject.kind, player_word(player, i),
			 &word);
	if (limit == NULL)
		player_reject(player, "no such meter", player->word[i]);
	rate = ls_rate_of(limit);
	player_want_number(player, player->word[i],
			   ls_meter_level(word_at(player, &subject, key, word),
					  world_now(world), &rate),
			   player_number(player, i + 1));
}

/* ---- the journal ------------------------------------------------------ */

/* Does the record say this word? */
static bool says(const struct ls_record *record, const char *word)
{
	char net[LS_PREFIX_TEXT];
	const char *const words[] = {
		ls_kind_name(record->subject.kind),
		ls_reason_name(record->reason),
		ls_outcome_name(record->outcome),
		ls_verdict_name(record->verdict),
		ls_origin_name(record->origin),
		record->subject.user,
		net,
		record->service,
		record->mech,
		record->detail,
	};

	ls_prefix_format(&record->subject.net, net);
	if (strncmp(word, "wanted-", 7) == 0)
		return strcmp(word + 7, ls_verdict_name(record->wanted)) == 0;
	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Is it of the kind that word i names, and says all that follow? */
static bool fits(const struct player *player, unsigned i,
		 const struct ls_record *record)
{
	if (!player_is(player, i, ls_event_name(record->event)))
		return false;
	while (++i < player->words)
		if (!says(record, player->word[i]))
			return false;
	return true;
}

/* event login joe 192.0.2.1 imap wrong: after the one before it */
static void play_event(struct player *player)
{
	const struct world *world = &player->world;
	struct ls_record record;
	char text[PLAYER_TEXT];

	while (ls_journal_next(world->state, LS_JOURNAL_GUARD, &player->seen,
			       world->now_ms, &record) == 1)
		if (fits(player, 1, &record))
			return;
	player_rest(player, 1, text);
	player_reject(player, "no such event", text);
}

/* events 3 lock ip: in all of the journal */
static void play_events(struct player *player)
{
	const struct world *world = &player->world;
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	unsigned count = 0;

	while (ls_journal_next(world->state, LS_JOURNAL_GUARD, &cursor,
			       world->now_ms, &record) == 1)
		count += fits(player, 2, &record);
	player_want_number(player, "events", count, player_number(player, 1));
	player_want_number(player, "lost", cursor.lost, 0);
}

/* evicted locks 0: since the guard was made */
static void play_evicted(struct player *player)
{
	struct ls_map_header *header = player->world.state->guard.header;
	uint64_t locks = atomic_load(&header->subjects.evicted[LS_WORTH_LOCK]);
	uint64_t places =
		atomic_load(&header->subjects.evicted[LS_WORTH_FAMILIAR]);

	player_want_number(player, "evicted",
			   player_is(player, 1, "locks") ? locks : places,
			   player_number(player, 2));
}

const struct player_statement player_looks[] = {
	{ "locked", play_locked, false },
	{ "familiar", play_familiar, false },
	{ "stamped", play_stamped, false },
	{ "probation", play_probation, false },
	{ "frozen", play_frozen, false },
	{ "not", play_not, false },
	{ "meter", play_meter, false },
	{ "event", play_event, false },
	{ "events", play_events, false },
	{ "evicted", play_evicted, false },
	{ NULL, NULL, false },
};
