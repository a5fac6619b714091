/* foreign.c - see foreign.h */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "conf/foreign.h"
#include "lockstep.h"

#include <stdlib.h>
#include <string.h>

static bool is_value_token(const struct conf_text *text, size_t token)
{
	return token < text->count && text->tokens[token].type != CONF_MARK;
}

bool conf_begins_statement(const struct conf_text *text, size_t token)
{
	return conf_token_is(text, token + 1, "=") ||
	       conf_token_is(text, token + 1, "+=") ||
	       conf_token_is(text, token + 1, "{") ||
	       (is_value_token(text, token + 1) &&
		conf_token_is(text, token + 2, "{"));
}

/* Is there a key or a section of that name, or, with `near`, of a like one? */
static bool is_known_key(const cfg_opt_t *options, const char *name, bool near)
{
	for (const cfg_opt_t *opt = options; opt->name != NULL; opt++) {
		if (strcmp(opt->name, name) == 0 ||
		    (near && word_nearer(name, NULL, opt->name) != NULL) ||
		    (opt->type == CFGT_SEC &&
		     is_known_key(opt->subopts, name, near)))
			return true;
	}
	return false;
}

static bool begins_line(const struct conf_text *text, size_t token)
{
	return token == 0 || text->tokens[token - 1].place.line !=
				     text->tokens[token].place.line;
}

/* "mode: x" is meant as "mode = x", "mode x" too: where a line begins so. */
static bool is_ours(const struct conf_text *text, size_t token,
		    const cfg_opt_t *options)
{
	const char *word = text->tokens[token].text;
	size_t len = strlen(word);

	if (text->tokens[token].type == CONF_MARK)
		return false;
	if (conf_begins_statement(text, token) ||
	    (len > 0 && word[len - 1] == ':' && begins_line(text, token)))
		return is_known_key(options, word, true);
	return begins_line(text, token) && (strcmp(word, "include") == 0 ||
					    is_known_key(options, word, false));
}

static bool is_network_word(const char *word)
{
	struct ls_prefix ignored;

	return ls_prefix_parse(word, &ignored) != LS_EARG;
}

/* What is known of a file so far. */
struct look {
	bool ours;
	size_t first; /* word that no list has; CONF_NONE: it has none */
};

/* Files are told apart by where their names stand: one that is included twice is
 * two. Most tokens are of the same file as the one before. */
static size_t file_of(const struct conf_text *text, const char *name,
		      size_t last)
{
	size_t file = last;

	while (text->files[file] != name)
		file = (file + 1) % text->file_count;
	return file;
}

static void look_at_line(const struct conf_text *text, size_t token,
			 const cfg_opt_t *options, struct look *look)
{
	if (look->ours)
		return;
	look->ours = is_ours(text, token, options);
	if (look->first == CONF_NONE && text->tokens[token].type != CONF_MARK &&
	    !is_network_word(text->tokens[token].text))
		look->first = token;
}

void conf_foreign_drop(struct conf_text *text, const cfg_opt_t *options,
		       struct conf_log *log)
{
	struct look *looks = conf_alloc(text->file_count * sizeof(*looks));
	size_t file = 0;

	for (size_t i = 0; i < text->file_count; i++)
		looks[i].first = CONF_NONE;
	for (size_t i = 0; i < text->count; i++) {
		file = file_of(text, text->tokens[i].place.file, file);
		look_at_line(text, i, options, &looks[file]);
	}
	for (size_t i = 0; i < text->file_count; i++) {
		if (!looks[i].ours && looks[i].first != CONF_NONE)
			conf_error(log, &text->tokens[looks[i].first].place,
				   "this is no lockstep.conf: it has no key "
				   "or section of one");
	}
	for (size_t i = 0; i < text->count; i++) {
		file = file_of(text, text->tokens[i].place.file, file);
		text->tokens[i].dropped = !looks[file].ours &&
					  looks[file].first != CONF_NONE;
	}
	free(looks);
}
