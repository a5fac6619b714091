/* conf.c - see conf.h */
#include "lockstep-config.h"

#include "print/subject.h"
#include "conf/private.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf_where conf_where(const struct conf *conf, size_t token)
{
	struct conf_where where = { .place = { "", 0 } };

	if (token < conf->text.count) {
		where.place = conf->text.tokens[token].place;
		conf_text_context(&conf->text, token, where.context);
	}
	return where;
}

/* The second limit is for the patient: longer, and reached. */
static void check_speeds(struct conf *conf, const struct conf_where *where,
			 const struct ls_field *field, const char *text,
			 const struct ls_policy *policy)
{
	struct ls_limit limit[LS_SPEEDS];
	const struct ls_limit *fast = &limit[LS_FAST], *slow = &limit[LS_SLOW];

	memcpy(limit, (const char *)policy + field->offset, sizeof(limit));
	if (fast->units == 0 || slow->units == 0)
		return;
	if (fast->period_ms >= slow->period_ms)
		conf_error(&conf->log, &where->place,
			   "%s%s: \"%s\": the second limit, the slow one, must "
			   "be over a longer time than the first",
			   where->context, field->name, text);
	else if (fast->units > slow->units)
		conf_warning(&conf->log, &where->place,
			     "%s%s: \"%s\": the first limit is never reached, "
			     "the second is full before",
			     where->context, field->name, text);
	else if (fast->units * slow->period_ms <= slow->units * fast->period_ms)
		conf_warning(&conf->log, &where->place,
			     "%s%s: \"%s\": the second limit is hardly ever "
			     "reached, the first allows no more",
			     where->context, field->name, text);
}

/* The values of a list, with commas between. One too long for all stays too long. */
static const char *join_text(cfg_t *section, const char *name,
			     char text_r[LS_FIELD_TEXT_SIZE])
{
	const struct conf_value *value;
	size_t used = 0;

	for (unsigned i = 0;
	     (value = conf_tree_value(section, name, i)) != NULL &&
	     used < LS_FIELD_TEXT_SIZE;
	     i++)
		used += (size_t)snprintf(text_r + used,
					 LS_FIELD_TEXT_SIZE - used, "%s%s",
					 i > 0 ? ", " : "", value->text);
	return text_r;
}

bool conf_take_field(struct conf *conf, cfg_t *section,
		     const struct ls_field *field, struct ls_policy *policy)
{
	const struct conf_value *value =
		conf_tree_value(section, field->name, 0);
	char list[LS_FIELD_TEXT_SIZE];
	struct conf_where where;
	struct ls_error error;
	const char *text;

	if (value == NULL)
		return false;
	where = conf_where(conf, value->token);
	text = value->text;
	if (field->type == LS_FIELD_PREFIXES)
		text = join_text(section, field->name, list);
	if (ls_field_parse(field, text, policy, &error) < 0) {
		conf_error(&conf->log, &where.place, "%s%s: %s", where.context,
			   field->name, error.text);
		return false;
	}
	if (field->type == LS_FIELD_LIMITS)
		check_speeds(conf, &where, field, value->text, policy);
	return true;
}

/* What bounds the guesses of those whom no other limit touches. */
static void check_place_limits(struct conf *conf, cfg_t *place)
{
	const struct conf_value *value = conf_tree_value(place, "failures", 0);
	struct conf_where where;

	if (value == NULL || conf->policy.place.failures[LS_FAST].units > 0 ||
	    conf->policy.place.failures[LS_SLOW].units > 0)
		return;
	where = conf_where(conf, value->token);
	conf_warning(&conf->log, &where.place,
		     "%sfailures: with no limit here, nothing bounds guesses "
		     "from familiar places",
		     where.context);
}

static void take_policy(struct conf *conf, cfg_t *tree)
{
	ls_policy_presets(&conf->policy);
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		cfg_t *section = tree;
		char name[32] = "limit ";

		if (field->type == LS_FIELD_FLAG)
			continue;
		if (field->section != NULL)
			section =
				cfg_getsec(tree, strcat(name, field->section));
		conf_take_field(conf, section, field, &conf->policy);
	}
	check_place_limits(conf, cfg_getsec(tree, "limit place"));
}

size_t conf_take_override(struct conf *conf, cfg_t *section, unsigned flag,
			  struct ls_policy *policy, bool *set_r)
{
	size_t count = 0;

	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		const struct ls_field *field = &ls_fields[i];
		cfg_t *inner = section;

		set_r[i] = false;
		if ((field->flags & flag) == 0 || field->type == LS_FIELD_FLAG)
			continue;
		if (field->section != NULL)
			inner = cfg_getsec(section, field->section);
		set_r[i] = conf_take_field(conf, inner, field, policy);
		count += set_r[i];
	}
	return count;
}

/* Returns false when the name cannot be one. */
static bool check_name(struct conf *conf, const struct conf_where *where,
		       const char *name, bool domain)
{
	const char *what = domain ? "override domain" : "override user";

	if (name[0] == '\0' || strlen(name) > LS_USER_MAX) {
		conf_error(&conf->log, &where->place,
			   "%s \"%.40s\": a name has 1 to %d characters", what,
			   name, LS_USER_MAX);
		return false;
	}
	if (domain && strchr(name, '@') != NULL) {
		conf_error(&conf->log, &where->place,
			   "%s \"%s\": write the domain without the @", what,
			   name);
		return false;
	}
	if (domain && strpbrk(name, "*?") != NULL) {
		conf_error(&conf->log, &where->place,
			   "%s \"%s\": one domain, without wildcards", what,
			   name);
		return false;
	}
	if (!domain && subject_has_capitals(name))
		conf_warning(&conf->log, &where->place,
			     "%s \"%s\": " SUBJECT_CAPITALS, what, name);
	return true;
}

static void take_override(struct conf *conf, const struct conf_part *part)
{
	bool domain = strcmp(part->kind, "override domain") == 0;
	struct conf_where where = conf_where(conf, part->title);
	const char *name = cfg_title(part->section);
	struct conf_override *override;
	bool set[LS_FIELD_COUNT];
	size_t count = 0;

	if (!check_name(conf, &where, name, domain))
		return;
	conf->overrides = conf_grow(conf->overrides, conf->override_count,
				    sizeof(*conf->overrides));
	override = &conf->overrides[conf->override_count++];
	*override = (struct conf_override){ .domain = domain,
					    .place = where.place,
					    .policy = conf->policy };
	override->name = conf_copy(name, strlen(name));
	if (conf_take_override(conf, part->section, LS_FIELD_BY_USER,
			       &override->policy, set) == 0)
		conf_warning(&conf->log, &where.place,
			     "%s \"%s\": overrides nothing", part->kind, name);
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		if (set[i])
			override->fields[count++] = &ls_fields[i];
	}
}

static void take_overrides(struct conf *conf)
{
	struct conf_part part = { .next = 0 };

	while (conf_tree_next_override(&conf->text, &part, &conf->log)) {
		if (part.section != NULL &&
		    strcmp(part.kind, "override net") == 0)
			conf_take_net(conf, &part);
		else if (part.section != NULL)
			take_override(conf, &part);
		conf_tree_free(part.tree);
	}
}

int conf_read(const char *path, struct conf **conf_r)
{
	struct conf *conf = conf_alloc(sizeof(*conf));
	cfg_t *tree;

	*conf_r = conf;
	/* A tree of libConfuse is a thousand small pieces, made and freed for each
	 * override: glibc's fast bins scatter those that stay among them, and with
	 * many overrides half of the time is misses of the cache. */
	mallopt(M_MXFAST, 0);
	if (conf_text_read(&conf->text, path, &conf->log)) {
		tree = conf_tree_parse(&conf->text, &conf->log);
		take_policy(conf, tree);
		conf_take_nets(conf, tree);
		take_overrides(conf);
		conf_nets_finish(conf);
		conf_take_webhooks(conf, tree);
		conf_tree_free(tree);
		conf_check_twice(conf);
		/* Of values that are not as meant nothing can be said. */
		if (conf->log.errors == 0)
			conf_check_needless(conf);
	}
	conf_log_sort(&conf->log, path);
	return conf->log.errors == 0 ? 0 : -1;
}

void conf_free(struct conf **_conf)
{
	struct conf *conf = *_conf;

	*_conf = NULL;
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->override_count; i++)
		free(conf->overrides[i].name);
	free(conf->overrides);
	free(conf->nets);
	free(conf->webhooks);
	conf_log_clear(&conf->log);
	conf_text_free(&conf->text);
	free(conf);
}

const struct conf_log *conf_log(const struct conf *conf)
{
	return &conf->log;
}

const struct ls_policy *conf_policy(const struct conf *conf)
{
	return &conf->policy;
}

struct conf_counts conf_counts(const struct conf *conf)
{
	struct conf_counts counts = { .nets = conf->net_count,
				      .webhooks = conf->webhook_count };

	for (size_t i = 0; i < conf->override_count; i++) {
		if (conf->overrides[i].domain)
			counts.domains++;
		else
			counts.users++;
	}
	return counts;
}

static void write_net(const struct conf_net *net,
		      struct ls_policy_writer *writer)
{
	const struct ls_field *fields[LS_FIELD_COUNT + 1];
	size_t count = 0;

	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		if (net->set[i])
			fields[count++] = &ls_fields[i];
	}
	fields[count] = NULL;
	ls_policy_writer_net(writer, &net->prefix, &net->policy, fields);
}

void conf_write(const struct conf *conf, struct ls_policy_writer *writer)
{
	ls_policy_writer_policy(writer, &conf->policy);
	for (size_t i = 0; i < conf->override_count; i++) {
		const struct conf_override *override = &conf->overrides[i];

		if (override->domain)
			ls_policy_writer_domain(writer, override->name,
						&override->policy,
						override->fields);
		else
			ls_policy_writer_user(writer, override->name,
					      &override->policy,
					      override->fields);
	}
	for (size_t i = 0; i < conf->net_count; i++)
		write_net(&conf->nets[i], writer);
	for (size_t i = 0; i < conf->webhook_count; i++)
		ls_policy_writer_webhook(writer, &conf->webhooks[i]);
}

struct conf_place conf_place_of(const struct conf *conf, const char *key)
{
	struct conf_place place = { conf->text.file_count > 0
					    ? conf->text.files[0]
					    : "",
				    0 };

	for (size_t i = 0; i + 1 < conf->text.count; i++) {
		const struct conf_token *token = &conf->text.tokens[i];

		if (token->inside == CONF_NONE && token->type == CONF_WORD &&
		    strcmp(token->text, key) == 0 &&
		    conf_token_is(&conf->text, i + 1, "="))
			place = token->place;
	}
	return place;
}
