/* record.c - see record.h */
#include "lockstep-config.h"

#include "print/subject.h"
#include "cli.h"
#include "print/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

static void print_evidence(const struct ls_evidence *evidence)
{
	const char *comma = ": ";

	if (evidence->messages != LS_NOT_COUNTED) {
		printf("%s%" PRIu64 " message%s", comma, evidence->messages,
		       ls_plural_s(evidence->messages));
		comma = ", ";
	}
	if (evidence->recipients != LS_NOT_COUNTED)
		printf("%s%" PRIu64 " recipient%s", comma,
		       evidence->recipients, ls_plural_s(evidence->recipients));
}

static void print_order(const struct ls_record *record)
{
	char subject[SUBJECT_TEXT], until[CLI_TIME_TEXT];
	char by[LS_BY_MAX + 1], escaped[4 * sizeof(by)];
	struct ls_evidence evidence;

	printf("%s %s", ls_kind_name(record->subject.kind),
	       subject_text(&record->subject, subject));
	if (record->event == LS_EVENT_LOCK ||
	    record->event == LS_EVENT_FREEZE ||
	    record->event == LS_EVENT_TRUST) {
		cli_time_format(record->until_ms, until);
		if (record->reason != LS_REASON_ADMIN)
			printf(" for %s,", ls_reason_name(record->reason));
		if (record->strikes > 0)
			printf(" strike %u,", record->strikes);
		printf(" until %s", until);
	}
	printf(" by %s", ls_origin_name(record->origin));
	ls_record_by(record, by);
	if (by[0] != '\0')
		printf(" (%s)", cli_escape(by, escaped, sizeof(escaped)));
	if (ls_evidence_of(record, &evidence))
		print_evidence(&evidence);
	putchar('\n');
}

/* How an attempt ended: "success", "refused: failures of ip", ... */
static void print_end(const struct ls_record *record)
{
	bool refused = record->verdict == LS_DENY;
	const char *words = refused ? "refused"
			    : record->verdict == LS_HOLD ? "held"
			    : record->outcome != LS_OUTCOME_NONE
				    ? ls_outcome_name(record->outcome)
				    : ls_verdict_name(record->verdict);

	fputs(words, stdout);
	if (record->wanted != record->verdict)
		fputs(record->wanted == LS_HOLD ? ", would be held"
						: ", would be refused",
		      stdout);
	if (record->reason != LS_REASON_NONE)
		printf(": %s", ls_reason_name(record->reason));
	if (record->reason != LS_REASON_NONE &&
	    record->subject.kind != LS_KIND_NONE)
		printf(" of %s", ls_kind_name(record->subject.kind));
}

static bool is_session(const struct ls_record *record)
{
	return record->event == LS_EVENT_SESSION ||
	       record->event == LS_EVENT_SESSION_END;
}

/* "", "refused: sessions of user, ", "closed after 12 min, " */
static void print_session_record(const struct ls_record *record)
{
	char how[4 * sizeof(record->mech)], after[CLI_TIME_TEXT];

	if (record->event == LS_EVENT_SESSION_END) {
		cli_age_format(record->at_ms - record->until_ms, after);
		printf("%s after %s, ",
		       dash(cli_escape(record->mech, how, sizeof(how))), after);
	} else if (record->wanted != LS_ADMIT) {
		print_end(record);
		fputs(", ", stdout);
	}
}

static void print_attempt(const struct ls_record *record)
{
	char user[4 * sizeof(record->subject.user)], net[LS_PREFIX_TEXT];
	char service[4 * sizeof(record->service)];
	char mech[4 * sizeof(record->mech)], id[4 * sizeof(record->detail)];
	char more[4 * sizeof(record->more)];

	record_from(record, net);
	cli_escape(record->service, service, sizeof(service));
	cli_escape(record->mech, mech, sizeof(mech));
	cli_escape(record->subject.user, user, sizeof(user));
	printf("%s %s %s ", dash(service), dash(user), net);
	cli_escape(record->detail, id, sizeof(id));
	if (is_session(record))
		print_session_record(record);
	else
		print_end(record);
	if (is_session(record))
		printf("session <%s>", id);
	if (record->event == LS_EVENT_MESSAGE ||
	    (record->event == LS_EVENT_ALARM &&
	     record->subject.kind == LS_KIND_SENDING))
		printf(" <%s> to %s", id,
		       dash(cli_escape(record->more, more, sizeof(more))));
	if (mech[0] != '\0' && !is_session(record))
		printf(" (%s)", mech);
	if (record->event == LS_EVENT_LOGIN && record->more[0] != '\0')
		printf(", passdb %s failed",
		       cli_escape(record->more, more, sizeof(more)));
	if (record->untold > 0)
		printf(", and %" PRIu32 " more", record->untold);
	putchar('\n');
}

void record_from(const struct ls_record *record, char text_r[LS_PREFIX_TEXT])
{
	if (ls_prefix_is_none(&record->subject.net))
		strcpy(text_r, "no address");
	else
		ls_prefix_format(&record->subject.net, text_r);
}

void record_print(const struct ls_record *record)
{
	char when[CLI_TIME_TEXT];

	cli_time_format(record->at_ms, when);
	printf("%s %-7s ", when, ls_event_name(record->event));
	if (ls_event_is_order(record->event))
		print_order(record);
	else
		print_attempt(record);
}
