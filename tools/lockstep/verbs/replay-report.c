/* replay-report.c - see replay-report.h */
#include "lockstep-config.h"

#include "cli.h"
#include "print/columns.h"
#include "verbs/replay-report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIME_TEXT = 32, NUMBER = 24 };

/* "2026-11-22 02:14", the year left out where the head of all tells it. */
static const char *format_time(uint64_t real_ms, bool year,
			       char text[TIME_TEXT])
{
	time_t seconds = (time_t)(real_ms / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M", &tm) == 0)
		return "?";
	return year ? text : text + strlen("2026-");
}

void replay_report_subject(const struct ls_subject *subject,
			   char text_r[LS_SUBJECT_TEXT])
{
	const char *ip = simulation_nameless(subject->user);

	if (ip != NULL)
		snprintf(text_r, LS_SUBJECT_TEXT, "(no name) from %s", ip);
	else
		ls_subject_format(subject, text_r);
}

/* ---- what was refused ------------------------------------------------- */

static void print_reasons(const struct simulation *sim)
{
	const char *lead = "refused for";

	if (sim->refused + sim->refused_right == 0)
		return;
	for (int i = 0; i < LS_REASON_COUNT; i++)
		if (sim->by_reason[i] > 0) {
			printf("%s %s %" PRIu64, lead,
			       ls_reason_name((enum ls_reason)i),
			       sim->by_reason[i]);
			lead = ",";
		}
	putchar('\n');
}

static void print_figures(const struct logread *logread,
			  const struct simulation *sim)
{
	const uint64_t total = attempts_total(sim->attempts);
	char from[TIME_TEXT], to[TIME_TEXT];

	printf("%" PRIu64 " line%s, %" PRIu64 " attempt%s from %s to %s\n\n",
	       logread->lines, ls_plural_s(logread->lines),
	       total, ls_plural_s(total),
	       format_time(sim->from_ms, true, from),
	       format_time(sim->to_ms, true, to));
	printf("%10s  %10s  %10s\n", "", "let in", "refused");
	printf("%-10s  %10" PRIu64 "  %10" PRIu64 "\n", "successes",
	       sim->successes - sim->refused_right, sim->refused_right);
	printf("%-10s  %10" PRIu64 "  %10" PRIu64
	       "   let in: verified, %" PRIu64 " of them repeats\n",
	       "failures", sim->verified, sim->refused, sim->repeats);
	print_reasons(sim);
	if (sim->suspicious > 0)
		printf("suspicious successes, after many failures: %" PRIu64
		       "\n",
		       sim->suspicious);
	if (logread->nameless > 0)
		printf("failures without an account's name: %" PRIu64 "\n",
		       logread->nameless);
}

/* ---- what would have been locked -------------------------------------- */

static const struct column lock_columns[] = {
	{ "WOULD HAVE BEEN LOCKED", 31, false, true },
	{ "FIRST", 11, false, false },
	{ "LOCKS", 5, true, false },
	{ "FOR", 6, true, false },
	{ "REFUSED", 7, true, false },
	{ "WHY", 13, false, false },
};

static const char *format_number(uint64_t number, char text[NUMBER])
{
	snprintf(text, NUMBER, "%" PRIu64, number);
	return text;
}

static void print_replay_lock(const struct columns *columns,
			      const struct sim_lock *lock)
{
	char subject[LS_SUBJECT_TEXT], escaped[4 * LS_SUBJECT_TEXT];
	char first[TIME_TEXT], age[CLI_TIME_TEXT], locks[NUMBER];
	char refused[NUMBER];
	const char *const cells[] = {
		escaped,
		format_time(lock->first_ms, false, first),
		format_number(lock->locks, locks),
		age,
		format_number(lock->refused, refused),
		ls_reason_name(lock->reason),
	};

	replay_report_subject(&lock->subject, subject);
	cli_escape(subject, escaped, sizeof(escaped));
	cli_age_format(lock->locked_ms, age);
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_replay_locks(const struct simulation *sim, size_t most)
{
	size_t shown = sim->lock_count < most ? sim->lock_count : most;
	struct columns columns;

	if (sim->lock_count == 0) {
		puts("\nNothing would have been locked.");
		return;
	}
	putchar('\n');
	columns_init(&columns, lock_columns,
		     sizeof(lock_columns) / sizeof(*lock_columns));
	columns_head(&columns);
	for (size_t i = 0; i < shown; i++)
		print_replay_lock(&columns, &sim->locks[i]);
	if (shown < sim->lock_count)
		printf("and %zu more (--all)\n", sim->lock_count - shown);
}

/* ---- who would have been hit wrongly ---------------------------------- */

static int compare_hits(const void *one, const void *other)
{
	const struct place *a = *(const struct place *const *)one;
	const struct place *b = *(const struct place *const *)other;

	if (a->refused_right != b->refused_right)
		return a->refused_right < b->refused_right ? 1 : -1;
	if (a->refused != b->refused)
		return a->refused < b->refused ? 1 : -1;
	return a->refused_ms < b->refused_ms ? -1 :
	       a->refused_ms > b->refused_ms;
}

size_t replay_report_hits(const struct simulation *sim, const struct place ***hits_r)
{
	const struct place **hits =
		names_resize(NULL, sim->places.count + 1, sizeof(*hits));
	size_t count = 0;

	for (size_t i = 0; i < sim->places.count; i++)
		if (simulation_is_hit(&sim->places.list[i]))
			hits[count++] = &sim->places.list[i];
	if (count > 0)
		qsort(hits, count, sizeof(*hits), compare_hits);
	*hits_r = hits;
	return count;
}

static const struct column hit_columns[] = {
	{ "WOULD HAVE BEEN HIT WRONGLY", 38, false, true },
	{ "FIRST", 11, false, false },
	{ "REFUSED", 7, true, false },
	{ "RIGHT", 7, true, false },
	{ "LAST LOGIN", 11, false, false },
};

static void print_hit(const struct columns *columns,
		      const struct simulation *sim, const struct place *place)
{
	struct ls_subject subject = { .kind = LS_KIND_PLACE,
				      .net = place->net };
	char text[LS_SUBJECT_TEXT], escaped[4 * LS_SUBJECT_TEXT];
	char first[TIME_TEXT], last[TIME_TEXT], refused[NUMBER], right[NUMBER];
	const char *const cells[] = {
		escaped,
		format_time(place->refused_ms, false, first),
		format_number(place->refused, refused),
		format_number(place->refused_right, right),
		format_time(place->last_ms, false, last),
	};

	snprintf(subject.user, sizeof(subject.user), "%s",
		 names_get(&sim->attempts->names, place->user));
	ls_subject_format(&subject, text);
	cli_escape(text, escaped, sizeof(escaped));
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_hits(const struct simulation *sim, size_t most)
{
	const struct place **hits;
	size_t count = replay_report_hits(sim, &hits);
	size_t shown = count < most ? count : most;
	struct columns columns;

	if (count == 0) {
		puts("\nNobody would have been hit wrongly.");
	} else {
		putchar('\n');
		columns_init(&columns, hit_columns,
			     sizeof(hit_columns) / sizeof(*hit_columns));
		columns_head(&columns);
	}
	for (size_t i = 0; i < shown; i++)
		print_hit(&columns, sim, hits[i]);
	if (shown < count)
		printf("and %zu more (--all)\n", count - shown);
	free(hits);
}

void replay_report_print(const struct logread *logread, const struct simulation *sim,
		  size_t most)
{
	print_figures(logread, sim);
	print_replay_locks(sim, most);
	print_hits(sim, most);
}

void replay_report_unknown(const struct logread *logread)
{
	char escaped[512];

	if (logread->unknown == 0)
		return;
	cli_complain("warning: %" PRIu64 " line%s of logins not understood%s",
		     logread->unknown, logread->unknown == 1 ? "" : "s",
		     logread->unknown > LOGREAD_SHOWN ? "; the first:" : ":");
	for (size_t i = 0; i < LOGREAD_SHOWN && logread->shown[i] != NULL; i++)
		fprintf(stderr, "  %s\n",
			cli_escape(logread->shown[i], escaped,
				   sizeof(escaped)));
}
