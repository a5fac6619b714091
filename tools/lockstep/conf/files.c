/* files.c - see files.h */
#include "lockstep-config.h"

#include "conf/complaints.h"
#include "conf/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MOST = 64 << 20 };

/* Read until the end. Returns 0 or an errno value. */
static int slurp(int fd, struct conf_file *file)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (file->size == room) {
			room = room == 0 ? 65536 : 2 * room;
			file->data = realloc(file->data, room);
			if (file->data == NULL)
				return ENOMEM;
		}
		got = read(fd, file->data + file->size, room - file->size);
		if (got <= 0)
			return got < 0 ? errno : 0;
		file->size += (size_t)got;
		if (file->size > SIZE_MOST)
			return EFBIG;
	}
}

int conf_file_read(const char *path, bool only_file, struct conf_file *file_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
				    (only_file ? O_NONBLOCK : 0));
	struct stat st = { .st_mode = 0 };
	int err = 0;

	*file_r = (struct conf_file){ .data = NULL };
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	else if (only_file && !S_ISREG(st.st_mode))
		err = EINVAL;
	file_r->device = st.st_dev;
	file_r->inode = st.st_ino;
	if (err == 0)
		err = slurp(fd, file_r);
	close(fd);
	return err;
}

static void add_file(struct conf_paths *paths, const char *path, size_t len)
{
	paths->path = conf_grow(paths->path, paths->count,
				sizeof(*paths->path));
	paths->path[paths->count++] = conf_copy(path, len);
}

/* The first bytes of a, then b; to be freed. */
static char *join_path(const char *a, size_t a_len, const char *b)
{
	char *joined = conf_alloc(a_len + strlen(b) + 1);

	memcpy(joined, a, a_len);
	strcpy(joined + a_len, b);
	return joined;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static size_t ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return len > 1 && path[len - 1] == '/' ? 1 : 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nothing matches: is there a directory where it could? One with a pattern of
 * its own may match nothing as well. */
static int check_include_directory(const char *pattern,
				   struct conf_paths *paths)
{
	const char *slash = strrchr(pattern, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - pattern);
	struct stat st;
	char *directory;
	int err;

	if (len == 0)
		return 0;
	directory = conf_copy(pattern, len);
	err = strpbrk(directory, "*?[") == NULL && stat(directory, &st) < 0
		      ? errno
		      : 0;
	if (err != 0)
		add_file(paths, directory, len);
	free(directory);
	return err;
}

/* Of several directories that match, some may not have what is looked for. */
static int is_trouble(const char *path, int err)
{
	(void)path;
	return err != ENOENT && err != ENOTDIR;
}

static int match(const char *pattern, struct conf_paths *paths)
{
	glob_t found;
	int ret = glob(pattern, GLOB_MARK | GLOB_NOSORT, is_trouble, &found);
	int err = errno;

	if (ret == GLOB_NOMATCH)
		return check_include_directory(pattern, paths);
	if (ret != 0) {
		add_file(paths, pattern, strlen(pattern));
		return ret == GLOB_NOSPACE ? ENOMEM : err;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		size_t len = strlen(path);

		if (path[len - 1] != '/') /* a directory, by GLOB_MARK */
			add_file(paths, path, len);
	}
	globfree(&found);
	if (paths->count > 0)
		qsort(paths->path, paths->count, sizeof(*paths->path),
		      by_bytes);
	return 0;
}

/* All that matches `pattern` in a directory, whose own name is none: what is
 * written in it as in a pattern gets a backslash. */
static int match_in(const char *directory, size_t len, const char *pattern,
		    struct conf_paths *paths)
{
	char *whole = conf_alloc(2 * len + strlen(pattern) + 1), *end = whole;
	int ret;

	for (; len > 0; len--, directory++) {
		if (strchr("*?[\\", *directory) != NULL)
			*end++ = '\\';
		*end++ = *directory;
	}
	strcpy(end, pattern);
	ret = match(whole, paths);
	free(whole);
	return ret;
}

int conf_paths_find(const char *name, const char *from,
		    struct conf_paths *paths_r)
{
	const char *slash = name[0] == '/' ? NULL : strrchr(from, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - from) + 1;
	char *path = join_path(from, len, name);
	int ret = 0;

	*paths_r = (struct conf_paths){ NULL, 0 };
	if (is_directory(path))
		ret = match_in(path, strlen(path) - ends_in_slash(path),
			       "/*.conf", paths_r);
	else if (strpbrk(name, "*?[") != NULL)
		ret = match_in(from, len, name, paths_r);
	else
		add_file(paths_r, path, strlen(path));
	free(path);
	return ret;
}

void conf_paths_free(struct conf_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->path[i]);
	free(paths->path);
	*paths = (struct conf_paths){ NULL, 0 };
}
