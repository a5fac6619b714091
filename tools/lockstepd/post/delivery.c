#include "lockstep-config.h"

#include "post/delivery.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"
#include "post/retry.h"
#include "webhook/webhook.h"
#include "shared/log.h"

enum {
	TIMEOUT_MS = 20 * 1000,
	CONNECT_TIMEOUT_MS = 10 * 1000,
	ANSWER_MAX = 64 * 1024, /* bytes of an answer's body, all ignored */
};

struct delivery {
	struct outbox *outbox;
	CURLM *multi;
	unsigned active;
};

struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	struct message *message;
	struct chat_post post; /* of a format that is not JSON */
	size_t received;
	char error[CURL_ERROR_SIZE];
};

struct delivery *delivery_init(struct outbox *outbox)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery == NULL)
		log_fatal("out of memory");
	delivery->outbox = outbox;
	delivery->multi = curl_multi_init();
	if (delivery->multi == NULL)
		log_fatal("libcurl does not start");
	return delivery;
}

void delivery_deinit(struct delivery **delivery)
{
	curl_multi_cleanup((*delivery)->multi);
	free(*delivery);
	*delivery = NULL;
}

void delivery_wait(struct delivery *delivery, int fd, int timeout_ms)
{
	struct curl_waitfd wait = { .fd = fd, .events = CURL_WAIT_POLLIN };

	curl_multi_poll(delivery->multi, &wait, 1, timeout_ms, NULL);
}

/* The answer's body says nothing to us; one without end is broken off. */
static size_t discard(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	(void)data;
	transfer->received += size * count;
	return transfer->received <= ANSWER_MAX ? size * count : 0;
}

static bool add_header(struct transfer *transfer, const char *format, ...)
	LOG_FORMAT(2, 3);

static bool add_header(struct transfer *transfer, const char *format, ...)
{
	char text[WEBHOOK_SIGNATURE_TEXT + 64];
	struct curl_slist *list;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	list = curl_slist_append(transfer->headers, text);
	if (list == NULL)
		return false;
	transfer->headers = list;
	return true;
}

/* A chat service wants its own form, and verifies nothing. */
static bool set_chat(struct transfer *transfer, const struct hook *hook,
		     uint64_t real_ms)
{
	struct chat_post *post = &transfer->post;

	chat_post((enum ls_format)hook->conf.format, transfer->message->body,
		  real_ms, post);
	return add_header(transfer, "Content-Type: %s", post->type) &&
		(post->title[0] == '\0' ||
		 add_header(transfer, "Title: %s", post->title)) &&
		(post->priority == NULL ||
		 add_header(transfer, "Priority: %s", post->priority)) &&
		(post->tags == NULL ||
		 add_header(transfer, "Tags: %s", post->tags)) &&
		(hook->token[0] == '\0' ||
		 add_header(transfer, "Authorization: Bearer %s",
			    hook->token)) &&
		add_header(transfer, "Expect:");
}

static bool set_headers(struct transfer *transfer, const struct hook *hook,
			uint64_t real_ms)
{
	const struct message *message = transfer->message;
	int64_t timestamp = (int64_t)(real_ms / 1000);
	char signature[WEBHOOK_SIGNATURE_TEXT];

	if (hook->conf.format != LS_FORMAT_JSON)
		return set_chat(transfer, hook, real_ms);
	webhook_sign(&hook->secret, message->id, timestamp, message->body,
		     message->length, signature);
	return add_header(transfer, "Content-Type: application/json") &&
		add_header(transfer, "webhook-id: %s", message->id) &&
		add_header(transfer, "webhook-timestamp: %" PRId64,
			   timestamp) &&
		add_header(transfer, "webhook-signature: %s", signature) &&
		/* no pause for a "100 Continue" */
		add_header(transfer, "Expect:");
}

static bool set_options(struct transfer *transfer, struct hook *hook)
{
	const struct message *message = transfer->message;
	const struct chat_post *post = &transfer->post;
	CURL *easy = transfer->easy;
	bool good = true;

#define SET(option, value) \
	(good = good && curl_easy_setopt(easy, option, value) == CURLE_OK)
	SET(CURLOPT_URL, hook->url);
	SET(CURLOPT_PROTOCOLS_STR, "https,http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* do not wait for a name server's answer when breaking off */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, post->body != NULL ? post->body
						   : message->body);
	SET(CURLOPT_POSTFIELDSIZE, (long)(post->body != NULL ?
					  post->length : message->length));
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_USERAGENT, "lockstep/" PACKAGE_VERSION);
	SET(CURLOPT_WRITEFUNCTION, discard);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_PRIVATE, hook);
	/* a proxy of the environment cannot reach this machine's loopback */
	if (hook->loopback)
		SET(CURLOPT_PROXY, "");
#undef SET
	return good;
}

static void start(struct delivery *delivery, struct hook *hook,
		  struct message *message, const struct event_clock *clock)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		log_fatal("out of memory");
	transfer->message = message;
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL ||
	    !set_headers(transfer, hook, clock->real_ms) ||
	    !set_options(transfer, hook) ||
	    curl_multi_add_handle(delivery->multi, transfer->easy) != CURLM_OK)
		log_fatal("libcurl refuses a transfer");
	message->busy = true;
	hook->transfer = transfer;
	delivery->active++;
}

void delivery_start(struct delivery *delivery, struct hooks *hooks,
		    const struct event_clock *clock)
{
	for (struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		struct message *message;

		if (hook->transfer != NULL || !hook_ready(hook) ||
		    clock->now_ms < hook->rest_until_ms)
			continue;
		message = outbox_pick(delivery->outbox, hook->conf.name,
				      clock->now_ms);
		if (message != NULL)
			start(delivery, hook, message, clock);
	}
}

void delivery_cancel(struct delivery *delivery, struct hook *hook)
{
	struct transfer *transfer = hook->transfer;

	if (transfer == NULL)
		return;
	hook->transfer = NULL;
	delivery->active--;
	transfer->message->busy = false;
	curl_multi_remove_handle(delivery->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->post.body);
	free(transfer);
}

/* What a receiver answered, or why it did not. */
struct answer {
	enum retry_answer meaning;
	long code;       /* the HTTP status, or minus a CURLcode */
	int64_t after_s; /* Retry-After, or 0 */
	char text[CURL_ERROR_SIZE + 32]; /* for the log: no part of the URL */
};

static void read_response(const struct transfer *transfer, CURLcode result,
			  struct answer *answer_r)
{
	size_t size = sizeof(answer_r->text);
	curl_off_t after_s = 0;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &after_s);
	answer_r->meaning = retry_classify(status);
	answer_r->code = status >= 200 ? status : -(long)result;
	answer_r->after_s = after_s;
	if (status >= 300 && status < 400)
		snprintf(answer_r->text, size, "answered %ld, a redirect, "
			 "which is not followed", status);
	else if (status >= 200)
		snprintf(answer_r->text, size, "answered %ld", status);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		snprintf(answer_r->text, size, "gave no answer in time");
	else
		snprintf(answer_r->text, size, "gave no answer: %s",
			 transfer->error[0] != '\0' ? transfer->error :
			 curl_easy_strerror(result));
}

static void accepted(struct delivery *delivery, struct hook *hook,
		     struct message *message, const struct event_clock *clock)
{
	outbox_remove(delivery->outbox, message);
	/* what waited only for the receiver need not wait any longer */
	if (hook->failures > 0)
		outbox_wake(delivery->outbox, hook->conf.name, false,
			    clock->now_ms);
	if (retry_classify(hook->answer) != RETRY_ACCEPTED)
		log_line("webhook \"%s\": %s accepts messages; %u more waiting",
			 hook->conf.name, hook->site,
			 outbox_count(delivery->outbox, hook->conf.name));
	hook->failures = 0;
	hook->rest_until_ms = 0;
}

static void gone(struct hooks *hooks, struct hook *hook)
{
	log_line("webhook \"%s\": %s answered 410, gone: off until its "
		 "configuration changes or SIGHUP comes", hook->conf.name,
		 hook->site);
	hook->gone = true;
	digest_clear(&hook->digest);
	hooks->unsaved = true;
}

/* Sets when the message comes next. */
static void failed(struct delivery *delivery, struct hook *hook,
		   struct message *message, const struct answer *answer,
		   const struct event_clock *clock)
{
	uint64_t wait_ms, rest_ms = 0;

	message->attempts++;
	message->refused = answer->meaning == RETRY_REFUSED;
	wait_ms = retry_message_ms(message->attempts, randombytes_random());
	if (answer->meaning == RETRY_BUSY) {
		hook->failures++;
		rest_ms = retry_rest_ms(hook->failures, answer->after_s,
					randombytes_random());
		hook->rest_until_ms = clock->now_ms + rest_ms;
	}
	if (wait_ms < rest_ms)
		wait_ms = rest_ms;
	message->next_ms = clock->now_ms + wait_ms;
	/* said once: the same answer again is no news */
	if (answer->code != hook->answer)
		log_line("webhook \"%s\": %s %s; %u waiting, %s for %" PRIu64
			 " s", hook->conf.name, hook->site, answer->text,
			 outbox_count(delivery->outbox, hook->conf.name),
			 message->id, (wait_ms + 500) / 1000);
}

static void finish_transfer(struct delivery *delivery, struct hooks *hooks,
			    struct hook *hook, CURLcode result,
			    const struct event_clock *clock)
{
	struct message *message = hook->transfer->message;
	struct answer answer;

	read_response(hook->transfer, result, &answer);
	delivery_cancel(delivery, hook);
	switch (answer.meaning) {
	case RETRY_ACCEPTED:
		accepted(delivery, hook, message, clock);
		break;
	case RETRY_GONE:
		gone(hooks, hook);
		break;
	case RETRY_BUSY:
	case RETRY_REFUSED:
		failed(delivery, hook, message, &answer, clock);
		break;
	}
	hook->answer = answer.code;
}

void delivery_advance(struct delivery *delivery, struct hooks *hooks,
		      const struct event_clock *clock)
{
	int left = 0;
	CURLMsg *info;

	curl_multi_perform(delivery->multi, &left);
	while ((info = curl_multi_info_read(delivery->multi, &left)) != NULL) {
		CURLcode result = info->data.result;
		char *context = NULL;

		if (info->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(info->easy_handle, CURLINFO_PRIVATE,
				  &context);
		/* `info` ends with the transfer */
		finish_transfer(delivery, hooks, (struct hook *)(void *)context,
				result, clock);
	}
}

unsigned delivery_active(const struct delivery *delivery)
{
	return delivery->active;
}
