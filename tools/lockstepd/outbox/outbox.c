#include "lockstep-config.h"

#include "outbox/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/tell.h"
#include "outbox/spool.h"
#include "shared/log.h"

/* A flood must not make the daemon wait for the disk once for each message:
 * from the ninth in a second on, one survives a kill, but not surely a power
 * loss within the next half minute. */
enum { SYNCS_PER_SECOND = 8 };

struct outbox {
	struct spool spool;
	struct message *oldest;
	unsigned count;
	uint64_t sync_second;
	unsigned syncs;
	struct log_count full, expired;
	uint64_t dropped; /* since it was taken note of */
	struct log_place store_log;
};

struct outbox *outbox_new(const char *policy_path)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));
	const char *slash = strrchr(policy_path, '/');
	int length = slash != NULL ? (int)(slash - policy_path) + 1 : 0;

	if (outbox == NULL)
		log_fatal("out of memory");
	outbox->spool.fd = -1;
	if (snprintf(outbox->spool.path, sizeof(outbox->spool.path),
		     "%.*soutbox", length, policy_path) >=
	    (int)sizeof(outbox->spool.path))
		log_fatal("%s: the path is too long", policy_path);
	return outbox;
}

static void message_free(struct message *message)
{
	free(message->body);
	free(message);
}

void outbox_free(struct outbox **outbox)
{
	struct message *message, *next;

	for (message = (*outbox)->oldest; message != NULL; message = next) {
		next = message->next;
		message_free(message);
	}
	spool_close(&(*outbox)->spool);
	free(*outbox);
	*outbox = NULL;
}

static void insert(struct outbox *outbox, struct message *message)
{
	struct message **link = &outbox->oldest;

	while (*link != NULL && (*link)->born_ms <= message->born_ms)
		link = &(*link)->next;
	message->next = *link;
	*link = message;
	outbox->count++;
}

static void forget_message(struct outbox *outbox, struct message *message)
{
	struct message **link = &outbox->oldest;

	while (*link != message)
		link = &(*link)->next;
	*link = message->next;
	outbox->count--;
	spool_remove(&outbox->spool, message->id);
	message_free(message);
}

static struct message *find_message(const struct outbox *outbox, const char *id)
{
	struct message *message = outbox->oldest;

	while (message != NULL && strcmp(message->id, id) != 0)
		message = message->next;
	return message;
}

/* The oldest of the least grave; NULL: all are being posted. */
static struct message *find_least(const struct outbox *outbox)
{
	struct message *least = NULL;

	for (struct message *message = outbox->oldest; message != NULL;
	     message = message->next) {
		if (!message->busy &&
		    (least == NULL || message->gravity > least->gravity))
			least = message;
	}
	return least;
}

/* Returns how many were dropped. */
static unsigned trim_outbox(struct outbox *outbox)
{
	struct message *message;
	unsigned dropped = 0;

	while (outbox->count > OUTBOX_MESSAGES_MAX &&
	       (message = find_least(outbox)) != NULL) {
		forget_message(outbox, message);
		dropped++;
	}
	outbox->dropped += dropped;
	return dropped;
}

static void tell_full(struct outbox *outbox, unsigned dropped, uint64_t now_ms)
{
	uint64_t told = log_count_take(&outbox->full, dropped, now_ms);

	if (told > 0)
		log_line("outbox: full with %d messages; %" PRIu64
			 " dropped, the least grave first",
			 OUTBOX_MESSAGES_MAX, told);
}

static bool may_sync(struct outbox *outbox, uint64_t now_ms)
{
	if (outbox->sync_second != now_ms / 1000) {
		outbox->sync_second = now_ms / 1000;
		outbox->syncs = 0;
	}
	return outbox->syncs++ < SYNCS_PER_SECOND;
}

static void store(struct outbox *outbox, struct message *message,
		  uint64_t now_ms)
{
	json_t *object = json_object();
	struct ls_error error;
	char *text;

	event_put(object, "webhook", json_string(message->hook));
	event_put(object, "created_ms",
		  json_integer((json_int_t)message->created_real_ms));
	event_put(object, "body", json_string(message->body));
	text = webhook_body(object);
	json_decref(object);
	message->stored = outbox_store(outbox, message->id, text,
				       may_sync(outbox, now_ms), &error) == 0;
	free(text);
	if (message->stored) {
		if (log_settled(&outbox->store_log))
			log_line("outbox: writing again");
	} else if (error.code != LS_ENOENT &&
		   outbox->store_log.text[0] == '\0') {
		/* once for all: each would name another file */
		log_changed(&outbox->store_log, "outbox: %s; "
			    "messages are kept in memory only", error.text);
	}
}

static bool is_message_name(const char *name)
{
	return strlen(name) == WEBHOOK_ID_TEXT - 1 &&
		memcmp(name, "msg_", 4) == 0 &&
		strspn(name + 4, "0123456789abcdef") == WEBHOOK_ID_TEXT - 5;
}

/* Text that is no message is least. */
static unsigned gravity_of(const char *body)
{
	json_t *object = body != NULL ? json_loads(body, 0, NULL) : NULL;
	unsigned gravity = tell_gravity(tell_gravest(object));

	json_decref(object);
	return gravity;
}

static struct message *message_new(const char *hook, const char *id,
				   char *body, uint64_t created_real_ms,
				   const struct event_clock *clock)
{
	struct message *message = calloc(1, sizeof(*message));
	uint64_t age_ms = 0;

	if (message == NULL || body == NULL)
		log_fatal("out of memory");
	snprintf(message->id, sizeof(message->id), "%s", id);
	snprintf(message->hook, sizeof(message->hook), "%s", hook);
	message->body = body;
	message->gravity = gravity_of(body);
	message->length = strlen(body);
	message->created_real_ms = created_real_ms;
	if (clock->real_ms > created_real_ms)
		age_ms = clock->real_ms - created_real_ms;
	message->born_ms = (int64_t)clock->now_ms - (int64_t)age_ms;
	message->next_ms = clock->now_ms;
	return message;
}

/* Returns the message in a file's text, or NULL when it holds none. */
static struct message *parse_message(const char *text, const char *name,
				     const struct event_clock *clock)
{
	struct message *message = NULL;
	const char *hook, *body;
	json_int_t created_ms;
	json_t *object;

	object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(object, "{s:s, s:I, s:s}", "webhook", &hook,
			"created_ms", &created_ms, "body", &body) == 0 &&
	    created_ms >= 0 && strlen(hook) < sizeof(message->hook) &&
	    strlen(body) <= WEBHOOK_BODY_MAX)
		message = message_new(hook, name, strdup(body),
				      (uint64_t)created_ms, clock);
	json_decref(object);
	return message;
}

struct load {
	struct outbox *outbox;
	const struct event_clock *clock;
	unsigned dropped;
};

static void load_file(void *context, const char *name)
{
	struct load *load = context;
	struct outbox *outbox = load->outbox;
	struct message *message;
	struct ls_error error;
	char *text;

	if (!is_message_name(name) || find_message(outbox, name) != NULL)
		return;
	if (spool_fetch(&outbox->spool, name, &text, &error) < 0) {
		log_line("outbox: %s", error.text);
		return;
	}
	message = parse_message(text, name, load->clock);
	free(text);
	if (message == NULL) {
		log_line("outbox: %s/%s: is damaged; removed",
			 outbox->spool.path, name);
		spool_remove(&outbox->spool, name);
		return;
	}
	message->stored = true;
	insert(outbox, message);
	load->dropped += trim_outbox(outbox);
}

int outbox_attach(struct outbox *outbox, const struct event_clock *clock,
		  struct ls_error *error_r)
{
	struct load load = { .outbox = outbox, .clock = clock };
	int ret;

	if (outbox->spool.fd >= 0)
		return 0;
	ret = spool_open(&outbox->spool, error_r);
	if (ret < 0)
		return ret;
	spool_each(&outbox->spool, load_file, &load);
	tell_full(outbox, load.dropped, clock->now_ms);
	outbox_upkeep(outbox, clock->now_ms);
	return 1;
}

void outbox_put(struct outbox *outbox, const char *hook, const char *id,
		char *body, const struct event_clock *clock)
{
	struct message *message;

	if (find_message(outbox, id) != NULL) {
		free(body);
		return;
	}
	insert(outbox,
	       message_new(hook, id, body, clock->real_ms, clock));
	/* It may be the least grave itself. */
	tell_full(outbox, trim_outbox(outbox), clock->now_ms);
	message = find_message(outbox, id);
	if (message != NULL)
		store(outbox, message, clock->now_ms);
}

void outbox_remove(struct outbox *outbox, struct message *message)
{
	forget_message(outbox, message);
}

struct message *outbox_pick(struct outbox *outbox, const char *hook,
			    uint64_t now_ms)
{
	struct message *best = NULL;

	for (struct message *message = outbox->oldest; message != NULL;
	     message = message->next) {
		if (message->busy || message->next_ms > now_ms ||
		    strcmp(message->hook, hook) != 0)
			continue;
		if (best == NULL || message->gravity < best->gravity ||
		    (message->gravity == best->gravity &&
		     message->next_ms < best->next_ms))
			best = message;
	}
	return best;
}

void outbox_wake(struct outbox *outbox, const char *hook, bool all,
		 uint64_t now_ms)
{
	for (struct message *message = outbox->oldest; message != NULL;
	     message = message->next) {
		if ((all || !message->refused) && message->next_ms > now_ms &&
		    strcmp(message->hook, hook) == 0)
			message->next_ms = now_ms;
	}
}

unsigned outbox_count(const struct outbox *outbox, const char *hook)
{
	unsigned count = 0;

	for (const struct message *message = outbox->oldest; message != NULL;
	     message = message->next)
		count += hook == NULL || strcmp(message->hook, hook) == 0;
	return count;
}

unsigned outbox_failing(const struct outbox *outbox, const char *hook)
{
	unsigned count = 0;

	for (const struct message *message = outbox->oldest; message != NULL;
	     message = message->next)
		count += message->attempts >= OUTBOX_TRIES &&
			 strcmp(message->hook, hook) == 0;
	return count;
}

uint64_t outbox_take_dropped(struct outbox *outbox)
{
	uint64_t dropped = outbox->dropped;

	outbox->dropped = 0;
	return dropped;
}

void outbox_upkeep(struct outbox *outbox, uint64_t now_ms)
{
	struct message *message, *next;
	uint64_t expired = 0, told;

	for (message = outbox->oldest; message != NULL; message = next) {
		next = message->next;
		if (!message->busy && (int64_t)now_ms - message->born_ms >
		    OUTBOX_AGE_MAX_MS) {
			forget_message(outbox, message);
			expired++;
		} else if (!message->stored && outbox->spool.fd >= 0) {
			store(outbox, message, now_ms);
		}
	}
	outbox->dropped += expired;
	told = log_count_take(&outbox->expired, expired, now_ms);
	if (told > 0)
		log_line("outbox: dropped %" PRIu64 ", not delivered in 3 days",
			 told);
	tell_full(outbox, 0, now_ms);
}

int outbox_store(struct outbox *outbox, const char *name, const char *text,
		 bool sync, struct ls_error *error_r)
{
	int ret;

	if (outbox->spool.fd < 0)
		return error_set(error_r, LS_ENOENT, "%s: is not open",
				 outbox->spool.path);
	ret = spool_store(&outbox->spool, name, text, sync, error_r);
	if (outbox->spool.fd < 0) {
		for (struct message *message = outbox->oldest; message != NULL;
		     message = message->next)
			message->stored = false;
	}
	return ret;
}

int outbox_fetch(struct outbox *outbox, const char *name, char **text_r,
		 struct ls_error *error_r)
{
	if (outbox->spool.fd < 0)
		return error_set(error_r, LS_ENOENT, "%s: is not open",
				 outbox->spool.path);
	return spool_fetch(&outbox->spool, name, text_r, error_r);
}
