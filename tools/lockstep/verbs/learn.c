/* learn.c - lockstep learn: familiar places from the logins in a log */
#include "lockstep-config.h"

#include "cli.h"
#include "host/sandbox.h"
#include "logs/logread.h"
#include "print/progress.h"
#include "verbs/learn.h"
#include "verbs/replay-report.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns negative when there is no use in going on. */
static int count_learnt(struct learn_counts *counts, int ret)
{
	switch (ret) {
	case LS_LEARNT:
		counts->learnt++;
		return 1;
	case LS_LEARNT_KNOWN:
		counts->known++;
		return 1;
	case LS_LEARNT_OLD:
		counts->old++;
		return 0;
	case LS_LEARNT_DOUBTFUL:
		counts->doubtful++;
		return 0;
	case LS_EARG:
		counts->odd++;
		return 0;
	case LS_EFULL:
		counts->full++;
		return 0;
	default:
		cli_complain("%s", cli_refusal(ret));
		return -1;
	}
}

int learn_places(struct ls_state *state, const struct names *names,
		 const struct places *places, uint64_t now_ms, uint64_t real_ms,
		 bool dry, struct learn_counts *counts_r)
{
	bool *seen = calloc(names->count + 1, sizeof(*seen));
	int took = seen != NULL ? 0 : -1;

	memset(counts_r, 0, sizeof(*counts_r));
	for (size_t i = 0; i < places->count && took >= 0; i++) {
		const struct place *place = &places->list[i];
		const struct ls_past past = {
			.user = names_get(names, place->user),
			.ip = place->ip,
			.first_real_ms = place->first_ms,
			.last_real_ms = place->last_ms,
		};

		if (place->first_ms == 0)
			continue;
		took = count_learnt(
			counts_r, ls_learn(state, &past, now_ms, real_ms, dry));
		if (took == 1 && !seen[place->user]) {
			seen[place->user] = true;
			counts_r->accounts++;
		}
	}
	free(seen);
	return took < 0 ? -1 : 0;
}

static void tell(uint64_t number, const char *what)
{
	if (number > 0)
		printf("%" PRIu64 " place%s %s\n", number,
		       number == 1 ? "" : "s", what);
}

static void print_counts(const struct learn_counts *counts, bool dry)
{
	if (counts->learnt + counts->known + counts->old + counts->doubtful +
		    counts->odd + counts->full ==
	    0) {
		cli_complain("no login in the log succeeded: there is nothing to "
			     "learn");
		return;
	}
	printf("%" PRIu64 " place%s of %" PRIu64 " account%s %s familiar\n",
	       counts->learnt + counts->known,
	       ls_plural_s(counts->learnt + counts->known),
	       counts->accounts, ls_plural_s(counts->accounts),
	       dry ? "would be" : "are");
	tell(counts->known, "of them were so before");
	tell(counts->old, "left out: the last login is too long ago");
	tell(counts->doubtful, "left out: the account is on probation");
	tell(counts->odd, "left out: a login of a time to come");
	tell(counts->full, "left out: the table is full");
}

/* Without a guard, a look at the policy alone. */
static struct ls_state *open_dry(const struct cli *cli)
{
	struct ls_error error;
	struct ls_state *state = cli_open(cli, LS_GUARD_READ, &error);

	if (state == NULL && error.code == LS_ENOENT)
		state = cli_open(cli, 0, &error);
	if (state == NULL)
		cli_cannot_open(cli, &error);
	return state;
}

/* The places of what was read, by this policy's networks. */
static int take_places(struct places *places, struct logread *logread,
		       const char *path)
{
	struct ls_policy_file *policy;
	struct ls_policy presets;
	struct ls_error error;

	if (path == NULL) {
		ls_policy_presets(&presets);
		places_of(places, &logread->attempts, &presets);
		return 0;
	}
	if (cli_open_policy(path, &policy, &error) < 0) {
		cli_complain("%s", error.text);
		return -1;
	}
	places_of(places, &logread->attempts, ls_policy_file_policy(policy));
	ls_policy_file_close(&policy);
	return 0;
}

/* `path` is the policy's; NULL: nothing is installed, and the state a sandbox, whose
 * clocks both count from 1970. */
static int learn_from(const char *path, struct ls_state *state,
		      struct logread *logread, bool dry)
{
	uint64_t real_ms = cli_real_ms();
	struct learn_counts counts = { 0 };
	struct places places;
	int ret;

	if (take_places(&places, logread, path) < 0)
		return CLI_FAILED;
	ret = learn_places(state, &logread->attempts.names, &places,
			   path != NULL ? cli_now_ms() : real_ms, real_ms, dry,
			   &counts);
	if (ret == 0)
		print_counts(&counts, dry);
	places_free(&places);
	return ret == 0 && counts.full == 0 &&
			       counts.learnt + counts.known > 0
		       ? CLI_DONE
		       : CLI_FAILED;
}

/* Read, and learn of it. */
static int learn_files(const char *path, struct ls_state *state,
		       char *const *files, int count, bool dry)
{
	struct progress progress;
	struct logread logread;
	int code = CLI_FAILED;

	progress_begin(&progress, "reading");
	if (logread_files(&logread, files, count, progress_show, &progress) ==
	    0)
		code = CLI_DONE;
	progress_end(&progress);
	replay_report_unknown(&logread);
	if (code == CLI_DONE && logread.told == 0) {
		cli_complain("no login was understood in %" PRIu64 " line%s",
			     logread.lines, ls_plural_s(logread.lines));
		code = CLI_FAILED;
	}
	if (code == CLI_DONE)
		code = learn_from(path, state, &logread, dry);
	else
		cli_complain("nothing was learned");
	if (code == CLI_DONE && logread.cut)
		code = CLI_FAILED;
	logread_free(&logread);
	return code;
}

/* Where nothing is installed, as if it just were. */
static int try_files(char *const *files, int count)
{
	struct sandbox sandbox;
	int code = CLI_FAILED;

	if (sandbox_init(&sandbox, NULL, NULL, cli_real_ms()) == 0)
		code = learn_files(NULL, sandbox.state, files, count, true);
	sandbox_fini(&sandbox);
	return code;
}

static int run_learn(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct ls_state *state;
	int option, code;
	bool dry = false;

	while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_learn);
		if (option != 'n')
			return cli_misused(&verb_learn);
		dry = true;
	}
	if (optind == argc)
		return cli_misused(&verb_learn);
	if (dry && cli_policy_or_default(cli) == NULL)
		return try_files(argv + optind, argc - optind);
	/* Before a long log is read for nothing. */
	state = dry ? open_dry(cli) : cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	code = learn_files(cli->policy, state, argv + optind, argc - optind,
			   dry);
	ls_close(&state);
	return code;
}

const struct verb verb_learn = {
	.name = "learn",
	.run = run_learn,
	.summary = "make places familiar that people logged in from before",
	.usage = "usage: lockstep learn [-n] FILE...\n"
		 "\n"
		 "Make places familiar from the logins in a mail log, or in saved "
		 "\"lockstep events\n"
		 "--json\", as if they had been decided here. - is standard "
		 "input.\n"
		 "\n"
		 "  -n, --dry-run  only tell what would be\n",
};
