/* test_conf_overlap.c - overrides that are there twice, or change nothing */
#include "lockstep-config.h"

#include "conf_bed.h"

#include <time.h>

#define LOCK(min) " { user { lock = " #min "m..9m } }\n"
#define IP_LOCK(min) " { ip { lock = " #min "m..9m } }\n"
#define NEEDLESS ": says what holds without it\n"

static void accept_each(const struct mistake *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		accept(table[i].text, table[i].messages);
}

#define ACCEPT_EACH(table) accept_each(table, sizeof(table) / sizeof(*(table)))

static void test_accounts(void **state)
{
	static const struct mistake table[] = {
		{ "override user joe { user { lock = 15m..6h } }",
		  "conf:1: warning: override user \"joe\"" NEEDLESS },
		{ "override user joe { user { lock = 15m..6h "
		  "failures = \"5/1h, 9/1d\" } }",
		  "" },
		/* the same in other words */
		{ "override domain a.org { user { lock = 900s..360m } }",
		  "conf:1: warning: override domain \"a.org\"" NEEDLESS },
		{ "limit user { lock = 2m..9m }\n"
		  "override user joe" LOCK(2),
		  "conf:2: warning: override user \"joe\"" NEEDLESS },
		/* its domain says it, wherever it stands, in whatever case */
		{ "override user joe@a.org" LOCK(2)
		  "override domain A.org" LOCK(2),
		  "conf:1: warning: override user \"joe@a.org\"" NEEDLESS },
		/* the domain says otherwise: then the whole's value is news */
		{ "override user joe@a.org { user { lock = 15m..6h } }\n"
		  "override domain a.org" LOCK(2),
		  "" },
		{ "override user joe@b.org" LOCK(2)
		  "override domain a.org" LOCK(2),
		  "" },
		/* a network may say otherwise, and comes before */
		{ "override user joe { reveal = freeze }\n"
		  "override net 10.0.0.0/8 { reveal = never }",
		  "" },
		{ "override user joe { reveal = freeze }\n"
		  "override net 10.0.0.0/8 { require-tls = never }",
		  "conf:1: warning: override user \"joe\"" NEEDLESS },
		{ "override user joe@a.org { reveal = never }\n"
		  "override domain a.org { reveal = never }\n"
		  "override net 10.0.0.0/8 { reveal = always }",
		  "conf:1: warning: override user \"joe@a.org\"" NEEDLESS },
	};

	(void)state;
	ACCEPT_EACH(table);
}

static void test_networks(void **state)
{
	static const struct mistake table[] = {
		{ "override net 10.0.0.0/8 { ip { lock = 10m..1d } }",
		  "conf:1: warning: override net \"10.0.0.0/8\"" NEEDLESS },
		{ "override net 10.1.0.0/16" IP_LOCK(2)
		  "override net 10.0.0.0/8" IP_LOCK(2),
		  "conf:1: warning: override net \"10.1.0.0/16\": says what "
		  "holds without it, by 10.0.0.0/8\n" },
		/* of the nearest around it */
		{ "override net 10.0.0.0/8" IP_LOCK(2)
		  "override net 10.1.0.0/16" IP_LOCK(3)
		  "override net 10.1.1.0/24" IP_LOCK(2),
		  "" },
		{ "override net 10.0.0.0/8" IP_LOCK(2)
		  "override net 10.1.0.0/16 { net { lock = 2m..3m } }\n"
		  "override net 10.1.1.0/24" IP_LOCK(2),
		  "conf:3: warning: override net \"10.1.1.0/24\": says what "
		  "holds without it, by 10.1.0.0/16\n" },
		{ "trusted = { 10.0.0.0/8, 10.1.0.0/16 }",
		  "conf:1: warning: trusted \"10.1.0.0/16\": says what holds "
		  "without it, by 10.0.0.0/8\n" },
		{ "trusted += { 127.0.0.1 }",
		  "conf:1: warning: trusted \"127.0.0.1\": says what holds "
		  "without it, by 127.0.0.0/8\n" },
		{ "trusted = { 10.0.0.0/8, 10.1.2.0/24 }\n"
		  "denied = { 10.1.0.0/16, 10.1.3.0/24 }",
		  "conf:2: warning: denied \"10.1.3.0/24\": says what holds "
		  "without it, by 10.1.0.0/16\n" },
		{ "denied = { 10.0.0.0/8 }\n"
		  "override net 10.1.0.0/16" IP_LOCK(2)
		  "override net 10.2.0.0/16 { reveal = always }",
		  "conf:2: warning: override net \"10.1.0.0/16\": ip: holds "
		  "for nobody: the network is denied\n" },
		{ "trusted = { 10.0.0.0/8 }\n"
		  "override net 10.1.0.0/16 { place { lock = 1m..2m } }\n"
		  "override net 10.2.0.0/16 { net { lock = 1m..2m } }",
		  "conf:3: warning: override net \"10.2.0.0/16\": net: holds "
		  "for nobody: of a trusted network only the accounts are "
		  "counted\n" },
		{ "override net ::/0 { ip { lock = 10m..1d } }\n"
		  "override net 10.0.0.0/8" IP_LOCK(2),
		  "conf:1: warning: override net \"::/0\"" NEEDLESS },
	};

	(void)state;
	ACCEPT_EACH(table);
}

/* The same words as where two stand in one line, at the later one. */
static void test_twice(void **state)
{
	static const struct mistake table[] = {
		{ "override user a" LOCK(1) "override user b" LOCK(2)
		  "override user a" LOCK(3) "override user a" LOCK(4),
		  "conf:3: override user \"a\" is there twice\n"
		  "conf:4: override user \"a\" is there twice\n" },
		{ "override domain a" LOCK(1) "override user a" LOCK(1)
		  "override user A@b" LOCK(1) "override user a@b" LOCK(1)
		  "override domain A" LOCK(1),
		  "conf:3: warning: override user \"A@b\": has capital letters; "
		  "Dovecot makes names lower case, unless "
		  "auth_username_format says otherwise\n"
		  "conf:5: override domain \"A\" is there twice\n" },
		/* wherever each list stands */
		{ "trusted = { 10.0.0.0/8 }\ndenied = { 10.0.0.0/8 }",
		  "conf:2: 10.0.0.0/8 is trusted and denied\n" },
		{ "denied = { 10.0.0.0/8 }\ntrusted = { 10.0.0.0/8 }",
		  "conf:2: 10.0.0.0/8 is trusted and denied\n" },
		{ "override net 10.0.0.0/8" IP_LOCK(2)
		  "override net 10.0.0.0/8" IP_LOCK(3),
		  "conf:2: override net \"10.0.0.0/8\" is there twice\n" },
		/* and not what is there by default */
		{ "denied = { 127.0.0.0/8 }",
		  "conf:1: 127.0.0.0/8 is trusted and denied\n" },
	};

	(void)state;
	REFUSE_EACH(table);
}

/* What is wrong with one override is told without looking at the others, so many
 * take no more than their share each: the time is for machines that are slow,
 * busy, or watch their memory. */
static void test_many(void **state)
{
	enum { MANY = 20000, SECONDS = 60 };
	struct conf *conf;
	time_t began = time(NULL);
	FILE *file = fopen("conf", "w");

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		fprintf(file, "override user u%u" LOCK(1), i);
		fprintf(file, "override domain d%u" LOCK(1), i);
		fprintf(file, "override net 10.%u.%u.0/24" IP_LOCK(1), i / 256,
			i % 256);
	}
	fclose(file);
	assert_int_equal(conf_read("conf", &conf), 0);
	assert_int_equal(conf_log(conf)->count, 0);
	assert_int_equal(conf_counts(conf).users, MANY);
	assert_int_equal(conf_counts(conf).domains, MANY);
	assert_int_equal(conf_counts(conf).nets, MANY + 2);
	conf_free(&conf);
	assert_true(time(NULL) - began < SECONDS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_accounts),
		TEST(test_networks),
		TEST(test_twice),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
