/* senders.c - what accounts send, and addresses that relay, for people to read; see
 * explain.h */
#include "lockstep-config.h"

#include "admin/levels.h"
#include "base/text.h"
#include "explain.h"
#include "login/visit.h"
#include "sending/sending.h"

#include <string.h>

/* What is known of an account whose SENDING was found, or of one that is asked
 * for. */
struct account {
	uint64_t key;
	struct ls_subject name; /* kind NONE: not known */
	bool probation, frozen;
	const struct ls_policy *policy;
	struct ls_policy own;
};

static void look_at_account(struct ls_state *state, uint64_t now,
			    struct account *account)
{
	struct ls_lock_word freeze;
	struct ls_ref ref;

	account->policy = ls_policy_file_lookup(
		state->policy,
		account->name.kind == LS_KIND_USER ? account->name.user : NULL,
		NULL, &account->own);
	account->probation = account->frozen = false;
	if (ls_table_find(&state->guard.subjects, account->key, LS_KIND_USER,
			  &ref) < 0)
		return;
	freeze = ls_lock_unpack(ls_slot_get(&ref, LS_WORD_FREEZE));
	account->frozen = ls_lock_active(&freeze, now);
	account->probation = ls_slot_get(&ref, LS_WORD_PROBATION) > now;
}

/* ---- one of them ------------------------------------------------------- */

static void look_at_contacts(const struct ls_state *state, const char *user,
			     uint64_t real_ms, struct ls_sending *sending)
{
	const struct ls_contacts *contacts = &state->contacts;
	unsigned today = ls_contacts_day(real_ms);
	uint32_t account;

	sending->contacts = contacts->header != NULL;
	if (!sending->contacts)
		return;
	account = ls_contacts_account(contacts, user);
	sending->since_real_ms =
		UINT64_C(86400000) * ls_contacts_since(contacts, account);
	sending->learnt = ls_contacts_are_learnt(contacts, account, today);
	sending->known = ls_contacts_count(contacts, account);
}

int ls_explain_sending(struct ls_state *state, const char *user,
		       uint64_t now_ms, uint64_t real_ms,
		       struct ls_sending *sending_r)
{
	static const struct ls_addr nowhere;
	uint64_t now = ls_map_now(&state->guard, now_ms);
	struct ls_level level[LS_LEVELS_MAX];
	char copy[LS_USER_MAX + 1];
	struct account account;
	struct ls_visit visit;
	struct ls_ref ref;

	memset(sending_r, 0, sizeof(*sending_r));
	if (state->guard.header == NULL)
		return LS_EACCES;
	ls_user_copy(copy, user);
	ls_visit_init(&visit, state, copy, &nowhere, NULL, now);
	account.key = visit.key[LS_KIND_USER];
	ls_visit_subject(&visit, LS_KIND_USER, &account.name);
	look_at_account(state, now, &account);
	sending_r->probation = account.probation;
	sending_r->found = ls_table_find(&state->guard.subjects,
					 ls_sending_key(state->guard.hash_key,
							account.key),
					 LS_KIND_SENDING, &ref) == 0;
	sending_r->levels = ls_levels_of_sending(
		account.policy, account.probation,
		sending_r->found ? &ref : NULL, now, level, 0);
	for (unsigned i = 0; i < sending_r->levels; i++) {
		sending_r->level[i] = level[i];
		sending_r->level[i].observed =
			account.policy->mode == LS_MODE_OBSERVE ||
			account.policy->sending.mode == LS_RULE_OBSERVE;
	}
	look_at_contacts(state, account.name.user, real_ms, sending_r);
	return 0;
}
_Static_assert((int)LS_SENDING_LEVELS == (int)LS_SENDING_TOLD, "all of them");

int ls_explain_relaying(struct ls_state *state, const struct ls_addr *ip,
			uint64_t now_ms, struct ls_relaying *relaying_r)
{
	const struct ls_map *map = &state->guard;
	struct ls_level level[LS_LEVELS_MAX];
	struct ls_visit visit;
	struct ls_ref ref;
	bool found;

	memset(relaying_r, 0, sizeof(*relaying_r));
	if (map->header == NULL)
		return LS_EACCES;
	ls_visit_init(&visit, state, NULL, ip, NULL, ls_map_now(map, now_ms));
	found = ls_table_find(&map->subjects,
			      ls_relay_key(map->hash_key,
					   visit.key[LS_KIND_IP]),
			      LS_KIND_RELAY, &ref) == 0;
	relaying_r->exempt = ls_visit_is_trusted(&visit);
	relaying_r->levels = ls_levels_of_relay(
		visit.policy, found ? &ref : NULL, visit.now, level, 0);
	for (unsigned i = 0; i < relaying_r->levels; i++) {
		relaying_r->level[i] = level[i];
		relaying_r->level[i].observed =
			visit.policy->mode == LS_MODE_OBSERVE ||
			visit.policy->relay.mode == LS_RULE_OBSERVE;
	}
	return 0;
}

/* ---- all of them ------------------------------------------------------- */

/* Returns false when all meters are empty. */
static bool read_sender(const struct ls_level *level, unsigned count,
			struct ls_sender *sender)
{
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		uint64_t units = level[i].units;
		unsigned percent = (unsigned)(units * 100 / level[i].limit);

		any = any || units > 0;
		if (!level[i].attempted && percent > sender->percent)
			sender->percent = percent;
		if (level[i].reason == LS_REASON_NEW_RECIPIENTS)
			sender->new_recipients = units;
		else if (level[i].reason == LS_REASON_MESSAGES)
			*(level[i].attempted ? &sender->tried_messages
					     : &sender->messages) = units;
		else if (level[i].reason == LS_REASON_RECIPIENTS)
			*(level[i].attempted ? &sender->tried_recipients
					     : &sender->recipients) = units;
	}
	return any;
}

int ls_sender_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		   struct ls_sender *sender_r)
{
	const struct ls_map *map = &state->guard;
	uint64_t now = ls_map_now(map, now_ms);
	struct ls_level level[LS_LEVELS_MAX];
	struct account account;
	enum ls_kind kind;
	struct ls_ref ref;
	unsigned count;

	while (map->header != NULL &&
	       ls_table_next(&map->subjects, cursor, &kind, &ref)) {
		if (kind != LS_KIND_SENDING)
			continue;
		account.key = ls_sending_account(&ref);
		if (!ls_label_get(&map->labels, map->hash_key, account.key,
				  LS_KIND_USER, &account.name))
			account.name.kind = LS_KIND_NONE;
		look_at_account(state, now, &account);
		count = ls_levels_of_sending(account.policy, account.probation,
					     &ref, now, level, 0);
		memset(sender_r, 0, sizeof(*sender_r));
		if (!read_sender(level, count, sender_r))
			continue;
		if (account.name.kind == LS_KIND_USER)
			ls_copy(sender_r->user, sizeof(sender_r->user),
				account.name.user);
		sender_r->frozen = account.frozen;
		return 1;
	}
	return 0;
}

void ls_contacts_status(struct ls_state *state,
			struct ls_contacts_status *status_r)
{
	const struct ls_contacts *contacts = &state->contacts;

	const struct ls_policy *policy = ls_policy_file_policy(state->policy);

	memset(status_r, 0, sizeof(*status_r));
	status_r->given = ls_contacts_are_given(
		state->policy_dirfd, policy->group, policy->readers);
	if (contacts->header == NULL)
		return;
	status_r->open = true;
	status_r->used = ls_contacts_used(contacts, &status_r->room);
	status_r->idle = atomic_load(&contacts->header->idle);
	status_r->lost = atomic_load(&contacts->header->lost);
	status_r->lost_real_ms =
		UINT64_C(86400000) *
		(atomic_load(&contacts->header->lost_day) & 0xffff);
}
