/* tokens.h - lockstep.conf as tokens
 *
 * libConfuse reads the configuration, but not as an administrator writes it:
 * version 3.3 counts the lines of a comment twice, takes no comment inside a
 * list, knows no section of two words (`limit ip {`, `override user "joe" {`),
 * and replaces ${NAME} by what is in root's environment. So the text is cut
 * into tokens here, and handed on with one token on each line: libConfuse's
 * line number is then the token's, and each token knows the file and the line
 * that it came from.
 *
 *	token    what it is
 *	word     letters, digits, - and whatever else is no mark
 *	string   "..." with \" and \\, or '...' with \' and \\
 *	mark     { } ( ) = += ,
 *
 * Comments begin with # or // and go on to the end of the line, or stand
 * between slash-star and star-slash; slashes inside a word begin none.
 * `include("FILE")` is replaced by the tokens of FILE, or of several
 * (files.h). `limit` and `override` make one word with the next:
 * "limit ip". */
#ifndef LOCKSTEP_CONF_TEXT_H
#define LOCKSTEP_CONF_TEXT_H

#include "conf/complaints.h"

#include <stdint.h>

enum conf_token_type { CONF_WORD, CONF_STRING, CONF_MARK };

#define CONF_NONE SIZE_MAX /* no token */

struct conf_token {
	enum conf_token_type type;
	bool dropped; /* libConfuse is not to see it */
	bool apart;   /* it is to see it in a parse of its own */
	char *text;   /* as meant: without quotes and escapes */
	struct conf_place place;
	size_t inside;  /* the { that it stands within, or CONF_NONE */
	size_t partner; /* of { or }: the other one */
};

struct conf_text {
	struct conf_token *tokens;
	size_t count;
	char **files; /* names, for the places */
	size_t file_count;
};

/* Read a file and what it includes. Returns true when the tokens can be
 * handed on: everything was read, and every brace has its other. What is wrong
 * is in the log, also where true is returned. */
bool conf_text_read(struct conf_text *text, const char *path,
		    struct conf_log *log);
void conf_text_free(struct conf_text *text);

/* Tokens as libConfuse reads them, one a line: those from `first` to before
 * `end`, or all but those apart. Ones that are left out leave their line empty.
 * To be freed. */
char *conf_text_render(const struct conf_text *text, size_t first, size_t end);
char *conf_text_render_all(const struct conf_text *text);

bool conf_token_is(const struct conf_text *text, size_t token,
		   const char *mark);

/* The statement that begins at `token`: returns the token after it. */
size_t conf_text_statement_end(const struct conf_text *text, size_t token);
/* Let libConfuse not see that statement. */
void conf_text_drop(struct conf_text *text, size_t token);

/* Where in the configuration a token stands, for messages: "limit ip: ",
 * "override user \"joe\": sending: ", or "" at the top. */
enum { CONF_CONTEXT = 400 };
void conf_text_context(const struct conf_text *text, size_t token,
		       char context_r[CONF_CONTEXT]);

#endif
