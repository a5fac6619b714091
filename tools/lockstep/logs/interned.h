/* interned.h - strings as numbers, and a table from hashes to numbers
 *
 * What a log is full of occurs over and over. Hashes are SipHash under a key
 * that is random for each run, so two that are equal are taken for the same
 * thing. Running out of memory ends the program. */
#ifndef LOCKSTEP_NAMES_H
#define LOCKSTEP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* reallocarray() that never returns NULL; what is new is not cleared. */
void *names_resize(void *array, size_t count, size_t size);

/* A hash of bytes, never 0. */
uint64_t names_hash(const void *bytes, size_t len);

/* Numbers by hash. All zero: empty. */
struct keymap {
	uint64_t *keys; /* 0: free */
	uint32_t *values;
	size_t used, room; /* room is 0 or a power of two */
};
/* Returns where the value of this key is, or NULL. Good until the next
 * keymap_put(). */
uint32_t *keymap_get(const struct keymap *map, uint64_t key);
/* The same, the key put in with `value` if it was not there. */
uint32_t *keymap_put(struct keymap *map, uint64_t key, uint32_t value);
void keymap_free(struct keymap *map);

/* All zero: empty. 0 is the number of "". */
struct names {
	struct keymap map;
	char *text;
	size_t text_used, text_room;
	size_t *at;
	size_t count, room;
};
uint32_t names_add(struct names *names, const char *text, size_t len);
/* The string of a number; good until the next names_add(). */
const char *names_get(const struct names *names, uint32_t number);
void names_free(struct names *names);

#endif
