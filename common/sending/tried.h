/* tried.h - what an account attempts to send, each distinct message counted once
 *
 * The same message is one of the same sender, recipients and, within a little,
 * size. It comes again when it was refused, and when it was accepted and a milter
 * or a filter behind us turned it away. */
#ifndef LS_TRIED_H
#define LS_TRIED_H

#include "sending/sent.h"

/* Was the message tried within a day? *key_r is for the functions below. */
bool ls_tried_find(const struct ls_sent *sent, uint64_t *key_r);

/* Charge it as attempted. Returns false when that is too much. What is charged it does
 * not need any more. */
bool ls_tried_charge(struct ls_sent *sent);

/* A message that was accepted, a minute ago or more, comes again, to the same people:
 * most likely something behind us, a milter, has put it off. It is not to be charged
 * again. What comes so is bounded: by the limits of messages and recipients, once more.
 *   key, again   as below */
bool ls_tried_is_paid(const struct ls_sent *sent, uint64_t key, bool again);

/* It is accepted: remember it for a day.
 *   again   what ls_tried_find() returned */
void ls_tried_accepted(const struct ls_sent *sent, uint64_t key, bool again);
/* It is refused. Returns whether it was so before, and not accepted since. */
bool ls_tried_refused(const struct ls_sent *sent, uint64_t key, bool again);

/* What is attempted begins at nothing. */
void ls_tried_empty(const struct ls_sent *sent);

#endif
