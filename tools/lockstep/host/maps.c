/* maps.c - see maps.h */
#include "lockstep-config.h"

#include "host/maps.h"
#include "state/made.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

struct comparing {
	struct maps_difference *difference;
	unsigned count;
};

static void compare_number(struct comparing *to, const char *key,
			   uint64_t policy, uint64_t wanted, uint64_t has)
{
	struct maps_difference *at = &to->difference[to->count];

	if (wanted == has)
		return;
	at->key = key;
	snprintf(at->policy, sizeof(at->policy), "%" PRIu64, policy);
	snprintf(at->maps, sizeof(at->maps), "%" PRIu64, has);
	to->count++;
}

static void compare_group(struct comparing *to, const char *key,
			  const char *policy, gid_t wanted, gid_t has)
{
	struct maps_difference *at = &to->difference[to->count];
	const struct group *group = NULL;

	if (wanted == has)
		return;
	at->key = key;
	snprintf(at->policy, sizeof(at->policy), "\"%s\"", policy);
	if (has != 0)
		group = getgrgid(has);
	if (has != 0 && group == NULL)
		snprintf(at->maps, sizeof(at->maps), "%u", (unsigned)has);
	else
		snprintf(at->maps, sizeof(at->maps), "\"%.64s\"",
			 group == NULL ? "" : group->gr_name);
	to->count++;
}

static void compare_user(struct comparing *to, const char *policy, uid_t wanted,
			 uid_t has)
{
	struct maps_difference *at = &to->difference[to->count];
	const struct passwd *user = has == 0 ? NULL : getpwuid(has);

	if (wanted == has)
		return;
	at->key = "auth-user";
	snprintf(at->policy, sizeof(at->policy), "\"%s\"", policy);
	if (has != 0 && user == NULL)
		snprintf(at->maps, sizeof(at->maps), "%u", (unsigned)has);
	else
		snprintf(at->maps, sizeof(at->maps), "\"%.64s\"",
			 user == NULL ? "" : user->pw_name);
	to->count++;
}

unsigned
maps_compare(const struct ls_state *guard, const struct ls_policy *policy,
	     struct maps_difference difference_r[MAPS_DIFFERENCES])
{
	struct comparing to = { difference_r, 0 };
	struct ls_made wanted, has;
	bool known = ls_made_as(guard, &has) == 0;

	ls_made_by(policy, &wanted);
	compare_number(&to, "subjects", policy->subjects, wanted.subjects,
		       has.subjects);
	compare_number(&to, "journal-size", policy->journal_size,
		       wanted.journal_size, has.journal_size);
	if (known) {
		compare_group(&to, "group", policy->group, wanted.group,
			      has.group);
		compare_group(&to, "readers", policy->readers, wanted.readers,
			      has.readers);
		compare_user(&to, policy->auth_user, wanted.auth_user,
			     has.auth_user);
	}
	return to.count;
}
