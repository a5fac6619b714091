/* log.c - where lockstep-policy says what is wrong */
#include "lockstep-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum { LIMIT_MS = 60000 };

static enum { TO_SYSLOG, TO_STDERR, TO_FILE } where;
static const char *file;

bool log_protect_stderr(void)
{
	struct stat out, error;

	if (fstat(STDERR_FILENO, &error) == 0) {
		bool connection = S_ISSOCK(error.st_mode) ||
				  S_ISFIFO(error.st_mode);
		if (!connection || fstat(STDOUT_FILENO, &out) != 0 ||
		    out.st_dev != error.st_dev || out.st_ino != error.st_ino)
			return true;
	}
	int null = open("/dev/null", O_WRONLY);
	/* In a bare chroot: something that cannot be written to. The number
	 * must not stay free, or a map that is opened gets it. */
	if (null < 0)
		null = open("/", O_RDONLY);
	if (null >= 0 && null != STDERR_FILENO) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
	return false;
}

bool log_target(const char *target)
{
	if (strcmp(target, "syslog") == 0) {
		where = TO_SYSLOG;
	} else if (strcmp(target, "stderr") == 0) {
		where = TO_STDERR;
	} else if (target[0] == '/') {
		where = TO_FILE;
		file = target;
	} else {
		return false;
	}
	return true;
}

static const char *priority_word(int priority)
{
	switch (priority) {
	case LOG_ERR:
		return "error: ";
	case LOG_WARNING:
		return "warning: ";
	default:
		return "";
	}
}

/* Returns whether all of it was written. */
static bool write_policy_line(int fd, bool dated, const char *word,
			      const char *text)
{
	char line[LOG_LINE_MAX], date[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (dated && localtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S%z ", &tm);
	/* One byte is kept back for the newline of a line that was cut. */
	int wanted = snprintf(line, sizeof(line) - 1, "%slockstep-policy[%ld]: "
			      "%s%s", date, (long)getpid(), word, text);
	if (wanted < 0)
		return false;
	size_t length = strlen(line);
	line[length++] = '\n';
	return write(fd, line, length) == (ssize_t)length;
}

static bool write_file(const char *word, const char *text)
{
	/* O_NONBLOCK: a FIFO that nobody reads must not stop us. */
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
			    O_NOCTTY | O_NONBLOCK, 0640);

	if (fd < 0)
		return false;
	bool written = write_policy_line(fd, true, word, text);
	close(fd);
	return written;
}

void log_line(int priority, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;
	bool written = false;
	int saved_errno = errno;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (where == TO_FILE)
		written = write_file(priority_word(priority), text);
	else if (where == TO_STDERR)
		written = write_policy_line(STDERR_FILENO, false,
					    priority_word(priority), text);
	if (!written) {
		openlog("lockstep-policy", LOG_PID, LOG_MAIL);
		syslog(priority, "%s%s", priority_word(priority), text);
	}
	errno = saved_errno;
}

bool log_allowed(struct log_limit *limit, uint64_t now_ms, uint64_t *unlogged_r)
{
	if (limit->begun && now_ms - limit->since_ms < LIMIT_MS) {
		limit->unlogged++;
		return false;
	}
	*unlogged_r = limit->unlogged;
	limit->begun = true;
	limit->since_ms = now_ms;
	limit->unlogged = 0;
	return true;
}
