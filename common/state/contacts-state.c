/* contacts-state.c - the file of contacts of a policy: see state.h */
#include "lockstep-config.h"

#include "base/access.h"
#include "state/state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *contacts_path(const struct ls_state *state, char *path,
				 size_t size)
{
	const char *slash = strrchr(state->policy_path, '/');
	int len = slash == NULL ? 0 : (int)(slash + 1 - state->policy_path);

	snprintf(path, size, "%.*scontacts", len, state->policy_path);
	return path;
}

int ls_state_give_contacts(const struct ls_state *state,
			   struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	char path[LS_PATH_SIZE + 16];

	return ls_contacts_give(state->policy_dirfd,
				contacts_path(state, path, sizeof(path)),
				policy->group, policy->readers, error_r);
}

/* The contacts, beside the policy. Without them nobody is new to an account. */
static int open_contacts(struct ls_state *state, struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	char path[LS_PATH_SIZE + 16];
	bool write = state->flags & LS_GUARD_WRITE;
	int ret;

	contacts_path(state, path, sizeof(path));
	if ((state->flags & LS_CREATE) && geteuid() == 0)
		ls_state_give_contacts(state, &(struct ls_error){ 0, "" });
	ret = ls_contacts_open(state->policy_dirfd, path, write,
			       &state->contacts, error_r);
	if (ret == LS_EACCES)
		ls_access_refused(path, write, policy->group, policy->readers,
				  error_r);
	if (ret != LS_ENOENT || !(state->flags & LS_CREATE))
		return ret;
	error_r->text[0] = '\0';
	ret = ls_contacts_create(state->policy_dirfd, path, policy->contacts,
				 policy->group, policy->readers, error_r);
	if (ret < 0)
		return ret;
	return ls_contacts_open(state->policy_dirfd, path, write,
				&state->contacts, error_r);
}

int ls_state_open_contacts(struct ls_state *state, struct ls_error *error_r)
{
	state->contacts_error = open_contacts(state, error_r);
	return state->contacts_error;
}

void ls_state_look_at_contacts(struct ls_state *state, struct ls_error *error_r)
{
	struct ls_error error = { 0, "" };
	int before = state->contacts_error;

	if (!(state->flags & LS_CONTACTS) ||
	    (state->contacts.header != NULL &&
	     ls_contacts_are_at(&state->contacts, state->policy_dirfd)))
		return;
	ls_contacts_close(&state->contacts);
	if (ls_state_open_contacts(state, &error) < 0 &&
	    error.code != LS_ENOENT && error.code != before)
		*error_r = error;
}
