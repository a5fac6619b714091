/* map.h - the file that processes share: its layout, creation and opening
 *
 *   +-----------------+ 0
 *   | header          |
 *   +-----------------+ 4096
 *   | messages seen   |  64 bytes each of 512 buckets
 *   +-----------------+ 36864
 *   | asked about     |  4 bytes each of 4096 addresses
 *   +-----------------+ 53248
 *   | buckets         |  64 bytes each
 *   +-----------------+
 *   | crowds          |  8 bytes for each bucket
 *   +-----------------+
 *   | local parts     |  64 bytes for every 4 buckets
 *   +-----------------+
 *   | slots           |  7 * 104 bytes for each bucket
 *   +-----------------+
 *   | label buckets   |  64 bytes each
 *   +-----------------+
 *   | labels          |  7 * 288 bytes for each label bucket
 *   +-----------------+
 *   | journal         |  384 bytes each record
 *   +-----------------+
 *   | live sessions   |  352 bytes each place; the sessions map alone
 *   +-----------------+ size
 *
 * Each part begins at a multiple of 64. doc/map-format.md has every byte.
 *
 * A map is made under another name and linked to its own when it is whole:
 * nobody ever sees half a map. It lives on tmpfs and dies with the boot; one
 * from an earlier boot (a state directory on a disk) is recognised by the boot
 * id and made anew. Only creation is serialised, by the kernel's lock on a file
 * beside the maps, never the use of a map.
 *
 * What a reader trusts: the geometry, after it was checked against the file's
 * size once, at opening, from a private copy. A file cut short under the feet
 * of its users gives SIGBUS; ls_map_open() takes that signal for addresses of
 * its maps, puts zero pages in the place of what is gone, and remembers. */
#ifndef LS_MAP_H
#define LS_MAP_H

#include "base/key.h"
#include "map/asked.h"
#include "map/crowd.h"
#include "map/instance.h"
#include "map/journal.h"
#include "map/label.h"
#include "map/live.h"
#include "map/local.h"
#include "map/table.h"

#include <sys/types.h>

enum { LS_MAP_VERSION = 4 };
enum { LS_MAP_OVERS = 128 };
enum ls_map_type { LS_MAP_GUARD = 1, LS_MAP_SESSIONS = 2 };

/* A passdb that fails. */
struct ls_failing_place {
	_Atomic uint64_t since, last; /* map's clock; last 0: nobody's */
	_Atomic uint64_t times;       /* since then */
	_Atomic uint64_t worked;      /* when it last answered since */
	_Atomic uint64_t name[6];     /* text, NUL-padded */
};
_Static_assert(sizeof(struct ls_failing_place) == 80, "map format");

struct ls_map_header {
	/* Written before the map is visible, never after. */
	char magic[8]; /* "LOCKSTEP" */
	uint32_t version, type;
	uint64_t size; /* of the file */
	uint64_t buckets, label_buckets, journal_records, live_places;
	uint64_t created_boot_ms, created_real_ms;
	uint8_t boot_id[16];
	uint8_t hash_key[LS_HASH_KEY_SIZE];
	uint64_t check; /* SipHash of all before it, by the hash key */
	uint8_t zero[144];
	/* Read at every attempt, written hardly ever. */
	_Atomic uint64_t retired; /* 1: the map was replaced */
	_Atomic uint64_t policy_generation;
	_Atomic uint64_t daemon_seen; /* map's clock; 0: never */
	_Atomic uint64_t orders; /* freezes and administrators' locks so far */
	_Atomic uint64_t clocks_apart; /* CLOCK_REALTIME less CLOCK_BOOTTIME, ms;
					* 0: as at the map's creation */
	_Atomic uint64_t names; /* LS_NAMES_* */
	uint64_t spare[2];
	/* Written at every attempt. */
	_Atomic uint64_t auth_seen; /* map's clock, as the next two */
	_Atomic uint64_t smtp_seen, connect_seen;
	_Atomic uint64_t misplaced_seen; /* last attempt that came too late */
	_Atomic uint64_t admitted, denied;
	_Atomic uint64_t message_seen; /* map's clock */
	_Atomic uint64_t untold; /* ends of attempts that the journal was not told */
	/* Written when slots change hands. */
	struct ls_table_counters subjects;
	struct ls_table_counters labels;
	/* Written by every record. */
	_Atomic uint64_t journal_head;
	/* Written when there is no place for a session. */
	_Atomic uint64_t live_full;
	uint64_t spare_more[6];
	/* Written by lockstepd each second. */
	_Atomic uint64_t daemon_lost, daemon_dropped;
	_Atomic uint64_t daemon_waiting, daemon_stuck;
	_Atomic uint64_t daemon_dropped_at; /* the last one; map's clock */
	uint64_t spare_of_daemon[3];
	/* Until when an address or network whose key ends in these bits is over its
	 * count of accounts: so a login from a familiar place, which looks at
	 * neither, knows when to. */
	_Atomic uint64_t over[LS_MAP_OVERS];
	/* Written when a passdb verified nothing (backend.c). */
	_Atomic uint64_t unverified_seen; /* the last one; map's clock */
	_Atomic uint64_t unverified;      /* that said yes all the same */
	struct ls_failing_place failing[LS_FAILING];
	/* Written where the table has no room. */
	_Atomic uint64_t crowded; /* logins and messages without a slot */
	_Atomic uint64_t crowded_denied; /* of these, refused */
	_Atomic uint64_t crowded_at; /* the last time; map's clock */
	uint64_t spare_of_crowds[13];
	_Atomic uint64_t crowd_sending[2][LS_CROWD_GROUPS]; /* crowd.h:
							      * accounts, addresses */
};
_Static_assert(offsetof(struct ls_map_header, check) == 104, "map format");
_Static_assert(offsetof(struct ls_map_header, retired) == 256, "map format");
_Static_assert(offsetof(struct ls_map_header, auth_seen) == 320, "map format");
_Static_assert(offsetof(struct ls_map_header, message_seen) == 368,
	       "map format");
_Static_assert(offsetof(struct ls_map_header, subjects) == 384, "map format");
_Static_assert(offsetof(struct ls_map_header, labels) == 448, "map format");
_Static_assert(offsetof(struct ls_map_header, journal_head) == 512,
	       "map format");
_Static_assert(offsetof(struct ls_map_header, daemon_lost) == 576,
	       "map format");
_Static_assert(offsetof(struct ls_map_header, over) == 640, "map format");
_Static_assert(offsetof(struct ls_map_header, unverified_seen) == 1664,
	       "map format");
_Static_assert(offsetof(struct ls_map_header, failing) == 1680, "map format");
_Static_assert(offsetof(struct ls_map_header, crowded) == 1920, "map format");
_Static_assert(offsetof(struct ls_map_header, crowd_sending) == 2048,
	       "map format");

enum { LS_MAP_HEADER_SIZE = 4096 };
_Static_assert(sizeof(struct ls_map_header) <= LS_MAP_HEADER_SIZE, "map format");

/* An opened map, in private memory. */
struct ls_map {
	struct ls_map_header *header; /* NULL: not open */
	size_t size;
	bool writable;
	int watch; /* its place among the maps watched for SIGBUS */
	dev_t device; /* of the file */
	ino_t inode;
	uint64_t created_boot_ms, created_real_ms;
	uint8_t hash_key[LS_HASH_KEY_SIZE];
	struct ls_instances *instances;
	struct ls_asked *asked;
	struct ls_local_set *locals;
	uint64_t local_sets;
	struct ls_table subjects, labels;
	struct ls_ring journal;
	struct ls_live live;
};

struct ls_map_spec {
	enum ls_map_type type;
	uint64_t subjects, journal_records, live_places;
	uint64_t boot_ms, real_ms;
	const char *group, *readers; /* see access.h; "": nobody */
	const char *auth_user; /* may write a guard, and read the others; NULL */
	const uint8_t *hash_key; /* NULL: random */
	/* Called with the new map before anybody else sees it; may be NULL. Returns
	 * 0, or negative: then there will be none. */
	int (*fill)(struct ls_map *map, void *context,
		    struct ls_error *error_r);
	void *context;
};

/* The parts' places for a geometry. Returns the file's size, 0 when it makes
 * no sense. */
size_t ls_map_size(uint64_t buckets, uint64_t label_buckets,
		   uint64_t journal_records, uint64_t live_places);
uint64_t ls_map_buckets(uint64_t subjects);       /* that hold so many */
uint64_t ls_map_label_buckets(uint64_t subjects); /* that go with them */

/* Open `name` in directory dirfd (`path`: the whole, for messages).
 * Returns 0, or LS_ENOENT, LS_EACCES, LS_ESYS, LS_EFORMAT, LS_EVERSION with the
 * reason. */
int ls_map_open(int dirfd, const char *name, const char *path,
		enum ls_map_type type, bool writable, struct ls_map *map_r,
		struct ls_error *error_r);

/* Make it if it is missing, or from an earlier boot; any number of processes
 * may try at once. Returns as ls_map_open, the map open for writing; text may
 * hold a warning (no such group). */
int ls_map_create(int dirfd, const char *name, const char *path,
		  const struct ls_map_spec *spec, struct ls_map *map_r,
		  struct ls_error *error_r);

/* Make it anew, and retire the one that is there. Returns as ls_map_create. */
int ls_map_replace(int dirfd, const char *name, const char *path,
		   const struct ls_map_spec *spec, struct ls_map *map_r,
		   struct ls_error *error_r);

void ls_map_close(struct ls_map *map);

/* The map's clock: CLOCK_BOOTTIME, set so that the map was made at this time.
 * What a snapshot tells of the year before has a time on it too. */
#define LS_MAP_BIRTH_MS (UINT64_C(400) * 24 * 3600 * 1000)

/* CLOCK_BOOTTIME to the map's clock and back. A time before the boot comes back
 * as a negative number, an int64_t in a uint64_t; 0 stays 0. */
uint64_t ls_map_now(const struct ls_map *map, uint64_t boot_ms);
uint64_t ls_map_boot_ms(const struct ls_map *map, uint64_t map_ms);

/* Count a login or a message that found no slot, refused for that or not. */
void ls_map_crowded(const struct ls_map *map, bool denied);

/* Is the network, or an address in it, over its count of accounts? Also true, once
 * in 128, for another's sake. */
static inline bool ls_map_may_be_over(const struct ls_map *map,
				      uint64_t net_key, uint64_t now)
{
	return atomic_load_explicit(&map->header->over[net_key % LS_MAP_OVERS],
				    memory_order_relaxed) > now;
}
/* It is, until then. */
void ls_map_note_over(const struct ls_map *map, uint64_t net_key,
		      uint64_t until);

/* Is this map's file still the one of that name? */
bool ls_map_is_at(const struct ls_map *map, int dirfd, const char *name);

/* Was the file cut short under us? */
bool ls_map_broken(const struct ls_map *map);

#endif
