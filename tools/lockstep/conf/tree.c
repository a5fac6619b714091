/* tree.c - see tree.h */
#include "lockstep-config.h"

#include "conf/foreign.h"
#include "conf/tree.h"
#include "conf/unknown.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTIONS = LS_FIELD_COUNT + 16, /* most in one section, with the end */
	MISTAKES_MAX = 100,            /* unknown keys that are told of */
};

/* libConfuse's callbacks have no argument of ours. */
static struct parse {
	struct conf_text *text; /* NULL: the defaults are being read */
	size_t first;           /* token: of what is parsed */
	struct conf_log *log;   /* of what was dropped */
	struct conf_log pass;   /* of this parse: void when another follows */
	bool again;             /* something was dropped: parse what is left */
} parse;

static struct conf_place place_of(size_t token)
{
	return parse.text->tokens[token].place;
}

static void free_value(void *pointer)
{
	struct conf_value *value = pointer;

	free(value->text);
	free(value);
}

/* libConfuse frees an old value just before it asks for the new one. */
static void release_value(void *pointer)
{
	struct conf_value *value = pointer;
	struct conf_place place;

	if (parse.text != NULL && value->token != CONF_NONE) {
		place = place_of(value->token);
		conf_warning(
			&parse.pass, &place,
			"%s is set again further down, and that one counts",
			value->opt->name);
	}
	free_value(value);
}

static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *text,
		      void *result)
{
	struct conf_value *value = conf_alloc(sizeof(*value));

	value->text = conf_copy(text, strlen(text));
	value->token = parse.text == NULL
			       ? CONF_NONE
			       : parse.first + (size_t)cfg->line - 1;
	value->opt = opt;
	*(void **)result = value;
	return 0;
}

/* What libConfuse complains of, at the token that it is at. */
__attribute__((format(printf, 2, 0))) static void
take_error(cfg_t *cfg, const char *format, va_list args)
{
	size_t token = parse.first + (cfg->line > 0 ? (size_t)cfg->line - 1 : 0);
	char message[200], context[CONF_CONTEXT];
	struct conf_text *text = parse.text;
	struct conf_place place;

	if (token >= text->count)
		token = text->count - 1;
	if (strncmp(format, "no such option", 14) == 0) {
		conf_unknown_key(text, token, cfg, parse.log);
		conf_text_drop(text, token);
		parse.again = true;
		return;
	}
	if (strncmp(format, "found duplicate title", 21) == 0 && token >= 2) {
		conf_text_context(text, token, context);
		place = place_of(token - 2);
		conf_error(parse.log, &place, "%s%s \"%s\" is there twice",
			   context, text->tokens[token - 2].text,
			   text->tokens[token - 1].text);
		conf_text_drop(text, token - 2);
		parse.again = true;
		return;
	}
	/* The key, not whatever comes instead of the = after it. */
	if (strncmp(format, "missing equal sign", 18) == 0 && token > 0)
		token--;
	if (strncmp(format, "unexpected token", 16) == 0 &&
	    text->tokens[token].type != CONF_MARK)
		snprintf(message, sizeof(message),
			 "a value where none is expected: is a comma "
			 "missing?");
	else if (strncmp(format, "attempt to append", 17) == 0 && token > 0)
		snprintf(message, sizeof(message),
			 "%s: += adds to a list, and this is none",
			 text->tokens[token - 1].text);
	else
		vsnprintf(message, sizeof(message), format, args);
	conf_text_context(text, token, context);
	place = place_of(token);
	conf_error(&parse.pass, &place, "%s%s", context, message);
}

static cfg_opt_t *add_key(cfg_opt_t *options, const char *name)
{
	*options = (cfg_opt_t)CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, take_value,
					 release_value);
	return options + 1;
}

static cfg_opt_t *add_list(cfg_opt_t *options, const char *name, char *preset)
{
	*options = (cfg_opt_t)CFG_PTR_LIST_CB(name, preset, CFGF_NONE,
					      take_value, release_value);
	return options + 1;
}

static bool is_in(const struct ls_field *field, const char *section)
{
	return section == NULL ? field->section == NULL
			       : field->section != NULL &&
					 strcmp(field->section, section) == 0;
}

/* The fields of a section, those with all of `flags`; ends the options. */
static cfg_opt_t *add_fields(cfg_opt_t *options, const char *section,
			     unsigned flags)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (is_in(field, section) && (field->flags & flags) == flags &&
		    field->type != LS_FIELD_FLAG)
			options = field->type == LS_FIELD_PREFIXES
					  ? add_list(options, field->name, NULL)
					  : add_key(options, field->name);
	}
	*options = (cfg_opt_t)CFG_END();
	return options;
}

static cfg_opt_t *add_section(cfg_opt_t *options, const char *name,
			      cfg_opt_t *inner, cfg_flag_t flags)
{
	*options = (cfg_opt_t)CFG_SEC(name, inner, flags);
	options[1] = (cfg_opt_t)CFG_END();
	return options + 1;
}

static const char *const sections[] = { "ip",    "net",   "user",
					"place", "guess", "sending",
					"relay" };
static const char *const limits[] = { "limit ip",    "limit net",
				      "limit user",  "limit place",
				      "limit guess", "limit sending",
				      "limit relay" };
static const char *const overrides[] = { "override user", "override domain",
					 "override net" };
enum {
	SECTIONS = sizeof(sections) / sizeof(sections[0]),
	OVERRIDES = sizeof(overrides) / sizeof(overrides[0]),
	BY_NET = OVERRIDES - 1,
};

/* The options of an override: fields with all of `flags`. */
static void build_override(cfg_opt_t *options, unsigned flags,
			   cfg_opt_t inner[SECTIONS][OPTIONS])
{
	options = add_fields(options, NULL, flags);
	for (size_t i = 0; i < SECTIONS; i++) {
		if (add_fields(inner[i], sections[i], flags) != inner[i])
			options = add_section(options, sections[i], inner[i],
					      CFGF_NONE);
	}
}

/* The whole; or, for an override that stands apart, its kind alone. Building is
 * most of what a policy with many overrides costs. */
static cfg_t *build(const char *apart)
{
	static cfg_opt_t limit[SECTIONS][OPTIONS], by_user[SECTIONS][OPTIONS],
		by_net[SECTIONS][OPTIONS], user[OPTIONS], net[OPTIONS],
		webhook[OPTIONS], root[2 * OPTIONS];
	static char trusted[] = "{'127.0.0.0/8', '::1/128'}";
	cfg_flag_t titled = CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES;
	cfg_opt_t *of_root = root, *of_webhook = webhook;

	if (user[0].name == NULL) {
		build_override(user, LS_FIELD_BY_USER, by_user);
		build_override(net, LS_FIELD_BY_NET, by_net);
	}
	for (size_t i = 0; i < OVERRIDES; i++) {
		if (apart == NULL || apart == overrides[i])
			of_root = add_section(of_root, overrides[i],
					      i == BY_NET ? net : user, titled);
	}
	if (apart != NULL)
		return cfg_init(root, CFGF_NONE);
	of_root = add_fields(of_root, NULL, 0);
	for (size_t i = 0; i < SECTIONS; i++) {
		add_fields(limit[i], sections[i], 0);
		of_root = add_section(of_root, limits[i], limit[i], CFGF_NONE);
	}
	of_webhook = add_key(of_webhook, "url");
	of_webhook = add_key(of_webhook, "url-file");
	of_webhook = add_key(of_webhook, "secret-file");
	of_webhook = add_list(of_webhook, "events", NULL);
	of_webhook = add_key(of_webhook, "format");
	of_webhook = add_key(of_webhook, "digest");
	*of_webhook = (cfg_opt_t)CFG_END();
	of_root = add_list(of_root, "trusted", trusted);
	of_root = add_list(of_root, "denied", NULL);
	add_section(of_root, "webhook", webhook, titled);
	return cfg_init(root, CFGF_NONE);
}

/* libConfuse would look for "limit ip|failures" in the section. */
static void drop_quoted_keys(struct conf_text *text, struct conf_log *log)
{
	for (size_t i = 0; i < text->count; i++) {
		const struct conf_token *token = &text->tokens[i];

		if (token->type != CONF_STRING || token->dropped ||
		    (!conf_token_is(text, i + 1, "=") &&
		     !conf_token_is(text, i + 1, "+=")))
			continue;
		conf_error(log, &token->place,
			   "\"%s\": a key stands without quotes", token->text);
		conf_text_drop(text, i);
	}
}

static bool is_tree_value(const struct conf_text *text, size_t token)
{
	return token < text->count && text->tokens[token].type != CONF_MARK;
}

/* Does a whole override begin at this token? One that is not stays with the
 * rest, for libConfuse to say what is wrong with it. */
static const char *override_at(const struct conf_text *text, size_t token)
{
	const struct conf_token *name = &text->tokens[token];
	bool begins = token == 0 || is_tree_value(text, token - 1) ||
		      conf_token_is(text, token - 1, "}") ||
		      conf_token_is(text, token - 1, ")");

	if (!begins || name->type != CONF_WORD || name->inside != CONF_NONE ||
	    name->dropped || !is_tree_value(text, token + 1) ||
	    !conf_token_is(text, token + 2, "{"))
		return NULL;
	for (size_t i = 0; i < OVERRIDES; i++) {
		if (strcmp(name->text, overrides[i]) == 0)
			return overrides[i];
	}
	return NULL;
}

static void set_apart(struct conf_text *text)
{
	for (size_t i = 0; i < text->count; i++) {
		size_t end;

		if (override_at(text, i) == NULL)
			continue;
		end = text->tokens[i + 2].partner;
		for (size_t j = i; j <= end; j++)
			text->tokens[j].apart = true;
		i = end;
	}
}

/* Parse tokens, those of one override or all the rest, again whenever something in
 * them had to be dropped. */
static cfg_t *parse_tokens(struct conf_text *text, size_t first, size_t end,
			   const char *apart, struct conf_log *log)
{
	cfg_t *tree = NULL;
	unsigned mistakes = 0;

	do {
		char *rendered = apart != NULL
					 ? conf_text_render(text, first, end)
					 : conf_text_render_all(text);

		conf_tree_free(tree);
		conf_log_clear(&parse.pass);
		parse = (struct parse){ .log = log, .first = first };
		tree = build(apart);
		if (tree == NULL)
			exit(EXIT_FAILURE);
		cfg_set_error_function(tree, take_error);
		parse.text = text;
		if (end > first)
			cfg_parse_buf(tree, rendered);
		parse.text = NULL;
		free(rendered);
	} while (parse.again && ++mistakes < MISTAKES_MAX);
	conf_log_move(log, &parse.pass);
	return tree;
}

static void drop_foreign(struct conf_text *text, struct conf_log *log)
{
	cfg_t *tree = build(NULL);

	if (tree == NULL)
		exit(EXIT_FAILURE);
	conf_foreign_drop(text, tree->opts, log);
	cfg_free(tree);
}

cfg_t *conf_tree_parse(struct conf_text *text, struct conf_log *log)
{
	drop_foreign(text, log);
	drop_quoted_keys(text, log);
	set_apart(text);
	return parse_tokens(text, 0, text->count, NULL, log);
}

bool conf_tree_next_override(struct conf_text *text, struct conf_part *part,
			     struct conf_log *log)
{
	size_t first = part->next, end;

	while (first < text->count && !text->tokens[first].apart)
		first++;
	if (first == text->count)
		return false;
	end = text->tokens[first + 2].partner + 1;
	*part = (struct conf_part){ .kind = override_at(text, first),
				    .title = first + 1,
				    .next = end };
	part->tree = parse_tokens(text, first, end, part->kind, log);
	if (cfg_size(part->tree, part->kind) > 0)
		part->section = cfg_getnsec(part->tree, part->kind, 0);
	return true;
}

void conf_tree_free(cfg_t *tree)
{
	parse.text = NULL;
	if (tree != NULL)
		cfg_free(tree);
}

const struct conf_value *conf_tree_value(cfg_t *section, const char *key,
					 unsigned index)
{
	cfg_opt_t *opt = cfg_getopt(section, key);

	if (opt == NULL || index >= cfg_opt_size(opt))
		return NULL;
	return cfg_opt_getnptr(opt, index);
}

size_t conf_tree_title(const struct conf_text *text, const cfg_t *section)
{
	/* Its line is now that of its last token, the closing brace. */
	size_t close = (size_t)section->line - 1;

	if (section->line <= 0 || close >= text->count ||
	    text->tokens[close].partner == CONF_NONE ||
	    text->tokens[close].partner == 0)
		return 0;
	return text->tokens[close].partner - 1;
}
