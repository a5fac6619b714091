/* test_watch.c - SIGBUS from a file that was cut short */
#include "lockstep-config.h"

#include "base/watch.h"
#include "harness.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 4 };

static long page;

struct mapped {
	int fd, watch;
	volatile uint8_t *base; /* the compiler must not guess */
	size_t size;
};

/* PAGES pages of 0x77; odd: the last one only in part. */
static struct mapped map_file(bool watched, bool odd)
{
	char name[] = "/dev/shm/lockstep-watch.XXXXXX";
	struct mapped file = { .fd = mkstemp(name), .watch = -1 };

	page = sysconf(_SC_PAGESIZE);
	file.size = (size_t)(PAGES * page) - (odd ? 100 : 0);
	assert_true(file.fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(file.fd, (off_t)file.size), 0);
	file.base = mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 file.fd, 0);
	assert_true(file.base != MAP_FAILED);
	for (size_t i = 0; i < file.size; i++)
		file.base[i] = 0x77;
	if (watched)
		file.watch =
			ls_watch_add((void *)(uintptr_t)file.base, file.size);
	return file;
}

static void unmap(struct mapped *file)
{
	munmap((void *)(uintptr_t)file->base, file->size);
	ls_watch_remove(file->watch);
	close(file->fd);
}

static void test_cut_short(void **state)
{
	static const struct {
		const char *row;
		long keep; /* pages */
		bool odd;
	} rows[] = {
		{ "to nothing", 0, false },
		{ "to one page", 1, false },
		{ "by one page", PAGES - 1, false },
		{ "to nothing, odd size", 0, true },
		{ "by one page, odd size", PAGES - 1, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mapped file = map_file(true, rows[i].odd);
		struct mapped other = map_file(true, false);
		size_t cut = (size_t)(rows[i].keep * page);

		check(rows[i].row, ls_watch_broken(file.watch), false);
		check(rows[i].row, ftruncate(file.fd, (off_t)cut), 0);
		/* From the far end, and from the near end: all zero pages. */
		check(rows[i].row, file.base[file.size - 1], 0);
		check(rows[i].row, ls_watch_broken(file.watch), true);
		for (size_t at = 0; at < file.size; at += 512)
			check(rows[i].row, file.base[at], at < cut ? 0x77 : 0);
		/* Writing goes on, too. */
		file.base[file.size - 1] = 9;
		file.base[0] = 8;
		check(rows[i].row, file.base[file.size - 1], 9);
		/* The others are as they were. */
		check(rows[i].row, ls_watch_broken(other.watch), false);
		check(rows[i].row, other.base[0], 0x77);
		unmap(&other);
		unmap(&file);
	}
}

static void test_places(void **state)
{
	enum { MOST = 16 };
	static uint8_t bytes[MOST + 1];
	struct sigaction before, after;
	int watch[MOST];

	(void)state;
	sigaction(SIGBUS, NULL, &before);
	for (int i = 0; i < MOST; i++) {
		watch[i] = ls_watch_add(&bytes[i], 1);
		check("place", watch[i], i);
	}
	check("no more", ls_watch_add(&bytes[MOST], 1), -1);
	check("unwatched", ls_watch_broken(-1), false);
	ls_watch_remove(-1);
	ls_watch_remove(watch[7]);
	check("again", ls_watch_add(&bytes[MOST], 1), 7);
	for (int i = 0; i < MOST; i++)
		ls_watch_remove(watch[i]);
	/* With the last one goes the handler: its code may be unloaded. */
	sigaction(SIGBUS, NULL, &after);
	check("handler", after.sa_sigaction == before.sa_sigaction, true);
}

static volatile sig_atomic_t taken;

static void take(int signo)
{
	(void)signo;
	taken = 1;
	_exit(42);
}

static void take_info(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	_exit(info->si_addr != NULL ? 43 : 1);
}

enum { DEFAULT, HANDLER, HANDLER_INFO };

/* A SIGBUS that is none of ours, in a child. */
static int in_child(int before, bool removed)
{
	struct sigaction action;
	struct mapped ours, theirs;

	memset(&action, 0, sizeof(action));
	if (before == HANDLER) {
		action.sa_handler = take;
	} else if (before == HANDLER_INFO) {
		action.sa_sigaction = take_info;
		action.sa_flags = SA_SIGINFO;
	} else {
		action.sa_handler = SIG_DFL;
	}
	sigaction(SIGBUS, &action, NULL);
	ours = map_file(true, false);
	theirs = map_file(false, false);
	if (ftruncate(theirs.fd, 0) < 0)
		return 2;
	if (removed)
		unmap(&ours);
	return theirs.base[0] == 0 ? 3 : 4;
}

/* All other SIGBUS go where they went before. */
static void test_passed_on(void **state)
{
	static const struct {
		const char *row;
		int before;
		bool removed;
		int want;
	} rows[] = {
		{ "default", DEFAULT, false, -SIGBUS },
		{ "handler", HANDLER, false, 42 },
		{ "handler with info", HANDLER_INFO, false, 43 },
		{ "default, removed", DEFAULT, true, -SIGBUS },
		{ "handler, removed", HANDLER, true, 42 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(in_child(rows[i].before, rows[i].removed));
		check(rows[i].row, waitpid(pid, &status, 0), pid);
		check(rows[i].row,
		      WIFSIGNALED(status) ? -WTERMSIG(status)
					  : WEXITSTATUS(status),
		      rows[i].want);
	}
}

/* One that somebody sent is no fault of an address: it ends the process, as it
 * would without us. */
static void test_sent(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct mapped file;

		signal(SIGBUS, SIG_DFL);
		file = map_file(true, false);
		(void)file;
		kill(getpid(), SIGBUS);
		_exit(5);
	}
	check("sent", waitpid(pid, &status, 0), pid);
	check("sent", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGBUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_passed_on),
		cmocka_unit_test(test_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
