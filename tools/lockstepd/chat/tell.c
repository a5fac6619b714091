/* tell.c - see tell.h */
#include "lockstep-config.h"

#include "chat/tell.h"
#include "shared/event.h"

#include <inttypes.h>
#include <time.h>

#include "chat/tell-private.h"

enum {
	DIGEST_LINES = 10,
	TAIL_MAX = 40, /* "\nand N more" */
	LATE_MS = 120 * 1000,
};

/* The real time of a timestamp in ms; 0 of none. */
static uint64_t time_of_event(const char *text)
{
	struct tm tm = { .tm_year = 0 };
	time_t seconds;

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return 0;
	seconds = timegm(&tm);
	return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

enum ls_event tell_event(const json_t *message)
{
	int event = LS_EVENT_NONE + 1;

	while (event < LS_EVENT_COUNT &&
	       !is_text(message, "type", ls_event_name((enum ls_event)event)))
		event++;
	return event < LS_EVENT_COUNT ? (enum ls_event)event : LS_EVENT_NONE;
}

const char *tell_host(const json_t *message)
{
	const char *host = text_of(json_object_get(message, "data"), "host");

	return *host != '\0' ? host : "?";
}

static struct telling telling_of(struct prose *prose, const json_t *message)
{
	return (struct telling){
		.prose = prose,
		.data = json_object_get(message, "data"),
		.timestamp = text_of(message, "timestamp"),
		.event = tell_event(message),
	};
}

static void tell_late(const struct telling *telling, uint64_t now_ms)
{
	uint64_t at_ms = time_of_event(telling->timestamp);

	if (at_ms == 0 || now_ms < at_ms + LATE_MS)
		return;
	prose_say(telling->prose, " (told late: it was at %.10s %.5s UTC)",
		  telling->timestamp, telling->timestamp + 11);
}

/* "02:14 UTC", or with the day where that is not today. */
static void tell_moment(struct prose *prose, const char *time, uint64_t now_ms)
{
	char now[EVENT_TIME_TEXT];

	event_time_format(now_ms, now);
	if (time_of_event(time) == 0)
		prose_name(prose, time);
	else if (strncmp(time, now, 10) == 0)
		prose_say(prose, "%.5s UTC", time + 11);
	else
		prose_say(prose, "%.10s %.5s UTC", time, time + 11);
}

/* ---- digests ------------------------------------------------------------- */

/* The order in which they matter to who is on call. */
static const struct {
	enum ls_event event;
	const char *one, *many;
} nouns[] = {
	{ LS_EVENT_FREEZE, "freeze", "freezes" },
	{ LS_EVENT_SUSPICIOUS, "suspicious login", "suspicious logins" },
	{ LS_EVENT_ALARM, "alarm", "alarms" },
	{ LS_EVENT_LOCK, "lock", "locks" },
	{ LS_EVENT_MESSAGE, "stopped message", "stopped messages" },
	{ LS_EVENT_CONNECT, "refused connection", "refused connections" },
	{ LS_EVENT_RELEASE, "release", "releases" },
	{ LS_EVENT_UNLOCK, "unlock", "unlocks" },
	{ LS_EVENT_TRUST, "trust", "trusts" },
	{ LS_EVENT_DISTRUST, "end of trust", "ends of trust" },
	{ LS_EVENT_FORGET, "order to forget", "orders to forget" },
	{ LS_EVENT_LOGIN, "login attempt", "login attempts" },
	{ LS_EVENT_SESSION, "session", "sessions" },
	{ LS_EVENT_SESSION_END, "session's end", "sessions' ends" },
};
enum { NOUNS = sizeof(nouns) / sizeof(nouns[0]) };
_Static_assert((int)NOUNS == LS_EVENT_COUNT - 1, "each has a word");

unsigned tell_gravity(enum ls_event event)
{
	unsigned gravity = 0;

	while (gravity < NOUNS && nouns[gravity].event != event)
		gravity++;
	return gravity;
}

static json_int_t count_of_event(const json_t *data, enum ls_event event)
{
	return number_of(json_object_get(data, "types"), ls_event_name(event));
}

enum ls_event tell_gravest(const json_t *message)
{
	const json_t *data = json_object_get(message, "data");
	enum ls_event event = tell_event(message);

	for (size_t i = 0; event == LS_EVENT_NONE && i < NOUNS; i++) {
		if (count_of_event(data, nouns[i].event) > 0)
			event = nouns[i].event;
	}
	return event;
}

static void tell_counts(struct prose *prose, const json_t *data)
{
	uint64_t from_ms = time_of_event(text_of(data, "from"));
	uint64_t to_ms = time_of_event(text_of(data, "to"));
	const char *comma = "";

	for (size_t i = 0; i < NOUNS; i++) {
		json_int_t count = count_of_event(data, nouns[i].event);

		if (count < 1)
			continue;
		prose_say(prose, "%s%" PRId64 " %s", comma, (int64_t)count,
			  count == 1 ? nouns[i].one : nouns[i].many);
		comma = ", ";
	}
	prose_say(prose, " in ");
	tell_length(prose, to_ms > from_ms ? to_ms - from_ms : 0);
}

/* Whatever else there is no room for: digest.c gathers no more than fit. */
static void tell_frozen(struct prose *prose, const json_t *frozen)
{
	for (size_t i = 0; i < json_array_size(frozen); i++) {
		const char *name = json_string_value(json_array_get(frozen, i));

		prose_say(prose, i == 0 ? "\nfrozen: " : ", ");
		prose_name(prose, name != NULL ? name : "");
	}
}

/* The first events, each whole or not at all; returns how many. */
static size_t tell_first(struct prose *prose, const json_t *events,
			 uint64_t now_ms)
{
	size_t told = 0;

	while (told < json_array_size(events) && told < DIGEST_LINES) {
		struct prose line;
		struct telling telling =
			telling_of(&line, json_array_get(events, told));

		prose_start(&line, prose->format, prose->max);
		prose_say(&line, "\n");
		tell_moment(&line, telling.timestamp, now_ms);
		prose_say(&line, ": ");
		tell_what(&telling);
		if (!prose_add(prose, &line, TAIL_MAX))
			break;
		told++;
	}
	return told;
}

static void tell_digest(const struct telling *telling, uint64_t now_ms)
{
	const json_t *data = telling->data;
	const json_t *events = json_object_get(data, "events");
	json_int_t count = number_of(data, "count");
	struct prose *prose = telling->prose;
	json_int_t told;

	tell_counts(prose, data);
	tell_late(telling, now_ms);
	prose_say(prose, ":");
	tell_frozen(prose, json_object_get(data, "frozen"));
	told = (json_int_t)tell_first(prose, events, now_ms);
	if (told < count)
		prose_say(prose, "\nand %" PRId64 " more",
			  (int64_t)(count - told));
}

void tell_message(struct prose *prose, const json_t *message, uint64_t now_ms)
{
	const json_t *data = json_object_get(message, "data");
	const json_t *events = json_object_get(data, "events");
	struct telling telling = telling_of(prose, message);

	prose_name(prose, tell_host(message));
	prose_say(prose, ": ");
	if (is_text(message, "type", "digest") &&
	    (number_of(data, "count") != 1 || json_array_size(events) != 1)) {
		tell_digest(&telling, now_ms);
	} else if (is_text(message, "type", "digest")) {
		/* one alone needs no counts */
		telling = telling_of(prose, json_array_get(events, 0));
		tell_what(&telling);
		prose_say(prose, " (at ");
		tell_moment(prose, telling.timestamp, now_ms);
		prose_say(prose, ")");
	} else {
		tell_what(&telling);
		tell_late(&telling, now_ms);
	}
}
