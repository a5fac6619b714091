/* order.h - what the verbs share by which an administrator orders something:
 * their options, and their subjects one after the other */
#ifndef LOCKSTEP_ORDER_H
#define LOCKSTEP_ORDER_H

#include "cli.h"
#include "lockstep.h"

struct order {
	uint64_t length_ms; /* --for; as preset without it */
	bool timed;         /* there was a --for */
	bool end, all, guess, yes, keep_places;
	bool user; /* the subjects are accounts, whatever they look like */
	char by[LS_BY_MAX + 1]; /* who orders it, and why: for the journal */
	/* What is no option. */
	int words;
	char **word;
};

/* Parse the options that a verb has, named by their letters (`f`or, `r`eason,
 * `e`nd, `a`ll, `g`uess, `y`es, `k`eep-places, `u`ser). Returns true to go on; false with an exit code,
 * when it was help that was wanted, or the command line makes no sense. */
bool order_parse(const struct verb *verb, const char *letters, int argc,
		 char **argv, struct order *order, int *code_r);

/* Do it to one subject, and say so. Returns an exit code. */
typedef int order_fn(struct ls_state *state, const struct ls_subject *subject,
		     const struct order *order);

enum order_kinds {
	ORDER_ANY = 0,
	ORDER_TO_LOCK,   /* the same; but a name without a domain is an account only
			  * if somebody has logged in by it */
	ORDER_ACCOUNTS,  /* users alone */
	ORDER_ADDRESSES, /* addresses and networks alone */
};

/* Say until when a subject is locked, or frozen, after an order to do so for
 * length_ms: a lock that ended later stays. And what the order is worth: nobody is
 * refused where the policy only observes, nor for being where it trusts. */
void order_tell(struct ls_state *state, const struct ls_subject *subject,
		bool freeze, uint64_t length_ms);

/* Say that nobody ever logged in by the name of that account, if so: an order for it
 * does what it says, but to nobody. */
void order_tell_unknown(struct ls_state *state,
			const struct ls_subject *subject);

/* Open the guard and call `one` with each word's subject, if every one of them is
 * one; else nothing is done. Returns an exit code: the worst there was. */
int order_run(const struct cli *cli, const struct order *order,
	      enum order_kinds kinds, order_fn *one);

#endif
