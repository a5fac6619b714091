/* tokens.c - see tokens.h */
#include "lockstep-config.h"

#include "conf/files.h"
#include "conf/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	INCLUDES_DEEP = 10,
	FILES_MAX = 1000,
};

/* One file while it is cut up. */
struct lexer {
	struct conf_text *text;
	struct conf_log *log;
	const char *data, *end;
	struct conf_place place;
	const struct lexer *includer; /* NULL: none */
	unsigned depth;
	struct conf_file file;
	bool broken;
};

static bool read_conf_file(struct conf_text *text, const char *path,
			   const struct lexer *includer, struct conf_log *log);

bool conf_token_is(const struct conf_text *text, size_t token, const char *mark)
{
	return token < text->count && text->tokens[token].type == CONF_MARK &&
	       strcmp(text->tokens[token].text, mark) == 0;
}

static void add_token(struct lexer *lexer, enum conf_token_type type,
		      char *text)
{
	struct conf_text *all = lexer->text;
	struct conf_token *token;

	all->tokens = conf_grow(all->tokens, all->count, sizeof(*all->tokens));
	token = &all->tokens[all->count++];
	*token = (struct conf_token){ .type = type,
				      .text = text,
				      .place = lexer->place,
				      .inside = CONF_NONE,
				      .partner = CONF_NONE };
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == '\x7f';
}

static bool at(const struct lexer *lexer, const char *mark)
{
	size_t len = strlen(mark);

	return (size_t)(lexer->end - lexer->data) >= len &&
	       memcmp(lexer->data, mark, len) == 0;
}

static void skip_rest_of_line(struct lexer *lexer)
{
	while (lexer->data < lexer->end && *lexer->data != '\n')
		lexer->data++;
}

static void skip_comment(struct lexer *lexer)
{
	struct conf_place start = lexer->place;

	for (lexer->data += 2; lexer->data < lexer->end; lexer->data++) {
		if (at(lexer, "*/")) {
			lexer->data += 2;
			return;
		}
		if (*lexer->data == '\n')
			lexer->place.line++;
	}
	conf_error(lexer->log, &start, "this comment is never closed");
	lexer->broken = true;
}

/* From the opening quote to the closing one, on one line. */
static void take_string(struct lexer *lexer)
{
	char quote = *lexer->data++, *text = NULL;
	size_t len = 0;

	for (; lexer->data < lexer->end && *lexer->data != '\n';
	     lexer->data++) {
		char c = *lexer->data;

		if (c == quote) {
			lexer->data++;
			text = conf_grow(text, len, 1);
			text[len] = '\0';
			add_token(lexer, CONF_STRING, text);
			return;
		}
		if (c == '\\' && lexer->data + 1 < lexer->end) {
			char next = lexer->data[1];

			if (next == quote || next == '\\') {
				c = next;
				lexer->data++;
			} else if (quote == '"') {
				conf_error(lexer->log, &lexer->place,
					   "a backslash in a string is written "
					   "twice");
			}
		}
		if (is_control(c))
			conf_error(lexer->log, &lexer->place,
				   "a control character (byte %u) in a string",
				   (unsigned)(unsigned char)c);
		text = conf_grow(text, len, 1);
		text[len++] = c;
	}
	free(text);
	conf_error(lexer->log, &lexer->place,
		   "this string has no closing %c on its line", quote);
	lexer->broken = true;
}

static bool ends_word(const struct lexer *lexer)
{
	return lexer->data == lexer->end || is_control(*lexer->data) ||
	       strchr(" \"'{}()=,#|", *lexer->data) != NULL || at(lexer, "+=");
}

static void take_conf_word(struct lexer *lexer)
{
	const char *start = lexer->data;

	while (!ends_word(lexer))
		lexer->data++;
	add_token(lexer, CONF_WORD,
		  conf_copy(start, (size_t)(lexer->data - start)));
}

/* Put a file's tokens behind those there are. Returns false when no more files
 * are to be read. */
static bool include_one(struct lexer *lexer, const char *path)
{
	if (lexer->depth >= INCLUDES_DEEP) {
		conf_error(lexer->log, &lexer->place,
			   "include: %s: more than %d files deep", path,
			   INCLUDES_DEEP);
		return false;
	}
	if (lexer->text->file_count >= FILES_MAX) {
		conf_error(lexer->log, &lexer->place,
			   "include: %s: more than %d files in all", path,
			   FILES_MAX);
		return false;
	}
	if (!read_conf_file(lexer->text, path, lexer, lexer->log))
		lexer->broken = true;
	return !lexer->broken;
}

/* The last tokens are include("FILE"): put the file's in their place. */
static void include(struct lexer *lexer)
{
	struct conf_text *text = lexer->text;
	const char *name = text->tokens[text->count - 2].text;
	struct conf_place end = lexer->place;
	struct conf_paths paths;
	int err = conf_paths_find(name, lexer->place.file, &paths);

	lexer->place = text->tokens[text->count - 4].place;
	for (size_t i = 0; i < 4; i++)
		free(text->tokens[--text->count].text);
	if (err != 0)
		conf_error(lexer->log, &lexer->place, "include: %s: %s",
			   paths.path[0], strerror(err));
	for (size_t i = 0; err == 0 && i < paths.count; i++) {
		if (!include_one(lexer, paths.path[i]))
			break;
	}
	conf_paths_free(&paths);
	lexer->place = end;
}

static void take_mark(struct lexer *lexer)
{
	struct conf_text *text = lexer->text;
	size_t len = at(lexer, "+=") ? 2 : 1, n;

	add_token(lexer, CONF_MARK, conf_copy(lexer->data, len));
	lexer->data += len;
	n = text->count;
	if (n >= 4 && conf_token_is(text, n - 1, ")") &&
	    text->tokens[n - 2].type != CONF_MARK &&
	    conf_token_is(text, n - 3, "(") &&
	    text->tokens[n - 4].type == CONF_WORD &&
	    strcmp(text->tokens[n - 4].text, "include") == 0)
		include(lexer);
}

static void take_token(struct lexer *lexer)
{
	char c = *lexer->data;

	if (c == '\n') {
		lexer->place.line++;
		lexer->data++;
	} else if (c == ' ' || c == '\t' || c == '\r') {
		lexer->data++;
	} else if (c == '#' || at(lexer, "//")) {
		skip_rest_of_line(lexer);
	} else if (at(lexer, "/*")) {
		skip_comment(lexer);
	} else if (c == '"' || c == '\'') {
		take_string(lexer);
	} else if (strchr("{}()=,", c) != NULL && c != '\0') {
		take_mark(lexer);
	} else if (at(lexer, "+=")) {
		take_mark(lexer);
	} else if (is_control(c) || c == '|') {
		conf_error(lexer->log, &lexer->place,
			   c == '|' ? "a | outside a string"
				    : "a control character (byte %u)",
			   (unsigned)(unsigned char)c);
		lexer->data++;
	} else {
		take_conf_word(lexer);
	}
}

/* Is a file being read that this one is? */
static bool is_loop(const struct lexer *lexer)
{
	const struct lexer *outer = lexer->includer;

	for (; outer != NULL; outer = outer->includer) {
		if (outer->file.device == lexer->file.device &&
		    outer->file.inode == lexer->file.inode)
			return true;
	}
	return false;
}

static void cut_up(struct lexer *lexer, const char *name)
{
	lexer->place = (struct conf_place){ name, 1 };
	lexer->data = lexer->file.data;
	lexer->end = lexer->data + lexer->file.size;
	if (at(lexer, "\xef\xbb\xbf")) /* what some editors begin UTF-8 with */
		lexer->data += 3;
	while (lexer->data < lexer->end && !lexer->broken)
		take_token(lexer);
}

/* Returns false when what comes after cannot be looked at. */
static bool read_conf_file(struct conf_text *text, const char *path,
			   const struct lexer *includer, struct conf_log *log)
{
	struct lexer lexer = { .text = text,
			       .log = log,
			       .includer = includer,
			       .depth = includer == NULL ? 0
							 : includer->depth + 1 };
	char *name = conf_copy(path, strlen(path));
	const struct conf_place whole = { name, 0 };
	int err;

	text->files =
		conf_grow(text->files, text->file_count, sizeof(*text->files));
	text->files[text->file_count++] = name;
	/* What is included is to be a file: a pipe that got into a directory by
	 * mistake would be waited for. */
	err = conf_file_read(path, includer != NULL, &lexer.file);
	if (err != 0 && includer == NULL)
		conf_error(log, &whole, "%s", strerror(err));
	else if (err != 0)
		conf_error(log, &includer->place, "include: %s: %s", path,
			   strerror(err));
	else if (is_loop(&lexer))
		conf_error(log, &includer->place,
			   "include: %s is being read already: it would "
			   "include itself",
			   path);
	else
		cut_up(&lexer, name);
	free(lexer.file.data);
	return !lexer.broken && (err == 0 || includer != NULL);
}

/* `limit` and `override` with the word that follows. */
static void join_tokens(struct conf_text *text)
{
	size_t kept = 0;

	for (size_t i = 0; i < text->count; i++) {
		struct conf_token *token = &text->tokens[i];
		char *joined;

		if (token->type == CONF_WORD && i + 1 < text->count &&
		    token[1].type != CONF_MARK &&
		    (strcmp(token->text, "limit") == 0 ||
		     strcmp(token->text, "override") == 0)) {
			joined = conf_alloc(strlen(token->text) +
					    strlen(token[1].text) + 2);
			stpcpy(stpcpy(stpcpy(joined, token->text), " "),
			       token[1].text);
			free(token->text);
			free(token[1].text);
			token->text = joined;
			i++;
		}
		text->tokens[kept++] = *token;
	}
	text->count = kept;
}

/* Find for each brace the other, for each token the brace around it. Both are in
 * one file: what is included is whole. */
static bool match_braces(struct conf_text *text, struct conf_log *log)
{
	size_t open = CONF_NONE;
	bool fine = true;

	for (size_t i = 0; i < text->count; i++) {
		struct conf_token *token = &text->tokens[i];

		if (conf_token_is(text, i, "}")) {
			if (open == CONF_NONE ||
			    text->tokens[open].place.file !=
				    token->place.file) {
				conf_error(log, &token->place,
					   "this } closes nothing");
				fine = false;
				continue;
			}
			token->partner = open;
			text->tokens[open].partner = i;
			open = text->tokens[open].inside;
		}
		token->inside = open;
		if (conf_token_is(text, i, "{"))
			open = i;
	}
	for (; open != CONF_NONE; open = text->tokens[open].inside) {
		conf_error(log, &text->tokens[open].place,
			   "this { is never closed");
		fine = false;
	}
	return fine;
}

bool conf_text_read(struct conf_text *text, const char *path,
		    struct conf_log *log)
{
	*text = (struct conf_text){ NULL, 0, NULL, 0 };
	if (!read_conf_file(text, path, NULL, log))
		return false;
	join_tokens(text);
	return match_braces(text, log);
}

void conf_text_free(struct conf_text *text)
{
	for (size_t i = 0; i < text->count; i++)
		free(text->tokens[i].text);
	free(text->tokens);
	for (size_t i = 0; i < text->file_count; i++)
		free(text->files[i]);
	free(text->files);
	*text = (struct conf_text){ NULL, 0, NULL, 0 };
}
