/* test_flight.c - limits are exact whatever is in flight: random attempts from
 * a few addresses at a few accounts, settled in any order and any way */
#include "lockstep-config.h"

#include "harness.h"
#include "world.h"

enum {
	NETS = 3,
	IPS = 6, /* two in each net */
	USERS = 5,
	PASSWORDS = 7,
	FLIGHTS = 24,
	STEPS = 600,
	SEEDS = 60,
};

/* What the passdb has verified and found wrong. */
struct tally {
	unsigned ip[IPS], net[NETS], user[USERS];
	bool pair_of_ip[IPS][USERS], pair_of_guess[PASSWORDS][USERS];
};

struct flight {
	bool open;
	unsigned ip, user, password;
	struct ls_ticket ticket;
};

static const struct {
	const char *section, *field, *limit;
	unsigned units;
} limits[] = {
	{ "ip", "failures", "6/1h, 0", 6 },
	{ "net", "failures", "9/1h, 0", 9 },
	{ "user", "failures", "8/1h, 0", 8 },
	{ "ip", "accounts", "3/1h, 0", 3 },
	{ "guess", "accounts", "3/1h", 3 },
	{ "net", "accounts", "0", 0 },
	{ "place", "failures", "0", 0 },
	{ "user", "places", "0", 0 },
};
enum { OF_IP, OF_NET, OF_USER, OF_IP_ACCOUNTS, OF_GUESS };

static struct world world;
static struct flight flight[FLIGHTS];
static struct tally tally;
static unsigned waited, denied;

static void open_world(void)
{
	world_init(&world);
	for (size_t i = 0; i < COUNT(limits); i++)
		world_set(&world, limits[i].section, limits[i].field,
			  limits[i].limit);
	world_open(&world, LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
	memset(flight, 0, sizeof(flight));
	memset(&tally, 0, sizeof(tally));
}

/* What an attempt waits for is held by one that has not settled yet. */
static void check_is_held(uint64_t key)
{
	bool held = false;

	for (unsigned i = 0; i < FLIGHTS; i++) {
		uint64_t keys[LS_KIND_COUNT];
		unsigned count = ls_ticket_holds(&flight[i].ticket, keys);

		for (unsigned j = 0; flight[i].open && j < count; j++)
			held |= keys[j] == key;
	}
	check("held", held, true);
}

static void begin(struct flight *to, uint64_t random)
{
	char ip[32], user[32], password[32];
	struct ls_attempt attempt = { .service = "imap",
				      .mech = "PLAIN",
				      .secured = true,
				      .user = user,
				      .password = password };
	struct ls_decision decision;

	to->ip = (unsigned)(random % IPS);
	to->user = (unsigned)(random >> 8) % USERS;
	to->password = (unsigned)(random >> 16) % PASSWORDS;
	snprintf(ip, sizeof(ip), "192.0.%u.%u", to->ip % NETS, to->ip);
	snprintf(user, sizeof(user), "user%u", to->user);
	snprintf(password, sizeof(password), "password%u", to->password);
	attempt.ip = world_addr(ip);
	ls_admit(world.state, &attempt, world.now_ms, &decision, &to->ticket);
	to->open = to->ticket.open;
	waited += decision.verdict == LS_WAIT;
	if (decision.verdict == LS_WAIT)
		check_is_held(decision.key);
	denied += decision.verdict == LS_DENY;
}

static void land(struct flight *from, uint64_t random)
{
	static const enum ls_outcome outcomes[] = {
		LS_OUTCOME_WRONG,    LS_OUTCOME_WRONG,     LS_OUTCOME_WRONG,
		LS_OUTCOME_INTERNAL, LS_OUTCOME_ABANDONED, LS_OUTCOME_DENIED,
	};
	enum ls_outcome outcome = outcomes[random % COUNT(outcomes)];

	ls_settle(world.state, &from->ticket, outcome, world.now_ms);
	from->open = false;
	if (outcome != LS_OUTCOME_WRONG || from->ticket.repeat)
		return;
	tally.ip[from->ip]++;
	tally.net[from->ip % NETS]++;
	tally.user[from->user]++;
	tally.pair_of_ip[from->ip][from->user] = true;
	tally.pair_of_guess[from->password][from->user] = true;
}

static unsigned pairs(const bool pair[USERS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < USERS; i++)
		count += pair[i];
	return count;
}

/* No more than N, and what has drained. */
static void check_limits(const char *row, uint64_t passed_ms)
{
	const uint64_t hour = WORLD_HOUR;

#define MOST(of) (limits[of].units + passed_ms * limits[of].units / hour)
	for (unsigned i = 0; i < IPS; i++) {
		check_within(row, tally.ip[i], 0, MOST(OF_IP));
		check_within(row, pairs(tally.pair_of_ip[i]), 0,
			     MOST(OF_IP_ACCOUNTS));
	}
	for (unsigned i = 0; i < NETS; i++)
		check_within(row, tally.net[i], 0, MOST(OF_NET));
	for (unsigned i = 0; i < USERS; i++)
		check_within(row, tally.user[i], 0, MOST(OF_USER));
	for (unsigned i = 0; i < PASSWORDS; i++)
		check_within(row, pairs(tally.pair_of_guess[i]), 0,
			     MOST(OF_GUESS));
#undef MOST
}

static void land_all(uint64_t *seed)
{
	for (unsigned i = 0; i < FLIGHTS; i++)
		if (flight[i].open)
			land(&flight[i], harness_random(seed));
}

/* Nothing is remembered of those who have landed. */
static void check_at_rest(const char *row)
{
	const struct ls_state *state = world.state;

	for (unsigned i = 0; i < FLIGHTS; i++)
		for (unsigned kind = 0; kind < LS_KIND_COUNT; kind++) {
			struct ls_flight left = ls_inflight_get(
				state->inflight, flight[i].ticket.key[kind]);

			check(row, left.failures, 0);
			check(row, ls_flight_accounts(&left), 0);
		}
}

static void run(unsigned number, uint64_t pause_ms)
{
	uint64_t seed = number * 1000 + pause_ms, start;
	char row[32];

	snprintf(row, sizeof(row), "seed %u", number);
	open_world();
	start = world.now_ms;
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t random = harness_random(&seed);
		struct flight *one = &flight[random % FLIGHTS];

		if (one->open)
			land(one, random >> 32);
		else
			begin(one, random >> 16);
		if (pause_ms > 0)
			world_pass(&world, (random >> 8) % pause_ms);
		check_limits(row, world.now_ms - start);
	}
	land_all(&seed);
	check_limits(row, world.now_ms - start);
	check_at_rest(row);
	world_fini(&world);
}

static void test_no_time(void **state)
{
	(void)state;
	waited = denied = 0;
	for (unsigned i = 1; i <= SEEDS; i++)
		run(i, 0);
	/* It was tried. */
	check_within("waited", waited, SEEDS, UINT64_MAX);
	check_within("denied", denied, SEEDS * 100, UINT64_MAX);
}

static void test_over_time(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= SEEDS; i++)
		run(i, 20 * WORLD_SECOND);
}

/* Whoever waits is told the truth in the end: after the last has landed nobody
 * waits. */
static void test_nobody_waits_for_nobody(void **state)
{
	uint64_t seed = 77;

	(void)state;
	open_world();
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < FLIGHTS; i++)
			begin(&flight[i], harness_random(&seed));
		land_all(&seed);
		waited = 0;
		begin(&flight[0], harness_random(&seed));
		check("waits", waited, 0);
		if (flight[0].open)
			land(&flight[0], harness_random(&seed));
		world_pass(&world, WORLD_MINUTE);
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_over_time),
		cmocka_unit_test(test_nobody_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
