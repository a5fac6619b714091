/* process.c - see process.h */
#include "lockstep-config.h"

#include "base/process.h"
#include "lockstep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	START_FIELD = 22,
	START_MASK = 0xffffff,
	DEAD = START_MASK + 1, /* the start of no process */
	STAT_SIZE = 512
};

int ls_process_open(int root_fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	return root_fd > 0 ? openat(root_fd, "proc", flags)
			   : open("/proc", flags);
}

/* The start in a line of /proc/PID/stat, in clock ticks since boot; NULL when it is
 * not there. The second field is the program's name in parentheses, which may hold
 * blanks and parentheses; the third is its state; none of the others holds either.
 * Source: proc(5). */
static const char *find_start(const char *line)
{
	const char *at = strrchr(line, ')');

	for (unsigned field = 2; at != NULL && field < START_FIELD; field++) {
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	return at;
}

/* 24 bits of it, or DEAD for one that has ended and whose parent has not looked;
 * 0 when it is not there. */
static uint32_t start_of(const char *line)
{
	const char *name = strrchr(line, ')'), *at = find_start(line);

	if (name != NULL && (name[1] == '\0' || name[2] == 'Z' || name[2] == 'X'))
		return DEAD;
	if (at == NULL)
		return 0;
	uint32_t start = (uint32_t)strtoull(at, NULL, 10) & START_MASK;

	return start != 0 ? start : 1;
}

/* Returns false when it cannot be read. */
static bool read_line(int procfd, const char *name, char line_r[STAT_SIZE])
{
	ssize_t got;
	int fd;

	fd = openat(procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, line_r, STAT_SIZE - 1);
	close(fd);
	if (got <= 0)
		return false;
	line_r[got] = '\0';
	return true;
}

/* Returns 0 when it cannot be told. */
static uint32_t read_start(int procfd, const char *name)
{
	char line[STAT_SIZE];

	return procfd >= 0 && read_line(procfd, name, line) ? start_of(line)
							    : 0;
}

uint64_t ls_process_began_ms(int pid)
{
	long ticks_a_second = sysconf(_SC_CLK_TCK);
	char name[32], line[STAT_SIZE];
	const char *at;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	if (pid <= 0 || ticks_a_second <= 0 ||
	    !read_line(AT_FDCWD, name, line))
		return 0;
	at = find_start(line);
	return at == NULL ? 0
			  : strtoull(at, NULL, 10) * 1000 /
				    (uint64_t)ticks_a_second;
}

/* Dovecot's services without mail sessions: those for logins, and these. A wrapper may
 * call a mail process by any other name. */
static bool is_other_service(const char *name, size_t len)
{
	static const char *const others[] = {
		"anvil", "auth", "config", "dict", "dict-expire", "dns-client",
		"doveadm-server", "imap-hibernate", "imap-urlauth", "indexer",
		"indexer-worker", "ipc", "lmtp", "log", "old-stats",
		"replicator", "stats",
	};
	enum { NAME_MAX_LEN = 15 }; /* the kernel cuts it */

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		size_t other = strlen(others[i]);

		if (other > NAME_MAX_LEN)
			other = NAME_MAX_LEN;
		if (len == other && strncmp(name, others[i], len) == 0)
			return true;
	}
	/* "managesieve-login" is cut, too. */
	return memmem(name, len, "-log", 4) != NULL;
}

bool ls_process_is_mail(int procfd, uint32_t master,
			const struct ls_process *process)
{
	char line[STAT_SIZE], name[32];
	const char *first, *last;

	snprintf(name, sizeof(name), "%u/stat", process->pid);
	if (!read_line(procfd, name, line))
		return true;
	first = strchr(line, '(');
	last = strrchr(line, ')');
	if (first == NULL || last == NULL || last < first || last[1] == '\0')
		return true;
	/* Fields 3 and 4: its state, one letter, and its parent. */
	return strtoul(last + 3, NULL, 10) == master &&
	       !is_other_service(first + 1, (size_t)(last - first - 1));
}

void ls_process_self(int procfd, struct ls_process *self_r)
{
	struct stat st;

	self_r->pid = (uint32_t)getpid();
	self_r->start = read_start(procfd, "self/stat");
	self_r->space = procfd >= 0 && fstatat(procfd, "self/ns/pid", &st,
					       0) == 0
				? st.st_ino
				: 0;
}

bool ls_process_is_gone(int procfd, const struct ls_process *self,
			const struct ls_process *process)
{
	char name[32];
	uint32_t start;

	if (process->space != 0 && process->space != self->space)
		return false;
	if (process->pid == 0 || process->pid > INT32_MAX)
		return true; /* no process has that number */
	if (kill((pid_t)process->pid, 0) < 0 && errno == ESRCH)
		return true;
	if (process->start == 0)
		return false;
	snprintf(name, sizeof(name), "%u/stat", process->pid);
	start = read_start(procfd, name);
	return start != 0 && start != process->start;
}
