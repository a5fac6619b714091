/* lock.c - lockstep lock and lockstep unlock */
#include "lockstep-config.h"

#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_PRESET_MS UINT64_C(3600000)

static char *subject_text(const struct ls_subject *subject,
			  char escaped_r[4 * LS_SUBJECT_TEXT])
{
	char text[LS_SUBJECT_TEXT];

	ls_subject_format(subject, text);
	return cli_escape(text, escaped_r, 4 * LS_SUBJECT_TEXT);
}

/* The network of "joe@example.com from 192.0.2.0/24", which `lockstep list`
 * writes for a place; NULL when it is no place. A name may have " from " in it,
 * too. */
static const char *place_network(const char *name, size_t *user_length_r)
{
	static const char between[] = " from ";
	const char *last = NULL, *found = strstr(name, between);
	struct ls_prefix prefix;

	for (; found != NULL; found = strstr(found + 1, between))
		last = found;
	if (last == NULL)
		return NULL;
	*user_length_r = (size_t)(last - name);
	last += strlen(between);
	return ls_prefix_parse(last, &prefix) == LS_EARG ? NULL : last;
}

/* ls_subject_parse(), and places. */
static int parse_subject(const struct ls_state *state, const char *name,
			 struct ls_subject *subject_r)
{
	size_t length = 0;
	const char *network = place_network(name, &length);
	struct ls_error error;
	int ret = ls_subject_parse(state, network == NULL ? name : network,
				   subject_r, &error);

	if (ret < 0) {
		cli_complain("%s", error.text);
		return ret;
	}
	if (network == NULL)
		return 0;
	if (length == 0 || length > LS_USER_MAX) {
		cli_complain("%s: neither an account nor one from a network",
			     name);
		return LS_EARG;
	}
	subject_r->kind = LS_KIND_PLACE;
	memcpy(subject_r->user, name, length);
	subject_r->user[length] = '\0';
	return 0;
}

/* When the lock of this subject ends; 0: none is found. */
static uint64_t locked_until(struct ls_state *state,
			     const struct ls_subject *subject)
{
	char want[LS_SUBJECT_TEXT], got[LS_SUBJECT_TEXT];
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	ls_subject_format(subject, want);
	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		if (!lock.named || lock.subject.kind != subject->kind)
			continue;
		ls_subject_format(&lock.subject, got);
		if (strcmp(want, got) == 0)
			return lock.until_ms;
	}
	return 0;
}

/* Whoever lets an address in again wants to know what still keeps it out. */
static void tell_wider_lock(struct ls_state *state,
			    const struct ls_subject *address)
{
	char text[4 * LS_SUBJECT_TEXT], until[CLI_TIME_TEXT];
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		if (!lock.named || lock.subject.kind != LS_KIND_NET ||
		    !ls_prefix_covers(&lock.subject.net, &address->net.addr))
			continue;
		subject_text(&lock.subject, text);
		cli_time_format(lock.until_ms, until);
		printf("%s %s around it is locked until %s\n",
		       ls_kind_name(LS_KIND_NET), text, until);
	}
}

static int lock(struct ls_state *state, const char *name, uint64_t length_ms,
		const char *reason)
{
	char text[4 * LS_SUBJECT_TEXT], until[CLI_TIME_TEXT];
	char by[LS_DETAIL_MAX + 1];
	struct ls_subject subject;
	uint64_t now_ms = cli_now_ms(), until_ms;
	int ret;

	if (parse_subject(state, name, &subject) < 0)
		return CLI_FAILED;
	subject_text(&subject, text);
	cli_who(reason, by);
	ret = ls_lock(state, &subject, length_ms, by, now_ms);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	until_ms = locked_until(state, &subject);
	if (until_ms == 0)
		until_ms = now_ms + length_ms;
	cli_time_format(until_ms, until);
	/* the map keeps seconds */
	printf("%s %s %s until %s\n", ls_kind_name(subject.kind), text,
	       until_ms > now_ms + length_ms + 2000 ? "stays locked"
						    : "is locked",
	       until);
	return CLI_DONE;
}

static int unlock(struct ls_state *state, const char *name, const char *reason)
{
	char text[4 * LS_SUBJECT_TEXT], by[LS_DETAIL_MAX + 1];
	struct ls_subject subject;
	int ret;

	if (parse_subject(state, name, &subject) < 0)
		return CLI_FAILED;
	subject_text(&subject, text);
	cli_who(reason, by);
	ret = ls_unlock(state, &subject, by, cli_now_ms());
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	printf("%s %s %s\n", ls_kind_name(subject.kind), text,
	       ret == 0 ? "was not locked" : "is unlocked");
	if (subject.kind == LS_KIND_IP)
		tell_wider_lock(state, &subject);
	return ret == 0 ? CLI_FAILED : CLI_DONE;
}

static int run_lock(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "reason", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t length_ms = LENGTH_PRESET_MS;
	const char *reason = NULL;
	struct ls_state *state;
	int option, code = CLI_DONE;

	while ((option = getopt_long(argc, argv, "f:r:h", options, NULL)) !=
	       -1) {
		if (option == 'h')
			return cli_help(&verb_lock);
		if (option == 'r')
			reason = optarg;
		else if (option != 'f')
			return cli_misused(&verb_lock);
		else if (!cli_length(optarg, &length_ms))
			return CLI_USAGE;
	}
	if (optind == argc)
		return cli_misused(&verb_lock);
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	for (; optind < argc; optind++) {
		if (lock(state, argv[optind], length_ms, reason) != CLI_DONE)
			code = CLI_FAILED;
	}
	ls_close(&state);
	return code;
}

static int run_unlock(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *reason = NULL;
	struct ls_state *state;
	int option, code = CLI_DONE;

	while ((option = getopt_long(argc, argv, "r:h", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_unlock);
		if (option != 'r')
			return cli_misused(&verb_unlock);
		reason = optarg;
	}
	if (optind == argc)
		return cli_misused(&verb_unlock);
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	for (; optind < argc; optind++) {
		if (unlock(state, argv[optind], reason) != CLI_DONE)
			code = CLI_FAILED;
	}
	ls_close(&state);
	return code;
}

const struct verb verb_lock = {
	.name = "lock",
	.run = run_lock,
	.summary = "lock an address, a network or an account",
	.usage = "usage: lockstep lock [--for DURATION] [--reason TEXT] "
		 "SUBJECT...\n"
		 "\n"
		 "Lock each SUBJECT for strangers, on every protocol, at "
		 "once: an address\n"
		 "(192.0.2.1), a network (192.0.2.0/24), an account "
		 "(joe@example.com). Familiar\n"
		 "places go on; to lock one, quote it as lockstep list writes "
		 "it: \"joe@example.com\n"
		 "from 192.0.2.0/24\". A lock that already ends later stays.\n"
		 "\n"
		 "  -f, --for DURATION  90s, 10m, 12h, 30d [1h]\n"
		 "  -r, --reason TEXT   for the journal\n",
};

const struct verb verb_unlock = {
	.name = "unlock",
	.run = run_unlock,
	.summary = "end locks, and forget what led to them",
	.usage = "usage: lockstep unlock [--reason TEXT] SUBJECT...\n"
		 "\n"
		 "End the lock of each SUBJECT, written as lockstep list has "
		 "it, and empty its\n"
		 "meters. Of an address, tell also when the network around "
		 "it is locked. Exit\n"
		 "code 1 when one of them was not locked. An account stays "
		 "frozen and on probation:\n"
		 "that is for lockstep release.\n"
		 "\n"
		 "  -r, --reason TEXT  for the journal\n",
};
