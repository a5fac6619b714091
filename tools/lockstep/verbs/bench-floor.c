/* bench-floor.c - what the machine itself charges
 *
 * The least work of which the engine's is made: one SipHash of 32 bytes, one
 * cache miss at a random place of a map of a million subjects, one
 * compare-and-swap with nobody near and one with another process at the same
 * word. */
#include "lockstep-config.h"

#include "verbs/bench.h"

#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 7 };

static void floor_siphash(void)
{
	enum { TIMES = 200000 };
	uint8_t key[crypto_shorthash_KEYBYTES] = { 1 };
	uint8_t bytes[32] = { 2 };
	double round[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t began = bench_ns();

		/* Each hash goes into the next: none can be skipped. */
		for (unsigned j = 0; j < TIMES; j++)
			crypto_shorthash(bytes, bytes, sizeof(bytes), key);
		round[i] = (double)(bench_ns() - began) / (double)TIMES;
	}
	bench_report("floor_siphash_ns", "ns", bench_median(round, ROUNDS),
		     NULL, "floor: SipHash of 32 bytes");
}

/* A chain through every line of a map's size in random order (Sattolo's
 * shuffle gives one cycle): each step must wait for the one before. */
static void floor_cache_miss(void)
{
	enum { LINE = 64, TIMES = 1000000 };
	const size_t size = (size_t)124 << 20, lines = size / LINE;
	double round[ROUNDS];
	uint32_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static _Atomic uint32_t end_of_chain;
	uint32_t at = 0;

	if (map == MAP_FAILED)
		return;
	for (size_t i = 0; i < lines; i++)
		map[i * (LINE / 4)] = (uint32_t)i;
	for (size_t i = lines - 1; i > 0; i--) {
		size_t j = randombytes_uniform((uint32_t)i);
		uint32_t *a = &map[i * (LINE / 4)], *b = &map[j * (LINE / 4)];
		uint32_t swap = *a;

		*a = *b;
		*b = swap;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t began = bench_ns();

		for (unsigned j = 0; j < TIMES; j++)
			at = map[(size_t)at * (LINE / 4)];
		round[i] = (double)(bench_ns() - began) / (double)TIMES;
	}
	atomic_store(&end_of_chain, at); /* wanted, so the chain is walked */
	munmap(map, size);
	bench_report("floor_cache_miss_ns", "ns", bench_median(round, ROUNDS),
		     NULL, "floor: a random cache miss in 124 MiB");
}

static double swap_rounds(_Atomic uint64_t *word)
{
	enum { TIMES = 500000 };
	double round[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t began = bench_ns();

		for (unsigned j = 0; j < TIMES; j++) {
			uint64_t old = atomic_load(word);

			while (!atomic_compare_exchange_weak(word, &old,
							     old + 1)) {
			}
		}
		round[i] = (double)(bench_ns() - began) / (double)TIMES;
	}
	return bench_median(round, ROUNDS);
}

static void floor_cas(void)
{
	_Atomic uint64_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t other;

	if (words == MAP_FAILED)
		return;
	bench_report("floor_cas_ns", "ns", swap_rounds(&words[0]), NULL,
		     "floor: compare-and-swap, alone");
	other = fork();
	if (other == 0) {
		while (atomic_load(&words[16]) == 0) {
			uint64_t old = atomic_load(&words[0]);

			atomic_compare_exchange_weak(&words[0], &old, old + 1);
		}
		_exit(0);
	}
	if (other > 0) {
		bench_report("floor_cas_contended_ns", "ns",
			     swap_rounds(&words[0]), NULL,
			     "floor: compare-and-swap, two processes");
		atomic_store(&words[16], 1);
		waitpid(other, NULL, 0);
	}
	munmap(words, 4096);
}

void bench_floors(void)
{
	floor_siphash();
	floor_cache_miss();
	floor_cas();
}
