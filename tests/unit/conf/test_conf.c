/* test_conf.c - lockstep.conf: what it means */
#include "lockstep-config.h"

#include "conf_bed.h"

static char start[512]; /* the directory that the test was started in */

static void test_empty(void **state)
{
	struct ls_policy_file *file = compile("", "");
	struct ls_policy presets, own;
	const struct ls_policy *got;
	struct ls_addr ip;

	(void)state;
	ls_policy_presets(&presets);
	assert_memory_equal(ls_policy_file_policy(file), &presets,
			    sizeof(presets));
	ls_addr_parse("127.0.0.9", &ip);
	got = ls_policy_file_lookup(file, NULL, &ip, &own);
	assert_int_equal(got->trusted, 1);
	ls_addr_parse("::1", &ip);
	got = ls_policy_file_lookup(file, NULL, &ip, &own);
	assert_int_equal(got->trusted, 1);
	ls_addr_parse("192.0.2.1", &ip);
	got = ls_policy_file_lookup(file, NULL, &ip, &own);
	assert_ptr_equal(got, ls_policy_file_policy(file));
	ls_policy_file_close(&file);
}

/* The way of writing that lockstep.conf(5) shows. */
static void test_whole(void **state)
{
	static const char text[] =
		"# a comment { \" that = opens nothing\n"
		"mode = \"observe\"   // here too\n"
		"/* and\n here = \" */ subjects=2048\n"
		"group = ''\r\n"
		"limit ip {                   # one address\n"
		"    failures = \"3/1m, 9/1h\"\n"
		"    lock = \"1m..2m\"\n"
		"}\n"
		"limit net   { prefix4 = 16  prefix6 = 56 }\n"
		"limit\n  user { lock = 5m..1h }\n"
		"override user \"joe@example.com\" { user { "
		"failures = \"4/1m, 8/1h\" } }\n"
		"override domain Example.org { place { lock = \"1m..3m\" }\n"
		"  reveal = \"always\" }\n"
		"override net \"203.0.113.0/24\" { ip { "
		"failures = \"40/10m, 200/1d\" } require-tls = \"never\" }\n"
		"trusted = { \"127.0.0.0/8\", # home\n"
		"            \"2001:db8::/32\" }\n"
		"denied += { 198.51.100.7 }\n"
		"require-tls = \"always\"\n";
	struct ls_policy_file *file = compile(text, "");
	const struct ls_policy *policy = ls_policy_file_policy(file);
	struct ls_policy own;
	struct ls_addr ip;

	(void)state;
	assert_int_equal(policy->mode, LS_MODE_OBSERVE);
	assert_int_equal(policy->subjects, 2048);
	assert_string_equal(policy->group, "");
	assert_int_equal(policy->ip.failures[LS_FAST].units, 3);
	assert_int_equal(policy->ip.failures[LS_SLOW].period_ms, 3600000);
	assert_int_equal(policy->ip.lock.max_ms, 120000);
	assert_int_equal(policy->net.prefix4, 16);
	assert_int_equal(policy->net.prefix6, 56);
	assert_int_equal(policy->user.lock.min_ms, 300000);
	assert_int_equal(policy->require_tls, LS_TLS_ALWAYS);

	ls_addr_parse("203.0.113.5", &ip);
	policy = ls_policy_file_lookup(file, "joe@example.com", &ip, &own);
	assert_int_equal(policy->user.failures[LS_FAST].units, 4);
	assert_int_equal(policy->ip.failures[LS_FAST].units, 40);
	assert_int_equal(policy->require_tls, LS_TLS_NEVER);
	assert_int_equal(policy->ip.lock.max_ms, 120000);
	ls_addr_parse("198.51.100.7", &ip);
	policy = ls_policy_file_lookup(file, "ann@example.org", &ip, &own);
	assert_int_equal(policy->denied, 1);
	assert_int_equal(policy->place.lock.max_ms, 180000);
	assert_int_equal(policy->reveal, LS_REVEAL_ALWAYS);
	ls_addr_parse("2001:db8::7", &ip);
	policy = ls_policy_file_lookup(file, NULL, &ip, &own);
	assert_int_equal(policy->trusted, 1);
	ls_addr_parse("::1", &ip); /* = replaces the default, += does not */
	policy = ls_policy_file_lookup(file, NULL, &ip, &own);
	assert_int_equal(policy->trusted, 0);
	ls_policy_file_close(&file);
}

/* A narrower network has all that was said of the wider ones around it. */
static void test_nets_inherit(void **state)
{
	static const char text[] =
		"trusted = { 10.0.0.0/8 10.9.9.9 }\n"
		"denied = { 10.9.0.0/16, \"::/0\" }\n"
		"override net 10.0.0.0/9 { ip { lock = \"1m..1m\" } }\n"
		"override net 10.1.0.0/16 { net { lock = \"2m..2m\" } }\n"
		"override net 10.1.2.0/24 { ip { lock = \"3m..3m\" } }\n";
	static const struct {
		const char *ip;
		uint64_t trusted, denied, ip_lock, net_lock; /* in min */
	} table[] = {
		{ "10.200.0.1", 1, 0, 10, 10 }, { "10.2.0.1", 1, 0, 1, 10 },
		{ "10.1.9.9", 1, 0, 1, 2 },     { "10.1.2.3", 1, 0, 3, 2 },
		{ "10.9.0.1", 0, 1, 1, 10 },    { "10.9.9.9", 1, 0, 1, 10 },
		{ "11.0.0.1", 0, 0, 10, 10 },   { "2001:db8::1", 0, 1, 10, 10 },
	};
	char fixed[sizeof(text) + 8];
	struct ls_policy_file *file;

	(void)state;
	/* a list wants its commas */
	refuse(text, "conf:1: a value where none is expected: is a comma missing?\n");
	snprintf(fixed, sizeof(fixed), "trusted = { 10.0.0.0/8, %s",
		 strstr(text, "10.9.9.9"));
#define TRUSTED "holds for nobody: of a trusted network only the accounts are " \
		"counted\n"
	file = compile(fixed,
		       "conf:2: warning: denied \"::/0\": that is every IPv6 "
		       "address\n"
		       "conf:3: warning: override net \"10.0.0.0/9\": ip: " TRUSTED
		       "conf:4: warning: override net \"10.1.0.0/16\": net: "
		       TRUSTED
		       "conf:5: warning: override net \"10.1.2.0/24\": ip: "
		       TRUSTED);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct ls_policy *policy;
		struct ls_policy own;
		struct ls_addr ip;

		ls_addr_parse(table[i].ip, &ip);
		policy = ls_policy_file_lookup(file, NULL, &ip, &own);
		assert_int_equal(policy->trusted, table[i].trusted);
		assert_int_equal(policy->denied, table[i].denied);
		assert_int_equal(policy->ip.lock.min_ms,
				 table[i].ip_lock * 60000);
		assert_int_equal(policy->net.lock.min_ms,
				 table[i].net_lock * 60000);
	}
	ls_policy_file_close(&file);
}

static void test_webhooks(void **state)
{
	char text[512];
	struct ls_policy_file *file;
	struct ls_webhook hook;

	(void)state;
	write_text("secret", "whsec_x");
	chmod("secret", 0600);
	snprintf(text, sizeof(text),
		 "webhook \"ops\" { url = \"https://hooks.example.com/mail\"\n"
		 "  secret-file = \"%s/secret\"\n"
		 "  events = { \"lock\", \"digest\" } format = \"json\" "
		 "digest = \"10m\" }\n"
		 "webhook two { url = \"http://127.0.0.1:8080/\" "
		 "secret-file = \"%s/secret\" }\n"
		 "webhook three { url = \"http://localhost/\" "
		 "secret-file = \"%s/secret\" events = { lock } }\n",
		 dir, dir, dir);
	file = compile(text, "");
	assert_int_equal(ls_policy_file_webhook(file, 0, &hook), 1);
	assert_string_equal(hook.name, "ops");
	assert_string_equal(hook.url, "https://hooks.example.com/mail");
	assert_int_equal(hook.events, 1 << LS_EVENT_LOCK);
	assert_int_equal(hook.digest_ms, 600000);
	assert_int_equal(ls_policy_file_webhook(file, 1, &hook), 1);
	assert_string_equal(hook.name, "two");
	assert_int_equal(hook.events,
			 1 << LS_EVENT_LOCK | 1 << LS_EVENT_UNLOCK |
				 1 << LS_EVENT_SUSPICIOUS |
				 1 << LS_EVENT_ALARM |
				 1 << LS_EVENT_FREEZE | 1 << LS_EVENT_RELEASE);
	assert_int_equal(hook.digest_ms, 300000);
	assert_int_equal(ls_policy_file_webhook(file, 2, &hook), 1);
	assert_int_equal(hook.digest_ms, 0); /* each at once */
	assert_int_equal(ls_policy_file_webhook(file, 3, &hook), 0);
	ls_policy_file_close(&file);

	/* to the events there are by default */
	snprintf(text, sizeof(text),
		 "webhook a { url = \"https://x/\" secret-file = \"%s/secret\""
		 " events += { login } }",
		 dir);
	file = compile(text, "");
	assert_int_equal(ls_policy_file_webhook(file, 0, &hook), 1);
	assert_int_equal(hook.events,
			 1 << LS_EVENT_LOCK | 1 << LS_EVENT_UNLOCK |
				 1 << LS_EVENT_SUSPICIOUS |
				 1 << LS_EVENT_ALARM |
				 1 << LS_EVENT_FREEZE | 1 << LS_EVENT_RELEASE |
				 1 << LS_EVENT_LOGIN);
	assert_int_equal(hook.digest_ms, 300000);
	ls_policy_file_close(&file);
}

/* A chat service needs no secret, and has its URL in a file. */
static void test_chat_webhooks(void **state)
{
	char text[512], want[512];
	struct ls_policy_file *file;
	struct ls_webhook hook;

	(void)state;
	write_text("secret", "https://hooks.slack.com/services/T0/B0/x");
	chmod("secret", 0600);
	for (uint32_t i = LS_FORMAT_JSON + 1; i < LS_FORMAT_COUNT; i++) {
		snprintf(text, sizeof(text),
			 "webhook a { url-file = \"%s/secret\" format = %s }",
			 dir, ls_format_name((enum ls_format)i));
		file = compile(text, "");
		assert_int_equal(ls_policy_file_webhook(file, 0, &hook), 1);
		assert_int_equal(hook.format, i);
		assert_string_equal(hook.url, "");
		assert_string_equal(hook.secret_file, "");
		assert_string_equal(hook.url_file + strlen(dir), "/secret");
		ls_policy_file_close(&file);
	}
	chmod("secret", 0644);
	snprintf(want, sizeof(want),
		 "conf:1: warning: webhook \"a\": url-file: others may read "
		 "%s/secret (mode 0644); chmod 600 it\n",
		 dir);
	file = compile(text, want);
	ls_policy_file_close(&file);
}

/* Whatever the journal tells can be asked for, by the word it has there. */
static void test_every_event_can_be_posted(void **state)
{
	struct ls_policy_file *file;
	struct ls_webhook hook;
	char text[1024];

	(void)state;
	write_text("secret", "whsec_x");
	chmod("secret", 0600);
	for (unsigned event = 1; event < LS_EVENT_COUNT; event++) {
		snprintf(text, sizeof(text),
			 "webhook a { url = \"https://x/\" "
			 "secret-file = \"%s/secret\" events = { \"%s\" } }",
			 dir, ls_event_name((enum ls_event)event));
		file = compile(text, "");
		assert_int_equal(ls_policy_file_webhook(file, 0, &hook), 1);
		assert_int_equal(hook.events, 1U << event);
		ls_policy_file_close(&file);
	}
}

/* As many as are read again. */
static void test_webhooks_are_bounded(void **state)
{
	static char text[64 * 1024];
	struct ls_policy_file *file;
	struct ls_webhook hook;
	size_t len = 0;

	(void)state;
	write_text("secret", "whsec_x");
	chmod("secret", 0600);
	for (unsigned i = 0; i < LS_WEBHOOKS_MAX; i++)
		len += (size_t)sprintf(text + len,
				       "webhook w%u { url = \"https://x/%u\" "
				       "secret-file = \"%s/secret\" }\n",
				       i, i, dir);
	file = compile(text, "");
	assert_int_equal(ls_policy_file_webhook(file, LS_WEBHOOKS_MAX - 1,
						&hook), 1);
	ls_policy_file_close(&file);
	sprintf(text + len,
		"webhook more { url = \"https://x/\" "
		"secret-file = \"%s/secret\" }\n",
		dir);
	refuse(text, "conf:65: webhook \"more\": one more than 64\n");
}

static void test_warnings(void **state)
{
	char text[256], want[512];

	(void)state;
	accept("mode = \"observe\"\nmode = \"enforce\"\n",
	       "conf:1: warning: mode is set again further down, and that one "
	       "counts\n");
	accept("limit place { failures = \"0\" }",
	       "conf:1: warning: limit place: failures: with no limit here, "
	       "nothing bounds guesses from familiar places\n");
	accept("limit ip { failures = \"10/10m, 5/1d\" }",
	       "conf:1: warning: limit ip: failures: \"10/10m, 5/1d\": the "
	       "first limit is never reached, the second is full before\n");
	accept("limit ip { failures = \"10/10m, 2000/1d\" }",
	       "conf:1: warning: limit ip: failures: \"10/10m, 2000/1d\": the "
	       "second limit is hardly ever reached, the first allows no "
	       "more\n");
	accept("override user \"Joe\" { user { lock = 1m..1m } }",
	       "conf:1: warning: override user \"Joe\": has capital letters; "
	       "Dovecot makes names lower case, unless auth_username_format "
	       "says otherwise\n");
	accept("trusted = { 10.0.0.0/8, 10.0.0.0/8 }\n",
	       "conf:1: warning: 10.0.0.0/8 is there twice\n");
	write_text("secret", "x");
	chmod("secret", 0640);
	snprintf(text, sizeof(text),
		 "webhook a { url = https://x/ secret-file = \"%s/secret\" }",
		 dir);
	snprintf(want, sizeof(want),
		 "conf:1: warning: webhook \"a\": secret-file: others may read "
		 "%s/secret (mode 0640); chmod 600 it\n",
		 dir);
	accept(text, want);
}

/* The file that is installed: as it is, and with every # before a setting
 * removed, it means the defaults. */
static void test_installed(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct ls_policy presets;
	char path[2048], line[1024];
	struct conf *conf;
	FILE *from, *to;

	(void)state;
	if (srcdir == NULL)
		srcdir = ".";
	snprintf(path, sizeof(path), "%s%s%s/../../conf.d/lockstep.conf",
		 srcdir[0] == '/' ? "" : start, srcdir[0] == '/' ? "" : "/",
		 srcdir);
	from = fopen(path, "r");
	if (from == NULL)
		fail_msg("%s is not there: set srcdir to tests/unit", path);
	to = fopen("conf", "w");
	assert_non_null(to);
	while (fgets(line, sizeof(line), from) != NULL) {
		bool setting = line[0] == '#' && line[1] != ' ' &&
			       strncmp(line, "#include", 8) != 0;

		fputs(setting ? line + 1 : line, to);
	}
	fclose(from);
	fclose(to);
	ls_policy_presets(&presets);
	assert_int_equal(conf_read(path, &conf), 0);
	assert_int_equal(conf_log(conf)->count, 0);
	assert_memory_equal(conf_policy(conf), &presets, sizeof(presets));
	assert_int_equal(conf_counts(conf).users, 0);
	conf_free(&conf);
	if (conf_read("conf", &conf) < 0)
		fail_msg("%s", messages_of(conf));
	assert_memory_equal(conf_policy(conf), &presets, sizeof(presets));
	assert_int_equal(conf_counts(conf).users, 1);
	assert_int_equal(conf_counts(conf).domains, 1);
	assert_int_equal(conf_counts(conf).nets, 3);
	assert_int_equal(conf_counts(conf).webhooks, 1);
	conf_free(&conf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),        TEST(test_whole),
		TEST(test_nets_inherit), TEST(test_webhooks),
		TEST(test_chat_webhooks),
		TEST(test_warnings),     TEST(test_installed),
		TEST(test_every_event_can_be_posted),
		TEST(test_webhooks_are_bounded),
	};

	if (getcwd(start, sizeof(start)) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
