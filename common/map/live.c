/* live.c - see live.h */
#include "lockstep-config.h"

#include "base/text.h"
#include "map/live.h"

#include <string.h>

enum state { FREE, TAKEN, LIVE };

enum {
	WORD_HOLDER = 0,
	WORD_SPACE = 1,
	WORD_BEGAN = 2,
	WORD_USER_KEY = 3,
	WORD_TEXT = 4, /* and all that follow */
	TEXT_WORDS = LS_LIVE_WORDS - WORD_TEXT,
};

enum {
	GENERATION_BIT = 48,
	PID_BIT = 26,
	PID_MASK = 0x3fffff,
	START_BIT = 2,
	START_MASK = 0xffffff,
	STATE_MASK = 3,
};

/* What stands in the text words. */
union content {
	uint64_t word[TEXT_WORDS];
	struct {
		uint8_t addr[16];
		char service[LS_SERVICE_MAX + 1];
		uint32_t seat;
		char id[LS_DETAIL_MAX + 1];
		char user[256];
	} is;
};
_Static_assert(sizeof(union content) == 8 * TEXT_WORDS, "no padding");

enum { SEAT_TEXT_WORD = 3 }; /* the second half of it */
_Static_assert(offsetof(union content, is.seat) == 8 * SEAT_TEXT_WORD + 4,
	       "drawn so");

static _Atomic uint64_t *live_word(const struct ls_live *live, uint64_t index,
				   unsigned word)
{
	return &live->place[index].word[word];
}

static uint64_t hold_holder(uint64_t generation,
			    const struct ls_process *process, enum state state)
{
	return generation << GENERATION_BIT |
	       (uint64_t)(process->pid & PID_MASK) << PID_BIT |
	       (uint64_t)(process->start & START_MASK) << START_BIT |
	       (uint64_t)state;
}

static enum state state_of(uint64_t bits)
{
	return (enum state)(bits & STATE_MASK);
}

static void write_record(const struct ls_live *live, uint64_t index,
			 const struct ls_live_record *record)
{
	union content content;

	memset(&content, 0, sizeof(content));
	memcpy(content.is.addr, record->ip.octet, sizeof(content.is.addr));
	ls_copy(content.is.service, sizeof(content.is.service),
		record->service);
	ls_copy(content.is.id, sizeof(content.is.id), record->id);
	ls_copy(content.is.user, LS_USER_MAX + 1, record->user);
	atomic_store(live_word(live, index, WORD_SPACE), record->process.space);
	atomic_store(live_word(live, index, WORD_BEGAN), record->began);
	atomic_store(live_word(live, index, WORD_USER_KEY), record->user_key);
	for (unsigned i = 0; i < TEXT_WORDS; i++)
		atomic_store_explicit(live_word(live, index, WORD_TEXT + i),
				      content.word[i], memory_order_relaxed);
}

bool ls_live_take(const struct ls_live *live, uint64_t from,
		  const struct ls_live_record *record, struct ls_hold *hold_r)
{
	hold_r->bits = 0;
	for (uint64_t i = 0; i < LS_LIVE_PROBES && i < live->places; i++) {
		uint64_t index = ls_live_at(live, from, i);
		uint64_t old = atomic_load(live_word(live, index, WORD_HOLDER));
		uint64_t bits = hold_holder((old >> GENERATION_BIT) + 1,
					    &record->process, TAKEN);

		if (state_of(old) != FREE ||
		    !atomic_compare_exchange_strong(
			    live_word(live, index, WORD_HOLDER), &old, bits))
			continue;
		write_record(live, index, record);
		hold_r->place = (uint32_t)index;
		hold_r->bits = bits;
		return true;
	}
	return false;
}

void ls_live_show(const struct ls_live *live, struct ls_hold *hold)
{
	uint64_t old = hold->bits;
	uint64_t bits = (old & ~(uint64_t)STATE_MASK) | LIVE;

	if (atomic_compare_exchange_strong(
		    live_word(live, hold->place, WORD_HOLDER), &old, bits))
		hold->bits = bits;
}

void ls_live_set_seat(const struct ls_live *live, const struct ls_hold *hold,
		      uint32_t seat)
{
	unsigned at = WORD_TEXT + SEAT_TEXT_WORD;
	union content content = { { 0 } };

	content.word[SEAT_TEXT_WORD] =
		atomic_load(live_word(live, hold->place, at));
	content.is.seat = seat;
	atomic_store(live_word(live, hold->place, at),
		     content.word[SEAT_TEXT_WORD]);
}

bool ls_live_free(const struct ls_live *live, const struct ls_hold *hold)
{
	uint64_t old = hold->bits;

	if (hold->place >= live->places || state_of(old) == FREE ||
	    atomic_load(live_word(live, hold->place, WORD_HOLDER)) != old)
		return false;
	/* The next one may be killed before it writes its own: then only its
	 * number counts. */
	atomic_store(live_word(live, hold->place, WORD_SPACE), 0);
	return atomic_compare_exchange_strong(
		live_word(live, hold->place, WORD_HOLDER), &old,
		old >> GENERATION_BIT << GENERATION_BIT);
}

/* Whoever wrote it, a text ends within its place. */
static void read_live_text(const union content *content,
			   struct ls_live_record *record_r)
{
	memcpy(record_r->ip.octet, content->is.addr,
	       sizeof(record_r->ip.octet));
	memcpy(record_r->service, content->is.service, LS_SERVICE_MAX);
	memcpy(record_r->id, content->is.id, LS_DETAIL_MAX);
	memcpy(record_r->user, content->is.user, LS_USER_MAX);
	record_r->seat = content->is.seat;
}

bool ls_live_read(const struct ls_live *live, uint64_t index, bool live_only,
		  struct ls_live_record *record_r)
{
	uint64_t bits = atomic_load(live_word(live, index, WORD_HOLDER));
	union content content;

	if (state_of(bits) == FREE || (live_only && state_of(bits) != LIVE))
		return false;
	memset(record_r, 0, sizeof(*record_r));
	record_r->hold.place = (uint32_t)index;
	record_r->hold.bits = bits;
	record_r->live = state_of(bits) == LIVE;
	record_r->process.pid = bits >> PID_BIT & PID_MASK;
	record_r->process.start = bits >> START_BIT & START_MASK;
	record_r->process.space =
		atomic_load(live_word(live, index, WORD_SPACE));
	record_r->began = atomic_load(live_word(live, index, WORD_BEGAN));
	record_r->user_key = atomic_load(live_word(live, index, WORD_USER_KEY));
	for (unsigned i = 0; i < TEXT_WORDS; i++)
		content.word[i] = atomic_load_explicit(
			live_word(live, index, WORD_TEXT + i),
			memory_order_acquire);
	read_live_text(&content, record_r);
	return atomic_load(live_word(live, index, WORD_HOLDER)) == bits;
}

bool ls_looker_sees_end(const struct ls_looker *looker,
			const struct ls_process *process)
{
	if (looker->strangers_are_gone && process->space != 0 &&
	    process->space != looker->self.space)
		return true;
	return ls_process_is_gone(looker->procfd, &looker->self, process);
}

/* ---- seats ------------------------------------------------------------ */

enum {
	SEAT_PLACE_BITS = 24,
	BEGAN_AHEAD_MS = 60 * 1000, /* clocks of processes differ by less */
};
_Static_assert(LS_LIVE_MAX <= UINT64_C(1) << SEAT_PLACE_BITS, "place and one");

uint64_t ls_seat_value(const struct ls_hold *hold)
{
	return hold->bits >> GENERATION_BIT << SEAT_PLACE_BITS |
	       (hold->place + 1);
}

bool ls_seat_is_one(const struct ls_live *live, uint64_t value)
{
	return (value & (LS_LIVE_MAX - 1)) <= live->places;
}

bool ls_seat_is_taken(const struct ls_live *live, uint64_t value,
		      const struct ls_looker *looker, uint64_t now)
{
	uint64_t place = value & (LS_LIVE_MAX - 1), bits, began;
	struct ls_process process;

	if (place == 0 || place > live->places)
		return false;
	bits = atomic_load(live_word(live, place - 1, WORD_HOLDER));
	if (state_of(bits) == FREE ||
	    bits >> GENERATION_BIT != value >> SEAT_PLACE_BITS)
		return false;
	/* One that is being taken has not said it yet. */
	began = atomic_load(live_word(live, place - 1, WORD_BEGAN));
	if (state_of(bits) == LIVE &&
	    (began > now + BEGAN_AHEAD_MS || began + LS_SEAT_AGE_MS < now))
		return false;
	if (looker == NULL)
		return true;
	process.pid = bits >> PID_BIT & PID_MASK;
	process.start = bits >> START_BIT & START_MASK;
	process.space = atomic_load(live_word(live, place - 1, WORD_SPACE));
	return !ls_looker_sees_end(looker, &process) &&
	       (looker->master == 0 || looker->self.pid == process.pid ||
		ls_process_is_mail(looker->procfd, looker->master, &process));
}
