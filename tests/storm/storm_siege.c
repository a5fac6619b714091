/* storm_siege.c - hours of guesses from one IPv6 /32, and honest people in between
 *
 * The default policy and a default map, with 20,000 familiar places in it. An attacker
 * who has an IPv6 /32, so that each guess can come from a network of its own, guesses
 * 100 times a second for hours, in the way that fills the table with locks or charged
 * meters fastest; simulated time, one process. Meanwhile
 *
 *   besieged   accounts are guessed at once in three minutes, all the time
 *   surprised  accounts that nobody guessed at before get 40 guesses in ten minutes
 *   newcomers  log in with the right password from a place that is new
 *
 * the last two in the ten minutes before each mark. What must hold at each mark: at
 * most 5 % of the accounts had more guesses of strangers verified than their limits
 * allow (N + t * N/period, of either limit), at least 99 % of the new places became
 * familiar, and all that were familiar still are.
 *
 * At full size (LOCKSTEP_FULL=1) all that, and the way that brings most accounts over
 * their limits for a whole day; else a 16th of it: of the table, the
 * guesses, the networks and the people, so that buckets are as full. `storm_siege 4`
 * plays one way alone. */
#include "lockstep-config.h"

#include "storm.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	SURPRISED = 800, BESIEGED = 800, NEWCOMERS = 1600, /* at full size, as */
	PLACES = 20000,    /* the next ones */
	GUESSES = 40,      /* at each of the surprised */
	EVERY_S = 180,     /* at each of the besieged */
	WINDOW_S = 600,    /* before each mark */
	ACCOUNTS = 10000,  /* that there are, for guesses at real ones */
	NETWORKS = 65536,  /* of 48 bits in the /32 */
	PER_SECOND = 100,
};

/* 6.7 and 8.9 hours, and a day. */
static const unsigned marks_s[] = { 24120, 32040, 86400 };
enum { LATER_S = 6 * 3600 };

/* How to fill the table. */
struct way {
	const char *name;
	unsigned per_password; /* names that one password is tried on */
	unsigned per_name;     /* guesses at one name */
	unsigned per_address;  /* guesses from one address */
	unsigned later;        /* the same after six hours; 0: as before */
	bool real;             /* at accounts that there are */
	bool told;             /* the passdb tells an unknown user */
	bool day;              /* to the last mark, at full size */
};
static const struct way ways[] = {
	{ "a password for ten invented names", 10, 1, 1, 0, false, false,
	  true },
	{ "the same, and the passdb tells", 10, 1, 1, 0, false, true, false },
	{ "a password for ten accounts", 10, 1, 1, 0, true, false, false },
	{ "all different, invented names", 1, 1, 1, 0, false, false, false },
	{ "20 guesses at each invented name", 1, 20, 1, 0, false, false, false },
	{ "so for six hours, then one at each", 1, 20, 1, 1, false, false, false },
	{ "20 at each, and the passdb tells", 1, 20, 1, 0, false, true, false },
	{ "8 invented names from each address", 1, 1, 8, 0, false, false, false },
};

struct victim {
	unsigned verified, first_s;
};
static struct {
	unsigned scale;
	uint64_t flood;   /* guesses so far */
	uint64_t guesses; /* the others', each a password of its own */
	uint64_t seed;
	struct victim *victim; /* besieged, then each mark's surprised */
	unsigned verified; /* of the flood */
	unsigned places;   /* familiar before it */
} siege;

static unsigned scaled(unsigned full)
{
	return full / siege.scale > 0 ? full / siege.scale : 1;
}

static unsigned marks_of(const struct way *way)
{
	unsigned all = (unsigned)COUNT(marks_s);

	return way->day && siege.scale == 1 ? all : all - 1;
}

static unsigned victims(void)
{
	return scaled(BESIEGED) + (unsigned)COUNT(marks_s) * scaled(SURPRISED);
}

/* One of the /64s of a network of 48 bits. */
static struct ls_addr address(uint64_t network, uint64_t host)
{
	struct ls_addr addr = { { 0x20, 0x01, 0x0d, 0xb8 } };

	for (unsigned i = 0; i < 2; i++) {
		addr.octet[4 + i] = (uint8_t)(network >> (8 - 8 * i));
		addr.octet[6 + i] = (uint8_t)(host >> (8 - 8 * i));
	}
	return addr;
}

/* Returns whether it was verified. */
static bool attempt(const char *user, const struct ls_addr *ip,
		    const char *password, enum ls_outcome outcome)
{
	const struct ls_attempt asked = {
		.service = "imap",
		.mech = "PLAIN",
		.user = user,
		.ip = *ip,
		.secured = true,
		.password = password,
	};
	struct ls_decision decision;
	struct ls_ticket ticket;

	ls_admit(storm_world.state, &asked, storm_world.now_ms, &decision,
		 &ticket);
	if (decision.verdict == LS_ADMIT)
		ls_settle(storm_world.state, &ticket, outcome,
			  storm_world.now_ms);
	return decision.verdict == LS_ADMIT;
}

static void flood_once(const struct way *way, bool later)
{
	unsigned per_name = later && way->later > 0 ? way->later
						    : way->per_name;
	uint64_t n = siege.flood++, name = n / per_name;
	uint64_t at = n / way->per_address;
	struct ls_addr ip = address(at % scaled(NETWORKS),
				    at / scaled(NETWORKS));
	char user[48], password[48];

	if (way->real)
		snprintf(user, sizeof(user), "account%" PRIu64 "@example.com",
			 harness_random(&siege.seed) % scaled(ACCOUNTS));
	else
		snprintf(user, sizeof(user), "nobody%u-%" PRIu64 "@example.com",
			 per_name, name);
	snprintf(password, sizeof(password), "flood%" PRIu64,
		 n / way->per_password);
	if (attempt(user, &ip, password,
		    way->told && !way->real ? LS_OUTCOME_UNKNOWN
					    : LS_OUTCOME_WRONG))
		siege.verified++;
}

/* Each guess at a victim comes from an address of its own, too. */
static void guess_at(unsigned number, unsigned second)
{
	struct victim *victim = &siege.victim[number];
	uint64_t dice = harness_random(&siege.seed);
	struct ls_addr ip = address(dice % scaled(NETWORKS), dice >> 32);
	char user[48], password[48];

	snprintf(user, sizeof(user), "victim%u@example.com", number);
	snprintf(password, sizeof(password), "guess%" PRIu64, siege.guesses++);
	if (!attempt(user, &ip, password, LS_OUTCOME_WRONG))
		return;
	if (victim->verified++ == 0)
		victim->first_s = second;
}

static bool is_over(const struct victim *victim, unsigned second)
{
	double t_s = second - victim->first_s;

	return victim->verified > 20 + t_s * 20 / 3600 ||
	       victim->verified > 100 + t_s * 100 / (7 * 86400);
}

static unsigned count_over(unsigned first, unsigned count, unsigned second)
{
	unsigned over = 0;

	for (unsigned i = first; i < first + count; i++)
		over += is_over(&siege.victim[i], second);
	return over;
}

/* Returns whether the place is familiar. */
static bool arrive(unsigned number, unsigned mark)
{
	char user[48], ip[48], net[48];
	struct ls_addr addr;

	snprintf(user, sizeof(user), "new%u-%u@example.com", mark, number);
	snprintf(ip, sizeof(ip), "10.%u.%u.9", 16 * mark + number / 256,
		 number % 256);
	snprintf(net, sizeof(net), "10.%u.%u.0/24", 16 * mark + number / 256,
		 number % 256);
	addr = world_addr(ip);
	attempt(user, &addr, "right", LS_OUTCOME_SUCCESS);
	return world_word(&storm_world, LS_KIND_PLACE, user, net,
			  LS_WORD_FAMILIAR) > world_now(&storm_world);
}

/* Of `count` things spread over a window, those of one second of it. */
static unsigned due(uint64_t count, unsigned second, unsigned window_s)
{
	return (unsigned)(count * (second + 1) / window_s -
			  count * second / window_s);
}

/* Of the places that were familiar before it all began, those that still are. */
static unsigned count_at_home(bool first)
{
	unsigned familiar = 0;

	for (unsigned i = 0; i < scaled(PLACES); i++) {
		char user[48], ip[48], net[48];
		struct ls_addr addr;

		snprintf(user, sizeof(user), "at-home%u@example.com", i);
		snprintf(ip, sizeof(ip), "172.%u.%u.%u", i / 50000, i / 250 % 200,
			 1 + i % 250);
		snprintf(net, sizeof(net), "172.%u.%u.0/24", i / 50000,
			 i / 250 % 200);
		addr = world_addr(ip);
		if (first)
			attempt(user, &addr, "right", LS_OUTCOME_SUCCESS);
		familiar += world_word(&storm_world, LS_KIND_PLACE, user, net,
				       LS_WORD_FAMILIAR) >
			    world_now(&storm_world);
	}
	return familiar;
}

static void tell(const struct way *way, unsigned mark, unsigned familiar)
{
	unsigned besieged = scaled(BESIEGED), surprised = scaled(SURPRISED);
	unsigned over[2] = { count_over(0, besieged, marks_s[mark]),
			     count_over(besieged + mark * surprised, surprised,
					marks_s[mark]) };
	struct ls_status status;

	ls_status(storm_world.state, storm_world.now_ms, &status);
	printf("storm_siege: %-35s %4.1f h: over %5.1f %% besieged, %5.1f %% "
	       "surprised; familiar %5.1f %%; %" PRIu64 " locks, %u verified, "
	       "%" PRIu64 " without a slot\n",
	       way->name, marks_s[mark] / 3600.0, 100.0 * over[0] / besieged,
	       100.0 * over[1] / surprised,
	       100.0 * familiar / scaled(NEWCOMERS), status.locks,
	       siege.verified, status.crowding.slotless);
	storm_check(20 * over[0] <= besieged && 20 * over[1] <= surprised,
		    "%s: more than 5 %% are over their limits", way->name);
	storm_check(100 * familiar >= 99 * scaled(NEWCOMERS),
		    "%s: %u of %u new places are familiar", way->name, familiar,
		    scaled(NEWCOMERS));
	storm_check(count_at_home(false) == siege.places,
		    "%s: %u of %u places are familiar still", way->name,
		    count_at_home(false), siege.places);
}

static void run(const struct way *way)
{
	unsigned besieged = scaled(BESIEGED), surprised = scaled(SURPRISED);
	unsigned mark = 0, at = 0, familiar = 0, come = 0;

	siege.flood = siege.verified = 0;
	siege.seed = 20;
	memset(siege.victim, 0, victims() * sizeof(*siege.victim));
	siege.places = count_at_home(true);
	for (unsigned s = 0; mark < marks_of(way); s++) {
		unsigned begin = marks_s[mark] - WINDOW_S;

		for (unsigned i = 0; i < due(PER_SECOND * 86400 / siege.scale, s,
					     86400);
		     i++)
			flood_once(way, s >= LATER_S);
		for (unsigned i = s % EVERY_S; i < besieged; i += EVERY_S)
			guess_at(i, s);
		for (unsigned i = 0;
		     s >= begin && i < due(surprised * GUESSES, s - begin,
					   WINDOW_S);
		     i++)
			guess_at(besieged + mark * surprised +
					 at++ % surprised,
				 s);
		for (unsigned i = 0;
		     s >= begin &&
		     i < due(scaled(NEWCOMERS), s - begin, WINDOW_S);
		     i++)
			familiar += arrive(come++, mark);
		world_pass(&storm_world, 1000);
		if (s + 1 < marks_s[mark])
			continue;
		tell(way, mark++, familiar);
		familiar = come = at = 0;
	}
}

int main(int argc, char **argv)
{
	unsigned only = argc > 1 ? (unsigned)atoi(argv[1]) : COUNT(ways);
	char subjects[24];

	siege.scale = (unsigned)storm_count(1, 16);
	siege.victim = calloc(victims(), sizeof(*siege.victim));
	storm_begin("storm_siege", (unsigned)storm_count(7200, 300));
	snprintf(subjects, sizeof(subjects), "%u", 262144 / siege.scale);
	for (unsigned i = 0; i < COUNT(ways); i++) {
		if (only < COUNT(ways) && i != only)
			continue;
		storm_another_world();
		world_set(&storm_world, NULL, "subjects", subjects);
		world_open(&storm_world,
			   LS_GUARD_WRITE | LS_CREATE | LS_LOGINS);
		/* So that each run is like the other. */
		world_fix_keys(&storm_world);
		memset(storm_world.state->secret.key, 0x5e,
		       sizeof(storm_world.state->secret.key));
		run(&ways[i]);
		storm_verify(ways[i].name);
	}
	return storm_end("%zu ways", only < COUNT(ways) ? 1 : COUNT(ways));
}
