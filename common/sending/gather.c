/* gather.c - the recipients of the message in progress; see lockstep.h */
#include "lockstep-config.h"

#include "sending/message.h"
#include "state/state.h"

#include <ctype.h>
#include <string.h>

uint64_t ls_message_instance(const struct ls_state *state, const char *instance)
{
	return ls_key_text(state->guard.hash_key, 'i',
			   instance != NULL ? instance : "");
}

/* Of a file of contacts, not 0. */
static uint64_t book_of(const struct ls_state *state)
{
	uint64_t book = 0;

	if (state->contacts.header != NULL)
		memcpy(&book, state->contacts.hash_key, sizeof(book));
	return book;
}

bool ls_message_is_known(const struct ls_state *state,
			 const struct ls_message *message)
{
	const struct ls_gathered *gathered = message->gathered;

	return gathered != NULL && gathered->count > 0 &&
	       gathered->count <= LS_GATHERED_MAX &&
	       gathered->instance ==
		       ls_message_instance(state, message->instance);
}

bool ls_message_has_contacts(const struct ls_state *state,
			     const struct ls_message *message)
{
	return ls_message_is_known(state, message) &&
	       message->gathered->book != 0 &&
	       message->gathered->book == book_of(state);
}

uint64_t ls_message_missing(const struct ls_state *state,
			    const struct ls_message *message)
{
	uint64_t asked = ls_message_is_known(state, message)
				 ? message->gathered->asked
				 : 0;

	return message->partial && message->recipients > asked
		       ? message->recipients - asked
		       : 0;
}

static bool has(const struct ls_gathered *gathered, uint64_t recipient)
{
	for (unsigned i = 0; i < gathered->count; i++)
		if (gathered->recipient[i] == recipient)
			return true;
	return false;
}

/* Is the domain, in lower case, in the list? */
static bool has_domain(const char *domains, const char *domain, size_t len)
{
	while (*domains != '\0') {
		size_t one = strcspn(domains, " ");

		if (one == len && memcmp(domains, domain, len) == 0)
			return true;
		domains += one;
		domains += *domains == ' ';
	}
	return false;
}

/* Note the domain, if there is room; of a name without one, nothing. What is no
 * visible ASCII becomes a question mark: people will read it. */
static void note_domain(struct ls_gathered *gathered, const char *recipient)
{
	const char *at = strrchr(recipient, '@');
	size_t used = strnlen(gathered->domains, LS_DOMAINS_MAX), len;
	char domain[LS_DOMAINS_MAX];

	len = at == NULL ? 0 : strlen(at + 1);
	if (len == 0 || len + (used > 0) > LS_DOMAINS_MAX - used)
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)at[1 + i];

		domain[i] =
			byte > ' ' && byte < 127 ? (char)tolower(byte) : '?';
	}
	gathered->domains[used] = '\0';
	if (has_domain(gathered->domains, domain, len))
		return;
	if (used > 0)
		gathered->domains[used++] = ' ';
	memcpy(gathered->domains + used, domain, len);
	gathered->domains[used + len] = '\0';
}

static void begin_gathering(const struct ls_state *state,
			    struct ls_gathered *gathered, uint64_t instance)
{
	gathered->instance = instance;
	gathered->book = book_of(state);
	gathered->set = 0;
	gathered->asked = gathered->last = 0;
	gathered->count = 0;
	gathered->domains[0] = '\0';
}

void ls_gather(const struct ls_state *state, struct ls_gathered *gathered,
	       const char *instance, const char *user, const char *recipient)
{
	uint64_t of, key;

	if (state->guard.header == NULL || user == NULL || *user == '\0' ||
	    recipient == NULL)
		return;
	of = ls_message_instance(state, instance);
	if (gathered->instance != of || gathered->count > LS_GATHERED_MAX ||
	    gathered->book != book_of(state))
		begin_gathering(state, gathered, of);
	key = ls_key_text(state->guard.hash_key, 'r', recipient);
	gathered->asked += key != gathered->last;
	gathered->last = key;
	if (has(gathered, key))
		return;
	note_domain(gathered, recipient);
	gathered->set += key;
	if (gathered->count == LS_GATHERED_MAX)
		return;
	gathered->recipient[gathered->count] = key;
	gathered->contact[gathered->count++] =
		gathered->book != 0
			? ls_contacts_key(&state->contacts, user, recipient)
			: 0;
}

void ls_gather_alone(const struct ls_state *state, struct ls_gathered *gathered,
		     const char *instance, const char *user,
		     const char *recipient)
{
	if (state->guard.header == NULL)
		return;
	begin_gathering(state, gathered, ls_message_instance(state, instance));
	ls_gather(state, gathered, instance, user, recipient);
}

/* Nineteen to a doubling: each is larger than the one before by 3.7 %. Sizes of which
 * one is a tenth more or less than the other differ by less than three such steps,
 * 11.6 %, so their classes by three at most; sizes whose classes differ by three differ
 * by less than four, 15.7 %. Thirteen to a doubling and two neighbours would do for the
 * tenth, but let 17.3 % pass, to save two lookups of about a microsecond a message. */
static uint64_t class_of(uint64_t size)
{
	/* 2^(31 + k/19) */
	static const uint32_t roots[] = {
		2227273498, 2310027944, 2395857135, 2484875313, 2577200966,
		2672956983, 2772270818, 2875274664, 2982105622, 3092905888,
		3207822944, 3327009748, 3450624943, 3578833066, 3711804768,
		3849717039, 3992753447, 4141104379,
	};
	unsigned zeros, class = 0;
	uint32_t top;

	if (size == 0)
		return 0;
	zeros = (unsigned)__builtin_clzll(size);
	top = (uint32_t)(size << zeros >> 32);
	while (class < sizeof(roots) / sizeof(*roots) && top >= roots[class])
		class ++;
	return (63 - zeros) * 19 + class + 1;
}

/* Recipients that are not known are so many, and no more: two messages that are
 * alike otherwise are then one that comes again, and who sends nothing else is not
 * frozen. To tell them apart by `instance` or queue id would charge a client that
 * retries what was refused each time, and freeze it. */
uint64_t ls_message_key(const struct ls_state *state,
			const struct ls_message *message)
{
	const uint8_t *hash_key = state->guard.hash_key;
	uint64_t set = ls_message_is_known(state, message)
			       ? message->gathered->set
			       : 0;
	uint64_t to =
		ls_key_pair(hash_key, LS_KIND_ONCE, set, message->recipients);
	uint64_t from = ls_key_text(
		hash_key, 'm', message->sender != NULL ? message->sender : "");

	return ls_key_pair(hash_key, LS_KIND_ONCE, from, to) +
	       class_of(message->size);
}

bool ls_message_is_own(const struct ls_message *message)
{
	const char *sender = message->sender, *user = message->user;
	size_t local, name = strcspn(user, "@"), plus;

	if (sender == NULL || *sender == '\0')
		return true;
	local = strcspn(sender, "@");
	plus = strcspn(sender, "+");
	/* joe+lists@example.com is joe's, and joe+lists's own */
	if ((local != name && (plus == 0 || plus != name)) ||
	    strncasecmp(sender, user, name) != 0)
		return false;
	/* An account without a domain has any. */
	return user[name] == '\0' ||
	       strcasecmp(sender + strcspn(sender, "@"), user + name) == 0;
}
