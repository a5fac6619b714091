/* label.c - see label.h */
#include "lockstep-config.h"

#include "base/key.h"
#include "map/label.h"

#include <string.h>

union text {
	uint64_t word[LS_LABEL_TEXT_WORDS];
	struct {
		uint8_t kind, bits, zero[6];
		uint8_t addr[16];
		char user[256];
	} is;
};
_Static_assert(sizeof(union text) == 8 * LS_LABEL_TEXT_WORDS, "no padding");

enum { PUT_TRIES = 16 };

static struct ls_label *label_of(const struct ls_ref *ref)
{
	return (struct ls_label *)(void *)ref->slot;
}

/* Word 0 for a label that is wanted until then too. */
static uint64_t is_later_label(const struct ls_ref *ref, enum ls_label_for what,
			       uint64_t until)
{
	uint64_t old = ls_slot_get(ref, 0);
	uint64_t bits = (old & 3) | (what == LS_LABEL_LOCK ? 1 : 2);

	return ((old > until ? old : until) & ~UINT64_C(3)) | bits;
}

void ls_label_put(const struct ls_table *labels, uint64_t key,
		  const struct ls_subject *subject, enum ls_label_for what,
		  uint64_t until, uint64_t now)
{
	union text text = { .word = { 0 } };
	struct ls_ref ref;

	text.is.kind = (uint8_t)subject->kind;
	text.is.bits = subject->net.bits;
	memcpy(text.is.addr, subject->net.addr.octet, sizeof(text.is.addr));
	memcpy(text.is.user, subject->user,
	       strnlen(subject->user, LS_USER_MAX));
	/* Until it is raised, the record is worth nothing, and may go to
	 * another label: then this text would spoil that one. */
	for (unsigned tries = 0; tries < PUT_TRIES; tries++) {
		if (ls_table_claim(labels, key, subject->kind, now, true,
				   &ref) < 0)
			return;
		if (!ls_slot_set(&ref, 0, is_later_label(&ref, what, until)))
			continue;
		for (unsigned i = 0; i < LS_LABEL_TEXT_WORDS; i++)
			atomic_store_explicit(&label_of(&ref)->text[i],
					      text.word[i],
					      memory_order_relaxed);
		if (ls_ref_stands(&ref))
			return;
	}
}

bool ls_label_read(const struct ls_ref *ref, enum ls_kind kind,
		   struct ls_subject *subject_r)
{
	union text text;

	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	for (unsigned i = 0; i < LS_LABEL_TEXT_WORDS; i++)
		text.word[i] = atomic_load_explicit(&label_of(ref)->text[i],
						    memory_order_relaxed);
	if (text.is.kind != (uint8_t)kind || text.is.bits > 128)
		return false;
	subject_r->net.bits = text.is.bits;
	memcpy(subject_r->net.addr.octet, text.is.addr, sizeof(text.is.addr));
	memcpy(subject_r->user, text.is.user, LS_USER_MAX);
	return true;
}

bool ls_label_is_name(const struct ls_table *labels, uint64_t key,
		      enum ls_kind kind, uint64_t now)
{
	struct ls_ref ref;
	uint64_t until;

	if (ls_table_find(labels, key, kind, &ref) < 0)
		return false;
	until = ls_slot_get(&ref, 0);
	return (until & 2) != 0 && until > now;
}

bool ls_label_get(const struct ls_table *labels, const uint8_t *hash_key,
		  uint64_t key, enum ls_kind kind, struct ls_subject *subject_r)
{
	struct ls_ref ref;

	memset(subject_r, 0, sizeof(*subject_r));
	subject_r->kind = kind;
	return ls_table_find(labels, key, kind, &ref) == 0 &&
	       ls_label_read(&ref, kind, subject_r) &&
	       ls_key_subject(hash_key, subject_r) == key;
}

struct ls_worth_of ls_label_worth(const struct ls_slot *record,
				  enum ls_kind kind, uint32_t stamp,
				  uint64_t now)
{
	uint64_t until = ls_word_value(atomic_load(&record->word[0].bits),
				       stamp);

	(void)kind;
	if (until <= now)
		return (struct ls_worth_of){ LS_WORTH_IDLE, false, until };
	return (struct ls_worth_of){ (until & 1) != 0 ? LS_WORTH_STRANGER
						      : LS_WORTH_LITTLE,
				     false, until };
}
