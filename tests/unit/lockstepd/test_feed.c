/* test_feed.c - each event that a webhook wants becomes a message once, whenever the
 * daemon is killed, and of a digest none is missing after it */
#include "lockstep-config.h"

#include "post_bed.h"

static struct feed feed;

static void start(void)
{
	struct event_clock clock = clock_now();

	feed_init(&feed, &hooks, outbox);
	feed_start(&feed, world.state, &clock);
}

static void lock(const char *address)
{
	struct ls_subject subject = world_subject(LS_KIND_IP, NULL, address);

	check(address, ls_lock(world.state, &subject, WORLD_HOUR, NULL,
			       world.now_ms), 0);
}

static void read_all(void)
{
	struct event_clock clock = clock_now();

	while (feed_read(&feed, world.state, &clock))
		;
	feed_flush(&feed, false, &clock);
	feed_save(&feed, true, &clock);
}

static void kill_and_start(void)
{
	drop_all();
	attach_outbox();
	check("webhooks", hooks_load(&hooks, world.state, delivery), 1);
	start();
}

static void test_each_once(void **state)
{
	(void)state;
	lock("192.0.2.9/32");
	start(); /* nothing was read before: from now on */
	read_all();
	check("of before", outbox_count(outbox, NULL), 0);
	lock("192.0.2.1/32");
	ls_freeze(world.state, JOE, WORLD_HOUR, LS_REASON_ADMIN,
		  LS_ORIGIN_ADMIN, "root", world.now_ms);
	read_all();
	check("the lock, not the freeze", outbox_count(outbox, NULL), 1);
	check("posted", deliver("200 OK"), true);
	check_holds("which", posted, "192.0.2.1");
	kill_and_start();
	read_all();
	check("not again", outbox_count(outbox, NULL), 0);
	/* While no daemon ran, and one that was killed before it saved. */
	lock("192.0.2.2/32");
	kill_and_start();
	read_all();
	check("told late", outbox_count(outbox, NULL), 1);
}

/* Gathered before it was killed: posted after, with what came meanwhile. */
static void test_digest_survives(void **state)
{
	(void)state;
	conf.digest_ms = WORLD_HOUR;
	load_conf();
	start();
	lock("192.0.2.1/32");
	read_all();
	check("gathered", hooks.first->digest.count, 1);
	kill_and_start();
	lock("192.0.2.2/32");
	read_all();
	check("gathered again", hooks.first->digest.count, 2);
	check("not due", outbox_count(outbox, NULL), 0);
	world_pass(&world, WORLD_HOUR);
	read_all();
	check("due", outbox_count(outbox, NULL), 1);
	check("posted", deliver("200 OK"), true);
	check_holds("all", posted, "\"count\":2,");
	kill_and_start();
	read_all();
	check("nothing twice", hooks.first->digest.count, 0);
	check("nothing twice", outbox_count(outbox, NULL), 0);
}

/* A map that was made anew is read from its oldest record. */
static void test_another_map(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < 3; i++)
		lock("192.0.2.1/32");
	read_all();
	check("told", outbox_count(outbox, NULL), 1);
	check("posted", deliver("200 OK"), true);
	world_pass(&world, WORLD_HOUR);
	assert_int_equal(unlinkat(world.state_dirfd, "guard", 0), 0);
	world_open(&world, GUARD);
	lock("192.0.2.2/32");
	kill_and_start();
	read_all();
	check("of the new one", outbox_count(outbox, NULL), 1);
}

static const struct CMUnitTest tests[] = {
	POST_TEST(test_each_once),
	POST_TEST(test_digest_survives),
	POST_TEST(test_another_map),
};
POST_MAIN(tests)
