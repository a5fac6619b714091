/* live.h - the places of live sessions in the sessions map
 *
 * Each session holds one place while it lives: 44 words, 352 bytes.
 *
 *   word   0    whose it is, see below
 *          1    pid namespace of its process, inode; 0: not known
 *          2    when it began, ms of the map's clock
 *          3    key of the account
 *       4, 5    address
 *       6, 7    service, 12 bytes; its seat and one, 4 bytes; 0: it has none
 *      8..11    session id
 *     12..43    user name; texts are NUL-padded
 *
 *    63        48 47              26 25               2 1     0
 *   +------------+------------------+------------------+-------+
 *   | generation |       pid        |  start, 24 bits  | state |   word 0
 *   +------------+------------------+------------------+-------+
 *
 * A place is taken by one compare-and-swap of word 0, which says at once by
 * whom: a process killed at any moment leaves a place whose holder is gone, and
 * who needs it or sweeps gives it back. The generation goes up each time a place
 * is taken, so that who remembers a place knows whether it is still the same
 * session's.
 *
 * SEATS. A limit of N live sessions is N seats of the account. A seat is a slot
 * of the map's table, keyed by (account, number), and its one word says which
 * place's session sits on it: generation and place. A seat is free when that
 * place is held by another generation or by nobody, or its process is gone. It is
 * taken by one compare-and-swap: so of any number of processes that want the last
 * seat one gets it, and nobody counts.
 *
 * Mail processes write this map, with a mail user's rights: nothing in it is
 * believed beyond what can be checked, and signal 0 is the only one sent. */
#ifndef LS_LIVE_H
#define LS_LIVE_H

#include "base/process.h"
#include "lockstep.h"
#include "map/table.h"

enum { LS_LIVE_WORDS = 44 };

struct ls_live_place {
	_Atomic uint64_t word[LS_LIVE_WORDS];
};
_Static_assert(sizeof(struct ls_live_place) == 352, "part of the map format");

/* The places in a map; private memory. */
struct ls_live {
	struct ls_live_place *place;
	uint64_t places; /* below LS_LIVE_MAX; 0: none */
};
#define LS_LIVE_MAX (UINT64_C(1) << 24)

/* Who looks: to tell whether a holder is gone. */
struct ls_looker {
	int procfd; /* negative: the process number alone is looked at */
	struct ls_process self;
	/* Processes of other pid namespaces count as gone: for the mail server
	 * itself, all of whose processes share one. What a container left that
	 * was killed would otherwise stay taken for ever. */
	bool strangers_are_gone;
	/* The mail server's first process: whoever is none of its mail processes holds
	 * nothing. 0: not known. */
	uint32_t master;
};

/* A session that is older is believed no more: it holds its place, and no seat. */
#define LS_SEAT_AGE_MS (UINT64_C(7) * 24 * 3600 * 1000)

/* Is it certain that this process has ended? */
bool ls_looker_sees_end(const struct ls_looker *looker,
			const struct ls_process *process);

/* One session's place, as taken. */
struct ls_hold {
	uint32_t place;
	uint64_t bits; /* word 0 as it was written; 0: holds none */
};

/* What a place says. */
struct ls_live_record {
	struct ls_hold hold;
	bool live; /* else it is being taken: what is below may be half written */
	struct ls_process process;
	uint64_t began; /* the map's clock */
	uint64_t user_key;
	uint32_t seat; /* and one; 0: none */
	struct ls_addr ip;
	char service[LS_SERVICE_MAX + 1];
	char id[LS_DETAIL_MAX + 1];
	char user[LS_USER_MAX + 1];
};

enum { LS_LIVE_PROBES = 1024 }; /* places looked at, for a free one */

/* The n-th place from there on. */
static inline uint64_t ls_live_at(const struct ls_live *live, uint64_t from,
				  uint64_t n)
{
	return (from % live->places + n) % live->places;
}

/* Take the first place that is free of LS_LIVE_PROBES, for record->process, and
 * write the record into it; it is not live yet. A place whose holder is gone is
 * no free one: it wants sweeping first.
 *   from  any number; where others begin elsewhere they do not meet
 * Returns false when none is free thereabouts; *hold_r is then empty. */
bool ls_live_take(const struct ls_live *live, uint64_t from,
		  const struct ls_live_record *record, struct ls_hold *hold_r);
/* From now on it is told of as live. */
void ls_live_show(const struct ls_live *live, struct ls_hold *hold);
void ls_live_set_seat(const struct ls_live *live, const struct ls_hold *hold,
		      uint32_t seat);
/* Give it back. Returns false when it was not held like this any more. */
bool ls_live_free(const struct ls_live *live, const struct ls_hold *hold);

/* Read place `index`. Returns false when it is free, or changed meanwhile.
 *   live_only  false also when it is taken and not live yet */
bool ls_live_read(const struct ls_live *live, uint64_t index, bool live_only,
		  struct ls_live_record *record_r);

/* The key of an account's seat: the account's, which is a keyed hash, and the number
 * mixed. A session looks at many seats, and hashing takes longer than looking.
 * Source: the finalizer of SplitMix64. */
static inline uint64_t ls_seat_key(uint64_t user_key, uint64_t seat)
{
	uint64_t mixed = user_key + (seat + 1) * UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* The word of a seat that this session sits on. */
uint64_t ls_seat_value(const struct ls_hold *hold);
/* Could it be the word of a seat, free or not? */
bool ls_seat_is_one(const struct ls_live *live, uint64_t value);
/* Does somebody sit there? With `looker` NULL a holder that is gone counts too:
 * that costs no system call.
 *   now  the map's clock */
bool ls_seat_is_taken(const struct ls_live *live, uint64_t value,
		      const struct ls_looker *looker, uint64_t now);

#endif
