/* journal.c - see journal.h
 *
 * Memory order: the number is stored with release after all other words, and
 * loaded with acquire before them; the words are loaded with acquire so that
 * the second look at the number cannot come before them. */
#include "lockstep-config.h"

#include "base/text.h"
#include "map/journal.h"

#include <string.h>

enum { TEXT_SIZE = 256 };

union content {
	uint64_t word[LS_RECORD_WORDS];
	struct {
		uint64_t state, check;
		uint8_t bits, event, outcome, verdict, wanted, reason, origin,
			strikes;
		uint8_t kind, user_len, more_len, marks;
		uint32_t untold;
		uint64_t at, until;
		uint8_t addr[16];
		char service[LS_SERVICE_MAX + 1], mech[LS_MECH_MAX + 1];
		char detail[LS_DETAIL_MAX + 1], user_and_more[TEXT_SIZE];
	} is;
};

enum { USER_WORD = 16, PAYLOAD_WORD = 2 };
_Static_assert(sizeof(union content) == 8 * LS_RECORD_WORDS, "no padding");
_Static_assert(offsetof(union content, is.user_and_more) == 8 * USER_WORD, "drawn so");

/* Both texts are no longer than their place. */
static bool fits(const union content *content)
{
	return content->is.user_len <= LS_USER_MAX &&
	       content->is.more_len <= LS_MORE_MAX &&
	       content->is.user_len + content->is.more_len <= TEXT_SIZE;
}

static unsigned words_used(const union content *content)
{
	return USER_WORD +
	       (content->is.user_len + content->is.more_len + 7U) / 8;
}

/* Multiply and fold: against accident, not against forgery. Whoever can write
 * to the map can also append a record. */
static uint64_t checksum(const union content *content, uint64_t number,
			 unsigned words)
{
	uint64_t sum = number ^ UINT64_C(0x6c6f636b73746570);

	for (unsigned i = PAYLOAD_WORD; i < words; i++) {
		sum = (sum ^ content->word[i]) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}

static void pack(const struct ls_record *record, union content *content)
{
	size_t user_len = strnlen(record->subject.user, LS_USER_MAX);
	size_t more_len = strnlen(record->more, LS_MORE_MAX);
	char *text = content->is.user_and_more;

	if (more_len > TEXT_SIZE - user_len)
		more_len = ls_whole_words(record->more, TEXT_SIZE - user_len);
	memset(content, 0, offsetof(union content, is.user_and_more));
	content->is.bits = record->subject.net.bits;
	content->is.event = (uint8_t)record->event;
	content->is.outcome = (uint8_t)record->outcome;
	content->is.verdict = (uint8_t)record->verdict;
	content->is.wanted = (uint8_t)record->wanted;
	content->is.reason = (uint8_t)record->reason;
	content->is.origin = (uint8_t)record->origin;
	content->is.strikes = (uint8_t)record->strikes;
	content->is.kind = (uint8_t)record->subject.kind;
	content->is.untold = record->untold;
	content->is.marks = (uint8_t)record->marks;
	content->is.at = record->at_ms;
	content->is.until = record->until_ms;
	memcpy(content->is.addr, record->subject.net.addr.octet,
	       sizeof(content->is.addr));
	memcpy(content->is.service, record->service,
	       strnlen(record->service, LS_SERVICE_MAX));
	memcpy(content->is.mech, record->mech,
	       strnlen(record->mech, LS_MECH_MAX));
	memcpy(content->is.detail, record->detail,
	       strnlen(record->detail, sizeof(record->detail) - 1));
	content->is.user_len = (uint8_t)user_len;
	content->is.more_len = (uint8_t)more_len;
	memset(text, 0, (user_len + more_len + 7) / 8 * 8);
	memcpy(text, record->subject.user, user_len);
	memcpy(text + user_len, record->more, more_len);
}

void ls_ring_append(const struct ls_ring *ring, const struct ls_record *record)
{
	union content content;
	uint64_t number = atomic_fetch_add_explicit(ring->head, 1,
						    memory_order_relaxed);
	struct ls_record_place *place = &ring->place[number % ring->records];
	unsigned words;

	/* The ring is larger than any cache. */
	__builtin_prefetch(&place->word[0], 1);
	__builtin_prefetch(&place->word[8], 1);
	__builtin_prefetch(&place->word[16], 1);
	pack(record, &content);
	words = words_used(&content);
	content.is.check = checksum(&content, number, words);
	for (unsigned i = 1; i < words; i++)
		atomic_store_explicit(&place->word[i], content.word[i],
				      memory_order_relaxed);
	atomic_store_explicit(&place->word[0], number + 1,
			      memory_order_release);
}

static void unpack(const union content *content, uint64_t number,
		   struct ls_record *record_r)
{
	memset(record_r, 0, sizeof(*record_r));
	record_r->number = number;
	record_r->at_ms = content->is.at;
	record_r->until_ms = content->is.until;
	record_r->event = content->is.event;
	record_r->outcome = content->is.outcome;
	record_r->verdict = content->is.verdict;
	record_r->wanted = content->is.wanted;
	record_r->reason = content->is.reason;
	record_r->origin = content->is.origin;
	record_r->strikes = content->is.strikes;
	record_r->untold = content->is.untold;
	record_r->marks = content->is.marks;
	record_r->subject.kind = content->is.kind;
	record_r->subject.net.bits = content->is.bits;
	memcpy(record_r->subject.net.addr.octet, content->is.addr,
	       sizeof(content->is.addr));
	memcpy(record_r->service, content->is.service, LS_SERVICE_MAX);
	memcpy(record_r->mech, content->is.mech, LS_MECH_MAX);
	memcpy(record_r->detail, content->is.detail,
	       sizeof(record_r->detail) - 1);
	memcpy(record_r->subject.user, content->is.user_and_more,
	       content->is.user_len);
	memcpy(record_r->more, content->is.user_and_more + content->is.user_len,
	       content->is.more_len);
}

/* Words of the checked kind only. A writer of ours writes no others. */
static bool is_known_record(const union content *content)
{
	return content->is.bits <= 128 &&
	       content->is.event < LS_EVENT_COUNT &&
	       content->is.outcome < LS_OUTCOME_COUNT &&
	       content->is.verdict < LS_VERDICT_COUNT &&
	       content->is.wanted < LS_VERDICT_COUNT &&
	       content->is.reason < LS_REASON_COUNT &&
	       content->is.origin < LS_ORIGIN_COUNT &&
	       content->is.kind < LS_KIND_COUNT &&
	       (content->is.marks & ~(unsigned)LS_MARKS) == 0;
}

/* Copy the record of this number. Returns false when it is not whole. */
static bool copy(const struct ls_record_place *place, uint64_t number,
		 union content *content)
{
	unsigned words = USER_WORD;

	for (unsigned i = 0; i < words; i++) {
		content->word[i] = atomic_load_explicit(&place->word[i],
							memory_order_acquire);
		if (i == USER_WORD - 1 && fits(content))
			words = words_used(content);
	}
	return atomic_load_explicit(&place->word[0], memory_order_relaxed) ==
		       number + 1 &&
	       fits(content) && is_known_record(content) &&
	       content->is.check == checksum(content, number, words);
}

enum { STUCK_MS = 1000 };

/* `next` was taken by a writer and is not there. Returns whether to give it up:
 * a newer number was taken, and this one a second ago. */
static bool give_up(struct ls_cursor *cursor, uint64_t head, uint64_t now)
{
	if (head <= cursor->next + 1)
		return false;
	if (cursor->stuck_ms == 0) {
		cursor->stuck_ms = now;
		cursor->stuck_head = head;
		return false;
	}
	return now >= cursor->stuck_ms + STUCK_MS;
}

static void advance(struct ls_cursor *cursor)
{
	cursor->next++;
	if (cursor->next >= cursor->stuck_head)
		cursor->stuck_ms = 0;
}

int ls_ring_next(const struct ls_ring *ring, struct ls_cursor *cursor,
		 uint64_t now, struct ls_record *record_r)
{
	uint64_t head = atomic_load_explicit(ring->head, memory_order_acquire);
	union content content;

	if (cursor->next > head) /* of another map, or a hostile head */
		cursor->next = head;
	if (head - cursor->next > ring->records) {
		cursor->lost += head - cursor->next - ring->records;
		cursor->next = head - ring->records;
	}
	while (cursor->next < head) {
		uint64_t number = cursor->next;
		const struct ls_record_place *place =
			&ring->place[number % ring->records];
		uint64_t state = atomic_load_explicit(&place->word[0],
						      memory_order_acquire);

		if (state == number + 1 && copy(place, number, &content)) {
			advance(cursor);
			unpack(&content, number, record_r);
			return 1;
		}
		if (state <= number && !give_up(cursor, head, now))
			return 0;
		advance(cursor);
		cursor->lost++;
	}
	return 0;
}
