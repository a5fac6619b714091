/* test_conf_dump.c - a policy as text, and back: the same bytes
 *
 * A policy holds the time of its compilation, the last eight bytes of the record
 * "lockstep". Here it is the same for all, so whole files are compared. */
#include "lockstep-config.h"

#include "conf_bed.h"
#include "harness.h"

enum { SIZE = 256 * 1024 };

static char start[512]; /* the directory that the test was started in */

static void write_policy(const struct conf *conf, const char *path)
{
	struct ls_policy_writer *writer;
	struct ls_error error;

	assert_int_equal(ls_policy_writer_init(path, &writer, &error), 0);
	conf_write(conf, writer);
	if (ls_policy_writer_commit(&writer, 1, &error) < 0)
		fail_msg("%s", error.text);
}

static size_t read_file(const char *path, char *bytes)
{
	FILE *file = fopen(path, "r");
	size_t size;

	assert_non_null(file);
	size = fread(bytes, 1, SIZE, file);
	assert_true(size < SIZE);
	bytes[size] = '\0';
	fclose(file);
	return size;
}

static struct conf *read_conf(const char *path)
{
	struct conf *conf = NULL;

	if (conf_read(path, &conf) < 0)
		fail_msg("%s", messages_of(conf));
	return conf;
}

static void dump_to(const struct conf *conf, const char *path)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	conf_dump(conf, out);
	assert_int_equal(fclose(out), 0);
}

static struct conf *load(const char *path)
{
	struct ls_policy_file *file;
	struct ls_error error;
	struct conf *conf;

	if (ls_policy_file_open(AT_FDCWD, path, &file, &error) < 0 ||
	    conf_load(file, path, &conf, &error) < 0)
		fail_msg("%s", error.text);
	ls_policy_file_close(&file);
	return conf;
}

/* The file, its dump, the dump of what is compiled, and the dump's own. */
static void go_round(const char *path)
{
	static char before[SIZE], after[SIZE];
	struct conf *conf = read_conf(path);
	size_t size, count = conf_log(conf)->count;

	write_policy(conf, "policy.cdb");
	dump_to(conf, "more");
	conf_free(&conf);

	conf = load("policy.cdb");
	assert_int_equal(conf_log(conf)->count, 0);
	dump_to(conf, "secret");
	conf_free(&conf);
	read_file("more", before);
	read_file("secret", after);
	if (strcmp(before, after) != 0)
		fail_msg("\n%s\n--- but compiled\n%s", before, after);

	conf = read_conf("more");
	/* it says no less, and nothing needless that was not before */
	assert_true(conf_log(conf)->count <= count);
	write_policy(conf, "again.cdb");
	dump_to(conf, "secret");
	conf_free(&conf);
	read_file("secret", after);
	assert_string_equal(before, after);

	size = read_file("policy.cdb", before);
	assert_int_equal(read_file("again.cdb", after), size);
	if (memcmp(before, after, size) != 0)
		fail_msg("%s: another policy", path);
}

static void test_empty(void **state)
{
	(void)state;
	write_text("conf", "");
	go_round("conf");
}

/* The file that is installed, with all that it shows. */
static void test_sample(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[2048], line[1024];
	FILE *from, *to;

	(void)state;
	if (srcdir == NULL)
		srcdir = ".";
	snprintf(path, sizeof(path), "%s%s%s/../../conf.d/lockstep.conf",
		 srcdir[0] == '/' ? "" : start, srcdir[0] == '/' ? "" : "/",
		 srcdir);
	from = fopen(path, "r");
	to = fopen("conf", "w");
	assert_non_null(from);
	assert_non_null(to);
	while (fgets(line, sizeof(line), from) != NULL) {
		bool setting = line[0] == '#' && line[1] != ' ' &&
			       strncmp(line, "#include", 8) != 0;

		fputs(setting ? line + 1 : line, to);
	}
	fclose(from);
	fclose(to);
	go_round(path);
	go_round("conf");
}

/* What is easy to get wrong. */
static void test_corners(void **state)
{
	static const char *const table[] = {
		"trusted = { } denied = { }",
		"denied = { ::/0, 0.0.0.0/0 }",
		"group = \"\" readers = '\"\\\\ \\'x\\''",
		"state-dir = \"/run/with blank, and \\\"comma\\\"\"",
		"limit ip { failures = 0 logins = 0 lock = 1500ms..2w }",
		"limit ip { failures = \"0, 5/1d\" accounts = \"5/1d, 0\" }",
		/* needless, and kept all the same */
		"trusted = { 10.0.0.0/8, 10.1.0.0/16 }",
		"override net 10.0.0.0/8 { }",
		"override net 10.0.0.0/8 { ip { lock = 10m..1d } }\n"
		"override net 10.1.0.0/16 { ip { lock = 10m..1d } }\n"
		"override net 10.2.0.0/16 { }",
		/* trusted around it, denied within that */
		"trusted = { 10.0.0.0/8, 10.1.2.0/24 }\n"
		"denied = { 10.1.0.0/16 }\n"
		"override net 10.1.0.0/16 { reveal = never }\n"
		"override net 10.1.2.3 { place { lock = 1m..1m } }\n"
		"override net 10.1.2.4 { reveal = freeze }",
		"override net ::/0 { reveal = never }\n"
		"override net 0.0.0.0/0 { reveal = never }\n"
		"override net 10.0.0.0/8 { require-tls = never }",
		"override user \"a\\\"b\\\\c d\" { reveal = never }\n"
		"override domain \"EXAMPLE.org\" { reveal = never }\n"
		"override user z { reveal = never }",
		"override user joe { }",
		"webhook \"a \\\"b\" { url = https://x/ secret-file = /dev/null\n"
		" events = { digest } }\n"
		"webhook b { url = https://x/ secret-file = /dev/null\n"
		" events = { digest } digest = 0s }\n"
		"webhook c { url = https://x/ secret-file = /dev/null\n"
		" events = { login, session } digest = 90s }\n"
		"webhook d { url = https://x/ secret-file = /dev/null\n"
		" digest = 1500ms }",
		"webhook a { url-file = /dev/null format = slack }\n"
		"webhook b { url-file = /dev/null secret-file = /dev/null }\n"
		"webhook c { url-file = /dev/null secret-file = /dev/null\n"
		" format = ntfy }\n"
		"webhook d { url = https://x/ secret-file = /dev/null\n"
		" format = teams }\n"
		"webhook e { url = http://localhost/ format = discord }",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		write_text("conf", table[i]);
		go_round("conf");
	}
}

/* ---- generated ones ------------------------------------------------------ */

static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)(harness_random(&seed) % below);
}

static const char *draw_from(const char *const *words, unsigned count)
{
	return words[draw(count)];
}

static void put_value(FILE *out, const struct ls_field *field)
{
	static const char *const texts[] = { "''", "lockstep", "\"a b\"",
					     "'\"'", "\"\\\\\"" };
	static const char *const times[] = { "1s", "1500ms", "90s", "10m",
					     "12h", "1d", "3w" };
	unsigned choices = 0, first = draw(COUNT(times));

	switch (field->type) {
	case LS_FIELD_CHOICE:
		while (field->choices[choices] != NULL)
			choices++;
		fputs(draw_from(field->choices, choices), out);
		break;
	case LS_FIELD_NUMBER:
		fprintf(out, "%u",
			(unsigned)field->min +
				draw(field->max - field->min < 40
					     ? (unsigned)(field->max -
							  field->min) + 1
					     : 40));
		break;
	case LS_FIELD_DURATION:
		fputs(times[first], out);
		break;
	case LS_FIELD_LIMIT:
		if (draw(4) == 0)
			putc('0', out);
		else
			fprintf(out, "%u/%um", 1 + draw(900), 1 + draw(90));
		break;
	case LS_FIELD_LIMITS:
		if (draw(4) == 0)
			putc('0', out);
		else
			fprintf(out, "\"%u/%um, %u/%uh\"", 1 + draw(30),
				1 + draw(50), 40 + draw(100), 1 + draw(90));
		break;
	case LS_FIELD_RANGE:
		fprintf(out, "%s..%s", times[first],
			times[first + draw((unsigned)COUNT(times) - first)]);
		break;
	case LS_FIELD_PATH:
		fputs(draw(2) ? "/run/x" : "\"/run/a b\"", out);
		break;
	case LS_FIELD_TEXT:
		fputs(draw_from(texts, COUNT(texts)), out);
		break;
	case LS_FIELD_PREFIXES:
		fputs(draw(2) ? "{ }" : "{ \"2001:db8:64::/96\", 'fd00::/48' }",
		      out);
		break;
	case LS_FIELD_FLAG:
		break;
	}
}

/* Some of the fields that may stand there, in no particular order of sections:
 * a section may come twice. */
static void put_some(FILE *out, const char *limit, unsigned flags,
		     unsigned one_in)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (field->type == LS_FIELD_FLAG ||
		    (field->flags & flags) != flags || draw(one_in) != 0)
			continue;
		if (field->section != NULL)
			fprintf(out, "%s%s { ", limit, field->section);
		fprintf(out, "%s = ", field->name);
		put_value(out, field);
		fputs(field->section != NULL ? " }\n" : "\n", out);
	}
}

/* Every network of a small tree, each at most once in a list. */
static void put_networks(FILE *out)
{
	enum { NETS = 24 };
	char net[NETS][32];
	unsigned said[NETS];

	for (unsigned i = 0; i < NETS; i++) {
		static const unsigned bits[] = { 8, 16, 24, 32 };

		if (i < 4)
			snprintf(net[i], sizeof(net[i]), "2001:db8::/%u",
				 32 + 16 * i);
		else
			snprintf(net[i], sizeof(net[i]), "10.%u.%u.%u/%u",
				 i % 4 > 0 ? i / 8 : 0, i % 4 > 1 ? i / 4 : 0,
				 i % 4 > 2 ? 1 : 0, bits[i % 4]);
		said[i] = draw(8);
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(net[i], net[j]) == 0)
				said[i] = 0;
		}
	}
	for (unsigned list = 1; list <= 2; list++) {
		const char *comma = "";

		fputs(list == 1 ? "trusted = {" : "denied = {", out);
		for (unsigned i = 0; i < NETS; i++) {
			if ((said[i] & 3) != list)
				continue;
			fprintf(out, "%s%s", comma, net[i]);
			comma = ",";
		}
		fputs("}\n", out);
	}
	for (unsigned i = NETS; i-- > 0;) {
		if ((said[i] & 4) == 0)
			continue;
		fprintf(out, "override net %s {\n", net[i]);
		put_some(out, "", LS_FIELD_BY_NET, 4);
		fputs("}\n", out);
	}
}

static void put_accounts(FILE *out)
{
	for (unsigned i = 0; i < 12; i++) {
		bool domain = draw(3) == 0;

		fprintf(out, domain ? "override domain d%u.org {\n"
				    : "override user \"u %u@d1.org\" {\n",
			i);
		put_some(out, "", LS_FIELD_BY_USER, 5);
		fputs("}\n", out);
	}
}

static void put_webhooks(FILE *out)
{
	static const char *const events[] = { "lock", "unlock", "login",
					      "digest", "connect", "trust" };

	for (unsigned i = draw(4); i > 0; i--) {
		fprintf(out,
			"webhook w%u { url = https://x/%u secret-file = "
			"/dev/null events %s { %s }",
			i, draw(9), draw(2) ? "=" : "+=",
			draw_from(events, COUNT(events)));
		if (draw(2))
			fprintf(out, " digest = %us", draw(99));
		fputs(" }\n", out);
	}
}

static void test_generated(void **state)
{
	enum { TIMES = 300 };

	(void)state;
	for (seed = 1; seed <= TIMES; seed++) {
		uint64_t number = seed;
		FILE *out = fopen("conf", "w");

		assert_non_null(out);
		put_some(out, "limit ", 0, 3);
		put_networks(out);
		put_accounts(out);
		put_webhooks(out);
		fclose(out);
		go_round("conf");
		seed = number;
	}
}

/* A name that no lockstep.conf can have. */
static void test_left_out(void **state)
{
	const struct ls_field *fields[2] = { &ls_fields[0], NULL };
	struct ls_policy_writer *writer;
	struct ls_policy policy;
	struct ls_error error;
	struct conf *conf;

	(void)state;
	ls_policy_presets(&policy);
	assert_int_equal(ls_policy_writer_init("policy.cdb", &writer, &error),
			 0);
	ls_policy_writer_policy(writer, &policy);
	ls_policy_writer_user(writer, "a\nb", &policy, fields);
	ls_policy_writer_user(writer, "c", &policy, fields);
	assert_int_equal(ls_policy_writer_commit(&writer, 1, &error), 0);
	conf = load("policy.cdb");
	assert_string_equal(messages_of(conf),
			    "policy.cdb:0: warning: left out: an override of "
			    "\"a\nb\"\n");
	assert_int_equal(conf_counts(conf).users, 1);
	conf_free(&conf);
}

static void differs(const char *step, int want)
{
	struct ls_policy_file *file;
	struct ls_error error;

	if (ls_policy_file_open(AT_FDCWD, "policy.cdb", &file, &error) < 0)
		fail_msg("%s", error.text);
	if (conf_differs("conf", file, "policy.cdb") != want)
		fail_msg("%s: want %d", step, want);
	ls_policy_file_close(&file);
}

/* Whatever changed, wherever; and nothing that says the same. */
static void test_differs(void **state)
{
	struct ls_policy_file *file;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	write_text("sub/10.conf", "trusted = { 10.1.0.0/16 }\n");
	file = compile("mode = observe\ninclude(sub)\n", "");
	ls_policy_file_close(&file);
	differs("compiled", 0);
	write_text("conf", "include(sub)  # as before\nmode = \"observe\"\n");
	differs("other words", 0);
	write_text("sub/10.conf", "trusted = { 10.1.0.0/17 }\n");
	differs("an included file", 1);
	write_text("sub/10.conf", "trusted = { 10.1.0.0/16 }\n");
	differs("back", 0);
	write_text("sub/20.conf", "override user joe { user { logins = 5/1m } }\n");
	differs("one more", 1);
	unlink("sub/20.conf");
	unlink("sub/10.conf");
	differs("one gone", 1);
	write_text("sub/10.conf", "trusted = { 10.1.0.0/16\n");
	differs("a mistake", -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),     TEST(test_sample),   TEST(test_corners),
		TEST(test_generated), TEST(test_left_out), TEST(test_differs),
	};

	if (getcwd(start, sizeof(start)) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
