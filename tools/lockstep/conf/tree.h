/* tree.h - the sections and values of lockstep.conf, by libConfuse
 *
 * Every value is a CFGT_PTR option, whose pointer is a struct conf_value: the
 * text, and the token that it was. What the values mean is not looked at here;
 * which keys there are is: those of ls_fields (policy.h) in their sections, the
 * lists `trusted` and `denied`, the overrides, and the webhooks. */
#ifndef LOCKSTEP_CONF_TREE_H
#define LOCKSTEP_CONF_TREE_H

#include "conf/tokens.h"

#include <confuse.h>

struct conf_value {
	char *text;
	size_t token; /* CONF_NONE: a default */
	const cfg_opt_t *opt;
};

/* Hand the tokens to libConfuse. Unknown keys, and sections given twice, are
 * told of and left out (dropped in the text). Returns the tree, to be freed by
 * conf_tree_free(); where the grammar is broken the log says so, and the tree
 * has what was read until there. */
cfg_t *conf_tree_parse(struct conf_text *text, struct conf_log *log);
void conf_tree_free(cfg_t *tree);

/* The overrides are in no tree with the rest: there may be a hundred thousand,
 * and libConfuse compares each title with all before it, and keeps kilobytes for
 * each. They come one by one, in the order of the text, each in a tree of its
 * own, to be freed before the next is asked for. After conf_tree_parse(). */
struct conf_part {
	cfg_t *tree, *section; /* the section: NULL when it cannot be read */
	const char *kind;      /* "override user", "... domain", "... net" */
	size_t title;          /* its token */
	size_t next;           /* token to go on with; 0 at first */
};
/* Returns false when there are no more. */
bool conf_tree_next_override(struct conf_text *text, struct conf_part *part,
			     struct conf_log *log);

/* A key's value; NULL: not set. `index`: of a list, else 0. */
const struct conf_value *conf_tree_value(cfg_t *section, const char *key,
					 unsigned index);
/* The token of a section's title (or its name, where it has none); not in the
 * tree of an override. */
size_t conf_tree_title(const struct conf_text *text, const cfg_t *section);

#endif
