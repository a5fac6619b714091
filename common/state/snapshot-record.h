/* snapshot-record.h - the records of snapshot.cdb, for who writes and who reads
 * them; snapshot.h tells what is in them */
#ifndef LS_SNAPSHOT_RECORD_H
#define LS_SNAPSHOT_RECORD_H

#include "map/map.h"

#define LS_SNAPSHOT_NAME "snapshot.cdb"
#define LS_SNAPSHOT_HEAD_KEY "lockstep"

enum {
	HEAD_SIZE = 4 + LS_HASH_KEY_SIZE + 8 + 8,
	KEY_SIZE = 1 + 8 + 1,
	LABEL_HEAD = 1 + 16,
	NAME_HEAD = 8,
};

#endif
