/* private.h - what the parts of conf.h share */
#ifndef LOCKSTEP_CONF_PRIVATE_H
#define LOCKSTEP_CONF_PRIVATE_H

#include "conf/conf.h"
#include "conf/tree.h"

struct conf_override {
	bool domain; /* else an account */
	char *name;
	struct conf_place place;
	struct ls_policy policy;
	const struct ls_field *fields[LS_FIELD_COUNT + 1]; /* in policy */
};

enum { /* what the configuration says of a network */
	CONF_NET_TRUSTED = 1,
	CONF_NET_DENIED = 2,
	CONF_NET_OVERRIDE = 4,
};

struct conf_net {
	struct ls_prefix prefix;
	unsigned said; /* CONF_NET_* */
	struct conf_place place;
	struct ls_policy policy;
	bool set[LS_FIELD_COUNT]; /* which of its fields, as in ls_fields */
};

struct conf {
	struct conf_text text;
	struct conf_log log;
	struct ls_policy policy;
	struct conf_override *overrides;
	size_t override_count;
	struct conf_net *nets; /* by conf_nets_finish(): sorted, merged */
	size_t net_count;
	struct ls_webhook *webhooks;
	size_t webhook_count;
};

/* Where a token is, and what it stands in ("limit ip: "). */
struct conf_where {
	struct conf_place place;
	char context[CONF_CONTEXT];
};
struct conf_where conf_where(const struct conf *conf, size_t token);

/* Take one field from a section into a policy, checked. Returns true when it is
 * set there. */
bool conf_take_field(struct conf *conf, cfg_t *section,
		     const struct ls_field *field, struct ls_policy *policy);

/* Take the fields that an override may have from its section: its own and those
 * of its sub-sections. set_r has LS_FIELD_COUNT; returns how many are. */
size_t conf_take_override(struct conf *conf, cfg_t *section, unsigned flag,
			  struct ls_policy *policy, bool *set_r);

/* The lists `trusted` and `denied`. */
void conf_take_nets(struct conf *conf, cfg_t *tree);
/* override net "192.0.2.0/24" { } */
void conf_take_net(struct conf *conf, const struct conf_part *part);
/* When all of them are there: sorts and merges. */
void conf_nets_finish(struct conf *conf);
/* IPv4 first, a wider network before those that it covers. */
void conf_nets_sort(struct conf *conf);

/* The networks around the one that is looked at, the narrowest last. */
enum { CONF_CHAIN = 129 }; /* at most one of each length */
struct conf_chain {
	const struct conf_net *net[CONF_CHAIN];
	size_t length; /* 0 at first */
};
/* Go on to the next network in their order. Returns the one around it, or
 * NULL. */
const struct conf_net *conf_chain_add(struct conf_chain *chain,
				      const struct conf_net *net);

/* Accounts and domains that are there twice: errors. */
void conf_check_twice(struct conf *conf);
/* Overrides that say nothing new, or hold for nobody: warnings. Of a network
 * when it has inherited.
 *   wider  the network around it, or NULL
 *   own    the fields that it has not inherited */
void conf_check_net(struct conf *conf, const struct conf_net *net,
		    const struct conf_net *wider,
		    const bool own[LS_FIELD_COUNT]);
void conf_check_needless(struct conf *conf);
bool conf_same_field(size_t index, const struct ls_policy *a,
		     const struct ls_policy *b);

/* webhook "name" { } */
void conf_take_webhooks(struct conf *conf, cfg_t *tree);
/* The words of `events` that a webhook has, one for each index from 0: NULL is
 * the end, "" a word that it has not. */
const char *conf_event_of(const struct ls_webhook *webhook, size_t index);

#endif
