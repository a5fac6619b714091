/* week.h - a synthetic week of a mail server, of known people and attackers
 *
 * People: homes with a device that asks every hour; phones that go on with an
 * old password for a day and a half after it was changed; an office of thirty
 * behind one address, who mistype; travellers, in a new network each day.
 * Attackers: fast ones, hundreds of guesses in minutes; slow ones, below every
 * fast limit; sprayers, one guess at each account; a botnet after one account,
 * each address with a guess or two.
 *
 * The same numbers give the same week. */
#ifndef TEST_WEEK_H
#define TEST_WEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum week_role { WEEK_PERSON, WEEK_FAST, WEEK_SLOW, WEEK_SPRAY, WEEK_BOTNET };

struct week_event {
	uint64_t at_ms; /* since 1970, whole seconds */
	uint64_t number; /* the session's */
	enum week_role role;
	char user[40], ip[40], password[32];
	bool right;
};

struct week {
	struct week_event *list; /* by time */
	size_t count, room;
	uint64_t begins_ms, seed;
};

#define WEEK_VICTIM "boss@example.com" /* of the botnet */

/* times: how many of each there are */
void week_make(struct week *week, uint64_t begins_ms, unsigned times);
void week_free(struct week *week);

enum week_form {
	WEEK_23,         /* log_path, auth_verbose = no */
	WEEK_23_VERBOSE, /* syslog, auth_verbose = yes */
	WEEK_24_VERBOSE, /* log_path, auth_verbose = yes, two passdbs */
	WEEK_FORMS
};

/* Write an event as the lines of a log, each with its newline. */
enum { WEEK_TEXT = 1024 };
void week_text(const struct week_event *event, enum week_form form,
	       char text_r[WEEK_TEXT]);

#endif
