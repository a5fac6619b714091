/* test_escape.c - names from strangers on a terminal */
#include "lockstep-config.h"

#include "harness.h"

#include "cli.h"

static void test_text(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "", "" },
		{ "joe@example.com", "joe@example.com" },
		{ "two words", "two words" },
		{ "back\\slash", "back\\\\slash" },
		{ "J\xc3\xb6rg", "J\xc3\xb6rg" },
		{ "\xe5\xb1\xb1\xf0\x9f\x98\x80", "\xe5\xb1\xb1\xf0\x9f\x98\x80" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a\r\nb\tc", "a\\x0d\\x0ab\\x09c" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b" "31m", "\\xc2\\x9b31m" }, /* C1: CSI */
		{ "\xe2\x80\xae" "moc", "\\xe2\\x80\\xaemoc" }, /* backwards */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
		{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" }, /* no width */
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },
		{ "\xf3\xa0\x80\xa1", "\\xf3\\xa0\\x80\\xa1" }, /* a tag */
		/* what is no UTF-8: alone, cut, overlong, surrogate, beyond */
		{ "\xff", "\\xff" },
		{ "\x80x", "\\x80x" },
		{ "\xc3", "\\xc3" },
		{ "\xe5\xb1", "\\xe5\\xb1" },
		{ "\xc0\x8a", "\\xc0\\x8a" },
		{ "\xe0\x80\x8a", "\\xe0\\x80\\x8a" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char escaped[64];

		check_text(table[i].want,
			   cli_escape(table[i].text, escaped, sizeof(escaped)),
			   table[i].want);
	}
}

static void check_character(const char *row, uint32_t c, bool seen)
{
	char text[5] = "", escaped[64];
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		text[i] = (char)(0x80 | (c & 0x3f));
	text[0] = (char)((0xf00 >> len) | c);
	cli_escape(text, escaped, sizeof(escaped));
	check(row, strcmp(escaped, text) == 0, seen);
}

/* Some of each kind that shows nothing, and their neighbours. */
static void test_unseen(void **state)
{
	static const struct {
		const char *name;
		uint32_t first, last;
	} table[] = {
		{ "no-break space", 0xa0, 0xa0 },
		{ "soft hyphen", 0xad, 0xad },
		{ "grapheme joiner", 0x34f, 0x34f },
		{ "Arabic letter mark", 0x61c, 0x61c },
		{ "Hangul fillers", 0x115f, 0x1160 },
		{ "Ogham space", 0x1680, 0x1680 },
		{ "Khmer vowels", 0x17b4, 0x17b5 },
		{ "Mongolian selectors", 0x180b, 0x180f },
		{ "spaces, no width, directions", 0x2000, 0x200f },
		{ "separators, directions", 0x2028, 0x202f },
		{ "a space, joiners, isolates", 0x205f, 0x206f },
		{ "Braille without a dot", 0x2800, 0x2800 },
		{ "ideographic space", 0x3000, 0x3000 },
		{ "Hangul filler", 0x3164, 0x3164 },
		{ "variation selectors", 0xfe00, 0xfe0f },
		{ "byte order mark", 0xfeff, 0xfeff },
		{ "half-width filler", 0xffa0, 0xffa0 },
		{ "controls of music", 0x1d173, 0x1d17a },
		{ "tags, selectors, private use", 0xe0000, 0x10ffff },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		for (uint32_t c = table[i].first; c <= table[i].last; c++)
			check_character(table[i].name, c, false);
		if (table[i].last != 0x10ffff)
			check_character(table[i].name, table[i].last + 1, true);
	}
	check_character("e acute", 0xe9, true);
	check_character("Arabic number sign", 0x600, true);
	check_character("a smile", 0x1f600, true);
}

/* Cut to fit, and never within a character or its escape. */
static void test_room(void **state)
{
	static const char text[] = "a\x1b\xc3\xb6\xffz\\";
	char whole[64];

	(void)state;
	cli_escape(text, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		char guarded[64];

		memset(guarded, '#', sizeof(guarded));
		cli_escape(text, guarded, size);
		assert_true(strlen(guarded) < size);
		assert_memory_equal(guarded, whole, strlen(guarded));
		for (size_t i = size; i < sizeof(guarded); i++)
			assert_int_equal(guarded[i], '#');
	}
	check_text("whole", whole, "a\\x1b\xc3\xb6\\xffz\\\\");
}

static void test_utf8_length(void **state)
{
	(void)state;
	check("ASCII", cli_utf8_length("a"), 1);
	check("two", cli_utf8_length("\xc3\xb6x"), 2);
	check("three", cli_utf8_length("\xe5\xb1\xb1"), 3);
	check("four", cli_utf8_length("\xf0\x9f\x98\x80"), 4);
	check("none", cli_utf8_length("\xff"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_utf8_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
