/* test_decide.c - which of Postfix's questions are put to Lockstep, and since when a
 * client is taken to be there */
#include "lockstep-config.h"

#include "decide.h"
#include "world_bed.h"

#include <time.h>

#define LOCKED "203.0.113.9"

static struct decider decider;
static struct request request;

/* decide() reads the clock itself. */
static int setup_decider(void **state)
{
	setup(state);
	world.now_ms = guard_now_ms();
	world.real_ms = guard_real_ms();
	world_open(&world, GUARD);
	memset(&decider, 0, sizeof(decider));
	guard_init(&decider.guard, world.policy_path, world.now_ms);
	return log_target("/dev/null") ? 0 : -1;
}

static int teardown_decider(void **state)
{
	guard_deinit(&decider.guard);
	return teardown(state);
}

/* About a message of its own. Returns the verdict, or -1 where nothing is decided. */
static int ask(enum request_stage stage, const char *address, const char *port,
	       const char *user)
{
	struct ls_decision decision = { .verdict = LS_ADMIT };
	static unsigned number;

	memset(&request, 0, sizeof(request));
	request.stage = stage;
	request.server_port = 587;
	request.recipient_count = 1;
	strcpy(request.client_address, address);
	strcpy(request.client_port, port);
	snprintf(request.instance, sizeof(request.instance), "%u.0", ++number);
	strcpy(request.sasl_username, user);
	return decide(&decider, &request, &decision) ? (int)decision.verdict : -1;
}

/* Until the clock has moved. */
static void pass(void)
{
	uint64_t began_ms = guard_now_ms();
	const struct timespec ms = { .tv_nsec = 1000000 };

	while (guard_now_ms() <= began_ms)
		nanosleep(&ms, NULL);
	world.now_ms = guard_now_ms();
}

static void test_what_is_decided(void **state)
{
	struct ls_subject ip = world_subject(LS_KIND_IP, NULL, LOCKED "/32");
	static const struct {
		const char *row;
		enum request_stage stage;
		const char *address, *user;
		enum policy_role role;
		bool refuse_on_mx;
		int want;
	} rows[] = {
		{ "a locked address", REQUEST_STAGE_CONNECT, LOCKED, "",
		  POLICY_ROLE_AUTO, false, LS_DENY },
		{ "another", REQUEST_STAGE_CONNECT, HOME, "",
		  POLICY_ROLE_AUTO, false, LS_ADMIT },
		{ "other servers' mail", REQUEST_STAGE_CONNECT, LOCKED, "",
		  POLICY_ROLE_MX, false, -1 },
		{ "that is refused too", REQUEST_STAGE_CONNECT, LOCKED, "",
		  POLICY_ROLE_MX, true, LS_DENY },
		{ "no address", REQUEST_STAGE_CONNECT, "unknown", "",
		  POLICY_ROLE_AUTO, false, -1 },
		{ "no address and no account", REQUEST_STAGE_RCPT, "unknown", "",
		  POLICY_ROLE_AUTO, false, -1 },
		{ "no address, an account", REQUEST_STAGE_RCPT, "unknown", JOE,
		  POLICY_ROLE_AUTO, false, LS_DENY },
		{ "DATA", REQUEST_STAGE_DATA, HOME, JOE, POLICY_ROLE_AUTO,
		  false, LS_DENY },
		{ "the end", REQUEST_STAGE_END_OF_MESSAGE, HOME, JOE,
		  POLICY_ROLE_AUTO, false, LS_DENY },
		{ "the end, another's", REQUEST_STAGE_END_OF_MESSAGE, HOME,
		  "ann@example.com", POLICY_ROLE_AUTO, false, LS_ADMIT },
		{ "MAIL", REQUEST_STAGE_MAIL, LOCKED, JOE, POLICY_ROLE_AUTO,
		  true, -1 },
		{ "EHLO", REQUEST_STAGE_OTHER, LOCKED, JOE, POLICY_ROLE_AUTO,
		  true, -1 },
	};

	(void)state;
	check("locked", ls_lock(world.state, &ip, WORLD_HOUR, NULL,
				world.now_ms), 0);
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	for (size_t i = 0; i < COUNT(rows); i++) {
		decider.role = rows[i].role;
		decider.refuse_on_mx = rows[i].refuse_on_mx;
		check(rows[i].row,
		      ask(rows[i].stage, rows[i].address, "1", rows[i].user),
		      rows[i].want);
	}
}

static void test_nothing_to_decide_with(void **state)
{
	struct ls_decision decision;

	(void)state;
	request.fault = REQUEST_FAULT_NUL;
	request.stage = REQUEST_STAGE_CONNECT;
	check("not understood", decide(&decider, &request, &decision), false);
	guard_deinit(&decider.guard);
	check("no state", ask(REQUEST_STAGE_RCPT, HOME, "1", JOE), -1);
}

/* Of one address, told apart by the client's port alone: Postfix asks about no
 * connection of the second. */
static void test_another_port_is_another_connection(void **state)
{
	struct ls_release release;

	(void)state;
	check("connects", ask(REQUEST_STAGE_CONNECT, HOME, "50001", ""),
	      LS_ADMIT);
	pass();
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	ls_release(world.state, JOE, false, NULL, world.now_ms, NULL, NULL,
		   &release);
	pass();
	check("there before the freeze",
	      ask(REQUEST_STAGE_RCPT, HOME, "50001", JOE), LS_DENY);
	check("came after it", ask(REQUEST_STAGE_RCPT, HOME, "50002", JOE),
	      LS_ADMIT);
	check("and stays", ask(REQUEST_STAGE_DATA, HOME, "50002", JOE),
	      LS_ADMIT);
}

int main(void)
{
#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_decider, teardown_decider)
	static const struct CMUnitTest tests[] = {
		TEST(test_what_is_decided),
		TEST(test_nothing_to_decide_with),
		TEST(test_another_port_is_another_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
