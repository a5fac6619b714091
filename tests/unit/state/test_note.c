/* test_note.c - what a process of the mail server says of itself, and who reads it */
#include "lockstep-config.h"

#include "state/state.h"
#include "world_bed.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WITH = LS_GUARD_WRITE | LS_SESSIONS_READ | LS_CREATE };

static void read_note(const char *row, const struct ls_state *state,
		      struct ls_note *note)
{
	check(row, ls_note_read(world.policy_path, "auth", state, note), 0);
}

/* As a full disk does it. */
static void limit_files(rlim_t size)
{
	struct rlimit limit = { size, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	check("limit", setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_states(void **state)
{
	struct ls_note_writer writer;
	struct ls_state *guard_alone;
	struct ls_error error;
	struct ls_note note;

	(void)state;
	world_open(&world, WITH);
	check("nobody", ls_note_read(world.policy_path, "auth", world.state,
				     &note),
	      LS_ENOENT);
	check("begin", ls_note_begin(&writer, world.policy_path, "auth"), 0);
	check("torn", ls_note_read(world.policy_path, "auth", world.state,
				   &note),
	      LS_EFORMAT);

	limit_files(0);
	ls_note_write(&writer, NULL, "no room");
	limit_files(RLIM_INFINITY);
	check("no room", writer.torn, true);
	check("still torn", ls_note_read(world.policy_path, "auth", world.state,
					 &note),
	      LS_EFORMAT);

	ls_note_write(&writer, NULL, "no such\nmap \x1b[1m");
	check("whole", writer.torn, false);
	read_note("nothing", world.state, &note);
	check("pid", note.pid, (uint32_t)getpid());
	check("parent", note.parent, (uint32_t)getppid());
	check("gone", note.gone, false);
	check("no guard", note.no_guard && note.no_sessions, true);
	check("guard", note.guard || note.sessions, false);
	check_text("text", note.text, "no such map  [1m");

	ls_note_write(&writer, world.state, "");
	read_note("both", world.state, &note);
	check("guard", note.guard && note.sessions, true);
	check_text("text", note.text, "");

	check("join",
	      world_join(&world, LS_GUARD_READ, &guard_alone, &error), 0);
	ls_note_write(&writer, guard_alone, "");
	read_note("guard alone", world.state, &note);
	check("guard", note.guard, true);
	check("sessions", note.sessions, false);
	check("no sessions", note.no_sessions, true);
	ls_close(&guard_alone);
	ls_note_end(&writer);
}

/* Anybody may read it, whatever the umask; and it is another file each time. */
static void test_file(void **state)
{
	struct ls_note_writer writer;
	struct stat st;
	char file[WORLD_PATH + 16];
	mode_t before = umask(077);

	(void)state;
	snprintf(file, sizeof(file), "%s/dovecot-imap", world.dir);
	check("begin", ls_note_begin(&writer, world.policy_path, "imap"), 0);
	umask(before);
	check("stat", stat(file, &st), 0);
	check("mode", st.st_mode & 0777, 0644);
	check("fresh", ls_note_is_fresh(world.policy_path, "imap",
					(uint64_t)st.st_mtim.tv_sec * 1000 +
						1500, 60000),
	      true);
	check("not fresh", ls_note_is_fresh(world.policy_path, "imap",
					    (uint64_t)st.st_mtim.tv_sec * 1000 +
						    62000, 60000),
	      false);
	ls_note_end(&writer);
	ls_note_remove(world.policy_path, "imap");
	check("gone", stat(file, &st), -1);
}

/* Of a process that has ended. */
static void test_ended(void **state)
{
	struct ls_note note;
	pid_t pid;

	(void)state;
	world_open(&world, WITH);
	pid = fork();
	if (pid == 0) {
		struct ls_note_writer writer;

		if (ls_note_begin(&writer, world.policy_path, "auth") < 0)
			_exit(1);
		ls_note_write(&writer, world.state, "");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	read_note("ended", world.state, &note);
	check("gone", note.gone, true);
}

/* New maps are others. */
static void test_replaced(void **state)
{
	struct ls_note_writer writer;
	struct ls_state *fresh;
	struct ls_error error;
	struct ls_note note;
	struct ls_open_args args;

	(void)state;
	world_open(&world, WITH);
	check("begin", ls_note_begin(&writer, world.policy_path, "auth"), 0);
	ls_note_write(&writer, world.state, "");
	args = (struct ls_open_args){ .policy_path = world.policy_path,
				      .now_ms = world.now_ms,
				      .real_ms = world.real_ms };
	check("init", ls_init(&args, 0, false, &error), 0);
	check("join", world_join(&world, LS_GUARD_READ | LS_SESSIONS_READ,
				 &fresh, &error),
	      0);
	read_note("replaced", fresh, &note);
	check("guard", note.guard, false);
	check("no guard", note.no_guard, false);
	ls_close(&fresh);
	ls_note_end(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
