/* known.c - see known.h */
#include "lockstep-config.h"

#include "args/known.h"
#include "args/nearest.h"
#include "cli.h"
#include "orders.h"

#include <stdio.h>
#include <string.h>

struct search {
	const char *user;
	struct known *known;
	bool same_local; /* those found so far have the same local part */
};

static size_t local_length(const char *user)
{
	return strcspn(user, "@");
}

static bool is_same_local(const char *a, const char *b)
{
	size_t len = local_length(a);

	return len > 0 && len == local_length(b) && strncmp(a, b, len) == 0;
}

static bool is_meant(const struct known *known, const char *user)
{
	for (unsigned i = 0; i < known->count; i++)
		if (strcmp(known->meant[i], user) == 0)
			return true;
	return false;
}

/* One of several with the same local part, or the nearest of the others. */
static void suggest(struct search *search, const char *user)
{
	struct known *known = search->known;
	bool same_local = is_same_local(search->user, user);

	if (same_local && !search->same_local)
		known->count = 0;
	if (same_local) {
		search->same_local = true;
		if (known->count < KNOWN_MEANT && !is_meant(known, user))
			ls_user_copy(known->meant[known->count++], user);
	} else if (!search->same_local &&
		   word_nearer(search->user,
			       known->count > 0 ? known->meant[0] : NULL,
			       user) == user) {
		ls_user_copy(known->meant[0], user);
		known->count = 1;
	}
}

static void look_at_name(struct search *search, const char *user)
{
	if (user[0] == '\0')
		return;
	if (strcmp(user, search->user) == 0)
		search->known->used = true;
	else
		suggest(search, user);
}

static void look_at_place(void *context, const struct ls_place *place)
{
	look_at_name(context, place->user);
}

static void note_known_place(void *context, const struct ls_place *place)
{
	struct search *search = context;

	(void)place;
	search->known->used = true;
}

void known_gather(struct ls_state *state, const char *user,
		  struct known *known_r)
{
	const struct ls_question question = { .user = user };
	const struct ls_places_of its = { .user = user }, all = { NULL, NULL };
	struct search search = { .user = user, .known = known_r };
	uint64_t now_ms = cli_now_ms();
	struct ls_cursor cursor = { 0 };
	struct ls_sending sending;
	struct ls_explanation is;
	struct ls_record record;

	*known_r = (struct known){ .used = false };
	if (ls_explain(state, &question, now_ms, &is) == 0)
		known_r->used = is.aliased;
	if (ls_explain_sending(state, user, now_ms, 0, &sending) == 0)
		known_r->used = known_r->used || sending.found;
	/* Of these it is known for sure, of others by the names that are kept. */
	ls_places(state, &its, now_ms, note_known_place, &search);
	if (!known_r->used)
		ls_places(state, &all, now_ms, look_at_place, &search);
	while (!known_r->used &&
	       ls_journal_next(state, LS_JOURNAL_GUARD, &cursor, now_ms,
			       &record) == 1)
		if (record.event == LS_EVENT_LOGIN &&
		    record.outcome == LS_OUTCOME_SUCCESS)
			look_at_name(&search, record.subject.user);
}

void known_tell(const struct known *known, const char *user)
{
	char meant[KNOWN_MEANT * (LS_USER_MAX + 8)] = "";
	size_t used = 0;

	if (known->used)
		return;
	for (unsigned i = 0; i < known->count; i++)
		used += (size_t)snprintf(meant + used, sizeof(meant) - used,
					 "%s%s", i > 0 ? " or " : "",
					 known->meant[i]);
	if (known->count > 0)
		cli_complain("%s: nobody ever logged in by that name, as far as "
			     "is remembered; did you mean %s?",
			     user, meant);
	else
		cli_complain("%s: nobody ever logged in by that name, as far as "
			     "is remembered",
			     user);
}
