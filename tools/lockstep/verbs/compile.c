/* compile.c - lockstep compile: lockstep.conf to policy.cdb, whole or not */
#include "lockstep-config.h"

#include "cli.h"
#include "conf/conf.h"
#include "host/maps.h"
#include "state/made.h"

#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_log(const struct conf_log *log)
{
	char line[2048], escaped[4 * sizeof(line)];

	for (size_t i = 0; i < log->count; i++) {
		const struct conf_message *message = &log->messages[i];
		const struct conf_place *place = &message->place;
		char number[16] = "";

		if (place->line > 0)
			snprintf(number, sizeof(number), ":%u", place->line);
		snprintf(line, sizeof(line), "%s%s: %s%s", place->file, number,
			 message->warning ? "warning: " : "", message->text);
		fprintf(stderr, "%s\n",
			cli_escape(line, escaped, sizeof(escaped)));
	}
}

static void check_group(const char *file, const char *key, const char *group,
			const char *until)
{
	if (group[0] != '\0' && getgrnam(group) == NULL)
		cli_complain("warning: %s: %s \"%s\": there is no such group "
			     "on this host; until there is, %s",
			     file, key, group, until);
}

static void check_groups(const char *file, const struct ls_policy *policy)
{
	check_group(file, "group", policy->group,
		    "root alone may change the state");
	check_group(file, "readers", policy->readers,
		    "nobody besides may read it");
}

/* What the maps in use were made with stays until they are made anew.
 *   before  NULL: there was none */
static void compare_maps(const struct ls_state *running,
			 const struct ls_policy *before,
			 const struct ls_policy *after)
{
	struct maps_difference differences[MAPS_DIFFERENCES];
	unsigned count;

	if (before != NULL &&
	    strcmp(before->state_dir, after->state_dir) != 0) {
		cli_complain("note: state-dir was %s, is %s: restart Dovecot, "
			     "lockstepd and the policy service, or they work "
			     "on in the old one",
			     before->state_dir, after->state_dir);
		return;
	}
	count = maps_compare(running, after, differences);
	for (unsigned i = 0; i < count; i++)
		cli_complain("note: %s is %s, the maps in use have %s until "
			     "\"lockstep init\"",
			     differences[i].key, differences[i].policy,
			     differences[i].maps);
}

static bool guard_exists(const struct ls_policy *policy)
{
	char path[LS_PATH_SIZE + 8];

	snprintf(path, sizeof(path), "%s/guard", policy->state_dir);
	return access(path, F_OK) == 0;
}

/* Tell the programs that run. They watch the guard that they have open: that of
 * the policy before this one, if that could be opened; else that of this one.
 * Returns it, or NULL. */
static struct ls_state *announce(const struct cli *target,
				 const struct conf *conf,
				 struct ls_state *running)
{
	struct ls_error error;

	if (running == NULL) {
		if (!guard_exists(conf_policy(conf)))
			return NULL;
		running = cli_open(target, LS_GUARD_WRITE, &error);
	}
	if (running == NULL)
		cli_complain("warning: running programs are not told of it, "
			     "and keep the policy they have: %s",
			     error.text);
	else
		ls_policy_announce(running);
	return running;
}

/* Maps that would be made anew for this policy have to have room: what is put in force
 * here, somebody makes later, and then it is too late to refuse it.
 *   running  the guard in use, or NULL */
static int check_room(const char *file, const struct conf *conf,
		      const struct ls_state *running)
{
	const struct ls_policy *policy = conf_policy(conf);
	struct conf_place place = conf_place_of(conf, "subjects");
	struct conf_place journal = conf_place_of(conf, "journal-size");
	struct ls_made wanted, has;
	struct ls_error error;
	char line[16] = "";

	ls_made_by(policy, &wanted);
	if (running != NULL && ls_made_as(running, &has) == 0 &&
	    has.subjects == wanted.subjects &&
	    has.journal_size == wanted.journal_size)
		return 0;
	if (ls_room_check(policy->state_dir,
			  ls_room_wanted(policy->subjects,
					 policy->journal_size),
			  &error) == 0)
		return 0;
	/* The one that was changed, if only one is there. */
	if (place.line == 0)
		place = journal;
	if (place.line > 0)
		snprintf(line, sizeof(line), ":%u", place.line);
	cli_complain("%s%s: subjects = %" PRIu64 " and journal-size = %" PRIu64
		     ": %s",
		     place.line > 0 ? place.file : file, line,
		     policy->subjects, policy->journal_size, error.text);
	return -1;
}

static int write_compiled(const char *path, const struct conf *conf)
{
	struct ls_policy_writer *writer;
	struct ls_error error;
	int ret = ls_policy_writer_init(path, &writer, &error);

	if (ret == 0) {
		conf_write(conf, writer);
		ret = ls_policy_writer_commit(&writer, cli_real_ms(), &error);
	}
	if (ret < 0)
		cli_complain("%s", error.text);
	return ret;
}

static void print_done(const char *path, const struct conf *conf)
{
	struct conf_counts counts = conf_counts(conf);

	printf("%s: compiled (%s; overrides for %zu account%s, %zu domain%s; "
	       "%zu network%s; %zu webhook%s)\n",
	       path,
	       conf_policy(conf)->mode == LS_MODE_OBSERVE ? "observing"
							  : "enforcing",
	       counts.users, ls_plural_s(counts.users), counts.domains,
	       ls_plural_s(counts.domains), counts.nets, ls_plural_s(counts.nets),
	       counts.webhooks, ls_plural_s(counts.webhooks));
}

static int compile_file(const struct cli *target, const char *file,
			const struct conf *conf)
{
	struct ls_policy_file *before;
	struct ls_state *running = NULL;
	struct ls_error error;

	/* While the old policy still says where its state is. */
	if (cli_open_policy(target->policy, &before, &error) == 0 &&
	    guard_exists(ls_policy_file_policy(before)))
		running = cli_open(target, LS_GUARD_WRITE, &error);
	if (check_room(file, conf, running) < 0 ||
	    write_compiled(target->policy, conf) < 0) {
		ls_policy_file_close(&before);
		ls_close(&running);
		return CLI_FAILED;
	}
	running = announce(target, conf, running);
	if (running != NULL)
		compare_maps(running,
			     before == NULL ? NULL
					    : ls_policy_file_policy(before),
			     conf_policy(conf));
	print_done(target->policy, conf);
	ls_policy_file_close(&before);
	ls_close(&running);
	return CLI_DONE;
}

/* Print a policy as a lockstep.conf. */
static int dump(const char *path, const struct conf *conf)
{
	char escaped[4096];

	printf("# All that %s says, defaults included.\n",
	       cli_escape(path, escaped, sizeof(escaped)));
	conf_dump(conf, stdout);
	return CLI_DONE;
}

static int dump_policy(const char *path)
{
	struct ls_policy_file *file;
	struct ls_error error;
	struct conf *conf;
	int code;

	if (cli_open_policy(path, &file, &error) < 0 ||
	    conf_load(file, path, &conf, &error) < 0) {
		cli_complain("%s", error.text);
		ls_policy_file_close(&file);
		return CLI_FAILED;
	}
	print_log(conf_log(conf));
	code = dump(path, conf);
	conf_free(&conf);
	ls_policy_file_close(&file);
	return code;
}

enum what { COMPILE, CHECK, DUMP };

static int read_conf(const struct cli *target, const char *file,
		     enum what what)
{
	struct conf *conf;
	int code = conf_read(file, &conf) == 0 ? CLI_DONE : CLI_FAILED;

	print_log(conf_log(conf));
	if (code == CLI_FAILED)
		cli_complain("%s: %zu error%s; %s is as it was", file,
			     conf_log(conf)->errors,
			     conf_log(conf)->errors == 1 ? "" : "s",
			     target->policy);
	else if (what == DUMP)
		code = dump(file, conf);
	else
		check_groups(file, conf_policy(conf));
	if (code == CLI_DONE && what == COMPILE)
		code = compile_file(target, file, conf);
	conf_free(&conf);
	return code;
}

static int run_compile(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "check", no_argument, NULL, 'c' },
		{ "dump", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct cli target = *cli;
	enum what what = COMPILE;
	int option;

	while ((option = getopt_long(argc, argv, "o:cdh", options, NULL)) !=
	       -1) {
		if (option == 'h')
			return cli_help(&verb_compile);
		else if (option == 'o')
			target.policy = optarg;
		else if (option == 'c' && what != DUMP)
			what = CHECK;
		else if (option == 'd' && what != CHECK)
			what = DUMP;
		else
			return cli_misused(&verb_compile);
	}
	if (argc - optind > 1)
		return cli_misused(&verb_compile);
	if (optind < argc)
		return read_conf(&target, argv[optind], what);
	if (what == DUMP)
		return dump_policy(target.policy);
	return read_conf(&target, LS_CONF_PATH, what);
}

const struct verb verb_compile = {
	.name = "compile",
	.run = run_compile,
	.summary = "check lockstep.conf and put it in force",
	.usage = "usage: lockstep compile [-c|-d] [-o POLICY] [FILE]\n"
		 "\n"
		 "Check FILE [" LS_CONF_PATH "] and make the compiled\n"
		 "policy of it; running programs take it over by themselves. "
		 "What is wrong is\n"
		 "told as FILE:LINE: REASON, all of it; then the policy stays "
		 "as it was.\n"
		 "\n"
		 "  -c, --check          only check\n"
		 "  -d, --dump           change nothing, and print all that is "
		 "in force, defaults\n"
		 "                       included, as a lockstep.conf; with "
		 "FILE, all that it says\n"
		 "  -o, --output POLICY  make (or dump) this one\n",
};
