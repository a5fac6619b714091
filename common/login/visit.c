/* visit.c - see visit.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "login/alias.h"
#include "login/visit.h"

enum { IP_BITS4 = 32, IP_BITS6 = 64 };

/* ---- the subjects ----------------------------------------------------- */

/* The prefix that an IP, or any other kind, is known by. No override has other
 * lengths than the whole policy. */
static struct ls_prefix prefix_of(const struct ls_visit *visit,
				  enum ls_kind kind)
{
	const struct ls_policy *policy =
		ls_policy_file_policy(visit->state->policy);

	return kind == LS_KIND_IP
		       ? ls_prefix_of(visit->ip, IP_BITS4, IP_BITS6)
		       : ls_prefix_of(visit->ip, (unsigned)policy->net.prefix4,
				      (unsigned)policy->net.prefix6);
}

/* The policy, which may be another for the account that an alias stands for. */
static void look_up_policy(struct ls_visit *visit)
{
	struct ls_state *state = visit->state;
	const char *user = visit->account.kind == LS_KIND_USER
				   ? visit->account.user
				   : visit->user;

	visit->policy = ls_policy_file_lookup(state->policy, user, visit->ip,
					      &visit->own);
	visit->meters = &state->meters;
	if (visit->master) {
		if (visit->policy != &visit->own)
			visit->own = *visit->policy;
		visit->own.user.logins = visit->own.user.master_logins;
		visit->policy = &visit->own;
	}
	if (visit->policy == &visit->own) {
		ls_meters_of(visit->policy, &visit->own_meters);
		visit->meters = &visit->own_meters;
	}
}

static void key_place(struct ls_visit *visit)
{
	if (visit->ip != NULL)
		visit->key[LS_KIND_PLACE] = ls_key_pair(visit->state->guard.hash_key,
						LS_KIND_PLACE,
						visit->key[LS_KIND_USER],
						visit->key[LS_KIND_NET]);
}

/* The account that an alias stands for takes the typed name's place. Its name is
 * known if its label is. */
static void become_account(struct ls_visit *visit, uint64_t account)
{
	const struct ls_map *map = &visit->state->guard;

	visit->aliased = true;
	visit->typed_key = visit->key[LS_KIND_USER];
	visit->key[LS_KIND_USER] = account;
	key_place(visit);
	if (!ls_label_get(&map->labels, map->hash_key, account, LS_KIND_USER,
			  &visit->account))
		visit->account.kind = LS_KIND_NONE;
}

static void key_address(struct ls_visit *visit)
{
	const uint8_t *hash_key = visit->state->guard.hash_key;
	uint64_t *key = visit->key;
	struct ls_prefix ip, net;

	if (visit->ip == NULL) {
		key[LS_KIND_IP] = key[LS_KIND_NET] = key[LS_KIND_PLACE] = 0;
		return;
	}
	ip = prefix_of(visit, LS_KIND_IP);
	net = prefix_of(visit, LS_KIND_NET);
	key[LS_KIND_IP] = ls_key_net(hash_key, LS_KIND_IP, &ip);
	key[LS_KIND_NET] = ls_key_net(hash_key, LS_KIND_NET, &net);
}

static void find_keys(struct ls_visit *visit, const char *password)
{
	const struct ls_state *state = visit->state;
	const struct ls_table *table = &state->guard.subjects;
	const uint8_t *hash_key = state->guard.hash_key;
	uint64_t *key = visit->key, account;

	key_address(visit);
	key[LS_KIND_GUESS] = 0;
	if (visit->user == NULL)
		return;
	key[LS_KIND_USER] = ls_key_user(hash_key, visit->user);
	key_place(visit);
	if (password != NULL && state->secret.known)
		key[LS_KIND_GUESS] = ls_secret_guess(&state->secret, password);
	/* Each search may be a cache miss: they are asked for all at once, before
	 * the first is needed. */
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++)
		ls_table_prefetch(table, key[kind]);
	if (ls_alias_find(state, key[LS_KIND_USER], visit->now, &account))
		become_account(visit, account);
}

static void find_slot(struct ls_visit *visit, enum ls_kind kind)
{
	visit->known[kind] = ls_visit_has(visit, kind) &&
			     ls_table_find(&visit->state->guard.subjects,
					   visit->key[kind], kind,
					   &visit->ref[kind]) == 0;
	if (visit->known[kind])
		ls_ref_prefetch(&visit->ref[kind]);
}

void ls_visit_widen(struct ls_visit *visit)
{
	static const enum ls_kind rest[] = { LS_KIND_IP, LS_KIND_NET,
					     LS_KIND_GUESS };

	for (unsigned i = 0; visit->narrow && i < 3; i++)
		find_slot(visit, rest[i]);
	visit->narrow = false;
}

static void find_slots(struct ls_visit *visit)
{
	const struct ls_ref *place = &visit->ref[LS_KIND_PLACE];

	visit->narrow = true;
	visit->known[LS_KIND_IP] = visit->known[LS_KIND_NET] =
		visit->known[LS_KIND_GUESS] = false;
	find_slot(visit, LS_KIND_USER);
	find_slot(visit, LS_KIND_PLACE);
	if (!visit->known[LS_KIND_PLACE] ||
	    ls_slot_get(place, LS_WORD_FAMILIAR) <= visit->now)
		ls_visit_widen(visit);
}

static void begin_visit(struct ls_visit *visit, struct ls_state *state,
			const char *user, const struct ls_addr *ip,
			uint64_t now)
{
	visit->state = state;
	visit->now = now;
	visit->user = user;
	visit->ip = ip;
	visit->aliased = visit->master = false;
	visit->home = LS_HOME_BLANK;
	visit->near = visit->over = visit->clean = false;
	visit->estranged = visit->part = false;
	visit->crowded = 0;
	visit->crowd_at = 0;
	visit->account.kind = LS_KIND_NONE;
	visit->local_key = 0;
	visit->marks = 0;
}

void ls_visit_init(struct ls_visit *visit, struct ls_state *state,
		   const char *user, const struct ls_addr *ip,
		   const char *password, uint64_t now)
{
	begin_visit(visit, state, user, ip, now);
	find_keys(visit, password);
	find_slots(visit);
	look_up_policy(visit);
	ls_visit_look_inside(visit);
}

void ls_visit_be_master(struct ls_visit *visit)
{
	visit->master = true;
	look_up_policy(visit);
	if (visit->part)
		ls_visit_divide(visit);
}

void ls_visit_resume(struct ls_visit *visit, struct ls_state *state,
		     const struct ls_ticket *ticket, uint64_t now)
{
	const struct ls_table *table = &state->guard.subjects;

	begin_visit(visit, state, ticket->user,
		    ticket->nowhere ? NULL : &ticket->ip, now);
	visit->master = ticket->master;
	if (ticket->aliased) {
		visit->key[LS_KIND_NET] = ticket->key[LS_KIND_NET];
		visit->key[LS_KIND_USER] =
			ls_key_user(state->guard.hash_key, ticket->user);
		become_account(visit, ticket->key[LS_KIND_USER]);
	}
	visit->narrow = ticket->familiar;
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		visit->key[kind] = ticket->key[kind];
		visit->known[kind] =
			(!visit->narrow || kind == LS_KIND_USER ||
			 kind == LS_KIND_PLACE) &&
			ls_visit_has(visit, (enum ls_kind)kind) &&
			ls_table_find_at(table, ticket->key[kind],
					 (enum ls_kind)kind, ticket->slot[kind],
					 &visit->ref[kind]) == 0;
	}
	look_up_policy(visit);
	visit->estranged = ticket->estranged;
	if (ticket->part)
		ls_visit_divide(visit);
}

void ls_visit_keep(const struct ls_visit *visit, struct ls_ticket *ticket)
{
	ticket->aliased = visit->aliased;
	ticket->at_home = visit->home == LS_HOME_OWN;
	ticket->estranged = visit->estranged;
	ticket->part = visit->part;
	for (unsigned kind = LS_KIND_IP; kind < LS_VISIT_KINDS; kind++) {
		ticket->key[kind] = visit->key[kind];
		ticket->slot[kind] =
			visit->known[kind] ? visit->ref[kind].index : 0;
	}
}

void ls_visit_rename(struct ls_visit *visit, const char *user)
{
	uint64_t account = ls_key_user(visit->state->guard.hash_key, user);
	const struct ls_subject named = { .kind = LS_KIND_USER };

	if (account == visit->key[LS_KIND_USER])
		return;
	if (visit->aliased)
		visit->key[LS_KIND_USER] = visit->typed_key;
	visit->aliased = false;
	visit->account.kind = LS_KIND_NONE;
	if (account != visit->key[LS_KIND_USER]) {
		become_account(visit, account);
		visit->account = named;
		ls_user_copy(visit->account.user, user);
	} else {
		key_place(visit);
	}
	find_slots(visit);
	look_up_policy(visit);
	if (visit->part)
		ls_visit_divide(visit);
}

void ls_visit_subject(const struct ls_visit *visit, enum ls_kind kind,
		      struct ls_subject *subject_r)
{
	const char *user = visit->account.kind == LS_KIND_USER
				   ? visit->account.user
				   : visit->user;

	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	if (kind == LS_KIND_IP || kind == LS_KIND_NET || kind == LS_KIND_PLACE)
		subject_r->net = prefix_of(visit, kind);
	if (kind == LS_KIND_USER || kind == LS_KIND_PLACE)
		ls_user_copy(subject_r->user, user);
}

static bool is_trusted(const struct ls_visit *visit, enum ls_kind kind)
{
	return visit->known[kind] &&
	       ls_slot_get(&visit->ref[kind], LS_WORD_TRUSTED) > visit->now;
}

bool ls_visit_is_trusted(const struct ls_visit *visit)
{
	return visit->ip == NULL || visit->policy->trusted != 0 ||
	       is_trusted(visit, LS_KIND_IP) ||
	       is_trusted(visit, LS_KIND_NET);
}
