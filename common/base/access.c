/* access.c - see access.h */
#include "lockstep-config.h"

#include "base/access.h"
#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { GROUP_MAX = 1 << 24 }; /* bytes of a group's entry */

static void warn_about(struct ls_error *error_r, const struct ls_error *warning)
{
	if (error_r->text[0] == '\0')
		*error_r = *warning;
}

/* Returns false, with a warning, when there is no such group. */
static bool group_id(const char *group, const char *without, gid_t *gid_r,
		     struct ls_error *error_r)
{
	struct group entry, *found = NULL;
	struct ls_error warning;
	char *buffer = NULL;
	int err = ERANGE;

	if (*group == '\0')
		return false;
	/* A group may have any number of members, whose names come along. */
	for (size_t size = 4096; err == ERANGE && size <= GROUP_MAX; size *= 2) {
		char *larger = realloc(buffer, size);

		if (larger == NULL)
			break;
		buffer = larger;
		err = getgrnam_r(group, &entry, buffer, size, &found);
	}
	if (found != NULL)
		*gid_r = found->gr_gid;
	free(buffer);
	if (found != NULL)
		return true;
	ls_fail(&warning, 0, "there is no group \"%s\": %s", group, without);
	warn_about(error_r, &warning);
	return false;
}

static void set_entry(struct posix_acl_xattr_entry *entry, unsigned tag,
		      unsigned may, uint32_t id)
{
	entry->e_tag = htole16((uint16_t)tag);
	entry->e_perm = htole16((uint16_t)may);
	entry->e_id = htole32(id);
}

/* The mode that is set, and one group more that may read. */
static int add_readers(int fd, gid_t readers, bool group)
{
	enum { ENTRIES = 5, READ_WRITE = ACL_READ | ACL_WRITE };
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[ENTRIES];
	} list;

	_Static_assert(sizeof(list) == 4 + 8 * ENTRIES, "as the kernel reads");
	list.header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	set_entry(&list.entry[0], ACL_USER_OBJ, READ_WRITE,
		  (uint32_t)ACL_UNDEFINED_ID);
	set_entry(&list.entry[1], ACL_GROUP_OBJ, group ? READ_WRITE : 0,
		  (uint32_t)ACL_UNDEFINED_ID);
	set_entry(&list.entry[2], ACL_GROUP, ACL_READ, readers);
	set_entry(&list.entry[3], ACL_MASK, group ? READ_WRITE : ACL_READ,
		  (uint32_t)ACL_UNDEFINED_ID);
	set_entry(&list.entry[4], ACL_OTHER, 0, (uint32_t)ACL_UNDEFINED_ID);
	return fsetxattr(fd, "system.posix_acl_access", &list, sizeof(list), 0);
}

int ls_access_give(int fd, const char *path, const char *group,
		   const char *readers, struct ls_error *error_r)
{
	struct ls_error warning;
	gid_t gid = 0, readers_gid;
	bool given = group_id(group, "only root may use the state", &gid,
			      error_r);

	if (fchown(fd, (uid_t)-1, gid) < 0 && *group != '\0')
		given = false; /* not root: the file stays ours alone */
	/* root's own group is nobody else */
	given = given && gid != 0;
	if (fchmod(fd, given ? 0660 : 0600) < 0)
		return ls_fail_sys(error_r, "change the mode of", path);
	if (strcmp(readers, group) == 0 ||
	    !group_id(readers, "nobody may only read the state", &readers_gid,
		      error_r))
		return 0;
	if (add_readers(fd, readers_gid, given) < 0) {
		ls_fail(&warning, 0,
			"%s: the group \"%s\" cannot be let read it: %s", path,
			readers, strerror(errno));
		warn_about(error_r, &warning);
	}
	return 0;
}

enum { ENTRIES_MAX = 16 };

struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry[ENTRIES_MAX];
};

/* Returns the number of entries; 0: there is no access list. */
static size_t read_list(int fd, struct list *list_r)
{
	ssize_t got = fgetxattr(fd, "system.posix_acl_access", list_r,
				sizeof(*list_r));

	return got < (ssize_t)sizeof(list_r->header)
		       ? 0
		       : ((size_t)got - sizeof(list_r->header)) /
				 sizeof(list_r->entry[0]);
}

/* Of an access list the group, or user, that has an entry. */
static uint32_t named_in_list(int fd, unsigned tag)
{
	struct list list;
	size_t entries = read_list(fd, &list);

	for (size_t i = 0; i < entries; i++) {
		if (le16toh(list.entry[i].e_tag) == tag)
			return le32toh(list.entry[i].e_id);
	}
	return 0;
}

/* The list that says the same as a mode. */
static size_t list_of_mode(mode_t mode, struct list *list_r)
{
	static const struct {
		unsigned tag, shift;
	} entries[] = { { ACL_USER_OBJ, 6 },
			{ ACL_GROUP_OBJ, 3 },
			{ ACL_MASK, 3 },
			{ ACL_OTHER, 0 } };

	list_r->header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	for (size_t i = 0; i < 4; i++)
		set_entry(&list_r->entry[i], entries[i].tag,
			  mode >> entries[i].shift & 7,
			  (uint32_t)ACL_UNDEFINED_ID);
	return 4;
}

uid_t ls_access_user_wanted(const char *user)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	if (*user == '\0' ||
	    getpwnam_r(user, &entry, buffer, sizeof(buffer), &found) != 0 ||
	    found == NULL)
		return 0;
	return found->pw_uid;
}

uid_t ls_access_user_has(int fd)
{
	return named_in_list(fd, ACL_USER);
}

int ls_access_add_user(int fd, const char *path, const char *user, bool write,
		       struct ls_error *error_r)
{
	unsigned may = write ? ACL_READ | ACL_WRITE : ACL_READ;
	uid_t uid = ls_access_user_wanted(user);
	struct ls_error warning;
	struct list list;
	struct stat st;
	size_t entries;

	if (uid == 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", path);
	entries = read_list(fd, &list);
	if (entries == 0)
		entries = list_of_mode(st.st_mode, &list);
	if (entries == ENTRIES_MAX)
		return 0;
	/* The kernel wants it behind the owner's entry. */
	memmove(&list.entry[2], &list.entry[1],
		(entries - 1) * sizeof(list.entry[0]));
	set_entry(&list.entry[1], ACL_USER, may, uid);
	entries++;
	for (size_t i = 0; i < entries; i++)
		if (le16toh(list.entry[i].e_tag) == ACL_MASK)
			list.entry[i].e_perm |= htole16((uint16_t)may);
	if (fsetxattr(fd, "system.posix_acl_access", &list,
		      sizeof(list.header) + entries * sizeof(list.entry[0]),
		      0) < 0) {
		ls_fail(&warning, 0,
			"%s: the user \"%s\" cannot be let open it: %s", path,
			user, strerror(errno));
		warn_about(error_r, &warning);
	}
	return 0;
}

int ls_access_has(int fd, gid_t *group_r, gid_t *readers_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return LS_ESYS;
	/* With an access list these bits are its mask. */
	*group_r = (st.st_mode & S_IWGRP) != 0 ? st.st_gid : 0;
	*readers_r = named_in_list(fd, ACL_GROUP);
	return 0;
}

void ls_access_wanted(const char *group, const char *readers, gid_t *group_r,
		      gid_t *readers_r)
{
	struct ls_error ignored = { 0, "" };

	*group_r = *readers_r = 0;
	group_id(group, "", group_r, &ignored);
	if (strcmp(readers, group) != 0)
		group_id(readers, "", readers_r, &ignored);
}

/* May anybody change names in it? */
static bool is_open(const struct stat *st)
{
	return (st->st_mode & S_IWOTH) != 0 && (st->st_mode & S_ISVTX) == 0;
}

static int refuse_parent(const char *path, const char *parent, mode_t mode,
			 struct ls_error *error_r)
{
	return ls_fail(error_r, LS_EARG,
		       "state directory %s: anybody may write to %s (mode %04o) "
		       "and so put another in its place: chmod o-w",
		       path, parent, (unsigned)(mode & 07777));
}

/* The directories that its path names. */
static int check_path(const char *path, struct ls_error *error_r)
{
	char parent[LS_PATH_SIZE];
	struct stat st;

	for (const char *end = strchr(path, '/'); end != NULL;
	     end = strchr(end + 1, '/')) {
		size_t len = end == path ? 1 : (size_t)(end - path);

		if (len >= sizeof(parent))
			break;
		memcpy(parent, path, len);
		parent[len] = '\0';
		if (stat(parent, &st) == 0 && is_open(&st))
			return refuse_parent(path, parent, st.st_mode, error_r);
	}
	return 0;
}

enum { DIRECTORIES_DEEP = 64 };

/* Those that it lies in: a link may have led elsewhere. */
static int check_parents(int fd, const char *path, struct stat *st,
			 struct ls_error *error_r)
{
	int below = fd, ret = 0;

	for (unsigned i = 0; i < DIRECTORIES_DEEP; i++) {
		ino_t inode = st->st_ino;
		dev_t device = st->st_dev;
		int above = openat(below, "..",
				   O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (below != fd)
			close(below);
		below = above;
		if (above < 0 || fstat(above, st) < 0 ||
		    (st->st_ino == inode && st->st_dev == device))
			break;
		if (is_open(st)) {
			ret = refuse_parent(path, "a directory above it",
					    st->st_mode, error_r);
			break;
		}
	}
	if (below != fd && below >= 0)
		close(below);
	return ret;
}

int ls_access_check_directory(int fd, const char *path,
			      struct ls_error *error_r)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", path);
	if ((st.st_mode & S_IWOTH) != 0)
		return ls_fail(error_r, LS_EARG,
			       "state directory %s: anybody may write to it "
			       "(mode %04o) and so put a map there: chmod o-w",
			       path, (unsigned)(st.st_mode & 07777));
	ret = check_path(path, error_r);
	return ret < 0 ? ret : check_parents(fd, path, &st, error_r);
}

int ls_access_refused(const char *path, bool write, const char *group,
		      const char *readers, struct ls_error *error_r)
{
	const char *what = write ? "change" : "read";
	const char *also = write || strcmp(group, readers) == 0 ? "" : readers;

	if (*group == '\0') {
		group = also;
		also = "";
	}
	if (*group == '\0')
		return ls_fail(error_r, LS_EACCES,
			       "%s: permission denied: only root may %s the "
			       "state",
			       path, what);
	return ls_fail(error_r, LS_EACCES,
		       "%s: permission denied: only root and the group%s "
		       "\"%s\"%s%s%s may %s the state",
		       path, *also == '\0' ? "" : "s", group,
		       *also == '\0' ? "" : " and \"", also,
		       *also == '\0' ? "" : "\"", what);
}
