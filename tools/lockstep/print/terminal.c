/* terminal.c - names from strangers, fit for a terminal; see cli.h */
#include "lockstep-config.h"

#include "cli.h"
#include "shared/escape.h"

#include <string.h>

char *cli_escape(const char *text, char *escaped_r, size_t size)
{
	return escape_text(text, escaped_r, size);
}

size_t cli_utf8_length(const char *text)
{
	uint32_t character;

	return escape_utf8(text, strnlen(text, 4), &character);
}
