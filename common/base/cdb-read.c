/* cdb-read.c - see cdb-read.h */
#include "lockstep-config.h"

#include "base/cdb-read.h"
#include "base/error.h"
#include "base/space.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLES = 256, HEAD = 8 /* u32 key length, u32 value length */ };

/* Copy `size` bytes from the beginning of fd into memory that has a descriptor.
 * Returns that, or negative. */
static int copy_to_memory(int fd, const char *name, uint64_t size,
			  struct ls_error *error_r)
{
	int copy = memfd_create("lockstep", MFD_CLOEXEC);
	off_t at = 0;

	if (copy < 0)
		return ls_fail_sys(error_r, "make a copy of", name);
	while ((uint64_t)at < size) {
		ssize_t sent = sendfile(copy, fd, &at, size - (uint64_t)at);

		if (sent > 0)
			continue;
		if (sent < 0)
			ls_fail_sys(error_r, "read", name);
		else
			ls_fail(error_r, LS_EFORMAT,
				"%s: was truncated while it was read", name);
		close(copy);
		return sent < 0 ? LS_ESYS : LS_EFORMAT;
	}
	return copy;
}

int ls_cdb_open(struct cdb *cdb, int fd, const char *name, uint64_t size_max,
		struct ls_error *error_r)
{
	struct stat st;
	int copy, ret;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat", name);
	if (!S_ISREG(st.st_mode))
		return ls_fail(error_r, LS_EFORMAT, "%s: not a file", name);
	if (st.st_size < LS_CDB_TOC_SIZE || (uint64_t)st.st_size > size_max)
		return ls_fail(error_r, LS_EFORMAT, "%s: not a compiled database (%lld bytes)",
			       name, (long long)st.st_size);
	copy = copy_to_memory(fd, name, (uint64_t)st.st_size, error_r);
	if (copy < 0)
		return copy;
	ret = ls_cdb_map(cdb, copy, name, (size_t)st.st_size, error_r);
	close(copy);
	return ret;
}

int ls_cdb_map(struct cdb *cdb, int fd, const char *name, size_t size,
	       struct ls_error *error_r)
{
	size_t raised = ls_space_raise(size);
	int ret = cdb_init(cdb, fd);

	ls_space_mapped(ret < 0 ? NULL : cdb->cdb_mem, size, raised);
	return ret < 0 ? ls_space_fail(name, size, error_r) : 0;
}

void ls_cdb_close(struct cdb *cdb)
{
	const void *base = cdb->cdb_mem;
	size_t size = cdb->cdb_fsize;

	cdb_free(cdb);
	if (base != NULL)
		ls_space_unmapped(base, size);
}

/* The records end where the first hash table begins; tables without slots need
 * not say where they are. Returns 0 for a table of contents that is none. */
static uint32_t records_end(const struct cdb *cdb)
{
	const uint8_t *toc = cdb_get(cdb, LS_CDB_TOC_SIZE, 0);
	uint32_t end = UINT32_MAX;

	if (toc == NULL)
		return 0;
	for (unsigned i = 0; i < TABLES; i++) {
		uint32_t pos = cdb_unpack(toc + 8 * i);

		if (pos >= LS_CDB_TOC_SIZE && pos < end)
			end = pos;
	}
	return end == UINT32_MAX ? LS_CDB_TOC_SIZE : end;
}

int ls_cdb_walk(const struct cdb *cdb, const char *name, uint32_t key_max,
		ls_cdb_visit_fn *visit, void *context, uint32_t *end_r,
		struct ls_error *error_r)
{
	uint32_t end = records_end(cdb), pos = LS_CDB_TOC_SIZE;

	if (end == 0)
		return ls_fail(error_r, LS_EFORMAT, "%s: not a cdb", name);
	while (pos < end) {
		struct ls_cdb_record record;
		const uint8_t *head = NULL, *body = NULL;
		int ret;

		if (end - pos >= HEAD)
			head = cdb_get(cdb, HEAD, pos);
		if (head != NULL) {
			record.key_len = cdb_unpack(head);
			record.value_len = cdb_unpack(head + 4);
			pos += HEAD;
			if (record.key_len <= key_max &&
			    record.key_len <= end - pos &&
			    record.value_len <= end - pos - record.key_len)
				body = cdb_get(cdb,
					       record.key_len +
						       record.value_len,
					       pos);
		}
		if (body == NULL)
			return ls_fail(error_r, LS_EFORMAT,
				       "%s: damaged: a record is cut", name);
		record.key = body;
		record.value = body + record.key_len;
		ret = visit(context, &record, error_r);
		if (ret < 0)
			return ret;
		pos += record.key_len + record.value_len;
	}
	if (end_r != NULL)
		*end_r = end;
	return 0;
}
