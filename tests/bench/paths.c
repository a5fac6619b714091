/* paths.c - the ways of an attempt through the engine, to count instructions
 *
 *   ./paths NAME    take one of them, some hundred times
 *
 * valgrind counts only inside of the function called measured_login; what comes
 * before and between is not counted. One process, time standing still, and a
 * map whose keys are fixed: every run takes the same way.
 * tests/bench/instructions is what calls it. */
#include "lockstep-config.h"

#include "policy/policy.h"
#include "state/state.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMES = 500, SUBJECTS = 65536, RECORDS = 1024 };
static const uint64_t now_ms = 86400000, real_ms = 1700000000000;

static char dir[] = "/dev/shm/lockstep-bench.XXXXXX";
static int dirfd = -1;

static void clean(void)
{
	static const char *const names[] = { "policy.cdb", ".policy.cdb.new",
					     "guard", "sessions", ".lock", "secret" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dirfd, names[i], 0);
	rmdir(dir);
}

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "paths: %s\n", what);
	exit(1);
}

/* Else each run would have another. */
static void write_secret(void)
{
	static const uint8_t secret[LS_SECRET_SIZE] = { 5, 6, 7, 8 };
	int fd = openat(dirfd, "secret", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && write(fd, secret, sizeof(secret)) == sizeof(secret),
	      "no secret");
	close(fd);
}

static void make_map(enum ls_map_type type, const char *name,
		     uint64_t live_places)
{
	static const uint8_t hash_key[LS_HASH_KEY_SIZE] = { 1, 2, 3, 4 };
	const struct ls_map_spec spec = { .type = type,
					  .subjects = SUBJECTS,
					  .journal_records = RECORDS,
					  .live_places = live_places,
					  .boot_ms = now_ms,
					  .real_ms = real_ms,
					  .hash_key = hash_key,
					  .group = "", .readers = "" };
	struct ls_error error = { 0, "" };
	struct ls_map map;

	check(ls_map_create(dirfd, name, name, &spec, &map, &error) == 0,
	      error.text);
	ls_map_close(&map);
}

/* As Dovecot's auth process has it. */
static struct ls_state *open_state(void)
{
	char path[sizeof(dir) + 16];
	const struct ls_open_args args = { .policy_path = path,
					   .flags = LS_GUARD_WRITE | LS_LOGINS |
						    LS_SESSIONS_READ,
					   .now_ms = now_ms,
					   .real_ms = real_ms };
	struct ls_policy_writer *writer;
	struct ls_error error = { 0, "" };
	struct ls_policy policy;
	struct ls_state *state;

	snprintf(path, sizeof(path), "%s/policy.cdb", dir);
	ls_policy_presets(&policy);
	snprintf(policy.state_dir, sizeof(policy.state_dir), "%s", dir);
	policy.group[0] = '\0';
	check(ls_policy_writer_init(path, &writer, &error) == 0, error.text);
	ls_policy_writer_policy(writer, &policy);
	check(ls_policy_writer_commit(&writer, real_ms, &error) == 0,
	      error.text);
	make_map(LS_MAP_GUARD, "guard", 0);
	make_map(LS_MAP_SESSIONS, "sessions", SUBJECTS / 8);
	write_secret();
	check(ls_open(&args, &state, &error) == 0, error.text);
	return state;
}

/* Person number i, one to a net. */
static void attempt_of(unsigned i, char name[32], char password[32],
		       struct ls_attempt *attempt)
{
	snprintf(name, 32, "user%04u@example.com", i);
	*attempt = (struct ls_attempt){ .service = "imap",
					.mech = "PLAIN",
					.user = name,
					.secured = true,
					.password = password };
	attempt->ip.octet[10] = attempt->ip.octet[11] = 0xff;
	attempt->ip.octet[12] = 10;
	attempt->ip.octet[13] = (uint8_t)(i >> 8);
	attempt->ip.octet[14] = (uint8_t)i;
	attempt->ip.octet[15] = 1;
}

static enum ls_verdict log_in(struct ls_state *state,
			      const struct ls_attempt *attempt,
			      enum ls_outcome outcome)
{
	struct ls_decision decision;
	struct ls_ticket ticket;

	ls_admit(state, attempt, now_ms, &decision, &ticket);
	ls_settle(state, &ticket, outcome, now_ms);
	return decision.verdict;
}

/* valgrind begins to count where this begins, and ends where it ends. */
__attribute__((noinline)) static enum ls_verdict
measured_login(struct ls_state *state, const struct ls_attempt *attempt,
	       enum ls_outcome outcome)
{
	return log_in(state, attempt, outcome);
}

static const struct way {
	const char *name;
	enum ls_outcome before, outcome;
	unsigned befores; /* so many times before, with that outcome */
	enum ls_verdict verdict;
} ways[] = {
	{ "stranger-given-back", LS_OUTCOME_INTERNAL, LS_OUTCOME_INTERNAL, 1,
	  LS_ADMIT },
	{ "stranger-wrong", LS_OUTCOME_WRONG, LS_OUTCOME_WRONG, 1, LS_ADMIT },
	{ "stranger-new", LS_OUTCOME_NONE, LS_OUTCOME_WRONG, 0, LS_ADMIT },
	{ "familiar-success", LS_OUTCOME_SUCCESS, LS_OUTCOME_SUCCESS, 1,
	  LS_ADMIT },
	{ "stranger-locked", LS_OUTCOME_WRONG, LS_OUTCOME_WRONG, 10, LS_DENY },
};

static void take(const struct way *way)
{
	struct ls_state *state = open_state();

	for (unsigned i = 0; i < TIMES; i++) {
		struct ls_attempt attempt;
		char name[32], password[32];

		attempt_of(i, name, password, &attempt);
		for (unsigned j = 0; j <= way->befores; j++) {
			/* Another one each time, or it were a repeat. */
			snprintf(password, sizeof(password), "secret%04u-%02u",
				 i, way->before == LS_OUTCOME_WRONG ? j : 0);
			if (j < way->befores)
				log_in(state, &attempt, way->before);
		}
		check(measured_login(state, &attempt, way->outcome) ==
			      way->verdict,
		      "another verdict than expected");
	}
	ls_close(&state);
	printf("%u\n", TIMES);
}

int main(int argc, char **argv)
{
	const struct way *way = ways, *end = way + sizeof(ways) / sizeof(*ways);

	while (argc == 2 && way < end && strcmp(way->name, argv[1]) != 0)
		way++;
	if (argc != 2 || way == end) {
		fputs("usage: paths NAME\n", stderr);
		return 2;
	}
	check(sodium_init() >= 0 && mkdtemp(dir) != NULL, "no directory");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atexit(clean);
	check(dirfd >= 0, "no directory");
	take(way);
	return 0;
}
