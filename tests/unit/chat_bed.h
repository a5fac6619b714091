/* chat_bed.h - events, and what a chat service would get of them */
#ifndef TEST_CHAT_BED_H
#define TEST_CHAT_BED_H

#include "harness.h"

#include <stdlib.h>

#include "chat/chat.h"
#include "chat/prose.h"
#include "webhook/webhook.h"
#include "shared/event.h"

/* 2026-11-22T02:14:05.123Z, 100 s after the machine started */
static const struct event_clock moment = {
	.now_ms = 100000,
	.real_ms = UINT64_C(1795313645123),
};

static const enum ls_format formats[4] = { LS_FORMAT_SLACK, LS_FORMAT_DISCORD,
					  LS_FORMAT_TEAMS, LS_FORMAT_NTFY };

static inline struct ls_record record_of(enum ls_event event, enum ls_kind kind,
					 const char *net,
					 const char *user)
{
	struct ls_record record = {
		.number = 41,
		.at_ms = 99000,
		.event = event,
		.until_ms = 1299000,
		.subject.kind = kind,
	};

	if (net != NULL)
		assert_int_equal(ls_prefix_parse(net, &record.subject.net), 0);
	if (user != NULL)
		snprintf(record.subject.user, sizeof(record.subject.user), "%s",
			 user);
	return record;
}

/* ---- what comes out ------------------------------------------------------ */

static inline struct chat_post post_of(enum ls_format format,
				       const json_t *message)
{
	char *text = webhook_body(message);
	struct chat_post post;

	chat_post(format, text, moment.real_ms, &post);
	free(text);
	assert_int_equal(post.length, strlen(post.body));
	assert_true(post.length < WEBHOOK_BODY_MAX);
	return post;
}

/* The text that people see of a post, before the service's markup; checks the
 * form around it. */
static inline void text_in(enum ls_format format, const struct chat_post *post,
			   char text_r[PROSE_MAX + 1])
{
	json_t *object = json_loads(post->body, 0, NULL), *list, *card;
	const char *text = post->body, *key;

	*text_r = '\0';
	if (format == LS_FORMAT_NTFY) {
		strcpy(text_r, text);
		assert_non_null(post->priority);
		assert_non_null(post->tags);
		assert_true(post->title[0] != '\0');
		json_decref(object);
		return;
	}
	assert_string_equal(post->type, "application/json");
	assert_non_null(object);
	if (format == LS_FORMAT_TEAMS) {
		check_text("teams",
			   json_string_value(json_object_get(object, "type")),
			   "message");
		list = json_object_get(object, "attachments");
		assert_int_equal(json_array_size(list), 1);
		card = json_array_get(list, 0);
		check_text("teams",
			   json_string_value(
				   json_object_get(card, "contentType")),
			   "application/vnd.microsoft.card.adaptive");
		list = json_object_get(json_object_get(card, "content"),
				       "body");
		for (size_t i = 0; i < json_array_size(list); i++) {
			json_t *block = json_array_get(list, i);
			json_t *run = json_array_get(
				json_object_get(block, "inlines"), 0);

			check_text("teams",
				   json_string_value(
					   json_object_get(block, "type")),
				   "RichTextBlock");
			strcat(text_r, i == 0 ? "" : "\n");
			strcat(text_r, json_string_value(
					       json_object_get(run, "text")));
		}
		json_decref(object);
		return;
	}
	if (format == LS_FORMAT_DISCORD) {
		list = json_object_get(json_object_get(object,
						       "allowed_mentions"),
				       "parse");
		assert_true(json_is_array(list) && json_array_size(list) == 0);
	}
	key = format == LS_FORMAT_SLACK ? "text" : "content";
	text = json_string_value(json_object_get(object, key));
	assert_non_null(text);
	strcpy(text_r, text);
	json_decref(object);
}

static inline void check_post(enum ls_format format, const json_t *message,
			      const char *want)
{
	struct chat_post post = post_of(format, message);
	char text[PROSE_MAX + 1];

	text_in(format, &post, text);
	check_text(ls_format_name(format), text, want);
	free(post.body);
}

#endif
