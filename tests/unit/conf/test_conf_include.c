/* test_conf_include.c - lockstep.conf in several files */
#include "lockstep-config.h"

#include "conf_bed.h"

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
	       "more:2: include: more is being read already: it would include "
	       "itself\n");
}

/* conf.d: in the order of the names, sections and lists adding up. */
static void test_include_several(void **state)
{
	static const char *const ways[] = { "sub", "sub/", "sub/*.conf",
					    "s[tu]b/??.conf" };
	struct conf *conf;
	char text[128];

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(mkdir("sub/dd.conf", 0700), 0);
	write_text("sub/20.conf", "trusted += { 10.2.0.0/16 }\n"
				  "limit ip { lock = 2m..2m }\n");
	write_text("sub/10.conf", "trusted += { 10.1.0.0/16 }\n"
				  "limit ip { logins = 7/1m }\n"
				  "subjects = 4096\n");
	write_text("sub/.hidden.conf", "subjects = 1\n");
	write_text("sub/10.conf~", "subjects = 1\n");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(text, sizeof(text),
			 "subjects = 2048 include(\"%s\") "
			 "limit ip { failures = \"5/1m, 9/1h\" }\n",
			 ways[i]);
		conf = read_text(text, 0,
				 "conf:1: warning: subjects is set again "
				 "further down, and that one counts\n");
		assert_int_equal(conf_policy(conf)->subjects, 4096);
		assert_int_equal(conf_policy(conf)->ip.logins.units, 7);
		assert_int_equal(conf_policy(conf)->ip.lock.max_ms, 120000);
		assert_int_equal(conf_policy(conf)->ip.failures[0].units, 5);
		assert_int_equal(conf_counts(conf).nets, 4);
		conf_free(&conf);
	}
	/* absolute, from another directory than the file's */
	snprintf(text, sizeof(text), "include(\"%s/sub/2*\")", dir);
	conf = read_text(text, 0, "");
	assert_int_equal(conf_policy(conf)->ip.lock.max_ms, 120000);
	conf_free(&conf);
	accept("include(\"sub/*.none\")", "");
	refuse("include(\"sbu/*.conf\")",
	       "conf:1: include: sbu: No such file or directory\n");
	/* the file and line of the mistake */
	write_text("sub/20.conf", "\nsubjects = x\n");
	refuse("include(sub)",
	       "sub/10.conf:3: warning: subjects is set again further down, "
	       "and that one counts\n"
	       "sub/20.conf:2: subjects: \"x\" is not a whole number\n");
}

/* However files include one another, it ends. */
static void test_includes_end(void **state)
{
	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	write_text("sub/10.conf", "\ninclude(\"../sub\")\n");
	write_text("sub/20.conf", "include(\"../more\")\n");
	write_text("more", "include(\"sub/20.conf\")\n");
	refuse("include(\"sub\")",
	       "sub/../more:1: include: sub/../sub/20.conf is being read "
	       "already: it would include itself\n"
	       "sub/../sub/../more:1: include: sub/../sub/../sub/20.conf is "
	       "being read already: it would include itself\n"
	       "sub/10.conf:2: include: sub/../sub/10.conf is being read "
	       "already: it would include itself\n");
}

/* Each of a chain includes the next twice: two to the power of its length. */
static void test_includes_are_bounded(void **state)
{
	char name[16], text[64];
	struct conf *conf;
	size_t last;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "sub/%u", i);
		snprintf(text, sizeof(text), "include(%u)\ninclude(%u)\n",
			 i + 1, i + 1);
		write_text(name, text);
	}
	write_text("sub/12", "");
	write_text("conf", "include(\"sub/0\")");
	assert_int_equal(conf_read("conf", &conf), -1);
	last = conf_log(conf)->count - 1;
	assert_true(conf_log(conf)->count < 2000);
	assert_non_null(strstr(conf_log(conf)->messages[last].text,
			       "more than 10 files deep"));
	conf_free(&conf);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "sub/%u", i);
		unlink(name);
	}
	unlink("sub/12");
}

/* Not deep, and many all the same: each of seven names the next three times. */
static void test_files_are_bounded(void **state)
{
	char name[16], text[64];
	struct conf *conf;
	size_t last;

	(void)state;
	assert_int_equal(mkdir("many", 0700), 0);
	for (unsigned i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "many/%u", i);
		snprintf(text, sizeof(text),
			 "include(%u)\ninclude(%u)\ninclude(%u)\n", i + 1,
			 i + 1, i + 1);
		write_text(name, text);
	}
	write_text("many/7", "");
	write_text("conf", "include(\"many/0\")");
	assert_int_equal(conf_read("conf", &conf), -1);
	last = conf_log(conf)->count - 1;
	assert_non_null(strstr(conf_log(conf)->messages[last].text,
			       "more than 1000 files in all"));
	conf_free(&conf);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "many/%u", i);
		unlink(name);
	}
	rmdir("many");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_includes),
		TEST(test_include_several),
		TEST(test_includes_end),
		TEST(test_includes_are_bounded),
		TEST(test_files_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
