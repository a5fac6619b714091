/* test_guess.c - the secret file: one, ours alone, whole; and what it is the
 * key of */
#include "lockstep-config.h"

#include "harness.h"
#include "map/slot.h"
#include "state/guess.h"
#include "world.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static int open_secret(bool create, struct ls_secret *secret,
		       struct ls_error *error)
{
	memset(error, 0, sizeof(*error));
	return ls_secret_open(world.state_dirfd, "DIR", create, secret, error);
}

static void write_secret(size_t len, mode_t mode)
{
	static const char bytes[64] = "0123456789abcdef";
	int fd = openat(world.state_dirfd, "secret",
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_created(void **state)
{
	struct ls_secret secret, again;
	struct ls_error error;
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	check("missing", open_secret(false, &secret, &error), LS_ENOENT);
	check("missing", secret.known, false);
	check_text("missing", error.text, "DIR/secret: no such file");
	check("created", open_secret(true, &secret, &error), 0);
	umask(mask);
	check("created", secret.known, true);
	check("stat", fstatat(world.state_dirfd, "secret", &st, 0), 0);
	check("mode", st.st_mode & 07777, 0600);
	check("size", st.st_size, LS_SECRET_SIZE);
	check("links", st.st_nlink, 1);
	check("again", open_secret(false, &again, &error), 0);
	check("the same", memcmp(&secret, &again, sizeof(secret)), 0);
	check("again", open_secret(true, &again, &error), 0);
	check("the same", memcmp(&secret, &again, sizeof(secret)), 0);
	ls_secret_close(&secret);
	check("closed", secret.known, false);
	/* Another one is another one. */
	check("unlink", unlinkat(world.state_dirfd, "secret", 0), 0);
	check("new", open_secret(true, &secret, &error), 0);
	check("differs", memcmp(secret.key, again.key, LS_SECRET_SIZE) != 0,
	      true);
}

/* Many processes at once end with one secret, and nothing else. */
static void test_concurrent(void **state)
{
	enum { PROCESSES = 24 };
	uint8_t key[PROCESSES][LS_SECRET_SIZE];
	struct ls_secret secret;
	struct ls_error error;
	int go[2], results[2];

	(void)state;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(results), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		char byte;

		assert_true(pid >= 0);
		if (pid != 0)
			continue;
		close(go[1]);
		if (read(go[0], &byte, 1) != 0 ||
		    open_secret(true, &secret, &error) < 0 ||
		    write(results[1], secret.key, LS_SECRET_SIZE) !=
			    LS_SECRET_SIZE)
			_exit(1);
		_exit(0);
	}
	close(go[1]); /* all at once */
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status;

		assert_true(wait(&status) > 0);
		check("exit", status, 0);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		check("read", read(results[0], key[i], LS_SECRET_SIZE),
		      LS_SECRET_SIZE);
		check("one secret", memcmp(key[i], key[0], LS_SECRET_SIZE), 0);
	}
	close(go[0]);
	close(results[0]);
	close(results[1]);
	check("of the file", open_secret(false, &secret, &error), 0);
	check("of the file", memcmp(secret.key, key[0], LS_SECRET_SIZE), 0);
	/* The directory has nothing but it. */
	check("unlink", unlinkat(world.state_dirfd, "secret", 0), 0);
	check("empty", unlinkat(world.dirfd, "state", AT_REMOVEDIR), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *row;
		size_t len;
		mode_t mode;
		const char *want;
	} rows[] = {
		{ "group", 16, 0640, "others may read it" },
		{ "others", 16, 0604, "others may read it" },
		{ "group may write", 16, 0620, "others may read it" },
		{ "empty", 0, 0600, "not 16 bytes" },
		{ "short", 15, 0600, "not 16 bytes" },
		{ "long", 17, 0600, "not 16 bytes" },
		{ "much too long", 64, 0600, "not 16 bytes" },
	};
	struct ls_secret secret;
	struct ls_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_secret(rows[i].len, rows[i].mode);
		for (unsigned create = 0; create < 2; create++) {
			check(rows[i].row, open_secret(create, &secret, &error),
			      LS_EFORMAT);
			check_holds(rows[i].row, error.text, "DIR/secret: ");
			check_holds(rows[i].row, error.text, rows[i].want);
			check_holds(rows[i].row, error.text, "remove it");
			check(rows[i].row, secret.known, false);
		}
		check("unlink", unlinkat(world.state_dirfd, "secret", 0), 0);
	}
	write_secret(16, 0400);
	check("read only is ours alone", open_secret(false, &secret, &error),
	      0);
}

/* Not even a good file, by another name or of another owner; and nothing that
 * could block. */
static void test_no_file_of_ours(void **state)
{
	struct ls_secret secret;
	struct ls_error error;

	(void)state;
	write_secret(16, 0600);
	check("rename",
	      renameat(world.state_dirfd, "secret", world.dirfd, "elsewhere"),
	      0);
	check("link", symlinkat("../elsewhere", world.state_dirfd, "secret"),
	      0);
	check("symlink", open_secret(true, &secret, &error), LS_ESYS);
	check_holds("symlink", error.text, "DIR");
	check("symlink", secret.known, false);
	check("unlink", unlinkat(world.state_dirfd, "secret", 0), 0);
	check("mkfifo", mkfifoat(world.state_dirfd, "secret", 0600), 0);
	check("fifo", open_secret(true, &secret, &error), LS_EFORMAT);
	check("unlink", unlinkat(world.state_dirfd, "secret", 0), 0);
	check("mkdir", mkdirat(world.state_dirfd, "secret", 0700), 0);
	check("directory", open_secret(true, &secret, &error), LS_EFORMAT);
	check("rmdir", unlinkat(world.state_dirfd, "secret", AT_REMOVEDIR), 0);
	if (geteuid() != 0)
		return;
	write_secret(16, 0600);
	check("chown", fchownat(world.state_dirfd, "secret", 12345, 0, 0), 0);
	check("owner", open_secret(true, &secret, &error), LS_EFORMAT);
	check_holds("owner", error.text, "others may read it");
}

/* Without a secret logins go on; the warning says why. */
static void test_login_without(void **state)
{
	const unsigned flags = LS_GUARD_WRITE | LS_CREATE | LS_LOGINS;
	struct ls_state *joined;
	struct ls_error error;

	(void)state;
	world_open(&world, flags);
	check("mode", fchmodat(world.state_dirfd, "secret", 0644, 0), 0);
	check("join", world_join(&world, flags, &joined, &error), 0);
	check_holds("warning", error.text, "secret: others may read it");
	ls_close(&world.state);
	world.state = joined;
	check("unknown", joined->secret.known, false);
	check("guesses", world_guess(&world, "joe", "192.0.2.1", 20), 10);
}

/* A password that may have been right is charged for once, as a wrong one, but leaves
 * neither a fingerprint nor a guess in the map: test_unsure.c. */
static void test_unsure(void **state)
{
	struct ls_record record;
	struct ls_cursor cursor = { .next = 0 };
	uint64_t at = 0;
	enum ls_kind kind;
	struct ls_ref ref;

	(void)state;
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
	for (unsigned i = 0; i < 4; i++) {
		struct ls_ticket ticket;

		world_admit(&world, "joe", "192.0.2.1", &ticket);
		ls_ticket_unsure(&ticket);
		ls_settle(world.state, &ticket, LS_OUTCOME_WRONG, world.now_ms);
	}
	check("charged",
	      world_level(&world, LS_KIND_IP, NULL, "192.0.2.1",
			  LS_WORD_FAILURES, &world.policy.ip.failures[LS_FAST]),
	      1);
	for (unsigned i = 0;
	     ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			     world.now_ms, &record) == 1;
	     i++)
		check("repeat", record.reason,
		      i == 0 ? LS_REASON_NONE : LS_REASON_REPEATS);
	while (ls_table_next(&world.state->guard.subjects, &at, &kind, &ref)) {
		check("no guess", kind != LS_KIND_GUESS, true);
		if (kind == LS_KIND_PLACE)
			check("no print",
			      ls_slot_get(&ref, LS_WORD_PRINTS) |
				      ls_slot_get(&ref, LS_WORD_PRINTS + 1),
			      0);
	}
}

static void test_guesses(void **state)
{
	struct ls_secret a = { .known = true, .key = "aaaaaaaaaaaaaaa" };
	struct ls_secret b = { .known = true, .key = "aaaaaaaaaaaaaab" };
	uint64_t hunter = ls_secret_guess(&a, "hunter2");

	(void)state;
	check("again", ls_secret_guess(&a, "hunter2"), hunter);
	check("another", ls_secret_guess(&a, "hunter3") != hunter, true);
	check("by another secret", ls_secret_guess(&b, "hunter2") != hunter,
	      true);
	check("empty", ls_secret_guess(&a, "") != 0, true);
}

/* Seventeen bits, of which the lower sixteen are never all zero; at another
 * place another print; no two of a few hundred passwords too often the same. */
static void test_prints(void **state)
{
	enum { GUESSES = 400000 };
	uint64_t seed = 5;
	unsigned same = 0, words[2] = { 0, 0 };

	(void)state;
	for (unsigned i = 0; i < GUESSES; i++) {
		uint64_t guess = harness_random(&seed);
		uint64_t place = harness_random(&seed);
		uint32_t print = ls_secret_print(guess, place);

		check_within("print", print, 1, (2U << LS_PRINT_BITS) - 1);
		check("never 0", (print & ((1U << LS_PRINT_BITS) - 1)) != 0,
		      true);
		same += print == ls_secret_print(guess, place + 1);
		same += print == ls_secret_print(guess + 1, place);
		words[print >> LS_PRINT_BITS]++;
	}
	/* By chance, one in 131,072. */
	check_within("the same", same, 0, 40);
	check_within("either word", words[1], GUESSES * 49 / 100,
		     GUESSES * 51 / 100);
	check("never 0", ls_secret_print(7, 7) != 0, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_created),       TEST(test_concurrent),
		TEST(test_refused),       TEST(test_no_file_of_ours),
		TEST(test_login_without), TEST(test_guesses),
		TEST(test_prints),        TEST(test_unsure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
