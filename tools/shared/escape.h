/* escape.h - text from strangers, made fit to be shown
 *
 * What a terminal or a chat client might obey, or what might deceive who reads
 * it, is written as \xNN: control characters, what is not UTF-8, characters that
 * show nothing (every space but the blank among them) and those that turn the
 * direction of writing; \ becomes \\. */
#ifndef LOCKSTEPD_ESCAPE_H
#define LOCKSTEPD_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/* The UTF-8 character (RFC 3629) that text, of `left` bytes, begins with.
 * Returns how many bytes it has, 0 when it is not well-formed. */
size_t escape_utf8(const char *text, size_t left, uint32_t *character_r);

enum { ESCAPE_UNIT = 4 * 4 + 1 }; /* a character of four bytes, each \xNN */
/* Takes the next character off *text and gives what to show for it. Returns the
 * length of that, 0 at the end of the text. */
size_t escape_next(const char **text, char unit_r[ESCAPE_UNIT]);

/* All of a text, cut to fit in size, and never within a unit. Returns
 * escaped_r. */
char *escape_text(const char *text, char *escaped_r, size_t size);

#endif
