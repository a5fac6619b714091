/* cdb-read.h - a cdb that is not trusted: opened, and every record of it
 *
 * tinycdb maps the file, and a file that is cut short under a mapping kills its
 * reader with SIGBUS; so it gets a copy in memory that no other process has.
 *
 * tinycdb's cdb_find() and cdb_get() keep within the mapping whatever a file
 * holds; its cdb_seqnext() does not (a length near 2^32 wraps around). This
 * does. */
#ifndef LS_CDB_READ_H
#define LS_CDB_READ_H

#include "lockstep.h"

#include <cdb.h>

enum { LS_CDB_TOC_SIZE = 2048 }; /* the least that a cdb has */

struct ls_cdb_record {
	const uint8_t *key, *value;
	uint32_t key_len, value_len;
};

/* Open a file of at most `size_max` bytes for tinycdb; fd may be closed after,
 * and the file may change: what is read is a copy.
 *   name   of the file, for messages
 * Returns 0, and cdb goes to ls_cdb_close(); or LS_ESYS, LS_EFORMAT. */
int ls_cdb_open(struct cdb *cdb, int fd, const char *name, uint64_t size_max,
		struct ls_error *error_r);

/* cdb_init(), for a file of that size that is mapped as it is. Returns as
 * ls_cdb_open(). */
int ls_cdb_map(struct cdb *cdb, int fd, const char *name, size_t size,
	       struct ls_error *error_r);
void ls_cdb_close(struct cdb *cdb);

/* Called with each record in the order of the file; negative stops the walk,
 * the reason in error_r. */
typedef int ls_cdb_visit_fn(void *context, const struct ls_cdb_record *record,
			    struct ls_error *error_r);

/* Visit the records of an open cdb.
 *   name   of the file, for messages
 *   key_max  longest key that is no damage
 *   end_r  where the records end and the hash tables begin; may be NULL
 * Returns 0, LS_EFORMAT when a record is cut, or what `visit` returned. */
int ls_cdb_walk(const struct cdb *cdb, const char *name, uint32_t key_max,
		ls_cdb_visit_fn *visit, void *context, uint32_t *end_r,
		struct ls_error *error_r);

#endif
