/* unknown.c - see unknown.h */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "conf/foreign.h"
#include "conf/unknown.h"
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

enum { LISTED_MAX = 12 }; /* keys that are listed when none is near */

static const char *nearest(const char *name, const cfg_t *section)
{
	const char *best = NULL;

	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++)
		best = word_nearer(name, best, opt->name);
	return best;
}

/* The sections that have a key of this name: "limit ip, limit net". Returns the
 * last of their fields, or NULL. */
static const struct ls_field *homes(const char *name, char *list_r, size_t size)
{
	const struct ls_field *home = NULL;
	size_t len = 0;

	list_r[0] = '\0';
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) != 0)
			continue;
		home = field;
		snprintf(list_r + len, size - len, "%slimit %s",
			 len == 0 ? "" : ", ",
			 field->section == NULL ? "" : field->section);
		len = strlen(list_r);
	}
	return home;
}

/* Is there such a key in `limit SECTION`? */
static bool is_field_of(const char *section, const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) == 0 && field->section != NULL &&
		    strcmp(field->section, section) == 0)
			return true;
	}
	return false;
}

static void list(const cfg_t *section, char *list_r, size_t size)
{
	size_t count = 0, len = 0;

	list_r[0] = '\0';
	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++)
		count++;
	if (count > LISTED_MAX)
		return;
	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++) {
		snprintf(list_r + len, size - len, "%s%s",
			 len == 0 ? "; there are: " : ", ", opt->name);
		len = strlen(list_r);
	}
}

/* Of `limit` and `override` the first word may be right, or be what is missing:
 * list those with it, or name the one with this second. */
static bool like(const cfg_t *section, const char *name, char *list_r,
		 size_t size)
{
	const char *blank = strchr(name, ' ');
	size_t first = blank == NULL ? 0 : (size_t)(blank - name) + 1, len = 0;

	list_r[0] = '\0';
	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++) {
		const char *second = strchr(opt->name, ' ');

		if (second == NULL)
			continue;
		if (first == 0 && strncmp(opt->name, "limit ", 6) == 0 &&
		    strcmp(second + 1, name) == 0)
			snprintf(list_r, size, "; did you mean \"%s\"?",
				 opt->name);
		if (first == 0 || strncmp(opt->name, name, first) != 0)
			continue;
		snprintf(list_r + len, size - len, "%s%s",
			 len == 0 ? "; there are: " : ", ", opt->name);
		len = strlen(list_r);
	}
	return list_r[0] != '\0';
}

static bool is_section(const struct conf_text *text, size_t token)
{
	return conf_token_is(text, token + 1, "{") ||
	       (token + 1 < text->count &&
		text->tokens[token + 1].type != CONF_MARK &&
		conf_token_is(text, token + 2, "{"));
}

void conf_unknown_key(const struct conf_text *text, size_t token,
		      const cfg_t *section, struct conf_log *log)
{
	const struct conf_token *key = &text->tokens[token];
	const char *near = nearest(key->text, section);
	char context[CONF_CONTEXT], advice[300], sections[200];
	const struct ls_field *home =
		homes(key->text, sections, sizeof(sections));

	if (near != NULL)
		snprintf(advice, sizeof(advice), "; did you mean \"%s\"?",
			 near);
	else if (strcmp(key->text, "include") == 0)
		snprintf(advice, sizeof(advice), "; write include(\"FILE\")");
	else if (strcmp(key->text, ";") == 0)
		snprintf(advice, sizeof(advice), "; nothing ends with one");
	else if (like(section, key->text, advice, sizeof(advice)))
		; /* said */
	else if (home != NULL && home->section != NULL &&
		 is_field_of(section->name, key->text))
		snprintf(advice, sizeof(advice),
			 "; that one cannot be overridden");
	else if (home != NULL && home->section == NULL)
		snprintf(advice, sizeof(advice),
			 "; that one stands outside all sections");
	else if (home != NULL && section->title == NULL)
		snprintf(advice, sizeof(advice), "; it stands in %s", sections);
	else if (conf_begins_statement(text, token))
		list(section, advice, sizeof(advice));
	else
		advice[0] = '\0';
	conf_text_context(text, token, context);
	/* It may be anything: a value that is not to be shown. */
	if (advice[0] == '\0' && !conf_begins_statement(text, token)) {
		conf_error(log, &key->place,
			   "%sa word that is no key, and has no = after it",
			   context);
		return;
	}
	conf_error(log, &key->place, "%sno %s \"%s\"%s", context,
		   is_section(text, token) ? "section" : "key", key->text,
		   advice);
}
