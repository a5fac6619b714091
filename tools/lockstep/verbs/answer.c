/* answer.c - see answer.h: the answer for people */
#include "lockstep-config.h"

#include "print/subject.h"
#include "cli.h"
#include "print/columns.h"
#include "print/level.h"
#include "print/record.h"
#include "verbs/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The words at the left, and the blanks where there is none. */
static void begin_paragraph(const char *word)
{
	printf("%s%-10s%s ", colour_on(COLOUR_HEAD), word,
	       colour_off(COLOUR_HEAD));
}

static void print_title(const struct answer *answer)
{
	char user[4 * (LS_USER_MAX + 1)], from[LS_PREFIX_TEXT];

	if (answer->user != NULL)
		printf("%s", cli_escape(answer->user, user, sizeof(user)));
	ls_prefix_format(&answer->from, from);
	if (answer->placed)
		printf("%s%s", answer->user != NULL ? " from " : "", from);
	puts("\n");
}

/* ---- what a login gets ------------------------------------------------------ */

/* "failures of ip, until 2026-11-22 02:14:05 (in 9 min)" */
static void print_why(const struct ls_decision *decision)
{
	char until[CLI_TIME_TEXT], in[CLI_TIME_TEXT];

	fputs(ls_reason_name(decision->reason), stdout);
	if (decision->kind != LS_KIND_NONE)
		printf(" of %s", ls_kind_name(decision->kind));
	if (decision->retry_ms > 0) {
		cli_time_format(cli_now_ms() + decision->retry_ms, until);
		cli_age_format(decision->retry_ms, in);
		printf(", until %s (in %s)", until, in);
	}
}

static void print_decision(const struct ls_decision *decision)
{
	bool denied = decision->verdict == LS_DENY;
	enum colour colour = denied ? COLOUR_BAD : COLOUR_GOOD;

	printf("%s%s%s", colour_on(colour),
	       denied ? "refused" : "admitted: the password decides",
	       colour_off(colour));
	if (denied) {
		fputs(": ", stdout);
		print_why(decision);
	} else if (decision->wanted == LS_DENY) {
		putchar('\n');
		begin_paragraph("");
		puts("a rule that only observes would refuse:");
		begin_paragraph("");
		print_why(decision);
	}
	putchar('\n');
}

static void print_verdict(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;

	begin_paragraph("login now");
	print_decision(&is->decision);
	if (answer->user == NULL) {
		begin_paragraph("");
		puts("(as an account that has no place there)");
	} else if (!answer->placed) {
		begin_paragraph("");
		puts("(from an address that nothing is known of)");
	}
	if (is->wants_tls) {
		begin_paragraph("");
		puts("without TLS: refused");
	}
	if (answer->placed && is->connect.wanted != LS_ADMIT) {
		begin_paragraph("connection");
		print_decision(&is->connect);
	}
	if (is->observing) {
		begin_paragraph("");
		puts("the policy only observes: it refuses nobody");
	}
}

/* ---- locks, and exemptions -------------------------------------------------- */

/* Who gave the order, on a line of its own where the journal still knows more
 * than "by rule". */
static void print_by(enum ls_origin origin, const char *by)
{
	char escaped[4 * (LS_BY_MAX + 1)];

	if (by[0] == '\0') {
		printf(", by %s\n", ls_origin_name(origin));
		return;
	}
	putchar('\n');
	begin_paragraph("");
	printf("by %s (%s)\n", ls_origin_name(origin),
	       cli_escape(by, escaped, sizeof(escaped)));
}

static void print_answer_lock(const struct ls_lock *lock, const char *by)
{
	char text[SUBJECT_TEXT], since[CLI_TIME_TEXT], until[CLI_TIME_TEXT];

	begin_paragraph(lock->freeze ? "frozen" : "locked");
	printf("%s %s: %s", ls_kind_name(lock->subject.kind),
	       subject_text(&lock->subject, text),
	       ls_reason_name(lock->reason));
	if (lock->strikes > 0)
		printf(", strike %u", lock->strikes);
	putchar('\n');
	begin_paragraph("");
	cli_time_format(lock->since_ms, since);
	cli_time_format(lock->until_ms, until);
	printf("since %s, until %s", since, until);
	print_by(lock->origin, by);
}

static void print_answer_locks(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	const struct ls_known *user = &is->of[LS_KIND_USER];

	if (user->frozen)
		print_answer_lock(&user->freeze, answer->frozen_by);
	if (is->typed.frozen)
		print_answer_lock(&is->typed.freeze, answer->typed_frozen_by);
	for (unsigned kind = LS_KIND_PLACE; kind >= LS_KIND_IP; kind--)
		if (is->of[kind].locked)
			print_answer_lock(&is->of[kind].lock,
					  answer->locked_by[kind]);
	if (is->typed.locked)
		print_answer_lock(&is->typed.lock, answer->typed_locked_by);
}

static void print_answer_trusted(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];

	if (is->trusted_by_policy) {
		begin_paragraph("exempt");
		puts("its address and network: `trusted` in the policy");
	}
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &is->of[kind];

		if (of->trusted_until_ms == 0)
			continue;
		begin_paragraph("exempt");
		cli_time_format(of->trusted_until_ms, until);
		printf("%s %s: trusted until %s", ls_kind_name(kind),
		       subject_text(&of->subject, text), until);
		print_by(LS_ORIGIN_ADMIN, answer->trusted_by[kind]);
	}
	if (is->denied) {
		begin_paragraph("denied");
		puts("its network: `denied` in the policy");
	}
}

/* Who fails at too many accounts, and what that means for a familiar place. */
static void print_over(const struct answer *answer)
{
	char text[SUBJECT_TEXT], until[CLI_TIME_TEXT];

	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &answer->is.of[kind];

		if (of->over_until_ms == 0)
			continue;
		begin_paragraph("over");
		cli_time_format(of->over_until_ms, until);
		printf("%s %s: too many accounts failed there, until %s\n",
		       ls_kind_name(kind), subject_text(&of->subject, text),
		       until);
	}
	if (answer->is.part) {
		begin_paragraph("");
		puts("so the place has a quarter of its limit, and a password "
		     "that failed at");
		begin_paragraph("");
		puts("another account from there is refused");
	}
}

/* No slot of the table for what the login would be counted by. */
static void print_crowd(const struct answer *answer)
{
	if (!answer->is.crowded)
		return;
	begin_paragraph("table");
	puts("full of what is worth more: this login has no slot of its own, and "
	     "shares");
	begin_paragraph("");
	puts("a strict limit with others (lockstep status says more)");
}

static void print_familiar(const struct answer *answer)
{
	const struct ls_known *place = &answer->is.of[LS_KIND_PLACE];
	char first[CLI_TIME_TEXT], until[CLI_TIME_TEXT], text[SUBJECT_TEXT];

	if (place->subject.kind != LS_KIND_NONE) {
		begin_paragraph("place");
		if (answer->is.familiar) {
			cli_time_format(place->familiar_until_ms, until);
			printf("familiar until %s: exempt from the locks of "
			       "others\n",
			       until);
		} else if (answer->is.estranged) {
			puts("a stranger here: the account is familiar in "
			     "this network, but never");
			begin_paragraph("");
			puts("logged in from this address, and too many "
			     "accounts fail here");
		} else {
			puts("a stranger");
		}
		if (answer->is.near && !answer->is.estranged) {
			begin_paragraph("");
			puts("the account never logged in from this address: "
			     "it gets a quarter of");
			begin_paragraph("");
			puts("the place's limit");
		}
		if (place->first_seen_ms != 0) {
			cli_time_format(place->first_seen_ms, first);
			begin_paragraph("");
			printf("first seen %s\n", first);
		}
	}
	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &answer->is.of[kind];

		if (of->familiar_until_ms == 0 || answer->is.familiar)
			continue;
		begin_paragraph("known");
		cli_time_format(of->familiar_until_ms, until);
		printf("%s %s: an account is familiar there, until %s\n",
		       ls_kind_name(kind), subject_text(&of->subject, text),
		       until);
	}
}

/* What the events below are not all of. */
static void print_untold(const struct answer *answer)
{
	char text[SUBJECT_TEXT];

	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &answer->is.of[kind];

		if (of->untold == 0)
			continue;
		begin_paragraph("counted");
		printf("%" PRIu32 " refusal%s of %s %s since its last one in "
		       "the journal\n",
		       of->untold, ls_plural_s(of->untold), ls_kind_name(kind),
		       subject_text(&of->subject, text));
	}
}

static void print_account(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	char text[4 * (LS_USER_MAX + 1)], when[CLI_TIME_TEXT];

	if (is->aliased) {
		begin_paragraph("alias");
		printf("of %s\n",
		       is->final[0] != '\0'
			       ? cli_escape(is->final, text, sizeof(text))
			       : "an account whose name is not "
				 "known any more");
	}
	if (is->suspicious_since_ms != 0) {
		begin_paragraph("suspicious");
		cli_time_format(is->suspicious_since_ms, when);
		printf("since %s: lockstep release ends it\n", when);
	}
	if (is->probation_until_ms != 0) {
		begin_paragraph("probation");
		cli_time_format(is->probation_until_ms, when);
		printf("until %s: no new place becomes familiar\n", when);
	}
}

/* ---- the meters ------------------------------------------------------------- */

/* Live sessions of the account. */
static void print_answer_sessions(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;

	if (answer->user == NULL || !is->sessions_known)
		return;
	begin_paragraph("sessions");
	printf("%" PRIu64 " live", answer->live);
	if (is->sessions_limit > 0)
		printf(", of %" PRIu64 " at once", is->sessions_limit);
	putchar('\n');
}

/* `what` instead of the meter's own name, for one that refuses nobody; or NULL. */
static void print_meter(const struct columns *columns,
			const struct answer *answer,
			const struct ls_level *level, const char *what)
{
	const struct ls_explanation *is = &answer->is;
	char meter[48];
	struct level_cells of;
	const char *asked = what != NULL ? "-"
			    : level->asked
				    ? (level->observed ? "observed" : "yes")
			    : level->reason == LS_REASON_REPEATS ||
					    level->reason == LS_REASON_PLACES
				    ? "-"
			    : is->familiar ? "familiar"
					   : "trusted";
	const char *const cells[] = { meter,    of.units, of.limit,
				      of.empty, of.room,  asked };
	enum colour colour = level_cells(level, &of);

	snprintf(meter, sizeof(meter), "%s %s", ls_kind_name(level->kind),
		 what != NULL ? what : ls_reason_name(level->reason));
	columns_row(columns, colour, cells);
}

static void print_meters(const struct answer *answer)
{
	static const struct column column[] = {
		{ .title = "METER", .width = 22, .grows = true },
		{ .title = "LEVEL", .width = 6, .right = true },
		{ .title = "LIMIT", .width = 12 },
		{ .title = "EMPTY IN", .width = 10 },
		{ .title = "ROOM IN", .width = 10 },
		{ .title = "ASKED", .width = 8 },
	};
	struct columns columns;

	putchar('\n');
	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (unsigned i = 0; i < answer->is.levels; i++)
		print_meter(&columns, answer, &answer->is.level[i], NULL);
	if (answer->is.begun_from.limit > 0)
		print_meter(&columns, answer, &answer->is.begun_from,
			    "sessions begun");
	if (answer->is.begun_by.limit > 0)
		print_meter(&columns, answer, &answer->is.begun_by,
			    "sessions begun");
}

/* ---- places, events ---------------------------------------------------------- */

static void print_answer_place(const struct columns *columns,
			       const struct answer_place *at)
{
	char net[LS_PREFIX_TEXT], first[CLI_TIME_TEXT] = "?";
	char until[CLI_TIME_TEXT], login[64] = "admitted";
	const char *const cells[] = { net, first, until, login };
	bool denied = at->decision.verdict == LS_DENY;

	ls_prefix_format(&at->place.net, net);
	if (at->place.first_seen_ms != 0)
		cli_minute_format(at->place.first_seen_ms, first);
	cli_minute_format(at->place.until_ms, until);
	if (denied)
		snprintf(login, sizeof(login), "refused: %s of %s",
			 ls_reason_name(at->decision.reason),
			 ls_kind_name(at->decision.kind));
	columns_row(columns, denied ? COLOUR_BAD : COLOUR_NONE, cells);
}

static void print_places(const struct answer *answer)
{
	static const struct column column[] = {
		{ .title = "FAMILIAR", .width = 20, .grows = true },
		{ .title = "FIRST SEEN", .width = 12 },
		{ .title = "UNTIL", .width = 12 },
		{ .title = "LOGIN NOW", .width = 33 },
	};
	struct columns columns;

	if (answer->user == NULL || answer->placed)
		return;
	putchar('\n');
	if (answer->places == 0) {
		puts("no place of this account is familiar");
		return;
	}
	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (unsigned i = 0; i < answer->places; i++)
		print_answer_place(&columns, &answer->place[i]);
	if (answer->places_more > 0)
		printf("and %u more: lockstep list familiar\n",
		       answer->places_more);
}

void answer_print(const struct answer *answer)
{
	print_title(answer);
	print_verdict(answer);
	print_untold(answer);
	print_account(answer);
	print_answer_locks(answer);
	print_familiar(answer);
	print_over(answer);
	print_crowd(answer);
	print_answer_trusted(answer);
	print_answer_sessions(answer);
	print_meters(answer);
	if (answer->user != NULL && !answer->placed)
		answer_print_sending(answer);
	if (answer->relays.levels > 0)
		answer_print_relaying(&answer->relays);
	print_places(answer);
	print_untold(answer);
	putchar('\n');
	if (answer->events == 0)
		puts("the journal has nothing about it");
	for (unsigned i = 0; i < answer->events; i++)
		record_print(&answer->event[(answer->first + i) % ANSWER_EVENTS]
				      .record);
}
