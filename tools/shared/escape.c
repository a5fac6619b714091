/* escape.c - see escape.h */
#include "lockstep-config.h"

#include "shared/escape.h"

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

/* Characters that show nothing, or turn what stands around them, in order.
 * Source: Unicode 14, DerivedCoreProperties.txt (Default_Ignorable_Code_Point)
 * and UnicodeData.txt (categories Cc; Zs but for the blank; Zl, Zp; Co; and
 * those of Cf and So that are drawn as nothing). The Bidi_Control characters
 * are all default-ignorable. From U+E0000 on there is nothing else. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x0000, 0x001f },   /* Cc */
	{ 0x007f, 0x00a0 },   /* Cc, and the no-break space */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x1680, 0x1680 },   /* Zs */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors */
	{ 0x2000, 0x200f },   /* Zs, zero width, marks of direction */
	{ 0x2028, 0x202f },   /* Zl, Zp, directions, a Zs */
	{ 0x205f, 0x206f },   /* a Zs, joiners, isolates */
	{ 0x2800, 0x2800 },   /* Braille without a dot */
	{ 0x3000, 0x3000 },   /* Zs */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xe000, 0xf8ff },   /* Co */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* zero width no-break space */
	{ 0xffa0, 0xffa0 },   /* half-width Hangul filler */
	{ 0xfff0, 0xfffb },   /* ignorables, and marks of annotations */
	{ 0x13430, 0x1343f }, /* joiners of hieroglyphs */
	{ 0x1bca0, 0x1bca3 }, /* controls of shorthand */
	{ 0x1d159, 0x1d159 }, /* a note without a head */
	{ 0x1d173, 0x1d17a }, /* controls of music */
	{ 0xe0000, 0x10ffff },
};

static bool is_seen(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(*unseen); i++)
		if (c <= unseen[i].last)
			return c < unseen[i].first;
	return true;
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
	if (len > 0 && is_seen(c) && c != '\\') {
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
