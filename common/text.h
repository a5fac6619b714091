/* text.h - copy a string into a field */
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

#endif
