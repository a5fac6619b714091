/* test_spelling.c - one account, however its name is written */
#include "lockstep-config.h"

#include "world_bed.h"

#include <ctype.h>

/* A name of so many bytes that ends so. */
static const char *long_name(char *buffer, size_t length, const char *end)
{
	memset(buffer, 'a', length);
	strcpy(buffer + length - strlen(end), end);
	return buffer;
}

static void test_long_names(void **state)
{
	static const size_t lengths[] = { 1, 253, 254, 255, 256, 1000, 2500 };
	char one[3000], other[3000], user[LS_USER_MAX + 1];
	char user_too[LS_USER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		long_name(one, lengths[i], "x");
		long_name(other, lengths[i], "y");
		ls_user_copy(user, one);
		ls_user_copy(user_too, other);
		check(one, strcmp(user, user_too) == 0, 0);
		check(one, strlen(user), lengths[i] < 254 ? lengths[i] : 254);
		check(one, strcmp(user, one) == 0, lengths[i] <= 254);
		/* a name of ours is one, too, and the same one */
		ls_user_copy(user_too, user);
		check_text("again", user_too, user);
	}
	ls_user_copy(user, long_name(one, 300, "@example.com"));
	check("kept", strspn(user, "a"), 237);
	check("mark", user[237], '~');
	for (const char *c = user + 238; *c != '\0'; c++)
		check("digit", isxdigit((unsigned char)*c) != 0, 1);
	ls_user_copy(user, NULL);
	check_text("none", user, "");
}

/* Each has its own limits and freeze; Dovecot's and Postfix's names of it meet. */
static void test_long_names_are_accounts(void **state)
{
	char one[600], other[600];
	struct ls_decision decision;
	struct ls_ticket ticket;
	const struct ls_gathered gathered = { .count = 0 };
	struct ls_message message = { .user = one, .gathered = &gathered,
				      .recipients = 1, .sender = one,
				      .ip = world_addr(HOME) };

	(void)state;
	world_set(&world, "user", "failures", "3/1h, 30/7d");
	world_open(&world, GUARD);
	long_name(one, 500, "@one.example");
	long_name(other, 500, "@two.example");
	check("one", world_guess(&world, one, AWAY, 10), 3);
	check("other", world_guess(&world, other, "203.0.113.7", 10), 3);
	ls_freeze(world.state, one, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, NULL, world.now_ms);
	check("frozen", world_admit(&world, one, HOME, &ticket).reason,
	      LS_REASON_ADMIN);
	check("frozen",
	      ls_frozen(world.state, one, NULL, world.now_ms, &decision), 1);
	check("not the other",
	      ls_frozen(world.state, other, NULL, world.now_ms, &decision), 0);
	ls_send_look(world.state, &message, world.now_ms, &decision);
	check("sending", decision.verdict, LS_DENY);
	message.user = other;
	ls_send_look(world.state, &message, world.now_ms, &decision);
	check("sending", decision.verdict, LS_ADMIT);
}

static void test_fold(void **state)
{
	static const struct {
		unsigned how; /* 0: not told */
		const char *typed, *whole, *want;
	} table[] = {
		{ 0, "Joe@Example.Com", "joe@example.com", "joe@example.com" },
		{ 0, "joe@example.com", "joe@example.com", "joe@example.com" },
		{ 0, "J\303\226RG", "j\303\226rg", "j\303\226rg" },
		{ LS_NAMES_TOLD, "JOE", "joe", "joe" },
		{ LS_NAMES_AS_TYPED, "JOE", "JOE", "JOE" },
		{ LS_NAMES_LOCAL, "Joe@Example.Com", "joe", "joe@example.com" },
		{ LS_NAMES_LOCAL, "joe@a@b", "joe", "joe@a@b" },
		{ LS_NAMES_LOCAL | LS_NAMES_AS_TYPED, "Joe@b", "Joe", "Joe@b" },
		/* an account's name already: a passdb gave it */
		{ 0, "Known@Example.Com", "Known@Example.Com",
		  "Known@Example.Com" },
		{ LS_NAMES_LOCAL, "Known@Example.Com", "Known@Example.Com",
		  "Known@Example.Com" },
		{ 0, "", "", "" },
	};
	char user[LS_USER_MAX + 1];

	(void)state;
	world_open(&world, GUARD);
	world_login(&world, "Known@Example.Com", HOME, LS_OUTCOME_WRONG);
	for (size_t i = 0; i < COUNT(table); i++) {
		if (table[i].how != 0)
			ls_names_tell(world.state, table[i].how);
		else
			atomic_store(&world.state->guard.header->names, 0);
		ls_name_fold(world.state, table[i].typed, true, user);
		check_text(table[i].typed, user, table[i].whole);
		ls_name_fold(world.state, table[i].typed, false, user);
		check_text(table[i].typed, user, table[i].want);
	}
}

/* Folded before it is shortened. */
static void test_fold_long(void **state)
{
	char typed[600], folded[LS_USER_MAX + 1], want[LS_USER_MAX + 1];

	(void)state;
	world_open(&world, GUARD);
	ls_user_copy(want, long_name(typed, 500, "joe@example.com"));
	ls_name_fold(world.state, long_name(typed, 500, "Joe@Example.Com"),
		     true, folded);
	check_text("long", folded, want);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_names),
		TEST(test_long_names_are_accounts),
		TEST(test_fold),
		TEST(test_fold_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
