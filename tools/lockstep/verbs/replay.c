/* replay.c - lockstep replay: what a policy would have done with a log */
#include "lockstep-config.h"

#include "cli.h"
#include "host/sandbox.h"
#include "print/progress.h"
#include "verbs/learn.h"
#include "verbs/replay-report.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SHOWN = 20, LEARN_MAX = 64 };

struct wish {
	const char *policy, *conf; /* one of them, or none: the defaults */
	enum simulate_passwords passwords;
	char *learn[LEARN_MAX]; /* logs of before */
	int learn_count;
	bool json, all;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static bool go_on(void *context, double part)
{
	progress_show(context, part);
	return !interrupted;
}

/* The sandbox is to be removed. */
static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* Make familiar, at the beginning, where people had logged in before it. */
static int learn_first(const struct wish *wish, const struct sandbox *sandbox,
		       uint64_t from_ms, struct replay_told *told)
{
	struct learn_counts counts;
	struct progress progress;
	struct logread before;
	struct places places;
	int ret;

	if (wish->learn_count == 0)
		return 0;
	progress_begin(&progress, "learning");
	ret = logread_files(&before, wish->learn, wish->learn_count,
			    progress_show, &progress);
	progress_end(&progress);
	replay_report_unknown(&before);
	told->learnt = true;
	told->learn_unknown = before.unknown;
	told->complete = told->complete && !before.cut;
	while (before.attempts.count > 0 &&
	       before.attempts.list[before.attempts.count - 1].at_ms > from_ms)
		before.attempts.count--;
	places_of(&places, &before.attempts, &sandbox->policy);
	if (ret == 0)
		ret = learn_places(sandbox->state, &before.attempts.names,
				   &places, from_ms, from_ms, false, &counts);
	if (ret == 0 && counts.learnt + counts.known == 0)
		cli_complain("warning: nobody is familiar when the replay "
			     "begins: --learn found no login of the time before");
	places_free(&places);
	logread_free(&before);
	return ret;
}

/* Play the attempts, of which there are some, into *simulation_r. Returns whether it
 * came to the end. */
static bool play_log(const struct wish *wish, struct logread *logread,
		     struct simulation *simulation_r, struct replay_told *told)
{
	uint64_t from_ms = logread->attempts.list[0].at_ms;
	struct progress progress;
	struct sandbox sandbox;
	bool done;

	catch_signals();
	if (sandbox_init(&sandbox, wish->policy, wish->conf, from_ms) < 0 ||
	    learn_first(wish, &sandbox, from_ms, told) < 0) {
		sandbox_fini(&sandbox);
		return false;
	}
	progress_begin(&progress, "replaying");
	done = simulate(simulation_r, &logread->attempts, sandbox.state,
			&sandbox.policy, wish->passwords, go_on, &progress);
	progress_end(&progress);
	sandbox_fini(&sandbox);
	if (done)
		told->simulation = simulation_r;
	else
		cli_complain("interrupted");
	return done;
}

static int replay(const struct wish *wish, char *const *files, int count)
{
	struct simulation simulation = { .attempts = NULL };
	struct progress progress;
	struct logread logread;
	struct replay_told told = { .logread = &logread };

	progress_begin(&progress, "reading");
	told.complete = logread_files(&logread, files, count, progress_show,
				      &progress) == 0;
	progress_end(&progress);
	replay_report_unknown(&logread);
	if (told.complete && logread.attempts.count == 0) {
		cli_complain("no attempt to log in, in %llu line%s",
			     (unsigned long long)logread.lines,
			     ls_plural_s(logread.lines));
		told.complete = false;
	}
	told.complete = told.complete &&
			play_log(wish, &logread, &simulation, &told) &&
			told.complete && !logread.cut;
	if (wish->json)
		replay_report_print_json(&told);
	else if (told.simulation != NULL)
		replay_report_print(&logread, &simulation,
				    wish->all ? SIZE_MAX : MOST_SHOWN);
	simulation_free(&simulation);
	logread_free(&logread);
	return told.complete ? CLI_DONE : CLI_FAILED;
}

static bool parse_passwords(const char *text, enum simulate_passwords *what_r)
{
	static const char *const names[] = { "stale", "new", "same" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			*what_r = (enum simulate_passwords)i;
			return true;
		}
	cli_complain("--passwords %s: stale, new or same", text);
	return false;
}

static int run_replay(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "conf", required_argument, NULL, 'c' },
		{ "learn", required_argument, NULL, 'l' },
		{ "passwords", required_argument, NULL, 'w' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish wish = { .policy = NULL };
	int option;

	while ((option = getopt_long(argc, argv, "p:c:l:w:ajh", options,
				     NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_replay);
		else if (option == 'p')
			wish.policy = optarg;
		else if (option == 'c')
			wish.conf = optarg;
		else if (option == 'l' && wish.learn_count < LEARN_MAX)
			wish.learn[wish.learn_count++] = optarg;
		else if (option == 'a')
			wish.all = true;
		else if (option == 'j')
			wish.json = true;
		else if (option != 'w' ||
			 !parse_passwords(optarg, &wish.passwords))
			return cli_misused(&verb_replay);
	}
	if (optind == argc || (wish.conf != NULL && wish.policy != NULL))
		return cli_misused(&verb_replay);
	if (wish.conf == NULL && wish.policy == NULL)
		wish.policy = cli_policy_or_default(cli);
	return replay(&wish, argv + optind, argc - optind);
}

const struct verb verb_replay = {
	.name = "replay",
	.run = run_replay,
	.summary = "show what the policy would have done with a log",
	.usage = "usage: lockstep replay [-aj] [-p POLICY | -c CONF] [-l FILE] "
		 "[-w WORD] FILE...\n"
		 "\n"
		 "Put the attempts of a mail log, or of saved \"lockstep events "
		 "--json\", to a\n"
		 "policy, at the times they were made, and show what would have "
		 "been locked and\n"
		 "who would have been hit wrongly. Touches no state. - is "
		 "standard input.\n"
		 "\n"
		 "  -p, --policy POLICY   a compiled policy [the one in force, or "
		 "the default one\n"
		 "                        where none is installed]\n"
		 "  -c, --conf CONF       a lockstep.conf instead\n"
		 "  -l, --learn FILE      begin with the familiar places that "
		 "this earlier log\n"
		 "                        tells of; may be given again\n"
		 "  -w, --passwords WORD  which failures were one wrong password: "
		 "stale, those of\n"
		 "                        a place that its owner logs in from; "
		 "new, none; same,\n"
		 "                        those of an account from one network "
		 "[stale]\n"
		 "  -a, --all             all that would have been locked [the 20 "
		 "refused most]\n"
		 "  -j, --json            a JSON object on each line\n",
};
