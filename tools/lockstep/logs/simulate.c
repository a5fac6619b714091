/* simulate.c - see simulate.h */
#include "lockstep-config.h"

#include "logs/simulate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct simulation *sim;
	struct ls_state *state;
	enum simulate_passwords passwords;
};

/* ---- what would have been locked -------------------------------------- */

static struct sim_lock *simulated_lock(struct simulation *sim,
				       const struct ls_subject *subject)
{
	char text[LS_SUBJECT_TEXT + 2];
	uint32_t *number;

	ls_subject_format(subject, text + 1);
	text[0] = (char)('0' + subject->kind);
	number = keymap_put(&sim->lock_map, names_hash(text, strlen(text)),
			    UINT32_MAX);
	if (*number == UINT32_MAX) {
		*number = (uint32_t)sim->lock_count;
		if (sim->lock_count == sim->lock_room) {
			sim->lock_room =
				sim->lock_room > 0 ? 2 * sim->lock_room : 64;
			sim->locks = names_resize(sim->locks, sim->lock_room,
						  sizeof(*sim->locks));
		}
		memset(&sim->locks[sim->lock_count], 0, sizeof(*sim->locks));
		sim->locks[sim->lock_count++].subject = *subject;
	}
	return &sim->locks[*number];
}

static void note_lock(struct simulation *sim, const struct ls_record *record)
{
	struct sim_lock *lock = simulated_lock(sim, &record->subject);

	if (lock->locks++ == 0) {
		lock->first_ms = record->at_ms;
		lock->reason = record->reason;
	}
	lock->last_ms = record->at_ms;
	lock->until_ms = record->until_ms;
	if (record->until_ms > record->at_ms)
		lock->locked_ms += record->until_ms - record->at_ms;
}

static void read_simulated_journal(const struct run *run, uint64_t now_ms)
{
	struct ls_record record;

	while (ls_journal_next(run->state, LS_JOURNAL_GUARD, &run->sim->cursor,
			       now_ms, &record) == 1) {
		if (record.event == LS_EVENT_LOCK)
			note_lock(run->sim, &record);
		else if (record.event == LS_EVENT_SUSPICIOUS)
			run->sim->suspicious++;
	}
}

/* No name that a server takes begins so. */
#define NAMELESS "\x01"

const char *simulation_nameless(const char *user)
{
	return user[0] == NAMELESS[0] ? user + 1 : NULL;
}

/* The account's name, or one made up in made_up_r. */
static const char *simulated_user(const struct run *run,
				  const struct attempt *attempt,
				  char made_up_r[LS_ADDR_TEXT + 1])
{
	if (attempt->user != 0)
		return names_get(&run->sim->attempts->names, attempt->user);
	made_up_r[0] = NAMELESS[0];
	ls_addr_format(&attempt->ip, made_up_r + 1);
	return made_up_r;
}

/* The subject of this kind that an attempt belongs to. */
static struct ls_subject subject_of(const struct run *run,
				    const struct attempt *attempt,
				    const struct place *place,
				    enum ls_kind kind)
{
	char made_up[LS_ADDR_TEXT + 1];
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = kind;
	if (kind == LS_KIND_IP)
		subject.net = ls_prefix_of(&attempt->ip, 32, 64);
	if (kind == LS_KIND_NET || kind == LS_KIND_PLACE)
		subject.net = place->net;
	if (kind == LS_KIND_USER || kind == LS_KIND_PLACE)
		snprintf(subject.user, sizeof(subject.user), "%s",
			 simulated_user(run, attempt, made_up));
	return subject;
}

/* ---- which password --------------------------------------------------- */

enum { HOUR_MS = 3600000, PASSWORD = 64 };

static bool is_home(const struct place *place, uint64_t at_ms)
{
	return place->first_ms != 0 &&
	       (place->first_ms <= at_ms ||
		place->last_ms - place->first_ms >= HOUR_MS);
}

static bool is_repeat(const struct run *run, const struct attempt *attempt,
		      const struct place *place)
{
	if (attempt->sure)
		return attempt->repeat;
	return run->passwords == SIMULATE_SAME ||
	       (run->passwords == SIMULATE_STALE &&
		is_home(place, attempt->at_ms));
}

/* Each number is a wrong password of its own. */
static void choose_password(struct run *run, const struct attempt *attempt,
			    struct place *place, bool right,
			    char password[PASSWORD])
{
	if (right) {
		snprintf(password, PASSWORD, "right");
		return;
	}
	if (place->guess == 0 || !is_repeat(run, attempt, place))
		place->guess = ++run->sim->guesses;
	snprintf(password, PASSWORD, "wrong %" PRIu64, place->guess);
}

/* Mechanisms in which the server sees the password. */
static bool is_plain(const char *mech)
{
	return mech[0] == '\0' || strcmp(mech, "PLAIN") == 0 ||
	       strcmp(mech, "LOGIN") == 0 || strcmp(mech, "plain") == 0 ||
	       strcmp(mech, "login") == 0;
}

/* ---- an attempt ------------------------------------------------------- */

static void note_refusal(struct run *run, const struct attempt *attempt,
			 struct place *place,
			 const struct ls_decision *decision, bool right)
{
	struct simulation *sim = run->sim;

	if (right)
		sim->refused_right++;
	else
		sim->refused++;
	if (decision->reason < LS_REASON_COUNT)
		sim->by_reason[decision->reason]++;
	place->refused++;
	place->refused_right += right;
	if (place->refused_ms == 0)
		place->refused_ms = attempt->at_ms;
	if (decision->kind == LS_KIND_IP || decision->kind == LS_KIND_NET ||
	    decision->kind == LS_KIND_USER || decision->kind == LS_KIND_PLACE) {
		struct ls_subject subject =
			subject_of(run, attempt, place, decision->kind);

		simulated_lock(sim, &subject)->refused++;
	}
}

static void play_attempt(struct run *run, const struct attempt *attempt,
			 struct place *place, enum ls_outcome outcome)
{
	const struct names *names = &run->sim->attempts->names;
	bool right = outcome == LS_OUTCOME_SUCCESS;
	char password[PASSWORD], made_up[LS_ADDR_TEXT + 1];
	struct ls_attempt asked = {
		.service = names_get(names, attempt->service),
		.mech = names_get(names, attempt->mech),
		.user = simulated_user(run, attempt, made_up),
		.ip = attempt->ip,
		.secured = attempt->secured,
	};
	struct ls_decision decision;
	struct ls_ticket ticket;

	if (is_plain(asked.mech)) {
		choose_password(run, attempt, place, right, password);
		asked.password = password;
	}
	ls_admit(run->state, &asked, attempt->at_ms, &decision, &ticket);
	if (decision.verdict == LS_DENY) {
		note_refusal(run, attempt, place, &decision, right);
		return;
	}
	if (ls_outcome_is_wrong(outcome))
		run->sim->verified++;
	ls_settle(run->state, &ticket, outcome, attempt->at_ms);
	run->sim->repeats += ls_outcome_is_wrong(outcome) && ticket.repeat;
}

static void play_all(struct run *run, size_t i)
{
	struct simulation *sim = run->sim;
	const struct attempt *attempt = &sim->attempts->list[i];
	struct place *place = &sim->places.list[sim->places.of[i]];
	enum ls_outcome outcome = (enum ls_outcome)attempt->outcome;

	if (outcome == LS_OUTCOME_NONE)
		outcome = LS_OUTCOME_WRONG;
	for (unsigned n = 1; n < attempt->count; n++) {
		play_attempt(run, attempt, place, LS_OUTCOME_WRONG);
		read_simulated_journal(run,
				       attempt->at_ms); /* before it is full */
	}
	play_attempt(run, attempt, place, outcome);
	sim->failures += attempt->count - 1U;
	sim->successes += outcome == LS_OUTCOME_SUCCESS;
	sim->failures += ls_outcome_is_wrong(outcome);
	sim->others += outcome != LS_OUTCOME_SUCCESS &&
		       !ls_outcome_is_wrong(outcome);
	read_simulated_journal(run, attempt->at_ms);
}

/* ---- all of them ------------------------------------------------------ */

static int compare_locks(const void *one, const void *other)
{
	const struct sim_lock *a = one, *b = other;

	if (a->refused != b->refused)
		return a->refused < b->refused ? 1 : -1;
	if (a->first_ms != b->first_ms)
		return a->first_ms < b->first_ms ? -1 : 1;
	return 0;
}

/* What was refused and never locked (a full meter, TLS) is no lock. */
static void finish_locks(struct simulation *sim)
{
	size_t kept = 0;

	for (size_t i = 0; i < sim->lock_count; i++)
		if (sim->locks[i].locks > 0)
			sim->locks[kept++] = sim->locks[i];
	sim->lock_count = kept;
	if (kept > 0)
		qsort(sim->locks, kept, sizeof(*sim->locks), compare_locks);
	keymap_free(&sim->lock_map);
}

bool simulate(struct simulation *simulation_r, struct attempts *attempts,
	      struct ls_state *state, const struct ls_policy *policy,
	      enum simulate_passwords passwords, simulate_progress_fn *progress,
	      void *context)
{
	enum { STEPS = 16384 };
	struct simulation *sim = simulation_r;
	struct run run = { sim, state, passwords };
	bool going = true;

	memset(sim, 0, sizeof(*sim));
	sim->attempts = attempts;
	places_of(&sim->places, attempts, policy);
	if (attempts->count > 0) {
		sim->from_ms = attempts->list[0].at_ms;
		sim->to_ms = attempts->list[attempts->count - 1].at_ms;
	}
	for (size_t i = 0; i < attempts->count && going; i++) {
		play_all(&run, i);
		if (progress != NULL && i % STEPS == 0)
			going = progress(context, (double)i /
							  (double)attempts->count);
	}
	finish_locks(sim);
	return going;
}

void simulation_free(struct simulation *simulation)
{
	places_free(&simulation->places);
	keymap_free(&simulation->lock_map);
	free(simulation->locks);
	memset(simulation, 0, sizeof(*simulation));
}

bool simulation_is_hit(const struct place *place)
{
	return place->refused_right > 0 ||
	       (place->refused > 0 && place->last_ms >= place->refused_ms);
}
