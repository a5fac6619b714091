/* evidence.c - what froze an account, as text in the journal
 *
 *   messages=601 recipients=1441 queue-id=4Xyz to=a.example b.example
 *
 * A count is left out where the policy has no limit of it. The domains are what
 * strangers typed, and come last: nothing is looked for among them. */
#include "lockstep-config.h"

#include "base/text.h"
#include "records.h"

#include <stdio.h>
#include <stdlib.h>

static const char MESSAGES[] = "messages=", RECIPIENTS[] = "recipients=",
		  QUEUE_ID[] = "queue-id=", TO[] = "to=";

static size_t write_count(char *text, size_t size, const char *name,
			  uint64_t count)
{
	if (count == LS_NOT_COUNTED)
		return 0;
	return (size_t)snprintf(text, size, "%s%llu ", name,
				(unsigned long long)count);
}

void ls_evidence_write(const struct ls_evidence *evidence,
		       char more_r[LS_MORE_MAX + 1])
{
	const size_t size = LS_MORE_MAX + 1;
	size_t len = write_count(more_r, size, MESSAGES, evidence->messages);

	len += write_count(more_r + len, size - len, RECIPIENTS,
			   evidence->recipients);
	len += (size_t)snprintf(more_r + len, size - len, "%s%.*s %s", QUEUE_ID,
				LS_DETAIL_MAX, evidence->queue_id, TO);
	ls_copy(more_r + len,
		1 + ls_whole_words(evidence->domains, LS_MORE_MAX - len),
		evidence->domains);
}
_Static_assert(sizeof(MESSAGES) + sizeof(RECIPIENTS) + 2 * 20 +
			       sizeof(QUEUE_ID) + LS_DETAIL_MAX + sizeof(TO) <
		       LS_MORE_MAX,
	       "all before the domains fits");

/* The rest of a word that begins with `name`, or NULL. */
static const char *evidence_value(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 ? word + len : NULL;
}

bool ls_evidence_of(const struct ls_record *record,
		    struct ls_evidence *evidence_r)
{
	const char *word = record->more, *value;

	memset(evidence_r, 0, sizeof(*evidence_r));
	evidence_r->messages = evidence_r->recipients = LS_NOT_COUNTED;
	if (record->event != LS_EVENT_FREEZE ||
	    record->reason != LS_REASON_SENDING ||
	    record->origin != LS_ORIGIN_RULE || record->more[0] == '\0')
		return false;
	while (*word != '\0') {
		size_t len = strcspn(word, " ");

		if ((value = evidence_value(word, TO)) != NULL) {
			ls_copy(evidence_r->domains,
				sizeof(evidence_r->domains), value);
			break;
		}
		if ((value = evidence_value(word, MESSAGES)) != NULL)
			evidence_r->messages = strtoull(value, NULL, 10);
		else if ((value = evidence_value(word, RECIPIENTS)) != NULL)
			evidence_r->recipients = strtoull(value, NULL, 10);
		else if ((value = evidence_value(word, QUEUE_ID)) != NULL)
			snprintf(evidence_r->queue_id,
				 sizeof(evidence_r->queue_id), "%.*s",
				 (int)(word + len - value), value);
		word += len;
		word += *word == ' ';
	}
	return true;
}
