/* interned.c - see interned.h */
#include "lockstep-config.h"

#include "logs/interned.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *names_resize(void *array, size_t count, size_t size)
{
	array = reallocarray(array, count, size);
	if (array == NULL) {
		fputs("lockstep: out of memory\n", stderr);
		exit(1);
	}
	return array;
}

uint64_t names_hash(const void *bytes, size_t len)
{
	static uint8_t key[crypto_shorthash_KEYBYTES];
	static bool keyed;
	uint64_t hash;

	if (!keyed) {
		randombytes_buf(key, sizeof(key));
		keyed = true;
	}
	crypto_shorthash((unsigned char *)&hash, bytes, len, key);
	return hash != 0 ? hash : 1;
}

/* ---- hashes to numbers ------------------------------------------------ */

static size_t slot_of(const struct keymap *map, uint64_t key)
{
	size_t slot = key & (map->room - 1);

	while (map->keys[slot] != 0 && map->keys[slot] != key)
		slot = (slot + 1) & (map->room - 1);
	return slot;
}

uint32_t *keymap_get(const struct keymap *map, uint64_t key)
{
	size_t slot;

	if (map->room == 0)
		return NULL;
	slot = slot_of(map, key);
	return map->keys[slot] != 0 ? &map->values[slot] : NULL;
}

static void grow_table(struct keymap *map)
{
	struct keymap bigger = { .room = map->room > 0 ? 2 * map->room : 1024,
				 .used = map->used };

	bigger.keys = names_resize(NULL, bigger.room, sizeof(*bigger.keys));
	bigger.values = names_resize(NULL, bigger.room, sizeof(*bigger.values));
	memset(bigger.keys, 0, bigger.room * sizeof(*bigger.keys));
	for (size_t i = 0; i < map->room; i++) {
		size_t slot;

		if (map->keys[i] == 0)
			continue;
		slot = slot_of(&bigger, map->keys[i]);
		bigger.keys[slot] = map->keys[i];
		bigger.values[slot] = map->values[i];
	}
	keymap_free(map);
	*map = bigger;
}

uint32_t *keymap_put(struct keymap *map, uint64_t key, uint32_t value)
{
	size_t slot;

	if (2 * (map->used + 1) > map->room)
		grow_table(map);
	slot = slot_of(map, key);
	if (map->keys[slot] == 0) {
		map->keys[slot] = key;
		map->values[slot] = value;
		map->used++;
	}
	return &map->values[slot];
}

void keymap_free(struct keymap *map)
{
	free(map->keys);
	free(map->values);
	memset(map, 0, sizeof(*map));
}

/* ---- strings ---------------------------------------------------------- */

static uint32_t append_text(struct names *names, const char *text, size_t len)
{
	while (names->text_used + len + 1 > names->text_room) {
		names->text_room = names->text_room > 0 ? 2 * names->text_room
							: 65536;
		names->text = names_resize(names->text, names->text_room, 1);
	}
	if (names->count == names->room) {
		names->room = names->room > 0 ? 2 * names->room : 1024;
		names->at = names_resize(names->at, names->room,
				      sizeof(*names->at));
	}
	if (len > 0)
		memcpy(names->text + names->text_used, text, len);
	names->text[names->text_used + len] = '\0';
	names->at[names->count] = names->text_used;
	names->text_used += len + 1;
	return (uint32_t)names->count++;
}

uint32_t names_add(struct names *names, const char *text, size_t len)
{
	uint32_t *number;

	if (names->count == 0)
		append_text(names, "", 0);
	if (len == 0)
		return 0;
	number = keymap_put(&names->map, names_hash(text, len), UINT32_MAX);
	if (*number == UINT32_MAX)
		*number = append_text(names, text, len);
	return *number;
}

const char *names_get(const struct names *names, uint32_t number)
{
	return number < names->count ? names->text + names->at[number] : "";
}

void names_free(struct names *names)
{
	keymap_free(&names->map);
	free(names->text);
	free(names->at);
	memset(names, 0, sizeof(*names));
}
