/* week.c - see week.h */
#include "lockstep-config.h"

#include "week.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum { DAYS = 7 };

static uint64_t draw(struct week *week, uint64_t below)
{
	uint64_t z = week->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static void add(struct week *week, enum week_role role, const char *user,
		const char *ip, const char *password, bool right,
		uint64_t after_ms)
{
	struct week_event *event;

	if (after_ms >= DAYS * DAY)
		return;
	if (week->count == week->room) {
		week->room = week->room > 0 ? 2 * week->room : 4096;
		week->list = realloc(week->list,
				     week->room * sizeof(*week->list));
		if (week->list == NULL)
			abort();
	}
	event = &week->list[week->count];
	memset(event, 0, sizeof(*event));
	event->at_ms = week->begins_ms + after_ms / SECOND * SECOND;
	event->number = week->count++;
	event->role = role;
	event->right = right;
	snprintf(event->user, sizeof(event->user), "%s", user);
	snprintf(event->ip, sizeof(event->ip), "%s", ip);
	snprintf(event->password, sizeof(event->password), "%s", password);
}

/* Each in a network of his own. */
static void address(char ip[40], unsigned first, unsigned i, unsigned host)
{
	snprintf(ip, 40, "%u.%u.%u.%u", first, i / 250, i % 250, host);
}

/* ---- people ----------------------------------------------------------- */

static void log_in(struct week *week, const char *user, const char *ip,
		   uint64_t after_ms)
{
	add(week, WEEK_PERSON, user, ip, "right", true, after_ms);
}

/* Two wrong ones at most, then the right one. */
static void mistype(struct week *week, const char *user, const char *ip,
		    uint64_t after_ms)
{
	uint64_t wrong = draw(week, 3);

	for (uint64_t i = 0; i < wrong; i++) {
		char typed[32];

		snprintf(typed, sizeof(typed), "rihgt%" PRIu64, draw(week, 99));
		add(week, WEEK_PERSON, user, ip, typed, false,
		    after_ms + i * 10 * SECOND);
	}
	log_in(week, user, ip, after_ms + 40 * SECOND);
}

static void home(struct week *week, unsigned i)
{
	char user[40], ip[40];

	snprintf(user, sizeof(user), "home%u@example.com", i);
	if (i % 4 == 0)
		snprintf(ip, sizeof(ip), "2001:db8:%x::7", i);
	else
		address(ip, 11, i, 7);
	for (uint64_t at = draw(week, HOUR); at < DAYS * DAY; at += HOUR)
		log_in(week, user, ip, at);
}

/* On the third day the password is changed; the phone learns of it a day and a
 * half later. */
static void phone(struct week *week, unsigned i)
{
	const uint64_t changed = 2 * DAY, told = 3 * DAY + 12 * HOUR;
	char user[40], ip[40];

	snprintf(user, sizeof(user), "phone%u@example.com", i);
	address(ip, 12, i, 7);
	for (uint64_t at = draw(week, 10 * MINUTE); at < DAYS * DAY;
	     at += 10 * MINUTE + draw(week, 20) * SECOND)
		add(week, WEEK_PERSON, user, ip,
		    at < changed || at >= told ? "right" : "old",
		    at < changed || at >= told, at);
}

static void office(struct week *week, unsigned i)
{
	char ip[40];

	address(ip, 13, i, 7);
	for (unsigned n = 0; n < 30; n++) {
		char user[40];

		snprintf(user, sizeof(user), "office%u-%u@example.com", i, n);
		for (uint64_t day = 0; day < DAYS; day++) {
			uint64_t at = day * DAY + 8 * HOUR +
				      draw(week, 2 * HOUR);

			if (draw(week, 10) == 0 && day > 0)
				mistype(week, user, ip, at);
			else
				log_in(week, user, ip, at);
			log_in(week, user, ip, at + 3 * HOUR);
		}
	}
}

static void traveller(struct week *week, unsigned i)
{
	char user[40], ip[40];

	snprintf(user, sizeof(user), "away%u@example.com", i);
	for (uint64_t day = 0; day < DAYS; day++) {
		address(ip, 20 + (unsigned)day, i, 9);
		mistype(week, user, ip, day * DAY + draw(week, 20 * HOUR));
		log_in(week, user, ip, day * DAY + 21 * HOUR);
	}
}

/* ---- attackers -------------------------------------------------------- */

static void guess(struct week *week, enum week_role role, const char *user,
		  const char *ip, uint64_t after_ms)
{
	char password[32];

	snprintf(password, sizeof(password), "guess%" PRIu64,
		 (uint64_t)week->count);
	add(week, role, user, ip, password, false, after_ms);
}

static void some_user(struct week *week, char user[40])
{
	static const char *const kinds[] = { "home", "phone", "away",
					     "nobody" };

	snprintf(user, 40, "%s%u@example.com", kinds[draw(week, 4)],
		 (unsigned)draw(week, 40));
}

static void fast(struct week *week, unsigned i)
{
	uint64_t at = draw(week, 6 * DAY);
	char user[40], ip[40];

	address(ip, 100, i, 66);
	some_user(week, user);
	for (unsigned n = 0; n < 300; n++, at += draw(week, 4) * SECOND)
		guess(week, WEEK_FAST, user, ip, at);
}

/* Ten an hour: below every fast limit, above the slow one of a day. */
static void slow(struct week *week, unsigned i)
{
	char user[40], ip[40];

	address(ip, 101, i, 66);
	snprintf(user, sizeof(user), "home%u@example.com", i);
	for (uint64_t at = 0; at < 5 * DAY; at += 6 * MINUTE)
		guess(week, WEEK_SLOW, user, ip, at);
}

static void spray(struct week *week, unsigned i)
{
	uint64_t at = draw(week, 6 * DAY);
	char user[40], ip[40];

	address(ip, 102, i, 66);
	for (unsigned n = 0; n < 60; n++, at += MINUTE) {
		snprintf(user, sizeof(user), "name%u@example.com", n);
		guess(week, WEEK_SPRAY, user, ip, at);
	}
}

static void botnet(struct week *week)
{
	uint64_t at = 4 * DAY;

	log_in(week, WEEK_VICTIM, "14.9.1.7", HOUR);
	for (unsigned i = 0; i < 600; i++, at += draw(week, 120) * SECOND) {
		char ip[40];

		address(ip, 103, i, 66);
		guess(week, WEEK_BOTNET, WEEK_VICTIM, ip, at);
	}
	log_in(week, WEEK_VICTIM, "14.9.1.7", 4 * DAY + 5 * HOUR);
}

/* ---- all of it -------------------------------------------------------- */

static int compare(const void *one, const void *other)
{
	const struct week_event *a = one, *b = other;

	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

void week_make(struct week *week, uint64_t begins_ms, unsigned times)
{
	memset(week, 0, sizeof(*week));
	week->begins_ms = begins_ms;
	for (unsigned i = 0; i < 8 * times; i++)
		home(week, i);
	for (unsigned i = 0; i < 2 * times; i++)
		phone(week, i);
	for (unsigned i = 0; i < times; i++)
		office(week, i);
	for (unsigned i = 0; i < 4 * times; i++)
		traveller(week, i);
	for (unsigned i = 0; i < 4 * times; i++)
		fast(week, i);
	for (unsigned i = 0; i < 2 * times; i++) {
		slow(week, i);
		spray(week, i);
	}
	botnet(week);
	qsort(week->list, week->count, sizeof(*week->list), compare);
}

void week_free(struct week *week)
{
	free(week->list);
	memset(week, 0, sizeof(*week));
}

/* ---- lines ------------------------------------------------------------ */

static void form_time(uint64_t at_ms, char text[32])
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, 32, "%b %d %H:%M:%S", &tm) == 0)
		abort();
}

/* What the login process says: "Login", ... and all that follows. */
static int login_line(char *text, const struct week_event *event,
		      const char *before, const char *message)
{
	return snprintf(text, WEEK_TEXT / 2,
			"%s%s: user=<%s>, method=PLAIN, rip=%s, "
			"lip=192.0.2.1, TLS, session=<s%" PRIu64 ">\n",
			before, message, event->user, event->ip,
			event->number);
}

static void text_23(const struct week_event *event, const char *time,
		    char *text)
{
	char before[64];

	snprintf(before, sizeof(before), "%s imap-login: Info: ", time);
	login_line(text, event, before,
		   event->right ? "Login"
				: "Disconnected: Connection closed (auth "
				  "failed, 1 attempts in 2 secs)");
}

static void text_23_verbose(const struct week_event *event, const char *time,
			    char *text)
{
	char before[64];
	int len = 0;

	snprintf(before, sizeof(before), "%s mx dovecot: imap-login: ", time);
	if (!event->right)
		len = snprintf(text, WEEK_TEXT / 2,
			       "%s mx dovecot: auth: sql(%s,%s,<s%" PRIu64
			       ">): Password mismatch\n",
			       time, event->user, event->ip, event->number);
	login_line(text + len, event, before,
		   event->right ? "Login"
				: "Disconnected: Connection closed (auth "
				  "failed, 1 attempts in 2 secs)");
}

/* The first passdb knows nobody. */
static void text_24_verbose(const struct week_event *event, const char *time,
			    char *text)
{
	char before[64];
	int len;

	snprintf(before, sizeof(before), "%s imap-login: Info: ", time);
	len = snprintf(text, WEEK_TEXT / 4,
		       "%s auth(%s,%s,sasl:plain)<s%" PRIu64
		       ">: Info: passwd-file: unknown user\n",
		       time, event->user, event->ip, event->number);
	if (!event->right)
		len += snprintf(text + len, WEEK_TEXT / 4,
				"%s auth-worker(%s,%s)<7><s%" PRIu64
				">: request [1]: Info: sql: Password "
				"mismatch\n",
				time, event->user, event->ip, event->number);
	login_line(text + len, event, before,
		   event->right ? "Logged in"
				: "Login aborted: Connection closed (auth "
				  "failed, 1 attempts in 2 secs) "
				  "(auth_failed)");
}

void week_text(const struct week_event *event, enum week_form form,
	       char text_r[WEEK_TEXT])
{
	char time[32];

	form_time(event->at_ms, time);
	if (form == WEEK_23)
		text_23(event, time, text_r);
	else if (form == WEEK_23_VERBOSE)
		text_23_verbose(event, time, text_r);
	else
		text_24_verbose(event, time, text_r);
}
