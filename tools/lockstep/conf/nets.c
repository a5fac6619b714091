/* nets.c - what lockstep.conf says of networks
 *
 * A login looks up one network, the longest prefix that covers its address. So
 * what is said of a wider one is laid under each narrower one here: `trusted`
 * of 10.0.0.0/8 still holds where `override net "10.1.0.0/16"` speaks of
 * something else. Of trusted and denied the narrower network's word counts. */
#include "lockstep-config.h"

#include "conf/private.h"

#include <stdlib.h>
#include <string.h>

enum { IPV4_BITS = 96 };

static bool is_ipv4_prefix(const struct ls_prefix *prefix)
{
	return prefix->bits >= IPV4_BITS && ls_addr_is_ipv4(&prefix->addr);
}

static bool covers(const struct ls_prefix *wide, const struct ls_prefix *narrow)
{
	/* An IPv6 prefix holds no IPv4 address, however short it is. */
	return is_ipv4_prefix(wide) == is_ipv4_prefix(narrow) &&
	       wide->bits <= narrow->bits &&
	       ls_prefix_covers(wide, &narrow->addr);
}

static void copy_field(size_t index, const struct ls_policy *from,
		       struct ls_policy *to)
{
	const struct ls_field *field = &ls_fields[index];

	memcpy((char *)to + field->offset, (const char *)from + field->offset,
	       field->size);
}

/* Returns the new network, or NULL when the text is none. */
static struct conf_net *add_net(struct conf *conf,
				const struct conf_where *where,
				const char *what, const char *text,
				unsigned said)
{
	struct ls_prefix prefix;
	char meant[LS_PREFIX_TEXT];
	struct conf_net *net;
	int ret = ls_prefix_parse(text, &prefix);
	struct ls_nat64 nat64;

	/* What is wrong with it was told. */
	(void)ls_nat64_parse(conf->policy.nat64, &nat64, NULL);
	ls_nat64_unwrap(&nat64, &prefix);
	if (ret == LS_EFORMAT) {
		ls_prefix_format(&prefix, meant);
		conf_error(&conf->log, &where->place,
			   "%s \"%s\": has bits beyond its length; write %s, "
			   "or the address alone",
			   what, text, meant);
		return NULL;
	}
	if (ret < 0) {
		conf_error(&conf->log, &where->place,
			   "%s \"%s\" is not an address or a network like "
			   "192.0.2.0/24 or 2001:db8::/32",
			   what, text);
		return NULL;
	}
	if (ls_nat64_is_whole(&nat64, &prefix)) {
		conf_error(&conf->log, &where->place,
			   "%s \"%s\": what a NAT64 makes is known by the IPv4 "
			   "address inside: name the IPv4 networks",
			   what, text);
		return NULL;
	}
	conf->nets =
		conf_grow(conf->nets, conf->net_count, sizeof(*conf->nets));
	net = &conf->nets[conf->net_count++];
	*net = (struct conf_net){ .prefix = prefix,
				  .said = said,
				  .place = where->place,
				  .policy = conf->policy };
	return net;
}

static void set_flags(struct conf_net *net, bool trusted)
{
	net->policy.trusted = trusted;
	net->policy.denied = !trusted;
	for (size_t i = 0; i < LS_FIELD_COUNT; i++)
		net->set[i] = ls_fields[i].type == LS_FIELD_FLAG;
}

static void take_list(struct conf *conf, cfg_t *tree, bool trusted)
{
	const char *key = trusted ? "trusted" : "denied";

	for (unsigned i = 0; i < cfg_size(tree, key); i++) {
		const struct conf_value *value = conf_tree_value(tree, key, i);
		struct conf_where where = conf_where(conf, value->token);
		struct conf_net *net =
			add_net(conf, &where, key, value->text,
				trusted ? CONF_NET_TRUSTED : CONF_NET_DENIED);

		if (net == NULL)
			continue;
		set_flags(net, trusted);
		if (net->prefix.bits ==
		    (is_ipv4_prefix(&net->prefix) ? IPV4_BITS : 0))
			conf_warning(&conf->log, &where.place,
				     "%s \"%s\": that is every IPv%c address",
				     key, value->text,
				     is_ipv4_prefix(&net->prefix) ? '4' : '6');
	}
}

/* A meter that a network holds only a part of is charged by two limits, and
 * what one has charged can be more than the other believes: it counts anew. */
static void check_width(struct conf *conf, const struct conf_where *where,
			const struct conf_net *net)
{
	bool ipv4 = is_ipv4_prefix(&net->prefix);
	uint64_t of_net = ipv4 ? IPV4_BITS + conf->policy.net.prefix4
			       : conf->policy.net.prefix6;
	char text[LS_PREFIX_TEXT];

	ls_prefix_format(&net->prefix, text);
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		const struct ls_field *field = &ls_fields[i];
		uint64_t bits = of_net;

		if (!net->set[i] || field->type != LS_FIELD_LIMITS)
			continue;
		if (strcmp(field->section, "ip") == 0)
			bits = ipv4 ? 128 : 64;
		if (net->prefix.bits > bits)
			conf_warning(&conf->log, &where->place,
				     "override net \"%s\": %s: %s: counted for "
				     "all of its /%u, whose rest has another "
				     "limit: neither will be exact",
				     text, field->section, field->name,
				     (unsigned)(bits -
						(ipv4 ? IPV4_BITS : 0)));
	}
}

void conf_take_net(struct conf *conf, const struct conf_part *part)
{
	cfg_t *section = part->section;
	struct conf_where where = conf_where(conf, part->title);
	struct conf_net *net = add_net(conf, &where, "override net",
				       cfg_title(section), CONF_NET_OVERRIDE);

	if (net == NULL)
		return;
	if (conf_take_override(conf, section, LS_FIELD_BY_NET, &net->policy,
			       net->set) == 0)
		conf_warning(&conf->log, &where.place,
			     "override net \"%s\": overrides nothing",
			     cfg_title(section));
	check_width(conf, &where, net);
}

/* IPv4 first; a wider network before those that it covers. */
static int compare_nets(const void *a_net, const void *b_net)
{
	const struct ls_prefix *a = &((const struct conf_net *)a_net)->prefix;
	const struct ls_prefix *b = &((const struct conf_net *)b_net)->prefix;
	int order;

	if (is_ipv4_prefix(a) != is_ipv4_prefix(b))
		return is_ipv4_prefix(a) ? -1 : 1;
	order = memcmp(a->addr.octet, b->addr.octet, sizeof(a->addr.octet));
	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

/* Two entries for one network: into the first. */
static void merge(struct conf *conf, struct conf_net *net,
		  const struct conf_net *other)
{
	enum { BOTH = CONF_NET_TRUSTED | CONF_NET_DENIED };
	unsigned said = net->said | other->said;
	const struct conf_place *place = &other->place;
	char text[LS_PREFIX_TEXT];

	ls_prefix_format(&net->prefix, text);
	/* qsort() does not keep the order: name the later one, and not one
	 * that is there by default */
	if (place->line == 0 || (strcmp(net->place.file, place->file) == 0 &&
				 net->place.line > place->line))
		place = &net->place;
	if ((said & BOTH) == BOTH)
		conf_error(&conf->log, place, "%s is trusted and denied", text);
	else if (net->said & other->said & CONF_NET_OVERRIDE)
		conf_error(&conf->log, place,
			   "override net \"%s\" is there twice", text);
	else if (net->said & other->said)
		conf_warning(&conf->log, place, "%s is there twice", text);
	net->said = said;
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		if (other->set[i]) {
			copy_field(i, &other->policy, &net->policy);
			net->set[i] = true;
		}
	}
}

static void merge_same(struct conf *conf)
{
	size_t kept = 0;

	for (size_t i = 0; i < conf->net_count; i++) {
		struct conf_net *net = &conf->nets[i];

		if (kept > 0 && compare_nets(net, &conf->nets[kept - 1]) == 0)
			merge(conf, &conf->nets[kept - 1], net);
		else
			conf->nets[kept++] = *net;
	}
	conf->net_count = kept;
}

const struct conf_net *conf_chain_add(struct conf_chain *chain,
				      const struct conf_net *net)
{
	const struct conf_net *wider;

	while (chain->length > 0 &&
	       !covers(&chain->net[chain->length - 1]->prefix, &net->prefix))
		chain->length--;
	wider = chain->length > 0 ? chain->net[chain->length - 1] : NULL;
	if (chain->length < CONF_CHAIN)
		chain->net[chain->length++] = net;
	return wider;
}

static void inherit(struct conf *conf)
{
	struct conf_chain chain = { .length = 0 };

	for (size_t i = 0; i < conf->net_count; i++) {
		struct conf_net *net = &conf->nets[i];
		const struct conf_net *wider = conf_chain_add(&chain, net);
		bool own[LS_FIELD_COUNT];

		memcpy(own, net->set, sizeof(own));
		for (size_t j = 0; wider != NULL && j < LS_FIELD_COUNT; j++) {
			if (!net->set[j] && wider->set[j]) {
				copy_field(j, &wider->policy, &net->policy);
				net->set[j] = true;
			}
		}
		if (conf->log.errors == 0)
			conf_check_net(conf, net, wider, own);
	}
}

void conf_take_nets(struct conf *conf, cfg_t *tree)
{
	take_list(conf, tree, true);
	take_list(conf, tree, false);
}

void conf_nets_sort(struct conf *conf)
{
	if (conf->net_count > 0)
		qsort(conf->nets, conf->net_count, sizeof(*conf->nets),
		      compare_nets);
}

void conf_nets_finish(struct conf *conf)
{
	if (conf->net_count == 0)
		return;
	conf_nets_sort(conf);
	merge_same(conf);
	inherit(conf);
}
