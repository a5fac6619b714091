/* post_bed.h - one webhook of a world, and a receiver of it on this machine
 *
 * The receiver is a socket that the test itself serves: what was posted last is in
 * `posted`. Time is the world's. */
#ifndef LS_POST_BED_H
#define LS_POST_BED_H

#include "feed/feed.h"
#include "post/delivery.h"
#include "world_bed.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_A "msg_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "msg_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SECRET_OLD "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECRET_NEW "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static struct ls_webhook conf;
static struct hooks hooks;
static struct outbox *outbox;
static struct delivery *delivery;
static int receiver;
static char posted[8192];

static inline struct event_clock clock_now(void)
{
	return (struct event_clock){ .now_ms = world.now_ms,
				     .real_ms = world.real_ms };
}

static inline void write_secret(const char *name, const char *secret)
{
	FILE *file;

	snprintf(conf.secret_file, sizeof(conf.secret_file), "%s/%s", world.dir,
		 name);
	file = fopen(conf.secret_file, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "%s\n", secret) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(conf.secret_file, 0600), 0);
}

/* The policy says what `conf` does. */
static inline void load_conf(void)
{
	world.webhook = &conf;
	world_open(&world, GUARD);
	check("webhooks", hooks_load(&hooks, world.state, delivery), 1);
}

static inline void attach_outbox(void)
{
	struct event_clock clock = clock_now();
	struct ls_error error = { 0, "" };

	outbox = outbox_new(world.policy_path);
	delivery = delivery_init(outbox);
	if (outbox_attach(outbox, &clock, &error) != 1)
		fail_msg("%s", error.text);
}

/* As a daemon that is killed: what is in memory alone is gone. */
static inline void drop_all(void)
{
	hooks_free(&hooks, delivery);
	delivery_deinit(&delivery);
	outbox_free(&outbox);
	memset(&hooks, 0, sizeof(hooks));
}

static inline int setup_post(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);

	setup(state);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(receiver, (struct sockaddr *)&address, length) != 0 ||
	    listen(receiver, 8) != 0 ||
	    getsockname(receiver, (struct sockaddr *)&address, &length) != 0 ||
	    fcntl(receiver, F_SETFL, O_NONBLOCK) != 0)
		return -1;
	memset(&conf, 0, sizeof(conf));
	strcpy(conf.name, "ops");
	snprintf(conf.url, sizeof(conf.url), "http://127.0.0.1:%u/hook",
		 (unsigned)ntohs(address.sin_port));
	conf.format = LS_FORMAT_JSON;
	conf.events = UINT32_C(1) << LS_EVENT_LOCK;
	write_secret("secret", SECRET_OLD);
	attach_outbox();
	load_conf();
	return 0;
}

static inline int teardown_post(void **state)
{
	drop_all();
	close(receiver);
	return teardown(state);
}

static inline void put(const char *id)
{
	struct event_clock clock = clock_now();

	outbox_put(outbox, "ops", id, strdup("{\"type\":\"lock\"}"), &clock);
}

/* Takes one request, whole; the client that sends it is moved on meanwhile. */
static inline void take_request(int fd, const char *answer,
				const struct event_clock *clock)
{
	const char *end, *length;
	size_t size = 0;

	do {
		ssize_t got = recv(fd, posted + size, sizeof(posted) - 1 - size,
				   MSG_DONTWAIT);

		assert_int_not_equal(got, 0);
		size += got > 0 ? (size_t)got : 0;
		posted[size] = '\0';
		end = strstr(posted, "\r\n\r\n");
		length = strstr(posted, "Content-Length: ");
		delivery_advance(delivery, &hooks, clock);
	} while (end == NULL || length == NULL ||
		 size < (size_t)(end + 4 - posted) +
				strtoul(length + 16, NULL, 10));
	dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: 0\r\n"
		    "Connection: close\r\n\r\n", answer);
	close(fd);
}

/* Starts what is due, and has it answered so. Returns whether anything was. */
static inline bool deliver(const char *answer)
{
	struct event_clock clock = clock_now();

	posted[0] = '\0';
	delivery_start(delivery, &hooks, &clock);
	if (delivery_active(delivery) == 0)
		return false;
	while (delivery_active(delivery) > 0) {
		int fd;

		delivery_advance(delivery, &hooks, &clock);
		fd = accept(receiver, NULL, NULL);
		if (fd >= 0)
			take_request(fd, answer, &clock);
		else if (delivery_active(delivery) > 0)
			delivery_wait(delivery, receiver, 100);
	}
	return true;
}

/* The value of a header of what was posted last. */
static inline const char *header(const char *name)
{
	static char value[512];
	const char *at = strstr(posted, name);

	value[0] = '\0';
	if (at != NULL)
		sscanf(at + strlen(name), ": %511[^\r]", value);
	return value;
}

/* Is it signed by this secret, as of this moment? */
static inline bool is_signed(const char *secret)
{
	const char *body = strstr(posted, "\r\n\r\n") + 4;
	char id[WEBHOOK_ID_TEXT], want[WEBHOOK_SIGNATURE_TEXT];
	struct ls_error error;
	struct secret keys;

	assert_int_equal(secret_parse(secret, strlen(secret), &keys, &error),
			 0);
	snprintf(id, sizeof(id), "%s", header("webhook-id"));
	webhook_sign(&keys, id, (int64_t)(world.real_ms / 1000), body,
		     strlen(body), want);
	return strcmp(header("webhook-signature"), want) == 0;
}

#define POST_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, setup_post, teardown_post)

#define POST_MAIN(tests)                                                       \
	int main(void)                                                         \
	{                                                                      \
		if (sodium_init() < 0 ||                                       \
		    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)         \
			return 1;                                              \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
