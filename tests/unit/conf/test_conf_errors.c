/* test_conf_errors.c - lockstep.conf: each way to get it wrong, and the words
 * for it */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "conf_bed.h"

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

static void test_unknown(void **state)
{
	static const struct mistake table[] = {
		{ "limit ip { sessions = 5 }",
		  "conf:1: limit ip: no key \"sessions\"; it stands in "
		  "limit user\n" },
		{ "failures = \"0\"",
		  "conf:1: no key \"failures\"; it stands in limit ip, limit "
		  "net, limit user, limit place\n" },
		{ "limit net { reveal = \"never\" }",
		  "conf:1: limit net: no key \"reveal\"; that one stands outside "
		  "all sections\n" },
		{ "limit place { xyzzy = 5 }",
		  "conf:1: limit place: no key \"xyzzy\"; there are: failures, "
		  "repeats, lock, mode\n" },
		{ "limit usr { lock = \"1m..1h\" }",
		  "conf:1: no section \"limit usr\"; did you mean "
		  "\"limit user\"?\n" },
		{ "\n\nlimit sesame { a = 1 b = { \"x\", \"y\" } c \"d\" { } "
		  "}\nmode = \"x\"",
		  "conf:3: no section \"limit sesame\"; there are: limit ip, "
		  "limit net, limit user, limit place, limit guess, limit "
		  "sending, limit relay\n"
		  "conf:4: mode: \"x\" is none of: enforce, observe\n" },
		{ "mod = 1 stat-dir = \"/x\"",
		  "conf:1: no key \"mod\"; did you mean \"mode\"?\n"
		  "conf:1: no key \"stat-dir\"; did you mean "
		  "\"state-dir\"?\n" },
		{ "Mode = \"observe\"",
		  "conf:1: no key \"Mode\"; did you mean \"mode\"?\n" },
		{ "user { lock = \"1m..1h\" }",
		  "conf:1: no section \"user\"; did you mean "
		  "\"limit user\"?\n" },
		{ "override usr \"joe\" { }",
		  "conf:1: no section \"override usr\"; did you mean "
		  "\"override user\"?\n" },
		{ "override user \"joe\" { sending { mesages = \"1/1h\" } }",
		  "conf:1: override user \"joe\": sending: no key \"mesages\"; "
		  "did you mean \"messages\"?\n"
		  "conf:1: warning: override user \"joe\": overrides "
		  "nothing\n" },
		{ "override user \"joe\" { ip { lock = \"1m..1h\" } }",
		  "conf:1: override user \"joe\": no section \"ip\"; there "
		  "are: "
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
		  "conf:1: a word that is no key, and has no = after it\n"
		  "conf:1: mode: \"x\" is none of: enforce, observe\n" },
		{ "\"mode\" = \"observe\"",
		  "conf:1: \"mode\": a key stands without quotes\n" },
		{ "subjects = 4096 'limit ip|failures' = \"observe\"",
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
		  "conf:1: mode: += adds to a list, and this is none\n" },
		{ "mode = \"obs\nerve\"",
		  "conf:1: this string has no closing \" on its line\n" },
		{ "mode = 'obs", "conf:1: this string has no closing ' on its "
				 "line\n" },
		{ "\n/* mode\n\n", "conf:2: this comment is never closed\n" },
		{ "/* one\ntwo\n */ // three\n# four\nmode = {",
		  "conf:5: this { is never closed\n" },
		{ "group = \"a\\nb\"",
		  "conf:1: a backslash in a string is written twice\n" },
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
		  "conf:1: override domain \"@a.org\": write the domain "
		  "without "
		  "the @\n" },
		{ "override user \"\" { }", "conf:1: override user \"\": a "
					    "name has 1 to 254 characters\n" },
		{ "override net 192.0.2.1 {\n"
		  "ip { failures = \"5/1h, 9/1d\" lock = \"1m..1h\" }\n"
		  "net { failures = \"5/1h, 9/1d\" } }\n"
		  "override net 2001:db8:1::/49 {\n"
		  "ip { failures = \"5/1h, 9/1d\" }\n"
		  "place { failures = \"5/1h, 9/1d\" } }\n"
		  "override net 2001:db8:2::/65 {\n"
		  "ip { failures = \"5/1h, 9/1d\" } }\n"
		  "override net 192.0.0.0/24 {\n"
		  "net { failures = \"5/1h, 9/1d\" } }\n"
		  "limit net { prefix6 = 129 }",
		  "conf:1: warning: override net \"192.0.2.1\": net: failures: "
		  "counted for all of its /24, whose rest has another limit: "
		  "neither will be exact\n"
		  "conf:4: warning: override net \"2001:db8:1::/49\": place: "
		  "failures: counted for all of its /48, whose rest has "
		  "another limit: neither will be exact\n"
		  "conf:7: warning: override net \"2001:db8:2::/65\": ip: "
		  "failures: counted for all of its /64, whose rest has "
		  "another limit: neither will be exact\n"
		  "conf:11: limit net: prefix6: 129 is not within 16 and "
		  "64\n" },
	};

	(void)state;
	REFUSE_EACH(table);
}

static void test_bad_webhooks(void **state)
{
	static const struct mistake table[] = {
		{ "webhook \"a\" { }",
		  "conf:1: webhook \"a\": has no url and no url-file\n"
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
		  "format = \"slak\"\n"
		  "digest = \"5\" }",
		  "conf:1: warning: webhook \"a\": url: http: whoever is on "
		  "the "
		  "way can read what is posted\n"
		  "conf:1: warning: webhook \"a\": secret-file: / is not a "
		  "file\n"
		  "conf:2: webhook \"a\": events: no event \"loc\"; did you "
		  "mean \"lock\"?\n"
		  "conf:2: webhook \"a\": events: no event \"xyzzy\"; there "
		  "are: lock, unlock, freeze, release, suspicious, alarm, "
		  "digest, login, connect, message, session, session-end, "
		  "trust, distrust, forget\n"
		  "conf:2: warning: webhook \"a\": events: \"digest\" alone "
		  "is no event: nothing will be posted\n"
		  "conf:3: webhook \"a\": format: \"slak\" is none; did you "
		  "mean \"slack\"?\n"
		  "conf:4: webhook \"a\": digest: \"5\" is not a duration like "
		  "5m (0s: none)\n" },
	};

	(void)state;
	REFUSE_EACH(table);
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
		{ "", "", 0 },           { "abc", "", 3 },
		{ "abc", "abc", 0 },     { "abc", "acb", 1 },
		{ "abc", "abcd", 1 },    { "abc", "xbc", 1 },
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

/* Of a file that is something else nothing is shown, whoever includes it and
 * wherever; of one that reads like ours no word that may be a value. */
static void test_foreign(void **state)
{
	static const char foreign[] = "this is no lockstep.conf: it has no key "
				      "or section of one";
	static const char *const files[] = {
		"root:$y$j9T$aaa$bbb:20228:0:99999:7:::\n"
		"mode:!:20263::::::\njoe:*:1:user:::mode\n",
		"whsec_c2VjcmV0\n",
		"-----BEGIN PRIVATE KEY-----\nMIIEvQ+/IBADANBg==\n",
		"password = hunter2\nhost { name = hunter2 }\n",
		"hunter2, 10.0.0.0/8\n",
		"{ = hunter2 }",
	};
	static const char *const includers[] = {
		"include(\"more\")\n",
		"limit ip { include(\"more\") }\n",
		"trusted = { include(\"more\") }\n",
	};
	char want[256];
	struct conf *conf;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		unsigned line = 1;

		snprintf(want, sizeof(want), "conf:%u: %s\n", line, foreign);
		refuse(files[i], want);
		write_text("more", files[i]);
		snprintf(want, sizeof(want), "more:%u: %s\n", line, foreign);
		for (size_t j = 0;
		     j < sizeof(includers) / sizeof(includers[0]); j++)
			refuse(includers[j], want);
	}
	/* A list may stand in a file of its own. */
	write_text("more", "# the office\n10.0.0.0/8, 2001:db8::/32\n");
	conf = read_text("trusted = { include(\"more\") }\n", 0, "");
	assert_int_equal(conf_counts(conf).nets, 2);
	conf_free(&conf);
	refuse("mode = \"observe\"\nmachine a\npassword = \"hunter2\"\n"
	       "hunter2\n",
	       "conf:2: a word that is no key, and has no = after it\n"
	       "conf:2: a word that is no key, and has no = after it\n"
	       "conf:3: no key \"password\"\n"
	       "conf:4: a word that is no key, and has no = after it\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_all_at_once),
		TEST(test_unknown),
		TEST(test_foreign),
		TEST(test_grammar),
		TEST(test_values),
		TEST(test_bad_webhooks),
		TEST(test_no_file),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
