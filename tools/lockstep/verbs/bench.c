/* bench.c - lockstep bench: what the engine costs on this machine
 *
 * Works on maps of its own in a temporary directory (on tmpfs where there is
 * one), through the same calls as the servers. Beside each figure stands what
 * the machine itself charges for the least of such work, measured in the same
 * run (bench-floor.c), so that figures of different machines, and of busy ones,
 * can be compared as ratios. Figures are medians of several rounds. */
#include "lockstep-config.h"

#include "cli.h"
#include "verbs/bench.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double bench_median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), ascending);
	return count % 2 != 0 ? values[count / 2]
			      : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct row {
	const char *key, *unit, *what;
	double value;
	const char *floor; /* key of the row that it is compared with */
};

enum { ROWS_MAX = 32 };
static struct row rows[ROWS_MAX];
static unsigned row_count;

void bench_report(const char *key, const char *unit, double value,
		  const char *floor, const char *what)
{
	if (row_count < ROWS_MAX)
		rows[row_count++] =
			(struct row){ key, unit, what, value, floor };
}

static const struct row *row_of(const char *key)
{
	for (unsigned i = 0; key != NULL && i < row_count; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static void print_table(void)
{
	for (unsigned i = 0; i < row_count; i++) {
		const struct row *floor = row_of(rows[i].floor);

		printf("%-44s %11.1f %-5s", rows[i].what, rows[i].value,
		       rows[i].unit);
		if (floor != NULL && floor->value > 0)
			printf("  %5.1f x %s", rows[i].value / floor->value,
			       floor->key + strlen("floor_"));
		putchar('\n');
	}
}

static int print_bench_json(void)
{
	json_t *object = json_object();
	int ret;

	for (unsigned i = 0; i < row_count; i++)
		json_object_set_new(object, rows[i].key,
				    json_real(rows[i].value));
	ret = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(object);
	return ret == 0 ? CLI_DONE : CLI_FAILED;
}

static int run_bench(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int option;

	(void)cli;
	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			return cli_help(&verb_bench);
		default:
			return cli_misused(&verb_bench);
		}
	}
	if (optind != argc)
		return cli_misused(&verb_bench);
	bench_floors();
	if (bench_policy() < 0 || bench_sending() < 0 ||
	    bench_engine() < 0)
		return CLI_FAILED;
	if (json)
		return print_bench_json();
	print_table();
	return CLI_DONE;
}

const struct verb verb_bench = {
	.name = "bench",
	.run = run_bench,
	.summary = "measure the engine on this machine",
	.usage = "usage: lockstep bench [--json]\n"
		 "\n"
		 "Measure the engine on maps of its own, beside what the "
		 "machine charges for the\n"
		 "least of such work. Takes less than 40 s and 600 MB of "
		 "/dev/shm.\n"
		 "\n"
		 "  -j, --json  one JSON object\n",
};
