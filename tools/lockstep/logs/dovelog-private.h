/* dovelog-private.h - what the parts of dovelog.h share
 *
 * Pieces of text are taken from the front of a struct dovelog_text. */
#ifndef LOCKSTEP_DOVELOG_PRIVATE_H
#define LOCKSTEP_DOVELOG_PRIVATE_H

#include "logs/dovelog.h"

#include <string.h>

#define LITERAL(literal) { literal, sizeof(literal) - 1 } /* initializes one */
#define TEXT(literal) ((struct dovelog_text)LITERAL(literal))

static inline struct dovelog_text text_skip(struct dovelog_text text,
					    size_t count)
{
	return (struct dovelog_text){ text.at + count, text.len - count };
}

static inline bool text_begins(struct dovelog_text text,
			       struct dovelog_text with)
{
	return text.len >= with.len && memcmp(text.at, with.at, with.len) == 0;
}

static inline bool text_ends(struct dovelog_text text, struct dovelog_text with)
{
	return text.len >= with.len &&
	       memcmp(text.at + text.len - with.len, with.at, with.len) == 0;
}

static inline bool text_is(struct dovelog_text text, struct dovelog_text other)
{
	return text.len == other.len && text_begins(text, other);
}

/* Take `what` from the front. Returns whether it stood there. */
static inline bool text_take(struct dovelog_text *text,
			     struct dovelog_text what)
{
	if (!text_begins(*text, what))
		return false;
	*text = text_skip(*text, what.len);
	return true;
}

/* Where `what` stands in text, first or last; text.len: nowhere. */
size_t text_find(struct dovelog_text text, struct dovelog_text what);
size_t text_find_last(struct dovelog_text text, struct dovelog_text what);
static inline bool text_has(struct dovelog_text text, struct dovelog_text what)
{
	return text_find(text, what) < text.len;
}

/* Take digits. Returns how many; the number, 999999999 for more than that. */
size_t text_take_number(struct dovelog_text *text, unsigned *number_r);
bool text_addr(struct dovelog_text text, struct ls_addr *addr_r);

/* Whose message is it, by how it begins? Sets the length of that name. */
enum dovelog_writer { DOVELOG_NOBODY, DOVELOG_AUTH, DOVELOG_LOGIN_PROCESS };
enum dovelog_writer dovelog_writer(struct dovelog_text text, size_t *name_r);

/* Take "Info: ", if it is there. Returns false at any other of Dovecot's levels. */
bool dovelog_take_level(struct dovelog_text *text);

/* Does a login process name an account, in a form of the administrator's or in a
 * new one? */
bool dovelog_is_somebody(struct dovelog_text text);

/* It tells of a login, and nothing in it is to be believed. */
void dovelog_not_understood(struct dovelog_record *record);

/* Has it a passdb's words on a password, wherever they stand? */
bool dovelog_has_auth_words(struct dovelog_text text);

/* The parts: `text` begins behind the name of the process, at its ':' or '('.
 * Each fills what it finds, and sets record->what last. */
void dovelog_auth(struct dovelog_text text, struct dovelog_record *record);
void dovelog_login(struct dovelog_text text, struct dovelog_record *record);
/* Behind "postfix/smtpd[1]: ". */
void dovelog_postfix(struct dovelog_text text, struct dovelog_record *record);

#endif
