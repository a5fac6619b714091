/* bench-policy.c - what a large policy takes: 100,000 accounts with an override
 * and 100,000 networks of every length, asked about at random, so that nothing
 * is in the cache but by chance. Half of what is asked for is not there. */
#include "lockstep-config.h"

#include "cli.h"
#include "policy/policy.h"
#include "verbs/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ENTRIES = 100000,
	ROUNDS = 7,
	LOOKUPS = 50000, /* in a round */
};

static const struct ls_field *field_of(const char *section, const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (field->section != NULL &&
		    strcmp(field->section, section) == 0 &&
		    strcmp(field->name, name) == 0)
			return field;
	}
	abort();
}

static void account_name(uint32_t i, char name_r[32])
{
	snprintf(name_r, 32, "user%" PRIu32 "@example.com", i);
}

/* One number to another, each to a different one: 32 bits well mixed. */
static uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * UINT32_C(0x7feb352d);
	x = (x ^ x >> 15) * UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/* Address number i: three of four in 10.0.0.0/8 and around, one in
 * 2001:db8::/32. */
static void addr_of(uint32_t i, struct ls_addr *addr_r)
{
	uint32_t bits = mix(i);

	memset(addr_r, 0, sizeof(*addr_r));
	if (i % 4 == 3) {
		memcpy(addr_r->octet, "\x20\x01\x0d\xb8", 4);
		memcpy(addr_r->octet + 4, &bits, 4);
		addr_r->octet[15] = 1;
		return;
	}
	addr_r->octet[10] = addr_r->octet[11] = 0xff;
	memcpy(addr_r->octet + 12, &bits, 4);
}

/* Every length from /12 and /36 on, most of them long: a wide one would hold
 * half of the addresses. */
static struct ls_prefix bench_net(uint32_t i)
{
	struct ls_addr addr;

	addr_of(i, &addr);
	return ls_prefix_of(&addr, i < 200 ? 12 + i / 4 % 8 : 20 + i % 13,
			    i < 200 ? 36 + i / 4 % 8 : 44 + i % 21);
}

static int by_net(const void *a_net, const void *b_net)
{
	const struct ls_prefix *a = a_net, *b = b_net;
	int order = memcmp(a->addr.octet, b->addr.octet, sizeof(a->addr.octet));

	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

/* Networks, each once: a policy has none twice. */
static void write_nets(struct ls_policy_writer *writer,
		       const struct ls_policy *policy)
{
	const struct ls_field *fields[] = { field_of("ip", "failures"), NULL };
	struct ls_prefix *nets = malloc(2 * ENTRIES * sizeof(*nets));
	uint32_t written = 0;

	if (nets == NULL)
		return;
	for (uint32_t i = 0; i < 2 * ENTRIES; i++)
		nets[i] = bench_net(i);
	qsort(nets, 2 * ENTRIES, sizeof(*nets), by_net);
	/* Every other one, until there are enough. */
	for (uint32_t i = 1; i < 2 * ENTRIES && written < ENTRIES; i += 2) {
		if (i > 2 && by_net(&nets[i], &nets[i - 2]) == 0)
			continue;
		ls_policy_writer_net(writer, &nets[i], policy, fields);
		written++;
	}
	free(nets);
}

static int write_bench_policy(const char *path, struct ls_error *error)
{
	const struct ls_field *fields[] = { field_of("user", "failures"),
					    field_of("place", "failures"),
					    NULL };
	struct ls_policy_writer *writer;
	struct ls_policy policy;
	char name[32];
	int ret = ls_policy_writer_init(path, &writer, error);

	if (ret < 0)
		return ret;
	ls_policy_presets(&policy);
	ls_policy_writer_policy(writer, &policy);
	policy.user.failures[LS_FAST].units = 7;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		account_name(2 * i, name);
		ls_policy_writer_user(writer, name, &policy, fields);
	}
	ls_policy_writer_domain(writer, "example.org", &policy, fields);
	write_nets(writer, &policy);
	return ls_policy_writer_commit(&writer, 1, error);
}

struct question {
	char name[32];
	struct ls_addr ip;
};

/* ns for one lookup, by account or by address. */
static double time_lookups(const struct ls_policy_file *file, bool by_user,
			   struct question *drawn)
{
	double round[ROUNDS];
	uint64_t sum = 0;

	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t began;

		for (unsigned i = 0; i < LOOKUPS; i++) {
			uint32_t who = (uint32_t)random();

			account_name(who % (2 * ENTRIES), drawn[i].name);
			addr_of(who % (2 * ENTRIES), &drawn[i].ip);
		}
		began = bench_ns();
		for (unsigned i = 0; i < LOOKUPS; i++) {
			struct ls_policy own;
			const struct ls_policy *policy = ls_policy_file_lookup(
				file, by_user ? drawn[i].name : NULL,
				by_user ? NULL : &drawn[i].ip, &own);

			sum += policy->user.failures[LS_FAST].units;
		}
		round[r] = (double)(bench_ns() - began) / (double)LOOKUPS;
	}
	return sum == 0 ? 0 : bench_median(round, ROUNDS);
}

static int time_open(const char *path, struct ls_error *error)
{
	enum { TIMES = 3 };
	struct ls_policy_file *file;
	double took[TIMES];

	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t began = bench_ns();

		if (cli_open_policy(path, &file, error) < 0)
			return -1;
		took[i] = (double)(bench_ns() - began) / 1e6;
		ls_policy_file_close(&file);
	}
	bench_report("policy_open_ms", "ms", bench_median(took, TIMES), NULL,
		     "a policy with 200,000 overrides opened, checked");
	return 0;
}

static int measure(const char *path, struct question *drawn,
		   struct ls_error *error)
{
	struct ls_policy_file *file;

	if (write_bench_policy(path, error) < 0 || time_open(path, error) < 0 ||
	    cli_open_policy(path, &file, error) < 0)
		return -1;
	bench_report("policy_user_lookup_ns", "ns",
		     time_lookups(file, true, drawn), "floor_cache_miss_ns",
		     "an account's policy of 100,000");
	bench_report("policy_net_lookup_ns", "ns",
		     time_lookups(file, false, drawn), "floor_cache_miss_ns",
		     "an address's policy of 100,000 networks");
	ls_policy_file_close(&file);
	return 0;
}

int bench_policy(void)
{
	struct question *drawn = malloc(LOOKUPS * sizeof(*drawn));
	char dir[] = "/tmp/lockstep-bench.XXXXXX", path[64];
	struct ls_error error = { 0, "out of memory" };
	int ret = -1;

	if (mkdtemp(dir) == NULL) {
		cli_complain("bench: cannot make %s", dir);
		free(drawn);
		return -1;
	}
	snprintf(path, sizeof(path), "%s/policy.cdb", dir);
	if (drawn != NULL)
		ret = measure(path, drawn, &error);
	if (ret < 0)
		cli_complain("bench: policy: %s", error.text);
	unlink(path);
	rmdir(dir);
	free(drawn);
	return ret;
}
