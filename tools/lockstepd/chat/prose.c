/* prose.c - see prose.h */
#include "lockstep-config.h"

#include "chat/prose.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/escape.h"

static const char ellipsis[] = "\xe2\x80\xa6";

/* What the end of a text may need: the end of a name, and the ellipsis. */
enum { END = 1 + sizeof(ellipsis) - 1 };

/* Longest form of one character of a name: each of its bytes escaped, and each
 * character of that. */
enum { UNIT_MAX = 6 * ESCAPE_UNIT };

size_t prose_limit(enum ls_format format)
{
	switch (format) {
	case LS_FORMAT_DISCORD:
		/* `content` has at most 2000 characters, and a character has
		 * a byte or more: discord-api-docs, Webhook Resource, "Execute
		 * Webhook" */
		return 2000;
	case LS_FORMAT_NTFY:
		/* a longer message becomes an attachment: docs.ntfy.sh,
		 * "Publishing", limits, and "Configuration",
		 * message-size-limit */
		return 4096;
	case LS_FORMAT_TEAMS:
		/* a message has at most 28 KB, which may be counted in UTF-16,
		 * and the card is more than its text: learn.microsoft.com,
		 * "Create Incoming Webhooks" and "Rate limiting" */
	case LS_FORMAT_SLACK:
		/* 4,000 bytes are what Slack asks senders to keep to; from
		 * 40,000 on it truncates, and between it may split:
		 * api.slack.com/changelog/2018-04-truncating-really-long-messages */
	case LS_FORMAT_JSON:
	case LS_FORMAT_COUNT:
		break;
	}
	return 4000;
}

void prose_start(struct prose *prose, enum ls_format format, size_t max)
{
	prose->format = format;
	prose->max = max < PROSE_MAX ? max : PROSE_MAX;
	prose->used = 0;
	prose->full = false;
	prose->text[0] = '\0';
}

static size_t prose_room(const struct prose *prose)
{
	size_t most = prose->max - END;

	return prose->full || prose->used > most ? 0 : most - prose->used;
}

/* All of this, or nothing of it and of what follows but the end. */
static void put_prose(struct prose *prose, const char *unit, size_t len)
{
	if (!prose->full && len > prose_room(prose)) {
		prose->full = true;
		unit = ellipsis;
		len = sizeof(ellipsis) - 1;
	} else if (prose->full) {
		return;
	}
	memcpy(prose->text + prose->used, unit, len);
	prose->used += len;
	prose->text[prose->used] = '\0';
}

void prose_say(struct prose *prose, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *at = text; *at != '\0'; at++)
		put_prose(prose, at, 1);
}

/* ---- names --------------------------------------------------------------- */

/* Slack takes & < and > for the ends of its own markup, mentions among it, and
 * nothing else of a text needs to be escaped for it; a name stands between
 * backticks, where there is no formatting: api.slack.com/reference/surfaces/
 * formatting, "Escaping text" and "Inline code". */
static void quote_slack(char c, char *quoted_r)
{
	static const struct {
		char c;
		const char *quoted;
	} table[] = {
		{ '&', "&amp;" },
		{ '<', "&lt;" },
		{ '>', "&gt;" },
		{ '`', "\\x60" }, /* would end the name */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].c == c) {
			strcpy(quoted_r, table[i].quoted);
			return;
		}
	}
	quoted_r[0] = c;
	quoted_r[1] = '\0';
}

/* Discord's markdown obeys no punctuation after a backslash, and links nothing
 * that is broken by one: support.discord.com, "Markdown Text 101". */
static void quote_discord(char c, char *quoted_r)
{
	bool marks = ispunct((unsigned char)c) && strchr(".,-", c) == NULL;

	sprintf(quoted_r, "%s%c", marks ? "\\" : "", c);
}

/* A TextRun of an Adaptive Card knows no markdown, but {{DATE(...)}} and {{TIME(...)}}
 * (learn.microsoft.com/adaptive-cards, "Text features"). */
static void quote_teams(char c, char *quoted_r)
{
	if (c == '{') {
		strcpy(quoted_r, "\\x7b");
		return;
	}
	quoted_r[0] = c;
	quoted_r[1] = '\0';
}

/* A message of ntfy that does not ask for markdown is shown as it stands. */
static void quote_nothing(char c, char *quoted_r)
{
	quoted_r[0] = c;
	quoted_r[1] = '\0';
}

static void put_unit(struct prose *prose, const char *unit)
{
	void (*quote)(char c, char *quoted_r) =
		prose->format == LS_FORMAT_SLACK     ? quote_slack
		: prose->format == LS_FORMAT_DISCORD ? quote_discord
		: prose->format == LS_FORMAT_TEAMS   ? quote_teams
						     : quote_nothing;
	char quoted[UNIT_MAX] = "";

	for (; *unit != '\0'; unit++)
		quote(*unit, quoted + strlen(quoted));
	put_prose(prose, quoted, strlen(quoted));
}

/* Clients make a link of what begins like one, whatever the markup; and a blank at
 * an end is not seen, and keeps a backtick from being one. */
static bool deceives(const char *name, const char *at)
{
	return strncmp(at, "://", 3) == 0 ||
	       (*at == ' ' && (at == name || at[1] == '\0'));
}

void prose_name(struct prose *prose, const char *name)
{
	bool code = prose->format == LS_FORMAT_SLACK;
	const char *at = name;
	char unit[ESCAPE_UNIT];

	if (*name == '\0') {
		put_prose(prose, "?", 1);
		return;
	}
	/* together with what follows, or an empty pair may be left */
	if (prose_room(prose) < 2)
		code = false;
	if (code)
		put_prose(prose, "`", 1);
	while (*at != '\0') {
		const char *from = at;

		escape_next(&at, unit);
		if (deceives(name, from))
			sprintf(unit, "\\x%02x", (unsigned char)*from);
		put_unit(prose, unit);
	}
	if (code) {
		/* there is room for it at the end of a full text, too */
		prose->text[prose->used++] = '`';
		prose->text[prose->used] = '\0';
	}
}

bool prose_add(struct prose *prose, const struct prose *other, size_t spare)
{
	if (other->full || other->used + spare > prose_room(prose))
		return false;
	put_prose(prose, other->text, other->used);
	return true;
}
