/* test_delivery.c - each attempt is signed as of its own time, and what an answer
 * means for its message, and for those behind it */
#include "lockstep-config.h"

#include "post_bed.h"

static struct hook *ops(void)
{
	return hooks_find(&hooks, "ops");
}

static void test_each_attempt_has_its_own_time(void **state)
{
	char first[32], want[32];

	(void)state;
	put(ID_A);
	check("the first", deliver("500 No"), true);
	check("its signature", is_signed(SECRET_OLD), true);
	snprintf(first, sizeof(first), "%s", header("webhook-timestamp"));
	world_pass(&world, WORLD_HOUR);
	check("the second", deliver("200 OK"), true);
	check("its signature", is_signed(SECRET_OLD), true);
	check_text("the same message", header("webhook-id"), ID_A);
	snprintf(want, sizeof(want), "%lld", atoll(first) + 3600);
	check_text("an hour later", header("webhook-timestamp"), want);
	check("delivered", outbox_count(outbox, NULL), 0);
}

/* The receiver's own trouble holds up all that is for it, anything else its message
 * alone. */
static void test_what_an_answer_holds_up(void **state)
{
	static const struct {
		const char *answer;
		uint64_t rest_ms; /* least; 0: none */
	} rows[] = {
		{ "500 No\r\nRetry-After: 120", 120000 },
		{ "500 No", 4000 },
		{ "429 Too Many\r\nRetry-After: 7200", 3600000 },
		{ "408 Slow\r\nRetry-After: 0", 4000 },
		{ "400 Bad", 0 },
		{ "301 Moved\r\nRetry-After: 120", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *row = rows[i].answer;

		put(ID_A);
		check(row, deliver(row), true);
		world_pass(&world, 1);
		put(ID_B);
		if (rows[i].rest_ms > 0) {
			check(row, deliver("200 OK"), false);
			world_pass(&world, rows[i].rest_ms - 2);
			check(row, deliver("200 OK"), false);
			world_pass(&world, rows[i].rest_ms / 2);
		}
		check(row, deliver("200 OK"), true);
		check("left", outbox_count(outbox, NULL), 1);
		world_pass(&world, WORLD_MINUTE);
		check(row, deliver("200 OK"), true);
		check("left", outbox_count(outbox, NULL), 0);
	}
}

/* What waited only for the receiver is due as soon as that takes another. */
static void test_receiver_is_back(void **state)
{
	(void)state;
	put(ID_A);
	for (unsigned i = 0; i < 4; i++) {
		check("fails", deliver("503 Busy"), true);
		world_pass(&world, WORLD_HOUR);
	}
	check("and again", deliver("503 Busy\r\nRetry-After: 1"), true);
	world_pass(&world, 2000);
	put(ID_B);
	check("another", deliver("200 OK"), true);
	check_text("which", header("webhook-id"), ID_B);
	check("the first, at once", deliver("200 OK"), true);
	check_text("which", header("webhook-id"), ID_A);
}

static void test_gone(void **state)
{
	(void)state;
	put(ID_A);
	check("gone", deliver("410 Gone"), true);
	check("gone", hook_ready(ops()), false);
	check("to be saved", hooks.unsaved, true);
	world_pass(&world, WORLD_DAY);
	check("off", deliver("200 OK"), false);
	hooks_revive(&hooks);
	check("on", deliver("200 OK"), true);
}

/* Nobody answers: a failure like a 500. */
static void test_no_answer(void **state)
{
	struct event_clock clock = clock_now();

	(void)state;
	put(ID_A);
	strcpy(ops()->url, "http://127.0.0.1:1/hook");
	delivery_start(delivery, &hooks, &clock);
	while (delivery_active(delivery) > 0) {
		delivery_advance(delivery, &hooks, &clock);
		if (delivery_active(delivery) > 0)
			delivery_wait(delivery, receiver, 100);
	}
	check("failures", ops()->failures, 1);
	check_within("rests", ops()->rest_until_ms - world.now_ms, 4000, 6000);
	check("kept", outbox_count(outbox, NULL), 1);
}

static const struct CMUnitTest tests[] = {
	POST_TEST(test_each_attempt_has_its_own_time),
	POST_TEST(test_what_an_answer_holds_up),
	POST_TEST(test_receiver_is_back),
	POST_TEST(test_gone),
	POST_TEST(test_no_answer),
};
POST_MAIN(tests)
