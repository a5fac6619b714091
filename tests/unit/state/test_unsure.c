/* test_unsure.c - passwords that failed and may be right: charged once, and kept out
 * of the map */
#include "lockstep-config.h"

#include "state/guess.h"
#include "world_bed.h"

#include <string.h>

static void test_sets(void **state)
{
	struct ls_unsure *unsure = ls_unsure_new();

	(void)state;
	assert_non_null(unsure);
	check("nothing", ls_unsure_has(unsure, 7, 1), false);
	check("no memory", ls_unsure_has(NULL, 7, 1), false);
	ls_unsure_add(NULL, 7, 1);
	/* One more than a set holds: the oldest goes. */
	for (uint32_t print = 1; print <= 5; print++)
		ls_unsure_add(unsure, 7, print);
	check("oldest", ls_unsure_has(unsure, 7, 1), false);
	for (uint32_t print = 2; print <= 5; print++)
		check("kept", ls_unsure_has(unsure, 7, print), true);
	check("another place", ls_unsure_has(unsure, 8, 5), false);
	/* What is there moves to the front, and takes no room twice. */
	ls_unsure_add(unsure, 7, 2);
	ls_unsure_add(unsure, 7, 2);
	ls_unsure_add(unsure, 7, 6);
	check("moved", ls_unsure_has(unsure, 7, 2), true);
	check("oldest", ls_unsure_has(unsure, 7, 3), false);
	ls_unsure_drop(unsure, 7, 2);
	ls_unsure_drop(unsure, 7, 2);
	check("dropped", ls_unsure_has(unsure, 7, 2), false);
	for (uint32_t print = 4; print <= 6; print++)
		check("others", ls_unsure_has(unsure, 7, print), true);
	ls_unsure_free(&unsure);
	assert_null(unsure);
}

static struct ls_decision try_password(const char *password,
				       struct ls_ticket *ticket_r)
{
	const struct ls_attempt attempt = {
		.service = "imap",
		.mech = "PLAIN",
		.user = JOE,
		.ip = world_addr(AWAY),
		.secured = true,
		.password = password,
	};
	struct ls_decision decision;

	ls_admit(world.state, &attempt, world.now_ms, &decision, ticket_r);
	return decision;
}

static void fail_unsure(const char *password)
{
	struct ls_ticket ticket;

	check("admitted", try_password(password, &ticket).verdict, LS_ADMIT);
	ls_ticket_failed(&ticket, "ldap");
	ls_ticket_unsure(&ticket);
	ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
}

static uint64_t failures(void)
{
	return world_level(&world, LS_KIND_PLACE, JOE, AWAY_NET,
			   LS_WORD_FAILURES,
			   &world.policy.place.failures[LS_FAST]);
}

static void test_a_phone_during_an_outage(void **state)
{
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, GUARD | LS_LOGINS);
	for (unsigned i = 0; i < 100; i++)
		fail_unsure("perhaps");
	check("charged once", failures(), 1);
	fail_unsure("another");
	check("another", failures(), 2);
	/* Nothing of either is in the map. */
	for (unsigned i = 0; i < 4; i++)
		check("prints",
		      world_word(&world, LS_KIND_PLACE, JOE, AWAY_NET,
				 LS_WORD_PRINTS + i % 2),
		      0);
	/* Right after all. */
	check("right", try_password("perhaps", &ticket).verdict, LS_ADMIT);
	check("known", ticket.repeat, true);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	check("again", try_password("perhaps", &ticket).verdict, LS_ADMIT);
	check("no repeat", ticket.repeat, false);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
}

/* The journal names the passdb that failed first. */
static void test_journal(void **state)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, GUARD | LS_LOGINS);
	check("admitted", try_password("x", &ticket).verdict, LS_ADMIT);
	ls_ticket_failed(&ticket, "passwd-file /etc/dovecot/users");
	ls_ticket_failed(&ticket, "ldap");
	ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
	check("record",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("outcome", record.outcome, LS_OUTCOME_WRONG);
	check_text("passdb", record.more, "passwd-file /etc/dovecot/users");
	check_text("session", record.detail, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test_setup_teardown(test_a_phone_during_an_outage,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
