/* subject.h - subjects as an administrator writes and reads them */
#ifndef LOCKSTEP_SUBJECT_H
#define LOCKSTEP_SUBJECT_H

#include "lockstep.h"

#include <string.h>

/* Take back what cli_escape() did to text: \\ and the \xNN of control characters. A
 * name is often copied from what was printed. What has no backslash stays. */
enum { SUBJECT_PLAIN_TEXT = LS_TYPED_MAX + 1 };
void subject_unescape(const char *text, char plain_r[SUBJECT_PLAIN_TEXT]);

/* Does it look like an address or a network, and is none? */
bool subject_is_slip(const char *text);

/* Has a name capital letters, and what that means. */
static inline bool subject_has_capitals(const char *name)
{
	return strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}
#define SUBJECT_CAPITALS                                                      \
	"has capital letters; Dovecot makes names lower case, unless "        \
	"auth_username_format says otherwise"

/* An account: unescaped, and neither an address nor a place. Returns 0, or LS_EARG,
 * having complained. */
int subject_parse_user(const char *text, struct ls_subject *subject_r);
/* The account that Dovecot makes of that name. Says so where it is another. */
void subject_fold(const struct ls_state *state,
		  char user[LS_USER_MAX + 1]);

/* ls_subject_parse(), unescaped and folded, and places: "joe@example.com from 192.0.2.0/24".
 * Returns 0, or negative, having complained. */
int subject_parse(const struct ls_state *state, const char *text,
		  struct ls_subject *subject_r);

/* The network of such a place, and how long the name before it is; NULL when
 * text is none. A name may have " from " in it, too. */
const char *subject_place(const char *text, size_t *user_length_r);

/* As text, fit for a terminal. Returns escaped_r. */
enum { SUBJECT_TEXT = 4 * LS_SUBJECT_TEXT };
char *subject_text(const struct ls_subject *subject,
		   char escaped_r[SUBJECT_TEXT]);

/* The same as one word for a shell, which makes nothing else of it. Returns
 * word_r. */
enum { SUBJECT_WORD = 4 * SUBJECT_TEXT };
char *subject_word(const struct ls_subject *subject,
		   char word_r[SUBJECT_WORD]);

/* Are they the same? */
bool subject_equal(const struct ls_subject *a, const struct ls_subject *b);

#endif
