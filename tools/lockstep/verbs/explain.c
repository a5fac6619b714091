/* explain.c - lockstep explain: why can he not log in? */
#include "lockstep-config.h"

#include "args/filter.h"
#include "print/subject.h"
#include "host/journals.h"
#include "verbs/answer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from the state ------------------------------------------------------- */

/* Or is it an address? */
static bool is_network_argument(const struct ls_state *state,
				const struct ls_prefix *net)
{
	char text[LS_PREFIX_TEXT];
	struct ls_subject subject;
	struct ls_error ignored;

	ls_prefix_format(net, text);
	return ls_subject_parse(state, text, &subject, &ignored) == 0 &&
	       subject.kind == LS_KIND_NET;
}

/* Ask about a login; of a network, as from an address in it that nothing is known
 * of. */
static bool ask_explanation(struct ls_state *state, const char *user,
			    const struct ls_prefix *from,
			    struct ls_explanation *explanation_r)
{
	const struct ls_question question = {
		.user = user,
		.ip = from != NULL ? &from->addr : NULL,
		.anywhere = from != NULL && is_network_argument(state, from),
	};

	return ls_explain(state, &question, cli_now_ms(), explanation_r) == 0;
}

/* Has that network meters and locks of its own? Complains if it has not. */
static bool is_metered(const struct ls_state *state,
		       const struct ls_prefix *net)
{
	char text[LS_PREFIX_TEXT];
	struct ls_subject subject;

	ls_prefix_format(net, text);
	return subject_parse(state, text, &subject) == 0;
}

struct gathering {
	struct ls_state *state;
	struct answer *answer;
};

static void note_explained_place(void *context, const struct ls_place *place)
{
	struct gathering *gathering = context;
	struct answer *answer = gathering->answer;
	struct answer_place *noted = &answer->place[answer->places];
	struct ls_explanation explanation;

	if (answer->places == ANSWER_PLACES) {
		answer->places_more++;
		return;
	}
	if (!ask_explanation(gathering->state, answer->user, &place->net,
			     &explanation))
		return;
	noted->place = *place;
	noted->decision = explanation.decision;
	answer->places++;
}

/* The contacts are in a file of their own, which need not be there. */
static void gather_sending(const struct cli *cli, struct answer *answer)
{
	const struct ls_open_args args = {
		.policy_path = cli->policy,
		.flags = LS_GUARD_READ | LS_CONTACTS,
		.now_ms = cli_now_ms(),
		.real_ms = cli_real_ms(),
	};
	struct ls_state *state;
	struct ls_error error;

	if (ls_open(&args, &state, &error) < 0)
		return;
	ls_explain_sending(state, answer->user, args.now_ms, args.real_ms,
			   &answer->sends);
	if (!answer->sends.contacts &&
	    strstr(error.text, ": no such file") == NULL)
		snprintf(answer->no_contacts, sizeof(answer->no_contacts), "%s",
			 error.text);
	ls_close(&state);
}

static void gather_places(struct ls_state *state, struct answer *answer)
{
	struct gathering gathering = { state, answer };
	const struct ls_places_of of = { .user = answer->user };

	ls_places(state, &of, cli_now_ms(), note_explained_place, &gathering);
}

static void gather_answer(struct ls_state *state, struct answer *answer)
{
	const char *account = answer->user;

	ask_explanation(state, answer->user,
			answer->placed ? &answer->from : NULL, &answer->is);
	if (account == NULL) {
		if (answer->is.of[LS_KIND_IP].subject.kind == LS_KIND_IP)
			ls_explain_relaying(state, &answer->from.addr,
					    cli_now_ms(), &answer->relays);
		return;
	}
	if (answer->is.final[0] != '\0')
		account = answer->is.final;
	answer->live = ls_sessions_live(state, account);
	if (!answer->placed)
		gather_places(state, answer);
}

/* ---- from the journals ----------------------------------------------------- */

/* Where what it is about comes from: an account's place is a network, and the
 * addresses of a /64 are one. */
static const struct ls_prefix *whereabouts(const struct answer *answer)
{
	const struct ls_known *of = answer->is.of;

	if (answer->user == NULL && of[LS_KIND_IP].subject.kind == LS_KIND_IP)
		return &of[LS_KIND_IP].subject.net;
	if (of[LS_KIND_NET].subject.kind == LS_KIND_NET)
		return &of[LS_KIND_NET].subject.net;
	return &answer->from;
}

/* Is it about the account, under either name, and from there? */
static bool is_about(const struct answer *answer,
		     const struct ls_record *record)
{
	struct filter filter = { .user = answer->user,
				 .placed = answer->placed,
				 .net = *whereabouts(answer) };

	if (filter_record(&filter, record))
		return true;
	if (answer->is.final[0] != '\0') {
		filter.user = answer->is.final;
		if (filter_record(&filter, record))
			return true;
	}
	/* What is done to one of its subjects is about it, too. */
	for (unsigned kind = LS_KIND_IP;
	     ls_event_is_order(record->event) && kind <= LS_KIND_PLACE; kind++)
		if (subject_equal(&answer->is.of[kind].subject,
				  &record->subject))
			return true;
	return false;
}

static void note_event(struct answer *answer, enum ls_journal journal,
		       const struct ls_record *record)
{
	unsigned at = (answer->first + answer->events) % ANSWER_EVENTS;

	answer->event[at].journal = journal;
	answer->event[at].record = *record;
	if (answer->events < ANSWER_EVENTS)
		answer->events++;
	else
		answer->first = (answer->first + 1) % ANSWER_EVENTS;
}

/* Where it belongs who gave that order; NULL: it is about none of the subjects. */
static char *place_of_order(struct answer *answer,
			    const struct ls_record *record)
{
	const struct ls_explanation *is = &answer->is;
	unsigned kind = record->subject.kind;
	bool typed = subject_equal(&is->typed.subject, &record->subject);

	if (kind < LS_KIND_IP || kind > LS_KIND_PLACE ||
	    (!typed && !subject_equal(&is->of[kind].subject, &record->subject)))
		return NULL;
	switch (record->event) {
	case LS_EVENT_LOCK:
		return typed ? answer->typed_locked_by
			     : answer->locked_by[kind];
	case LS_EVENT_FREEZE:
		return typed ? answer->typed_frozen_by : answer->frozen_by;
	case LS_EVENT_TRUST:
		return answer->trusted_by[kind];
	default:
		return NULL;
	}
}

static void note_order(struct answer *answer, const struct ls_record *record)
{
	char *by = place_of_order(answer, record);

	if (by != NULL)
		ls_record_by(record, by);
}

static void gather_events(struct journals *journals, struct answer *answer)
{
	const struct ls_record *record;
	enum ls_journal which;

	while ((record = journals_next(journals, &which)) != NULL) {
		if (!is_about(answer, record))
			continue;
		note_order(answer, record);
		note_event(answer, which, record);
	}
}

static int explain(const struct cli *cli, struct answer *answer, bool json)
{
	struct journals journals;
	struct ls_state *state, *both;
	struct ls_error error;

	if (!journals_open(cli, &journals)) {
		journals_close(&journals);
		return CLI_FAILED;
	}
	state = journals.journal[0].state;
	if (answer->placed && !is_metered(state, &answer->from)) {
		journals_close(&journals);
		return CLI_USAGE;
	}
	/* Both maps at once, as who decides has them; or the guard alone. */
	both = cli_open(cli, LS_GUARD_READ | LS_SESSIONS_READ, &error);
	gather_answer(both != NULL ? both : state, answer);
	ls_close(&both);
	if (answer->user != NULL && !answer->placed)
		gather_sending(cli, answer);
	gather_events(&journals, answer);
	journals_close(&journals);
	if (json)
		answer_print_json(answer);
	else
		answer_print(answer);
	return CLI_DONE;
}

/* ---- the command line ------------------------------------------------------- */

static int run_explain(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct answer answer;
	struct filter who = { .user = NULL };
	bool json = false;
	int option, code;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return cli_help(&verb_explain);
		if (option != 'j')
			return cli_misused(&verb_explain);
		json = true;
	}
	code = filter_take_who(&who, &verb_explain, argc - optind,
			       argv + optind);
	if (code != CLI_DONE)
		return code;
	filter_follow(&who, cli);
	answer.user = who.user;
	answer.placed = who.placed;
	answer.from = who.net;
	return explain(cli, &answer, json);
}

const struct verb verb_explain = {
	.name = "explain",
	.run = run_explain,
	.summary = "tell why somebody can, or cannot, log in",
	.usage = "usage: lockstep explain [--json] USER [[from] ADDRESS]\n"
		 "       lockstep explain [--json] ADDRESS\n"
		 "\n"
		 "Tell what a login would get now, with a password that was "
		 "not tried before; what\n"
		 "is locked or frozen, why, since when, by whom, until when; "
		 "what is exempt and\n"
		 "why; each meter, how full it is and when it is empty again; "
		 "what an account\n"
		 "sends, and its familiar places; what an address relays; the "
		 "last events. Charges\n"
		 "nothing.\n"
		 "\n"
		 "  -j, --json  one JSON object\n",
};
