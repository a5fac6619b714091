/* contacts.h - whom each account wrote to before
 *
 * A file of fixed size beside policy.cdb, mapped by every process that decides
 * messages: neither a reboot nor a flood of addresses in it touches the guard.
 *
 *   +-----------------+ 0
 *   | header          |  4096 bytes
 *   +-----------------+
 *   | buckets         |  128 bytes each: 16 words
 *   +-----------------+
 *
 *    63             40 39          17 16 15              0
 *   +-----------------+--------------+--+-----------------+
 *   |  account, hash  |  recipient   |a |  day since 1970 |   0: nobody's
 *   +-----------------+--------------+--+-----------------+
 *
 * A contact (a = 0) stands in one of two buckets that are chosen by a hash of both
 * names, the one that had more room; its day is when it was written to last. An
 * account's own word (a = 1) stands in one of two chosen by the account's hash alone,
 * so that a contact is enough to find it; its day is since when the account's
 * contacts are remembered. All hashes are keyed by 16 random bytes of the file. Two
 * accounts of 2^24 share a hash, and then a history: the shorter one, of the two.
 *
 * Two full buckets give up the contact that was not written to for longest. If that
 * is less than LS_CONTACT_KEEP_DAYS, its account has lost a part of what is known of
 * it, and learns anew: for LS_CONTACT_LEARN_DAYS nothing is refused to it. The header
 * counts these, for an administrator to see that the file is too small. Of a file that
 * is 90 % full one word in 10,000 was given up.
 *
 * Words change by one compare-and-swap each. Two processes that add one contact at
 * once may leave it twice, which costs a word. What a crash of the machine leaves
 * is some older words. Whoever can write to the file can have contacts known or
 * forgotten; no more. */
#ifndef LS_CONTACTS_H
#define LS_CONTACTS_H

#include "lockstep.h"

#include <stdatomic.h>
#include <sys/types.h>

enum { LS_CONTACTS_VERSION = 1, LS_CONTACT_WAYS = 16, LS_CONTACTS_KEY_SIZE = 16 };
enum { LS_CONTACT_LINE = 8 }; /* words of 64 bytes; two lines are a bucket */
enum { LS_CONTACT_KEEP_DAYS = 400, LS_CONTACT_LEARN_DAYS = 14 };

struct ls_contacts_header {
	char magic[8]; /* "LSKNOWN" and a NUL */
	uint32_t version, zero;
	uint64_t size; /* of the file */
	uint64_t lines;
	uint8_t hash_key[LS_CONTACTS_KEY_SIZE];
	uint64_t check; /* SipHash of all before it, by the hash key */
	uint8_t zeros[200];
	_Atomic uint64_t idle; /* contacts given up that were old */
	_Atomic uint64_t lost; /* that were not: an account learns anew */
	_Atomic uint64_t lost_day; /* the last one of these; 0: none, or unknown */
};
_Static_assert(offsetof(struct ls_contacts_header, check) == 48, "file format");
_Static_assert(offsetof(struct ls_contacts_header, idle) == 256, "file format");
_Static_assert(sizeof(struct ls_contacts_header) == 280, "file format");

enum { LS_CONTACTS_HEADER_SIZE = 4096 };

/* The opened file, in private memory. */
struct ls_contacts {
	struct ls_contacts_header *header; /* NULL: not open */
	_Atomic uint64_t (*bucket)[LS_CONTACT_WAYS];
	uint64_t buckets;
	size_t size;
	uint8_t hash_key[LS_CONTACTS_KEY_SIZE];
	int watch;
	dev_t device;
	ino_t inode;
};

/* Open the file in directory dirfd, for writing or to look at.
 *   path   the whole of it, for messages
 * Returns 0, or LS_ENOENT, LS_EACCES, LS_ESYS, LS_EFORMAT, LS_EVERSION with the
 * reason; header is then NULL. */
int ls_contacts_open(int dirfd, const char *path, bool writable,
		     struct ls_contacts *contacts_r, struct ls_error *error_r);

/* Make it if it is missing, with room for so many contacts. Of many that try at once
 * one does, and the others do not wait for it. Groups as in access.h. Returns 0,
 * error_r->text then untouched or a warning, or LS_EARG or LS_ESYS with the
 * reason. */
int ls_contacts_create(int dirfd, const char *path, uint64_t room,
		       const char *group, const char *readers,
		       struct ls_error *error_r);

/* Have an existing file belong to these groups, as root; anybody else changes nothing,
 * nor does who finds it so. Processes that have it open keep it. Returns 0,
 * error_r->text then untouched or a warning, or LS_ENOENT or LS_ESYS with the
 * reason. */
int ls_contacts_give(int dirfd, const char *path, const char *group,
		     const char *readers, struct ls_error *error_r);
/* Does it belong to them? Also when it is not there, or cannot be looked at. */
bool ls_contacts_are_given(int dirfd, const char *group, const char *readers);
void ls_contacts_close(struct ls_contacts *contacts);

/* Is the file still the one of its name in that directory? */
bool ls_contacts_are_at(const struct ls_contacts *contacts, int dirfd);
/* Was it cut short under us? What it says is then worth nothing. */
bool ls_contacts_broken(const struct ls_contacts *contacts);

/* ---- the words (contacts.c) ------------------------------------------- */

/* An account, and a contact of it, hashed. */
uint32_t ls_contacts_account(const struct ls_contacts *contacts,
			     const char *user);
uint64_t ls_contacts_key(const struct ls_contacts *contacts, const char *user,
			 const char *recipient);

/* Was it written to before?
 *   key   from ls_contacts_key() */
bool ls_contacts_know(const struct ls_contacts *contacts, uint32_t account,
		      uint64_t key);

/* The day since which the account's contacts are remembered; 0: they are not. */
unsigned ls_contacts_since(const struct ls_contacts *contacts,
			   uint32_t account);
/* For long enough that whom it did not write to in that time is new to it? */
bool ls_contacts_are_learnt(const struct ls_contacts *contacts,
			    uint32_t account, unsigned today);

/* It is written to today. Also begins the account's history. */
void ls_contacts_add(const struct ls_contacts *contacts, uint32_t account,
		     uint64_t key, unsigned today);
/* Begin an account's history today, unless it has one. */
void ls_contacts_begin(const struct ls_contacts *contacts, uint32_t account,
		       unsigned today);

/* Contacts that the account has. Looks at all words. */
uint64_t ls_contacts_count(const struct ls_contacts *contacts,
			   uint32_t account);
/* Words in use, of how many. Looks at all words. */
uint64_t ls_contacts_used(const struct ls_contacts *contacts,
			  uint64_t *room_r);

/* The day of a real time, as the words have it. */
static inline unsigned ls_contacts_day(uint64_t real_ms)
{
	return (unsigned)(real_ms / 86400000) & 0xffff;
}

#endif
