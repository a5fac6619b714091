/* contacts-file.c - making and opening the file; see contacts.h */
#include "lockstep-config.h"

#include "base/access.h"
#include "base/error.h"
#include "base/space.h"
#include "base/watch.h"
#include "state/contacts.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char name[] = "contacts", temp[] = ".contacts.new";
static const char magic[8] = "LSKNOWN";

#define LINES_MAX (UINT64_C(1) << 26)

static size_t contacts_size(uint64_t lines)
{
	return LS_CONTACTS_HEADER_SIZE +
	       lines * LS_CONTACT_LINE * sizeof(uint64_t);
}

static uint64_t contacts_header_check(const struct ls_contacts_header *header)
{
	uint64_t check;

	crypto_shorthash((unsigned char *)&check, (const uint8_t *)header,
			 offsetof(struct ls_contacts_header, check),
			 header->hash_key);
	return check;
}

static int check_contacts_header(const struct ls_contacts_header *header,
				 off_t size, const char *path,
				 struct ls_error *error_r)
{
	if (memcmp(header->magic, magic, sizeof(magic)) != 0)
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: not a file of contacts", path);
	if (header->version != LS_CONTACTS_VERSION)
		return ls_fail(error_r, LS_EVERSION,
			       "%s: contacts of version %u, this program has "
			       "%u",
			       path, header->version, LS_CONTACTS_VERSION);
	if (header->check != contacts_header_check(header) ||
	    header->lines < 2 || header->lines > LINES_MAX)
		return ls_fail(error_r, LS_EFORMAT, "%s: damaged header", path);
	if (size < 0 || header->size != contacts_size(header->lines) ||
	    (uint64_t)size != header->size)
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: %lld bytes where %zu are due: truncated",
			       path, (long long)size,
			       contacts_size(header->lines));
	return 0;
}

static int open_contacts_fd(int fd, const char *path, bool writable,
			    struct ls_contacts *contacts,
			    struct ls_error *error_r)
{
	struct ls_contacts_header header;
	struct stat st;
	ssize_t got;
	uint8_t *base;
	int ret;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", path);
	got = pread(fd, &header, sizeof(header), 0);
	if (got < 0)
		return ls_fail_sys(error_r, "read", path);
	if (!S_ISREG(st.st_mode) || (size_t)got < sizeof(header))
		return ls_fail(error_r, LS_EFORMAT,
			       "%s: too short for contacts: truncated", path);
	ret = check_contacts_header(&header, st.st_size, path, error_r);
	if (ret < 0)
		return ret;
	contacts->size = contacts_size(header.lines);
	base = ls_space_map(fd, contacts->size, writable);
	if (base == MAP_FAILED)
		return ls_space_fail(path, contacts->size, error_r);
	/* Begin to read it now: a message should not wait for the disk. */
	(void)madvise(base, contacts->size, MADV_WILLNEED);
	contacts->watch = ls_watch_add(base, contacts->size);
	contacts->device = st.st_dev;
	contacts->inode = st.st_ino;
	contacts->buckets = header.lines / 2;
	memcpy(contacts->hash_key, header.hash_key, sizeof(contacts->hash_key));
	contacts->bucket = (_Atomic uint64_t(*)[LS_CONTACT_WAYS])(
		void *)(base + LS_CONTACTS_HEADER_SIZE);
	contacts->header = (struct ls_contacts_header *)(void *)base;
	return 0;
}

int ls_contacts_open(int dirfd, const char *path, bool writable,
		     struct ls_contacts *contacts_r, struct ls_error *error_r)
{
	int fd, ret;

	memset(contacts_r, 0, sizeof(*contacts_r));
	fd = openat(dirfd, name,
		    (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW |
			    O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return ls_fail(error_r, LS_ENOENT, "%s: no such file", path);
	if (fd < 0 && errno == EACCES)
		return ls_fail(error_r, LS_EACCES, "%s: permission denied",
			       path);
	if (fd < 0 && errno == ELOOP)
		return ls_fail(error_r, LS_ESYS,
			       "%s: a symbolic link, which is not followed: "
			       "the file has to be in this directory",
			       path);
	if (fd < 0)
		return ls_fail_sys(error_r, "open", path);
	ret = open_contacts_fd(fd, path, writable, contacts_r, error_r);
	close(fd);
	return ret;
}

/* Fill an empty file. */
static int make_contacts_file(int fd, const char *path, uint64_t room,
			      const char *group, const char *readers,
			      struct ls_error *error_r)
{
	struct ls_contacts_header header = { .version = LS_CONTACTS_VERSION };
	int err;

	header.lines = (room + LS_CONTACT_WAYS - 1) / LS_CONTACT_WAYS * 2;
	if (header.lines < 1 || header.lines > LINES_MAX)
		return ls_fail(error_r, LS_EARG,
			       "%s: cannot hold %llu contacts", path,
			       (unsigned long long)room);
	memcpy(header.magic, magic, sizeof(magic));
	header.size = contacts_size(header.lines);
	randombytes_buf(header.hash_key, sizeof(header.hash_key));
	header.check = contacts_header_check(&header);
	err = posix_fallocate(fd, 0, (off_t)header.size);
	if (err != 0)
		return ls_fail(
			error_r, LS_ESYS, "allocate %llu bytes for %s: %s",
			(unsigned long long)header.size, path, strerror(err));
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    fsync(fd) < 0)
		return ls_fail_sys(error_r, "write", path);
	return ls_access_give(fd, path, group, readers, error_r);
}

static bool is_there(int dirfd, const char *file, const struct stat *as)
{
	struct stat st;

	return fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (as == NULL ||
		(st.st_ino == as->st_ino && st.st_dev == as->st_dev));
}

/* Fill the temporary file and give it its name, holding its lock. */
static int make_contacts_in_place(int dirfd, int fd, const char *path,
				  uint64_t room, const char *group,
				  const char *readers, struct ls_error *error_r)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", path);
	if (!is_there(dirfd, temp, &st)) /* who had the lock gave it its name */
		return 0;
	ret = is_there(dirfd, name, NULL) ? LS_ENOENT : 0;
	if (ret == 0 && ftruncate(fd, 0) < 0)
		ret = ls_fail_sys(error_r, "truncate", path);
	if (ret == 0)
		ret = make_contacts_file(fd, path, room, group, readers,
					 error_r);
	if (ret == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		ret = ls_fail_sys(error_r, "create", path);
	if (ret < 0)
		unlinkat(dirfd, temp, 0);
	return ret == LS_ENOENT ? 0 : ret;
}

int ls_contacts_create(int dirfd, const char *path, uint64_t room,
		       const char *group, const char *readers,
		       struct ls_error *error_r)
{
	int fd, ret = 0;

	fd = openat(dirfd, temp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return ls_fail_sys(error_r, "create", path);
	/* The kernel gives up the lock of who is killed. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		ret = make_contacts_in_place(dirfd, fd, path, room, group,
					     readers, error_r);
	else if (errno != EWOULDBLOCK)
		ret = ls_fail_sys(error_r, "lock the creation of", path);
	close(fd);
	return ret;
}

static int open_to_look(int dirfd)
{
	return openat(dirfd, name,
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static bool is_given(int fd, const char *group, const char *readers)
{
	gid_t has[2], wanted[2];

	ls_access_wanted(group, readers, &wanted[0], &wanted[1]);
	return ls_access_has(fd, &has[0], &has[1]) < 0 ||
	       (has[0] == wanted[0] && has[1] == wanted[1]);
}

bool ls_contacts_are_given(int dirfd, const char *group, const char *readers)
{
	int fd = open_to_look(dirfd);
	bool given = fd < 0 || is_given(fd, group, readers);

	if (fd >= 0)
		close(fd);
	return given;
}

int ls_contacts_give(int dirfd, const char *path, const char *group,
		     const char *readers, struct ls_error *error_r)
{
	struct stat st;
	int fd = open_to_look(dirfd), ret = 0;

	if (fd < 0 && errno == ENOENT)
		return ls_fail(error_r, LS_ENOENT, "%s: no such file", path);
	if (fd < 0)
		return ls_fail_sys(error_r, "open", path);
	if (geteuid() == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && !is_given(fd, group, readers)) {
		/* What it was open to goes first: it is never more open than
		 * one of both would have it. */
		if (fchmod(fd, 0600) < 0 ||
		    (fremovexattr(fd, "system.posix_acl_access") < 0 &&
		     errno != ENODATA && errno != EOPNOTSUPP))
			ret = ls_fail_sys(error_r, "change the mode of", path);
		else
			ret = ls_access_give(fd, path, group, readers, error_r);
	}
	close(fd);
	return ret;
}

void ls_contacts_close(struct ls_contacts *contacts)
{
	if (contacts->header == NULL)
		return;
	ls_space_unmap(contacts->header, contacts->size);
	ls_watch_remove(contacts->watch);
	memset(contacts, 0, sizeof(*contacts));
}

bool ls_contacts_are_at(const struct ls_contacts *contacts, int dirfd)
{
	const struct stat st = { .st_dev = contacts->device,
				 .st_ino = contacts->inode };

	return is_there(dirfd, name, &st);
}

bool ls_contacts_broken(const struct ls_contacts *contacts)
{
	return contacts->header != NULL && ls_watch_broken(contacts->watch);
}
