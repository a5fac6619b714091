/* replay-json.c - see replay-report.h: a JSON object a line */
#include "lockstep-config.h"

#include "cli.h"
#include "print/json.h"
#include "verbs/replay-report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_object(const char *type, json_t *data)
{
	json_t *object = json_object();

	json_put(object, "type", json_string(type));
	json_put(object, "data", data);
	json_line(object);
}

static json_t *subject_data(const struct ls_subject *subject)
{
	json_t *data = json_object();
	char text[LS_SUBJECT_TEXT], net[LS_PREFIX_TEXT];

	replay_report_subject(subject, text);
	json_put(data, "kind", json_string(ls_kind_name(subject->kind)));
	json_put_text(data, "subject", text);
	if (subject->kind != LS_KIND_USER && subject->kind != LS_KIND_GUESS) {
		ls_prefix_format(&subject->net, net);
		json_put(data, subject->net.bits == 128 ? "address" : "network",
			 json_string(net));
	}
	if (simulation_nameless(subject->user) != NULL)
		json_put(data, "nameless", json_true());
	else
		json_put_text(data, "user", subject->user);
	return data;
}

static void print_replay_lock_json(const struct sim_lock *lock)
{
	json_t *data = subject_data(&lock->subject);

	json_put(data, "reason", json_string(ls_reason_name(lock->reason)));
	json_put_number(data, "locks", lock->locks);
	json_put_number(data, "refused", lock->refused);
	json_put_number(data, "locked_ms", lock->locked_ms);
	json_put_real_time(data, "first", lock->first_ms);
	json_put_real_time(data, "last", lock->last_ms);
	json_put_real_time(data, "until", lock->until_ms);
	print_object("lock", data);
}

static void print_hit_json(const struct simulation *sim,
			   const struct place *place)
{
	struct ls_subject subject = { .kind = LS_KIND_PLACE,
				      .net = place->net };
	json_t *data;

	snprintf(subject.user, sizeof(subject.user), "%s",
		 names_get(&sim->attempts->names, place->user));
	data = subject_data(&subject);
	json_put_number(data, "refused", place->refused);
	json_put_number(data, "refused_right", place->refused_right);
	json_put_real_time(data, "first", place->refused_ms);
	json_put_real_time(data, "last_login", place->last_ms);
	print_object("hit", data);
}

static json_t *reasons_data(const struct simulation *sim)
{
	json_t *data = json_object();

	for (int i = 0; i < LS_REASON_COUNT; i++)
		if (sim->by_reason[i] > 0)
			json_put_number(data, ls_reason_name((enum ls_reason)i),
					sim->by_reason[i]);
	return data;
}

static void put_times(json_t *data, const struct simulation *sim)
{
	if (sim->from_ms == 0)
		return;
	json_put_real_time(data, "from", sim->from_ms);
	json_put_real_time(data, "to", sim->to_ms);
}

static void print_summary(const struct replay_told *told,
			  const struct simulation *sim, size_t hits)
{
	const struct logread *logread = told->logread;
	json_t *data = json_object();

	json_put(data, "complete", json_boolean(told->complete));
	json_put_number(data, "lines", logread->lines);
	json_put_number(data, "lines_not_understood", logread->unknown);
	if (told->learnt)
		json_put_number(data, "learn_lines_not_understood",
				told->learn_unknown);
	json_put_number(data, "attempts", attempts_total(&logread->attempts));
	put_times(data, sim);
	json_put_number(data, "successes", sim->successes);
	json_put_number(data, "failures", sim->failures);
	json_put_number(data, "others", sim->others);
	json_put_number(data, "verified", sim->verified);
	json_put_number(data, "repeats", sim->repeats);
	json_put_number(data, "refused", sim->refused);
	json_put_number(data, "refused_right", sim->refused_right);
	json_put(data, "reasons", reasons_data(sim));
	json_put_number(data, "suspicious", sim->suspicious);
	json_put_number(data, "failures_without_account", logread->nameless);
	json_put_number(data, "locked", sim->lock_count);
	json_put_number(data, "hit", hits);
	print_object("summary", data);
}

static void print_unknown(const struct logread *logread)
{
	for (size_t i = 0; i < LOGREAD_SHOWN && logread->shown[i] != NULL;
	     i++) {
		json_t *data = json_object();

		json_put_text(data, "line", logread->shown[i]);
		print_object("not-understood", data);
	}
}

void replay_report_print_json(const struct replay_told *told)
{
	static const struct simulation none;
	const struct simulation *sim =
		told->simulation != NULL ? told->simulation : &none;
	const struct place **hits;
	size_t count = replay_report_hits(sim, &hits);

	print_unknown(told->logread);
	for (size_t i = 0; i < sim->lock_count; i++)
		print_replay_lock_json(&sim->locks[i]);
	for (size_t i = 0; i < count; i++)
		print_hit_json(sim, hits[i]);
	print_summary(told, sim, count);
	free(hits);
}
