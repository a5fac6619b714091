/* made.c - see made.h */
#include "lockstep-config.h"

#include "base/access.h"
#include "state/made.h"
#include "state/state.h"

#include <fcntl.h>
#include <unistd.h>

static uint64_t made_room(uint64_t buckets)
{
	return buckets * LS_WAYS;
}

int ls_made_as(const struct ls_state *state, struct ls_made *made_r)
{
	const struct ls_map *map = &state->guard;
	int fd, ret;

	*made_r =
		(struct ls_made){ .subjects = made_room(map->subjects.buckets),
				  .journal_size = map->journal.records };
	fd = openat(state->state_dirfd, "guard",
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return LS_ESYS;
	ret = ls_access_has(fd, &made_r->group, &made_r->readers);
	made_r->auth_user = ls_access_user_has(fd);
	close(fd);
	return ret;
}

void ls_made_by(const struct ls_policy *policy, struct ls_made *made_r)
{
	*made_r = (struct ls_made){
		.subjects = made_room(ls_map_buckets(policy->subjects)),
		.journal_size = policy->journal_size,
	};
	ls_access_wanted(policy->group, policy->readers, &made_r->group,
			 &made_r->readers);
	made_r->auth_user = ls_access_user_wanted(policy->auth_user);
}
