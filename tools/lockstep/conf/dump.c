/* dump.c - a policy as the lockstep.conf that would make it
 *
 * Networks have in a policy what the wider ones around them say; here they say
 * only what is their own, and the compiler adds the rest again. */
#include "lockstep-config.h"

#include "conf/private.h"

#include <stdlib.h>
#include <string.h>

/* ---- from a compiled policy ---------------------------------------------- */

struct loading {
	struct conf *conf;
	struct conf_place place;
};

static bool can_be_written(const char *name)
{
	for (; *name != '\0'; name++) {
		if ((unsigned char)*name < ' ' || *name == '\x7f')
			return false;
	}
	return true;
}

static void load_net(struct conf *conf, const struct ls_override *override)
{
	struct conf_net *net;

	conf->nets =
		conf_grow(conf->nets, conf->net_count, sizeof(*conf->nets));
	net = &conf->nets[conf->net_count++];
	*net = (struct conf_net){ .prefix = override->net,
				  .policy = override->policy };
	memcpy(net->set, override->set, sizeof(net->set));
}

static void load_override(void *context, const struct ls_override *from)
{
	struct loading *loading = context;
	struct conf *conf = loading->conf;
	struct conf_override *override;
	size_t count = 0;

	if (from->kind == LS_OVERRIDE_NET) {
		load_net(conf, from);
		return;
	}
	if (!can_be_written(from->name)) {
		conf_warning(&conf->log, &loading->place,
			     "left out: an override of \"%s\"", from->name);
		return;
	}
	conf->overrides = conf_grow(conf->overrides, conf->override_count,
				    sizeof(*conf->overrides));
	override = &conf->overrides[conf->override_count++];
	*override = (struct conf_override){
		.domain = from->kind == LS_OVERRIDE_DOMAIN,
		.name = conf_copy(from->name, strlen(from->name)),
		.policy = from->policy,
	};
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		if (from->set[i])
			override->fields[count++] = &ls_fields[i];
	}
}

int conf_load(const struct ls_policy_file *file, const char *path,
	      struct conf **conf_r, struct ls_error *error_r)
{
	struct conf *conf = conf_alloc(sizeof(*conf));
	struct loading loading = { conf, { path, 0 } };
	struct ls_webhook webhook;
	int ret;

	*conf_r = conf;
	conf->policy = *ls_policy_file_policy(file);
	ret = ls_policy_file_overrides(file, load_override, &loading, error_r);
	conf_nets_sort(conf);
	while (ls_policy_file_webhook(file, (unsigned)conf->webhook_count,
				      &webhook) > 0) {
		conf->webhooks =
			conf_grow(conf->webhooks, conf->webhook_count,
				  sizeof(*conf->webhooks));
		conf->webhooks[conf->webhook_count++] = webhook;
	}
	if (ret < 0)
		conf_free(conf_r);
	return ret;
}

/* ---- as text ------------------------------------------------------------- */

static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void dump_key(FILE *out, const char *indent, const char *name,
		     const char *text)
{
	fprintf(out, "%s%s = ", indent, name);
	put_string(out, text);
	putc('\n', out);
}

/* A list of what the text has commas and blanks between. */
static void put_prefixes(FILE *out, const char *name, char *text)
{
	const char *comma = "";
	char *rest = NULL;

	fprintf(out, "%s = {", name);
	for (const char *one = strtok_r(text, ", ", &rest); one != NULL;
	     one = strtok_r(NULL, ", ", &rest)) {
		fprintf(out, "%s ", comma);
		put_string(out, one);
		comma = ",";
	}
	fputs(" }\n", out);
}

static void put_field(FILE *out, const char *indent,
		      const struct ls_field *field,
		      const struct ls_policy *policy)
{
	char text[LS_FIELD_TEXT_SIZE];

	ls_field_format(field, policy, text);
	if (field->type == LS_FIELD_PREFIXES)
		put_prefixes(out, field->name, text);
	else if (field->type == LS_FIELD_NUMBER)
		fprintf(out, "%s%s = %s\n", indent, field->name, text);
	else
		dump_key(out, indent, field->name, text);
}

static bool is_shown(const bool *shown, size_t index)
{
	return ls_fields[index].type != LS_FIELD_FLAG &&
	       (shown == NULL || shown[index]);
}

static bool same_section(size_t a, size_t b)
{
	const char *one = ls_fields[a].section, *other = ls_fields[b].section;

	return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* Fields in their sections, which are called `limit ip` or, in an override,
 * `ip`.
 *   shown  which of ls_fields; NULL: all */
static void dump_fields(FILE *out, bool whole, const struct ls_policy *policy,
			const bool *shown)
{
	const char *outer = whole ? "" : "\t", *inner = whole ? "\t" : "\t\t";

	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		if (ls_fields[i].section == NULL && is_shown(shown, i))
			put_field(out, outer, &ls_fields[i], policy);
	}
	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		bool any = false;

		if (ls_fields[i].section == NULL ||
		    (i > 0 && same_section(i, i - 1)))
			continue;
		for (size_t j = i; j < LS_FIELD_COUNT && same_section(i, j);
		     j++) {
			if (!is_shown(shown, j))
				continue;
			if (!any)
				fprintf(out, "%s%s%s {\n", outer,
					whole ? "\nlimit " : "",
					ls_fields[i].section);
			any = true;
			put_field(out, inner, &ls_fields[j], policy);
		}
		if (any)
			fprintf(out, "%s}\n", outer);
	}
}

static void put_override(FILE *out, const struct conf_override *override)
{
	bool shown[LS_FIELD_COUNT] = { false };
	char name[LS_USER_MAX + 1];

	for (const struct ls_field *const *field = override->fields;
	     *field != NULL; field++)
		shown[*field - ls_fields] = true;
	snprintf(name, sizeof(name), "%s", override->name);
	for (char *c = name; override->domain && *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z') /* as the policy has it */
			*c = (char)(*c - 'A' + 'a');
	}
	fprintf(out, "override %s ", override->domain ? "domain" : "user");
	put_string(out, name);
	fputs(" {\n", out);
	dump_fields(out, false, &override->policy, shown);
	fputs("}\n", out);
}

/* ---- networks ------------------------------------------------------------ */

/* What is to be written of a network. */
struct shown {
	bool fields[LS_FIELD_COUNT];
	bool listed;   /* among the trusted, or the denied */
	bool override; /* as an override */
};

static struct shown show_net(const struct conf_net *net,
			     const struct conf_net *wider)
{
	struct shown shown = { .listed = false };
	bool flagged = false;

	for (size_t i = 0; i < LS_FIELD_COUNT; i++) {
		bool flag = ls_fields[i].type == LS_FIELD_FLAG;

		flagged |= flag && net->set[i];
		if (!net->set[i] ||
		    (wider != NULL && wider->set[i] &&
		     conf_same_field(i, &net->policy, &wider->policy)))
			continue;
		shown.fields[i] = true;
		shown.listed |= flag;
		shown.override |= !flag;
	}
	/* One that says nothing new is there all the same. */
	if (!shown.listed && !shown.override) {
		shown.listed = flagged;
		shown.override = !flagged;
	}
	return shown;
}

static void put_list(FILE *out, const struct conf *conf, bool trusted)
{
	struct conf_chain chain = { .length = 0 };
	char text[LS_PREFIX_TEXT];
	size_t count = 0;

	fprintf(out, "%s = {", trusted ? "trusted" : "denied");
	for (size_t i = 0; i < conf->net_count; i++) {
		const struct conf_net *net = &conf->nets[i];
		const struct conf_net *wider = conf_chain_add(&chain, net);

		if (!show_net(net, wider).listed ||
		    (net->policy.trusted != 0) != trusted)
			continue;
		ls_prefix_format(&net->prefix, text);
		fprintf(out, "%s\n\t\"%s\"", count++ > 0 ? "," : "", text);
	}
	fputs(count > 0 ? "\n}\n" : " }\n", out);
}

static void put_nets(FILE *out, const struct conf *conf)
{
	struct conf_chain chain = { .length = 0 };
	char text[LS_PREFIX_TEXT];

	for (size_t i = 0; i < conf->net_count; i++) {
		const struct conf_net *net = &conf->nets[i];
		struct shown shown =
			show_net(net, conf_chain_add(&chain, net));

		if (!shown.override)
			continue;
		ls_prefix_format(&net->prefix, text);
		fprintf(out, "override net \"%s\" {\n", text);
		dump_fields(out, false, &net->policy, shown.fields);
		fputs("}\n", out);
	}
}

/* ---- webhooks ------------------------------------------------------------ */

static void put_webhook(FILE *out, const struct ls_webhook *webhook)
{
	char digest[LS_DURATION_TEXT];
	const char *event, *comma = "";

	fputs("webhook ", out);
	put_string(out, webhook->name);
	fputs(" {\n", out);
	if (webhook->url_file[0] == '\0')
		dump_key(out, "\t", "url", webhook->url);
	else
		dump_key(out, "\t", "url-file", webhook->url_file);
	if (webhook->secret_file[0] != '\0')
		dump_key(out, "\t", "secret-file", webhook->secret_file);
	fputs("\tevents = {", out);
	for (size_t i = 0; (event = conf_event_of(webhook, i)) != NULL; i++) {
		if (*event == '\0')
			continue;
		fprintf(out, "%s \"%s\"", comma, event);
		comma = ",";
	}
	fputs(" }\n", out);
	dump_key(out, "\t", "format",
		 ls_format_name((enum ls_format)webhook->format));
	ls_duration_format(webhook->digest_ms, digest);
	dump_key(out, "\t", "digest", digest);
	fputs("}\n", out);
}

void conf_dump(const struct conf *conf, FILE *out)
{
	dump_fields(out, true, &conf->policy, NULL);
	putc('\n', out);
	put_list(out, conf, true);
	put_list(out, conf, false);
	for (size_t i = 0; i < conf->override_count; i++)
		put_override(out, &conf->overrides[i]);
	put_nets(out, conf);
	for (size_t i = 0; i < conf->webhook_count; i++)
		put_webhook(out, &conf->webhooks[i]);
}

/* ---- another one ----------------------------------------------------------- */

/* To be freed; NULL without memory. */
static char *dump_text(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	conf_dump(conf, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int conf_differs(const char *path, const struct ls_policy_file *file,
		 const char *policy)
{
	struct conf *conf, *compiled = NULL;
	char *text = NULL, *compiled_text = NULL;
	struct ls_error error;
	bool same = false, read = conf_read(path, &conf) == 0;

	if (read && conf_load(file, policy, &compiled, &error) == 0) {
		text = dump_text(conf);
		compiled_text = dump_text(compiled);
		same = text != NULL && compiled_text != NULL &&
		       strcmp(text, compiled_text) == 0;
	}
	free(text);
	free(compiled_text);
	conf_free(&compiled);
	conf_free(&conf);
	return read ? !same : -1;
}
