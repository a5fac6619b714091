/* bench-sending.c - the rows of lockstep bench that tell what a message takes:
 * its recipients gathered, its charges, its contacts */
#include "lockstep-config.h"

#include "lockstep.h"
#include "verbs/bench.h"

#include <inttypes.h>
#include <stdio.h>

enum { ROUNDS = 7, PEOPLE = 64, RECIPIENTS = 3, TIMES = 20000 };
#define DAY_MS UINT64_C(86400000)

/* One message of a person, to three of those that it always writes to. */
static void send(struct ls_state *state, uint32_t who, uint64_t number,
		 uint64_t size, uint64_t real_ms)
{
	static struct ls_gathered gathered;
	char user[32], instance[32], to[64];
	struct ls_message message = {
		.instance = instance,
		.user = user,
		.sender = user,
		.queue_id = "4ZkQ0v1Xyz",
		.recipients = RECIPIENTS,
		.size = size,
		.gathered = &gathered,
	};
	struct ls_decision decision;

	message.ip.octet[10] = message.ip.octet[11] = 0xff;
	message.ip.octet[12] = 10;
	message.ip.octet[15] = (uint8_t)who;
	snprintf(user, sizeof(user), "user%" PRIu32 "@example.com", who);
	snprintf(instance, sizeof(instance), "%" PRIx64 ".5eed", number);
	for (unsigned i = 0; i < RECIPIENTS; i++) {
		snprintf(to, sizeof(to), "friend%u-%u@example.net", who,
			 (unsigned)(number + i) % 10);
		ls_gather(state, &gathered, instance, user, to);
	}
	ls_send(state, &message, BENCH_NOW_MS, real_ms, &decision);
}

/* ns for one message. */
static double time_messages(struct ls_state *state, uint64_t *number,
			    uint32_t people, uint64_t real_ms)
{
	double round[ROUNDS];

	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t began = bench_ns();

		for (unsigned i = 0; i < TIMES; i++)
			send(state, i % people, ++*number, 1000, real_ms);
		round[r] = (double)(bench_ns() - began) / (double)TIMES;
	}
	return bench_median(round, ROUNDS);
}

int bench_sending(void)
{
	uint64_t number = 0;
	struct bed bed;
	int ret = bench_bed_make(&bed, 262144);

	if (ret < 0) {
		bench_bed_strip(&bed);
		return ret;
	}
	/* A history, so that new recipients are looked for. */
	time_messages(bed.state, &number, PEOPLE, BENCH_REAL_MS);
	bench_report("send_ns", "ns",
		     time_messages(bed.state, &number, PEOPLE,
				   BENCH_REAL_MS + 20 * DAY_MS),
		     "floor_siphash_ns",
		     "a message of 3 recipients: gathered, charged");
	bench_bed_strip(&bed);
	return 0;
}
