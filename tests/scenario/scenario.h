/* scenario.h - a scenario file, read into lines of words
 *
 * The first line is a comment that says what the scenario protects. A line is
 * words; `#` begins a comment, a colon or a comma at the end of a word stands
 * alone. README has the words that player.c understands. No I/O but the reading
 * of the file. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <stddef.h>

enum { SCENARIO_WORDS = 24 };

struct scenario_line {
	unsigned number; /* in the file, from 1 */
	unsigned words;
	char *word[SCENARIO_WORDS]; /* point into scenario.text */
	unsigned partner; /* of `repeat` its `end`, and the other way */
};

struct scenario {
	const char *path; /* lives as long as the scenario */
	char *text;
	struct scenario_line *line;
	unsigned lines;
};

/* Read and check a file. Returns 0, or -1 with what is wrong, and where. */
int scenario_read(const char *path, struct scenario *scenario_r, char *error_r,
		  size_t error_size);
void scenario_free(struct scenario *scenario);

#endif
