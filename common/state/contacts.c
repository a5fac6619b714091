/* contacts.c - the words of the file; see contacts.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "state/contacts.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

enum {
	ACCOUNT_BIT = 40,
	ACCOUNT_BITS = 24,
	NAME_BIT = 16, /* of the recipient, and the bit that says it is none */
	OWN_BIT = 16,
	DAY_MASK = 0xffff,
};
#define ACCOUNT_MASK ((UINT64_C(1) << ACCOUNT_BITS) - 1)
#define RECIPIENT_MASK ((UINT64_C(1) << 23) - 1)
#define NAME_OF(word) ((word) >> NAME_BIT) /* all but its day */

/* ---- hashes ----------------------------------------------------------- */

static uint64_t hash_contact(const struct ls_contacts *contacts,
			     const void *bytes, size_t len)
{
	uint64_t key;

	crypto_shorthash((unsigned char *)&key, bytes, len, contacts->hash_key);
	return key;
}

uint32_t ls_contacts_account(const struct ls_contacts *contacts,
			     const char *user)
{
	return (uint32_t)(hash_contact(contacts, user,
				       strnlen(user, LS_USER_MAX)) &
			  ACCOUNT_MASK);
}

uint64_t ls_contacts_key(const struct ls_contacts *contacts, const char *user,
			 const char *recipient)
{
	enum { RECIPIENT_MAX = 320 };
	char bytes[LS_USER_MAX + 1 + RECIPIENT_MAX];
	size_t len = strnlen(user, LS_USER_MAX);
	size_t more = strnlen(recipient, RECIPIENT_MAX);

	memcpy(bytes, user, len);
	bytes[len++] = '\0';
	for (size_t i = 0; i < more; i++)
		bytes[len++] = (char)tolower((unsigned char)recipient[i]);
	return hash_contact(contacts, bytes, len);
}

/* Without its day: what is looked for in its bucket. */
static uint64_t contact_name(uint32_t account, uint64_t key)
{
	return (account & ACCOUNT_MASK) << (ACCOUNT_BIT - NAME_BIT) |
	       (key & RECIPIENT_MASK) << 1;
}

static uint64_t own_name(uint32_t account)
{
	return (account & ACCOUNT_MASK) << (ACCOUNT_BIT - NAME_BIT) | 1;
}

/* Where a name may stand: in either. */
struct choice {
	_Atomic uint64_t *bucket[2];
};

static struct choice contact_buckets(const struct ls_contacts *contacts,
				     uint64_t key)
{
	return (struct choice){ {
		contacts->bucket[(key >> 32) * contacts->buckets >> 32],
		contacts->bucket[(key & 0xffffffff) * contacts->buckets >> 32],
	} };
}

static struct choice own_buckets(const struct ls_contacts *contacts,
				 uint32_t account)
{
	uint64_t other = account * UINT64_C(0x9e3779b97f4a7c15) >>
			 (64 - ACCOUNT_BITS);

	return (struct choice){ {
		contacts->bucket[(account & ACCOUNT_MASK) * contacts->buckets >>
				 ACCOUNT_BITS],
		contacts->bucket[other * contacts->buckets >> ACCOUNT_BITS],
	} };
}

/* ---- words ------------------------------------------------------------ */

static _Atomic uint64_t *find_contact(struct choice choice, uint64_t name)
{
	for (unsigned b = 0; b < 2; b++)
		for (unsigned i = 0; i < LS_CONTACT_WAYS; i++) {
			_Atomic uint64_t *word = &choice.bucket[b][i];

			if (NAME_OF(atomic_load_explicit(
				    word, memory_order_relaxed)) == name)
				return word;
		}
	return NULL;
}

static bool is_own(uint64_t word)
{
	return word >> OWN_BIT & 1;
}

static unsigned day_of(uint64_t word)
{
	return word & DAY_MASK;
}

/* Is its day still to come, by a clock that was set back? */
static bool is_to_come(uint64_t word, unsigned today)
{
	return ((today - day_of(word)) & DAY_MASK) > DAY_MASK / 2;
}

/* Days since; 0 of a day that is still to come. */
static unsigned contact_age(uint64_t word, unsigned today)
{
	return is_to_come(word, today) ? 0
				       : (today - day_of(word)) & DAY_MASK;
}

/* Nobody's, or a contact that is worth nothing any more. */
static bool is_free_word(uint64_t word, unsigned today)
{
	return word == 0 || (!is_own(word) &&
			     contact_age(word, today) >= LS_CONTACT_KEEP_DAYS);
}

/* Which of two words is to go: an account's own only when
 * there is nothing else, for with it goes all that its contacts are good for.
 */
static bool is_cheaper(uint64_t word, uint64_t than, unsigned today)
{
	if (word == 0 || than == 0)
		return than != 0;
	if (is_own(word) != is_own(than))
		return is_own(than);
	return contact_age(word, today) > contact_age(than, today);
}

/* What an evicted contact's account knows is not whole any more. */
static void learn_anew(const struct ls_contacts *contacts, uint64_t evicted,
		       unsigned today)
{
	uint32_t account = (uint32_t)(evicted >> ACCOUNT_BIT);
	_Atomic uint64_t *own =
		find_contact(own_buckets(contacts, account), own_name(account));
	uint64_t word;

	if (is_own(evicted) ||
	    contact_age(evicted, today) >= LS_CONTACT_KEEP_DAYS) {
		atomic_fetch_add_explicit(&contacts->header->idle, 1,
					  memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&contacts->header->lost, 1,
				  memory_order_relaxed);
	atomic_store_explicit(&contacts->header->lost_day, today,
			      memory_order_relaxed);
	if (own == NULL)
		return;
	word = atomic_load(own);
	if (NAME_OF(word) == own_name(account))
		atomic_compare_exchange_strong(
			own, &word, own_name(account) << NAME_BIT | today);
}

/* The word for a new name: in the bucket with more room, so that they fill alike,
 * and next to none is full before nearly all are. *word_r is what is in it. */
static _Atomic uint64_t *find_place(struct choice choice, unsigned today,
				    uint64_t *word_r)
{
	_Atomic uint64_t *at[2];
	unsigned room[2] = { 0, 0 }, to;
	uint64_t old[2];

	for (unsigned b = 0; b < 2; b++) {
		at[b] = &choice.bucket[b][0];
		old[b] = atomic_load(at[b]);
		room[b] = is_free_word(old[b], today);
		for (unsigned i = 1; i < LS_CONTACT_WAYS; i++) {
			uint64_t word = atomic_load(&choice.bucket[b][i]);

			room[b] += is_free_word(word, today);
			if (is_cheaper(word, old[b], today)) {
				at[b] = &choice.bucket[b][i];
				old[b] = word;
			}
		}
	}
	to = room[0] != room[1] ? room[1] > room[0]
				: is_cheaper(old[1], old[0], today);
	*word_r = old[to];
	return at[to];
}

enum { PUT_TRIES = 8 };

/* Have a name in one of its buckets; `renew` its day if it is there. A day to come
 * is set right, or nothing would be limited until then; and day 0, of a clock that
 * was not set yet. */
static void put_contact(const struct ls_contacts *contacts,
			struct choice choice, uint64_t name, unsigned today,
			bool renew)
{
	uint64_t mine = name << NAME_BIT | today;

	for (unsigned tries = 0; tries < PUT_TRIES; tries++) {
		_Atomic uint64_t *at = find_contact(choice, name);
		uint64_t old;

		if (at == NULL) {
			at = find_place(choice, today, &old);
		} else {
			old = atomic_load(at);
			if (old == mine || (!renew && NAME_OF(old) == name &&
					    !is_to_come(old, today) &&
					    day_of(old) != 0))
				return;
		}
		if (!atomic_compare_exchange_strong(at, &old, mine))
			continue;
		if (old != 0 && NAME_OF(old) != name)
			learn_anew(contacts, old, today);
		return;
	}
}

/* ---- what is asked ---------------------------------------------------- */

bool ls_contacts_know(const struct ls_contacts *contacts, uint32_t account,
		      uint64_t key)
{
	return find_contact(contact_buckets(contacts, key),
			    contact_name(account, key)) != NULL;
}

unsigned ls_contacts_since(const struct ls_contacts *contacts, uint32_t account)
{
	const _Atomic uint64_t *own =
		find_contact(own_buckets(contacts, account), own_name(account));

	return own != NULL ? day_of(atomic_load(own)) : 0;
}

bool ls_contacts_are_learnt(const struct ls_contacts *contacts,
			    uint32_t account, unsigned today)
{
	unsigned since = ls_contacts_since(contacts, account);

	return since != 0 && contact_age(since, today) >= LS_CONTACT_LEARN_DAYS;
}

void ls_contacts_add(const struct ls_contacts *contacts, uint32_t account,
		     uint64_t key, unsigned today)
{
	put_contact(contacts, contact_buckets(contacts, key),
		    contact_name(account, key), today, true);
}

void ls_contacts_begin(const struct ls_contacts *contacts, uint32_t account,
		       unsigned today)
{
	put_contact(contacts, own_buckets(contacts, account), own_name(account),
		    today, false);
}

uint64_t ls_contacts_count(const struct ls_contacts *contacts, uint32_t account)
{
	uint64_t count = 0;

	for (uint64_t b = 0; b < contacts->buckets; b++)
		for (unsigned i = 0; i < LS_CONTACT_WAYS; i++) {
			uint64_t word = atomic_load_explicit(
				&contacts->bucket[b][i], memory_order_relaxed);

			count +=
				word != 0 && !is_own(word) &&
				word >> ACCOUNT_BIT == (account & ACCOUNT_MASK);
		}
	return count;
}

uint64_t ls_contacts_used(const struct ls_contacts *contacts, uint64_t *room_r)
{
	uint64_t used = 0;

	for (uint64_t b = 0; b < contacts->buckets; b++)
		for (unsigned i = 0; i < LS_CONTACT_WAYS; i++)
			used += atomic_load_explicit(&contacts->bucket[b][i],
						     memory_order_relaxed) != 0;
	*room_r = contacts->buckets * LS_CONTACT_WAYS;
	return used;
}
