/* lockstepd.c - what is done beside logins and messages, not within them
 *
 * One process in the foreground, one thread, one loop: reads the journals every
 * quarter of a second, posts the webhooks, shows each second that it lives,
 * takes over a new policy, and writes the snapshot each minute and at its end.
 * Mail does not depend on it: while it is down, nothing is told and nothing is
 * saved, and that is all.
 *
 * Limits: 64 webhooks; 1,000 undelivered messages, of 20,000 bytes each and for
 * 3 days; one transfer of at most 20 s for each webhook at a time; the journal
 * keeps as many events as the policy's journal-size for the time it is down.
 *
 * SIGTERM, SIGINT: what was read goes into the outbox, the snapshot is written,
 * and the process ends within 2 s. SIGHUP: takes over the policy and the secret
 * files at once, and tries again what waits. */
#include "lockstep-config.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "feed/feed.h"
#include "lockstep.h"
#include "outbox/outbox.h"
#include "post/delivery.h"
#include "post/hook.h"
#include "shared/log.h"

enum {
	LOOK_EVERY_MS = 250,
	OPEN_EVERY_MS = 2000,
	CHECK_EVERY_MS = 10 * 1000,
	LAST_WORDS_MS = 500, /* for transfers under way when told to stop */
};

struct daemon {
	const char *policy_path;
	struct ls_state *state; /* NULL: not open */
	struct outbox *outbox;
	struct delivery *delivery;
	struct hooks hooks;
	struct feed feed;
	int signal_fd;
	bool stop, reload, open; /* what is to be done */
	uint64_t open_at_ms, second_at_ms, check_at_ms, minute_at_ms;
	struct log_place open_log, check_log, outbox_log, snapshot_log;
	struct ls_error but; /* what was said of a state that is open */
};

static uint64_t daemon_clock_ms(clockid_t id)
{
	struct timespec time;

	clock_gettime(id, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The moment, with the time of day as everybody tells it. */
static struct event_clock clock_now(const struct daemon *daemon)
{
	struct event_clock clock = { .now_ms = daemon_clock_ms(CLOCK_BOOTTIME),
				     .real_ms =
					     daemon_clock_ms(CLOCK_REALTIME) };

	if (daemon->state != NULL)
		clock.real_ms =
			clock.now_ms + ls_clocks_apart(daemon->state,
						       clock.now_ms,
						       clock.real_ms);
	return clock;
}

/* Arguments for ls_open(), which wants the clocks as they are. */
static struct ls_open_args open_args(const struct daemon *daemon,
				     unsigned flags)
{
	return (struct ls_open_args){
		.policy_path = daemon->policy_path,
		.flags = flags,
		.now_ms = daemon_clock_ms(CLOCK_BOOTTIME),
		.real_ms = daemon_clock_ms(CLOCK_REALTIME),
	};
}

/* Attaches the outbox to its directory if it is not. Returns LS_EACCES when
 * another lockstepd has it. */
static int attach_outbox(struct daemon *daemon, const struct event_clock *clock)
{
	struct ls_error error;
	int ret = outbox_attach(daemon->outbox, clock, &error);

	if (ret < 0) {
		log_changed(&daemon->outbox_log, "outbox: %s; messages are "
			    "kept in memory only", error.text);
		return ret;
	}
	log_settled(&daemon->outbox_log);
	if (ret == 1 && outbox_count(daemon->outbox, NULL) > 0)
		log_line("outbox: %u undelivered",
			 outbox_count(daemon->outbox, NULL));
	return 0;
}

static void tell_open(struct daemon *daemon, const struct ls_error *error)
{
	log_changed(&daemon->open_log, "%s; opening it is tried every %d s",
		    error->text, OPEN_EVERY_MS / 1000);
}

/* Reads to the end of the journals and keeps all of it in the outbox. */
static void read_out(struct daemon *daemon, const struct event_clock *clock)
{
	if (daemon->state != NULL) {
		/* an end that others keep moving must not hold us */
		for (int i = 0; i < 64; i++) {
			if (!feed_read(&daemon->feed, daemon->state, clock))
				break;
		}
	}
	feed_flush(&daemon->feed, true, clock);
	feed_save(&daemon->feed, true, clock);
}

static void load_hooks(struct daemon *daemon, const char *what)
{
	unsigned count = hooks_load(&daemon->hooks, daemon->state,
				    daemon->delivery);

	log_line("%s: %s; %u webhook%s", daemon->policy_path, what, count,
		 count == 1 ? "" : "s");
}

/* Opens the state, in place of one that may be open. When that fails, things
 * stay as they are and it is tried again. */
static void open_state(struct daemon *daemon, const struct event_clock *clock)
{
	const struct ls_open_args args =
		open_args(daemon, LS_GUARD_WRITE | LS_SESSIONS_WRITE |
					  LS_CREATE | LS_CONTACTS);
	struct ls_error error = { .text = "" };
	struct ls_state *fresh;

	daemon->open_at_ms = clock->now_ms + OPEN_EVERY_MS;
	if (ls_open(&args, &fresh, &error) < 0) {
		tell_open(daemon, &error);
		return;
	}
	log_settled(&daemon->open_log);
	if (error.text[0] != '\0') /* it is open, but */
		log_line("%s", error.text);
	daemon->but = error;
	if (daemon->state != NULL) {
		read_out(daemon, clock);
		ls_close(&daemon->state);
	}
	daemon->state = fresh;
	daemon->open = false;
	load_hooks(daemon, "open");
	/* two daemons would post everything twice */
	if (attach_outbox(daemon, clock) == LS_EACCES)
		exit(EXIT_FAILURE);
	feed_start(&daemon->feed, daemon->state, clock);
}

/* Takes over a newer policy. When that is not usable, or a map was replaced or
 * spoilt, the state is to be opened anew as soon as that works. */
static void refresh(struct daemon *daemon, const struct event_clock *clock)
{
	struct ls_error error;
	int ret = ls_refresh(daemon->state, clock->now_ms, &error);

	if (ret > 0) {
		log_settled(&daemon->open_log);
		load_hooks(daemon, "new policy in force");
	} else if (ret < 0) {
		tell_open(daemon, &error);
		daemon->open = true;
		daemon->open_at_ms = clock->now_ms;
	}
}

static void save_snapshot(struct daemon *daemon,
			  const struct event_clock *clock)
{
	struct ls_error error;

	if (daemon->state == NULL)
		return;
	if (ls_snapshot_save(daemon->state, clock->now_ms, clock->real_ms,
			     &error) < 0)
		log_changed(&daemon->snapshot_log, "snapshot: %s", error.text);
	else if (log_settled(&daemon->snapshot_log))
		log_line("snapshot: written again");
}

static void reload(struct daemon *daemon, const struct event_clock *clock)
{
	daemon->reload = false;
	log_line("SIGHUP: reloading");
	daemon->open_at_ms = clock->now_ms;
	if (daemon->state != NULL)
		refresh(daemon, clock);
	hooks_read_files(&daemon->hooks, daemon->delivery);
	hooks_revive(&daemon->hooks);
	for (struct hook *hook = daemon->hooks.first; hook != NULL;
	     hook = hook->next)
		outbox_wake(daemon->outbox, hook->conf.name, true,
			    clock->now_ms);
}

static void each_minute(struct daemon *daemon, const struct event_clock *clock)
{
	daemon->minute_at_ms = clock->now_ms + 60 * 1000;
	save_snapshot(daemon, clock);
	hooks_read_files(&daemon->hooks, daemon->delivery);
	if (daemon->feed.map[0] != '\0')
		attach_outbox(daemon, clock);
	outbox_upkeep(daemon->outbox, clock->now_ms);
}

/* Programs that run hold what they opened, and notice nothing when files are
 * removed or spoilt beside them: say it before they are started again. */
static void check_files(struct daemon *daemon, const struct event_clock *clock)
{
	const struct ls_open_args args =
		open_args(daemon, LS_GUARD_READ | LS_SESSIONS_READ);
	struct ls_error error;
	struct ls_state *fresh;

	daemon->check_at_ms = clock->now_ms + CHECK_EVERY_MS;
	if (daemon->open) /* what is wrong was said */
		return;
	if (ls_open(&args, &fresh, &error) < 0) {
		if (strcmp(error.text, daemon->but.text) != 0)
			log_changed(&daemon->check_log,
				    "%s; what is open goes on until it is "
				    "started again", error.text);
		return;
	}
	ls_close(&fresh);
	if (log_settled(&daemon->check_log))
		log_line("policy and maps can be opened again");
}

/* Messages for a webhook that is not there, is off, or does not take them. */
static unsigned count_stuck(const struct daemon *daemon)
{
	unsigned stuck = outbox_count(daemon->outbox, NULL);

	for (const struct hook *hook = daemon->hooks.first; hook != NULL;
	     hook = hook->next) {
		if (hook_ready(hook) && hook->failures < OUTBOX_TRIES)
			stuck -= outbox_count(daemon->outbox, hook->conf.name) -
				 outbox_failing(daemon->outbox,
						hook->conf.name);
	}
	return stuck;
}

static void tell_alive(struct daemon *daemon, const struct event_clock *clock)
{
	const struct ls_daemon_news news = {
		.lost = feed_take_lost(&daemon->feed),
		.dropped = outbox_take_dropped(daemon->outbox),
		.waiting = outbox_count(daemon->outbox, NULL),
		.stuck = count_stuck(daemon),
	};

	ls_daemon_seen(daemon->state, clock->now_ms, &news);
}

static void each_second(struct daemon *daemon, const struct event_clock *clock)
{
	daemon->second_at_ms = clock->now_ms + 1000;
	if (daemon->state == NULL)
		return;
	tell_alive(daemon, clock);
	ls_clocks_keep(daemon->state, daemon_clock_ms(CLOCK_BOOTTIME),
		       daemon_clock_ms(CLOCK_REALTIME));
	ls_sessions_sweep(daemon->state, clock->now_ms);
	refresh(daemon, clock);
	if (clock->now_ms >= daemon->check_at_ms)
		check_files(daemon, clock);
}

static void read_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			daemon->reload = true;
		else
			daemon->stop = true;
	}
}

static void run_daemon(struct daemon *daemon)
{
	struct event_clock clock = clock_now(daemon);
	bool more = false;

	daemon->minute_at_ms = clock.now_ms + 60 * 1000;
	while (!daemon->stop) {
		if (daemon->reload)
			reload(daemon, &clock);
		if (daemon->open && clock.now_ms >= daemon->open_at_ms)
			open_state(daemon, &clock);
		if (clock.now_ms >= daemon->second_at_ms)
			each_second(daemon, &clock);
		more = daemon->state != NULL &&
			feed_read(&daemon->feed, daemon->state, &clock);
		feed_flush(&daemon->feed, false, &clock);
		feed_save(&daemon->feed, false, &clock);
		if (clock.now_ms >= daemon->minute_at_ms)
			each_minute(daemon, &clock);
		delivery_start(daemon->delivery, &daemon->hooks, &clock);
		delivery_advance(daemon->delivery, &daemon->hooks, &clock);
		delivery_start(daemon->delivery, &daemon->hooks, &clock);
		delivery_wait(daemon->delivery, daemon->signal_fd,
			      more ? 0 : LOOK_EVERY_MS);
		clock = clock_now(daemon);
		read_signals(daemon);
	}
}

static void finish_work(struct daemon *daemon)
{
	struct event_clock clock = clock_now(daemon);
	uint64_t end_ms = clock.now_ms + LAST_WORDS_MS;

	if (daemon->feed.map[0] != '\0')
		attach_outbox(daemon, &clock);
	read_out(daemon, &clock);
	outbox_upkeep(daemon->outbox, clock.now_ms);
	save_snapshot(daemon, &clock);
	while (delivery_active(daemon->delivery) > 0 && clock.now_ms < end_ms) {
		delivery_wait(daemon->delivery, -1,
			      (int)(end_ms - clock.now_ms));
		clock = clock_now(daemon);
		delivery_advance(daemon->delivery, &daemon->hooks, &clock);
	}
	feed_save(&daemon->feed, false, &clock);
	if (daemon->state != NULL)
		tell_alive(daemon, &clock);
	log_line("stopped; %u undelivered in the outbox",
		 outbox_count(daemon->outbox, NULL));
	hooks_free(&daemon->hooks, daemon->delivery);
	delivery_deinit(&daemon->delivery);
	outbox_free(&daemon->outbox);
	ls_close(&daemon->state);
	close(daemon->signal_fd);
}

/* Signals are read from a descriptor in the loop; the threads that libcurl
 * starts for name look-ups inherit the mask. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0 ?
		signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) : -1;
	if (fd < 0)
		log_fatal("signalfd: %s", strerror(errno));
	return fd;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: lockstepd [-p POLICY]\n"
		"Posts Lockstep's events to webhooks and saves its state. Runs "
		"in the foreground.\n\n"
		"  -p, --policy POLICY  the compiled policy; without it "
		"$LOCKSTEP_POLICY or\n"
		"                       %s\n"
		"  -h, --help           this text\n"
		"      --version        the version\n", LS_POLICY_PATH);
}

static const char *parse_args(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = getenv("LOCKSTEP_POLICY");
	int option;

	if (path == NULL || path[0] == '\0')
		path = LS_POLICY_PATH;
	while ((option = getopt_long(argc, argv, "p:h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			path = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			printf("lockstepd %s\n", PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
	return path;
}

int main(int argc, char *argv[])
{
	struct daemon daemon = {
		.policy_path = parse_args(argc, argv),
		.open = true,
	};

	if (sodium_init() < 0)
		log_fatal("libsodium does not start");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		log_fatal("libcurl does not start");
	daemon.signal_fd = open_signals();
	daemon.outbox = outbox_new(daemon.policy_path);
	daemon.delivery = delivery_init(daemon.outbox);
	feed_init(&daemon.feed, &daemon.hooks, daemon.outbox);
	log_line("version %s started", PACKAGE_VERSION);
	run_daemon(&daemon);
	finish_work(&daemon);
	curl_global_cleanup();
	return EXIT_SUCCESS;
}
