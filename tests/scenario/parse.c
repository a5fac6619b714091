/* parse.c - see scenario.h */
#include "lockstep-config.h"

#include "scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 16, LINES_MAX = 1000, DEPTH_MAX = 2 };

static char *read_all(const char *path)
{
	char *text = calloc(1, 2 * TEXT_MAX);
	FILE *file = fopen(path, "r");
	size_t len;

	if (text == NULL || file == NULL) {
		free(text);
		if (file != NULL)
			fclose(file);
		return NULL;
	}
	len = fread(text, 1, TEXT_MAX, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

/* One word, and the mark that it ends with, if any, as another. "::" ends an
 * IPv6 prefix. Marks are constants: the text has no room for them. */
static int add_word(struct scenario_line *line, char *word)
{
	static char colon[] = ":", comma[] = ",";
	size_t len = strlen(word);
	char *mark = NULL;

	if (len > 1 && word[len - 1] == ',')
		mark = comma;
	else if (len > 1 && word[len - 1] == ':' && word[len - 2] != ':')
		mark = colon;
	if (mark != NULL)
		word[len - 1] = '\0';
	if (line->words + 2 > SCENARIO_WORDS)
		return -1;
	line->word[line->words++] = word;
	if (mark != NULL)
		line->word[line->words++] = mark;
	return 0;
}

static int split(struct scenario_line *line, char *text)
{
	char *rest, *comment = strchr(text, '#');

	if (comment != NULL)
		*comment = '\0';
	for (char *word = strtok_r(text, " \t", &rest); word != NULL;
	     word = strtok_r(NULL, " \t", &rest))
		if (add_word(line, word) < 0)
			return -1;
	return 0;
}

/* Find the partners of `repeat` and `end`. Returns the line that has none, or
 * NULL. */
static const struct scenario_line *pair_up(struct scenario *scenario)
{
	unsigned open[DEPTH_MAX], depth = 0;

	for (unsigned i = 0; i < scenario->lines; i++) {
		struct scenario_line *line = &scenario->line[i];

		if (strcmp(line->word[0], "repeat") == 0) {
			if (depth == DEPTH_MAX)
				return line;
			open[depth++] = i;
		} else if (strcmp(line->word[0], "end") == 0) {
			if (depth == 0)
				return line;
			line->partner = open[--depth];
			scenario->line[line->partner].partner = i;
		}
	}
	return depth > 0 ? &scenario->line[open[depth - 1]] : NULL;
}

static int fail(struct scenario *scenario, unsigned number, const char *what,
		char *error_r, size_t error_size)
{
	snprintf(error_r, error_size, "%s:%u: %s", scenario->path, number,
		 what);
	scenario_free(scenario);
	return -1;
}

int scenario_read(const char *path, struct scenario *scenario_r, char *error_r,
		  size_t error_size)
{
	const struct scenario_line *alone;
	unsigned number = 0;
	char *next;

	memset(scenario_r, 0, sizeof(*scenario_r));
	scenario_r->path = path;
	scenario_r->text = read_all(path);
	scenario_r->line = calloc(LINES_MAX, sizeof(*scenario_r->line));
	if (scenario_r->text == NULL || scenario_r->line == NULL)
		return fail(scenario_r, 0, strerror(errno), error_r,
			    error_size);
	if (strncmp(scenario_r->text, "# ", 2) != 0)
		return fail(scenario_r, 1,
			    "the first line does not say what "
			    "the scenario protects",
			    error_r, error_size);
	for (char *text = scenario_r->text; text != NULL; text = next) {
		struct scenario_line *line =
			&scenario_r->line[scenario_r->lines];

		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		line->number = ++number;
		if (scenario_r->lines + 1 == LINES_MAX || split(line, text) < 0)
			return fail(scenario_r, number, "too long", error_r,
				    error_size);
		scenario_r->lines += line->words > 0;
	}
	alone = pair_up(scenario_r);
	if (alone != NULL)
		return fail(scenario_r, alone->number,
			    "repeat and end do not pair, or too deep", error_r,
			    error_size);
	return 0;
}

void scenario_free(struct scenario *scenario)
{
	free(scenario->text);
	free(scenario->line);
	scenario->text = NULL;
	scenario->line = NULL;
	scenario->lines = 0;
}
