/* format.c - see format.h */
#include "lockstep-config.h"

#include "auth/format.h"

#include <string.h>

enum part { PART_NONE, PART_LOCAL, PART_DOMAIN, PART_WHOLE };

struct variable {
	enum part part; /* of the name */
	bool lower;
};

/* Is the word in the text, whatever stands around it? */
static bool holds(const char *text, size_t len, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= len; i++)
		if (memcmp(text + i, word, size) == 0)
			return true;
	return false;
}

static enum part long_part(const char *name, size_t len)
{
	if (holds(name, len, "domain"))
		return PART_DOMAIN;
	if (holds(name, len, "username"))
		return PART_LOCAL;
	return holds(name, len, "user") ? PART_WHOLE : PART_NONE;
}

static enum part short_part(char letter)
{
	return letter == 'u'   ? PART_WHOLE
	       : letter == 'n' ? PART_LOCAL
	       : letter == 'd' ? PART_DOMAIN
			       : PART_NONE;
}

/* Go on to the next variable. Returns false when there is none. */
static bool next_variable(const char **text, struct variable *variable_r)
{
	const char *at = strchr(*text, '%');

	*variable_r = (struct variable){ PART_NONE, false };
	if (at == NULL)
		return false;
	for (at++; *at != '\0' && strchr("0123456789.-LUEXHRNMDT", *at); at++)
		variable_r->lower |= *at == 'L';
	if (*at == '{') {
		size_t len = strcspn(++at, "}");

		variable_r->part = long_part(at, len);
		variable_r->lower |= holds(at, len, "lower");
		at += len;
	} else {
		variable_r->part = short_part(*at);
	}
	*text = *at != '\0' ? at + 1 : at;
	return true;
}

bool format_drops_domain(const char *format)
{
	bool has[PART_WHOLE + 1] = { false };
	struct variable variable;

	while (next_variable(&format, &variable))
		has[variable.part] = true;
	return has[PART_LOCAL] && !has[PART_DOMAIN] && !has[PART_WHOLE];
}

bool format_lowers(const char *format)
{
	bool any = false, all = true;
	struct variable variable;

	while (next_variable(&format, &variable)) {
		any |= variable.part != PART_NONE;
		all &= variable.part == PART_NONE || variable.lower;
	}
	return any && all;
}
