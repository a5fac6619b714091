/* outbox.h - messages that have not been delivered yet
 *
 * The directory `outbox` beside policy.cdb (mode 0700), held with an exclusive
 * flock: one lockstepd works on it. Each message is a file named by its id
 * (mode 0600, written as a whole and renamed):
 *
 *   {"webhook": NAME, "created_ms": REAL TIME, "body": TEXT}
 *
 * so a daemon killed at any instruction loses none. A message is also in
 * memory: where the directory cannot be used, only there.
 * At most 1,000 messages and 3 days. Of too many the least grave go first
 * (tell.h), and of those alike the oldest; all that are dropped are counted. */
#ifndef LOCKSTEPD_OUTBOX_H
#define LOCKSTEPD_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"
#include "webhook/webhook.h"
#include "shared/event.h"

enum {
	OUTBOX_MESSAGES_MAX = 1000,
	OUTBOX_AGE_MAX_MS = 3 * 24 * 60 * 60 * 1000,
};

struct outbox;

struct message {
	struct message *next; /* younger */
	char id[WEBHOOK_ID_TEXT];
	char hook[sizeof(((struct ls_webhook *)0)->name)];
	char *body;
	size_t length;
	uint64_t created_real_ms;
	int64_t born_ms;   /* created, on the clock of now_ms; negative when
			    * that was before the machine started */
	unsigned gravity;  /* of the gravest event in it; 0: it matters most */
	uint64_t next_ms;  /* not to be posted before */
	unsigned attempts; /* that failed, of this process */
	bool refused;      /* the last one by the receiver's own word */
	bool busy;         /* being posted: stays where it is */
	bool stored;       /* its file is there */
};

/* The outbox beside this policy, not attached to its directory yet. */
struct outbox *outbox_new(const char *policy_path);
void outbox_free(struct outbox **outbox);

/* Makes and locks the directory, loads its messages and stores those that are
 * only in memory. Returns 1 when it was attached now, 0 when it already was,
 * LS_EACCES when another process holds it, LS_ESYS when it is not usable. */
int outbox_attach(struct outbox *outbox, const struct event_clock *clock,
		  struct ls_error *error_r);

/* Takes a message over, with its body (malloc). One with the id of a message
 * that is there already is dropped. */
void outbox_put(struct outbox *outbox, const char *hook, const char *id,
		char *body, const struct event_clock *clock);

/* A message was delivered: forgets it and removes its file. */
void outbox_remove(struct outbox *outbox, struct message *message);

/* Of the messages for this webhook that are due the gravest, and of those alike
 * the one that was due first; or NULL. */
struct message *outbox_pick(struct outbox *outbox, const char *hook,
			    uint64_t now_ms);

/* Makes the messages for this webhook that wait for its receiver due now;
 * those it refused keep their time unless `all`. */
void outbox_wake(struct outbox *outbox, const char *hook, bool all,
		 uint64_t now_ms);

/* How many messages there are for this webhook; NULL: for all. */
unsigned outbox_count(const struct outbox *outbox, const char *hook);

/* How many of a webhook's messages have failed so often that it is no hiccup. */
enum { OUTBOX_TRIES = 3 };
unsigned outbox_failing(const struct outbox *outbox, const char *hook);

/* Messages that were given up, not delivered, since this was last asked. */
uint64_t outbox_take_dropped(struct outbox *outbox);

/* What is to be done now and then: drops what is too old, stores what could
 * not be stored before, and logs what was dropped. */
void outbox_upkeep(struct outbox *outbox, uint64_t now_ms);

/* A small file of the daemon's own in the directory. Storing replaces it as a
 * whole. Fetching gives text that the caller frees, NUL-terminated. Both
 * return 0, LS_ESYS, or LS_ENOENT when there is no such file, or when the
 * outbox is not attached. */
int outbox_store(struct outbox *outbox, const char *name, const char *text,
		 bool sync, struct ls_error *error_r);
int outbox_fetch(struct outbox *outbox, const char *name, char **text_r,
		 struct ls_error *error_r);

#endif
