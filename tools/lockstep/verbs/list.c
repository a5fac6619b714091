/* list.c - lockstep list: locks, familiar places, sessions, stale devices */
#include "lockstep-config.h"

#include "args/nearest.h"
#include "print/subject.h"
#include "verbs/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct list {
	const char *name;
	int (*run)(const struct listing *listing);
	bool kinds, times; /* --kind and --since tell what is in it apart */
} lists[] = {
	{ "locks", list_locks, true, true },
	{ "trusted", list_trusted, true, false },
	{ "familiar", list_familiar, false, true },
	{ "sessions", list_sessions, false, true },
	{ "stale", list_stale, false, true },
};

void *list_grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room == 0 ? 64 : 2 * *room;
	array = realloc(array, *room * size);
	if (array == NULL) {
		cli_complain("out of memory");
		exit(CLI_FAILED);
	}
	return array;
}

/* Is it somebody or somewhere, and what is listed of it not said?
 *   next   the word behind it, or NULL */
static bool is_subject(const char *word, const char *next)
{
	struct ls_prefix prefix;
	size_t length;

	return ls_prefix_parse(word, &prefix) != LS_EARG ||
	       strchr(word, '@') != NULL ||
	       subject_place(word, &length) != NULL ||
	       (next != NULL && strcmp(next, "from") == 0);
}

/* Returns NULL, having complained, when there is none of that name. */
static const struct list *find_list(const char *name)
{
	const char *near = NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (strcmp(lists[i].name, name) == 0)
			return &lists[i];
		near = word_nearer(name, near, lists[i].name);
	}
	if (near != NULL)
		cli_complain("no list \"%s\"; did you mean \"%s\"?", name,
			     near);
	else
		cli_complain("no list \"%s\"; there are: locks, trusted, "
			     "familiar, sessions, stale; of an account "
			     "of that name: --user %s",
			     name, name);
	return NULL;
}

/* Locks, and what is trusted if anything is. The lines of JSON are locks alone:
 * who feeds them to a firewall must not block what is trusted. */
static int run_default(struct listing *listing)
{
	int code = list_locks(listing);

	listing->all = true;
	return code != CLI_DONE || listing->json ? code
						 : list_trusted(listing);
}

/* Complains of a filter that this list cannot be narrowed by. */
static bool is_narrowed(const struct list *list, const struct filter *filter)
{
	const char *option = filter->kind != LS_KIND_NONE && !list->kinds
				     ? "kind"
			     : filter->since_ms != 0 && !list->times ? "since"
								     : NULL;

	if (option != NULL)
		cli_complain("--%s: nothing in list %s has one", option,
			     list->name);
	return option == NULL;
}

static int run_list(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		FILTER_OPTIONS_OF_WHO,
		{ NULL, 0, NULL, 0 },
	};
	struct listing listing = { .cli = cli };
	const struct list *list = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_list);
		if (option == '?')
			return cli_misused(&verb_list);
		if (option == 'j')
			listing.json = true;
		else if (!filter_take(&listing.filter, option, optarg))
			return CLI_USAGE;
	}
	if (optind < argc && !is_subject(argv[optind], argv[optind + 1])) {
		list = find_list(argv[optind++]);
		if (list == NULL)
			return CLI_USAGE;
	}
	if (!filter_take_subjects(&listing.filter, argc - optind, argv + optind))
		return CLI_USAGE;
	filter_follow(&listing.filter, cli);
	if (list != NULL && !is_narrowed(list, &listing.filter))
		return CLI_USAGE;
	return list == NULL ? run_default(&listing) : list->run(&listing);
}

const struct verb verb_list = {
	.name = "list",
	.run = run_list,
	.summary = "show what is locked, who is familiar, what is stale",
	.usage = "usage: lockstep list [--json] [FILTER...] "
		 "[WHAT] [USER] [[from] ADDRESS]\n"
		 "\n"
		 "WHAT is one of these; without it, locks and what is "
		 "trusted:\n"
		 "\n"
		 "  locks     the active locks, the oldest first: what is "
		 "locked, why, since when,\n"
		 "            until when, and by whom: a rule or an "
		 "administrator. NO. is\n"
		 "            1 for a first lock, 2 for the next one before "
		 "strikes fade, and so\n"
		 "            on, each lasting longer; 0 where only an "
		 "administrator locked.\n"
		 "            \"frozen\" holds for familiar places too\n"
		 "  trusted   addresses and networks that lockstep trust "
		 "exempts, until when\n"
		 "  familiar  places that locks on strangers do not touch: "
		 "account, network, since\n"
		 "            when, until when; ? for an account whose name "
		 "is not known any more\n"
		 "  sessions  the mail sessions that are live, the oldest first: "
		 "account, from\n"
		 "            where, by which protocol, since when, its process, "
		 "and its name in\n"
		 "            the mail server's log\n"
		 "  stale     devices that keep trying one wrong password: "
		 "who, from where, how\n"
		 "            often, since when, when last\n"
		 "\n"
		 "  -j, --json         a JSON object on each line (without "
		 "WHAT: locks)\n"
		 "      --user USER, --from ADDRESS\n"
		 "                     those about it, as without the option; "
		 "an ADDRESS may be a\n"
		 "                     network of any length\n"
		 "      --kind KIND    of locks: ip, net, user, place, guess\n"
		 "      --since TIME   begun in the last 90s, 10m, 12h, 30d\n",
};
