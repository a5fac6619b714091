/* lockstep.c - the command line: lockstep [-p POLICY] VERB ...
 *
 * See lockstep(1). Each verb is a file of its own. */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb *const verbs[] = {
	&verb_compile, &verb_status, &verb_list,    &verb_explain,
	&verb_events,  &verb_top,    &verb_lock,   &verb_unlock,  &verb_freeze,
	&verb_release, &verb_trust,  &verb_forget,
	&verb_learn,   &verb_replay,
	&verb_init,    &verb_verify, &verb_bench,
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const char short_usage[] =
	"usage: lockstep [-p POLICY] VERB [ARGUMENT...]\n";

static void print_help(void)
{
	fputs(short_usage, stdout);
	puts("\nOne lockout for every door of a mail server.\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\n  -p, --policy POLICY  the compiled policy, and by it the "
	       "state, to act on\n"
	       "                       [$LOCKSTEP_POLICY, else %s]\n"
	       "  -h, --help           this; lockstep VERB --help: a verb's\n"
	       "  -V, --version        and what it was built against\n",
	       LS_POLICY_PATH);
}

static int unknown_verb(const char *name)
{
	const char *near = NULL;

	for (size_t i = 0; i < VERBS; i++)
		near = word_nearer(name, near, verbs[i]->name);
	if (near != NULL)
		cli_complain("no verb \"%s\"; did you mean \"%s\"?", name,
			     near);
	else
		cli_complain("no verb \"%s\"; lockstep --help lists them",
			     name);
	return CLI_USAGE;
}

static int run_verb(const struct cli *cli, int argc, char **argv)
{
	static char name[64];

	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i]->name, argv[0]) == 0) {
			/* what getopt says begins with it */
			snprintf(name, sizeof(name), "lockstep %s",
				 verbs[i]->name);
			argv[0] = name;
			optind = 0; /* start anew, GNU's way */
			return verbs[i]->run(cli, argc, argv);
		}
	}
	return unknown_verb(argv[0]);
}

static const char *default_policy(void)
{
	const char *path = getenv("LOCKSTEP_POLICY");

	return path != NULL && path[0] != '\0' ? path : LS_POLICY_PATH;
}

/* Was all of it written? */
static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	cli_complain("cannot write to standard output");
	return CLI_FAILED;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct cli cli = { .policy = default_policy() };
	int option;

	/* +: the options after the verb are the verb's */
	while ((option = getopt_long(argc, argv, "+p:hV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'p':
			cli.policy = optarg;
			cli.named = true;
			break;
		case 'h':
			print_help();
			return finish_output(CLI_DONE);
		case 'V':
			cli_print_version();
			return finish_output(CLI_DONE);
		default:
			fputs(short_usage, stderr);
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		fputs(short_usage, stderr);
		fputs("lockstep --help tells more\n", stderr);
		return CLI_USAGE;
	}
	return finish_output(run_verb(&cli, argc - optind, argv + optind));
}
