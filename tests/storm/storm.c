/* storm.c - see storm.h */
#include "lockstep-config.h"

#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __has_feature
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
	HAS(address_sanitizer) || HAS(thread_sanitizer)
enum { SLOWER = 6 };
#else
enum { SLOWER = 1 };
#endif

struct world storm_world;
static const char *storm_name = "storm";
static pid_t owner; /* the process that started it all */
static pid_t child[STORM_CHILDREN];
static _Atomic unsigned *met; /* shared: who has come to storm_meet() */

static void kill_children(void)
{
	for (unsigned i = 0; i < STORM_CHILDREN; i++) {
		if (child[i] <= 0)
			continue;
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
		child[i] = 0;
	}
}

/* Only what a signal handler may do. */
static void clean(void)
{
	static const char *const names[] = { "policy.cdb",
					     ".policy.cdb.new",
					     "snapshot.cdb",
					     ".snapshot.cdb.new",
					     "state/guard",
					     "state/sessions",
					     "state/secret",
					     "state/.lock",
					     "state/.guard.new",
					     "state/.sessions.new" };

	if (getpid() != owner || storm_world.dir[0] == '\0')
		return;
	kill_children();
	for (unsigned i = 0; i < COUNT(names); i++)
		unlinkat(storm_world.dirfd, names[i], 0);
	unlinkat(storm_world.dirfd, "state", AT_REMOVEDIR);
	rmdir(storm_world.dir);
	storm_world.dir[0] = '\0';
}

static void on_alarm(int signo)
{
	static const char text[] = ": not done in time\n";

	(void)signo;
	if (write(STDERR_FILENO, storm_name, strlen(storm_name)) < 0 ||
	    write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	clean();
	_exit(1);
}

static void on_end(int signo)
{
	clean();
	_exit(128 + signo);
}

void storm_begin(const char *name, unsigned seconds)
{
	storm_name = name;
	owner = getpid();
	met = storm_share(sizeof(*met));
	world_init(&storm_world);
	atexit(clean);
	signal(SIGALRM, on_alarm);
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	alarm(seconds * SLOWER);
}

void storm_make_map(enum ls_map_type type, uint64_t subjects, uint64_t records)
{
	const struct ls_map_spec spec = {
		.type = type,
		.subjects = subjects,
		.journal_records = records,
		.live_places = type == LS_MAP_SESSIONS ? 256 : 0,
		.boot_ms = storm_world.now_ms,
		.real_ms = storm_world.real_ms,
		.group = "",
		.readers = "",
	};
	struct ls_error error = { 0, "" };
	struct ls_map map;
	const char *name = type == LS_MAP_GUARD ? "guard" : "sessions";

	if (sodium_init() < 0 || ls_map_create(storm_world.state_dirfd, name,
					       name, &spec, &map, &error) < 0)
		storm_fail("%s", error.text);
	ls_map_close(&map);
}

void storm_another_world(void)
{
	world_fini(&storm_world);
	world_init(&storm_world);
}

int storm_end(const char *format, ...)
{
	va_list args;

	alarm(0);
	kill_children();
	world_fini(&storm_world);
	storm_world.dir[0] = '\0';
	printf("%s: ", storm_name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return 0;
}

void storm_fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: %s\n", storm_name, text);
	fflush(stderr);
	if (getpid() != owner)
		_exit(1);
	exit(1);
}

uint64_t storm_count(uint64_t full, uint64_t scaled)
{
	const char *wanted = getenv("LOCKSTEP_FULL");

	return wanted != NULL && *wanted != '\0' ? full : scaled;
}

void *storm_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	storm_check(memory != MAP_FAILED, "no memory");
	return memory;
}

void storm_start(unsigned who, void (*work)(unsigned who))
{
	storm_check(child[who] == 0, "child %u is there already", who);
	child[who] = fork();
	storm_check(child[who] >= 0, "fork: %s", strerror(errno));
	if (child[who] > 0)
		return;
	/* Whatever happens to the parent, no child stays. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != owner)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	work(who);
	_exit(0);
}

static void reaped(unsigned who, int status, bool killed)
{
	child[who] = 0;
	if (WIFSIGNALED(status) && !(killed && WTERMSIG(status) == SIGKILL))
		storm_fail("child %u died of signal %d", who, WTERMSIG(status));
	if (WIFEXITED(status) && (killed || WEXITSTATUS(status) != 0))
		storm_fail("child %u ended with code %d", who,
			   WEXITSTATUS(status));
}

void storm_kill(unsigned who)
{
	int status;

	storm_check(child[who] > 0 && kill(child[who], SIGKILL) == 0 &&
			    waitpid(child[who], &status, 0) == child[who],
		    "child %u cannot be killed", who);
	reaped(who, status, true);
}

void storm_watch(void)
{
	for (unsigned i = 0; i < STORM_CHILDREN; i++) {
		int status;

		if (child[i] > 0 &&
		    waitpid(child[i], &status, WNOHANG) == child[i]) {
			reaped(i, status, false);
			storm_fail("child %u has ended", i);
		}
	}
}

unsigned storm_running(void)
{
	unsigned running = 0;

	for (unsigned i = 0; i < STORM_CHILDREN; i++) {
		int status;

		if (child[i] == 0)
			continue;
		if (waitpid(child[i], &status, WNOHANG) == child[i])
			reaped(i, status, false);
		else
			running++;
	}
	return running;
}

void storm_join(void)
{
	for (unsigned i = 0; i < STORM_CHILDREN; i++) {
		int status;

		if (child[i] == 0)
			continue;
		storm_check(waitpid(child[i], &status, 0) == child[i],
			    "child %u cannot be waited for", i);
		reaped(i, status, false);
	}
}

void storm_meet(unsigned children)
{
	atomic_fetch_add(met, 1);
	while (atomic_load(met) < children)
		sched_yield();
}

void storm_run(unsigned children, void (*work)(unsigned who))
{
	atomic_store(met, 0);
	for (unsigned i = 0; i < children; i++)
		storm_start(i, work);
	storm_join();
}

static void on_finding(void *context, const char *finding)
{
	fprintf(stderr, "%s: %s: %s\n", storm_name, (const char *)context,
		finding);
}

void storm_verify(const char *when)
{
	uint64_t found = ls_verify(storm_world.state, storm_world.now_ms,
				   on_finding, (void *)(uintptr_t)when);

	storm_check(found == 0, "%s: %llu findings", when,
		    (unsigned long long)found);
}
