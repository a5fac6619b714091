/* held-mail.c - see held-mail.h */
#include "lockstep-config.h"

#include "cli.h"
#include "host/held-mail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Somebody will give it to a shell: letters and digits, as Postfix makes them. */
static bool is_queue_id(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at))
			return false;
	return *text != '\0';
}

static bool is_known_queue(const struct held *held, const char *queue_id)
{
	for (unsigned i = 0; i < held->count && i < HELD_MAX; i++)
		if (strcmp(held->queue_id[i], queue_id) == 0)
			return true;
	return false;
}

/* The message that froze the account: held, or refused. */
static bool is_excess(const struct ls_record *record)
{
	return record->event == LS_EVENT_MESSAGE &&
	       record->subject.kind == LS_KIND_SENDING &&
	       record->reason == LS_REASON_SENDING &&
	       record->verdict != LS_ADMIT;
}

void held_gather(struct ls_state *state, const char *user, struct held *held_r)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;

	held_r->known = false;
	held_r->count = 0;
	while (ls_journal_next(state, LS_JOURNAL_GUARD, &cursor, cli_now_ms(),
			       &record) == 1) {
		if (strcmp(record.subject.user, user) != 0)
			continue;
		if (record.event == LS_EVENT_RELEASE) {
			held_r->known = false;
			held_r->count = 0;
		}
		held_r->known = held_r->known || is_excess(&record);
		if (record.event != LS_EVENT_MESSAGE ||
		    record.verdict != LS_HOLD || !is_queue_id(record.detail) ||
		    is_known_queue(held_r, record.detail))
			continue;
		if (held_r->count < HELD_MAX)
			memcpy(held_r->queue_id[held_r->count], record.detail,
			       sizeof(record.detail));
		held_r->count++;
	}
}

static void print_many(const struct held *held)
{
	int at = printf("  for id in") - 2;

	for (unsigned i = 0; i < held->count && i < HELD_MAX; i++) {
		if (at + 1 + (int)strlen(held->queue_id[i]) > 74) {
			fputs(" \\\n     ", stdout);
			at = 5;
		}
		at += printf(" %s", held->queue_id[i]);
	}
	puts("\n  do postsuper -H \"$id\"; done");
	puts("sends them; postsuper -d \"$id\" deletes them, postcat -q \"$id\" "
	     "shows them");
	if (held->count > HELD_MAX)
		printf("and %u more: lockstep events --type message\n",
		       held->count - HELD_MAX);
}

static void print_search(void)
{
	puts("mail of it may be held: the journal does not know any more. "
	     "postqueue -p marks\n"
	     "what is held with a !, and this tells which account sent it:");
	puts("  postqueue -p | sed -n 's/^\\([0-9A-Za-z]*\\)!.*/\\1/p' |\n"
	     "  while read -r id; do\n"
	     "    echo \"$id\" $(postcat -eq \"$id\" | grep sasl_username=)\n"
	     "  done");
	puts("postsuper -H QUEUE-ID sends one, postsuper -d QUEUE-ID deletes it");
}

static void print_one(const char *id)
{
	puts("a message of it was held:");
	printf("  postcat -q %s      shows it\n", id);
	printf("  postsuper -H %s    sends it\n", id);
	printf("  postsuper -d %s    deletes it\n", id);
}

void held_print(const struct held *held, bool sending)
{
	if (held->count == 0 && sending && !held->known)
		print_search();
	if (held->count == 0)
		return;
	if (held->count > 1) {
		printf("%u messages of it were held:\n", held->count);
		print_many(held);
	} else {
		print_one(held->queue_id[0]);
	}
	/* Nobody tells us. */
	puts("one that Postfix does not find is gone: a milter refused it after "
	     "it was to be\n"
	     "held, or somebody has sent or deleted it");
}
