/* instance.h - which messages were decided already, and how
 *
 * One message may be asked about more than once: by several restrictions, or by
 * a client of the policy service that lost its connection and asks again. Postfix
 * names each transaction (`instance`), and each text that it ends with (the queue id);
 * what was answered to one is remembered in
 * a fixed table in the guard, so that another time it gets the same answer and
 * costs nothing. A bucket holds eight messages, and the oldest goes: several
 * thousand have to end between two questions about the same one before it is
 * forgotten, and charged again.
 *
 *    63                  27 26               7 6    5 4      0
 *   +----------------------+------------------+------+--------+
 *   |  hash of the name    | asked first, in s|answer| reason |   0: nobody's
 *   +----------------------+------------------+------+--------+
 *
 * Whoever asks first takes a word by one compare-and-swap, with no answer in it
 * yet, decides, and writes the answer. Two that ask at once choose the same word,
 * the oldest: one of them wins, the other finds the name there. Killed before the
 * answer, it leaves a word that says only that the message is not to be charged
 * again. */
#ifndef LS_INSTANCE_H
#define LS_INSTANCE_H

#include "lockstep.h"

#include <stdatomic.h>

enum { LS_INSTANCE_BUCKETS = 512, LS_INSTANCE_WAYS = 8 };

struct ls_instances {
	_Atomic uint64_t word[LS_INSTANCE_BUCKETS][LS_INSTANCE_WAYS];
};
_Static_assert(sizeof(struct ls_instances) == 32768, "part of the map format");

enum ls_instance_state {
	LS_INSTANCE_FIRST,   /* ours to decide, and to tell */
	LS_INSTANCE_ASKED,   /* another is at it, or was killed at it */
	LS_INSTANCE_DECIDED, /* *verdict_r and *reason_r */
};

/* Ask for a message, and take it if nobody did.
 *   key    its name, hashed, all 64 bits of it
 *   now    the map's clock
 *   instance_r  for ls_instance_tell(), when it is the first */
struct ls_instance {
	_Atomic uint64_t *place;
	uint64_t word;
};
enum ls_instance_state ls_instance_ask(struct ls_instances *instances,
				       uint64_t key, uint64_t now,
				       struct ls_instance *instance_r,
				       enum ls_verdict *verdict_r,
				       enum ls_reason *reason_r);

/* Remember the answer (LS_ADMIT, LS_DENY or LS_HOLD), unless the word was given
 * to another message meanwhile. */
void ls_instance_tell(const struct ls_instance *instance,
		      enum ls_verdict verdict, enum ls_reason reason);

#endif
