/* retry.h - when a message is tried again
 *
 * Pure decisions: no clock, no I/O. The schedule of one message is 5 s, 30 s,
 * 2 min, 10 min, 1 h, 3 h and then every 6 h, each a fifth shorter or longer
 * at random so that many senders do not come back at once. A receiver that
 * does not answer, or says that it is overloaded, rests as a whole, at most
 * 5 min or for as long as its Retry-After says (1 s to 1 h). */
#ifndef LOCKSTEPD_RETRY_H
#define LOCKSTEPD_RETRY_H

#include <stdint.h>

enum retry_answer {
	RETRY_ACCEPTED, /* 2xx: done */
	RETRY_GONE,     /* 410: nobody wants messages there any more */
	RETRY_BUSY,     /* no answer, 408, 429, 5xx: the receiver's trouble */
	RETRY_REFUSED,  /* anything else: this message is not taken; redirects,
			 * which are not followed, are here */
};

/* What an HTTP status means; below 200, 0 above all: no answer. */
enum retry_answer retry_classify(long status);

/* How long a message waits after its `attempts`-th failure (1, 2, ...).
 *   jitter  a random number of the full range */
uint64_t retry_message_ms(unsigned attempts, uint32_t jitter);

/* How long the receiver rests after its `failures`-th failure in a row.
 *   after_s  its Retry-After in seconds, 0 when there was none */
uint64_t retry_rest_ms(unsigned failures, int64_t after_s, uint32_t jitter);

#endif
