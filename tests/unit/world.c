/* world.c - see world.h */
#include "lockstep-config.h"

#include "harness.h"
#include "world.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ls_field *field_of(const char *section, const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		bool here = section == NULL ? field->section == NULL
					    : field->section != NULL &&
						      strcmp(field->section,
							     section) == 0;

		if (here && strcmp(field->name, name) == 0)
			return field;
	}
	fail_msg("no field %s", name);
	return NULL;
}

static void set(struct ls_policy *policy, const struct ls_field *field,
		const char *text)
{
	struct ls_error error = { 0, "" };

	/* A flag is no field of the text: a list elsewhere sets it. */
	if (field->type == LS_FIELD_FLAG) {
		uint64_t flag = strcmp(text, "1") == 0;

		memcpy((char *)policy + field->offset, &flag, sizeof(flag));
	} else if (ls_field_parse(field, text, policy, &error) < 0) {
		fail_msg("%s = %s: %s", field->name, text, error.text);
	}
}

void world_init(struct world *world)
{
	const char *tmp = getenv("TMPDIR");

	memset(world, 0, sizeof(*world));
	if (tmp == NULL || strlen(tmp) > 40)
		tmp = "/dev/shm";
	snprintf(world->dir, sizeof(world->dir), "%s/lockstep-test.XXXXXX",
		 tmp);
	if (mkdtemp(world->dir) == NULL)
		fail_msg("cannot make %s", world->dir);
	snprintf(world->policy_path, WORLD_PATH, "%s/policy.cdb", world->dir);
	snprintf(world->state_dir, WORLD_PATH, "%s/state", world->dir);
	assert_int_equal(mkdir(world->state_dir, 0755), 0);
	world->dirfd = open(world->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world->state_dirfd =
		open(world->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->dirfd >= 0 && world->state_dirfd >= 0);
	ls_policy_presets(&world->policy);
	world_set(world, NULL, "state-dir", world->state_dir);
	world_set(world, NULL, "group", "");
	world_set(world, NULL, "subjects", "4096");
	world_set(world, NULL, "journal-size", "1024");
	world_set(world, NULL, "require-tls", "never");
	world->now_ms = 5 * WORLD_DAY;
	world->real_ms = UINT64_C(1700000000000);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void world_fini(struct world *world)
{
	ls_close(&world->state);
	close(world->dirfd);
	close(world->state_dirfd);
	assert_int_equal(nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS),
			 0);
}

void world_set(struct world *world, const char *section, const char *field,
	       const char *text)
{
	set(&world->policy, field_of(section, field), text);
}

void world_override(struct world *world, enum world_override_of of,
		    const char *name, const char *section, const char *field,
		    const char *text)
{
	assert_true(world->overrides < WORLD_OVERRIDES);
	world->override[world->overrides++] =
		(struct world_override){ of, name, section, field, text };
}

static void write_override(struct ls_policy_writer *writer,
			   const struct world *world,
			   const struct world_override *override)
{
	const struct ls_field *fields[] = {
		field_of(override->section, override->field), NULL
	};
	struct ls_policy policy = world->policy;
	struct ls_prefix net;

	set(&policy, fields[0], override->text);
	switch (override->of) {
	case WORLD_OF_NET:
		assert_int_equal(ls_prefix_parse(override->name, &net), 0);
		ls_policy_writer_net(writer, &net, &policy, fields);
		break;
	case WORLD_OF_USER:
		ls_policy_writer_user(writer, override->name, &policy, fields);
		break;
	case WORLD_OF_DOMAIN:
		ls_policy_writer_domain(writer, override->name, &policy,
					fields);
		break;
	}
}

void world_compile(struct world *world)
{
	struct ls_policy_writer *writer;
	struct ls_error error = { 0, "" };

	if (ls_policy_writer_init(world->policy_path, &writer, &error) < 0)
		fail_msg("%s", error.text);
	ls_policy_writer_policy(writer, &world->policy);
	for (unsigned i = 0; i < world->overrides; i++)
		write_override(writer, world, &world->override[i]);
	if (world->webhook != NULL)
		ls_policy_writer_webhook(writer, world->webhook);
	if (ls_policy_writer_commit(&writer, world->real_ms, &error) < 0)
		fail_msg("%s", error.text);
}

int world_join(const struct world *world, unsigned flags,
	       struct ls_state **state_r, struct ls_error *error_r)
{
	const struct ls_open_args args = {
		.policy_path = world->policy_path,
		.flags = flags,
		.now_ms = world->now_ms,
		.real_ms = world->real_ms,
	};

	return ls_open(&args, state_r, error_r);
}

void world_open(struct world *world, unsigned flags)
{
	struct ls_error error;

	world_compile(world);
	ls_close(&world->state);
	if (world_join(world, flags, &world->state, &error) < 0)
		fail_msg("%s", error.text);
	check_text("world_open", error.text, "");
}

void world_fix_keys(struct world *world)
{
	struct ls_state *state = world->state;

	memset(state->guard.hash_key, 0x5e, sizeof(state->guard.hash_key));
	memset(state->sessions.hash_key, 0x5e, sizeof(state->sessions.hash_key));
	memset(state->contacts.hash_key, 0x5e, sizeof(state->contacts.hash_key));
}

void world_pass(struct world *world, uint64_t ms)
{
	world->now_ms += ms;
	world->real_ms += ms;
}

struct ls_addr world_addr(const char *text)
{
	struct ls_addr addr;

	if (ls_addr_parse(text, &addr) < 0)
		fail_msg("%s is no address", text);
	return addr;
}

struct ls_subject world_subject(enum ls_kind kind, const char *user,
				const char *net)
{
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = kind;
	if (user != NULL)
		snprintf(subject.user, sizeof(subject.user), "%s", user);
	if (net != NULL && ls_prefix_parse(net, &subject.net) < 0)
		fail_msg("%s is no prefix", net);
	return subject;
}

struct ls_decision world_admit(struct world *world, const char *user,
			       const char *ip, struct ls_ticket *ticket_r)
{
	const struct ls_attempt attempt = {
		.service = "imap",
		.mech = "PLAIN",
		.user = user,
		.ip = world_addr(ip),
		.secured = true,
		.password = "secret",
	};
	struct ls_decision decision;

	memset(&decision, 0xee, sizeof(decision));
	memset(ticket_r, 0xee, sizeof(*ticket_r));
	ls_admit(world->state, &attempt, world->now_ms, &decision, ticket_r);
	return decision;
}

struct ls_decision world_login(struct world *world, const char *user,
			       const char *ip, enum ls_outcome outcome)
{
	struct ls_ticket ticket;
	struct ls_decision decision = world_admit(world, user, ip, &ticket);

	if (decision.verdict == LS_ADMIT)
		ls_settle(world->state, &ticket, outcome, world->now_ms);
	return decision;
}

unsigned world_guess(struct world *world, const char *user, const char *ip,
		     unsigned most)
{
	unsigned verified = 0;

	for (unsigned i = 0; i < most; i++)
		verified += world_login(world, user, ip, LS_OUTCOME_WRONG)
				    .verdict == LS_ADMIT;
	return verified;
}

uint64_t world_key(const struct world *world, const struct ls_subject *subject)
{
	return ls_key_subject(world->state->guard.hash_key, subject);
}

uint64_t world_word(const struct world *world, enum ls_kind kind,
		    const char *user, const char *net, unsigned word)
{
	struct ls_subject subject = world_subject(kind, user, net);
	struct ls_ref ref;

	if (ls_table_find(&world->state->guard.subjects,
			  world_key(world, &subject), kind, &ref) < 0)
		return 0;
	return ls_slot_get(&ref, word);
}

uint64_t world_level(const struct world *world, enum ls_kind kind,
		     const char *user, const char *net, unsigned word,
		     const struct ls_limit *limit)
{
	const struct ls_rate rate = ls_rate_of(limit);

	return ls_meter_level(world_word(world, kind, user, net, word),
			      world_now(world), &rate);
}

bool world_locked(const struct world *world, enum ls_kind kind,
		  const char *user, const char *net, struct ls_lock *lock_r)
{
	struct ls_subject subject = world_subject(kind, user, net);
	uint64_t key = world_key(world, &subject), cursor = 0;
	struct ls_lock lock;

	while (ls_lock_next(world->state, &cursor, world->now_ms, &lock)) {
		if (lock.key != key || lock.subject.kind != kind)
			continue;
		if (lock_r != NULL)
			*lock_r = lock;
		return true;
	}
	return false;
}

uint64_t world_now(const struct world *world)
{
	return ls_map_now(&world->state->guard, world->now_ms);
}
