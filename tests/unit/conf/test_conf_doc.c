/* test_conf_doc.c - lockstep.conf(5) and the sample beside the table of fields:
 * every key is there, in its section, with its default, and with a * where it is
 * not acted on yet */
#include "lockstep-config.h"

#include "conf_bed.h"
#include "harness.h"

static char start[512]; /* the directory that the test was started in */

static FILE *open_source(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[2048];
	FILE *file;

	if (srcdir == NULL)
		srcdir = ".";
	snprintf(path, sizeof(path), "%s%s%s/../../%s",
		 srcdir[0] == '/' ? "" : start, srcdir[0] == '/' ? "" : "/",
		 srcdir, name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s is not there: set srcdir to tests/unit", path);
	return file;
}

struct shown {
	bool there;
	char preset[LS_FIELD_TEXT_SIZE];
};

static void check_shown(const struct shown shown[LS_FIELD_COUNT])
{
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		const struct ls_field *field = &ls_fields[i];
		char row[64];

		if (field->type == LS_FIELD_FLAG)
			continue;
		snprintf(row, sizeof(row), "%s %s",
			 field->section != NULL ? field->section : "",
			 field->name);
		check(row, shown[i].there, true);
		check_text(row, shown[i].preset, field->preset);
	}
}

static size_t index_of(const char *section, const char *name)
{
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		const char *home = ls_fields[i].section;

		if (strcmp(ls_fields[i].name, name) == 0 &&
		    strcmp(home != NULL ? home : "", section) == 0)
			return i;
	}
	return LS_FIELD_COUNT;
}

/* A key with its default, from either file. */
static void note(struct shown *shown, const char *section, const char *name,
		 const char *preset)
{
	size_t i = index_of(section, name);

	if (i == LS_FIELD_COUNT)
		return;
	shown[i].there = true;
	snprintf(shown[i].preset, sizeof(shown[i].preset), "%s", preset);
}

static void test_sample(void **state)
{
	FILE *file = open_source("conf.d/lockstep.conf");
	struct shown shown[LS_FIELD_COUNT] = { { .there = false } };
	char line[1024], section[64] = "", name[64], text[128];

	(void)state;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "#limit %63[a-z]", section) == 1)
			continue;
		if (strcmp(line, "#}\n") == 0)
			section[0] = '\0';
		if (sscanf(line, "#%*[\t]%63[a-z4-6-] = \"%127[^\"]", name,
			   text) == 2 ||
		    sscanf(line, "#%*[\t]%63[a-z4-6-] = %127[0-9]", name,
			   text) == 2)
			note(shown, section, name, text);
		else if (sscanf(line, "#%63[a-z-] = \"%127[^\"]", name, text) ==
				 2 ||
			 sscanf(line, "#%63[a-z-] = %127[0-9]", name, text) ==
				 2)
			note(shown, "", name, text);
		else if (sscanf(line, "#%63[a-z0-9] = { %1[}]", name, text) ==
				 2 ||
			 sscanf(line, "#%63[a-z-] = \"\"", name) == 1)
			note(shown, "", name, "");
	}
	fclose(file);
	check_shown(shown);
}

static void test_manual(void **state)
{
	FILE *file = open_source("doc/lockstep.conf.5.in");
	struct shown shown[LS_FIELD_COUNT] = { { .there = false } };
	char line[1024], section[64] = "", name[64], text[128];

	(void)state;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, ".It Ic limit %63[a-z]", section) == 1)
			continue;
		if (strncmp(line, ".Sh OVERRIDES", 13) == 0)
			break;
		if (sscanf(line, ".It Ic %63[a-z4-6-] No = Qq %127[^\n]", name,
			   text) == 2 ||
		    sscanf(line, ".It Ic %63[a-z4-6-] No = %127[0-9]", name,
			   text) == 2)
			note(shown, section, name, text);
		else if (sscanf(line, ".It Ic %63[a-z0-9] No = { %1[}]", name,
				text) == 2 ||
			 sscanf(line, ".It Ic %63[a-z-] No = Qq", name) == 1)
			note(shown, section, name, "");
	}
	fclose(file);
	check_shown(shown);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_manual),
	};

	if (getcwd(start, sizeof(start)) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
