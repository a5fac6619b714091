/* create.c - making the maps that a policy asks for, missing or anew */
#include "lockstep-config.h"

#include "base/error.h"
#include "state/made.h"
#include "state/snapshot.h"
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const char *ls_state_map_path(const struct ls_state *state,
			      enum ls_map_type type, char *path, size_t size)
{
	const char *name = type == LS_MAP_GUARD ? "guard" : "sessions";

	snprintf(path, size, "%s/%s",
		 ls_policy_file_policy(state->policy)->state_dir, name);
	return name;
}

/* What a new guard is filled from. */
struct restore {
	const struct ls_snapshot *snapshot;
	uint64_t boot_ms, real_ms;
	bool whole; /* or not at all */
	struct ls_lost lost;
};

/* Returns 0; or LS_EFULL, where all that counts has to fit and does not. */
static int fill_map(struct ls_map *map, void *context, struct ls_error *error_r)
{
	struct restore *restore = context;
	char text[200];

	ls_snapshot_restore(restore->snapshot, map,
			    ls_map_now(map, restore->boot_ms),
			    restore->real_ms, &restore->lost);
	/* Strikes and stamps come again by themselves. */
	for (unsigned i = 0; restore->whole && i <= LS_KEPT_DOUBT; i++) {
		if (restore->lost.of[i] == 0)
			continue;
		ls_lost_text(&restore->lost, text, sizeof(text));
		return ls_fail(error_r, LS_EFULL,
			       "%s would not fit, and the maps stay as they "
			       "are: raise `subjects`",
			       text);
	}
	return 0;
}

/* Say what was lost; LS_EFULL tells it from other warnings. */
static void warn_of_lost(const struct ls_lost *lost, struct ls_error *warning)
{
	char text[200];

	if (ls_lost_text(lost, text, sizeof(text)))
		ls_fail(warning, LS_EFULL, "%s did not fit: raise `subjects`",
			text);
}

/* ls_map_create() or ls_map_replace(). */
typedef int make_fn(int dirfd, const char *name, const char *path,
		    const struct ls_map_spec *spec, struct ls_map *map_r,
		    struct ls_error *error_r);

static int make_map(const struct ls_state *state, enum ls_map_type type,
		    const struct ls_open_args *args, uint64_t subjects,
		    bool whole, make_fn *make, struct ls_map *map_r,
		    struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	struct restore restore = { .boot_ms = args->now_ms,
				   .real_ms = args->real_ms,
				   .whole = whole };
	struct ls_map_spec spec = {
		.type = type,
		.subjects = subjects,
		.journal_records = policy->journal_size,
		.boot_ms = args->now_ms,
		.real_ms = args->real_ms,
		.group = policy->group,
		.readers = policy->readers,
		.auth_user = policy->auth_user,
	};
	struct ls_snapshot *snapshot = NULL;
	struct ls_error warning = { 0, "" };
	char path[LS_PATH_SIZE + 16];
	const char *name = ls_state_map_path(state, type, path, sizeof(path));
	int ret;

	if (type == LS_MAP_SESSIONS) {
		spec.subjects = subjects / LS_SUBJECTS_FOR_A_SEAT;
		spec.live_places = subjects / LS_SUBJECTS_FOR_A_SESSION;
	}
	/* A snapshot that cannot be used costs what it holds, no more. */
	if (type == LS_MAP_GUARD)
		ls_snapshot_open(state->policy_dirfd, &snapshot, &warning);
	if (snapshot != NULL) {
		restore.snapshot = snapshot;
		spec.hash_key = ls_snapshot_hash_key(snapshot);
		spec.fill = fill_map;
		spec.context = &restore;
	}
	ret = make(state->state_dirfd, name, path, &spec, map_r, error_r);
	ls_snapshot_close(&snapshot);
	if (ret == 0)
		warn_of_lost(&restore.lost, &warning);
	if (ret == 0 && error_r->text[0] == '\0')
		*error_r = warning;
	return ret;
}

int ls_state_create_map(const struct ls_state *state, enum ls_map_type type,
			const struct ls_open_args *args, struct ls_map *map_r,
			struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	int ret = 0;

	/* The guard is made first: then both are to have room. */
	if (type == LS_MAP_GUARD)
		ret = ls_room_check(policy->state_dir,
				    ls_room_wanted(policy->subjects,
						   policy->journal_size),
				    error_r);
	return ret < 0 ? ret
		       : make_map(state, type, args, policy->subjects, false,
				  ls_map_create, map_r, error_r);
}

/* Carry what the guard in use holds over into the snapshot. */
static int save_old(const struct ls_open_args *args, struct ls_error *error_r)
{
	struct ls_open_args old_args = *args;
	struct ls_error no_guard;
	struct ls_state *old;
	int ret;

	old_args.flags = LS_GUARD_READ;
	if (ls_open(&old_args, &old, &no_guard) < 0)
		return 0; /* none that could be read: nothing to carry */
	ret = ls_snapshot_save(old, args->now_ms, args->real_ms, error_r);
	ls_close(&old);
	return ret;
}

int ls_init(const struct ls_open_args *args, uint64_t subjects, bool force,
	    struct ls_error *error_r)
{
	static const enum ls_map_type types[] = { LS_MAP_GUARD,
						  LS_MAP_SESSIONS };
	struct ls_open_args bare = *args;
	struct ls_state *state;
	int ret;

	bare.flags = 0;
	ret = ls_open(&bare, &state, error_r);
	if (ret < 0)
		return ret;
	if (subjects == 0)
		subjects = ls_policy_file_policy(state->policy)->subjects;
	/* Before anything is begun. */
	if (faccessat(state->state_dirfd, ".", W_OK, AT_EACCESS) < 0 &&
	    errno == EACCES)
		ret = ls_fail(error_r, LS_EACCES,
			      "%s: permission denied: only root may make the "
			      "maps",
			      ls_policy_file_policy(state->policy)->state_dir);
	if (ret == 0)
		ret = ls_room_check(
			ls_policy_file_policy(state->policy)->state_dir,
			ls_room_wanted(subjects,
				       ls_policy_file_policy(state->policy)
					       ->journal_size),
			error_r);
	if (ret == 0)
		ret = save_old(args, error_r);
	for (unsigned i = 0; ret == 0 && i < 2; i++) {
		struct ls_error error = { 0, "" };
		struct ls_map map;

		ret = make_map(state, types[i], args, subjects, !force,
			       ls_map_replace, &map, &error);
		if (ret == 0)
			ls_map_close(&map);
		/* An error, or the first warning. */
		if (ret < 0 || error_r->text[0] == '\0')
			*error_r = error;
	}
	/* The contacts stay, for the policy's groups. */
	if (ret == 0) {
		struct ls_error contacts = { 0, "" };

		ls_state_give_contacts(state, &contacts);
		if (contacts.code != LS_ENOENT && error_r->text[0] == '\0')
			*error_r = contacts;
	}
	ls_close(&state);
	return ret;
}
