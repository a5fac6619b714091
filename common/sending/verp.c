/* verp.c - envelope senders that are one address with many extensions; see message.h
 *
 * Mailing lists and newsletters give each recipient, or each message, a sender of its
 * own, so that a bounce tells whom it is about:
 *
 *   bounces+joe=example.com@list       recipient_delimiter (Mailman, SendGrid)
 *   list-return-42-joe=example.com@h   qmail's VERP, ezmlm
 *   news-12345@list                    numbers
 *   prvs=0123abcdef=joe@example.com    BATV (draft-levine-smtp-batv)
 *   SRS0=HHH=TT=example.com=joe@relay  SRS: the relay's, whoever wrote it
 *
 * What is cut off begins at the first +, at the first = or - where a = follows, or at
 * the first - before a number that is a word of its own; never at the first byte. The
 * domain stays: whoever forges senders of many domains gains nothing. */
#include "lockstep-config.h"

#include "sending/message.h"

#include <string.h>
#include <strings.h>

static bool is_srs(const char *local)
{
	return strncasecmp(local, "SRS", 3) == 0 &&
	       (local[3] == '0' || local[3] == '1') && local[4] != '\0' &&
	       strchr("=+-", local[4]) != NULL;
}

/* Behind the tag of BATV; the beginning if there is none. */
static const char *skip_tag(const char *local, const char *end)
{
	const char *tag = local + strlen("prvs="), *name;

	if (strncasecmp(local, "prvs=", strlen("prvs=")) != 0)
		return local;
	name = memchr(tag, '=', (size_t)(end - tag));
	return name != NULL && name + 1 < end ? name + 1 : local;
}

/* Is there a number from here to the end, or to the next mark? */
static bool is_number(const char *at, const char *end)
{
	size_t digits = strspn(at, "0123456789");

	return digits > 0 &&
	       (at + digits >= end || strchr("-+=._", at[digits]) != NULL);
}

static const char *find_extension(const char *local, const char *end)
{
	const char *equals = memrchr(local, '=', (size_t)(end - local));

	for (const char *at = local + 1; at < end; at++)
		if (*at == '+' || *at == '=' ||
		    (*at == '-' &&
		     ((equals != NULL && at < equals) || is_number(at + 1, end))))
			return at;
	return end;
}

void ls_sender_fold(const char *sender, char folded_r[LS_SENDER_SIZE])
{
	const char *at = strrchr(sender, '@'), *local = sender, *end;
	size_t len;

	end = at != NULL ? at : sender + strlen(sender);
	if (is_srs(local)) {
		end = local + strlen("SRS0");
	} else {
		local = skip_tag(local, end);
		end = find_extension(local, end);
	}
	len = (size_t)(end - local);
	if (len >= LS_SENDER_SIZE)
		len = LS_SENDER_SIZE - 1;
	memcpy(folded_r, local, len);
	folded_r[len] = '\0';
	if (at != NULL)
		strncat(folded_r, at, LS_SENDER_SIZE - 1 - len);
}
