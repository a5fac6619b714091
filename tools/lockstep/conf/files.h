/* files.h - the files that a configuration is in
 *
 * Which ones an include() means:
 *
 *   include("more.conf")      that file
 *   include("conf.d")         of a directory, all that end in .conf
 *   include("conf.d/1*")      all that match: * ? and [...], as in a shell
 *
 * Relative names are beside the file that says so. Several files come in the
 * order of their names' bytes, whatever the locale; none whose name begins with
 * a dot, and no directory among them. That there are none is fine; that the
 * directory is not there is not. */
#ifndef LOCKSTEP_CONF_FILE_H
#define LOCKSTEP_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conf_file {
	char *data; /* to be freed, also where it could not be read */
	size_t size;
	dev_t device; /* to know the file again */
	ino_t inode;
};

/* Read all of it. Returns 0, or an errno value.
 *   only_file  what is no file is refused, and not waited for */
int conf_file_read(const char *path, bool only_file, struct conf_file *file_r);

struct conf_paths {
	char **path;
	size_t count;
};

/* The files that `name` means in file `from`. Returns 0, or an errno value; the
 * paths are to be freed by conf_paths_free() in any case. A file that is named
 * as such is not looked for here. On an error path[0] is what it is about. */
int conf_paths_find(const char *name, const char *from,
		    struct conf_paths *paths_r);
void conf_paths_free(struct conf_paths *paths);

#endif
