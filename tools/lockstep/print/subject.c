/* subject.c - see subject.h */
#include "lockstep-config.h"

#include "print/subject.h"
#include "cli.h"

#include <ctype.h>
#include <string.h>

const char *subject_place(const char *text, size_t *user_length_r)
{
	static const char between[] = " from ";
	const char *last = NULL, *found = strstr(text, between);
	struct ls_prefix prefix;

	for (; found != NULL; found = strstr(found + 1, between))
		last = found;
	if (last == NULL)
		return NULL;
	*user_length_r = (size_t)(last - text);
	last += strlen(between);
	return ls_prefix_parse(last, &prefix) == LS_EARG ? NULL : last;
}

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* The control character whose escape begins here, or 0. Of other bytes a name as it
 * is may well have what looks like one: CORP\xabi. */
static char control_of(const char *text)
{
	int high, low;

	if (text[1] != 'x')
		return '\0';
	high = hex_of(text[2]);
	low = high < 0 ? -1 : hex_of(text[3]);
	if (low < 0)
		return '\0';
	return (high < 2 || 16 * high + low == 0x7f) ? (char)(16 * high + low)
						     : '\0';
}

void subject_unescape(const char *text, char plain_r[SUBJECT_PLAIN_TEXT])
{
	size_t used = 0;

	while (*text != '\0' && used + 1 < SUBJECT_PLAIN_TEXT) {
		char control = *text == '\\' ? control_of(text) : '\0';

		plain_r[used++] = control != '\0' ? control : *text;
		text += control != '\0'			    ? 4
			: text[0] == '\\' && text[1] == '\\' ? 2
							    : 1;
	}
	plain_r[used] = '\0';
}

/* Do four numbers with dots between stand in it, the last of them or a star alone? */
static bool has_quad(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		const char *c = at;
		unsigned dots = 0;

		if (at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '.'))
			continue;
		while (isdigit((unsigned char)*c) && dots < 3) {
			c += strspn(c, "0123456789");
			if (*c != '.')
				break;
			c++;
			dots++;
		}
		if (dots == 3 && (isdigit((unsigned char)*c) || *c == '*')) {
			c += *c == '*' ? 1 : strspn(c, "0123456789");
			if (!isalnum((unsigned char)*c) && *c != '.')
				return true;
		}
	}
	return false;
}

bool subject_is_slip(const char *text)
{
	size_t length = strlen(text), colons = 0;
	struct ls_prefix prefix;

	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	if (ls_prefix_parse(text, &prefix) != LS_EARG ||
	    strchr(text, '@') != NULL)
		return false;
	if (colons > 1) /* 2001:db8::g, [2001:db8::1]:993, fe80::1%eth0 */
		return strspn(text, " [0123456789abcdefABCDEF:") > 0;
	if (has_quad(text)) /* 192.0.2.1:993, unknown[192.0.2.1], 192.0.2.* */
		return true;
	return strspn(text, "0123456789./") == length &&
	       strcspn(text, "./") < length;
}

void subject_fold(const struct ls_state *state, char user[LS_USER_MAX + 1])
{
	char folded[LS_USER_MAX + 1];

	ls_name_fold(state, user, false, folded);
	if (strcmp(user, folded) == 0)
		return;
	cli_complain("%s: Dovecot makes %s of it", user, folded);
	strcpy(user, folded);
}

int subject_parse_user(const char *text, struct ls_subject *subject_r)
{
	char plain[SUBJECT_PLAIN_TEXT];
	struct ls_prefix prefix;
	size_t length;

	subject_unescape(text, plain);
	memset(subject_r, 0, sizeof(*subject_r));
	if (ls_prefix_parse(plain, &prefix) != LS_EARG ||
	    subject_place(plain, &length) != NULL) {
		cli_complain("%s: not an account; lock and unlock are for "
			     "addresses and places",
			     text);
		return LS_EARG;
	}
	if (plain[0] == '\0') {
		cli_complain("an empty name");
		return LS_EARG;
	}
	subject_r->kind = LS_KIND_USER;
	ls_user_copy(subject_r->user, plain);
	return 0;
}

int subject_parse(const struct ls_state *state, const char *text,
		  struct ls_subject *subject_r)
{
	char plain[SUBJECT_PLAIN_TEXT];
	const char *network;
	struct ls_error error;
	size_t length = 0;
	int ret;

	subject_unescape(text, plain);
	text = plain;
	network = subject_place(text, &length);
	ret = ls_subject_parse(state, network == NULL ? text : network,
			       subject_r, &error);
	if (ret < 0) {
		cli_complain("%s", error.text);
		return ret;
	}
	if (network == NULL) {
		subject_fold(state, subject_r->user);
		return 0;
	}
	if (length == 0) {
		cli_complain("%s: neither an account nor one from a network",
			     text);
		return LS_EARG;
	}
	plain[length] = '\0';
	*subject_r = ls_subject_place(state, plain, &subject_r->net);
	subject_fold(state, subject_r->user);
	return 0;
}

char *subject_text(const struct ls_subject *subject,
		   char escaped_r[SUBJECT_TEXT])
{
	char text[LS_SUBJECT_TEXT];

	ls_subject_format(subject, text);
	return cli_escape(text, escaped_r, SUBJECT_TEXT);
}

char *subject_word(const struct ls_subject *subject, char word_r[SUBJECT_WORD])
{
	char text[SUBJECT_TEXT], *to = word_r;

	*to++ = '\'';
	for (const char *c = subject_text(subject, text); *c != '\0'; c++) {
		if (*c == '\'') /* ends the word; one more; begins it again */
			to = stpcpy(to, "'\\'");
		*to++ = *c;
	}
	strcpy(to, "'");
	return word_r;
}

bool subject_equal(const struct ls_subject *a, const struct ls_subject *b)
{
	bool net = a->kind != LS_KIND_USER, user = a->kind >= LS_KIND_USER;

	return a->kind == b->kind &&
	       (!net || (a->net.bits == b->net.bits &&
			 ls_addr_equal(&a->net.addr, &b->net.addr))) &&
	       (!user || strcmp(a->user, b->user) == 0);
}
