/* test_state.c - opening, refreshing, and what is told when a file is bad */
#include "lockstep-config.h"

#include "world_bed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH (GUARD | LS_SESSIONS_WRITE)

static void write_file(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int join(unsigned flags, struct ls_error *error)
{
	struct ls_state *state;
	int ret = world_join(&world, flags, &state, error);

	check("state", state != NULL, ret == 0);
	ls_close(&state);
	check("closed", state == NULL, true);
	return ret;
}

static void test_open_refused(void **state)
{
	struct ls_error error;

	(void)state;
	check("no policy", join(GUARD, &error), LS_ENOENT);
	check_holds("no policy", error.text, world.policy_path);
	write_file(world.dirfd, "policy.cdb", "garbage");
	check("garbage", join(GUARD, &error), LS_EFORMAT);
	check_holds("garbage", error.text, world.policy_path);
	world_compile(&world);
	check("no map", join(LS_GUARD_WRITE, &error), LS_ENOENT);
	check_holds("no map", error.text, "/guard: no such map");
	check("no map", join(LS_GUARD_READ, &error), LS_ENOENT);
	check("policy alone", join(0, &error), 0);
	write_file(world.state_dirfd, "guard", "garbage");
	check("bad map", join(GUARD, &error), LS_EFORMAT);
	check_holds("bad map", error.text, "/guard: ");
	unlinkat(world.state_dirfd, "guard", 0);
	check("sessions", join(LS_SESSIONS_READ, &error), LS_ENOENT);
	check_holds("sessions", error.text, "/sessions: no such map");
	world_set(&world, NULL, "state-dir", "/nonexistent/lockstep");
	world_compile(&world);
	check("no state directory", join(GUARD, &error), LS_ESYS);
	check_holds("no state directory", error.text, "/nonexistent/lockstep");
}

/* Where anybody may put a map, or a directory, in place of ours. */
static void test_open_to_all(void **state)
{
	static const struct {
		const char *name;
		mode_t mode, above;
		const char *want;
	} table[] = {
		{ "closed", 0700, 0700, "" },
		{ "a group's", 0770, 0770, "" },
		{ "to be read", 0755, 0755, "" },
		{ "open", 0777, 0700, "anybody may write to it (mode 0777)" },
		{ "open, unread", 0702, 0700, "anybody may write to it" },
		{ "sticky", 01777, 0700, "anybody may write to it (mode 1777)" },
		{ "above", 0755, 0777, "/above (mode 0777) and so put another" },
		{ "above, unread", 0755, 0703, "/above (mode 0703)" },
		{ "sticky above", 0755, 01777, "" },
	};
	char above[WORLD_PATH], below[WORLD_PATH + 8], link[WORLD_PATH];

	(void)state;
	snprintf(above, sizeof(above), "%s/above", world.dir);
	snprintf(below, sizeof(below), "%s/state", above);
	snprintf(link, sizeof(link), "%s/link", world.dir);
	assert_int_equal(mkdir(above, 0700), 0);
	assert_int_equal(mkdir(below, 0700), 0);
	assert_int_equal(symlink("above/state", link), 0);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_error error;
		bool closed = table[i].want[0] == '\0';

		assert_int_equal(chmod(below, table[i].mode), 0);
		assert_int_equal(chmod(above, table[i].above), 0);
		world_set(&world, NULL, "state-dir", below);
		world_compile(&world);
		check(table[i].name, join(GUARD, &error), closed ? 0 : LS_EARG);
		check_holds(table[i].name, error.text, table[i].want);
		check(table[i].name, join(0, &error), closed ? 0 : LS_EARG);
		/* by a link beside it, which tells nothing of where it lies */
		world_set(&world, NULL, "state-dir", link);
		world_compile(&world);
		check(table[i].name, join(0, &error), closed ? 0 : LS_EARG);
		check_holds(table[i].name, error.text,
			    closed ? "" : "anybody may write to");
	}
	chmod(above, 0700);
	for (const char *const *name =
		     (const char *const[]){ "guard", ".lock", NULL };
	     *name != NULL; name++) {
		char file[WORLD_PATH + 24];

		snprintf(file, sizeof(file), "%s/%s", below, *name);
		unlink(file);
	}
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(rmdir(above), 0);
	assert_int_equal(unlink(link), 0);
}

static void test_policy_paths(void **state)
{
	struct ls_open_args args = { .now_ms = 1 };
	struct ls_state *opened;
	struct ls_error error;
	static char longer[400];

	(void)state;
	world_compile(&world);
	setenv("LOCKSTEP_POLICY", world.policy_path, 1);
	check("environment", ls_open(&args, &opened, &error), 0);
	ls_close(&opened);
	args.policy_path = "/nonexistent/policy.cdb";
	check("argument first", ls_open(&args, &opened, &error), LS_ESYS);
	check_holds("directory", error.text, "/nonexistent");
	args.policy_path = NULL;
	memset(longer, '/', sizeof(longer) - 1);
	setenv("LOCKSTEP_POLICY", longer, 1);
	check("too long", ls_open(&args, &opened, &error), LS_EARG);
	unsetenv("LOCKSTEP_POLICY");
	assert_int_equal(chdir(world.dir), 0);
	args.policy_path = "policy.cdb";
	check("relative", ls_open(&args, &opened, &error), 0);
	ls_close(&opened);
	assert_int_equal(chdir("/"), 0);
}

/* A bad snapshot costs what it holds, and is told of; also where a second map
 * is made after the guard. */
static void test_warnings(void **state)
{
	static const unsigned flags[] = { GUARD, BOTH };
	struct ls_error error;

	(void)state;
	world_compile(&world);
	for (size_t i = 0; i < COUNT(flags); i++) {
		unlinkat(world.state_dirfd, "guard", 0);
		unlinkat(world.state_dirfd, "sessions", 0);
		write_file(world.dirfd, "snapshot.cdb", "garbage");
		check("open", join(flags[i], &error), 0);
		check_holds("warning", error.text, "snapshot.cdb");
		check("code", error.code, 0);
		check("again", join(flags[i], &error), 0);
		check_text("no warning", error.text, "");
	}
}

static int begin(const char *service, const struct ls_addr *ip,
		 const char *id)
{
	const struct ls_session_start start = {
		.service = service, .user = JOE, .ip = ip, .id = id
	};
	struct ls_session session;
	struct ls_decision decision;

	return ls_session_open(world.state, &start, world.now_ms, &session,
			       &decision);
}

static void test_two_maps(void **state)
{
	struct ls_addr ip = world_addr(AWAY);
	struct ls_cursor cursor = { 0 };
	struct ls_record record;

	(void)state;
	world_open(&world, BOTH);
	check("session", begin("imap", &ip, "id-of-31-bytes-exactly-no-more-."),
	      0);
	check("session", begin("imap", &ip, NULL), 0);
	check("guard", ls_journal_head(world.state, LS_JOURNAL_GUARD), 0);
	check("sessions", ls_journal_head(world.state, LS_JOURNAL_SESSIONS), 2);
	check("next",
	      ls_journal_next(world.state, LS_JOURNAL_SESSIONS, &cursor,
			      world.now_ms, &record),
	      1);
	check("event", record.event, LS_EVENT_SESSION);
	check("at", record.at_ms, world.now_ms);
	check_text("user", record.subject.user, JOE);
	check_text("id", record.detail, "id-of-31-bytes-exactly-no-more-");
	check("ip", ls_addr_equal(&record.subject.net.addr, &ip), true);
	/* A mail process: the guard to look at, the sessions to write. */
	world_open(&world, LS_GUARD_READ | LS_SESSIONS_WRITE);
	check("session", begin("pop3", &ip, "x"), 0);
	world_open(&world, LS_GUARD_WRITE | LS_SESSIONS_READ);
	check("session", begin("pop3", &ip, "x"), LS_EACCES);
	world_open(&world, LS_SESSIONS_READ);
	check("closed",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      LS_EACCES);
	check("closed", ls_journal_head(world.state, LS_JOURNAL_GUARD), 0);
}

static int refresh(struct ls_error *error)
{
	memset(error, 0, sizeof(*error));
	return ls_refresh(world.state, world.now_ms, error);
}

/* Somebody takes the map away by hand. */
static void test_map_removed(void **state)
{
	struct ls_error error;

	(void)state;
	world_open(&world, GUARD);
	check("there", refresh(&error), 0);
	unlinkat(world.state_dirfd, "guard", 0);
	world.now_ms += 2000;
	check("removed", refresh(&error), LS_EFORMAT);
	check_holds("removed", error.text, "replaced or removed");
	world.now_ms += 2000;
	check("once", refresh(&error), 0);
	check("goes on", world_guess(&world, JOE, AWAY, 20), 10);
}

static void test_refresh(void **state)
{
	struct ls_state *compiler;
	struct ls_error error;

	(void)state;
	world_open(&world, GUARD);
	check("nothing", refresh(&error), 0);
	check("before", world_guess(&world, JOE, AWAY, 4), 4);
	world_set(&world, "ip", "failures", "6/6m, 0");
	world_compile(&world);
	check("not announced", refresh(&error), 0);
	check("writer", world_join(&world, LS_GUARD_WRITE, &compiler, &error),
	      0);
	ls_policy_announce(compiler);
	check("new", refresh(&error), 1);
	check("once", refresh(&error), 0);
	check("in force", world_guess(&world, JOE, AWAY, 9), 2);
	/* One that is no use: told once, and the old one stays. */
	write_file(world.dirfd, "policy.cdb", "garbage");
	ls_policy_announce(compiler);
	check("garbage", refresh(&error), LS_EFORMAT);
	check_holds("garbage", error.text, world.policy_path);
	check("once", refresh(&error), 0);
	check("old one", world_guess(&world, "ann", "203.0.113.1", 9), 6);
	unlinkat(world.dirfd, "policy.cdb", 0);
	ls_policy_announce(compiler);
	check("gone", refresh(&error), LS_ENOENT);
	check("once", refresh(&error), 0);
	world_set(&world, "ip", "failures", "1/10m, 0");
	world_compile(&world);
	ls_policy_announce(compiler);
	check("back", refresh(&error), 1);
	check("in force", world_guess(&world, "eve", "203.0.113.2", 9), 1);
	ls_close(&compiler);
	/* Without the right to write, no announcement and no crash. */
	check("reader", world_join(&world, LS_GUARD_READ, &compiler, &error),
	      0);
	ls_policy_announce(compiler);
	check("nothing", refresh(&error), 0);
	ls_close(&compiler);
}

static void test_replaced(void **state)
{
	struct ls_error error;
	struct ls_map fresh;
	char path[WORLD_PATH + 8];
	const struct ls_map_spec spec = { .type = LS_MAP_GUARD,
					  .subjects = 2048,
					  .journal_records = 64,
					  .boot_ms = world.now_ms,
					  .group = "", .readers = "" };

	(void)state;
	world_open(&world, GUARD);
	snprintf(path, sizeof(path), "%s/guard", world.state_dir);
	check("replace",
	      ls_map_replace(world.state_dirfd, "guard", path, &spec, &fresh,
			     &error),
	      0);
	ls_map_close(&fresh);
	check("told", refresh(&error), LS_EFORMAT);
	check_holds("told", error.text, "replaced");
	check("once", refresh(&error), 0);
	check("goes on", world_guess(&world, JOE, AWAY, 20), 10);
	world_open(&world, GUARD);
	check("new one", refresh(&error), 0);
	check("new one", world_guess(&world, JOE, AWAY, 1), 1);
}

/* The file is cut under our feet: mail goes on, and it is told once. */
static void test_cut_in_use(void **state)
{
	static const off_t lengths[] = { 0, 4096, 8192, 100000 };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct ls_addr ip = world_addr(AWAY);
		struct ls_subject subject =
			world_subject(LS_KIND_USER, "ann", NULL);
		char path[WORLD_PATH + 8];
		struct ls_decision decision;
		struct ls_cursor cursor = { 0 };
		struct ls_record record;
		struct ls_status status;
		struct ls_error error;
		struct ls_lock lock;
		uint64_t next = 0;

		if (i > 0)
			world_init(&world);
		world_open(&world, GUARD);
		check("before", world_guess(&world, JOE, AWAY, 20), 10);
		check("before", refresh(&error), 0);
		snprintf(path, sizeof(path), "%s/guard", world.state_dir);
		check("whole", ls_is_truncated(world.state), false);
		check("cut", truncate(path, lengths[i]), 0);
		for (unsigned user = 0; user < 50; user++) {
			char name[32], from[32];

			snprintf(name, sizeof(name), "user%u", user);
			snprintf(from, sizeof(from), "10.0.%u.1", user);
			check(name, world_guess(&world, name, from, 1), 1);
		}
		ls_connect(world.state, "submission", &ip, world.now_ms,
			   &decision);
		ls_lock(world.state, &subject, 1000, "x", world.now_ms);
		ls_unlock(world.state, &subject, "x", world.now_ms);
		while (ls_lock_next(world.state, &next, world.now_ms, &lock))
			;
		while (ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
				       world.now_ms, &record) == 1)
			;
		ls_status(world.state, world.now_ms, &status);
		check("told", refresh(&error), LS_EFORMAT);
		check_holds("told", error.text, "truncated while in use");
		check("known", ls_is_truncated(world.state), true);
		check("once", refresh(&error), 0);
		check("once", refresh(&error), 0);
		if (i + 1 < COUNT(lengths))
			world_fini(&world);
	}
}

static void test_journal_of_logins(void **state)
{
	static const struct {
		const char *user, *want;
	} rows[] = { { JOE, JOE }, { "", "" } };
	static char longest[400];
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	struct ls_ticket ticket;

	(void)state;
	world_open(&world, GUARD);
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_login(&world, rows[i].user, AWAY, LS_OUTCOME_WRONG);
		check("next",
		      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
				      world.now_ms, &record),
		      1);
		check("number", record.number, i);
		check("event", record.event, LS_EVENT_LOGIN);
		check("outcome", record.outcome, LS_OUTCOME_WRONG);
		check_text("user", record.subject.user, rows[i].want);
		check_text("service", record.service, "imap");
		check_text("mech", record.mech, "PLAIN");
		check("at", record.at_ms, world.now_ms);
		check("bits", record.subject.net.bits, 128);
	}
	/* A name too long is cut, for both calls alike. */
	memset(longest, 'x', sizeof(longest) - 1);
	check("long", world_admit(&world, longest, AWAY, &ticket).verdict,
	      LS_ADMIT);
	check("long", strlen(ticket.user), LS_USER_MAX);
	ls_settle(world.state, &ticket, LS_OUTCOME_SUCCESS, world.now_ms);
	check("next",
	      ls_journal_next(world.state, LS_JOURNAL_GUARD, &cursor,
			      world.now_ms, &record),
	      1);
	check("long", strlen(record.subject.user), LS_USER_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_open_refused),      TEST(test_open_to_all),
		TEST(test_policy_paths),
		TEST(test_warnings),          TEST(test_two_maps),
		TEST(test_refresh),           TEST(test_replaced),
		TEST(test_cut_in_use),
		TEST(test_journal_of_logins), TEST(test_map_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
