/* conf-unknown.c - see conf-unknown.h */
#include "lockstep-config.h"

#include "conf-unknown.h"
#include "nearest.h"
#include "policy.h"

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

/* The section that has a key of this name, if just one has. */
static const struct ls_field *only_home(const char *name)
{
	const struct ls_field *home = NULL;

	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) != 0)
			continue;
		if (home != NULL)
			return NULL;
		home = field;
	}
	return home;
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
	const struct ls_field *home = only_home(key->text);
	const char *near = nearest(key->text, section);
	char context[CONF_CONTEXT], advice[300];

	if (near != NULL)
		snprintf(advice, sizeof(advice), "; did you mean \"%s\"?",
			 near);
	else if (strcmp(key->text, "include") == 0)
		snprintf(advice, sizeof(advice), "; write include(\"FILE\")");
	else if (home != NULL && home->section != NULL &&
		 strcmp(section->name, home->section) == 0)
		snprintf(advice, sizeof(advice),
			 "; that one cannot be overridden");
	else if (home != NULL && home->section == NULL)
		snprintf(advice, sizeof(advice),
			 "; that one stands outside all sections");
	else if (home != NULL && section->title == NULL)
		snprintf(advice, sizeof(advice),
			 "; that one is of: limit %s { }", home->section);
	else
		list(section, advice, sizeof(advice));
	conf_text_context(text, token, context);
	conf_error(log, &key->place, "%sno %s \"%s\"%s", context,
		   is_section(text, token) ? "section" : "key", key->text,
		   advice);
}
