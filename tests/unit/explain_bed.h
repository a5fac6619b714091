/* explain_bed.h - a world, and what is told of a login in it */
#ifndef LS_EXPLAIN_BED_H
#define LS_EXPLAIN_BED_H

#include "explain.h"
#include "world_bed.h"

static struct ls_explanation explain(struct ls_state *state, const char *user,
				     const char *ip, const char *password,
				     const char *service)
{
	struct ls_addr addr = ip != NULL ? world_addr(ip) : (struct ls_addr){ 0 };
	const struct ls_question question = { .user = user,
					      .ip = ip != NULL ? &addr : NULL,
					      .password = password,
					      .service = service };
	struct ls_explanation explanation;

	check("ls_explain", ls_explain(state, &question, world.now_ms,
				       &explanation), 0);
	return explanation;
}

#endif
