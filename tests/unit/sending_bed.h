/* sending_bed.h - messages of one world, as Postfix asks about them */
#ifndef LS_SENDING_BED_H
#define LS_SENDING_BED_H

#include "explain.h"
#include "harness.h"
#include "sending/message.h"
#include "sending/sending.h"
#include "world.h"

#define HOME "192.0.2.9"

static struct world world;

/* One message. What is left out is what most have. */
struct post {
	const char *user;   /* NULL: joe@example.com; "": nobody */
	const char *sender; /* NULL: the account */
	const char *to;     /* addresses with blanks between; NULL: none is
			     * gathered */
	unsigned recipients; /* 0: those of `to`, or 1 */
	uint64_t size;       /* 0: 1000 */
	const char *instance; /* NULL: a new one */
	const char *queue_id; /* NULL: "4Xyz" */
	const char *ip;       /* NULL: HOME */
};

static struct ls_gathered gathered;
static struct ls_message message;

/* Ask at each RCPT, and fill in the message. */
static inline void gather(const struct post *post)
{
	static char instance[32];
	static unsigned number;
	const char *user = post->user != NULL ? post->user : "joe@example.com";
	unsigned count = 0;

	snprintf(instance, sizeof(instance), "%x.%x", ++number, 0x5eedU);
	message = (struct ls_message){
		.instance = post->instance != NULL ? post->instance : instance,
		.user = user,
		.sender = post->sender != NULL ? post->sender : user,
		.queue_id = post->queue_id != NULL ? post->queue_id : "4Xyz",
		.ip = world_addr(post->ip != NULL ? post->ip : HOME),
		.size = post->size > 0 ? post->size : 1000,
		.gathered = &gathered,
	};
	for (const char *to = post->to; to != NULL && *to != '\0';) {
		size_t len = strcspn(to, " ");
		char one[400];

		snprintf(one, sizeof(one), "%.*s", (int)len, to);
		ls_gather(world.state, &gathered, message.instance, user, one);
		count++;
		to += len;
		to += *to == ' ';
	}
	message.recipients = post->recipients > 0 ? post->recipients
			     : count > 0          ? count
						  : 1;
}

static inline struct ls_decision post(const struct post *post)
{
	struct ls_decision decision;

	gather(post);
	memset(&decision, 0xee, sizeof(decision));
	ls_send(world.state, &message, world.now_ms, world.real_ms, &decision);
	return decision;
}

static inline struct ls_decision look(const struct post *post)
{
	struct ls_decision decision;

	gather(post);
	memset(&decision, 0xee, sizeof(decision));
	ls_send_look(world.state, &message, world.now_ms, &decision);
	return decision;
}

/* Each to somebody else, up to `most`. Returns how many were accepted. */
static inline unsigned post_many(const char *user, unsigned most)
{
	static unsigned number;
	unsigned accepted = 0;

	for (unsigned i = 0; i < most; i++) {
		char to[64];

		snprintf(to, sizeof(to), "p%u@example.net", number++);
		accepted += post(&(struct post){ .user = user, .to = to })
				    .verdict == LS_ADMIT;
	}
	return accepted;
}

/* The level of one of the account's meters; UINT64_MAX: it has none such. */
static inline uint64_t level_of(const char *user, enum ls_reason reason,
			 bool attempted)
{
	struct ls_sending sending;

	if (ls_explain_sending(world.state, user, world.now_ms, world.real_ms,
			       &sending) < 0)
		return UINT64_MAX;
	for (unsigned i = 0; i < sending.levels; i++)
		if (sending.level[i].reason == reason &&
		    sending.level[i].attempted == attempted)
			return sending.level[i].units;
	return UINT64_MAX;
}

/* Events of a kind in the journal; *last_r is the last of them. */
static inline unsigned events(enum ls_event event, struct ls_record *last_r)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	unsigned count = 0;

	while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			       world.now_ms, &record) == 1) {
		if (record.event != event)
			continue;
		count++;
		if (last_r != NULL)
			*last_r = record;
	}
	return count;
}

/* Where little may be sent. */
static inline int small_world(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, "sending", "messages", "6/1h");
	world_set(&world, "sending", "recipients", "12/1h");
	world_set(&world, "sending", "senders", "2/1d");
	memset(&gathered, 0, sizeof(gathered));
	return 0;
}

static inline int leave_world(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

#endif
