/* contacts_bed.h - a file of contacts in a directory of its own */
#ifndef LS_CONTACTS_BED_H
#define LS_CONTACTS_BED_H

#include "harness.h"
#include "state/contacts.h"
#include "world.h"

#include <sodium.h>

#define JOE "joe@example.com"
#define ANN "ann@example.com"

static struct world world;
static struct ls_contacts contacts;
static char path[WORLD_PATH + 16];
static const unsigned today = 19700;

static inline int setup(void **state)
{
	(void)state;
	world_init(&world);
	snprintf(path, sizeof(path), "%s/contacts", world.dir);
	memset(&contacts, 0, sizeof(contacts));
	return sodium_init() < 0 ? -1 : 0;
}

static inline int teardown(void **state)
{
	(void)state;
	ls_contacts_close(&contacts);
	world_fini(&world);
	return 0;
}

static inline void make(uint64_t room)
{
	struct ls_error error = { 0, "" };

	if (ls_contacts_create(world.dirfd, path, room, "", "", &error) < 0 ||
	    ls_contacts_open(world.dirfd, path, true, &contacts, &error) < 0)
		fail_msg("%s", error.text);
}

/* The same with a key that is always the same one: of very many names two may look
 * alike, and by this one none do, where it matters. */
static inline void make_for_many(uint64_t room)
{
	make(room);
	memset(contacts.hash_key, 0x5e, sizeof(contacts.hash_key));
}

static inline void add(const char *user, const char *recipient, unsigned day)
{
	uint32_t account = ls_contacts_account(&contacts, user);

	ls_contacts_begin(&contacts, account, day);
	ls_contacts_add(&contacts, account,
			ls_contacts_key(&contacts, user, recipient), day);
}

static inline bool knows(const char *user, const char *recipient)
{
	return ls_contacts_know(&contacts,
				ls_contacts_account(&contacts, user),
				ls_contacts_key(&contacts, user, recipient));
}

static inline bool learnt(const char *user, unsigned day)
{
	return ls_contacts_are_learnt(
		&contacts, ls_contacts_account(&contacts, user), day);
}

static inline unsigned since(const char *user)
{
	return ls_contacts_since(&contacts,
				 ls_contacts_account(&contacts, user));
}

static inline uint64_t count_of(const char *user)
{
	return ls_contacts_count(&contacts,
				 ls_contacts_account(&contacts, user));
}

#endif
