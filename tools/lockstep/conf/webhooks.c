/* webhooks.c - webhook "name" { } */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "conf/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DIGEST_MAX_MS UINT64_C(86400000)
#define DIGEST_PRESET_MS UINT64_C(300000)

/* Where one webhook is being read. */
struct reading {
	struct conf *conf;
	cfg_t *section;
	struct ls_webhook *webhook;
	size_t title;
};

/* The words of `events`. The one without a number is none: a digest is how
 * others are told. */
static const struct {
	const char *name;
	enum ls_event event;
	bool preset;
} events[] = {
	{ "lock", LS_EVENT_LOCK, true },
	{ "unlock", LS_EVENT_UNLOCK, true },
	{ "freeze", LS_EVENT_FREEZE, true },
	{ "release", LS_EVENT_RELEASE, true },
	{ "suspicious", LS_EVENT_SUSPICIOUS, true },
	{ "alarm", LS_EVENT_ALARM, true },
	{ "digest", LS_EVENT_NONE, true },
	{ "login", LS_EVENT_LOGIN, false },
	{ "connect", LS_EVENT_CONNECT, false },
	{ "message", LS_EVENT_MESSAGE, false },
	{ "session", LS_EVENT_SESSION, false },
	{ "session-end", LS_EVENT_SESSION_END, false },
	{ "trust", LS_EVENT_TRUST, false },
	{ "distrust", LS_EVENT_DISTRUST, false },
	{ "forget", LS_EVENT_FORGET, false },
};

enum { EVENTS = sizeof(events) / sizeof(events[0]) };
/* The digest stands for LS_EVENT_NONE. */
_Static_assert((int)EVENTS == (int)LS_EVENT_COUNT, "each can be asked for");

const char *conf_event_of(const struct ls_webhook *webhook, size_t index)
{
	bool has;

	if (index >= EVENTS)
		return NULL;
	if (events[index].event == LS_EVENT_NONE)
		/* alone it changes nothing, and the list must not be empty */
		has = webhook->digest_ms > 0 || webhook->events == 0;
	else
		has = (webhook->events & 1U << events[index].event) != 0;
	return has ? events[index].name : "";
}

__attribute__((format(printf, 4, 5))) static void
complain(const struct reading *reading, size_t token, bool warning,
	 const char *format, ...)
{
	struct conf_where where = conf_where(reading->conf, token);
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (warning)
		conf_warning(&reading->conf->log, &where.place, "%s%s",
			     where.context, text);
	else
		conf_error(&reading->conf->log, &where.place, "%s%s",
			   where.context, text);
}

/* Something that must be there is not. */
static void lacks(const struct reading *reading, const char *what)
{
	complain(reading, reading->title, false, "webhook \"%s\": has no %s",
		 reading->webhook->name, what);
}

static bool is_loopback_host(const char *host, size_t len)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
					     "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t name_len = strlen(names[i]);

		if (len >= name_len && memcmp(host, names[i], name_len) == 0 &&
		    (len == name_len || host[name_len] == ':'))
			return true;
	}
	return false;
}

/* A chat service's URL is all that it takes to post there. */
static bool is_chat(const struct reading *reading)
{
	return reading->webhook->format != LS_FORMAT_JSON &&
	       reading->webhook->format < LS_FORMAT_COUNT;
}

static void take_url(const struct reading *reading,
		     const struct conf_value *value)
{
	const char *host;
	size_t len;

	host = strstr(value->text, "://");
	host = host == NULL ? value->text : host + 3;
	len = strcspn(host, "/?#");
	if ((strncmp(value->text, "https://", 8) != 0 &&
	     strncmp(value->text, "http://", 7) != 0) ||
	    len == 0 || strchr(value->text, ' ') != NULL) {
		complain(reading, value->token, false,
			 "url: \"%s\" is not an https:// (or http://) address",
			 value->text);
		return;
	}
	if (strlen(value->text) >= sizeof(reading->webhook->url)) {
		complain(reading, value->token, false,
			 "url: longer than %zu characters",
			 sizeof(reading->webhook->url) - 1);
		return;
	}
	/* policy.cdb is for everybody to read. */
	if (memchr(host, '@', len) != NULL)
		complain(reading, value->token, false,
			 "url: no user or password in it: all on this host can "
			 "read the compiled policy");
	if (value->text[4] == ':' && !is_loopback_host(host, len))
		complain(reading, value->token, true,
			 "url: http: whoever is on the way can read what is "
			 "posted");
	if (is_chat(reading) && !is_loopback_host(host, len))
		complain(reading, value->token, true,
			 "url: all on this host can read the compiled policy, "
			 "and with this post to %s; use url-file",
			 ls_format_name(
				 (enum ls_format)reading->webhook->format));
	strcpy(reading->webhook->url, value->text);
}

/* The path of a file that is root's alone. */
static void take_file(const struct reading *reading, const char *key,
		      char *path, size_t size)
{
	const struct conf_value *value =
		conf_tree_value(reading->section, key, 0);
	struct stat st;

	if (value->text[0] != '/') {
		complain(reading, value->token, false,
			 "%s: \"%s\" does not begin with /", key, value->text);
		return;
	}
	if (strlen(value->text) >= size) {
		complain(reading, value->token, false,
			 "%s: longer than %zu characters", key, size - 1);
		return;
	}
	if (stat(value->text, &st) < 0)
		complain(reading, value->token, true, "%s: %s: %s", key,
			 value->text, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		complain(reading, value->token, true, "%s: %s is not a file",
			 key, value->text);
	else if ((st.st_mode & 077) != 0)
		complain(reading, value->token, true,
			 "%s: others may read %s (mode %04o); chmod 600 it",
			 key, value->text, (unsigned)(st.st_mode & 07777));
	strcpy(path, value->text);
}

static void take_webhook_place(const struct reading *reading)
{
	const struct conf_value *url =
		conf_tree_value(reading->section, "url", 0);
	const struct conf_value *file =
		conf_tree_value(reading->section, "url-file", 0);

	if (url != NULL && file != NULL)
		complain(reading, file->token, false,
			 "url-file: there is a url as well; one of them is "
			 "enough");
	else if (url == NULL && file == NULL)
		lacks(reading, "url and no url-file");
	else if (url != NULL)
		take_url(reading, url);
	else
		take_file(reading, "url-file", reading->webhook->url_file,
			  sizeof(reading->webhook->url_file));
}

static void take_secret(const struct reading *reading)
{
	uint32_t format = reading->webhook->format;
	const struct conf_value *value =
		conf_tree_value(reading->section, "secret-file", 0);

	if (value == NULL && format == LS_FORMAT_JSON) {
		lacks(reading, "secret-file");
	} else if (value != NULL) {
		if (is_chat(reading) && format != LS_FORMAT_NTFY)
			complain(reading, value->token, true,
				 "secret-file: %s verifies nothing: it is not "
				 "used",
				 ls_format_name((enum ls_format)format));
		take_file(reading, "secret-file",
			  reading->webhook->secret_file,
			  sizeof(reading->webhook->secret_file));
	}
}

static void unknown_event(const struct reading *reading,
			  const struct conf_value *value)
{
	const char *near = NULL;
	char known[32 * EVENTS] = "";

	for (size_t i = 0; i < EVENTS; i++) {
		near = word_nearer(value->text, near, events[i].name);
		strcat(strcat(known, i == 0 ? "" : ", "), events[i].name);
	}
	if (near == NULL)
		complain(reading, value->token, false,
			 "events: no event \"%s\"; there are: %s", value->text,
			 known);
	else
		complain(reading, value->token, false,
			 "events: no event \"%s\"; did you mean \"%s\"?",
			 value->text, near);
}

/* Is this first value of a list one that += adds? The defaults are not in the
 * tree, where libConfuse would take their places from whatever it reads. */
static bool is_added(const struct reading *reading,
		     const struct conf_value *value)
{
	const struct conf_text *text = &reading->conf->text;
	size_t mark = value->token - 1;

	if (conf_token_is(text, mark, "{"))
		mark--;
	return conf_token_is(text, mark, "+=");
}

/* Returns whether digests are wanted. */
static bool take_events(const struct reading *reading)
{
	unsigned count = cfg_size(reading->section, "events");
	const struct conf_value *value = NULL;
	bool wanted[EVENTS], digest = false, presets;

	presets = count == 0 ||
		  is_added(reading,
			   conf_tree_value(reading->section, "events", 0));
	for (size_t i = 0; i < EVENTS; i++)
		wanted[i] = presets && events[i].preset;
	for (unsigned i = 0; i < count; i++) {
		size_t j = 0;

		value = conf_tree_value(reading->section, "events", i);
		while (j < EVENTS && strcmp(value->text, events[j].name) != 0)
			j++;
		if (j == EVENTS)
			unknown_event(reading, value);
		else
			wanted[j] = true;
	}
	for (size_t i = 0; i < EVENTS; i++) {
		if (wanted[i] && events[i].event != LS_EVENT_NONE)
			reading->webhook->events |= 1U << events[i].event;
		if (wanted[i] && strcmp(events[i].name, "digest") == 0)
			digest = true;
	}
	if (reading->webhook->events == 0 && value != NULL)
		complain(reading, value->token, true,
			 "events: \"digest\" alone is no event: nothing will be "
			 "posted");
	return digest;
}

static void take_digest(const struct reading *reading, bool wanted)
{
	const struct conf_value *value =
		conf_tree_value(reading->section, "digest", 0);
	uint64_t ms = DIGEST_PRESET_MS;

	if (value != NULL && ls_duration_parse(value->text, &ms) < 0) {
		complain(reading, value->token, false,
			 "digest: \"%s\" is not a duration like 5m (0s: none)",
			 value->text);
	} else if (value != NULL && ms > DIGEST_MAX_MS) {
		complain(reading, value->token, false,
			 "digest: \"%s\" is longer than 1d", value->text);
	} else if (value != NULL && ms > 0 && !wanted) {
		complain(reading, value->token, true,
			 "digest: without \"digest\" among the events each is "
			 "posted at once");
	}
	reading->webhook->digest_ms = wanted ? ms : 0;
}

static void take_format(const struct reading *reading)
{
	const struct conf_value *value =
		conf_tree_value(reading->section, "format", 0);
	const char *near = NULL;
	uint32_t format = LS_FORMAT_JSON;

	while (value != NULL && format < LS_FORMAT_COUNT &&
	       strcmp(value->text, ls_format_name((enum ls_format)format)) != 0)
		near = word_nearer(value->text, near,
				   ls_format_name((enum ls_format)format++));
	/* of one that is unknown, nothing follows for the other keys */
	reading->webhook->format = format;
	if (format == LS_FORMAT_COUNT && near != NULL)
		complain(reading, value->token, false,
			 "format: \"%s\" is none; did you mean \"%s\"?",
			 value->text, near);
	else if (format == LS_FORMAT_COUNT)
		complain(reading, value->token, false,
			 "format: \"%s\" is none; there are: json, slack, "
			 "discord, teams, ntfy",
			 value->text);
}

static void take_webhook(struct conf *conf, cfg_t *section)
{
	struct reading reading = {
		.conf = conf,
		.section = section,
		.title = conf_tree_title(&conf->text, section),
	};
	const char *name = cfg_title(section);

	conf->webhooks = conf_grow(conf->webhooks, conf->webhook_count,
				   sizeof(*conf->webhooks));
	reading.webhook = &conf->webhooks[conf->webhook_count++];
	memset(reading.webhook, 0, sizeof(*reading.webhook));
	if (name[0] == '\0' || strlen(name) >= sizeof(reading.webhook->name)) {
		complain(&reading, reading.title, false,
			 "webhook \"%.40s\": a name has 1 to %zu characters",
			 name, sizeof(reading.webhook->name) - 1);
		return;
	}
	strcpy(reading.webhook->name, name);
	take_format(&reading);
	take_webhook_place(&reading);
	take_secret(&reading);
	take_digest(&reading, take_events(&reading));
}

void conf_take_webhooks(struct conf *conf, cfg_t *tree)
{
	for (unsigned i = 0; i < cfg_size(tree, "webhook"); i++) {
		cfg_t *section = cfg_getnsec(tree, "webhook", i);
		struct conf_where where = conf_where(
			conf, conf_tree_title(&conf->text, section));

		if (i == LS_WEBHOOKS_MAX)
			conf_error(&conf->log, &where.place,
				   "webhook \"%.40s\": one more than %d",
				   cfg_title(section), LS_WEBHOOKS_MAX);
		take_webhook(conf, section);
	}
}
