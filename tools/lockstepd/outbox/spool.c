#include "lockstep-config.h"

#include "outbox/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat() */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"

static const char new_name[] = ".new";

static int system_error(const struct spool *spool, const char *name,
			struct ls_error *error_r)
{
	return error_set(error_r, LS_ESYS, "%s%s%s: %s", spool->path,
			 name[0] != '\0' ? "/" : "", name, strerror(errno));
}

static int check_spool_directory(const struct spool *spool, int fd,
				 struct ls_error *error_r)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return system_error(spool, "", error_r);
	if (st.st_uid != geteuid())
		return error_set(error_r, LS_ESYS,
				 "%s: belongs to uid %u, not to uid %u",
				 spool->path, (unsigned)st.st_uid,
				 (unsigned)geteuid());
	if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0)
		return system_error(spool, "", error_r);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_set(error_r, LS_EACCES,
				 "%s: another lockstepd works on it",
				 spool->path);
	return system_error(spool, "", error_r);
}

int spool_open(struct spool *spool, struct ls_error *error_r)
{
	int fd, ret;

	if (mkdir(spool->path, 0700) != 0 && errno != EEXIST)
		return system_error(spool, "", error_r);
	fd = open(spool->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return system_error(spool, "", error_r);
	ret = check_spool_directory(spool, fd, error_r);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	/* what a killed process left half-written */
	unlinkat(fd, new_name, 0);
	spool->fd = fd;
	return 0;
}

void spool_close(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		text += put;
		length -= (size_t)put;
	}
	return true;
}

static bool write_new(const struct spool *spool, const char *text, bool sync)
{
	bool good;
	int fd, saved_errno;

	fd = openat(spool->fd, new_name, O_WRONLY | O_CREAT | O_TRUNC |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = write_all(fd, text, strlen(text)) && (!sync || fsync(fd) == 0);
	saved_errno = errno;
	/* network file systems report a full disk here */
	if (close(fd) != 0 && good)
		return false;
	errno = saved_errno;
	return good;
}

int spool_store(struct spool *spool, const char *name, const char *text,
		bool sync, struct ls_error *error_r)
{
	bool removed;
	int ret;

	if (write_new(spool, text, sync) &&
	    renameat(spool->fd, new_name, spool->fd, name) == 0) {
		/* a rename that a power loss undoes is the old file: good
		 * enough where nobody asked for more */
		if (sync)
			fsync(spool->fd);
		return 0;
	}
	/* nothing can be made in a directory that was removed */
	removed = errno == ENOENT;
	ret = system_error(spool, name, error_r);
	if (removed)
		spool_close(spool);
	else
		unlinkat(spool->fd, new_name, 0);
	return ret;
}

static int read_spool_text(const struct spool *spool, int fd, const char *name,
			   char **text_r, struct ls_error *error_r)
{
	size_t used = 0;
	struct stat st;
	char *text;

	if (fstat(fd, &st) != 0)
		return system_error(spool, name, error_r);
	if (!S_ISREG(st.st_mode) || st.st_size > SPOOL_FILE_MAX)
		return error_set(error_r, LS_EFORMAT,
				 "%s/%s: is no regular file below %d kB",
				 spool->path, name, SPOOL_FILE_MAX / 1024);
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		log_fatal("out of memory");
	while (used < (size_t)st.st_size) {
		ssize_t got = read(fd, text + used, (size_t)st.st_size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return system_error(spool, name, error_r);
		}
		if (got == 0)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	*text_r = text;
	return 0;
}

int spool_fetch(const struct spool *spool, const char *name, char **text_r,
		struct ls_error *error_r)
{
	int fd, ret;

	fd = openat(spool->fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		ret = errno == ENOENT ? LS_ENOENT : LS_ESYS;
		system_error(spool, name, error_r);
		error_r->code = ret;
		return ret;
	}
	ret = read_spool_text(spool, fd, name, text_r, error_r);
	close(fd);
	return ret;
}

void spool_remove(const struct spool *spool, const char *name)
{
	if (spool->fd >= 0)
		unlinkat(spool->fd, name, 0);
}

void spool_each(const struct spool *spool,
		void (*visit)(void *context, const char *name), void *context)
{
	int fd = openat(spool->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.')
			visit(context, entry->d_name);
	}
	closedir(directory);
}
