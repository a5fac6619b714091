/* escape.c - text from strangers, fit for a terminal; see cli.h */
#include "lockstep-config.h"

#include "cli.h"

#include <stdio.h>
#include <string.h>

/* The character that text begins with. Returns its bytes, 0 for what is not
 * well-formed UTF-8 (RFC 3629). */
static size_t take_utf8(const unsigned char *text, uint32_t *character_r)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t character = text[0];
	size_t len = character < 0x80         ? 1
		     : character >> 5 == 0x06 ? 2
		     : character >> 4 == 0x0e ? 3
		     : character >> 3 == 0x1e ? 4
					      : 0;

	if (len > 1)
		character &= 0xffU >> (len + 1);
	for (size_t i = 1; i < len; i++) {
		if (text[i] >> 6 != 2) /* also at the end of the text */
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (len > 1 && (character < least[len] || character > 0x10ffff ||
			(character >= 0xd800 && character <= 0xdfff)))
		return 0;
	*character_r = character;
	return len;
}

size_t cli_utf8_length(const char *text)
{
	uint32_t character;

	return take_utf8((const unsigned char *)text, &character);
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

char *cli_escape(const char *text, char *escaped_r, size_t size)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t used = 0;

	while (*byte != '\0') {
		uint32_t c = 0;
		size_t len = take_utf8(byte, &c), room = size - used;
		bool plain = len > 0 && is_harmless(c) && c != '\\';

		if (len == 0)
			len = 1;
		if (room <= (plain ? len : 4 * len))
			break;
		if (plain) {
			memcpy(escaped_r + used, byte, len);
			used += len;
		} else if (c == '\\') {
			used += (size_t)sprintf(escaped_r + used, "\\\\");
		} else {
			for (size_t i = 0; i < len; i++)
				used += (size_t)sprintf(escaped_r + used,
							"\\x%02x", byte[i]);
		}
		byte += len;
	}
	escaped_r[used] = '\0';
	return escaped_r;
}
