/* state.c - opening the policy and the maps, and following their changes */
#include "lockstep-config.h"

#include "base/access.h"
#include "base/error.h"
#include "base/space.h"
#include "state/shared.h"
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_directory(int root_fd, const char *path, const char *what,
			  struct ls_error *error_r)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	const char *below = path + strspn(path, "/");
	int fd = root_fd > 0 && below != path
			 ? openat(root_fd, *below == '\0' ? "." : below, flags)
			 : open(path, flags);

	if (fd >= 0)
		return fd;
	return ls_fail(error_r, LS_ESYS, "%s %s: %s", what, path,
		       strerror(errno));
}

/* The one that is in place now. */
static int open_policy_file(const struct ls_state *state,
			    struct ls_policy_file **file_r,
			    struct ls_error *error_r)
{
	return (state->flags & LS_BRIEF ? ls_policy_file_peek
					: ls_policy_file_open)(
		state->policy_dirfd, state->policy_path, file_r, error_r);
}

static int open_policy(struct ls_state *state, const struct ls_open_args *args,
		       struct ls_error *error_r)
{
	char dir[LS_PATH_SIZE];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", state->policy_path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else if (slash == dir)
		slash[1] = '\0';
	else
		*slash = '\0';
	state->policy_dirfd = open_directory(args->root_fd, dir,
					     "policy directory", error_r);
	if (state->policy_dirfd < 0)
		return LS_ESYS;
	return open_policy_file(state, &state->policy, error_r);
}

/* The guard or the sessions map, as the flags want it. */
static int open_map(struct ls_state *state, enum ls_map_type type,
		    const struct ls_open_args *args, struct ls_error *error_r)
{
	struct ls_error error = { 0, "" };
	bool guard = type == LS_MAP_GUARD;
	struct ls_map *map = guard ? &state->guard : &state->sessions;
	bool write = state->flags & (guard ? LS_GUARD_WRITE : LS_SESSIONS_WRITE);
	bool read = state->flags & (guard ? LS_GUARD_READ : LS_SESSIONS_READ);
	char path[LS_PATH_SIZE + 16];
	const char *name = ls_state_map_path(state, type, path, sizeof(path));
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	int ret;

	if (!read && !write)
		return 0;
	ret = ls_map_open(state->state_dirfd, name, path, type, write, map,
			  &error);
	if (ret == LS_EACCES)
		ls_access_refused(path, write, policy->group, policy->readers,
				  &error);
	if (ret == LS_ENOENT && (state->flags & LS_CREATE)) {
		error.text[0] = '\0';
		ret = ls_state_create_map(state, type, args, map, &error);
		if (ret == 0 && !write) { /* a reader made it: map it as one */
			ls_map_close(map);
			ret = ls_map_open(state->state_dirfd, name, path, type,
					  false, map, &error);
		}
	}
	/* An error, or the first warning. */
	if (ret < 0 || error_r->text[0] == '\0')
		*error_r = error;
	return ret;
}

/* Make what is made once for each policy. */
static void follow_policy(struct ls_state *state)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);

	ls_meters_of(policy, &state->meters);
	/* Checked with the file. */
	(void)ls_nat64_parse(policy->nat64, &state->nat64, NULL);
}

const struct ls_nat64 *ls_nat64_of(const struct ls_state *state)
{
	return state != NULL ? &state->nat64 : NULL;
}

/* Read the policy that is in place now. The one in force stays if it is not
 * usable. */
static int reread_policy(struct ls_state *state, struct ls_error *error_r)
{
	struct ls_policy_file *fresh;
	int ret = open_policy_file(state, &fresh, error_r);

	if (ret < 0)
		return ret;
	ls_policy_file_close(&state->policy);
	state->policy = fresh;
	follow_policy(state);
	return 0;
}

/* The state directory; where root finds none, it makes one: whoever starts first is
 * not to go without a guard for that. */
static int open_state_dir(struct ls_state *state,
			  const struct ls_open_args *args,
			  struct ls_error *error_r)
{
	const char *path = ls_policy_file_policy(state->policy)->state_dir;
	struct ls_error ignored;

	state->state_dirfd = open_directory(args->root_fd, path,
					    "state directory", error_r);
	if (state->state_dirfd >= 0)
		return ls_access_check_directory(state->state_dirfd, path,
						 error_r);
	if (errno != ENOENT || !(state->flags & LS_CREATE) || geteuid() != 0 ||
	    args->root_fd > 0 || mkdir(path, 0755) < 0)
		return LS_ESYS;
	(void)chmod(path, 0755); /* whatever the umask */
	state->state_dirfd = open_directory(args->root_fd, path,
					    "state directory", &ignored);
	if (state->state_dirfd < 0)
		return LS_ESYS;
	error_r->text[0] = '\0';
	return ls_access_check_directory(state->state_dirfd, path, error_r);
}

/* A process that is root no more can neither read the file nor make it. With a secret
 * of its own it knows what it saw itself, until it ends. */
static bool make_do(struct ls_state *state, const struct ls_open_args *args)
{
	if (args->before != NULL && args->before->secret.known) {
		state->secret = args->before->secret;
		return true;
	}
	if (geteuid() == 0)
		return false;
	randombytes_buf(state->secret.key, sizeof(state->secret.key));
	state->secret.known = true;
	return true;
}

/* What the process that decides logins has besides. Without the secret it goes
 * on: no password is then known to be wrong, or tried on many accounts. */
static int open_logins(struct ls_state *state, const struct ls_open_args *args,
		       struct ls_error *error_r)
{
	struct ls_error error = { 0, "" };

	state->inflight = ls_inflight_new();
	state->told = ls_told_new();
	state->unsure = ls_unsure_new();
	if (state->inflight == NULL || state->told == NULL ||
	    state->unsure == NULL)
		return ls_fail(error_r, LS_ESYS, "out of memory");
	if (ls_secret_open(state->state_dirfd,
			   ls_policy_file_policy(state->policy)->state_dir,
			   (state->flags & LS_CREATE) != 0, &state->secret,
			   &error) < 0 &&
	    !make_do(state, args) && error_r->text[0] == '\0')
		*error_r = error;
	return 0;
}

static int open_all(struct ls_state *state, const struct ls_open_args *args,
		    struct ls_error *error_r)
{
	struct ls_error error = { 0, "" };
	int ret;

	/* SipHash alone needs no start; who makes a map starts it. */
	if (!(state->flags & LS_BRIEF) && sodium_init() < 0)
		return ls_fail(error_r, LS_ESYS, "libsodium does not start");
	ret = open_policy(state, args, error_r);
	if (ret < 0)
		return ret;
	follow_policy(state);
	ret = open_state_dir(state, args, error_r);
	if (ret < 0)
		return ret;
	ret = open_map(state, LS_MAP_GUARD, args, error_r);
	if (ret < 0)
		return ret;
	ls_clocks_keep(state, args->now_ms, args->real_ms);
	ret = open_map(state, LS_MAP_SESSIONS, args, &error);
	/* Freezes end sessions also where these cannot be counted. */
	if (ret < 0 && (state->guard.writable || (state->flags & LS_BRIEF)))
		ret = 0;
	if (state->sessions.header != NULL) {
		state->looker.procfd = ls_process_open(args->root_fd);
		ls_process_self(state->looker.procfd, &state->looker.self);
	}
	if (ret < 0 || error_r->text[0] == '\0')
		*error_r = error;
	if (ret == 0 && (state->flags & LS_CONTACTS) &&
	    ls_state_open_contacts(state, &error) < 0 &&
	    error_r->text[0] == '\0')
		*error_r = error;
	if (ret == 0 && (state->flags & LS_LOGINS) && state->guard.writable)
		ret = open_logins(state, args, error_r);
	if (ret == 0 && state->guard.header != NULL) {
		/* One compiled since the policy was read is announced by a
		 * number that is here already: it would never be noticed. So
		 * after the number it is looked at once more, and read if it
		 * was replaced. */
		state->generation = atomic_load(&state->guard.header
							 ->policy_generation);
		if (!ls_policy_file_is_at(state->policy, state->policy_dirfd,
					  state->policy_path))
			ret = reread_policy(state, error_r);
	}
	return ret;
}

static void warn_of_space(struct ls_error *error_r)
{
	enum { MB = 1 << 20 };
	uint64_t counted = ls_space_counted();

	/* What is left is enough, if it is no less than what is taken. */
	if (counted > ls_space_limit() / 2 && error_r->text[0] == '\0')
		ls_fail(error_r, 0,
			"the maps take %llu MB of the %llu MB of address space "
			"that this process may have (RLIMIT_AS; in Dovecot its "
			"service's vsz_limit), which only root may raise",
			(unsigned long long)((counted + MB - 1) / MB),
			(unsigned long long)(ls_space_limit() / MB));
}

const char *ls_policy_path(const char *path)
{
	if (path == NULL)
		path = getenv("LOCKSTEP_POLICY");
	return path == NULL || *path == '\0' ? LS_POLICY_PATH : path;
}

int ls_open(const struct ls_open_args *args, struct ls_state **state_r,
	    struct ls_error *error_r)
{
	const char *path = ls_policy_path(args->policy_path);
	struct ls_state *state;
	int ret;

	*state_r = NULL;
	memset(error_r, 0, sizeof(*error_r));
	if (strlen(path) >= sizeof(state->policy_path))
		return ls_fail(error_r, LS_EARG, "policy path too long: %.64s",
			       path);
	state = calloc(1, sizeof(*state));
	if (state == NULL)
		return ls_fail(error_r, LS_ESYS, "out of memory");
	snprintf(state->policy_path, sizeof(state->policy_path), "%s", path);
	state->policy_dirfd = state->state_dirfd = -1;
	state->looker.procfd = -1;
	state->flags = args->flags;
	if (state->flags & LS_SPACE)
		ls_space_reserve();
	ret = open_all(state, args, error_r);
	if (ret < 0) {
		ls_close(&state);
		return ret;
	}
	/* What this takes the place of goes now. */
	if (args->before == NULL)
		warn_of_space(error_r);
	error_r->code = 0;
	*state_r = state;
	return 0;
}

void ls_close(struct ls_state **_state)
{
	struct ls_state *state = *_state;

	*_state = NULL;
	if (state == NULL)
		return;
	ls_map_close(&state->guard);
	ls_map_close(&state->sessions);
	ls_contacts_close(&state->contacts);
	ls_inflight_free(&state->inflight);
	ls_told_free(&state->told);
	ls_unsure_free(&state->unsure);
	ls_secret_close(&state->secret);
	ls_policy_file_close(&state->policy);
	if (state->policy_dirfd >= 0)
		close(state->policy_dirfd);
	if (state->state_dirfd >= 0)
		close(state->state_dirfd);
	if (state->looker.procfd >= 0)
		close(state->looker.procfd);
	free(state);
}

static bool newly(bool now, bool *told)
{
	bool tell = now && !*told;

	*told = now;
	return tell;
}

enum { LOOK_EVERY_MS = 1000 };

static bool is_map_gone(const struct ls_state *state, const struct ls_map *map,
			const char *name)
{
	return map->header != NULL &&
	       (atomic_load_explicit(&map->header->retired,
				     memory_order_relaxed) != 0 ||
		!ls_map_is_at(map, state->state_dirfd, name));
}

/* Was a map replaced, by `lockstep init` or by hand? Looks once a second, also for the
 * file of contacts: what is wrong with a new one is a warning. */
static bool is_replaced(struct ls_state *state, uint64_t now_ms,
			struct ls_error *error_r)
{
	if (now_ms < state->looked_ms + LOOK_EVERY_MS)
		return state->told_replaced;
	state->looked_ms = now_ms;
	ls_state_look_at_contacts(state, error_r);
	return is_map_gone(state, &state->guard, "guard") ||
	       is_map_gone(state, &state->sessions, "sessions");
}

int ls_refresh(struct ls_state *state, uint64_t now_ms,
	       struct ls_error *error_r)
{
	const struct ls_map *guard = &state->guard;
	uint64_t generation;
	int ret;

	*error_r = (struct ls_error){ 0, "" };
	if (newly(ls_map_broken(guard) || ls_map_broken(&state->sessions),
		  &state->told_broken))
		return ls_fail(error_r, LS_EFORMAT,
			       "a map in %s was truncated while in use: run "
			       "\"lockstep init\"",
			       ls_policy_file_policy(state->policy)->state_dir);
	if (newly(is_replaced(state, now_ms, error_r), &state->told_replaced))
		return ls_fail(error_r, LS_EFORMAT,
			       "a map in %s was replaced or removed",
			       ls_policy_file_policy(state->policy)->state_dir);
	if (newly(ls_contacts_broken(&state->contacts), &state->told_contacts))
		return ls_fail(error_r, LS_EFORMAT,
			       "the file contacts beside %s was truncated "
			       "while in use: remove it, and restart lockstepd",
			       state->policy_path);
	if (guard->header == NULL)
		return 0;
	generation = atomic_load_explicit(&guard->header->policy_generation,
					  memory_order_acquire);
	if (generation == state->generation)
		return 0;
	state->generation = generation;
	ret = reread_policy(state, error_r);
	return ret < 0 ? ret : 1;
}

bool ls_has_sessions(const struct ls_state *state)
{
	return state->sessions.header != NULL;
}

bool ls_is_to_be_opened_anew(const struct ls_state *state)
{
	return state->told_replaced || state->told_broken;
}

void ls_policy_announce(struct ls_state *state)
{
	if (state->guard.writable)
		atomic_fetch_add(&state->guard.header->policy_generation, 1);
}

void ls_daemon_seen(struct ls_state *state, uint64_t now_ms,
		    const struct ls_daemon_news *news)
{
	struct ls_map_header *header = state->guard.header;

	if (!state->guard.writable)
		return;
	atomic_store(&header->daemon_seen, ls_map_now(&state->guard, now_ms));
	if (news->dropped > 0)
		atomic_store(&header->daemon_dropped_at,
			     ls_map_now(&state->guard, now_ms));
	atomic_fetch_add(&header->daemon_lost, news->lost);
	atomic_fetch_add(&header->daemon_dropped, news->dropped);
	atomic_store(&header->daemon_waiting, news->waiting);
	atomic_store(&header->daemon_stuck, news->stuck);
}

uint64_t ls_daemon_seen_ms(const struct ls_state *state)
{
	const struct ls_map *map = &state->guard;

	return map->header == NULL
		       ? 0
		       : ls_map_boot_ms(map,
					atomic_load(&map->header->daemon_seen));
}

bool ls_is_observing(const struct ls_state *state)
{
	return ls_policy_file_policy(state->policy)->mode == LS_MODE_OBSERVE;
}

bool ls_is_truncated(const struct ls_state *state)
{
	return ls_map_broken(&state->guard);
}

void ls_crowding(const struct ls_state *state, struct ls_crowding *crowding_r)
{
	const struct ls_map *map = &state->guard;

	memset(crowding_r, 0, sizeof(*crowding_r));
	if (map->header == NULL)
		return;
	crowding_r->locks =
		atomic_load(&map->header->subjects.evicted[LS_WORTH_LOCK]);
	crowding_r->slotless = atomic_load(&map->header->crowded);
	crowding_r->refused = atomic_load(&map->header->crowded_denied);
	crowding_r->last_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->crowded_at));
}

void ls_status(struct ls_state *state, uint64_t now_ms,
	       struct ls_status *status_r)
{
	const struct ls_map *map = &state->guard;
	uint64_t familiar_ms = ls_policy_file_policy(state->policy)->familiar_ms;
	uint64_t now = ls_map_now(map, now_ms), cursor = 0;
	struct ls_shared shared = { .lead = 0 };
	enum ls_kind kind;
	struct ls_ref ref;

	memset(status_r, 0, sizeof(*status_r));
	status_r->policy_compiled_real_ms =
		ls_policy_file_compiled_real_ms(state->policy);
	status_r->observe = ls_is_observing(state);
	if (map->header == NULL)
		return;
	status_r->subjects = map->subjects.buckets * LS_WAYS;
	while (ls_table_next(&map->subjects, &cursor, &kind, &ref)) {
		struct ls_lock_word lock =
			ls_lock_unpack(ls_slot_get(&ref, LS_WORD_LOCK));

		status_r->used++;
		status_r->locks += ls_lock_active(&lock, now);
		lock = ls_lock_unpack(ls_slot_get(&ref, LS_WORD_FREEZE));
		status_r->locks += kind == LS_KIND_USER &&
				   ls_lock_active(&lock, now);
		status_r->familiar +=
			kind == LS_KIND_PLACE &&
			ls_slot_get(&ref, LS_WORD_FAMILIAR) > now;
		ls_shared_vote(&shared, &ref, kind, familiar_ms, now);
	}
	ls_shared_count(&shared, &map->subjects, familiar_ms, now);
	status_r->shared_at = shared.at;
	status_r->shared = shared.places;
	status_r->recent = shared.recent;
	for (unsigned worth = LS_WORTH_LITTLE; worth < LS_WORTH_KEPT; worth++)
		status_r->evicted +=
			atomic_load(&map->header->subjects.evicted[worth]);
	status_r->full = atomic_load(&map->header->subjects.full);
	ls_crowding(state, &status_r->crowding);
	status_r->created_ms = map->created_boot_ms;
	status_r->names = (unsigned)atomic_load(&map->header->names);
	status_r->auth_seen_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->auth_seen));
	status_r->smtp_seen_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->smtp_seen));
	status_r->connect_seen_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->connect_seen));
	status_r->message_seen_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->message_seen));
	status_r->misplaced_seen_ms =
		ls_map_boot_ms(map, atomic_load(&map->header->misplaced_seen));
	status_r->daemon_seen_ms = ls_daemon_seen_ms(state);
	status_r->dropped_ms = ls_map_boot_ms(
		map, atomic_load(&map->header->daemon_dropped_at));
	status_r->daemon = (struct ls_daemon_news){
		.lost = atomic_load(&map->header->daemon_lost),
		.dropped = atomic_load(&map->header->daemon_dropped),
		.waiting = atomic_load(&map->header->daemon_waiting),
		.stuck = atomic_load(&map->header->daemon_stuck),
	};
	status_r->admitted = atomic_load(&map->header->admitted);
	status_r->denied = atomic_load(&map->header->denied);
	status_r->untold = atomic_load(&map->header->untold);
	ls_backend_status(map, now, status_r);
	status_r->retired = atomic_load(&map->header->retired) != 0;
}

int ls_webhook_get(struct ls_state *state, unsigned index,
		   struct ls_webhook *webhook_r)
{
	return ls_policy_file_webhook(state->policy, index, webhook_r);
}
