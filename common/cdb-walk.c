/* cdb-walk.c - see cdb-walk.h */
#include "lockstep-config.h"

#include "cdb-walk.h"
#include "error.h"

enum { TABLES = 256, HEAD = 8 /* u32 key length, u32 value length */ };

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
