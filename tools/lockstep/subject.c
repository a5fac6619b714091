/* subject.c - see subject.h */
#include "lockstep-config.h"

#include "cli.h"
#include "subject.h"

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

int subject_parse(const struct ls_state *state, const char *text,
		  struct ls_subject *subject_r)
{
	size_t length = 0;
	const char *network = subject_place(text, &length);
	struct ls_error error;
	int ret = ls_subject_parse(state, network == NULL ? text : network,
				   subject_r, &error);

	if (ret < 0) {
		cli_complain("%s", error.text);
		return ret;
	}
	if (network == NULL)
		return 0;
	if (length == 0 || length > LS_USER_MAX) {
		cli_complain("%s: neither an account nor one from a network",
			     text);
		return LS_EARG;
	}
	subject_r->kind = LS_KIND_PLACE;
	memcpy(subject_r->user, text, length);
	subject_r->user[length] = '\0';
	return 0;
}

char *subject_text(const struct ls_subject *subject,
		   char escaped_r[SUBJECT_TEXT])
{
	char text[LS_SUBJECT_TEXT];

	ls_subject_format(subject, text);
	return cli_escape(text, escaped_r, SUBJECT_TEXT);
}

bool subject_equal(const struct ls_subject *a, const struct ls_subject *b)
{
	bool net = a->kind != LS_KIND_USER, user = a->kind >= LS_KIND_USER;

	return a->kind == b->kind &&
	       (!net || (a->net.bits == b->net.bits &&
			 ls_addr_equal(&a->net.addr, &b->net.addr))) &&
	       (!user || strcmp(a->user, b->user) == 0);
}
