/* note.c - see note.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "note.h"
#include "state/state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_SIZE = 512 }; /* a whole one is as long, padded with blanks */

/* Returns false for a name that has no room. */
static bool path_of(const char *policy, const char *name, char *path,
		    size_t size)
{
	const char *slash;
	int len;

	policy = ls_policy_path(policy);
	slash = strrchr(policy, '/');
	len = slash == NULL ? 0 : (int)(slash + 1 - policy);
	return (size_t)snprintf(path, size, "%.*sdovecot-%s", len, policy,
				name) < size;
}

int ls_note_begin(struct ls_note_writer *writer, const char *policy,
		  const char *name)
{
	char path[LS_PATH_SIZE];
	int procfd, fd;

	memset(writer, 0, sizeof(*writer));
	if (!path_of(policy, name, path, sizeof(path)))
		return LS_ESYS;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0)
		return LS_ESYS;
	(void)fchmod(fd, 0644); /* whatever the umask */
	procfd = ls_process_open(0);
	ls_process_self(procfd, &writer->self);
	if (procfd >= 0)
		close(procfd);
	writer->fd = fd;
	return 0;
}

static uint64_t inode_of(const struct ls_map *map)
{
	return map->header == NULL ? 0 : (uint64_t)map->inode;
}

void ls_note_write(struct ls_note_writer *writer,
		   const struct ls_state *state, const char *text)
{
	char note[NOTE_SIZE + 1];
	int len;

	if (writer->fd <= 0)
		return;
	len = snprintf(note, sizeof(note), "%u %u %" PRIu64 " %u %" PRIu64
		       " %" PRIu64 " %.255s", writer->self.pid,
		       writer->self.start, writer->self.space,
		       (unsigned)getppid(),
		       state == NULL ? 0 : inode_of(&state->guard),
		       state == NULL ? 0 : inode_of(&state->sessions), text);
	if (len < 0 || len >= NOTE_SIZE)
		return;
	memset(note + len, ' ', (size_t)(NOTE_SIZE - len));
	note[NOTE_SIZE - 1] = '\n';
	writer->torn = pwrite(writer->fd, note, NOTE_SIZE, 0) != NOTE_SIZE;
}

void ls_note_end(struct ls_note_writer *writer)
{
	if (writer->fd > 0)
		close(writer->fd);
	writer->fd = 0;
}

void ls_note_remove(const char *policy, const char *name)
{
	char path[LS_PATH_SIZE];

	if (path_of(policy, name, path, sizeof(path)))
		unlink(path);
}

bool ls_note_is_fresh(const char *policy, const char *name, uint64_t real_ms,
		      uint64_t age_ms)
{
	char path[LS_PATH_SIZE];
	struct stat st;
	uint64_t at_ms;

	if (!path_of(policy, name, path, sizeof(path)) || stat(path, &st) < 0)
		return false;
	at_ms = (uint64_t)st.st_mtim.tv_sec * 1000 +
		(uint64_t)st.st_mtim.tv_nsec / 1000000;
	/* A clock that was set back makes nothing fresh for ever. */
	return at_ms + age_ms > real_ms && at_ms < real_ms + age_ms;
}

/* What was written by somebody else. */
static bool parse_note(char note[NOTE_SIZE + 1], const struct ls_state *state,
		       struct ls_process *process_r, struct ls_note *note_r)
{
	uint64_t guard, sessions;
	int at = 0;
	size_t end;

	if (sscanf(note,
		   "%" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu32 " %" SCNu64
		   " %" SCNu64 " %n",
		   &process_r->pid, &process_r->start, &process_r->space,
		   &note_r->parent, &guard, &sessions, &at) != 6 || at == 0)
		return false;
	for (char *c = note; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	for (end = strlen(note); end > (size_t)at && note[end - 1] == ' '; end--)
		note[end - 1] = '\0';
	ls_copy(note_r->text, sizeof(note_r->text), note + at);
	note_r->pid = process_r->pid;
	note_r->no_guard = guard == 0;
	note_r->no_sessions = sessions == 0;
	note_r->guard = state != NULL && guard != 0 &&
			guard == inode_of(&state->guard);
	note_r->sessions = state != NULL && sessions != 0 &&
			   sessions == inode_of(&state->sessions);
	return true;
}

int ls_note_read(const char *policy, const char *name,
		 const struct ls_state *state, struct ls_note *note_r)
{
	char path[LS_PATH_SIZE], note[NOTE_SIZE + 1];
	struct ls_process process, self;
	ssize_t got;
	int fd, procfd;

	memset(note_r, 0, sizeof(*note_r));
	if (!path_of(policy, name, path, sizeof(path)))
		return LS_ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return LS_ENOENT;
	got = read(fd, note, NOTE_SIZE);
	close(fd);
	if (got != NOTE_SIZE)
		return LS_EFORMAT;
	note[NOTE_SIZE] = '\0';
	if (!parse_note(note, state, &process, note_r))
		return LS_EFORMAT;
	procfd = ls_process_open(0);
	ls_process_self(procfd, &self);
	note_r->gone = ls_process_is_gone(procfd, &self, &process);
	if (procfd >= 0)
		close(procfd);
	return 0;
}
