/* overlaps.c - overrides that are there twice, change nothing, or hold for
 * nobody
 *
 * What an account has is its network's, over that its domain's, over that its
 * own. So a value of an account is needless when its domain says the same, or
 * when its domain is silent, the whole policy says the same, and no network says
 * anything of it. */
#include "lockstep-config.h"

#include "conf/private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool conf_same_field(size_t index, const struct ls_policy *a,
		     const struct ls_policy *b)
{
	const struct ls_field *field = &ls_fields[index];

	return memcmp((const char *)a + field->offset,
		      (const char *)b + field->offset, field->size) == 0;
}

static const char *override_kind(const struct conf_override *override)
{
	return override->domain ? "override domain" : "override user";
}

/* ---- accounts and domains ------------------------------------------------ */

/* Accounts before domains, then by name: of a domain whatever its case. */
static int by_name(const void *a_override, const void *b_override)
{
	const struct conf_override *a =
		*(const struct conf_override *const *)a_override;
	const struct conf_override *b =
		*(const struct conf_override *const *)b_override;
	int order;

	if (a->domain != b->domain)
		return a->domain ? 1 : -1;
	order = a->domain ? strcasecmp(a->name, b->name)
			  : strcmp(a->name, b->name);
	/* In the array they are in the order of the text. */
	return order != 0 ? order : (a > b) - (a < b);
}

static const struct conf_override **sorted(const struct conf *conf)
{
	const struct conf_override **list = conf_alloc(
		(conf->override_count + 1) * sizeof(*list));

	for (size_t i = 0; i < conf->override_count; i++)
		list[i] = &conf->overrides[i];
	qsort(list, conf->override_count, sizeof(*list), by_name);
	return list;
}

void conf_check_twice(struct conf *conf)
{
	const struct conf_override **list = sorted(conf);

	for (size_t i = 1; i < conf->override_count; i++) {
		const struct conf_override *a = list[i - 1], *b = list[i];

		if (a->domain != b->domain ||
		    (a->domain ? strcasecmp(a->name, b->name)
			       : strcmp(a->name, b->name)) != 0)
			continue;
		conf_error(&conf->log, &b->place, "%s \"%s\" is there twice",
			   override_kind(b), b->name);
	}
	free(list);
}

static const struct conf_override *
domain_of(const struct conf *conf, const struct conf_override **list,
	  const struct conf_override *account)
{
	const char *at = account->domain ? NULL : strrchr(account->name, '@');
	size_t low = 0, high = conf->override_count;

	while (at != NULL && low < high) {
		size_t middle = low + (high - low) / 2;
		const struct conf_override *it = list[middle];
		int order = it->domain ? strcasecmp(it->name, at + 1) : -1;

		if (order == 0)
			return it;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool sets(const struct conf_override *override,
		 const struct ls_field *field)
{
	const struct ls_field *const *fields = override->fields;

	while (*fields != NULL && *fields != field)
		fields++;
	return *fields != NULL;
}

/* Is every value of an override what holds without it? */
static bool is_needless(const struct conf *conf,
			const struct conf_override *override,
			const struct conf_override *domain,
			const bool by_nets[LS_FIELD_COUNT])
{
	if (override->fields[0] == NULL)
		return false; /* that was told */
	for (const struct ls_field *const *field = override->fields;
	     *field != NULL; field++) {
		size_t index = (size_t)(*field - ls_fields);
		bool said = domain != NULL && sets(domain, *field);

		if (!said && by_nets[index])
			return false;
		if (!conf_same_field(index, &override->policy,
				     said ? &domain->policy : &conf->policy))
			return false;
	}
	return true;
}

void conf_check_needless(struct conf *conf)
{
	const struct conf_override **list = sorted(conf);
	bool by_nets[LS_FIELD_COUNT] = { false };

	for (size_t i = 0; i < conf->net_count; i++) {
		for (size_t j = 0; j < LS_FIELD_COUNT; j++)
			by_nets[j] |= conf->nets[i].set[j];
	}
	for (size_t i = 0; i < conf->override_count; i++) {
		const struct conf_override *override = &conf->overrides[i];

		if (is_needless(conf, override,
				domain_of(conf, list, override), by_nets))
			conf_warning(&conf->log, &override->place,
				     "%s \"%s\": says what holds without it",
				     override_kind(override), override->name);
	}
	free(list);
}

/* ---- networks ------------------------------------------------------------ */

/* What was written of it, for a message: `trusted "192.0.2.0/24"`. */
static const char *written(const struct conf_net *net)
{
	return net->said & CONF_NET_OVERRIDE  ? "override net"
	       : net->said & CONF_NET_TRUSTED ? "trusted"
					      : "denied";
}

/* Limits that an override has, and that are looked at for nobody in it. */
static void check_reached(struct conf *conf, const struct conf_net *net,
			  const char *text, const bool own[LS_FIELD_COUNT])
{
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		const char *section = ls_fields[i].section;

		if (!own[i] || section == NULL)
			continue;
		if (net->policy.denied != 0) {
			conf_warning(&conf->log, &net->place,
				     "override net \"%s\": %s: holds for "
				     "nobody: the network is denied",
				     text, section);
			return;
		}
		if (net->policy.trusted != 0 && strcmp(section, "place") != 0) {
			conf_warning(&conf->log, &net->place,
				     "override net \"%s\": %s: holds for "
				     "nobody: of a trusted network only the "
				     "accounts are counted",
				     text, section);
			return;
		}
	}
}

void conf_check_net(struct conf *conf, const struct conf_net *net,
		    const struct conf_net *wider,
		    const bool own[LS_FIELD_COUNT])
{
	char text[LS_PREFIX_TEXT], around[LS_PREFIX_TEXT];
	size_t said = 0, same = 0;

	if (net->place.line == 0)
		return; /* there by default */
	ls_prefix_format(&net->prefix, text);
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		said += own[i];
		same += own[i] && conf_same_field(i, &net->policy,
						  wider != NULL ? &wider->policy
								: &conf->policy);
	}
	if (said > 0 && same == said && wider == NULL) {
		conf_warning(&conf->log, &net->place,
			     "%s \"%s\": says what holds without it",
			     written(net), text);
	} else if (said > 0 && same == said) {
		ls_prefix_format(&wider->prefix, around);
		conf_warning(&conf->log, &net->place,
			     "%s \"%s\": says what holds without it, by %s",
			     written(net), text, around);
	}
	check_reached(conf, net, text, own);
}
