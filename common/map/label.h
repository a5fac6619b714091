/* label.h - the readable form of locked subjects
 *
 * A slot knows its subject by a hash; people want the address or the name. So
 * a subject that is locked gets a record in a second table of the same make:
 *
 *   word 0       until when it is wanted (word.h); bit 0: for a lock; bit 1: for an
 *                account that has logged in, or the one that an alias means
 *   word 1       | kind | bits | 0 ... |
 *   words 2, 3   address
 *   words 4..35  user name, NUL-padded
 *
 * The content follows from the subject, so processes that write one label at
 * once write the same bytes; and a reader hashes what it read: it is the
 * subject's label if the hash is the subject's key, and else torn, a left-over
 * or forged, and no label. */
#ifndef LS_LABEL_H
#define LS_LABEL_H

#include "map/table.h"

enum { LS_LABEL_TEXT_WORDS = 35 };

struct ls_label {
	struct ls_word until;
	_Atomic uint64_t text[LS_LABEL_TEXT_WORDS];
};
_Static_assert(sizeof(struct ls_label) == 288, "part of the map format");

/* What a label is kept for: names go before locks. */
enum ls_label_for { LS_LABEL_NAME, LS_LABEL_LOCK };

/* Keep the label of a subject until then, at least. When there is no room, the
 * name, or else the lock's label, that is wanted for the shortest time goes. */
void ls_label_put(const struct ls_table *labels, uint64_t key,
		  const struct ls_subject *subject, enum ls_label_for what,
		  uint64_t until, uint64_t now);

/* Returns true with the subject of this key, false when there is no label. */
bool ls_label_get(const struct ls_table *labels, const uint8_t *hash_key,
		  uint64_t key, enum ls_kind kind,
		  struct ls_subject *subject_r);

/* The subject that a record of the table describes, if it has one that could be;
 * whether it is the record's own, its key tells. */
bool ls_label_read(const struct ls_ref *ref, enum ls_kind kind,
		   struct ls_subject *subject_r);

/* Until when the record is wanted; 0: no more. */
static inline uint64_t ls_label_until(const struct ls_ref *ref)
{
	return ls_slot_get(ref, 0) & ~UINT64_C(3);
}

/* Has the account logged in, as far as is remembered? */
bool ls_label_is_name(const struct ls_table *labels, uint64_t key,
		      enum ls_kind kind, uint64_t now);

ls_worth_fn ls_label_worth;

#endif
