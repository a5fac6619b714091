#include "lockstep-config.h"

#include "post/hook.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post/delivery.h"

/* More than anybody has; a policy file that never ends must not hang us. */
enum { HOOKS_MAX = 64 };

static bool is_loopback_url(const char *host)
{
	struct in_addr in;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &in) == 1 &&
		ntohl(in.s_addr) >> 24 == 127;
}

/* Sets what follows from the URL. Returns false when it is none to post to. */
static bool look_at_url(struct hook *hook)
{
	const char *after = strstr(hook->url, "://");
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *url = curl_url();
	bool good;

	if (url == NULL)
		log_fatal("out of memory");
	/* libcurl takes https:/path, too, with the path's begin for a host */
	good = after != NULL && after[3] != '/' &&
		curl_url_set(url, CURLUPART_URL, hook->url, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		(strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
	if (good) {
		curl_url_get(url, CURLUPART_PORT, &port, 0);
		hook->loopback = is_loopback_url(host);
		snprintf(hook->site, sizeof(hook->site), "%s://%s%s%s", scheme,
			 host, port != NULL ? ":" : "",
			 port != NULL ? port : "");
	}
	if (good && !hook->loopback && strcmp(scheme, "http") == 0)
		log_line("webhook \"%s\": %s: anybody on the way can read "
			 "what is posted by http%s; use https",
			 hook->conf.name, hook->site,
			 hook->conf.format == LS_FORMAT_JSON
				 ? ""
				 : ", and use its address");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return good;
}

struct hook *hooks_find(const struct hooks *hooks, const char *name)
{
	struct hook *hook = hooks->first;

	while (hook != NULL && strcmp(hook->conf.name, name) != 0)
		hook = hook->next;
	return hook;
}

static bool same_conf(const struct ls_webhook *a, const struct ls_webhook *b)
{
	return strcmp(a->url, b->url) == 0 &&
		strcmp(a->url_file, b->url_file) == 0 &&
		strcmp(a->secret_file, b->secret_file) == 0 &&
		a->format == b->format && a->events == b->events && a->digest_ms == b->digest_ms;
}

static void give_chance(struct hook *hook)
{
	hook->gone = false;
	hook->failures = 0;
	hook->rest_until_ms = 0;
	hook->answer = 0;
}

static void wipe(struct hook *hook)
{
	secret_wipe(&hook->secret);
	sodium_memzero(hook->token, sizeof(hook->token));
}

static void set_conf(struct hook *hook, const struct ls_webhook *conf)
{
	hook->conf = *conf;
	hook->on = false;
	hook->url[0] = '\0';
	give_chance(hook);
	wipe(hook);
	log_settled(&hook->off_log);
}

static struct hook *append_event(struct hooks *hooks)
{
	struct hook **link = &hooks->first;

	while (*link != NULL)
		link = &(*link)->next;
	*link = calloc(1, sizeof(**link));
	if (*link == NULL)
		log_fatal("out of memory");
	return *link;
}

static void hook_free(struct hook *hook, struct delivery *delivery)
{
	delivery_cancel(delivery, hook);
	digest_clear(&hook->digest);
	wipe(hook);
	sodium_memzero(hook->url, sizeof(hook->url));
	free(hook);
}

static void remove_dropped(struct hooks *hooks, struct delivery *delivery)
{
	struct hook **link = &hooks->first;

	while (*link != NULL) {
		struct hook *hook = *link;

		if (hook->kept) {
			hook->kept = false;
			link = &hook->next;
			continue;
		}
		*link = hook->next;
		hook_free(hook, delivery);
	}
}

/* Names go into JSON and file contents: printable ASCII is all they need. */
static void clean_name(char *name)
{
	for (; *name != '\0'; name++) {
		if (*name < ' ' || *name > '~')
			*name = '_';
	}
}

unsigned hooks_load(struct hooks *hooks, struct ls_state *state,
		    struct delivery *delivery)
{
	struct ls_webhook conf;
	unsigned count = 0;

	while (count < HOOKS_MAX && ls_webhook_get(state, count, &conf) == 1) {
		struct hook *hook;

		count++;
		clean_name(conf.name);
		hook = hooks_find(hooks, conf.name);
		if (hook == NULL) {
			hook = append_event(hooks);
			set_conf(hook, &conf);
		} else if (!hook->kept && !same_conf(&hook->conf, &conf)) {
			delivery_cancel(delivery, hook);
			set_conf(hook, &conf);
		}
		hook->kept = true;
	}
	remove_dropped(hooks, delivery);
	hooks_read_files(hooks, delivery);
	return count;
}

/* Takes the URL over, from its file if it has one. One that is another than
 * before may be the way to another receiver. */
static int read_url(struct hooks *hooks, struct hook *hook,
		    struct delivery *delivery, struct ls_error *error_r)
{
	char url[sizeof(hook->url)];
	bool in_file = hook->conf.url_file[0] != '\0';

	memcpy(url, hook->conf.url, sizeof(url));
	if (in_file && secret_read_line(hook->conf.url_file, url, sizeof(url),
					error_r) < 0)
		return error_r->code;
	if (hook->url[0] == '\0' || strcmp(url, hook->url) != 0) {
		hook->on = false;
		if (hook->url[0] != '\0') {
			/* what the old one answers says nothing of it */
			delivery_cancel(delivery, hook);
			hooks->unsaved = hooks->unsaved || hook->gone;
			give_chance(hook);
		}
		memcpy(hook->url, url, sizeof(url));
		sodium_memzero(url, sizeof(url));
		if (!look_at_url(hook)) {
			hook->url[0] = '\0';
			return in_file ? error_set(error_r, LS_EFORMAT,
						   "%s: holds no https or "
						   "http address",
						   hook->conf.url_file)
				       : error_set(error_r, LS_EFORMAT,
						   "its url is not one of "
						   "https or http");
		}
	}
	return 0;
}

/* What signs, or opens the door. */
static int read_secret(struct hook *hook, struct ls_error *error_r)
{
	wipe(hook);
	if (hook->conf.format == LS_FORMAT_JSON)
		return secret_read(hook->conf.secret_file, &hook->secret,
				   error_r);
	if (hook->conf.format == LS_FORMAT_NTFY &&
	    hook->conf.secret_file[0] != '\0')
		return secret_read_line(hook->conf.secret_file, hook->token,
					sizeof(hook->token), error_r);
	if (hook->conf.format < LS_FORMAT_COUNT)
		return 0;
	return error_set(error_r, LS_EVERSION,
			 "its format is one of a newer lockstep");
}

void hooks_read_files(struct hooks *hooks, struct delivery *delivery)
{
	for (struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		struct ls_error error;
		bool good = read_url(hooks, hook, delivery, &error) == 0 &&
			read_secret(hook, &error) == 0;
		bool was_on = hook->on;

		hook->on = good;
		if (!hook->on)
			log_changed(&hook->off_log, "webhook \"%s\": off: %s; "
				    "looked at again each minute",
				    hook->conf.name, error.text);
		else if (log_settled(&hook->off_log) || !was_on)
			log_line("webhook \"%s\": posts to %s",
				 hook->conf.name, hook->site);
	}
}

void hooks_revive(struct hooks *hooks)
{
	for (struct hook *hook = hooks->first; hook != NULL;
	     hook = hook->next) {
		if (hook->gone)
			hooks->unsaved = true;
		give_chance(hook);
	}
}

void hooks_free(struct hooks *hooks, struct delivery *delivery)
{
	struct hook *hook, *next;

	for (hook = hooks->first; hook != NULL; hook = next) {
		next = hook->next;
		hook_free(hook, delivery);
	}
	hooks->first = NULL;
}

bool hook_ready(const struct hook *hook)
{
	return hook->on && !hook->gone;
}

void hook_fingerprint(const struct hook *hook,
		      char text_r[HOOK_FINGERPRINT_TEXT])
{
	const struct ls_webhook *conf = &hook->conf;
	uint8_t hash[(HOOK_FINGERPRINT_TEXT - 1) / 2];
	char text[sizeof(hook->url) + sizeof(conf->url_file) +
		  sizeof(conf->secret_file) + 64];
	int length;

	/* the URL that a file holds too: with another one it is another webhook */
	length = snprintf(text, sizeof(text),
			  "%s %s %s %" PRIu32 " %" PRIu32 " %" PRIu64,
			  hook->url, conf->url_file, conf->secret_file,
			  conf->format, conf->events, conf->digest_ms);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)text,
			   (unsigned long long)length, NULL, 0);
	sodium_memzero(text, sizeof(text));
	sodium_bin2hex(text_r, HOOK_FINGERPRINT_TEXT, hash, sizeof(hash));
}
