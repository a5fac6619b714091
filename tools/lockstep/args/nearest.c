/* nearest.c - see nearest.h */
#include "lockstep-config.h"

#include "args/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LETTERS_MAX = 63, MISTAKES_MAX = 3 };

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t word_distance(const char *a, const char *b)
{
	/* Rows of the table for the letters of a: two back, one back, now. */
	size_t rows[3][LETTERS_MAX + 1] = { { 0 } };
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > LETTERS_MAX || b_len > LETTERS_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = a[i - 1] == b[j - 1] ? 0 : 1;

			now[j] = least_of(least_of(last[j], now[j - 1]) + 1,
					  last[j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least_of(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

const char *word_nearer(const char *word, const char *best, const char *other)
{
	size_t distance = word_distance(word, other);

	if (distance > MISTAKES_MAX || distance > (strlen(word) + 2) / 3)
		return best;
	if (best != NULL && word_distance(word, best) <= distance)
		return best;
	return other;
}
