/* chat.c - see chat.h */
#include "lockstep-config.h"

#include "chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/tell.h"
#include "webhook/webhook.h"

/* Without previews of links: a host's name may be taken for one.
 * docs.slack.dev, "Sending messages using incoming webhooks" (text) and
 * "chat.postMessage" (unfurl_links, unfurl_media). */
static json_t *slack(const struct prose *prose)
{
	json_t *object = json_object();

	event_put(object, "text", json_string(prose->text));
	event_put(object, "unfurl_links", json_false());
	event_put(object, "unfurl_media", json_false());
	return object;
}

/* With an empty `parse` nobody is mentioned, whatever the text says; flag 1 << 2,
 * SUPPRESS_EMBEDS, leaves out previews. discord.com/developers/docs, Webhook
 * Resource, "Execute Webhook", and Message Resource, "Allowed Mentions Object" and
 * "Message Flags". */
static json_t *discord(const struct prose *prose)
{
	json_t *object = json_object(), *mentions = json_object();

	event_put(object, "content", json_string(prose->text));
	event_put(mentions, "parse", json_array());
	event_put(object, "allowed_mentions", mentions);
	event_put(object, "flags", json_integer(1 << 2));
	return object;
}

static void append_field(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		log_fatal("out of memory");
}

/* A line as a RichTextBlock, which knows no markdown. */
static json_t *block(const char *line, size_t len)
{
	json_t *object = json_object(), *inlines = json_array();
	json_t *run = json_object();

	event_put(run, "type", json_string("TextRun"));
	event_put(run, "text", json_stringn(line, len));
	append_field(inlines, run);
	event_put(object, "type", json_string("RichTextBlock"));
	event_put(object, "inlines", inlines);
	return object;
}

/* A workflow takes a message whose attachments are Adaptive Cards: learn.microsoft.com,
 * "Create and send messages" (webhooks and connectors of Teams) and, of the card,
 * adaptivecards.io/explorer, RichTextBlock (1.2). */
static json_t *teams(const struct prose *prose)
{
	json_t *object = json_object(), *attachments = json_array();
	json_t *attachment = json_object(), *card = json_object();
	json_t *lines = json_array(), *look = json_object();
	const char *line = prose->text;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		append_field(lines, block(line, len));
		line += len;
		line += *line == '\n';
	}
	event_put(card, "$schema",
		  json_string("http://adaptivecards.io/schemas/"
			      "adaptive-card.json"));
	event_put(card, "type", json_string("AdaptiveCard"));
	event_put(card, "version", json_string("1.2"));
	event_put(card, "body", lines);
	event_put(look, "width", json_string("Full"));
	event_put(card, "msteams", look);
	event_put(attachment, "contentType",
		  json_string("application/vnd.microsoft.card.adaptive"));
	event_put(attachment, "contentUrl", json_null());
	event_put(attachment, "content", card);
	append_field(attachments, attachment);
	event_put(object, "type", json_string("message"));
	event_put(object, "attachments", attachments);
	return object;
}

/* ---- ntfy ---------------------------------------------------------------- */

/* How much it matters, and the tag beside it, an emoji of ntfy's list.
 * docs.ntfy.sh, "Publishing": message title, priority (min, low, default, high,
 * urgent), tags and emojis; the text itself is the body. */
static void rank(enum ls_event event, struct chat_post *post_r)
{
	switch (event) {
	case LS_EVENT_FREEZE:
	case LS_EVENT_SUSPICIOUS:
	case LS_EVENT_ALARM:
		post_r->priority = "high";
		post_r->tags = "rotating_light";
		return;
	case LS_EVENT_LOCK:
		post_r->priority = "default";
		post_r->tags = "lock";
		return;
	case LS_EVENT_UNLOCK:
	case LS_EVENT_RELEASE:
	case LS_EVENT_TRUST:
		post_r->priority = "low";
		post_r->tags = "unlock";
		return;
	case LS_EVENT_DISTRUST:
	case LS_EVENT_FORGET:
		post_r->priority = "low";
		post_r->tags = "lock";
		return;
	default:
		post_r->priority = "low";
		post_r->tags = "email";
		return;
	}
}

/* "lockstep on mx1: freeze". A header's value: printable ASCII alone. */
static void set_title(const json_t *message, struct chat_post *post_r)
{
	bool one = json_integer_value(json_object_get(
			   json_object_get(message, "data"), "count")) == 1;
	enum ls_event event = one ? tell_gravest(message) : tell_event(message);

	snprintf(post_r->title, sizeof(post_r->title), "lockstep on %.80s: %s",
		 tell_host(message),
		 event == LS_EVENT_NONE ? "digest" : ls_event_name(event));
	for (char *c = post_r->title; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

/* ---- all of them --------------------------------------------------------- */

void chat_post(enum ls_format format, const char *message, uint64_t real_ms,
	       struct chat_post *post_r)
{
	json_t *object = json_loads(message, 0, NULL), *form;
	struct prose prose;

	memset(post_r, 0, sizeof(*post_r));
	prose_start(&prose, format, prose_limit(format));
	tell_message(&prose, object, real_ms);
	if (format == LS_FORMAT_NTFY) {
		rank(tell_gravest(object), post_r);
		set_title(object, post_r);
		post_r->type = "text/plain; charset=utf-8";
		post_r->body = strdup(prose.text);
		if (post_r->body == NULL)
			log_fatal("out of memory");
	} else {
		form = format == LS_FORMAT_SLACK     ? slack(&prose)
		       : format == LS_FORMAT_DISCORD ? discord(&prose)
						     : teams(&prose);
		post_r->type = "application/json";
		post_r->body = webhook_body(form);
		json_decref(form);
	}
	post_r->length = strlen(post_r->body);
	json_decref(object);
}
