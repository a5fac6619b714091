/* token.c - what is done with tokens; see tokens.h */
#include "lockstep-config.h"

#include "conf/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void render_token(FILE *out, const struct conf_token *token)
{
	if (token->type == CONF_MARK) {
		fputs(token->text, out);
		return;
	}
	/* In single quotes libConfuse replaces nothing. */
	putc('\'', out);
	for (const char *c = token->text; *c != '\0'; c++) {
		if (*c == '\'' || *c == '\\')
			putc('\\', out);
		putc(*c, out);
	}
	putc('\'', out);
}

static char *render(const struct conf_text *text, size_t first, size_t end,
		    bool apart)
{
	char *rendered = NULL;
	size_t size;
	FILE *out = open_memstream(&rendered, &size);

	for (size_t i = first; out != NULL && i < end; i++) {
		const struct conf_token *token = &text->tokens[i];

		if (!token->dropped && (apart || !token->apart))
			render_token(out, token);
		putc('\n', out);
	}
	if (out == NULL || fclose(out) != 0) {
		fputs("lockstep: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return rendered;
}

char *conf_text_render(const struct conf_text *text, size_t first, size_t end)
{
	return render(text, first, end, true);
}

char *conf_text_render_all(const struct conf_text *text)
{
	return render(text, 0, text->count, false);
}

static bool is_token_value(const struct conf_text *text, size_t token)
{
	return token < text->count && text->tokens[token].type != CONF_MARK;
}

size_t conf_text_statement_end(const struct conf_text *text, size_t token)
{
	size_t end = token + 1;

	if (conf_token_is(text, end, "=") || conf_token_is(text, end, "+=")) {
		end++;
		if (is_token_value(text, end))
			return end + 1;
	} else {
		size_t title = end;

		while (title < end + 2 && is_token_value(text, title))
			title++;
		/* `foo bar = 1`: bar is the next one's name */
		if (conf_token_is(text, title, "{"))
			end = title;
	}
	if (conf_token_is(text, end, "{"))
		return text->tokens[end].partner + 1;
	if (conf_token_is(text, end, "(")) {
		while (end < text->count && !conf_token_is(text, end, ")"))
			end++;
		return end < text->count ? end + 1 : end;
	}
	return end;
}

void conf_text_drop(struct conf_text *text, size_t token)
{
	size_t end = conf_text_statement_end(text, token);

	for (; token < end && token < text->count; token++)
		text->tokens[token].dropped = true;
}

/* The names before an opening brace: `webhook "ops"`, `sending`. */
static void put_token_names(const struct conf_text *text, size_t brace,
			    char *names, size_t size)
{
	const struct conf_token *title;

	names[0] = '\0';
	if (brace == 0 || !is_token_value(text, brace - 1))
		return;
	title = &text->tokens[brace - 1];
	if (brace >= 2 && title[-1].type == CONF_WORD &&
	    title[-1].inside == title->inside &&
	    (brace < 3 || !conf_token_is(text, brace - 3, "=")))
		snprintf(names, size, "%s \"%s\": ", title[-1].text,
			 title->text);
	else
		snprintf(names, size, "%s: ", title->text);
}

void conf_text_context(const struct conf_text *text, size_t token,
		       char context_r[CONF_CONTEXT])
{
	size_t brace = text->tokens[token].inside;
	char names[CONF_CONTEXT], inner[CONF_CONTEXT];

	context_r[0] = '\0';
	for (; brace != CONF_NONE; brace = text->tokens[brace].inside) {
		put_token_names(text, brace, names, sizeof(names));
		memcpy(inner, context_r, sizeof(inner));
		if (strlen(names) + strlen(inner) < CONF_CONTEXT)
			stpcpy(stpcpy(context_r, names), inner);
	}
}
