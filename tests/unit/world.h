/* world.h - a private world for a test: policy, maps, and simulated time
 *
 * A directory of its own under $TMPDIR, or /dev/shm, with a compiled policy and
 * a state directory in it; an opened struct ls_state; a clock that moves only
 * when the test moves it. What goes wrong here fails the test at once.
 *
 *   struct world world;
 *
 *   world_init(&world);
 *   world_set(&world, "ip", "failures", "3/1m, 0");
 *   world_open(&world, LS_GUARD_WRITE | LS_CREATE);
 *   ...
 *   world_fini(&world);
 *
 * A test that fails leaves its directory behind, to be looked at. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "lockstep.h"
#include "state/state.h"

enum { WORLD_OVERRIDES = 8, WORLD_PATH = 160 };

enum world_override_of { WORLD_OF_NET, WORLD_OF_USER, WORLD_OF_DOMAIN };

struct world_override {
	enum world_override_of of;
	const char *name, *section, *field, *text;
};

struct world {
	char dir[WORLD_PATH / 2], policy_path[WORLD_PATH];
	char state_dir[WORLD_PATH];
	int dirfd, state_dirfd;
	struct ls_policy policy; /* what the next world_compile() writes */
	unsigned overrides;
	struct world_override override[WORLD_OVERRIDES];
	const struct ls_webhook *webhook; /* NULL: none */
	struct ls_state *state;
	uint64_t now_ms, real_ms; /* move them: world_pass() */
};

#define WORLD_SECOND UINT64_C(1000)
#define WORLD_MINUTE (60 * WORLD_SECOND)
#define WORLD_HOUR (60 * WORLD_MINUTE)
#define WORLD_DAY (24 * WORLD_HOUR)

/* The presets, but for a small map, no group, and no demand of TLS. */
void world_init(struct world *world);
void world_fini(struct world *world);

/* One field, as an administrator writes it; NULL: at the top. */
void world_set(struct world *world, const char *section, const char *field,
	       const char *text);
/* One field for a network, an account or a domain alone. The strings must
 * live. */
void world_override(struct world *world, enum world_override_of of,
		    const char *name, const char *section, const char *field,
		    const char *text);
void world_compile(struct world *world);

/* Compile, and open it all. */
void world_open(struct world *world, unsigned flags);
/* Of this state hash by keys that are always the same: what depends on the buckets that
 * many names fall into, or on two that look alike, comes out alike each time. */
void world_fix_keys(struct world *world);
/* Open once more, beside world->state. Returns as ls_open(). */
int world_join(const struct world *world, unsigned flags,
	       struct ls_state **state_r, struct ls_error *error_r);
void world_pass(struct world *world, uint64_t ms);

struct ls_addr world_addr(const char *text);
struct ls_subject world_subject(enum ls_kind kind, const char *user,
				const char *net);

/* Ask, secured, by IMAP. */
struct ls_decision world_admit(struct world *world, const char *user,
			       const char *ip, struct ls_ticket *ticket_r);
/* Ask and, if admitted, settle. Returns the decision. */
struct ls_decision world_login(struct world *world, const char *user,
			       const char *ip, enum ls_outcome outcome);
/* Guess wrong up to `most` times. Returns how many guesses were verified. */
unsigned world_guess(struct world *world, const char *user, const char *ip,
		     unsigned most);

/* A subject's key, and one word of its slot; 0 when it has none. */
uint64_t world_key(const struct world *world, const struct ls_subject *subject);
uint64_t world_word(const struct world *world, enum ls_kind kind,
		    const char *user, const char *net, unsigned word);
/* Units in a failure meter that drains in `rate`. */
uint64_t world_level(const struct world *world, enum ls_kind kind,
		     const char *user, const char *net, unsigned word,
		     const struct ls_limit *limit);
/* Is the subject locked? Fills *lock_r, if wanted, from the listing. */
bool world_locked(const struct world *world, enum ls_kind kind,
		  const char *user, const char *net, struct ls_lock *lock_r);
/* The map's clock. */
uint64_t world_now(const struct world *world);

#endif
