/* test_killed.c - processes killed at any instruction, three at a time */
#include "lockstep-config.h"

#include "world_bed.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20, AT_ONCE = 3 };

static void attempt_for_ever(unsigned number)
{
	uint64_t seed = number;

	for (;;) {
		uint64_t dice = harness_random(&seed);
		char user[32], ip[32];

		snprintf(user, sizeof(user), "user%u", (unsigned)dice % 3000);
		snprintf(ip, sizeof(ip), "10.%u.%u.1",
			 (unsigned)(dice >> 16) % 8,
			 (unsigned)(dice >> 32) % 256);
		world_login(&world, user, ip,
			    dice >> 63 ? LS_OUTCOME_SUCCESS : LS_OUTCOME_WRONG);
	}
}

/* Killed at any instruction: no bucket is stuck, no subject has two slots. */
static void test_killed(void **state)
{
	const struct ls_map *guard;

	(void)state;
	world_set(&world, NULL, "subjects", "1024");
	world_set(&world, "ip", "failures", "3/10m, 0");
	world_open(&world, GUARD);
	guard = &world.state->guard;
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pid[AT_ONCE];

		for (unsigned i = 0; i < AT_ONCE; i++) {
			pid[i] = fork();
			assert_true(pid[i] >= 0);
			if (pid[i] == 0)
				attempt_for_ever(round * AT_ONCE + i + 1);
		}
		usleep(5000 + 997 * round);
		for (unsigned i = 0; i < AT_ONCE; i++) {
			assert_int_equal(kill(pid[i], SIGKILL), 0);
			assert_int_equal(waitpid(pid[i], NULL, 0), pid[i]);
		}
		for (uint64_t b = 0; b < guard->subjects.buckets; b++) {
			const struct ls_bucket *bucket =
				&guard->subjects.bucket[b];

			for (unsigned i = 0; i < LS_WAYS; i++)
				for (unsigned j = 0; j < i; j++) {
					uint64_t tag = bucket->tag[i] >> 16;

					assert_true(tag == 0 ||
						    tag != bucket->tag[j] >>
								    16);
				}
		}
		world_pass(&world, WORLD_MINUTE);
	}
	world_pass(&world, 40 * WORLD_DAY);
	/* Every bucket still takes a claim, and ends what the dead left. */
	for (uint64_t i = 0; i < 20000; i++) {
		struct ls_ref ref;

		check("claim",
		      ls_table_claim(&guard->subjects,
				     i * UINT64_C(0x9e3779b97f4a7c15),
				     LS_KIND_IP, world_now(&world), false,
				     &ref),
		      0);
	}
	for (uint64_t b = 0; b < guard->subjects.buckets; b++)
		check("intent", guard->subjects.bucket[b].intent >> 16, 0);
	check("works", world_guess(&world, "again", "172.16.0.1", 9), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
