/* answer.h - an answer of lockstep explain, before it is printed */
#ifndef LOCKSTEP_ANSWER_H
#define LOCKSTEP_ANSWER_H

#include "orders.h"

#include <jansson.h>

enum { ANSWER_EVENTS = 10, ANSWER_PLACES = 64 };

/* A familiar place of the account, and what a login from there gets. */
struct answer_place {
	struct ls_place place;
	struct ls_decision decision;
};

struct answer {
	const char *user;        /* NULL: an address is asked about alone */
	bool placed;             /* `from` is asked about */
	struct ls_prefix from;
	struct ls_explanation is;
	uint64_t live; /* sessions of the account, where is.sessions_known */
	/* Who gave the orders in force, as the journal has it; "": it does not
	 * know any more. By kind. */
	char locked_by[LS_KIND_PLACE + 1][LS_BY_MAX + 1];
	char trusted_by[LS_KIND_PLACE + 1][LS_BY_MAX + 1];
	char frozen_by[LS_BY_MAX + 1];
	/* Of the typed name, where that is another than the account's. */
	char typed_locked_by[LS_BY_MAX + 1], typed_frozen_by[LS_BY_MAX + 1];
	struct ls_sending sends; /* of the account */
	char no_contacts[256]; /* why that file is not open; "": it is, or is not there */
	struct ls_relaying relays; /* of an address alone */
	unsigned places, places_more; /* known here; not shown */
	struct answer_place place[ANSWER_PLACES];
	unsigned events; /* the last ones about it, in a ring that begins at */
	unsigned first;  /* this */
	struct {
		enum ls_journal journal;
		struct ls_record record;
	} event[ANSWER_EVENTS];
};

void answer_print(const struct answer *answer);
void answer_print_json(const struct answer *answer);

/* What the account sends (answer-sending.c). */
void answer_print_sending(const struct answer *answer);
json_t *answer_sending_json(const struct answer *answer);
/* What the address sends without a login. */
void answer_print_relaying(const struct ls_relaying *relays);
json_t *answer_relaying_json(const struct ls_relaying *relays);

#endif
