/* escape.c - see escape.h */
#include "lockstep-config.h"

#include "escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t escape_utf8(const char *text, size_t left, uint32_t *character_r)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	uint32_t character = left > 0 ? byte[0] : 0x80;
	size_t len = character < 0x80         ? 1
		     : character >> 5 == 0x06 ? 2
		     : character >> 4 == 0x0e ? 3
		     : character >> 3 == 0x1e ? 4
					      : 0;

	if (len > left)
		return 0;
	if (len > 1)
		character &= 0xffU >> (len + 1);
	for (size_t i = 1; i < len; i++) {
		if (byte[i] >> 6 != 2)
			return 0;
		character = character << 6 | (byte[i] & 0x3f);
	}
	if (len > 1 && (character < least[len] || character > 0x10ffff ||
			(character >= 0xd800 && character <= 0xdfff)))
		return 0;
	*character_r = character;
	return len;
}

static bool is_harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad)
		return false;
	/* zero width, marks and overrides of direction, separators of lines */
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c ||
	    c == 0x180e || (c >= 0xfff9 && c <= 0xfffb))
		return false;
	/* private use, and the tags, which show nothing */
	return !(c >= 0xe000 && c <= 0xf8ff) && c < 0xe0000;
}

size_t escape_next(const char **text, char unit_r[ESCAPE_UNIT])
{
	const char *from = *text;
	size_t len, used = 0;
	uint32_t c = 0;

	if (*from == '\0')
		return 0;
	len = escape_utf8(from, strnlen(from, 4), &c);
	*text += len > 0 ? len : 1;
	if (len > 0 && is_harmless(c) && c != '\\') {
		memcpy(unit_r, from, len);
		unit_r[len] = '\0';
		return len;
	}
	if (c == '\\' && len > 0) {
		memcpy(unit_r, "\\\\", 3);
		return 2;
	}
	for (; from < *text; from++)
		used += (size_t)sprintf(unit_r + used, "\\x%02x",
					(unsigned char)*from);
	return used;
}

char *escape_text(const char *text, char *escaped_r, size_t size)
{
	char unit[ESCAPE_UNIT];
	size_t used = 0, len;

	while ((len = escape_next(&text, unit)) > 0 && size - used > len) {
		memcpy(escaped_r + used, unit, len);
		used += len;
	}
	escaped_r[used] = '\0';
	return escaped_r;
}
