/* nearest.h - which known word was meant by an unknown one */
#ifndef LOCKSTEP_NEAREST_H
#define LOCKSTEP_NEAREST_H

#include <stddef.h>

/* How many letters must be changed, added, left out or swapped with their
 * neighbour to make one word of the other. Words over 63 letters are far from
 * everything. Source: Damerau's distance, optimal string alignment. */
size_t word_distance(const char *a, const char *b);

/* The closer of two candidates for `word`: `best` (may be NULL) or `other`, or
 * NULL when neither is close: a third of the letters may be wrong, at most
 * three. */
const char *word_nearer(const char *word, const char *best, const char *other);

#endif
