/* test_replay.c - a log tells of the attackers that the engine would catch
 *
 * A week of known people and attackers (week.h) is played to the engine as it
 * happens, with the passwords; then written down as a log, in each of Dovecot's
 * forms, read, and replayed. */
#include "lockstep-config.h"

#include "harness.h"
#include "logs/logclock.h"
#include "logs/simulate.h"
#include "week.h"
#include "world.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BEGINS_MS UINT64_C(1794787200000) /* 2026-11-16, a Monday */
enum { TIMES = 2, FOUND_MAX = 4096 };

static struct world world;
static struct week week;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, NULL, "subjects", "65536");
	world.now_ms = world.real_ms = BEGINS_MS;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
	week_make(&week, BEGINS_MS, TIMES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	week_free(&week);
	world_fini(&world);
	return 0;
}

/* ---- as it happens ---------------------------------------------------- */

/* What was locked: "ip 192.0.2.1", ... */
struct found {
	char (*subject)[LS_SUBJECT_TEXT + 8];
	size_t count;
	uint64_t refused_people;
};

static void form_subject(const struct ls_subject *subject,
			 char text[LS_SUBJECT_TEXT + 8])
{
	char name[LS_SUBJECT_TEXT];

	ls_subject_format(subject, name);
	snprintf(text, LS_SUBJECT_TEXT + 8, "%s %s",
		 ls_kind_name(subject->kind), name);
}

static bool has(const struct found *found, const char *text)
{
	for (size_t i = 0; i < found->count; i++)
		if (strcmp(found->subject[i], text) == 0)
			return true;
	return false;
}

static void note(struct found *found, const struct ls_subject *subject)
{
	char text[LS_SUBJECT_TEXT + 8];

	form_subject(subject, text);
	if (has(found, text))
		return;
	assert_true(found->count < FOUND_MAX);
	memcpy(found->subject[found->count++], text, sizeof(text));
}

static void found_init(struct found *found)
{
	memset(found, 0, sizeof(*found));
	found->subject = calloc(FOUND_MAX, sizeof(*found->subject));
	assert_non_null(found->subject);
}

static void live_event(struct found *found, const struct week_event *event,
		       struct ls_cursor *cursor)
{
	const struct ls_attempt attempt = {
		.service = "imap",
		.mech = "PLAIN",
		.user = event->user,
		.ip = world_addr(event->ip),
		.secured = true,
		.password = event->password,
	};
	struct ls_decision decision;
	struct ls_ticket ticket;
	struct ls_record record;

	ls_admit(world.state, &attempt, event->at_ms, &decision, &ticket);
	found->refused_people += event->role == WEEK_PERSON &&
				 decision.verdict == LS_DENY && event->right;
	ls_settle(world.state, &ticket,
		  event->right ? LS_OUTCOME_SUCCESS : LS_OUTCOME_WRONG,
		  event->at_ms);
	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, cursor,
			       event->at_ms, &record) == 1)
		if (record.event == LS_EVENT_LOCK)
			note(found, &record.subject);
}

static void live(struct found *found)
{
	struct ls_cursor cursor = { 0 };

	for (size_t i = 0; i < week.count; i++)
		live_event(found, &week.list[i], &cursor);
	ls_close(&world.state);
	assert_int_equal(unlinkat(world.state_dirfd, "guard", 0), 0);
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
}

/* ---- from the log ----------------------------------------------------- */

static void read_week(struct attempts *attempts, enum week_form form)
{
	struct logclock clock;

	memset(attempts, 0, sizeof(*attempts));
	logclock_init(&clock, (int64_t)(BEGINS_MS / 1000) + 30 * 86400);
	for (size_t i = 0; i < week.count; i++) {
		char text[WEEK_TEXT], *line = text, *end;

		week_text(&week.list[i], form, text);
		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			struct dovelog_record record;

			*end = '\0';
			dovelog_parse(line, (size_t)(end - line), &record);
			check(line, record.what > DOVELOG_UNKNOWN, true);
			attempts_add(attempts, &record,
				     logclock_ms(&clock, &record.when));
		}
	}
	attempts_merge(attempts);
}

/* One attempt for each, at its time, by whom and from where it was. */
static void check_attempts(const struct attempts *attempts)
{
	check("attempts", attempts->count, week.count);
	for (size_t i = 0; i < week.count; i++) {
		const struct attempt *got = &attempts->list[i];
		const struct week_event *want = &week.list[i];
		const struct ls_addr ip = world_addr(want->ip);

		check(want->user, got->at_ms, want->at_ms);
		check_text("user", names_get(&attempts->names, got->user),
			   want->user);
		check(want->user, ls_addr_equal(&got->ip, &ip), true);
		check(want->user, got->count, 1);
		check(want->user, got->outcome,
		      want->right ? LS_OUTCOME_SUCCESS : LS_OUTCOME_WRONG);
	}
}

static void replay(struct simulation *simulation,
		   struct attempts *attempts,
		   enum simulate_passwords passwords, struct found *found)
{
	check("simulate",
	      simulate(simulation, attempts, world.state, &world.policy,
		       passwords, NULL, NULL),
	      true);
	for (size_t i = 0; i < simulation->lock_count; i++)
		note(found, &simulation->locks[i].subject);
	ls_close(&world.state);
	assert_int_equal(unlinkat(world.state_dirfd, "guard", 0), 0);
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
}

static size_t hits(const struct simulation *simulation)
{
	size_t count = 0;

	for (size_t i = 0; i < simulation->places.count; i++)
		count += simulation_is_hit(&simulation->places.list[i]);
	return count;
}

/* ---- both ------------------------------------------------------------- */

/* Everybody who attacks, and nobody else. */
static void check_found(const char *who, const struct found *found)
{
	for (size_t i = 0; i < week.count; i++) {
		const struct week_event *event = &week.list[i];
		char text[LS_SUBJECT_TEXT + 8], row[300];
		bool locked;

		if (event->role == WEEK_BOTNET)
			snprintf(text, sizeof(text), "user " WEEK_VICTIM);
		else
			snprintf(text, sizeof(text), "ip %s", event->ip);
		snprintf(row, sizeof(row), "%s: %.200s", who, text);
		locked = has(found, text);
		check(row, locked, event->role != WEEK_PERSON);
	}
}

static void test_finds_the_same(void **state)
{
	struct found found;

	(void)state;
	found_init(&found);
	live(&found);
	check_found("live", &found);
	check("live", found.refused_people, 0);
	for (unsigned form = 0; form < WEEK_FORMS; form++) {
		struct simulation simulation;
		struct attempts attempts;
		struct found replayed;

		found_init(&replayed);
		read_week(&attempts, (enum week_form)form);
		check_attempts(&attempts);
		replay(&simulation, &attempts, SIMULATE_STALE, &replayed);
		check_found("replay", &replayed);
		for (size_t i = 0; i < found.count; i++)
			check(found.subject[i],
			      has(&replayed, found.subject[i]), true);
		for (size_t i = 0; i < replayed.count; i++)
			check(replayed.subject[i],
			      has(&found, replayed.subject[i]), true);
		check("right ones refused", simulation.refused_right, 0);
		check("people", hits(&simulation), 0);
		simulation_free(&simulation);
		attempts_free(&attempts);
		free(replayed.subject);
	}
	free(found.subject);
}

/* Each failure a guess of its own: phones with an old password are hit, and the
 * report says so. */
static void test_new_hits_phones(void **state)
{
	struct simulation simulation;
	struct attempts attempts;
	struct found found;

	(void)state;
	found_init(&found);
	read_week(&attempts, WEEK_23);
	replay(&simulation, &attempts, SIMULATE_NEW, &found);
	check("phones", hits(&simulation), 2 * TIMES);
	check("a phone's place",
	      has(&found, "place phone0@example.com from 12.0.0.0/24"), true);
	simulation_free(&simulation);
	attempts_free(&attempts);
	free(found.subject);
}

/* Where an account's failures are all one password, only those who try many
 * accounts, or from many places, are found. */
static void test_same(void **state)
{
	struct simulation simulation;
	struct attempts attempts;
	struct found found;

	(void)state;
	found_init(&found);
	read_week(&attempts, WEEK_23);
	replay(&simulation, &attempts, SIMULATE_SAME, &found);
	check("fast", has(&found, "ip 100.0.0.66"), false);
	check("sprayer", has(&found, "ip 102.0.0.66"), true);
	check("botnet", has(&found, "user " WEEK_VICTIM), true);
	check("people", hits(&simulation), 0);
	simulation_free(&simulation);
	attempts_free(&attempts);
	free(found.subject);
}

/* The journal is shorter than a line may be. */
static void test_many_of_one_line(void **state)
{
	static const char line[] =
		"Nov 25 03:21:24 imap-login: Info: Disconnected: Connection closed "
		"(auth failed, 10000 attempts in 2 secs): user=<joe>, method=PLAIN, "
		"rip=192.0.2.9, lip=192.0.2.1, TLS, session=<x>";
	struct attempts attempts = { 0 };
	struct simulation simulation;
	struct dovelog_record record;
	struct found found;

	(void)state;
	found_init(&found);
	dovelog_parse(line, strlen(line), &record);
	attempts_add(&attempts, &record, BEGINS_MS + 1000);
	attempts_merge(&attempts);
	check("attempts", attempts.list[0].count, 10000);
	replay(&simulation, &attempts, SIMULATE_STALE, &found);
	check("the attacker", has(&found, "ip 192.0.2.9"), true);
	check("all of them", simulation.verified + simulation.refused, 10000);
	simulation_free(&simulation);
	attempts_free(&attempts);
	free(found.subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finds_the_same, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_new_hits_phones, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_of_one_line, setup,
						teardown),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
