/* attempts.c - see attempts.h */
#include "lockstep-config.h"

#include "logs/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- gathering -------------------------------------------------------- */

struct attempt *attempts_append(struct attempts *attempts, uint64_t at_ms)
{
	struct attempt *attempt;

	if (attempts->count == attempts->room) {
		attempts->room = attempts->room > 0 ? 2 * attempts->room : 4096;
		attempts->list = names_resize(attempts->list, attempts->room,
					   sizeof(*attempts->list));
	}
	attempt = &attempts->list[attempts->count++];
	memset(attempt, 0, sizeof(*attempt));
	attempt->at_ms = at_ms;
	attempt->count = 1;
	attempt->sure = true;
	attempt->secured = true;
	return attempt;
}

static uint32_t name_of_number(struct attempts *attempts,
			       struct dovelog_text text)
{
	char whole[LS_TYPED_MAX + 1], user[LS_USER_MAX + 1];

	if (text.len <= LS_USER_MAX)
		return names_add(&attempts->names, text.at, text.len);
	snprintf(whole, sizeof(whole), "%.*s", (int)text.len, text.at);
	ls_user_copy(user, whole);
	return names_add(&attempts->names, user, LS_USER_MAX);
}

void attempts_add(struct attempts *attempts,
		  const struct dovelog_record *record, uint64_t at_ms)
{
	struct attempt *attempt = attempts_append(attempts, at_ms), copy;
	enum { MOST = 10000 }; /* in one connection; in one line as well */

	attempt->sure = false;
	attempt->what = (uint8_t)record->what;
	attempt->outcome = (uint8_t)record->outcome;
	attempt->count = (uint16_t)(record->attempts < MOST ? record->attempts
							    : MOST);
	attempt->ip = record->ip;
	attempt->secured = record->secured;
	attempt->user = name_of_number(attempts, record->user);
	attempt->service = name_of_number(attempts, record->service);
	attempt->mech = name_of_number(attempts, record->mech);
	attempt->by = name_of_number(attempts, record->by);
	if (record->session.len > 0)
		attempt->session = names_hash(record->session.at,
					      record->session.len);
	copy = *attempt;
	for (unsigned n = 1; n < record->repeated && n < MOST; n++)
		*attempts_append(attempts, at_ms) = copy;
}

uint64_t attempts_total(const struct attempts *attempts)
{
	uint64_t total = 0;

	for (size_t i = 0; i < attempts->count; i++)
		total += attempts->list[i].count;
	return total;
}

void attempts_free(struct attempts *attempts)
{
	free(attempts->list);
	names_free(&attempts->names);
	memset(attempts, 0, sizeof(*attempts));
}

/* ---- the order -------------------------------------------------------- */

static bool is_sorted(const struct attempts *attempts)
{
	for (size_t i = 1; i < attempts->count; i++)
		if (attempts->list[i - 1].at_ms > attempts->list[i].at_ms)
			return false;
	return true;
}

/* Merge two sorted runs; equal times stay in the order they came in. */
static void merge_runs(const struct attempt *from, size_t low, size_t middle,
		       size_t high, struct attempt *to)
{
	size_t a = low, b = middle;

	for (size_t i = low; i < high; i++)
		to[i] = a < middle &&
					(b >= high ||
					 from[a].at_ms <= from[b].at_ms)
				? from[a++]
				: from[b++];
}

static size_t least_of_times(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void sort_attempts(struct attempts *attempts)
{
	size_t count = attempts->count;
	struct attempt *from, *to;

	if (is_sorted(attempts))
		return;
	from = attempts->list;
	to = names_resize(NULL, count, sizeof(*to));
	for (size_t run = 1; run < count; run *= 2) {
		struct attempt *swap = from;

		for (size_t low = 0; low < count; low += 2 * run)
			merge_runs(from, low, least_of_times(low + run, count),
				   least_of_times(low + 2 * run, count), to);
		from = to;
		to = swap;
	}
	free(to);
	attempts->list = from;
	attempts->room = count;
}

/* ---- what belongs together -------------------------------------------- */

enum {
	CHAIN_MS = 30000,      /* between passdbs that are asked in turn */
	SUCCESS_MS = 1999,     /* from a passdb's no to the next one's yes */
	MAIL_MS = 10000,       /* the same, until Postfix has a message */
	CLAIM_MS = 60000,      /* from a failure to Postfix's word on it */
	CHAIN = 4,             /* passdbs that are told apart */
};

/* What a session, or an address of Postfix's clients, did so far. */
struct talk {
	size_t last; /* its last attempt */
	uint64_t last_ms;
	uint32_t chain[CHAIN]; /* who spoke about it */
	uint8_t links;
	bool any;
	uint16_t counted;   /* attempts */
	uint16_t credit;    /* counted before their own lines came */
	uint16_t unclaimed; /* that Postfix has not spoken of */
};

struct merger {
	struct attempts *attempts;
	struct keymap map;
	struct talk *talks;
	size_t count, room;
};

static struct talk *find_attempt(const struct merger *merger, uint64_t key)
{
	const uint32_t *number = keymap_get(&merger->map, key);

	return number != NULL ? &merger->talks[*number] : NULL;
}

/* Good until the next call. */
static struct talk *reach(struct merger *merger, uint64_t key)
{
	uint32_t number = *keymap_put(&merger->map, key, UINT32_MAX);

	if (number == UINT32_MAX) {
		number = (uint32_t)merger->count;
		*keymap_get(&merger->map, key) = number;
		if (merger->count == merger->room) {
			merger->room = merger->room > 0 ? 2 * merger->room
							: 1024;
			merger->talks = names_resize(merger->talks, merger->room,
						  sizeof(*merger->talks));
		}
		memset(&merger->talks[merger->count++], 0,
		       sizeof(*merger->talks));
	}
	return &merger->talks[number];
}

/* Without a session: an account from an address; user 0: the address. */
static uint64_t attempt_key(const struct attempt *attempt, uint32_t user)
{
	struct {
		struct ls_addr ip;
		uint32_t user;
	} key = { attempt->ip, user };

	return names_hash(&key, sizeof(key));
}

static uint64_t talk_key(const struct attempt *attempt)
{
	return attempt->session != 0 ? attempt->session
				     : attempt_key(attempt, attempt->user);
}

static void drop(struct attempt *attempt)
{
	attempt->count = 0;
}

static bool is_link(const struct talk *talk, uint32_t by)
{
	for (unsigned i = 0; i < talk->links; i++)
		if (talk->chain[i] == by)
			return true;
	return talk->links == CHAIN;
}

/* Does this line go on about the attempt that the talk ended with? */
static bool goes_on(const struct merger *merger, const struct talk *talk,
		    const struct attempt *attempt)
{
	const struct attempt *last = &merger->attempts->list[talk->last];

	return talk->any && !is_link(talk, attempt->by) &&
	       attempt->at_ms - talk->last_ms <= CHAIN_MS &&
	       (last->user == attempt->user || attempt->session != 0);
}

static void merge_failed(struct merger *merger, size_t i)
{
	struct attempt *attempt = &merger->attempts->list[i];
	struct talk *talk = reach(merger, talk_key(attempt));
	struct talk *postfix;

	if (talk->credit > 0) {
		talk->credit--;
		drop(attempt);
		return;
	}
	if (goes_on(merger, talk, attempt)) {
		struct attempt *last = &merger->attempts->list[talk->last];

		talk->chain[talk->links++] = attempt->by;
		talk->last_ms = attempt->at_ms;
		if (attempt->outcome == LS_OUTCOME_WRONG)
			last->outcome = attempt->outcome;
		drop(attempt);
		return;
	}
	talk->any = true;
	talk->last = i;
	talk->last_ms = attempt->at_ms;
	talk->chain[0] = attempt->by;
	talk->links = 1;
	talk->counted++;
	if (attempt->session != 0)
		return;
	postfix = reach(merger, attempt_key(attempt, 0));
	if (postfix->credit > 0 &&
	    attempt->at_ms - postfix->last_ms <= CLAIM_MS) {
		postfix->credit--;
		drop(attempt);
		return;
	}
	postfix->unclaimed++;
	postfix->last = i;
	postfix->last_ms = attempt->at_ms;
}

/* A passdb said no, and the next one yes. */
static void merge_login(struct merger *merger, size_t i)
{
	struct attempt *attempt = &merger->attempts->list[i];
	bool mail = attempt->what == DOVELOG_SASL_LOGIN;
	struct talk *talk = find_attempt(merger, talk_key(attempt));
	struct talk *postfix =
		mail ? find_attempt(merger, attempt_key(attempt, 0)) : NULL;
	struct attempt *last;

	if (talk == NULL || !talk->any)
		return;
	last = &merger->attempts->list[talk->last];
	if (ls_outcome_is_wrong(last->outcome) && last->count > 0 &&
	    (!mail || (postfix != NULL && postfix->unclaimed > 0)) &&
	    attempt->at_ms - talk->last_ms <=
		    (uint64_t)(mail ? MAIL_MS : SUCCESS_MS)) {
		drop(last);
		talk->any = false;
		if (postfix != NULL)
			postfix->unclaimed--;
	}
	if (attempt->count > 1)
		attempt->count = (uint16_t)(attempt->count > talk->counted
						    ? attempt->count -
							      talk->counted
						    : 1);
}

static void merge_ended(struct merger *merger, size_t i)
{
	struct attempt *attempt = &merger->attempts->list[i];
	struct talk *talk;

	if (attempt->session == 0)
		return;
	talk = reach(merger, attempt->session);
	if (talk->any && merger->attempts->list[talk->last].service == 0)
		merger->attempts->list[talk->last].service = attempt->service;
	if (talk->counted >= attempt->count) {
		drop(attempt);
		return;
	}
	attempt->count = (uint16_t)(attempt->count - talk->counted);
	talk->credit = (uint16_t)(talk->credit + attempt->count);
	talk->counted = (uint16_t)(talk->counted + attempt->count);
}

static void merge_sasl_failed(struct merger *merger, size_t i)
{
	struct attempt *attempt = &merger->attempts->list[i];
	struct talk *talk = reach(merger, attempt_key(attempt, 0)), *claimed;

	if (talk->unclaimed > 0 &&
	    attempt->at_ms - talk->last_ms <= CLAIM_MS) {
		struct attempt *last = &merger->attempts->list[talk->last];

		talk->unclaimed--;
		last->service = attempt->service;
		/* No passdb goes on about what was answered. */
		claimed = find_attempt(merger, talk_key(last));
		if (claimed != NULL)
			claimed->any = false;
		drop(attempt);
		return;
	}
	talk->unclaimed = 0;
	talk->credit++;
	talk->last_ms = attempt->at_ms;
}

static void merge_one(struct merger *merger, size_t i)
{
	const struct attempt *attempt = &merger->attempts->list[i];

	if (attempt->sure)
		return;
	switch ((enum dovelog_what)attempt->what) {
	case DOVELOG_FAILED:
		merge_failed(merger, i);
		return;
	case DOVELOG_LOGIN:
	case DOVELOG_SASL_LOGIN:
		merge_login(merger, i);
		return;
	case DOVELOG_ENDED:
		merge_ended(merger, i);
		return;
	case DOVELOG_SASL_FAILED:
		merge_sasl_failed(merger, i);
		return;
	default:
		return;
	}
}

void attempts_merge(struct attempts *attempts)
{
	struct merger merger = { .attempts = attempts };
	size_t kept = 0;

	sort_attempts(attempts);
	for (size_t i = 0; i < attempts->count; i++)
		merge_one(&merger, i);
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->list[i].count > 0)
			attempts->list[kept++] = attempts->list[i];
	attempts->count = kept;
	keymap_free(&merger.map);
	free(merger.talks);
}
