/* conf_bed.h - texts of lockstep.conf, and what is said of them */
#ifndef TEST_CONF_BED_H
#define TEST_CONF_BED_H

#include "conf/conf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static inline int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/lockstep-conf.XXXXXX");
	return mkdtemp(dir) == NULL || chdir(dir) < 0 ? -1 : 0;
}

static inline int remove_dir(void **state)
{
	static const char *const names[] = {
		"conf",        "more",        "secret",
		"policy.cdb",  "again.cdb",   "sub/deep",
		"sub/10.conf", "sub/20.conf", "sub/.hidden.conf",
		"sub/10.conf~"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("sub/dd.conf");
	rmdir("sub");
	return chdir("/") < 0 ? -1 : rmdir(dir);
}

static inline void write_text(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* All messages, a line each. */
static inline char *messages_of(const struct conf *conf)
{
	static char all[16384];
	const struct conf_log *log = conf_log(conf);
	size_t len = 0;

	all[0] = '\0';
	for (size_t i = 0; i < log->count; i++) {
		const struct conf_message *message = &log->messages[i];

		len += (size_t)snprintf(
			all + len, sizeof(all) - len, "%s:%u: %s%s\n",
			message->place.file, message->place.line,
			message->warning ? "warning: " : "", message->text);
		assert_true(len < sizeof(all));
	}
	return all;
}

/* Read a text, and want these messages. Returns the conf, to be freed. */
static inline struct conf *read_text(const char *text, int want,
				     const char *messages)
{
	struct conf *conf;
	int got;

	write_text("conf", text);
	got = conf_read("conf", &conf);
	if (strcmp(messages_of(conf), messages) != 0)
		fail_msg("\nof   %s\ngot  %s\nwant %s", text, messages_of(conf),
			 messages);
	assert_int_equal(got, want);
	return conf;
}

static inline void accept(const char *text, const char *warnings)
{
	struct conf *conf = read_text(text, 0, warnings);

	conf_free(&conf);
	assert_null(conf);
}

static inline void refuse(const char *text, const char *messages)
{
	struct conf *conf = read_text(text, -1, messages);

	conf_free(&conf);
}

/* Compile a text and open what comes out. */
static inline struct ls_policy_file *compile(const char *text,
					     const char *warnings)
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

struct mistake {
	const char *text, *messages;
};

static inline void refuse_each(const struct mistake *mistakes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse(mistakes[i].text, mistakes[i].messages);
}

#define REFUSE_EACH(table)                                                     \
	refuse_each(table, sizeof(table) / sizeof((table)[0]))

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

#endif
