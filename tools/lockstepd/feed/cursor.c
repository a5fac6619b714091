#include "lockstep-config.h"

#include "feed/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"

static const char file_name[] = "cursor";

/* Reads the numbers that are there; returns false when one is no number. */
static bool get_numbers(const json_t *object, uint64_t next_r[EVENT_JOURNALS])
{
	for (int i = 0; i < EVENT_JOURNALS; i++) {
		const char *key = event_journal_name((enum ls_journal)i);
		const json_t *value = json_object_get(object, key);

		if (value == NULL)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return false;
		next_r[i] = (uint64_t)json_integer_value(value);
	}
	return true;
}

static bool get_hook(const json_t *webhooks, struct hook *hook,
		     const uint64_t next[EVENT_JOURNALS])
{
	const json_t *entry = json_object_get(webhooks, hook->conf.name);
	char fingerprint[HOOK_FINGERPRINT_TEXT];
	const char *gone;

	memcpy(hook->skip, next, sizeof(hook->skip));
	if (entry == NULL)
		return true;
	if (!json_is_object(entry) || !get_numbers(entry, hook->skip))
		return false;
	gone = json_string_value(json_object_get(entry, "gone"));
	hook_fingerprint(hook, fingerprint);
	hook->gone = gone != NULL && strcmp(gone, fingerprint) == 0;
	if (hook->gone)
		log_line("webhook \"%s\": %s had answered 410, gone: off until "
			 "its configuration changes or SIGHUP comes",
			 hook->conf.name, hook->site);
	return true;
}

static bool parse_cursor(const json_t *object, struct hooks *hooks,
			 struct cursor *cursor_r)
{
	const char *map = json_string_value(json_object_get(object, "map"));
	const json_t *webhooks = json_object_get(object, "webhooks");

	memset(cursor_r, 0, sizeof(*cursor_r));
	if (map == NULL || strlen(map) >= sizeof(cursor_r->map) ||
	    !get_numbers(object, cursor_r->next))
		return false;
	snprintf(cursor_r->map, sizeof(cursor_r->map), "%s", map);
	for (struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		if (!get_hook(webhooks, hook, cursor_r->next))
			return false;
	}
	return true;
}

static void reset_hooks(struct hooks *hooks)
{
	for (struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		memset(hook->skip, 0, sizeof(hook->skip));
		hook->gone = false;
	}
}

int cursor_load(struct outbox *outbox, struct hooks *hooks,
		struct cursor *cursor_r, struct ls_error *error_r)
{
	json_t *object;
	char *text;
	int ret;

	ret = outbox_fetch(outbox, file_name, &text, error_r);
	if (ret < 0)
		return ret;
	object = json_loads(text, 0, NULL);
	free(text);
	if (!parse_cursor(object, hooks, cursor_r)) {
		reset_hooks(hooks);
		ret = error_set(error_r, LS_EFORMAT, "the file %s is damaged",
				file_name);
	}
	json_decref(object);
	return ret;
}

static void put_numbers(json_t *object, const uint64_t next[EVENT_JOURNALS])
{
	for (int i = 0; i < EVENT_JOURNALS; i++)
		event_put(object, event_journal_name((enum ls_journal)i),
			  json_integer((json_int_t)next[i]));
}

/* Where the webhook stands: before the first record that is not in the outbox
 * yet. */
static void hook_next(const struct hook *hook, const struct cursor *cursor,
		      uint64_t next_r[EVENT_JOURNALS])
{
	for (int i = 0; i < EVENT_JOURNALS; i++) {
		const struct webhook_span *span = &hook->digest.span[i];

		if (span->any)
			next_r[i] = span->first;
		else if (hook->skip[i] > cursor->next[i])
			next_r[i] = hook->skip[i];
		else
			next_r[i] = cursor->next[i];
	}
}

static json_t *hook_entry(const struct hook *hook, const struct cursor *cursor)
{
	char fingerprint[HOOK_FINGERPRINT_TEXT];
	uint64_t next[EVENT_JOURNALS];
	json_t *entry = json_object();

	hook_next(hook, cursor, next);
	if (memcmp(next, cursor->next, sizeof(next)) != 0)
		put_numbers(entry, next);
	if (hook->gone) {
		hook_fingerprint(hook, fingerprint);
		event_put(entry, "gone", json_string(fingerprint));
	}
	return entry;
}

int cursor_save(struct outbox *outbox, const struct hooks *hooks,
		const struct cursor *cursor, struct ls_error *error_r)
{
	json_t *object = json_object(), *webhooks = json_object();
	char *text;
	int ret;

	event_put(object, "map", json_string(cursor->map));
	put_numbers(object, cursor->next);
	event_put(object, "webhooks", webhooks);
	for (const struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		json_t *entry = hook_entry(hook, cursor);

		if (json_object_size(entry) > 0)
			event_put(webhooks, hook->conf.name, entry);
		else
			json_decref(entry);
	}
	text = webhook_body(object);
	json_decref(object);
	/* not synced: the maps it is about do not outlive a power loss */
	ret = outbox_store(outbox, file_name, text, false, error_r);
	free(text);
	return ret;
}
