/* tell-event.c - what happened, in words; see tell-private.h */
#include "lockstep-config.h"

#include "chat/tell-private.h"

#include <inttypes.h>

/* ---- orders and locks ---------------------------------------------------- */

static const char *ordinal(json_int_t number)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };

	return number % 10 < 4 && number % 100 / 10 != 1 ? ends[number % 10]
							 : "th";
}

static void tell_lock(const struct telling *telling)
{
	json_int_t strikes = number_of(telling->data, "strikes");
	bool user = is_text(telling->data, "kind", ls_kind_name(LS_KIND_USER));

	tell_subject(telling);
	prose_say(telling->prose, " is locked%s", user ? " for strangers" : "");
	tell_until(telling);
	if (strikes > 1 && strikes < 1000000)
		prose_say(telling->prose, ", for the %" PRId64 "%s time lately",
			  (int64_t)strikes, ordinal(strikes));
	tell_by(telling);
	if (reason_of(telling->data) != LS_REASON_ADMIN)
		tell_reason(telling);
}

static void tell_count(struct prose *prose, const char *to, json_int_t count,
		       const char *noun)
{
	prose_say(prose, "%s %" PRId64 " %s%s", to, (int64_t)count, noun,
		  ls_plural_s((uint64_t)count));
}

static void tell_evidence(const struct telling *telling, const json_t *evidence)
{
	const json_t *addresses = json_object_get(evidence, "addresses");
	const json_t *networks = json_object_get(evidence, "networks");
	const char *queue_id = text_of(evidence, "queue_id");
	struct prose *prose = telling->prose;

	prose_say(prose, ": it tried to send");
	/* What the policy has no limit of is not counted. */
	if (json_object_get(evidence, "messages") != NULL)
		tell_count(prose, "", number_of(evidence, "messages"),
			   "message");
	if (json_object_get(evidence, "recipients") != NULL)
		tell_count(prose, " to", number_of(evidence, "recipients"),
			   "recipient");
	if (json_array_size(addresses) > 0) {
		prose_say(prose, "; used from ");
		tell_list(prose, addresses, "address");
	}
	if (json_array_size(networks) > 0) {
		prose_say(prose, json_array_size(addresses) > 0
					 ? ", usually from "
					 : "; usually used from ");
		tell_list(prose, networks, "network");
	}
	if (*queue_id != '\0') {
		prose_say(prose, "; queue id of its last message: ");
		prose_name(prose, queue_id);
	}
}

static void tell_freeze(const struct telling *telling)
{
	const json_t *evidence = json_object_get(telling->data, "evidence");

	tell_subject(telling);
	prose_say(telling->prose, " is frozen");
	tell_until(telling);
	tell_by(telling);
	if (evidence != NULL)
		tell_evidence(telling, evidence);
	else if (reason_of(telling->data) != LS_REASON_ADMIN)
		tell_reason(telling);
}

static void tell_order(const struct telling *telling)
{
	switch (telling->event) {
	case LS_EVENT_UNLOCK:
		tell_subject(telling);
		prose_say(telling->prose, " is unlocked");
		break;
	case LS_EVENT_RELEASE:
		tell_subject(telling);
		prose_say(telling->prose, " is released");
		break;
	case LS_EVENT_TRUST:
		tell_subject(telling);
		prose_say(telling->prose, " is trusted");
		tell_until(telling);
		break;
	case LS_EVENT_DISTRUST:
		tell_subject(telling);
		prose_say(telling->prose, " is trusted no more");
		break;
	default: /* FORGET */
		prose_say(telling->prose, "familiar places of ");
		tell_subject(telling);
		prose_say(telling->prose, " are forgotten");
		break;
	}
	tell_by(telling);
}

/* ---- attempts ------------------------------------------------------------ */

static bool is_refused(const struct telling *telling)
{
	return is_text(telling->data, "verdict", "deny");
}

static void tell_login(const struct telling *telling)
{
	static const struct {
		enum ls_outcome outcome;
		const char *words;
	} table[] = {
		{ LS_OUTCOME_SUCCESS, " logged in" },
		{ LS_OUTCOME_WRONG, " failed to log in with a wrong name or "
				    "password" },
		{ LS_OUTCOME_UNKNOWN, " failed to log in: no passdb knows "
				      "that name" },
		{ LS_OUTCOME_DENIED, " was turned down by the mail server "
				     "whatever the password" },
		{ LS_OUTCOME_INTERNAL, " could not be verified by the mail "
				       "server, by a fault of its own" },
		{ LS_OUTCOME_ABANDONED, " went away without giving a password" },
		{ LS_OUTCOME_UNVERIFIED, " was let pass to the server that "
					 "verifies the password" },
	};
	const char *words = " tried to log in";

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (is_text(telling->data, "outcome",
			    ls_outcome_name(table[i].outcome)))
			words = table[i].words;
	}
	tell_user(telling);
	tell_client(telling);
	prose_say(telling->prose, "%s",
		  is_refused(telling) ? " was refused a login" : words);
	tell_why(telling);
}

static void tell_connect(const struct telling *telling)
{
	prose_say(telling->prose, "a connection");
	tell_client(telling);
	prose_say(telling->prose, is_refused(telling) ? " was refused"
						      : " was let in");
	tell_why(telling);
}

static void tell_session(const struct telling *telling)
{
	prose_say(telling->prose, "a session of ");
	tell_user(telling);
	tell_client(telling);
	prose_say(telling->prose,
		  is_refused(telling) ? " was refused" : " began");
	tell_why(telling);
}

static void tell_session_end(const struct telling *telling)
{
	json_int_t ms = number_of(telling->data, "duration_ms");

	prose_say(telling->prose, "a session of ");
	tell_user(telling);
	tell_client(telling);
	prose_say(telling->prose, " ended after ");
	tell_length(telling->prose, ms > 0 ? (uint64_t)ms : 0);
	prose_say(telling->prose, ": ");
	prose_name(telling->prose, text_of(telling->data, "how"));
}

static void tell_suspicious(const struct telling *telling)
{
	bool places = reason_of(telling->data) == LS_REASON_PLACES;

	tell_user(telling);
	prose_say(telling->prose, " logged in");
	tell_client(telling);
	prose_say(telling->prose, ", and that may be a thief: %s",
		  places ? "too many new networks lately"
			 : "somebody was guessing its password");
	if (*text_of(telling->data, "probation") != '\0') {
		prose_say(telling->prose, "; on probation until ");
		tell_time(telling, text_of(telling->data, "probation"));
	}
}

/* Somebody guesses from where people work. */
static void tell_guesses(const struct telling *telling)
{
	prose_say(telling->prose, "passwords of many accounts are guessed at");
	tell_client(telling);
	prose_say(telling->prose, ", where people log in");
	tell_reason(telling);
	if (*text_of(telling->data, "until") != '\0')
		tell_until(telling);
}

static void tell_mail(const struct telling *telling)
{
	const json_t *domains = json_object_get(telling->data, "domains");
	bool held = is_text(telling->data, "verdict", "hold");

	if (telling->event == LS_EVENT_ALARM) {
		tell_user(telling);
		prose_say(telling->prose,
			  " writes to many people it never wrote to before");
	} else {
		/* that of an address that relays has no account */
		prose_say(telling->prose, "a message");
		if (*text_of(telling->data, "user") != '\0') {
			prose_say(telling->prose, " of ");
			tell_user(telling);
		}
	}
	tell_client(telling);
	if (json_array_size(domains) > 0) {
		prose_say(telling->prose, " to ");
		tell_list(telling->prose, domains, NULL);
	}
	if (telling->event != LS_EVENT_ALARM || held || is_refused(telling))
		prose_say(telling->prose, "%s %s",
			  telling->event == LS_EVENT_ALARM ? "; the message"
							   : "",
			  held                  ? "is held"
			  : is_refused(telling) ? "is refused"
						: "is taken");
	tell_why(telling);
}

static void tell_alarm(const struct telling *telling)
{
	if (is_text(telling->data, "kind", ls_kind_name(LS_KIND_IP)) ||
	    is_text(telling->data, "kind", ls_kind_name(LS_KIND_NET)))
		tell_guesses(telling);
	else
		tell_mail(telling);
}

/* ---- any ----------------------------------------------------------------- */

void tell_what(const struct telling *telling)
{
	static void (*const tell[LS_EVENT_COUNT])(const struct telling *) = {
		[LS_EVENT_LOGIN] = tell_login,
		[LS_EVENT_LOCK] = tell_lock,
		[LS_EVENT_UNLOCK] = tell_order,
		[LS_EVENT_CONNECT] = tell_connect,
		[LS_EVENT_SESSION] = tell_session,
		[LS_EVENT_SUSPICIOUS] = tell_suspicious,
		[LS_EVENT_FREEZE] = tell_freeze,
		[LS_EVENT_RELEASE] = tell_order,
		[LS_EVENT_TRUST] = tell_order,
		[LS_EVENT_DISTRUST] = tell_order,
		[LS_EVENT_FORGET] = tell_order,
		[LS_EVENT_MESSAGE] = tell_mail,
		[LS_EVENT_ALARM] = tell_alarm,
		[LS_EVENT_SESSION_END] = tell_session_end,
	};

	if (tell[telling->event] != NULL)
		tell[telling->event](telling);
	else
		prose_say(telling->prose, "something happened that this "
					  "version has no words for");
}
