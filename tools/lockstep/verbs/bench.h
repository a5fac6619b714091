/* bench.h - the parts of lockstep bench */
#ifndef LOCKSTEP_BENCH_H
#define LOCKSTEP_BENCH_H

#include <stdint.h>

uint64_t bench_ns(void); /* CLOCK_MONOTONIC */
/* The middle of the values, which it sorts. */
double bench_median(double *values, unsigned count);

/* Add a row. `key` is its name in --json and ends in the unit; `floor` the key
 * of the floor that it is compared with, or NULL; `what` for the table. */
void bench_report(const char *key, const char *unit, double value,
		  const char *floor, const char *what);

/* A state of the bench's own, under a clock that stands still. */
#define BENCH_NOW_MS UINT64_C(86400000)
#define BENCH_REAL_MS UINT64_C(1700000000000)
struct bed {
	char dir[64], policy[96], guard[96];
	struct ls_state *state;
};
/* Returns 0, or negative after a complaint; bench_bed_strip() then removes the
 * rest. */
int bench_bed_make(struct bed *bed, uint64_t subjects);
void bench_bed_strip(struct bed *bed);

/* Two processes, each `times` times what `work` does, beginning together. Returns
 * the ns that both together took for one, 0 when there was no second process. */
typedef void bench_work_fn(void *context, unsigned who, unsigned times);
double bench_two(void *context, unsigned times, bench_work_fn *work);

/* What the machine charges: reports the floor_* rows. */
void bench_floors(void);

/* What the engine takes: reports the others. Returns 0, or negative after a
 * complaint. */
int bench_engine(void);

/* What a message takes; the same. */
int bench_sending(void);

/* What a journal alone takes. */
void bench_journal(void);

/* What a large policy takes; the same. */
int bench_policy(void);

#endif
