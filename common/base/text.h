/* text.h - copy a string into a field, or as much as fits */
#ifndef LS_TEXT_H
#define LS_TEXT_H

#include <stddef.h>
#include <string.h>

/* Copy `from` (NULL: nothing) into a field of `size` bytes, cut to fit, always
 * NUL-terminated. On the way of every login, so no printf. */
static inline void ls_copy(char *to, size_t size, const char *from)
{
	size_t len = from != NULL ? strnlen(from, size - 1) : 0;

	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

/* How many bytes of a text of words with blanks between fit into `room`, when only
 * whole words count: a part of a domain is another domain. */
static inline size_t ls_whole_words(const char *text, size_t room)
{
	size_t len = strnlen(text, room + 1);

	if (len <= room)
		return len;
	len = room;
	while (len > 0 && text[len] != ' ')
		len--;
	return len;
}

#endif
