/* log.h - where lockstep-policy says what is wrong
 *
 * To syslog's mail facility, to a file, or to standard error. Standard output
 * belongs to the protocol, and under Postfix's spawn(8) standard error is the
 * same connection: log_protect_stderr() keeps everybody off it.
 *
 * Lines are whole, one write each, below LOG_LINE_MAX bytes. A file gets
 *   2026-01-31T23:59:59+0100 lockstep-policy[123]: warning: text
 * and standard error the same without the time. The file is opened for each
 * line, so that it can be rotated at any time; when it cannot be written, the
 * line goes to syslog. */
#ifndef LOCKSTEP_POLICY_LOG_H
#define LOCKSTEP_POLICY_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 1024 };

/* If standard error is closed or is the connection to the policy client, put
 * /dev/null in its place. Returns true when standard error can be logged to. */
bool log_protect_stderr(void);

/* Choose where lines go: "syslog", "stderr" or a file's absolute path, which
 * must outlive the program. Returns false for anything else. Before the first
 * call it is syslog. */
bool log_target(const char *target);

/* Write a line. `priority` is syslog's: LOG_ERR, LOG_WARNING or LOG_NOTICE. */
void log_line(int priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For complaints that each request could bring: one line a minute. */
struct log_limit {
	bool begun;
	uint64_t since_ms; /* of the last line */
	uint64_t unlogged; /* complaints since then */
};

/* Returns whether to write a line now; *unlogged_r is then how many were left
 * out since the last one. Each complaint has its own `limit`, zeroed at
 * first. */
bool log_allowed(struct log_limit *limit, uint64_t now_ms,
		 uint64_t *unlogged_r);

#endif
