/* alias.h - names that mean another account
 *
 * A passdb may change the name of who logs in. The success teaches it: from then
 * on the typed name stands for the other account before any passdb is asked. An
 * alias that is not used for as long as a place stays familiar is forgotten, and
 * so is one whose slot is evicted: the next success teaches it again. */
#ifndef LS_ALIAS_H
#define LS_ALIAS_H

#include "state/state.h"

/* The key of the account that this name's key stands for. Its slot, if any, is
 * in the bucket of the name's own, which is looked at anyway.
 * Returns false when it is no alias. */
bool ls_alias_find(const struct ls_state *state, uint64_t typed, uint64_t now,
		   uint64_t *account_r);

/* Learn that `typed` stands for the account of that name, until then; but of the
 * names of one account only so many that are new each day. */
void ls_alias_learn(const struct ls_state *state, uint64_t typed,
		    const char *account, uint64_t until, uint64_t now);
void ls_alias_forget(const struct ls_state *state, uint64_t typed);

#endif
