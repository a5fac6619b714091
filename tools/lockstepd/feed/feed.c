#include "lockstep-config.h"

#include "feed/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "feed/evidence.h"
#include "shared/log.h"

enum {
	READ_AT_ONCE = 4096, /* records: the loop must come round */
	SAVE_EVERY_MS = 5000,
};

void feed_init(struct feed *feed, struct hooks *hooks, struct outbox *outbox)
{
	memset(feed, 0, sizeof(*feed));
	feed->hooks = hooks;
	feed->outbox = outbox;
	if (gethostname(feed->host, sizeof(feed->host) - 1) != 0)
		snprintf(feed->host, sizeof(feed->host), "localhost");
}

/* Names the map: when it was created, on which run of the machine, since the
 * clock it was created by starts anew with each. */
static void name_map(char name_r[CURSOR_MAP_TEXT], struct ls_state *state,
		     uint64_t now_ms)
{
	char boot[37] = "";
	struct ls_status status;
	ssize_t got;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, boot, sizeof(boot) - 1);
		boot[got > 0 ? got : 0] = '\0';
		close(fd);
	}
	boot[strspn(boot, "0123456789abcdef-")] = '\0';
	memset(&status, 0, sizeof(status));
	ls_status(state, now_ms, &status);
	snprintf(name_r, CURSOR_MAP_TEXT, "%s/%" PRIu64, boot,
		 status.created_ms);
}

static void restart_hooks(struct hooks *hooks)
{
	for (struct hook *hook = hooks->first; hook != NULL; hook = hook->next)
		memset(hook->skip, 0, sizeof(hook->skip));
}

static void start_from_head(struct feed *feed, struct ls_state *state)
{
	for (int i = 0; i < EVENT_JOURNALS; i++)
		feed->cursor[i].next =
			ls_journal_head(state, (enum ls_journal)i);
	restart_hooks(feed->hooks);
}

/* From the place that the webhook furthest behind has reached. */
static void start_from(struct feed *feed, const struct cursor *cursor)
{
	for (int i = 0; i < EVENT_JOURNALS; i++) {
		feed->cursor[i].next = cursor->next[i];
		for (const struct hook *hook = feed->hooks->first;
		     hook != NULL; hook = hook->next) {
			if (hook->skip[i] < feed->cursor[i].next)
				feed->cursor[i].next = hook->skip[i];
		}
	}
}

/* A cursor beyond the end is one of another map: only the guard's identity is
 * known, and the maps can be replaced one by one. */
static void check_cursors(struct feed *feed, struct ls_state *state)
{
	for (int i = 0; i < EVENT_JOURNALS; i++) {
		uint64_t head = ls_journal_head(state, (enum ls_journal)i);

		if (feed->cursor[i].next > head)
			memset(&feed->cursor[i], 0, sizeof(feed->cursor[i]));
		for (struct hook *hook = feed->hooks->first; hook != NULL;
		     hook = hook->next) {
			if (hook->skip[i] > head)
				hook->skip[i] = 0;
		}
		feed->lost_seen[i] = feed->cursor[i].lost;
	}
}

void feed_start(struct feed *feed, struct ls_state *state,
		const struct event_clock *clock)
{
	bool first = feed->map[0] == '\0';
	char map[CURSOR_MAP_TEXT];
	struct ls_error error;
	struct cursor cursor;
	int ret = 0;

	name_map(map, state, clock->now_ms);
	if (first)
		ret = cursor_load(feed->outbox, feed->hooks, &cursor, &error);
	else
		memcpy(cursor.map, feed->map, sizeof(cursor.map));
	if (ret < 0) {
		if (ret != LS_ENOENT)
			log_line("outbox: %s; events are told from now on",
				 error.text);
		start_from_head(feed, state);
	} else if (strcmp(cursor.map, map) != 0) {
		memset(feed->cursor, 0, sizeof(feed->cursor));
		restart_hooks(feed->hooks);
	} else if (first) {
		start_from(feed, &cursor);
	}
	check_cursors(feed, state);
	memcpy(feed->map, map, sizeof(map));
	feed->moved = true;
	feed_save(feed, true, clock);
}

static void post_one(struct feed *feed, struct hook *hook,
		     enum ls_journal journal, const struct ls_record *record,
		     json_t *evidence, const struct event_clock *clock)
{
	struct webhook_span span[EVENT_JOURNALS] = { 0 };
	char id[WEBHOOK_ID_TEXT], *body;
	json_t *event;

	span[journal].first = span[journal].last = record->number;
	span[journal].any = true;
	webhook_id(feed->map, hook->conf.name, span, id);
	event = event_json(feed->host, journal, record, evidence, clock);
	body = webhook_body(event);
	json_decref(event);
	outbox_put(feed->outbox, hook->conf.name, id, body, clock);
	feed->put = true;
}

static void post_digest(struct feed *feed, struct hook *hook,
			const struct event_clock *clock)
{
	char id[WEBHOOK_ID_TEXT];

	webhook_id(feed->map, hook->conf.name, hook->digest.span, id);
	outbox_put(feed->outbox, hook->conf.name, id,
		   digest_body(&hook->digest, feed->host, clock), clock);
	digest_clear(&hook->digest);
	feed->put = true;
}

static bool is_wanted(const struct hook *hook, enum ls_journal journal,
		      const struct ls_record *record)
{
	return !hook->gone && record->number >= hook->skip[journal] &&
	       (hook->conf.events & UINT32_C(1) << record->event) != 0;
}

static void offer(struct feed *feed, struct ls_state *state,
		  enum ls_journal journal, const struct ls_record *record,
		  const struct event_clock *clock)
{
	json_t *evidence = NULL;

	if ((unsigned)record->event >= LS_EVENT_COUNT)
		return;
	for (struct hook *hook = feed->hooks->first; hook != NULL;
	     hook = hook->next) {
		if (!is_wanted(hook, journal, record))
			continue;
		if (evidence == NULL) /* gathered once for all of them */
			evidence = evidence_of(state, record, clock);
		if (hook->conf.digest_ms == 0) {
			post_one(feed, hook, journal, record, evidence, clock);
			continue;
		}
		if (!digest_has_room(&hook->digest, record))
			post_digest(feed, hook, clock);
		digest_add(&hook->digest, journal, record, evidence, clock);
	}
	json_decref(evidence);
}

static void post_lost(struct feed *feed, enum ls_journal journal,
		      uint64_t now_ms)
{
	uint64_t lost = feed->cursor[journal].lost, told;

	told = log_count_take(&feed->lost[journal],
			      lost - feed->lost_seen[journal], now_ms);
	/* The sessions map says what mail users please: it is logged, no more. */
	if (journal == LS_JOURNAL_GUARD)
		feed->lost_news += lost - feed->lost_seen[journal];
	feed->lost_seen[journal] = lost;
	if (told > 0)
		log_line("%s journal: %" PRIu64 " record%s gone before being "
			 "read", event_journal_name(journal), told,
			 ls_plural_s(told));
}

uint64_t feed_take_lost(struct feed *feed)
{
	uint64_t lost = feed->lost_news;

	feed->lost_news = 0;
	return lost;
}

bool feed_read(struct feed *feed, struct ls_state *state,
	       const struct event_clock *clock)
{
	bool more = false;

	for (int i = 0; i < EVENT_JOURNALS; i++) {
		enum ls_journal journal = (enum ls_journal)i;
		struct ls_record record;
		int count = 0;

		while (count < READ_AT_ONCE &&
		       ls_journal_next(state, journal, &feed->cursor[i],
				       clock->now_ms, &record) == 1) {
			offer(feed, state, journal, &record, clock);
			count++;
		}
		feed->moved = feed->moved || count > 0;
		more = more || count == READ_AT_ONCE;
		post_lost(feed, journal, clock->now_ms);
	}
	return more;
}

void feed_flush(struct feed *feed, bool all, const struct event_clock *clock)
{
	for (struct hook *hook = feed->hooks->first; hook != NULL;
	     hook = hook->next) {
		const struct digest *digest = &hook->digest;

		if (digest->count > 0 &&
		    (all || clock->now_ms - digest->first_ms >=
		     hook->conf.digest_ms))
			post_digest(feed, hook, clock);
	}
}

void feed_save(struct feed *feed, bool now, const struct event_clock *clock)
{
	struct cursor cursor = { .map = "" };
	struct ls_error error;
	int ret;

	if (!feed->put && !feed->hooks->unsaved &&
	    (!feed->moved ||
	     (!now && clock->now_ms - feed->saved_ms < SAVE_EVERY_MS)))
		return;
	if (feed->map[0] == '\0')
		return;
	memcpy(cursor.map, feed->map, sizeof(cursor.map));
	for (int i = 0; i < EVENT_JOURNALS; i++)
		cursor.next[i] = feed->cursor[i].next;
	ret = cursor_save(feed->outbox, feed->hooks, &cursor, &error);
	if (ret == 0)
		log_settled(&feed->save_log);
	else if (ret != LS_ENOENT)
		log_changed(&feed->save_log, "outbox: %s; after a restart "
			    "events may be missing or come again", error.text);
	feed->put = feed->moved = feed->hooks->unsaved = false;
	feed->saved_ms = clock->now_ms;
}
