/* filter.h - which locks, places and events an administrator wants to see */
#ifndef LOCKSTEP_FILTER_H
#define LOCKSTEP_FILTER_H

#include "cli.h"
#include "lockstep.h"

#include <getopt.h>

struct filter {
	const char *user;     /* NULL: any */
	bool placed;          /* `net` is asked for: all that overlaps it */
	struct ls_prefix net;
	enum ls_kind kind;    /* NONE: any */
	enum ls_event type;   /* NONE: any */
	enum ls_outcome outcome; /* NONE: any */
	bool refused;            /* refused before any outcome */
	const char *service;     /* NULL: any */
	uint64_t since_ms;       /* as now_ms; 0: ever */
};

/* The options, to go into a verb's own: long ones alone. */
enum {
	FILTER_USER = 256,
	FILTER_FROM,
	FILTER_KIND,
	FILTER_SINCE,
	FILTER_TYPE,
	FILTER_SERVICE,
	FILTER_OUTCOME,
};
#define FILTER_OPTIONS_OF_WHO \
	{ "user", required_argument, NULL, FILTER_USER }, \
	{ "from", required_argument, NULL, FILTER_FROM }, \
	{ "kind", required_argument, NULL, FILTER_KIND }, \
	{ "since", required_argument, NULL, FILTER_SINCE }
#define FILTER_OPTIONS_OF_WHAT \
	{ "type", required_argument, NULL, FILTER_TYPE }, \
	{ "service", required_argument, NULL, FILTER_SERVICE }, \
	{ "outcome", required_argument, NULL, FILTER_OUTCOME }

/* Take an option. Returns false, having complained, when its argument makes no
 * sense. The argument lives as long as the filter. */
bool filter_take(struct filter *filter, int option, const char *argument);
/* An account, an address or a prefix of any length, or both, with or without a "from"
 * between: what is no option. Returns as filter_take(). */
bool filter_take_subjects(struct filter *filter, int count, char **words);

/* USER, ADDRESS, USER from ADDRESS, or the last in one word or two: what stands behind
 * a verb's options. Returns CLI_DONE, or CLI_USAGE, having complained. */
int filter_take_who(struct filter *filter, const struct verb *verb, int count,
		    char **words);

/* What a NAT64 of the policy made of an IPv4 address is that one, and a name is the
 * account that Dovecot makes of it. */
void filter_follow(struct filter *filter, const struct cli *cli);

bool filter_subject(const struct filter *filter,
		    const struct ls_subject *subject);
/* A moment, a service, an outcome, and all the others of a record. */
bool filter_time(const struct filter *filter, uint64_t at_ms);
bool filter_record(const struct filter *filter, const struct ls_record *record);

#endif
