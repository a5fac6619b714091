/* test_conf.c - lockstep.conf: what it means, and each way to get it wrong */
#include "lockstep-config.h"

#include "conf.h"
#include "nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <cmocka.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/lockstep-conf.XXXXXX");
	return mkdtemp(dir) == NULL || chdir(dir) < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "conf", "more", "secret",
					     "policy.cdb", "sub/deep" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("sub");
	return chdir("/") < 0 ? -1 : rmdir(dir);
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* All messages, a line each. */
static char *messages_of(const struct conf *conf)
{
	static char all[16384];
	const struct conf_log *log = conf_log(conf);
	size_t len = 0;

	all[0] = '\0';
	for (size_t i = 0; i < log->count; i++) {
		const struct conf_message *message = &log->messages[i];

		len += (size_t)snprintf(all + len, sizeof(all) - len,
					"%s:%u: %s%s\n", message->place.file,
					message->place.line,
					message->warning ? "warning: " : "",
					message->text);
		assert_true(len < sizeof(all));
	}
	return all;
}

/* Read a text, and want these messages. Returns the conf, to be freed. */
static struct conf *read_text(const char *text, int want,
			      const char *messages)
{
	struct conf *conf;
	int got;

	write_text("conf", text);
	got = conf_read("conf", &conf);
	if (strcmp(messages_of(conf), messages) != 0)
		fail_msg("\nof   %s\ngot  %s\nwant %s", text,
			 messages_of(conf), messages);
	assert_int_equal(got, want);
	return conf;
}

static void accept(const char *text, const char *warnings)
{
	struct conf *conf = read_text(text, 0, warnings);

	conf_free(&conf);
	assert_null(conf);
}

static void refuse(const char *text, const char *messages)
{
	struct conf *conf = read_text(text, -1, messages);

	conf_free(&conf);
}

/* Compile a text and open what comes out. */
static struct ls_policy_file *compile(const char *text, const char *warnings)
{
	struct conf *conf = read_text(text, 0, warnings);
	struct ls_policy_writer *writer;
	struct ls_policy_file *file = NULL;
	struct ls_error error = { 0, "" };

	assert_int_equal(ls_policy_writer_init("policy.cdb", &writer, &error),
			 0);
	conf_write(conf, writer);
	if (ls_policy_writer_commit(&writer, 1, &error) < 0 ||
	    ls_policy_file_open(AT_FDCWD, "policy.cdb", &file, &error) < 0)
		fail_msg("%s", error.text);
	conf_free(&conf);
	return file;
}

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
	refuse(text, "conf:1: unexpected token '10.9.9.9'\n");
	snprintf(fixed, sizeof(fixed), "trusted = { 10.0.0.0/8, %s",
		 strstr(text, "10.9.9.9"));
	file = compile(fixed, "conf:2: warning: denied \"::/0\": that is "
			      "every address\n");
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
			 1 << LS_EVENT_LOCK | 1 << LS_EVENT_UNLOCK);
	assert_int_equal(hook.digest_ms, 300000);
	assert_int_equal(ls_policy_file_webhook(file, 2, &hook), 1);
	assert_int_equal(hook.digest_ms, 0); /* each at once */
	assert_int_equal(ls_policy_file_webhook(file, 3, &hook), 0);
	ls_policy_file_close(&file);
}

/* Every mistake is told in one go, at its line. */
static void test_all_at_once(void **state)
{
	(void)state;
	refuse("mode = \"observ\"\n"
	       "subjcts = 5\n"
	       "\n"
	       "# comment\n"
	       "subjects = 5\n"
	       "limit ip {\n"
	       "\tfailurs = \"1/1m, 2/1d\"\n"
	       "\tfailures = \"10/10m\" }\n"
	       "override net \"banana\" { ip { lock = \"1\" } }\n",
	       "conf:1: mode: \"observ\" is none of: enforce, observe\n"
	       "conf:2: no key \"subjcts\"; did you mean \"subjects\"?\n"
	       "conf:5: subjects: 5 is not within 1024 and 67108864\n"
	       "conf:7: limit ip: no key \"failurs\"; did you mean "
	       "\"failures\"?\n"
	       "conf:8: limit ip: failures: \"10/10m\" is one limit; two are "
	       "wanted, fast and slow, like \"10/10m, 50/1d\" (0 is none)\n"
	       "conf:9: override net \"banana\" is not an address or a network "
	       "like 192.0.2.0/24 or 2001:db8::/32\n");
}

struct mistake {
	const char *text, *messages;
};

static void refuse_each(const struct mistake *mistakes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse(mistakes[i].text, mistakes[i].messages);
}

#define REFUSE_EACH(table)                                                     \
	refuse_each(table, sizeof(table) / sizeof((table)[0]))

static void test_unknown(void **state)
{
	static const struct mistake table[] = {
		{ "limit ip { sessions = 5 }",
		  "conf:1: limit ip: no key \"sessions\"; that one is of: "
		  "limit user { }\n" },
		{ "limit net { mode = \"observe\" }",
		  "conf:1: limit net: no key \"mode\"; that one stands outside "
		  "all sections\n" },
		{ "limit place { xyzzy = 5 }",
		  "conf:1: limit place: no key \"xyzzy\"; there are: failures, "
		  "repeats, lock\n" },
		{ "limit usr { lock = \"1m..1h\" }",
		  "conf:1: no section \"limit usr\"; did you mean "
		  "\"limit user\"?\n" },
		{ "\n\nlimit sesame { a = 1 b = { \"x\", \"y\" } c \"d\" { } "
		  "}\nmode = \"x\"",
		  "conf:3: no section \"limit sesame\"\n"
		  "conf:4: mode: \"x\" is none of: enforce, observe\n" },
		{ "mod = 1 stat-dir = \"/x\"",
		  "conf:1: no key \"mod\"; did you mean \"mode\"?\n"
		  "conf:1: no key \"stat-dir\"; did you mean \"state-dir\"?\n" },
		{ "Mode = \"observe\"",
		  "conf:1: no key \"Mode\"; did you mean \"mode\"?\n" },
		{ "user { lock = \"1m..1h\" }",
		  "conf:1: no section \"user\"\n" },
		{ "override usr \"joe\" { }",
		  "conf:1: no section \"override usr\"; did you mean "
		  "\"override user\"?\n" },
		{ "override user \"joe\" { sending { mesages = \"1/1h\" } }",
		  "conf:1: override user \"joe\": sending: no key \"mesages\"; "
		  "did you mean \"messages\"?\n"
		  "conf:1: warning: override user \"joe\": overrides "
		  "nothing\n" },
		{ "override user \"joe\" { ip { lock = \"1m..1h\" } }",
		  "conf:1: override user \"joe\": no section \"ip\"; there are: "
		  "reveal, require-tls, user, place, sending\n"
		  "conf:1: warning: override user \"joe\": overrides "
		  "nothing\n" },
		{ "override net \"192.0.2.1\" { net { prefix4 = 8 } }",
		  "conf:1: override net \"192.0.2.1\": net: no key "
		  "\"prefix4\"; that one cannot be overridden\n"
		  "conf:1: warning: override net \"192.0.2.1\": overrides "
		  "nothing\n" },
		{ "include \"more\"",
		  "conf:1: no key \"include\"; write include(\"FILE\")\n"
		  "conf:1: no key \"more\"; did you mean \"mode\"?\n" },
		{ "foo(\"bar\") mode = \"x\"",
		  "conf:1: no key \"foo\"\n"
		  "conf:1: mode: \"x\" is none of: enforce, observe\n" },
		{ "\"mode\" = \"observe\"",
		  "conf:1: \"mode\": a key stands without quotes\n" },
		{ "'limit ip|failures' = \"observe\"",
		  "conf:1: \"limit ip|failures\": a key stands without "
		  "quotes\n" },
	};

	(void)state;
	REFUSE_EACH(table);
}

static void test_grammar(void **state)
{
	static const struct mistake table[] = {
		{ "mode", "conf:1: premature end of file\n" },
		{ "mode =", "conf:1: premature end of file\n" },
		{ "mode \"observe\"\n",
		  "conf:1: missing equal sign after option 'mode'\n" },
		{ "mode\n\n= }", "conf:3: this } closes nothing\n" },
		{ "mode = {", "conf:1: this { is never closed\n" },
		{ "limit ip {\nlock = \"1m..1h\"\n",
		  "conf:1: this { is never closed\n" },
		{ "limit ip }", "conf:1: this } closes nothing\n" },
		{ "limit ip\nlock = \"1m..1h\"",
		  "conf:2: missing opening brace for section 'limit ip'\n" },
		{ "override user { }",
		  "conf:1: missing title for section 'override user'\n" },
		{ "trusted = { 10.0.0.0/8,\n\n= }",
		  "conf:3: unexpected token '='\n" },
		{ "mode += \"observe\"",
		  "conf:1: attempt to append to non-list option 'mode'\n" },
		{ "mode = \"obs\nerve\"",
		  "conf:1: this string has no closing \" on its line\n" },
		{ "mode = 'obs", "conf:1: this string has no closing ' on its "
				 "line\n" },
		{ "\n/* mode\n\n", "conf:2: this comment is never closed\n" },
		{ "group = \"a\\nb\"",
		  "conf:1: a backslash in a string is written twice: "
		  "\\\\\n" },
		{ "group = \"a\x01\"",
		  "conf:1: a control character (byte 1) in a string\n"
		  "conf:1: group: has a control character\n" },
		{ "mode = \x1b", "conf:1: a control character (byte 27)\n"
				 "conf:1: premature end of file\n" },
		{ "mode = observe |", "conf:1: a | outside a string\n" },
	};

	(void)state;
	REFUSE_EACH(table);
}

static void test_values(void **state)
{
	static const struct mistake table[] = {
		{ "state-dir = \"run\"",
		  "conf:1: state-dir: \"run\" does not begin with /\n" },
		{ "limit ip { logins = \"2000/1s\" }",
		  "conf:1: limit ip: logins: 2000/1s is more than one a "
		  "millisecond\n" },
		{ "limit ip {\n failures = \"50/1d, 10/10m\" }",
		  "conf:2: limit ip: failures: \"50/1d, 10/10m\": the second "
		  "limit, the slow one, must be over a longer time than the "
		  "first\n" },
		{ "limit net { prefix4 = 33 }",
		  "conf:1: limit net: prefix4: 33 is not within 8 and 32\n" },
		{ "trusted = { \"::1/129\", \"10.0.0.1/8\" }",
		  "conf:1: trusted \"::1/129\" is not an address or a network "
		  "like 192.0.2.0/24 or 2001:db8::/32\n"
		  "conf:1: trusted \"10.0.0.1/8\": has bits beyond its length; "
		  "write 10.0.0.0/8, or the address alone\n" },
		{ "trusted = { 10.0.0.0/8 }\ndenied = { 10.0.0.0/8 }",
		  "conf:2: 10.0.0.0/8 is trusted and denied\n" },
		{ "denied = { 127.0.0.0/8 }",
		  "conf:1: 127.0.0.0/8 is trusted and denied\n" },
		{ "override net 10.0.0.1 { ip { lock = 1m..1m } }\n"
		  "override net 10.0.0.1/32 { ip { lock = 1m..1m } }\n",
		  "conf:2: override net \"10.0.0.1\" is there twice\n" },
		{ "override user \"joe\" { user { lock = 1m..1m } }\n"
		  "override user \"joe\" { user { lock = 2m..2m } }\n",
		  "conf:2: override user \"joe\" is there twice\n" },
		{ "override domain a.org { user { lock = 1m..1m } }\n"
		  "override domain A.org { user { lock = 2m..2m } }\n",
		  "conf:2: override domain \"A.org\" is there twice\n" },
		{ "override domain \"@a.org\" { user { lock = 1m..1m } }",
		  "conf:1: override domain \"@a.org\": write the domain without "
		  "the @\n" },
		{ "override user \"\" { }", "conf:1: override user \"\": a "
					    "name has 1 to 254 characters\n" },
	};

	(void)state;
	REFUSE_EACH(table);
}

static void test_bad_webhooks(void **state)
{
	static const struct mistake table[] = {
		{ "webhook \"a\" { }",
		  "conf:1: webhook \"a\": has no url\n"
		  "conf:1: webhook \"a\": has no secret-file\n" },
		{ "webhook \"a\" { url = \"ftp://x/\" secret-file = \"s\" }",
		  "conf:1: webhook \"a\": url: \"ftp://x/\" is not an "
		  "https:// (or http://) address\n"
		  "conf:1: webhook \"a\": secret-file: \"s\" does not begin "
		  "with /\n" },
		{ "webhook \"a\" { url = \"https://u:p@x/\"\n"
		  "secret-file = \"/nonexistent/secret\" }",
		  "conf:1: webhook \"a\": url: no user or password in it: all "
		  "on this host can read the compiled policy\n"
		  "conf:2: warning: webhook \"a\": secret-file: "
		  "/nonexistent/secret: No such file or directory\n" },
		{ "webhook \"a\" { url = \"https://\" secret-file = \"/\" }",
		  "conf:1: webhook \"a\": url: \"https://\" is not an https:// "
		  "(or http://) address\n"
		  "conf:1: warning: webhook \"a\": secret-file: / is not a "
		  "file\n" },
		{ "webhook \"a\" { url = \"http://x/\" secret-file = \"/\"\n"
		  "events = { \"loc\", \"xyzzy\" }\n"
		  "format = \"slack\"\n"
		  "digest = \"5\" }",
		  "conf:1: warning: webhook \"a\": url: http: whoever is on the "
		  "way can read what is posted\n"
		  "conf:1: warning: webhook \"a\": secret-file: / is not a "
		  "file\n"
		  "conf:2: webhook \"a\": events: no event \"loc\"; did you "
		  "mean \"lock\"?\n"
		  "conf:2: webhook \"a\": events: no event \"xyzzy\"; there "
		  "are: lock, unlock, freeze, suspicious, digest, login, "
		  "connect, session\n"
		  "conf:2: warning: webhook \"a\": events: nothing of these "
		  "happens in this version of lockstep: nothing will be "
		  "posted\n"
		  "conf:3: webhook \"a\": format: this version of lockstep does "
		  "not write \"slack\" yet; it writes \"json\"\n"
		  "conf:4: webhook \"a\": digest: \"5\" is not a duration like "
		  "5m (0s: none)\n" },
	};

	(void)state;
	REFUSE_EACH(table);
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
	accept("contacts = 2000000\n", "");
	accept("contacts = 5000\n",
	       "conf:1: warning: contacts: checked and kept, but this version "
	       "of lockstep does not act on it yet\n");
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

static void test_includes(void **state)
{
	struct conf *conf;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	write_text("more", "\n# comment\nlimit ip { lock = \"1m..2m\" }\n"
			   "include(\"sub/deep\")\n");
	write_text("sub/deep", "subjects = 4096\nmode = \"observe\"\n");
	conf = read_text("\ninclude(\"more\")\njournal-size = 2048\n", 0, "");
	assert_int_equal(conf_policy(conf)->subjects, 4096);
	assert_int_equal(conf_policy(conf)->mode, LS_MODE_OBSERVE);
	assert_int_equal(conf_policy(conf)->ip.lock.max_ms, 120000);
	assert_int_equal(conf_policy(conf)->journal_size, 2048);
	conf_free(&conf);

	write_text("sub/deep", "\nsubjects = 5\n\nmodes = 1\n");
	refuse("mode = \"x\"\ninclude(\"more\")\n\njournal-size = 5\n",
	       "conf:1: mode: \"x\" is none of: enforce, observe\n"
	       "conf:4: journal-size: 5 is not within 1024 and 16777216\n"
	       "sub/deep:2: subjects: 5 is not within 1024 and 67108864\n"
	       "sub/deep:4: no key \"modes\"; did you mean \"mode\"?\n");

	/* inside a section; and its mistakes are where it is */
	write_text("more", "lock = \"1m..2m\"\n\nfailures = \"x\"\n");
	refuse("limit ip {\n include(\"more\")\n logins = \"x\"\n}\n",
	       "conf:3: limit ip: logins: \"x\" is not a limit like 600/5m (0 "
	       "is none)\n"
	       "more:3: limit ip: failures: \"x\" is not two limits, fast and "
	       "slow, like \"10/10m, 50/1d\" (0 is none)\n");

	refuse("\ninclude(\"absent\")\nmode = 1\n",
	       "conf:2: include: absent: No such file or directory\n"
	       "conf:3: mode: \"1\" is none of: enforce, observe\n");
	write_text("more", "\ninclude(\"more\")\n");
	refuse("include(\"more\")\n",
	       "more:2: include: more than 10 files deep: does more include "
	       "itself?\n");
}

static void test_no_file(void **state)
{
	struct conf *conf;

	(void)state;
	assert_int_equal(conf_read("/nonexistent/conf", &conf), -1);
	assert_string_equal(messages_of(conf), "/nonexistent/conf:0: No such "
					       "file or directory\n");
	conf_free(&conf);
}

static void test_nearest(void **state)
{
	static const struct {
		const char *a, *b;
		size_t want;
	} table[] = {
		{ "", "", 0 },         { "abc", "", 3 },
		{ "abc", "abc", 0 },   { "abc", "acb", 1 },
		{ "abc", "abcd", 1 },  { "abc", "xbc", 1 },
		{ "lock", "unlock", 2 }, { "kitten", "sitting", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(word_distance(table[i].a, table[i].b),
				 table[i].want);
		assert_int_equal(word_distance(table[i].b, table[i].a),
				 table[i].want);
	}
	assert_null(word_nearer("xyzzy", NULL, "mode"));
	assert_string_equal(word_nearer("moed", NULL, "mode"), "mode");
	assert_string_equal(word_nearer("lok", "lock", "look"), "lock");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_whole),
		TEST(test_nets_inherit),
		TEST(test_webhooks),
		TEST(test_all_at_once),
		TEST(test_unknown),
		TEST(test_grammar),
		TEST(test_values),
		TEST(test_bad_webhooks),
		TEST(test_warnings),
		TEST(test_includes),
		TEST(test_no_file),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
