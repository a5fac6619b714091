/* answer-json.c - see answer.h: the answer for programs */
#include "lockstep-config.h"

#include "print/json.h"
#include "print/level.h"
#include "verbs/answer.h"

static void put_time(json_t *object, const char *key, uint64_t at_ms)
{
	if (at_ms != 0)
		json_put_time(object, key, at_ms);
}

static void put_decision(json_t *object, const struct ls_decision *decision)
{
	json_put(object, "verdict",
		 json_string(ls_verdict_name(decision->verdict)));
	if (decision->wanted != decision->verdict)
		json_put(object, "wanted",
			 json_string(ls_verdict_name(decision->wanted)));
	if (decision->wanted == LS_ADMIT)
		return;
	json_put(object, "reason",
		 json_string(ls_reason_name(decision->reason)));
	if (decision->kind != LS_KIND_NONE)
		json_put(object, "kind",
			 json_string(ls_kind_name(decision->kind)));
	if (decision->retry_ms > 0)
		json_put_number(object, "retry_ms", decision->retry_ms);
}

static void put_answer_lock(json_t *locks, const struct ls_lock *lock,
			    const char *by)
{
	json_t *object = json_object();

	json_put_lock(object, lock);
	json_put_text(object, "by", by);
	json_array_append_new(locks, object);
}

static json_t *locks_of(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	json_t *locks = json_array();

	if (is->of[LS_KIND_USER].frozen)
		put_answer_lock(locks, &is->of[LS_KIND_USER].freeze,
				answer->frozen_by);
	if (is->typed.frozen)
		put_answer_lock(locks, &is->typed.freeze,
				answer->typed_frozen_by);
	for (unsigned kind = LS_KIND_PLACE; kind >= LS_KIND_IP; kind--)
		if (is->of[kind].locked)
			put_answer_lock(locks, &is->of[kind].lock,
					answer->locked_by[kind]);
	if (is->typed.locked)
		put_answer_lock(locks, &is->typed.lock,
				answer->typed_locked_by);
	return locks;
}

static json_t *trusted_of(const struct answer *answer)
{
	json_t *trusted = json_array();

	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &answer->is.of[kind];
		json_t *object;

		if (of->trusted_until_ms == 0)
			continue;
		object = json_object();
		json_put_subject(object, &of->subject);
		json_put_time(object, "until", of->trusted_until_ms);
		json_put_text(object, "by", answer->trusted_by[kind]);
		json_array_append_new(trusted, object);
	}
	return trusted;
}

static json_t *over_of(const struct answer *answer)
{
	json_t *over = json_array();

	for (unsigned kind = LS_KIND_IP; kind <= LS_KIND_NET; kind++) {
		const struct ls_known *of = &answer->is.of[kind];
		json_t *object;

		if (of->over_until_ms == 0)
			continue;
		object = json_object();
		json_put_subject(object, &of->subject);
		json_put_time(object, "until", of->over_until_ms);
		json_array_append_new(over, object);
	}
	return over;
}

static json_t *begun_of(const struct ls_level *level)
{
	json_t *object = json_object();

	level_put(object, level);
	return object;
}

static json_t *sessions_json(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	json_t *object = json_object();

	if (answer->user != NULL) {
		json_put_number(object, "live", answer->live);
		json_put_number(object, "limit", is->sessions_limit);
	}
	if (is->begun_by.limit > 0)
		json_put(object, "begun", begun_of(&is->begun_by));
	if (is->begun_from.limit > 0)
		json_put(object, "begun_from", begun_of(&is->begun_from));
	return object;
}

static json_t *meters_json(const struct answer *answer)
{
	json_t *meters = json_array();

	for (unsigned i = 0; i < answer->is.levels; i++) {
		const struct ls_level *level = &answer->is.level[i];
		json_t *object = level_json(level);

		json_put(object, "kind",
			 json_string(ls_kind_name(level->kind)));
		json_put(object, "asked", json_boolean(level->asked));
		json_array_append_new(meters, object);
	}
	return meters;
}

static json_t *places_json(const struct answer *answer)
{
	json_t *places = json_array();

	for (unsigned i = 0; i < answer->places; i++) {
		const struct answer_place *at = &answer->place[i];
		json_t *object = json_object(), *login = json_object();
		char net[LS_PREFIX_TEXT];

		ls_prefix_format(&at->place.net, net);
		json_put(object, "network", json_string(net));
		put_time(object, "first_seen", at->place.first_seen_ms);
		json_put_time(object, "until", at->place.until_ms);
		put_decision(login, &at->decision);
		json_put(object, "login", login);
		json_array_append_new(places, object);
	}
	return places;
}

static json_t *events_of(const struct answer *answer)
{
	json_t *events = json_array();

	for (unsigned i = 0; i < answer->events; i++) {
		unsigned at = (answer->first + i) % ANSWER_EVENTS;

		json_array_append_new(
			events, json_of_record(answer->event[at].journal,
					       &answer->event[at].record));
	}
	return events;
}

void answer_print_json(const struct answer *answer)
{
	const struct ls_explanation *is = &answer->is;
	const struct ls_known *place = &is->of[LS_KIND_PLACE];
	json_t *object = json_object(), *login = json_object();
	json_t *connect = json_object();
	char from[LS_PREFIX_TEXT];

	if (answer->user != NULL)
		json_put_text(object, "user", answer->user);
	if (answer->placed) {
		ls_prefix_format(&answer->from, from);
		json_put(object,
			 answer->from.bits == 128 ? "address" : "network",
			 json_string(from));
	}
	if (is->aliased)
		json_put_text(object, "account", is->final);
	put_decision(login, &is->decision);
	json_put(login, "wants_tls", json_boolean(is->wants_tls));
	json_put(object, "login", login);
	if (answer->placed) {
		put_decision(connect, &is->connect);
		json_put(object, "connect", connect);
	} else {
		json_decref(connect);
	}
	if (is->of[LS_KIND_IP].untold + is->of[LS_KIND_NET].untold > 0)
		json_put_number(object, "unrecorded",
				(uint64_t)is->of[LS_KIND_IP].untold +
					is->of[LS_KIND_NET].untold);
	json_put(object, "familiar", json_boolean(is->familiar));
	json_put(object, "near", json_boolean(is->near));
	json_put(object, "estranged", json_boolean(is->estranged));
	json_put(object, "crowded", json_boolean(is->crowded));
	json_put(object, "over", over_of(answer));
	put_time(object, "familiar_until", place->familiar_until_ms);
	put_time(object, "first_seen", place->first_seen_ms);
	put_time(object, "suspicious_since", is->suspicious_since_ms);
	put_time(object, "probation_until", is->probation_until_ms);
	json_put(object, "denied", json_boolean(is->denied));
	json_put(object, "trusted_by_policy",
		 json_boolean(is->trusted_by_policy));
	json_put(object, "trusted", trusted_of(answer));
	json_put(object, "locks", locks_of(answer));
	json_put(object, "meters", meters_json(answer));
	if (is->sessions_known)
		json_put(object, "sessions", sessions_json(answer));
	if (answer->user != NULL && !answer->placed)
		json_put(object, "sending", answer_sending_json(answer));
	if (answer->relays.levels > 0)
		json_put(object, "relaying",
			 answer_relaying_json(&answer->relays));
	if (answer->user != NULL && !answer->placed)
		json_put(object, "places", places_json(answer));
	json_put(object, "events", events_of(answer));
	json_line(object);
}
