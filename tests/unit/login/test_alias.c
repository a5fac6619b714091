/* test_alias.c - names that mean another account: learnt, followed, forgotten
 */
#include "lockstep-config.h"

#include "harness.h"
#include "login/alias.h"
#include "state/marks.h"
#include "world.h"

#define GUARD (LS_GUARD_WRITE | LS_CREATE)

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_open(&world, GUARD);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static uint64_t key_of(const char *user)
{
	return ls_key_user(world.state->guard.hash_key, user);
}

static void learn(const char *typed, const char *account)
{
	uint64_t now = world_now(&world);

	ls_alias_learn(world.state, key_of(typed), account, now + WORLD_DAY,
		       now);
}

/* The account of a name: its key, or 0. */
static uint64_t account_of(const char *typed)
{
	uint64_t account = 0;

	if (!ls_alias_find(world.state, key_of(typed), world_now(&world),
			   &account))
		return 0;
	return account;
}

static void test_learnt(void **state)
{
	struct ls_subject subject;

	(void)state;
	check("unknown", account_of("j.doe"), 0);
	learn("j.doe", "joe");
	check("learnt", account_of("j.doe"), key_of("joe"));
	check("not the account's own", account_of("joe"), 0);
	/* The name can be read, for overrides and listings. */
	check("named",
	      ls_label_get(&world.state->guard.labels,
			   world.state->guard.hash_key, key_of("joe"),
			   LS_KIND_USER, &subject),
	      true);
	check_text("named", subject.user, "joe");
	learn("j.doe", "ann");
	check("learnt anew", account_of("j.doe"), key_of("ann"));
	learn("office", "ann");
	check("two for one", account_of("office"), key_of("ann"));
}

static void test_forgotten(void **state)
{
	(void)state;
	ls_alias_forget(world.state, key_of("j.doe")); /* nothing to forget */
	learn("j.doe", "joe");
	learn("office", "joe");
	ls_alias_forget(world.state, key_of("j.doe"));
	check("forgotten", account_of("j.doe"), 0);
	check("the other", account_of("office"), key_of("joe"));
	learn("j.doe", "joe");
	check("learnt again", account_of("j.doe"), key_of("joe"));
	world_pass(&world, WORLD_DAY - 1);
	check("lasts", account_of("j.doe"), key_of("joe"));
	world_pass(&world, 1);
	check("unused for long", account_of("j.doe"), 0);
}

static struct ls_ref slot_of(const char *typed)
{
	const struct ls_table *table = &world.state->guard.subjects;
	struct ls_ref ref;
	uint64_t cursor = 0;
	enum ls_kind kind;

	while (ls_table_next(table, &cursor, &kind, &ref))
		if (kind == LS_KIND_ALIAS &&
		    ref.index / LS_WAYS ==
			    ls_table_bucket(table, key_of(typed)))
			return ref;
	fail_msg("%s has no slot", typed);
	return ref;
}

/* That no passdb knows the alias any more says nothing of its account, whose slot
 * guards it as before. */
static void test_dropped(void **state)
{
	(void)state;
	learn("j.doe", "joe");
	world_login(&world, "j.doe", "192.0.2.1", LS_OUTCOME_UNKNOWN);
	check("the account",
	      world_word(&world, LS_KIND_USER, "joe", NULL, LS_WORD_UNKNOWN), 0);
	world_login(&world, "nobody", "192.0.2.1", LS_OUTCOME_UNKNOWN);
	check("a name",
	      world_word(&world, LS_KIND_USER, "nobody", NULL,
			 LS_WORD_UNKNOWN) > 0,
	      1);
}

/* Whoever learns it was killed between the halves: no alias of anything. */
static void test_torn(void **state)
{
	struct ls_ref ref;
	uint64_t until;

	(void)state;
	learn("j.doe", "joe");
	ref = slot_of("j.doe");
	until = ls_slot_get(&ref, LS_WORD_UNTIL);
	ls_slot_set(&ref, LS_WORD_UNTIL, 0);
	check("begun", account_of("j.doe"), 0);
	ls_slot_set(&ref, LS_WORD_OF, key_of("ann") >> 32);
	check("half", account_of("j.doe"), 0);
	ls_slot_set(&ref, LS_WORD_OF + 1, key_of("ann") & 0xffffffff);
	ls_slot_set(&ref, LS_WORD_UNTIL, until);
	check("whole", account_of("j.doe"), key_of("ann"));
	/* A hostile writer's bits: another key, and no wild access. */
	ls_slot_set(&ref, LS_WORD_OF, LS_VALUE_MAX);
	ls_slot_set(&ref, LS_WORD_OF + 1, LS_VALUE_MAX);
	check("forged", account_of("j.doe"), UINT64_MAX);
	check("admits",
	      world_login(&world, "j.doe", "192.0.2.1", LS_OUTCOME_SUCCESS)
		      .verdict,
	      LS_ADMIT);
}

/* An alias stands in the bucket of its name, beside the account of that name,
 * and neither reads the other's words. */
static void test_beside_its_name(void **state)
{
	const struct ls_table *table = &world.state->guard.subjects;

	(void)state;
	world_fix_keys(&world);
	for (unsigned i = 0; i < 200; i++) {
		struct ls_ref user, alias;
		char name[32], account[32];

		snprintf(name, sizeof(name), "user%u", i);
		snprintf(account, sizeof(account), "joe%u", i);
		check(name,
		      ls_state_claim(world.state, LS_KIND_USER, key_of(name),
				     world_now(&world), true, &user),
		      0);
		ls_slot_set(&user, LS_WORD_FAILURES, world_now(&world) + i + 1);
		ls_slot_set(&user, LS_WORD_FREEZE, 0);
		learn(name, account);
		check(name, account_of(name), key_of(account));
		check(name,
		      ls_table_find(table, key_of(name) ^ UINT64_C(0xffffffff),
				    LS_KIND_ALIAS, &alias),
		      0);
		check("bucket", alias.index / LS_WAYS, user.index / LS_WAYS);
		check("slot", alias.index != user.index, true);
		check("stamps differ", alias.stamp != user.stamp, true);
		check("its own", ls_slot_get(&user, LS_WORD_FAILURES),
		      world_now(&world) + i + 1);
		check("not the alias's", ls_slot_get(&user, LS_WORD_FREEZE), 0);
		check("probation", ls_slot_get(&user, LS_WORD_PROBATION), 0);
		check("not the user's", ls_slot_get(&alias, LS_WORD_FAILURES),
		      0);
	}
}

/* An account has no more than twenty new names a day; old ones go on. */
static void test_new_names_are_bounded(void **state)
{
	unsigned learnt = 0;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "joe+%u", i);
		learn(name, "joe");
		learn(name, "joe"); /* it is no new one any more */
		learnt += account_of(name) == key_of("joe");
	}
	check("learnt", learnt, 20);
	learn("j.doe", "ann");
	check("another account", account_of("j.doe"), key_of("ann"));
	/* A name that alternates between two accounts is a new one each time. */
	for (unsigned i = 0; i < 60; i++) {
		bool jims = i % 2 != 0 || i >= 40;

		learn("office", i % 2 != 0 ? "jim" : "tim");
		check("alternates", account_of("office"),
		      key_of(jims ? "jim" : "tim"));
	}
	world_pass(&world, WORLD_DAY);
	learn(name, "joe");
	check("the next day", account_of(name), key_of("joe"));
}

/* Worth as much as a familiar place: strangers do not push it out. */
static void test_outlasts_a_flood(void **state)
{
	(void)state;
	learn("j.doe", "joe");
	for (unsigned i = 0; i < 4000; i++) {
		char user[32], ip[32];

		snprintf(user, sizeof(user), "user%u", i);
		snprintf(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		world_guess(&world, user, ip, 1);
	}
	check("kept", account_of("j.doe"), key_of("joe"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_learnt),
		TEST(test_forgotten),
		TEST(test_dropped),
		TEST(test_torn),
		TEST(test_beside_its_name),
		TEST(test_new_names_are_bounded),
		TEST(test_outlasts_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
